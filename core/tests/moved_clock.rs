//! A broker whose clock is moved: what was due has happened when the call returns.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod embedded_common;

use std::sync::Arc;
use std::time::Duration;

use embedded_common::{
    PATIENCE, admin, consumer, eventually, kind, open, producer, send, send_one, take, targets,
    topic_for, values,
};
use minka::ErrorKind;
use minka::client::{NewTopic, ResetTo};
use minka::engine::Wake;
use minka::state::groups::{ConsumerHeartbeat, JoinRequest, ReplyId};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
struct Nobody;

impl Wake for Nobody {
    fn wake(&self, _: usize) {}
}

#[test]
fn records_whose_retention_is_over_are_gone_at_once() {
    for number in 0..2 {
        let embedded = open(&[]);
        let target = &targets(&embedded)[number];
        let topic = topic_for(target, "kept-for-an-hour");
        let admin = admin(target);
        admin.create_topic(&NewTopic::new(&topic).with_setting("retention.ms", "3600000")).unwrap();
        send(target, &topic, &["a", "b", "c"]);
        embedded.broker().advance_clock(HOUR / 2).unwrap();
        assert_eq!(admin.describe_topic(&topic).unwrap().partitions[0].start, 0);
        embedded.broker().advance_clock(HOUR / 2 + SECOND).unwrap();
        let partition = admin.describe_topic(&topic).unwrap().partitions[0];
        assert_eq!((partition.start, partition.end), (3, 3));
        // In this process records have the broker's time, behind an address the client's.
        send(target, &topic, &["d"]);
        embedded.broker().advance_clock(HOUR / 2).unwrap();
        let left = values(embedded.broker(), &topic);
        assert_eq!(left, if number == 0 { &["d"][..] } else { &[] });
    }
}

#[test]
fn a_message_whose_lock_ran_out_comes_to_another_member() {
    let embedded = open(&[]);
    for target in targets(&embedded) {
        let topic = topic_for(&target, "locks");
        let group = topic_for(&target, "workers");
        // Longer than anybody tests: the rest is over because the clock was moved.
        let settings = [
            ("share.auto.offset.reset", Some("earliest")),
            ("minka.retry.backoff.ms", Some("5000")),
        ];
        admin(&target).alter_group(&group, &settings).unwrap();
        send(&target, &topic, &["a"]);
        let mut slow = consumer(&target, &topic, &[("group.id", &group)]);
        assert_eq!(take(&mut slow, 1), ["a"]);
        let mut other = consumer(&target, &topic, &[("group.id", &group)]);
        assert!(other.poll(Duration::ZERO).unwrap().is_empty());
        embedded.broker().advance_clock(Duration::from_millis(35_100)).unwrap();
        let records = other.poll(PATIENCE).unwrap();
        let record = records.iter().next().unwrap();
        assert_eq!((record.value, record.delivery_count), (Some(&b"a"[..]), 2));
        drop(records);
        other.close().unwrap();
    }
}

#[test]
fn a_message_whose_rest_is_over_comes_to_who_waits() {
    let embedded = open(&[]);
    for target in targets(&embedded) {
        let topic = topic_for(&target, "rests");
        let group = topic_for(&target, "workers");
        let settings = [
            ("share.auto.offset.reset", Some("earliest")),
            ("minka.retry.backoff.ms", Some("30000")),
        ];
        admin(&target).alter_group(&group, &settings).unwrap();
        send(&target, &topic, &["a"]);
        let mut worker = consumer(&target, &topic, &[("group.id", &group)]);
        let records = worker.poll(PATIENCE).unwrap();
        worker.release(&records.iter().next().unwrap()).unwrap();
        drop(records);
        assert!(worker.poll(Duration::from_millis(1)).unwrap().is_empty());
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| take(&mut worker, 1));
            eventually("released", || {
                let offsets = embedded.broker().queue_offsets(&group).unwrap();
                offsets.iter().any(|partition| partition.redelivered == 1)
            });
            embedded.broker().advance_clock(Duration::from_secs(30)).unwrap();
            assert_eq!(waits.join().unwrap(), ["a"]);
        });
    }
}

#[test]
fn dead_letters_are_buried_when_the_call_returns() {
    let embedded = open(&[]);
    let target = &targets(&embedded)[0];
    let settings = [
        ("share.auto.offset.reset", Some("earliest")),
        ("share.delivery.count.limit", Some("1")),
        ("minka.dead.letter.enable", Some("true")),
    ];
    admin(target).alter_group("workers", &settings).unwrap();
    for number in 1..4_usize {
        send(target, "orders", &["a", "b"]);
        let mut worker = consumer(target, "orders", &[("group.id", "workers")]);
        take(&mut worker, 2);
        embedded.broker().advance_clock(Duration::from_millis(30_000)).unwrap();
        assert_eq!(values(embedded.broker(), "orders.dlq").len(), 2 * number);
        worker.close().unwrap();
    }
}

#[test]
fn silent_members_are_gone_and_parked_joins_are_answered() {
    let embedded = open(&[("group.initial.rebalance.delay.ms", "3000")]);
    let broker = embedded.broker();
    let beat = ConsumerHeartbeat {
        group: "shares",
        member_id: "silent",
        epoch: 0,
        instance_id: None,
        rack_id: None,
        client_id: "test",
        client_host: "here",
        rebalance_timeout_ms: Some(60_000),
        topics: Some(&["orders"]),
        pattern: None,
        assignor: None,
        owned: Some(&[]),
    };
    broker.consumer_heartbeat(&beat).unwrap();
    let request = JoinRequest {
        reply: ReplyId(0),
        group: "classic".to_owned(),
        member_id: String::new(),
        instance_id: None,
        new_member_id: String::new(),
        require_known_member_id: false,
        supports_skip_assignment: false,
        client_id: "test".to_owned(),
        client_host: "here".to_owned(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer".to_owned(),
        protocols: vec![("range".to_owned(), Vec::new())],
    };
    let wake: Arc<dyn Wake> = Arc::new(Nobody);
    let join = broker.join_group(request, &wake, 0).unwrap();
    assert!(join.take().is_none());
    broker.advance_clock(Duration::from_secs(3)).unwrap();
    let (_, answer) = join.take().unwrap();
    assert_eq!(answer.unwrap().generation, 1);
    assert_eq!(broker.describe_group("classic").members.len(), 1);
    broker.advance_clock(Duration::from_secs(10)).unwrap();
    assert_eq!(broker.describe_group("classic").members.len(), 0);
    assert_eq!(broker.describe_consumer_group("shares").unwrap().members.len(), 1);
    broker.advance_clock(Duration::from_secs(32)).unwrap();
    assert_eq!(broker.groups(), [], "without members and offsets nothing is left of them");
}

#[test]
fn committed_offsets_expire_and_what_is_not_due_stays() {
    let embedded = open(&[("offsets.retention.minutes", "2880")]);
    let broker = embedded.broker();
    let target = &targets(&embedded)[0];
    send(target, "orders", &["a"]);
    admin(target).reset_group("readers", "orders", ResetTo::Latest).unwrap();
    broker.advance_clock(DAY).unwrap();
    assert_eq!(broker.committed_offsets("readers").len(), 1);
    broker.advance_clock(DAY + SECOND).unwrap();
    assert_eq!(broker.groups(), []);
    assert_eq!(values(broker, "orders"), ["a"], "kept for a week");
}

#[test]
fn the_broker_goes_on_as_before_however_far_the_clock_was_moved() {
    let embedded = open(&[("producer.id.expiration.ms", "1000")]);
    let target = &targets(&embedded)[1];
    let producer = producer(target, &[]);
    let before = embedded.broker().clock().wall();
    for offset in 0..3 {
        assert_eq!(send_one(&producer, "orders", "a").unwrap(), offset);
        embedded.broker().advance_clock(100 * 365 * DAY).unwrap();
    }
    let moved = embedded.broker().clock().wall() - before;
    assert!(moved >= 300 * 365 * DAY.as_millis() as i64);
    embedded.broker().advance_clock(Duration::ZERO).unwrap();
    assert_eq!(kind(embedded.broker().advance_clock(Duration::MAX)), ErrorKind::InvalidRequest);
    embedded.close().unwrap();
    assert_eq!(kind(embedded.broker().advance_clock(SECOND)), ErrorKind::Closed);
}
