//! Reading from any offset with any limit gives the records from there on, none left out.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::sync::Arc;

use minka::batch::header::BatchHeader;
use minka::engine::{Acks, Broker, Config};
use minka::sys::event_log::EventLog;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use support::log::{batch, create, produce};

#[test]
fn whatever_the_limit_no_batch_is_left_out_between_others() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { segment_bytes: 512 << 10, ..Config::default() };
    let events = Arc::new(EventLog::none());
    let broker = Broker::open(directory.path(), config, events).unwrap();
    let topic = create(&broker, "t", 3).unwrap();
    let mut random = SmallRng::seed_from_u64(7);
    for _ in 0..600 {
        // Small and large batches by turns: merged extents, and regions of their own.
        let bytes = [10, 300, 3_000, 20_000, 70_000][random.random_range(0..5)];
        let value = "z".repeat(random.random_range(1..bytes));
        let values = vec![value; random.random_range(1..4)];
        let index = random.random_range(0..3);
        produce(&broker, &topic, index, batch(&values), Acks::Written).unwrap();
    }
    for partition in &topic.partitions {
        let end = partition.high_watermark();
        for _ in 0..300 {
            let offset = random.random_range(0..end);
            let limit = random.random_range(1..200_000);
            let mut pieces = Vec::new();
            let outcome = broker.read(partition, offset, limit, true, &mut pieces).unwrap();
            assert!(outcome.bytes > 0, "nothing at {offset}");
            let read: Vec<u8> =
                pieces.iter().flat_map(|piece| piece.read().unwrap().to_vec()).collect();
            assert_eq!(read.len(), outcome.bytes);
            let mut rest = &read[..];
            let mut next = None;
            while !rest.is_empty() {
                let header = BatchHeader::parse(rest).unwrap();
                let first = header.base_offset as u64;
                match next {
                    None => assert!(first <= offset && offset <= header.last_offset() as u64),
                    Some(next) => assert_eq!(first, next, "a batch is left out"),
                }
                next = Some(header.last_offset() as u64 + 1);
                rest = &rest[header.size()..];
            }
            assert!(read.len() <= limit || pieces.len() == 1, "more than asked for");
        }
    }
}

#[test]
fn a_range_is_read_up_to_the_batch_that_holds_its_end_and_pieces_know_their_offsets() {
    let directory = tempfile::tempdir().unwrap();
    let events = Arc::new(EventLog::none());
    let broker = Broker::open(directory.path(), Config::default(), events).unwrap();
    let topic = create(&broker, "t", 1).unwrap();
    let partition = &topic.partitions[0];
    // Offsets 0 to 2, 3 to 5, ... in small batches, then one batch that is a region of its own.
    for _ in 0..4 {
        produce(&broker, &topic, 0, batch(&vec!["v".to_owned(); 3]), Acks::Written).unwrap();
    }
    produce(&broker, &topic, 0, batch(&vec!["z".repeat(40_000); 3]), Acks::Written).unwrap();

    let read = |offsets: std::ops::Range<u64>| {
        let mut pieces = Vec::new();
        broker.read_range(partition, offsets, 1 << 20, true, &mut pieces).unwrap();
        let ends = |piece: &minka::log::Piece| {
            let offsets = piece.offsets().unwrap();
            (offsets.start, offsets.end)
        };
        pieces.iter().map(ends).collect::<Vec<_>>()
    };
    assert_eq!(read(0..1), [(0, 3)]);
    assert_eq!(read(4..9), [(3, 9)]);
    assert_eq!(read(4..10), [(3, 12)]);
    assert_eq!(read(10..13), [(9, 12), (12, 15)]);
    assert_eq!(read(14..15), [(12, 15)]);
}
