//! Faults that happen to calls, at both doors.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod embedded_common;

use std::time::{Duration, Instant};

use embedded_common::{
    PATIENCE, admin, consumer, kind, open, producer, send, send_one, take, targets, topic_for,
    values,
};
use minka::client::{Consumer, ConsumerConfig, NewTopic, StartAt, Target};
use minka::engine::{Effect, Fault};
use minka::{Embedded, ErrorKind};

const DELAY: Duration = Duration::from_millis(300);

fn inject(embedded: &Embedded, at: &str, nth: u64, times: u64, effect: Effect) {
    let fault = Fault { at: at.to_owned(), nth, times, effect };
    embedded.broker().inject(fault).unwrap();
}

fn assigned(target: &Target, topic: &str) -> Consumer {
    let mut consumer = Consumer::open(target.clone(), ConsumerConfig::default()).unwrap();
    consumer.assign(&[(topic, 0, StartAt::Earliest)]).unwrap();
    consumer
}

#[test]
fn the_nth_produce_fails_and_the_others_do_not() {
    let embedded = open(&[]);
    for target in targets(&embedded) {
        let topic = topic_for(&target, "orders");
        let producer = producer(&target, &[]);
        send_one(&producer, &topic, "before").unwrap();
        inject(&embedded, "PRODUCE", 2, 1, Effect::Error(ErrorKind::InvalidRecord));
        let results = ["a", "b", "c"].map(|value| send_one(&producer, &topic, value));
        let [first, second, third] = results;
        assert_eq!((first.unwrap(), third.unwrap()), (1, 2));
        assert_eq!(kind(second), ErrorKind::InvalidRecord);
        assert_eq!(values(embedded.broker(), &topic), ["before", "a", "c"]);
    }
}

#[test]
fn an_error_that_can_be_tried_again_is_behind_an_address() {
    let embedded = open(&[]);
    let target = &targets(&embedded)[1];
    let producer = producer(target, &[("retry.backoff.ms", "1"), ("retry.backoff.max.ms", "1")]);
    inject(&embedded, "Metadata", 1, 2, Effect::Error(ErrorKind::NotLeader));
    inject(&embedded, "InitProducerId", 1, 2, Effect::Error(ErrorKind::CoordinatorUnavailable));
    inject(&embedded, "Produce", 1, 3, Effect::Error(ErrorKind::NotLeader));
    assert_eq!(send_one(&producer, "orders", "a").unwrap(), 0);
    inject(&embedded, "FindCoordinator", 1, 2, Effect::Error(ErrorKind::CoordinatorUnavailable));
    inject(&embedded, "ListOffsets", 1, 2, Effect::Error(ErrorKind::NotLeader));
    inject(&embedded, "OffsetFetch", 1, 2, Effect::Error(ErrorKind::NotLeader));
    inject(&embedded, "Fetch", 1, 3, Effect::Error(ErrorKind::NotLeader));
    let settings = [
        ("group.id", "readers"),
        ("group.type", "partitions"),
        ("retry.backoff.ms", "1"),
        ("retry.backoff.max.ms", "5"),
    ];
    let mut consumer = consumer(target, "orders", &settings);
    assert_eq!(take(&mut consumer, 1), ["a"]);
    consumer.commit().unwrap();
}

#[test]
fn where_to_begin_is_asked_again_if_that_can_help() {
    let embedded = open(&[]);
    for target in targets(&embedded) {
        let topic = topic_for(&target, "orders");
        send(&target, &topic, &["a"]);
        inject(&embedded, "ListOffsets", 1, 2, Effect::Error(ErrorKind::NotLeader));
        assert_eq!(take(&mut assigned(&target, &topic), 1), ["a"]);
        inject(&embedded, "ListOffsets", 1, 1, Effect::Error(ErrorKind::InvalidRequest));
        let failed = assigned(&target, &topic).poll(PATIENCE);
        assert_eq!(kind(failed.map(|records| records.len())), ErrorKind::InvalidRequest);
    }
}

#[test]
fn what_an_admin_asks_for_fails_and_is_not_done() {
    let embedded = open(&[]);
    for target in targets(&embedded) {
        let topic = topic_for(&target, "orders");
        let admin = admin(&target);
        inject(&embedded, "CreateTopics", 1, 1, Effect::Error(ErrorKind::PolicyViolation));
        let create = || admin.create_topic(&NewTopic::new(&topic));
        assert_eq!(kind(create()), ErrorKind::PolicyViolation);
        assert!(embedded.broker().topic(&topic).is_none());
        create().unwrap();
        inject(&embedded, "DeleteTopics", 1, 1, Effect::Error(ErrorKind::PolicyViolation));
        assert_eq!(kind(admin.delete_topic(&topic)), ErrorKind::PolicyViolation);
        assert!(embedded.broker().topic(&topic).is_some());
        inject(&embedded, "Metadata", 1, 1, Effect::Error(ErrorKind::InvalidTopic));
        assert_eq!(kind(admin.describe_topic(&topic)), ErrorKind::InvalidTopic);
        admin.describe_topic(&topic).unwrap();
    }
}

#[test]
fn a_commit_that_fails_commits_nothing() {
    let embedded = open(&[]);
    for target in targets(&embedded) {
        let topic = topic_for(&target, "orders");
        let group = topic_for(&target, "readers");
        send(&target, &topic, &["a"]);
        let settings =
            [("group.id", &*group), ("group.type", "partitions"), ("enable.auto.commit", "false")];
        let mut consumer = consumer(&target, &topic, &settings);
        take(&mut consumer, 1);
        inject(&embedded, "OffsetCommit", 1, 1, Effect::Error(ErrorKind::OffsetMetadataTooLarge));
        assert_eq!(kind(consumer.commit()), ErrorKind::OffsetMetadataTooLarge);
        assert!(embedded.broker().committed_offsets(&group).is_empty());
        consumer.commit().unwrap();
        assert_eq!(consumer.committed(&topic, 0).unwrap(), Some(1));
    }
}

#[test]
fn a_fetch_that_fails_is_told_and_one_that_is_late_comes_late() {
    let embedded = open(&[]);
    for target in targets(&embedded) {
        let topic = topic_for(&target, "orders");
        send(&target, &topic, &["a"]);
        inject(&embedded, "Fetch", 1, 1, Effect::Error(ErrorKind::Damaged));
        let error = assigned(&target, &topic).poll(PATIENCE).unwrap_err();
        assert!([ErrorKind::Damaged, ErrorKind::CorruptBatch].contains(&error.kind()), "{error}");
        inject(&embedded, "Fetch", 1, 1, Effect::Delay(DELAY));
        let began = Instant::now();
        assert_eq!(take(&mut assigned(&target, &topic), 1), ["a"]);
        assert!(began.elapsed() >= DELAY);
    }
}

#[test]
fn a_delay_keeps_the_order_of_what_is_behind_it() {
    let embedded = open(&[]);
    for target in targets(&embedded) {
        let topic = topic_for(&target, "orders");
        // Without idempotence nothing but the order of requests keeps that of records.
        let producer = producer(&target, &[("batch.size", "1"), ("client.id", "pipelines")]);
        send_one(&producer, &topic, "0").unwrap();
        inject(&embedded, "Produce", 2, 1, Effect::Delay(DELAY));
        let values_sent: Vec<String> = (1..10).map(|number| number.to_string()).collect();
        let deliveries: Vec<_> = values_sent
            .iter()
            .map(|value| producer.send(minka::client::Message::new(&topic, value.as_bytes())))
            .collect();
        for (offset, delivery) in (1..).zip(deliveries) {
            assert_eq!(delivery.unwrap().wait(PATIENCE).unwrap().offset, Some(offset));
        }
        embedded.broker().clear_faults();
    }
}

#[test]
fn a_lost_answer_is_made_up_for_by_idempotence() {
    let embedded = open(&[]);
    let [in_process, socket] = targets(&embedded);
    let topic = topic_for(&socket, "orders");
    let remote = producer(&socket, &[("retry.backoff.ms", "1")]);
    send_one(&remote, &topic, "before").unwrap();
    for (effect, value) in [(Effect::DropAnswer, "a"), (Effect::DropRequest, "b")] {
        inject(&embedded, "Produce", 1, 2, effect);
        send_one(&remote, &topic, value).unwrap();
    }
    assert_eq!(values(embedded.broker(), &topic), ["before", "a", "b"], "each exactly once");

    let topic = topic_for(&in_process, "orders");
    let local = producer(&in_process, &[]);
    send_one(&local, &topic, "before").unwrap();
    for (effect, value) in [(Effect::DropAnswer, "stored"), (Effect::DropRequest, "not stored")] {
        inject(&embedded, "Produce", 1, 1, effect);
        assert_eq!(kind(send_one(&local, &topic, value)), ErrorKind::Network);
    }
    assert_eq!(values(embedded.broker(), &topic), ["before", "stored"]);
}

#[test]
fn lost_connections_of_consumers_lose_no_record() {
    let embedded = open(&[]);
    for (number, target) in targets(&embedded).iter().enumerate() {
        let topic = topic_for(target, "orders");
        send(target, &topic, &["a", "b"]);
        for (group_type, api) in [("partitions", "Fetch"), ("queue", "ShareFetch")] {
            let group = format!("{group_type}-{number}");
            let earliest = [("share.auto.offset.reset", Some("earliest"))];
            admin(target).alter_group(&group, &earliest).unwrap();
            for effect in [Effect::DropRequest, Effect::DropAnswer] {
                inject(&embedded, api, 1, 1, effect);
            }
            let settings = [
                ("group.id", &*group),
                ("group.type", group_type),
                ("retry.backoff.ms", "1"),
                ("auto.commit.interval.ms", "10"),
            ];
            let mut consumer = consumer(target, &topic, &settings);
            let mut values = Vec::new();
            while values.len() < 2 {
                match consumer.poll(PATIENCE) {
                    Ok(records) => {
                        values.extend(records.iter().map(|record| record.value.unwrap().to_vec()))
                    }
                    // In this process a queue's member is told.
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Network, "{error}"),
                }
            }
            assert_eq!(values, [b"a", b"b"], "{group}");
            consumer.close().unwrap();
            embedded.broker().wait_until_idle(Some(&group), PATIENCE).unwrap();
        }
    }
}

#[test]
fn a_queue_is_told_that_its_acknowledgement_failed() {
    let embedded = open(&[]);
    for target in targets(&embedded) {
        let topic = topic_for(&target, "orders");
        let group = topic_for(&target, "workers");
        let settings =
            [("share.auto.offset.reset", Some("earliest")), ("minka.retry.backoff.ms", Some("0"))];
        admin(&target).alter_group(&group, &settings).unwrap();
        send(&target, &topic, &["a"]);
        let settings = [("group.id", &*group), ("enable.auto.commit", "false")];
        let mut worker = consumer(&target, &topic, &settings);
        let records = worker.poll(PATIENCE).unwrap();
        worker.accept(&records.iter().next().unwrap()).unwrap();
        drop(records);
        inject(&embedded, "ShareAcknowledge", 1, 1, Effect::Error(ErrorKind::InvalidRecordState));
        assert_eq!(kind(worker.commit()), ErrorKind::InvalidRecordState);
        let lag = embedded.broker().wait_until_idle(Some(&group), Duration::ZERO);
        assert_eq!(kind(lag), ErrorKind::Timeout);
    }
}

#[test]
fn members_outlive_heartbeats_that_fail() {
    let embedded = open(&[]);
    for target in targets(&embedded) {
        let topic = topic_for(&target, "orders");
        send(&target, &topic, &["a"]);
        for (group_type, api) in
            [("partitions", "ConsumerGroupHeartbeat"), ("queue", "ShareGroupHeartbeat")]
        {
            let group = format!("{group_type}-{topic}");
            let earliest = [("share.auto.offset.reset", Some("earliest"))];
            admin(&target).alter_group(&group, &earliest).unwrap();
            inject(&embedded, api, 1, 1, Effect::Error(ErrorKind::CoordinatorUnavailable));
            inject(&embedded, api, 2, 1, Effect::DropRequest);
            inject(&embedded, api, 3, 1, Effect::DropAnswer);
            let settings = [
                ("group.id", &*group),
                ("group.type", group_type),
                ("retry.backoff.ms", "1"),
                ("retry.backoff.max.ms", "5"),
            ];
            let mut consumer = consumer(&target, &topic, &settings);
            assert_eq!(take(&mut consumer, 1), ["a"]);
        }
    }
}

#[test]
fn dropped_connections_come_back() {
    let embedded = open(&[]);
    let target = &targets(&embedded)[1];
    let producer = producer(target, &[("retry.backoff.ms", "1")]);
    let mut consumer = consumer(target, "orders", &[("group.id", "workers")]);
    for number in 0..5 {
        send_one(&producer, "orders", &number.to_string()).unwrap();
        embedded.drop_connections();
    }
    assert_eq!(values(embedded.broker(), "orders"), ["0", "1", "2", "3", "4"]);
    consumer.poll(Duration::from_millis(10)).unwrap();
    embedded.close().unwrap();
    embedded.drop_connections();
}

#[test]
fn a_delay_ends_when_the_broker_closes() {
    let embedded = open(&[]);
    let [in_process, _] = targets(&embedded);
    let local = producer(&in_process, &[]);
    send_one(&local, "orders", "a").unwrap();
    inject(&embedded, "Produce", 1, 1, Effect::Delay(Duration::from_secs(3600)));
    std::thread::scope(|scope| {
        let sends = scope.spawn(|| send_one(&local, "orders", "b"));
        embedded_common::eventually("held up", || {
            // Nothing tells it from outside but that the fault is no longer to come.
            format!("{:?}", embedded.broker()).contains("armed: []")
        });
        embedded.close().unwrap();
        assert_eq!(kind(sends.join().unwrap()), ErrorKind::Closed);
    });
}
