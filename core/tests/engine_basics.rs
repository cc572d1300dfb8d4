//! What a program in the same process sees of a broker: appending, reading, restarting.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::Arc;

use bytes::Bytes;
use minka::batch::builder::BatchBuilder;
use minka::batch::compression::Codec;
use minka::batch::header::BatchHeader;
use minka::batch::records::Records;
use minka::engine::{Acks, Broker, Config, LiveTopic, NewTopic, OffsetSpec, Produce};
use minka::state::topic_config::TopicConfig;
use minka::sys::event_log::EventLog;
use minka::{ErrorKind, Result};

fn open(directory: &std::path::Path, config: Config) -> Broker {
    Broker::open(directory, config, Arc::new(EventLog::none())).unwrap()
}

fn create(broker: &Broker, name: &str, partitions: u32) -> Arc<LiveTopic> {
    let new = NewTopic {
        name: name.into(),
        partitions: Some(partitions),
        config: TopicConfig::default(),
    };
    broker.create_topics(&[new], false).remove(0).unwrap();
    broker.topic(name).unwrap()
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
    let partition = topic.partition(index)?;
    let produce = Produce { topic, partition, batch, acks, zstd_allowed: true };
    broker.produce(produce).map(|appended| appended.base_offset)
}

/// Everything from `offset` on, as (offset, value).
fn read(broker: &Broker, topic: &LiveTopic, index: i32, mut offset: u64) -> Vec<(u64, String)> {
    let partition = topic.partition(index).unwrap();
    let mut found = Vec::new();
    while offset < partition.high_watermark() {
        let mut pieces = Vec::new();
        let outcome = broker.read(partition, offset, 1 << 20, true, &mut pieces).unwrap();
        assert!(outcome.bytes > 0, "nothing to read at {offset}");
        for piece in pieces {
            let bytes = piece.read().unwrap();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let header = BatchHeader::parse(rest).unwrap();
                let (batch, after) = rest.split_at(header.size());
                for record in Records::new(&batch[61..], header.record_count) {
                    let record = record.unwrap();
                    let at = (header.base_offset + i64::from(record.offset_delta)) as u64;
                    if at >= offset {
                        let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                        found.push((at, value));
                    }
                }
                offset = offset.max(header.last_offset() as u64 + 1);
                rest = after;
            }
        }
    }
    found
}

#[test]
fn records_come_back_in_order_with_every_acknowledgement() {
    let directory = tempfile::tempdir().unwrap();
    let broker = open(directory.path(), Config::default());
    let topic = create(&broker, "t", 2);
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
            None => create(&broker, "t", 3),
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
