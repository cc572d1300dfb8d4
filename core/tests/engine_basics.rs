//! What a program in the same process sees of a broker: appending, reading, restarting.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::sync::Arc;

use bytes::Bytes;
use minka::batch::builder::BatchBuilder;
use minka::batch::compression::Codec;
use minka::engine::{Acks, Broker, Config, LiveTopic, OffsetSpec};
use minka::sys::event_log::EventLog;
use minka::{ErrorKind, Result};
use support::log;

fn open(directory: &std::path::Path, config: Config) -> Broker {
    Broker::open(directory, config, Arc::new(EventLog::none())).unwrap()
}

fn batch(values: &[&str]) -> Bytes {
    let mut builder = BatchBuilder::new();
    for value in values {
        builder.append(1_790_000_000_000, None, Some(value.as_bytes()), &[]).unwrap();
    }
    Bytes::copy_from_slice(builder.finish(Codec::None).unwrap())
}

fn produce(
    broker: &Broker,
    topic: &LiveTopic,
    index: i32,
    batch: Bytes,
    acks: Acks,
) -> Result<u64> {
    log::produce(broker, topic, index, batch, acks).map(|appended| appended.base_offset)
}

/// Everything from `offset` on, as (offset, value).
fn read(broker: &Broker, topic: &LiveTopic, index: i32, offset: u64) -> Vec<(u64, String)> {
    let text = |(offset, value)| (offset, String::from_utf8(value).unwrap());
    let found = log::read(broker, topic.partition(index).unwrap(), offset).unwrap();
    found.into_iter().map(text).collect()
}

#[test]
fn records_come_back_in_order_with_every_acknowledgement() {
    let directory = tempfile::tempdir().unwrap();
    let broker = open(directory.path(), Config::default());
    let topic = log::create(&broker, "t", 2).unwrap();
    assert_eq!(produce(&broker, &topic, 0, batch(&["a", "b"]), Acks::Synced).unwrap(), 0);
    assert_eq!(produce(&broker, &topic, 0, batch(&["c"]), Acks::Written).unwrap(), 2);
    assert_eq!(produce(&broker, &topic, 1, batch(&["x"]), Acks::Written).unwrap(), 0);
    assert_eq!(produce(&broker, &topic, 0, batch(&["d"]), Acks::Synced).unwrap(), 3);
    let expected: Vec<(u64, String)> =
        ["a", "b", "c", "d"].iter().enumerate().map(|(n, v)| (n as u64, v.to_string())).collect();
    assert_eq!(read(&broker, &topic, 0, 0), expected);
    assert_eq!(read(&broker, &topic, 0, 2), expected[2..]);
    let partition = topic.partition(0).unwrap();
    assert_eq!(broker.find_offset(partition, OffsetSpec::Latest).unwrap(), Some((4, -1)));
    assert_eq!(
        broker.find_offset(partition, OffsetSpec::At(1)).unwrap(),
        Some((0, 1_790_000_000_000))
    );
    let mut pieces = Vec::new();
    let error = broker.read(partition, 9, 100, true, &mut pieces).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OffsetOutOfRange);
}

#[test]
fn everything_is_there_after_a_restart_and_after_many_segments() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { segment_bytes: 64 << 10, ..Config::default() };
    let value = "v".repeat(900);
    let mut expected = Vec::new();
    for session in 0..4 {
        let broker = open(directory.path(), config.clone());
        assert_eq!(broker.leader_epoch(), session + 1);
        let topic = match broker.topic("t") {
            Some(topic) => topic,
            None => log::create(&broker, "t", 3).unwrap(),
        };
        assert_eq!(read(&broker, &topic, 1, 0), expected);
        for n in 0..300 {
            let text = format!("{session} {n} {value}");
            for index in 0..3 {
                let acks = if n % 50 == 0 { Acks::Synced } else { Acks::Written };
                let offset = produce(&broker, &topic, index, batch(&[&text]), acks).unwrap();
                assert!(index != 1 || offset == u64::from(session) * 300 + n);
            }
            expected.push((u64::from(session) * 300 + n, text));
        }
        // Written ones behind a synced one become visible with the next sync.
        produce(&broker, &topic, 0, batch(&["end"]), Acks::Synced).unwrap();
        assert_eq!(read(&broker, &topic, 1, 0), expected);
        assert_eq!(read(&broker, &topic, 1, 250), expected[250..]);
        broker.close().unwrap();
    }
}
