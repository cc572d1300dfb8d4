//! The first record at or after a time is found inside a batch, whatever the batch holds.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use minka::ErrorKind;
use minka::batch::header::{patch, set_log_append_time};
use minka::batch::lookup::first_at_or_after;
use minka::batch::{BatchBuilder, BatchHeader, Codec};
use proptest::collection::vec;
use proptest::prelude::*;

const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

/// One record for each timestamp, from offset 100 on.
fn batch(timestamps: &[i64], codec: Codec) -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    for timestamp in timestamps {
        builder.append(*timestamp, None, Some(b"value"), &[]).unwrap();
    }
    let batch = builder.finish(codec).unwrap();
    patch(batch.first_chunk_mut().unwrap(), 100, 0);
    batch.to_vec()
}

#[test]
fn the_first_record_that_is_not_older_is_found() {
    for codec in CODECS {
        let batch = batch(&[10, 30, 20, 30], codec);
        for (time, expected) in [
            (i64::MIN, Some((100, 10))),
            (10, Some((100, 10))),
            (11, Some((101, 30))),
            (30, Some((101, 30))),
            (31, None),
            (i64::MAX, None),
        ] {
            assert_eq!(first_at_or_after(&batch, time).unwrap(), expected, "{time}");
        }
    }
}

#[test]
fn with_the_brokers_time_the_first_record_is_the_one() {
    for codec in CODECS {
        let mut batch = batch(&[10, 30], codec);
        set_log_append_time(&mut batch, 500);
        assert_eq!(first_at_or_after(&batch, 31).unwrap(), Some((100, 500)));
        assert_eq!(first_at_or_after(&batch, 501).unwrap(), None);
    }
}

#[test]
fn compressed_lies_are_errors() {
    let good = batch(&[10, 20], Codec::Zstd);
    let mut header = BatchHeader::parse(&good).unwrap();
    let mut garbage = good[..61].to_vec();
    garbage.extend_from_slice(&[0xff; 20]);
    header.batch_length = 49 + 20;
    header.write(garbage.first_chunk_mut().unwrap());
    let mut outside = good.clone();
    let mut header = BatchHeader::parse(&good).unwrap();
    header.last_offset_delta = 0;
    header.write(outside.first_chunk_mut().unwrap());
    for (name, bytes) in [("garbage", &garbage[..]), ("outside", &outside), ("cut", &good[..70])] {
        let error = first_at_or_after(bytes, 15).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::CorruptBatch, "{name}");
    }
}

proptest! {
    #[test]
    fn it_agrees_with_a_search_by_hand(
        times in vec(0..1_000i64, 1..50), time in -10..1_010i64,
        codec in prop::sample::select(CODECS.to_vec()),
    ) {
        let expected = times.iter().position(|t| *t >= time);
        let expected = expected.map(|at| (100 + at as i64, times[at]));
        prop_assert_eq!(first_at_or_after(&batch(&times, codec), time).unwrap(), expected);
    }

    #[test]
    fn damaged_batches_never_panic(
        at: prop::sample::Index, value: u8, time: i64,
        codec in prop::sample::select(CODECS.to_vec()),
    ) {
        let mut batch = batch(&[10, 30, 20], codec);
        let at = at.index(batch.len());
        batch[at] = value;
        for time in [time, 25] {
            let _ = first_at_or_after(&batch, time);
        }
    }
}
