//! Brokers with rules of their own, and what they tell.

use std::sync::Arc;

use minka::client::{Admin, AdminConfig, Message};
use minka::engine::{BrokerEvent, Changed, EventKind, Hooks, Login, Passing, Verdict};

use crate::world::{PATIENCE, Place, World, nothing_comes, poll, send, take, values};

pub(crate) fn admission_changes_and_rejects(place: Place) {
    let admit = |record: &Passing<'_>| match record.value {
        Some(b"small") => {
            let value = format!("large, from {}", record.peer.client_id).into_bytes();
            let headers = vec![(b"stamp".to_vec(), Some(record.topic.as_bytes().to_vec()))];
            Verdict::Change(Changed {
                key: record.key.map(<[u8]>::to_vec),
                value: Some(value),
                headers,
            })
        }
        Some(b"rotten") => Verdict::Refuse("nobody eats that".to_owned()),
        _ => Verdict::Pass,
    };
    let hooks = Hooks { admission: Some(Arc::new(admit)), ..Hooks::default() };
    let world = World::with_hooks(place, &[], hooks);
    world.topic("t");
    let producer = world.producer_with(&[("client.id", "cook")]);
    send(&producer, Message::new("t", b"plain")).unwrap();
    let error = send(&producer, Message::new("t", b"rotten")).unwrap_err();
    assert!(error.to_string().contains("nobody eats that"), "{error}");
    assert!(!error.kind().is_retriable(), "{:?}", error.kind());
    send(&producer, Message::new("t", b"small").with_key(b"k")).unwrap();
    let all = take(&mut world.reader("t"), 2);
    assert_eq!((all[0].text(), all[0].offset), ("plain".to_owned(), 0));
    let changed = &all[1];
    assert_eq!((changed.text(), changed.offset), ("large, from cook".to_owned(), 1));
    assert_eq!(changed.key.as_deref(), Some(&b"k"[..]));
    assert_eq!(changed.headers, [(b"stamp".to_vec(), Some(b"t".to_vec()))]);
}

pub(crate) fn delivery_hides_and_changes(place: Place) {
    let deliver = |record: &Passing<'_>| match (record.value, record.offset) {
        (Some(b"secret"), Some(1)) => Verdict::Refuse("not for you".to_owned()),
        (Some(b"card 4111"), Some(2)) => {
            let value = Some(b"card ****".to_vec());
            Verdict::Change(Changed { value, ..Changed::default() })
        }
        _ => Verdict::Pass,
    };
    let hooks = Hooks { delivery: Some(Arc::new(deliver)), ..Hooks::default() };
    let world = World::with_hooks(place, &[], hooks);
    world.topic("t");
    // One batch for all: what is left out lies between others.
    let producer = world.producer_with(&[("linger.ms", "1000")]);
    for value in ["a", "secret", "card 4111", "b"] {
        producer.send(Message::new("t", value.as_bytes())).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let mut reader = world.reader("t");
    let all = take(&mut reader, 3);
    let came: Vec<_> = all.iter().map(|got| (got.offset, got.text())).collect();
    let expected = [(0, "a"), (2, "card ****"), (3, "b")];
    assert_eq!(came, expected.map(|(offset, text)| (offset, text.to_owned())));
    assert_eq!(reader.position("t", 0).unwrap(), Some(4));
    nothing_comes(&mut reader);

    // In a queue group, what is left out counts as accepted.
    world.queue_group("g", &[]);
    let mut worker = world.worker("g", "t");
    assert_eq!(values(&mut worker, 3), ["a", "card ****", "b"]);
    let records = worker.poll(crate::world::MOMENT).unwrap();
    assert!(records.is_empty());
    for offset in [0, 2, 3] {
        let accept = minka::client::Acknowledgement::Accept;
        worker.acknowledge("t", 0, offset, accept).unwrap();
    }
    worker.commit().unwrap();
    world.broker().wait_until_idle(Some("g"), PATIENCE).unwrap();
}

pub(crate) fn authentication() {
    let admit = |login: &Login<'_>| match (login.user, login.password) {
        ("anna", "right") => Ok(()),
        ("anna", _) => Err("anna has another password".to_owned()),
        (user, _) => Err(format!("nobody knows {user}")),
    };
    let hooks = Hooks { authentication: Some(Arc::new(admit)), ..Hooks::default() };
    let world = World::with_hooks(Place::Socket, &[], hooks);
    let login = [("sasl.username", "anna"), ("sasl.password", "right")];
    let producer = world.producer_with(&login);
    assert_eq!(send(&producer, Message::new("t", b"v")).unwrap().offset, Some(0));
    let mut consumer = world.consumer(&login);
    consumer.assign(&[("t", 0, minka::client::StartAt::Earliest)]).unwrap();
    assert_eq!(values(&mut consumer, 1), ["v"]);

    let ask = |credentials: &[(&str, &str)]| {
        let mut config = AdminConfig::default();
        for (name, value) in credentials.iter().chain(&[("default.api.timeout.ms", "2000")]) {
            config.set(name, value).unwrap();
        }
        Admin::open(world.target(), config).unwrap().topics()
    };
    assert_eq!(ask(&login).unwrap().len(), 1);
    for (user, password, reason) in
        [("anna", "wrong", "anna has another password"), ("otto", "right", "nobody knows otto")]
    {
        let error = ask(&[("sasl.username", user), ("sasl.password", password)]).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!error.kind().is_retriable(), "{error}");
        assert!(!error.to_string().contains(password), "{error}");
    }
    ask(&[]).unwrap_err();
    let wrong = [("sasl.username", "anna"), ("sasl.password", "wrong")];
    let producer = world.producer_with(&wrong);
    let error = send(&producer, Message::new("t", b"v")).unwrap_err();
    assert!(error.to_string().contains("anna has another password"), "{error}");
    let mut consumer = world.consumer(&wrong);
    consumer.assign(&[("t", 0, minka::client::StartAt::Earliest)]).unwrap();
    let error = poll(&mut consumer, PATIENCE).unwrap_err();
    assert!(error.to_string().contains("anna has another password"), "{error}");
    // Clients in this process are not asked.
    let admin = Admin::open(world.broker(), AdminConfig::default()).unwrap();
    assert_eq!(admin.topics().unwrap().len(), 1);
}

pub(crate) fn event_stream(place: Place) {
    let world = World::new(place);
    let mut events = world.broker().watch_events(100);
    world.topic("t");
    world.queue_group("g", &[("minka.dead.letter.enable", "true")]);
    world.send("t", &["bad"]);
    let mut worker = world.worker("g", "t");
    let records = worker.poll(PATIENCE).unwrap();
    worker.reject(&records.iter().next().unwrap()).unwrap();
    worker.commit().unwrap();
    let mut next = |kind| loop {
        // Others are told of between these: connections, the topic of dead letters.
        let event = events.next(PATIENCE).unwrap().unwrap();
        if event.kind == kind {
            return event;
        }
    };
    let created: BrokerEvent = next(EventKind::TopicCreated);
    assert_eq!((created.topic.as_deref(), created.partition), (Some("t"), Some(1)));
    let joined = next(EventKind::MemberJoined);
    assert_eq!((joined.group.as_deref(), joined.client.as_deref()), (Some("g"), Some("minka")));
    assert!(joined.member.is_some());
    let buried = next(EventKind::DeadLettered);
    assert_eq!((buried.topic.as_deref(), buried.partition), (Some("t"), Some(0)));
    assert_eq!((buried.offset, buried.group.as_deref()), (Some(0), Some("g")));
    worker.close().unwrap();
    let left = next(EventKind::MemberLeft);
    assert_eq!((left.member, left.group), (joined.member, joined.group));
    assert!(created.time <= joined.time && joined.time <= buried.time && buried.time <= left.time);
    world.embedded.close().unwrap();
    next(EventKind::Closing);
    assert_eq!(events.next(PATIENCE).unwrap(), None);
}
