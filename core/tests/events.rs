//! The events of a broker, with clients in this process and over a socket.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod client_common;
mod server_common;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use client_common::{Bed, PATIENCE, Way};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{JoinGroupRequest, LeaveGroupRequest};
use minka::ErrorKind;
use minka::client::{Consumer, ConsumerConfig, Group, Message, Producer, ProducerConfig};
use minka::engine::{BrokerEvent, EventKind, EventStream};
use minka::state::setting::ConfigChange;
use server_common::{Client, text};

scenes! {
    members_of_groups_come_and_go,
    a_dead_letter_is_told_when_it_is_stored,
}

/// The next event that is not about connections.
fn next(stream: &mut EventStream) -> BrokerEvent {
    loop {
        let event = stream.next(PATIENCE).unwrap().expect("an event comes");
        if !matches!(event.kind, EventKind::Connected | EventKind::Disconnected) {
            return event;
        }
    }
}

fn on(event: &BrokerEvent) -> (EventKind, &str, Option<u32>) {
    (event.kind, event.topic.as_deref().unwrap_or_default(), event.partition)
}

#[test]
fn topics_are_created_changed_grown_and_deleted() {
    let bed = Bed::new(Way::InProcess);
    bed.topic("before", 1);
    let mut stream = bed.broker.watch_events(10);
    let time = bed.broker.clock().wall();
    bed.topic("t", 3);
    bed.broker.add_partitions("t", 5).unwrap();
    let change = [ConfigChange::Set("retention.ms", "1000")];
    bed.broker.configure_topic("t", &change, true).unwrap();
    bed.broker.configure_topic("t", &change, false).unwrap();
    bed.broker.configure_topic("t", &change, false).unwrap();
    bed.broker.delete_topic("t").unwrap();
    let expected = [
        (EventKind::TopicCreated, "t", Some(3)),
        (EventKind::PartitionsAdded, "t", Some(5)),
        (EventKind::TopicChanged, "t", None),
        (EventKind::TopicDeleted, "t", None),
    ];
    for expected in expected {
        let event = stream.next(Duration::ZERO).unwrap().unwrap();
        assert_eq!(on(&event), expected);
        assert!(event.time >= time && event.group.is_none() && event.client.is_none());
    }
    assert_eq!(stream.next(Duration::ZERO).unwrap(), None);
}

fn members_of_groups_come_and_go(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 1);
    let mut stream = bed.broker.watch_events(100);
    for group in [Group::Partitions("p".to_owned()), Group::Queue("q".to_owned())] {
        let name = match &group {
            Group::Partitions(name) | Group::Queue(name) => name.clone(),
        };
        let config = ConsumerConfig {
            client_id: "listener".to_owned(),
            group: Some(group),
            ..ConsumerConfig::default()
        };
        let mut consumer = Consumer::open(bed.target(), config).unwrap();
        consumer.subscribe(&["t"]).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while consumer.assignment().is_empty() {
            assert!(Instant::now() < deadline);
            consumer.poll(Duration::from_millis(20)).unwrap();
        }
        let joined = next(&mut stream);
        assert_eq!((joined.kind, joined.group.as_deref()), (EventKind::MemberJoined, Some(&*name)));
        assert_eq!(joined.client.as_deref(), Some("listener"));
        assert!(!joined.member.as_ref().unwrap().is_empty());
        consumer.close().unwrap();
        let left = next(&mut stream);
        assert_eq!((left.kind, &left.member), (EventKind::MemberLeft, &joined.member));
        assert_eq!((left.group, left.client), (joined.group, joined.client));
        bed.broker.delete_group(&name);
        let gone = next(&mut stream);
        assert_eq!((gone.kind, gone.group.as_deref()), (EventKind::GroupDeleted, Some(&*name)));
    }
}

#[test]
fn members_of_classic_groups_are_told_too() {
    let bed = Bed::new(Way::Socket);
    let mut stream = bed.broker.watch_events(100);
    let mut client = Client::connect(bed.address());
    let connected = stream.next(PATIENCE).unwrap().unwrap();
    let address = client.stream.local_addr().unwrap().to_string();
    assert_eq!(
        (connected.kind, connected.client.as_deref()),
        (EventKind::Connected, Some(&*address))
    );
    let join = |member: &str| {
        JoinGroupRequest::default()
            .with_group_id(text("g").into())
            .with_member_id(text(member))
            .with_session_timeout_ms(6000)
            .with_rebalance_timeout_ms(6000)
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![JoinGroupRequestProtocol::default().with_name(text("range"))])
    };
    let id = client.call(5, &join("")).member_id.to_string();
    let answer = client.call(5, &join(&id));
    assert_eq!(answer.error_code, 0);
    let joined = next(&mut stream);
    assert_eq!((joined.kind, joined.group.as_deref()), (EventKind::MemberJoined, Some("g")));
    assert_eq!((joined.member.as_deref(), joined.client.as_deref()), (Some(&*id), Some("test")));
    let member = MemberIdentity::default().with_member_id(text(&id));
    let leave = LeaveGroupRequest::default().with_group_id(text("g").into());
    client.call(4, &leave.with_members(vec![member]));
    let left = next(&mut stream);
    assert_eq!((left.kind, left.member.as_deref()), (EventKind::MemberLeft, Some(&*id)));
    drop(client);
    let gone = stream.next(PATIENCE).unwrap().unwrap();
    assert_eq!((gone.kind, gone.client.as_deref()), (EventKind::Disconnected, Some(&*address)));
}

fn a_dead_letter_is_told_when_it_is_stored(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 1);
    for (name, value) in
        [("share.auto.offset.reset", "earliest"), ("minka.dead.letter.enable", "true")]
    {
        bed.broker.configure_group("q", &[ConfigChange::Set(name, value)], false).unwrap();
    }
    let producer = Producer::open(bed.target(), ProducerConfig::default()).unwrap();
    for value in ["a", "bad", "b"] {
        producer.send(Message::new("t", value.as_bytes())).unwrap().wait(PATIENCE).unwrap();
    }
    let mut stream = bed.broker.watch_events(100);
    let group = Some(Group::Queue("q".to_owned()));
    let config = ConsumerConfig { group, auto_commit: false, ..ConsumerConfig::default() };
    let mut consumer = Consumer::open(bed.target(), config).unwrap();
    consumer.subscribe(&["t"]).unwrap();
    let (mut seen, deadline) = (0, Instant::now() + PATIENCE);
    while seen < 3 {
        assert!(Instant::now() < deadline);
        let records = consumer.poll(Duration::from_millis(100)).unwrap();
        for record in records.iter() {
            match record.value {
                Some(b"bad") => consumer.reject(&record).unwrap(),
                _ => consumer.accept(&record).unwrap(),
            }
            seen += 1;
        }
    }
    consumer.commit().unwrap();
    assert_eq!(next(&mut stream).kind, EventKind::MemberJoined);
    assert_eq!(on(&next(&mut stream)), (EventKind::TopicCreated, "t.dlq", Some(1)));
    let buried = next(&mut stream);
    assert_eq!(on(&buried), (EventKind::DeadLettered, "t", Some(0)));
    assert_eq!((buried.offset, buried.group.as_deref()), (Some(1), Some("q")));
    assert_eq!(buried.text, "a member rejected it");
    assert_eq!(bed.values("t.dlq", 0), ["bad"], "it is there when that is told");
}

#[test]
fn what_nobody_takes_is_counted_where_it_is_missing() {
    let bed = Bed::new(Way::InProcess);
    let mut stream = bed.broker.watch_events(2);
    let mut other = bed.broker.watch_events(100);
    for number in 0..5 {
        bed.topic(&format!("t{number}"), 1);
    }
    assert_eq!(on(&next(&mut stream)).1, "t0");
    bed.topic("t5", 1);
    assert_eq!(on(&next(&mut stream)).1, "t1");
    let missed = next(&mut stream);
    assert_eq!((missed.kind, &missed.text[..2]), (EventKind::Missed, "3 "));
    assert_eq!(on(&next(&mut stream)).1, "t5");
    for number in 6..20 {
        bed.topic(&format!("t{number}"), 1);
    }
    bed.broker.close().unwrap();
    let kinds: Vec<EventKind> =
        std::iter::from_fn(|| stream.next(PATIENCE).unwrap()).map(|event| event.kind).collect();
    let created = EventKind::TopicCreated;
    assert_eq!(kinds, [created, created, EventKind::Missed, EventKind::Closing]);
    for number in 0..20 {
        assert_eq!(on(&next(&mut other)).1, format!("t{number}"));
    }
    assert_eq!(next(&mut other).kind, EventKind::Closing);
    assert_eq!(other.next(PATIENCE).unwrap(), None, "and nothing comes after it");
    assert_eq!(bed.broker.watch_events(5).next(PATIENCE).unwrap(), None);
}

#[test]
fn a_waker_and_a_close_end_a_wait() {
    let bed = Bed::new(Way::InProcess);
    let mut stream = bed.broker.watch_events(0);
    let waker = stream.waker();
    waker.wake();
    waker.clone().wake();
    assert_eq!(stream.next(Duration::MAX).unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(stream.next(Duration::from_millis(1)).unwrap(), None);
    let broker = Arc::clone(&bed.broker);
    let waiting = thread::spawn(move || {
        let interrupted = stream.next(Duration::MAX).unwrap_err().kind();
        (interrupted, stream.next(Duration::MAX).unwrap().unwrap().kind)
    });
    waker.wake();
    // The stream may not wait for the second event yet; it comes all the same.
    broker.close().unwrap();
    assert_eq!(waiting.join().unwrap(), (ErrorKind::Interrupted, EventKind::Closing));
    waker.wake();
}

#[test]
fn nothing_is_kept_for_streams_that_are_gone() {
    let bed = Bed::new(Way::InProcess);
    for _ in 0..100 {
        let mut stream = bed.broker.watch_events(1);
        assert_eq!(stream.next(Duration::ZERO).unwrap(), None);
    }
    let mut stream = bed.broker.watch_events(1);
    bed.topic("t", 1);
    assert_eq!(next(&mut stream).kind, EventKind::TopicCreated);
}
