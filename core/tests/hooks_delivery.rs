//! The delivery hook: what consumers get is asked about, in this process and over a socket.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod client_common;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use client_common::{Bed, PATIENCE, Way};
use minka::ErrorKind;
use minka::batch::builder::BatchBuilder;
use minka::batch::header::BatchHeader;
use minka::batch::records::Records;
use minka::client::{
    Acks, Codec, Consumer, ConsumerConfig, Group, Message, Producer, ProducerConfig, StartAt,
};
use minka::engine::{Changed, Passing, Peer, Produce, Verdict};
use minka::state::setting::ConfigChange;

scenes! {
    records_are_left_out_and_changed,
    consumers_go_on_behind_batches_of_which_nothing_is_left,
    who_begins_inside_a_batch_gets_the_rest,
    positions_of_a_group_go_on_behind_what_is_left_out,
    what_is_left_out_of_a_queue_is_done,
    a_queue_of_which_nothing_is_left_keeps_its_members_waiting,
    what_a_failing_hook_is_asked_about_is_asked_about_again,
    what_cannot_be_unpacked_does_not_leave,
}

fn bed(way: Way, hook: impl Fn(&Passing<'_>) -> Verdict + Send + Sync + 'static) -> Bed {
    Bed::with(way, |config| config.hooks.delivery = Some(Arc::new(hook)))
}

/// Leaves out what ends in 3 and changes what ends in 5.
fn pick(passing: &Passing<'_>) -> Verdict {
    let value = passing.value.unwrap_or_default();
    assert!(passing.offset.is_some());
    match value.last() {
        Some(b'3') => Verdict::Refuse("not for you".to_owned()),
        Some(b'5') => Verdict::Change(Changed {
            key: Some(b"new".to_vec()),
            value: Some([value, b"!"].concat()),
            headers: vec![(b"h".to_vec(), None)],
        }),
        _ => Verdict::Pass,
    }
}

/// Appends values as one batch.
fn append(bed: &Bed, codec: Codec, values: &[String]) {
    let mut builder = BatchBuilder::new();
    for value in values {
        builder.append(1_700_000_000_000, None, Some(value.as_bytes()), &[]).unwrap();
    }
    produce(bed, Bytes::copy_from_slice(builder.finish(codec).unwrap()));
}

fn produce(bed: &Bed, batch: Bytes) {
    let topic = bed.broker.topic("t").unwrap();
    let partition = &topic.partitions[0];
    let (acks, zstd_allowed) = (Acks::Written, true);
    bed.broker.produce(Produce { topic: &topic, partition, batch, acks, zstd_allowed }).unwrap();
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

fn expected(range: std::ops::Range<u32>) -> Vec<(u64, String)> {
    let shown = |n: u32| (u64::from(n), if n % 10 == 5 { format!("{n}!") } else { n.to_string() });
    range.filter(|n| n % 10 != 3).map(shown).collect()
}

fn consumer(bed: &Bed, group: Option<Group>) -> Consumer {
    let config = ConsumerConfig { group, ..ConsumerConfig::default() };
    Consumer::open(bed.target(), config).unwrap()
}

/// Polls until `count` records came, and a little longer.
fn take(consumer: &mut Consumer, count: usize) -> Vec<(u64, String)> {
    let deadline = Instant::now() + PATIENCE;
    let mut all = Vec::new();
    while all.len() < count {
        assert!(Instant::now() < deadline, "only {all:?} came");
        let records = consumer.poll(Duration::from_millis(200)).unwrap();
        all.extend(records.iter().map(|record| {
            let value = record.value.unwrap_or_default();
            (record.offset, String::from_utf8_lossy(value).into_owned())
        }));
    }
    all
}

const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

fn records_are_left_out_and_changed(way: Way) {
    let bed = bed(way, pick);
    bed.topic("t", 1);
    for (n, codec) in (0..).zip(CODECS) {
        append(&bed, codec, &numbers(n * 20..n * 20 + 20));
    }
    let mut reader = consumer(&bed, None);
    reader.assign(&[("t", 0, StartAt::Earliest)]).unwrap();
    assert_eq!(take(&mut reader, 90), expected(0..100));
    assert_eq!(reader.position("t", 0).unwrap(), Some(100));
    // What is on the disk is what it was.
    assert_eq!(bed.values("t", 0), numbers(0..100));
    let mut again = consumer(&bed, None);
    again.assign(&[("t", 0, StartAt::Offset(4))]).unwrap();
    let records = again.poll(PATIENCE).unwrap();
    let five = records.iter().find(|record| record.offset == 5).unwrap();
    assert_eq!((five.key, five.value), (Some(&b"new"[..]), Some(&b"5!"[..])));
    assert_eq!(five.timestamp, 1_700_000_000_000);
    assert_eq!(five.headers.count(), 1);
}

fn consumers_go_on_behind_batches_of_which_nothing_is_left(way: Way) {
    let bed = bed(way, |passing| match passing.value {
        Some(b"hidden") => Verdict::Refuse(String::new()),
        _ => Verdict::Pass,
    });
    bed.topic("t", 1);
    let hidden = vec!["hidden".to_owned(); 10];
    for codec in CODECS {
        append(&bed, codec, &hidden);
        append(&bed, codec, &["a".to_owned()]);
    }
    append(&bed, Codec::Zstd, &hidden);
    let mut reader = consumer(&bed, None);
    reader.assign(&[("t", 0, StartAt::Earliest)]).unwrap();
    let offsets: Vec<u64> = take(&mut reader, 5).iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets, [10, 21, 32, 43, 54]);
    let deadline = Instant::now() + PATIENCE;
    while reader.position("t", 0).unwrap() < Some(65) {
        assert!(Instant::now() < deadline);
        assert!(reader.poll(Duration::from_millis(50)).unwrap().is_empty());
    }
}

fn who_begins_inside_a_batch_gets_the_rest(way: Way) {
    let asked: Arc<Mutex<BTreeSet<u64>>> = Arc::default();
    let seen = asked.clone();
    let bed = bed(way, move |passing| {
        seen.lock().unwrap().insert(passing.offset.unwrap());
        Verdict::Pass
    });
    bed.topic("t", 1);
    append(&bed, Codec::Lz4, &numbers(0..20));
    let mut reader = consumer(&bed, None);
    reader.assign(&[("t", 0, StartAt::Offset(7))]).unwrap();
    let offsets: Vec<u64> = take(&mut reader, 13).iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets, (7..20).collect::<Vec<_>>());
    assert_eq!(*asked.lock().unwrap(), (7..20).collect(), "nobody gets what is before");
}

fn positions_of_a_group_go_on_behind_what_is_left_out(way: Way) {
    let bed = bed(way, pick);
    bed.topic("t", 1);
    append(&bed, Codec::None, &numbers(0..24));
    let group = || Some(Group::Partitions("g".to_owned()));
    let mut member = consumer(&bed, group());
    member.subscribe(&["t"]).unwrap();
    assert_eq!(take(&mut member, 21), expected(0..23 + 1));
    member.commit().unwrap();
    member.close().unwrap();
    append(&bed, Codec::None, &numbers(24..26));
    let mut next = consumer(&bed, group());
    next.subscribe(&["t"]).unwrap();
    assert_eq!(take(&mut next, 2), expected(24..26));
}

fn lag(bed: &Bed) -> u64 {
    let end = bed.broker.topic("t").unwrap().partitions[0].high_watermark();
    bed.broker.queue_offsets("q").unwrap().iter().map(|offsets| offsets.lag(end)).sum()
}

fn queue(bed: &Bed) -> Consumer {
    let change = [ConfigChange::Set("share.auto.offset.reset", "earliest")];
    bed.broker.configure_group("q", &change, false).unwrap();
    let mut member = consumer(bed, Some(Group::Queue("q".to_owned())));
    member.subscribe(&["t"]).unwrap();
    member
}

fn what_is_left_out_of_a_queue_is_done(way: Way) {
    let bed = bed(way, pick);
    bed.topic("t", 1);
    for (n, codec) in (0..).zip(CODECS) {
        append(&bed, codec, &numbers(n * 20..n * 20 + 20));
    }
    let mut member = queue(&bed);
    let mut all = take(&mut member, 90);
    all.sort();
    assert_eq!(all, expected(0..100));
    member.commit().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while lag(&bed) > 0 {
        assert!(Instant::now() < deadline, "{} are left", lag(&bed));
        assert!(member.poll(Duration::from_millis(20)).unwrap().is_empty());
    }
    assert_eq!(member.acknowledged_too_late(), 0);
}

fn a_queue_of_which_nothing_is_left_keeps_its_members_waiting(way: Way) {
    let bed = bed(way, |passing| match passing.value {
        Some(b"hidden") => Verdict::Refuse(String::new()),
        _ => Verdict::Pass,
    });
    bed.topic("t", 1);
    let mut member = queue(&bed);
    for _ in 0..100 {
        append(&bed, Codec::None, &vec!["hidden".to_owned(); 100]);
    }
    let deadline = Instant::now() + PATIENCE;
    while bed.broker.queue_offsets("q").is_none_or(|found| found.is_empty()) || lag(&bed) > 0 {
        assert!(Instant::now() < deadline, "{} are left", lag(&bed));
        assert!(member.poll(Duration::from_millis(50)).unwrap().is_empty());
    }
    append(&bed, Codec::None, &["hidden".to_owned(), "a".to_owned(), "hidden".to_owned()]);
    assert_eq!(take(&mut member, 1), [(10_001, "a".to_owned())]);
}

fn what_a_failing_hook_is_asked_about_is_asked_about_again(way: Way) {
    let failures = Arc::new(AtomicU32::new(0));
    let counted = failures.clone();
    let bed = bed(way, move |passing| {
        if passing.value == Some(b"1") && counted.fetch_add(1, Ordering::SeqCst) % 3 < 2 {
            assert_ne!(counted.load(Ordering::SeqCst) % 3, 1, "this hook fails on purpose");
            return Verdict::Fail("not now".to_owned());
        }
        Verdict::Pass
    });
    bed.topic("t", 1);
    for value in numbers(0..3) {
        append(&bed, Codec::None, &[value]);
    }
    let mut reader = consumer(&bed, None);
    reader.assign(&[("t", 0, StartAt::Earliest)]).unwrap();
    assert_eq!(take_all(&mut reader, 3), expected(0..3));
    assert!(failures.load(Ordering::SeqCst) >= 3);
    assert!(bed.log().contains("delivery hook panicked"), "{}", bed.log());

    let mut member = queue(&bed);
    let mut shared = take_all(&mut member, 3);
    shared.sort();
    assert_eq!(shared, expected(0..3));
    assert!(failures.load(Ordering::SeqCst) >= 6);
    assert_eq!(member.acknowledged_too_late(), 0);
}

/// Polls until `count` records came, whatever errors are told.
fn take_all(consumer: &mut Consumer, count: usize) -> Vec<(u64, String)> {
    let deadline = Instant::now() + PATIENCE;
    let mut all = Vec::new();
    while all.len() < count {
        assert!(Instant::now() < deadline, "only {all:?} came");
        let Ok(records) = consumer.poll(Duration::from_millis(200)) else { continue };
        all.extend(records.iter().map(|record| {
            let value = record.value.unwrap_or_default();
            (record.offset, String::from_utf8_lossy(value).into_owned())
        }));
    }
    all
}

fn what_cannot_be_unpacked_does_not_leave(way: Way) {
    let bed = bed(way, pick);
    bed.topic("t", 1);
    append(&bed, Codec::None, &numbers(0..2));
    let mut builder = BatchBuilder::new();
    builder.append(1_700_000_000_000, None, Some(b"2"), &[]).unwrap();
    let mut bad = builder.finish(Codec::Gzip).unwrap().to_vec();
    bad[61] ^= 0x55;
    let crc = minka::checksum::crc32c(&bad[21..]);
    bad[17..21].copy_from_slice(&crc.to_be_bytes());
    produce(&bed, bad.into());
    append(&bed, Codec::None, &numbers(7..8));
    let mut reader = consumer(&bed, None);
    reader.assign(&[("t", 0, StartAt::Earliest)]).unwrap();
    assert_eq!(take(&mut reader, 2), expected(0..2));
    let error = loop {
        match reader.poll(PATIENCE) {
            Ok(records) => assert!(records.is_empty()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::CorruptBatch, "{error}");
    reader.seek("t", 0, StartAt::Offset(3)).unwrap();
    assert_eq!(take(&mut reader, 1), [(3, "7".to_owned())]);
}

#[test]
fn a_producer_is_not_asked_by_the_delivery_hook() {
    let bed = bed(Way::InProcess, |_| Verdict::Refuse(String::new()));
    let producer = Producer::open(bed.target(), ProducerConfig::default()).unwrap();
    producer.send(Message::new("t", b"a")).unwrap().wait(PATIENCE).unwrap();
    assert_eq!(bed.values("t", 0), ["a"]);
}

#[test]
fn what_is_left_of_nothing_is_a_marker_that_covers_its_offsets() {
    let bed = bed(Way::InProcess, |passing| match passing.value {
        Some(b"a") => Verdict::Pass,
        _ => Verdict::Refuse(String::new()),
    });
    bed.topic("t", 1);
    append(&bed, Codec::Zstd, &numbers(0..7));
    append(&bed, Codec::None, &["a".to_owned(), "b".to_owned()]);
    let topic = bed.broker.topic("t").unwrap();
    let mut pieces = Vec::new();
    bed.broker.read(&topic.partitions[0], 0, 1 << 20, true, &mut pieces).unwrap();
    let passed = bed.broker.pass(Peer::default(), ("t", 0), &[2..=u64::MAX], &pieces);
    assert_eq!(passed.left_out, [2..=6, 8..=8]);
    let bytes = passed.batches.concat();
    let marker = BatchHeader::parse(&bytes).unwrap();
    assert!(marker.is_control() && marker.is_transactional());
    assert_eq!((marker.base_offset, marker.last_offset(), marker.record_count), (0, 6, 1));
    assert_eq!((marker.codec().unwrap(), marker.producer_id), (Codec::None, -1));
    let (marker, rest) = bytes.split_at(marker.size());
    assert_eq!(minka::checksum::crc32c(&marker[21..]).to_be_bytes(), marker[17..21]);
    let record = Records::new(&marker[61..], 1).next().unwrap().unwrap();
    assert_eq!((record.offset_delta, record.key), (6, Some(&[0, 0, 0, 1][..])));
    let kept = BatchHeader::parse(rest).unwrap();
    assert_eq!((kept.base_offset, kept.last_offset(), kept.record_count), (7, 8, 1));
}
