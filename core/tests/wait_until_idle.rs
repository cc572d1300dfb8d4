//! Waiting until groups have done everything that there is.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod embedded_common;

use std::thread;
use std::time::Duration;

use embedded_common::{PATIENCE, admin, consumer, kind, open, send, take, targets, topic_for};
use minka::ErrorKind;
use minka::client::ResetTo;

const GROUP: &str = "workers";

#[test]
fn it_returns_when_the_last_record_is_committed_or_settled() {
    let embedded = open(&[]);
    let broker = embedded.broker();
    for (number, target) in targets(&embedded).iter().enumerate() {
        for group_type in ["partitions", "queue"] {
            let topic = topic_for(target, group_type);
            let group = format!("{GROUP}-{group_type}-{number}");
            admin(target)
                .alter_group(&group, &[("share.auto.offset.reset", Some("earliest"))])
                .unwrap();
            send(target, &topic, &["a", "b", "c"]);
            let settings = [
                ("group.id", &*group),
                ("group.type", group_type),
                ("auto.commit.interval.ms", "10"),
            ];
            let mut consumer = consumer(target, &topic, &settings);
            take(&mut consumer, 3);
            // What was polled is not done before the next poll.
            let error = broker.wait_until_idle(Some(&group), Duration::ZERO).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout);
            assert_eq!(
                error.to_string(),
                format!("group {group:?} is 3 records behind in {topic}[0]")
            );
            let error = broker.wait_until_idle(None, Duration::from_millis(1)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout);
            thread::scope(|scope| {
                let waits = scope.spawn(|| broker.wait_until_idle(Some(&group), PATIENCE));
                while !waits.is_finished() {
                    consumer.poll(Duration::from_millis(10)).unwrap();
                }
                waits.join().unwrap().unwrap();
            });
            broker.wait_until_idle(None, Duration::ZERO).unwrap();
            consumer.close().unwrap();
        }
    }
}

#[test]
fn what_nobody_can_read_any_more_is_not_waited_for() {
    let embedded = open(&[]);
    let broker = embedded.broker();
    let target = &targets(&embedded)[0];
    send(target, "orders", &["a", "b"]);
    let admin = admin(target);
    admin.reset_group(GROUP, "orders", ResetTo::Earliest).unwrap();
    let error = broker.wait_until_idle(Some(GROUP), Duration::ZERO).unwrap_err();
    assert!(error.to_string().contains("2 records behind in orders[0]"), "{error}");
    let waits = thread::spawn({
        let broker = broker.clone();
        move || broker.wait_until_idle(Some(GROUP), PATIENCE)
    });
    let partition = broker.topic("orders").unwrap().partitions[0].clone();
    broker.delete_records(&[(partition, None)]).remove(0).unwrap();
    waits.join().unwrap().unwrap();

    send(target, "orders", &["c"]);
    let error = broker.wait_until_idle(None, Duration::ZERO).unwrap_err();
    assert!(error.to_string().contains("1 record behind"), "{error}");
    let waits = thread::spawn({
        let broker = broker.clone();
        move || broker.wait_until_idle(None, PATIENCE)
    });
    admin.delete_topic("orders").unwrap();
    waits.join().unwrap().unwrap();
}

#[test]
fn groups_that_do_not_exist_and_brokers_that_are_closed_say_so() {
    let embedded = open(&[]);
    let broker = embedded.broker();
    broker.wait_until_idle(None, Duration::ZERO).unwrap();
    assert_eq!(kind(broker.wait_until_idle(Some("nobody"), PATIENCE)), ErrorKind::GroupNotFound);
    send(&broker.into(), "orders", &["a"]);
    admin(&broker.into()).reset_group(GROUP, "orders", ResetTo::Earliest).unwrap();
    let waits = thread::spawn({
        let broker = broker.clone();
        move || broker.wait_until_idle(None, Duration::MAX)
    });
    embedded.close().unwrap();
    assert_eq!(kind(waits.join().unwrap()), ErrorKind::Closed);
}
