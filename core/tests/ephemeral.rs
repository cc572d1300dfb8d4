//! A broker in memory: as any other, but nothing is left of it.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod embedded_common;

use std::sync::Arc;

use embedded_common::{PATIENCE, admin, open, producer, send, targets, topic_for, values};
use minka::client::{Codec, Message, NewTopic};
use minka::sys::event_log::EventLog;
use minka::{Broker, Config};

#[test]
fn two_brokers_in_memory_know_nothing_of_each_other() {
    let brokers = [(); 2].map(|()| {
        Arc::new(Broker::ephemeral(Config::default(), Arc::new(EventLog::none())).unwrap())
    });
    send(&(&brokers[0]).into(), "orders", &["a"]);
    assert_eq!(values(&brokers[0], "orders"), ["a"]);
    assert!(brokers[1].topic("orders").is_none());
    assert_ne!(brokers[0].cluster_id(), brokers[1].cluster_id());
    brokers.iter().for_each(|broker| broker.close().unwrap());
}

#[test]
fn records_come_back_over_many_segments_in_every_codec() {
    let embedded = open(&[("log.segment.bytes", "65536")]);
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    for target in targets(&embedded) {
        for codec in codecs {
            let topic = topic_for(&target, codec);
            let producer = producer(&target, &[("compression.type", codec)]);
            let value = |number: usize| format!("{number}-{}", "value".repeat(number * 20));
            for number in 0..300 {
                producer.send(Message::new(&topic, value(number).as_bytes())).unwrap();
            }
            producer.close(PATIENCE).unwrap();
            let found = values(embedded.broker(), &topic);
            assert!(found.iter().enumerate().all(|(number, found)| *found == value(number)));
        }
    }
    assert_eq!(Codec::None as u8, 0);
}

#[test]
fn memory_is_given_back_when_records_are_no_longer_kept() {
    let embedded = open(&[("log.segment.bytes", "1048576")]);
    let target = &targets(&embedded)[0];
    let topic = NewTopic::new("orders").with_setting("retention.bytes", "1048576");
    admin(target).create_topic(&topic).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let producer = producer(target, &[("buffer.memory", "1048576"), ("batch.size", "65536")]);
    let value = vec![b'x'; 60_000];
    // Twenty times what is to be kept.
    for _ in 0..(20 << 20) / value.len() {
        producer.send(Message::new("orders", &value)).unwrap();
    }
    producer.close(PATIENCE).unwrap();
    embedded.broker().advance_clock(std::time::Duration::ZERO).unwrap();
    let copy = directory.path().join("copy");
    embedded.broker().snapshot(&copy).unwrap();
    let sizes =
        std::fs::read_dir(&copy).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
    let bytes: u64 = sizes.sum();
    assert!(bytes < 5 << 20, "{bytes} bytes are left");
}
