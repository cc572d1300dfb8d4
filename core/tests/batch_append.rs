//! What a producer may append and what not: every rule is broken once, by its error.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use minka::ErrorKind;
use minka::batch::header::{
    CONTROL, CRC_FROM, HEADER_BYTES, LOG_APPEND_TIME, TRANSACTIONAL, set_log_append_time,
    set_max_timestamp,
};
use minka::batch::validate::check;
use minka::batch::{BatchBuilder, BatchHeader, Codec, Header, Records, Rules};
use minka::checksum::crc32c;
use proptest::collection::vec;
use proptest::prelude::*;

const NOW: i64 = 1_700_000_000_000;
const HOUR: i64 = 3_600_000;

const RULES: Rules = Rules {
    bytes_max: 1 << 20,
    now: NOW,
    before_ms_max: HOUR,
    after_ms_max: HOUR,
    log_append_time: false,
    zstd_allowed: true,
    keys_required: false,
    unpack: false,
};

/// Three records, the second with the largest timestamp and the third without a key.
fn batch(codec: Codec) -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    let twice = [Header { key: b"h", value: Some(b"1") }, Header { key: b"h", value: None }];
    builder.append(NOW, Some(b"a"), Some(b"one"), &twice).unwrap();
    builder.append(NOW + 20, Some(b"b"), None, &[]).unwrap();
    builder.append(NOW - 10, None, Some(b"three"), &[]).unwrap();
    builder.finish(codec).unwrap().to_vec()
}

/// The batch with another header, and the checksum to it.
fn with(mut batch: Vec<u8>, change: impl Fn(&mut BatchHeader)) -> Vec<u8> {
    let mut header = BatchHeader::parse(&batch).unwrap();
    change(&mut header);
    header.write(batch.first_chunk_mut().unwrap());
    header.crc = crc32c(&batch[CRC_FROM..]);
    header.write(batch.first_chunk_mut().unwrap());
    batch
}

fn kind(batch: &[u8], rules: &Rules) -> ErrorKind {
    check(batch, rules).expect_err("a bad batch was accepted").kind()
}

#[test]
fn a_good_batch_passes_with_every_codec() {
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        for unpack in [false, true] {
            let checked = check(&batch(codec), &Rules { unpack, ..RULES }).unwrap();
            assert_eq!(checked.header.record_count, 3);
            assert_eq!(checked.max_timestamp, NOW + 20);
        }
    }
}

#[test]
fn repeated_header_keys_stay() {
    let batch = batch(Codec::None);
    let first = Records::new(&batch[HEADER_BYTES..], 3).next().unwrap().unwrap();
    let headers: Vec<_> = first.headers.map(|header| (header.key, header.value)).collect();
    assert_eq!(headers, [(&b"h"[..], Some(&b"1"[..])), (b"h", None)]);
}

#[test]
fn headers_that_break_a_rule_are_refused_by_its_error() {
    type Change = fn(&mut BatchHeader);
    let rules: [(ErrorKind, Change); 13] = [
        (ErrorKind::InvalidRecord, |header| header.base_offset = 1),
        (ErrorKind::CorruptBatch, |header| header.batch_length += 1),
        (ErrorKind::InvalidRecord, |header| header.batch_length -= 1),
        (ErrorKind::InvalidRecord, |header| header.magic = 3),
        (ErrorKind::UnsupportedFormat, |header| header.magic = 1),
        (ErrorKind::InvalidRecord, |header| header.record_count = 2),
        (ErrorKind::InvalidRecord, |header| {
            (header.record_count, header.last_offset_delta) = (0, -1);
        }),
        (ErrorKind::InvalidRecord, |header| {
            (header.record_count, header.last_offset_delta) = (i32::MIN, i32::MAX);
        }),
        (ErrorKind::InvalidRecord, |header| header.attributes |= CONTROL),
        (ErrorKind::InvalidRecord, |header| header.attributes |= TRANSACTIONAL),
        (ErrorKind::InvalidRecord, |header| header.attributes |= 6),
        (ErrorKind::InvalidTimestamp, |header| header.attributes |= LOG_APPEND_TIME),
        (ErrorKind::InvalidRecord, |header| header.producer_id = 0),
    ];
    for (at, (expected, change)) in rules.into_iter().enumerate() {
        assert_eq!(kind(&with(batch(Codec::None), change), &RULES), expected, "rule {at}");
    }
}

#[test]
fn batches_that_break_a_rule_of_the_topic_or_the_request_are_refused() {
    let plain = batch(Codec::None);
    let exact = Rules { bytes_max: plain.len() as u32, ..RULES };
    assert!(check(&plain, &exact).is_ok());
    let smaller = Rules { bytes_max: plain.len() as u32 - 1, ..RULES };
    assert_eq!(kind(&plain, &smaller), ErrorKind::MessageTooLarge);

    let no_zstd = Rules { zstd_allowed: false, ..RULES };
    assert_eq!(kind(&batch(Codec::Zstd), &no_zstd), ErrorKind::UnsupportedCompression);
    assert!(check(&batch(Codec::Lz4), &no_zstd).is_ok());

    let compacted = Rules { keys_required: true, ..RULES };
    assert_eq!(kind(&plain, &compacted), ErrorKind::InvalidRecord);
    assert_eq!(kind(&batch(Codec::Gzip), &compacted), ErrorKind::InvalidRecord);
}

#[test]
fn a_flipped_bit_and_a_second_batch_are_refused() {
    let good = batch(Codec::None);
    for at in CRC_FROM..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        assert_eq!(kind(&bad, &RULES), ErrorKind::CorruptBatch, "byte {at}");
    }
    assert_eq!(kind(&[&good[..], &good].concat(), &RULES), ErrorKind::InvalidRecord);
    for cut in 0..good.len() {
        assert_eq!(kind(&good[..cut], &RULES), ErrorKind::CorruptBatch, "cut at {cut}");
    }
}

#[test]
fn timestamps_have_to_be_near_the_brokers_clock() {
    for codec in [Codec::None, Codec::Zstd] {
        for (after, before, fits) in
            [(20, 10, true), (19, 10, false), (20, 9, codec != Codec::None)]
        {
            // The earliest timestamp of a compressed batch is seen only when it is unpacked.
            let rules = Rules { after_ms_max: after, before_ms_max: before, ..RULES };
            let result = check(&batch(codec), &rules);
            assert_eq!(result.is_ok(), fits, "{} {after} {before}", codec.name());
            if let Err(error) = result {
                assert_eq!(error.kind(), ErrorKind::InvalidTimestamp);
            }
            let unpacked = check(&batch(codec), &Rules { unpack: true, ..rules });
            assert_eq!(unpacked.is_ok(), (after, before) == (20, 10));
            assert!(check(&batch(codec), &Rules { log_append_time: true, ..rules }).is_ok());
        }
    }
    let mut builder = BatchBuilder::new();
    builder.append(-1, None, Some(b"no time"), &[]).unwrap();
    let timeless = builder.finish(Codec::None).unwrap();
    assert_eq!(check(timeless, &RULES).unwrap().max_timestamp, -1);
}

#[test]
fn a_wrong_max_timestamp_is_found_and_corrected() {
    let mut lied = with(batch(Codec::None), |header| header.max_timestamp = NOW + 1_000);
    let checked = check(&lied, &RULES).unwrap();
    assert_eq!((checked.header.max_timestamp, checked.max_timestamp), (NOW + 1_000, NOW + 20));
    set_max_timestamp(&mut lied, checked.max_timestamp);
    assert_eq!(lied, batch(Codec::None));
}

#[test]
fn the_brokers_timestamp_leaves_a_valid_batch() {
    let mut stamped = batch(Codec::Lz4);
    set_log_append_time(&mut stamped, NOW + 5);
    let header = BatchHeader::parse(&stamped).unwrap();
    assert!(header.has_log_append_time());
    assert_eq!(header.max_timestamp, NOW + 5);
    assert_eq!(header.codec().unwrap(), Codec::Lz4);
    assert_eq!(header.crc, crc32c(&stamped[CRC_FROM..]));
    assert_eq!(stamped[HEADER_BYTES..], batch(Codec::Lz4)[HEADER_BYTES..]);
}

#[test]
fn a_builder_is_as_new_after_clear() {
    let mut builder = BatchBuilder::new();
    builder.append(NOW, None, Some(&[7; 1_000]), &[]).unwrap();
    builder.set_producer(1, 2, 3);
    builder.set_transactional();
    assert!(check(builder.finish(Codec::Zstd).unwrap(), &RULES).unwrap().header.is_transactional());
    builder.clear();
    assert!(builder.is_empty());
    assert_eq!(builder.size(), HEADER_BYTES);
    builder.append(NOW, Some(b"k"), None, &[]).unwrap();
    let again = builder.finish(Codec::None).unwrap().to_vec();
    let mut new = BatchBuilder::new();
    new.append(NOW, Some(b"k"), None, &[]).unwrap();
    assert_eq!(again, new.finish(Codec::None).unwrap());
}

#[test]
fn a_record_that_does_not_fit_leaves_the_batch_as_it_was() {
    let mut builder = BatchBuilder::new();
    builder.append(i64::MIN, None, None, &[]).unwrap();
    let size = builder.size();
    let apart = builder.append(1, None, None, &[]).unwrap_err();
    assert_eq!(apart.kind(), ErrorKind::InvalidTimestamp);
    let huge = vec![0; minka::limits::BATCH_BYTES_MAX as usize];
    let large = builder.append(i64::MIN, None, Some(&huge), &[]).unwrap_err();
    assert_eq!(large.kind(), ErrorKind::MessageTooLarge);
    assert_eq!((builder.count(), builder.size()), (1, size));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(check(&bytes, &RULES).is_err());
    }

    /// With a checksum that fits, whatever passes can be walked from end to end.
    #[test]
    fn what_passes_can_be_read(
        at: prop::sample::Index, value: u8, more in vec(any::<u8>(), 0..3), unpack: bool,
        codec in prop::sample::select(vec![Codec::None, Codec::Snappy, Codec::Zstd]),
    ) {
        let mut bytes = batch(codec);
        let at = at.index(bytes.len());
        bytes[at] = value;
        bytes.extend_from_slice(&more);
        let length = bytes.len() as i32 - 12;
        if BatchHeader::parse(&bytes).is_err() {
            return Ok(());
        }
        let bytes = with(bytes, |header| header.batch_length = length);
        let rules = Rules { unpack, ..RULES };
        let Ok(checked) = check(&bytes, &rules) else { return Ok(()) };
        if checked.header.codec().unwrap() == Codec::None {
            let records = Records::new(&bytes[HEADER_BYTES..], checked.header.record_count);
            let records: Vec<_> = records.collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(records.len(), checked.header.record_count as usize);
            let times = records.iter().map(|r| checked.header.base_timestamp + r.timestamp_delta);
            prop_assert_eq!(times.max().unwrap(), checked.max_timestamp);
        }
    }
}
