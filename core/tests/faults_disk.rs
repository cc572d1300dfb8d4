//! Faults that happen to the disk.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod embedded_common;

use std::time::{Duration, Instant};

use embedded_common::{PATIENCE, kind, open, producer, send_one, targets, values};
use minka::engine::{Effect, Fault};
use minka::{Embedded, ErrorKind};

fn inject(embedded: &Embedded, at: &str, nth: u64, times: u64, effect: Effect) {
    let fault = Fault { at: at.to_owned(), nth, times, effect };
    embedded.broker().inject(fault).unwrap();
}

#[test]
fn a_disk_that_fails_refuses_everything_until_it_is_opened_again() {
    for (at, survives) in [("disk.sync", true), ("disk.write", false)] {
        let directory = tempfile::tempdir().unwrap();
        let data = [("data", directory.path().to_str().unwrap())];
        for door in 0..2 {
            let embedded = open(&data);
            let topic = format!("{at}-{door}");
            let target = &targets(&embedded)[door];
            let producer = producer(target, &[("delivery.timeout.ms", "300")]);
            send_one(&producer, &topic, "before").unwrap();
            inject(&embedded, at, 1, 1, Effect::Error(ErrorKind::StorageFailed));
            for _ in 0..3 {
                let error = send_one(&producer, &topic, "lost").unwrap_err();
                let kinds = [ErrorKind::StorageFailed, ErrorKind::Timeout];
                assert!(kinds[..if door == 0 { 1 } else { 2 }].contains(&error.kind()), "{error}");
            }
            drop(embedded.close());
            let again = open(&data);
            let found = values(again.broker(), &topic);
            // What was written when the sync failed is there, though nobody was promised that.
            assert!(found[0] == "before" && found.len() <= 1 + usize::from(survives), "{found:?}");
            assert!(found[1..].iter().all(|value| value == "lost"));
            send_one(&embedded_common::producer(&again.broker().into(), &[]), &topic, "after")
                .unwrap();
            again.close().unwrap();
        }
    }
}

#[test]
fn the_nth_write_fails_and_not_the_one_before() {
    let embedded = open(&[]);
    let producer = producer(&embedded.broker().into(), &[("acks", "1")]);
    send_one(&producer, "orders", "0").unwrap();
    inject(&embedded, "disk.write", 2, u64::MAX, Effect::Error(ErrorKind::Internal));
    send_one(&producer, "orders", "1").unwrap();
    assert_eq!(kind(send_one(&producer, "orders", "2")), ErrorKind::StorageFailed);
    assert_eq!(values(embedded.broker(), "orders"), ["0", "1"]);
}

#[test]
fn a_slow_disk_holds_up_what_is_to_be_on_it_and_nothing_else() {
    let embedded = open(&[]);
    let target = embedded.broker().into();
    let (synced, written) = (producer(&target, &[]), producer(&target, &[("acks", "1")]));
    send_one(&synced, "synced", "0").unwrap();
    send_one(&written, "written", "0").unwrap();
    let delay = Duration::from_millis(300);
    inject(&embedded, "disk.sync", 1, 1, Effect::Delay(delay));
    let began = Instant::now();
    std::thread::scope(|scope| {
        let sync = scope.spawn(|| send_one(&synced, "synced", "1").unwrap());
        send_one(&written, "written", "1").unwrap();
        sync.join().unwrap();
    });
    assert!(began.elapsed() >= delay);
    embedded.close().unwrap();
}

#[test]
fn a_read_that_fails_is_told_and_the_next_one_works() {
    let embedded = open(&[]);
    let producer = producer(&embedded.broker().into(), &[]);
    send_one(&producer, "orders", "a").unwrap();
    inject(&embedded, "disk.read", 1, 1, Effect::Error(ErrorKind::Internal));
    let config = minka::client::ConsumerConfig::default();
    let mut consumer = minka::client::Consumer::open(embedded.broker(), config).unwrap();
    consumer.assign(&[("orders", 0, minka::client::StartAt::Earliest)]).unwrap();
    assert_eq!(kind(consumer.poll(PATIENCE)), ErrorKind::StorageFailed);
    assert_eq!(values(embedded.broker(), "orders"), ["a"]);
}

#[test]
fn a_producer_and_a_broker_close_although_the_disk_is_stuck() {
    let embedded = open(&[]);
    let producer = producer(&embedded.broker().into(), &[("buffer.memory", "65536")]);
    send_one(&producer, "orders", "a").unwrap();
    inject(&embedded, "disk.sync", 1, u64::MAX, Effect::Delay(Duration::from_secs(3600)));
    std::thread::scope(|scope| {
        let sends = scope.spawn(|| {
            loop {
                let message = minka::client::Message::new("orders", &[b'x'; 10_000]);
                match producer.send(message) {
                    Ok(_) => {}
                    Err(error) => return error.kind(),
                }
            }
        });
        embedded_common::eventually("full", || producer.flush(Duration::ZERO).is_err());
        let error = producer.close(Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        let kind = sends.join().unwrap();
        assert!([ErrorKind::Closed, ErrorKind::Timeout].contains(&kind), "{kind:?}");
    });
    embedded.close().unwrap();
}
