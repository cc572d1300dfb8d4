//! The admission hook: what producers send is asked about, in this process and over a socket.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod client_common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use client_common::{Bed, PATIENCE, Way};
use minka::ErrorKind;
use minka::batch::builder::BatchBuilder;
use minka::batch::header::BatchHeader;
use minka::client::{Acks, Codec, Header, Message, Producer, ProducerConfig};
use minka::engine::{Changed, NewTopic, Passing, Peer, Produce, Verdict};
use minka::state::topic_config::TopicConfig;

scenes! {
    records_pass_change_or_are_refused_with_their_reasons,
    a_changed_batch_keeps_all_but_its_records,
    an_idempotent_producer_goes_on_behind_a_refused_batch,
    a_panic_refuses_its_record_and_is_logged,
    a_hook_may_use_a_client_of_the_broker,
    a_hook_sees_who_sends_what,
    what_grows_too_large_is_refused,
}

fn bed(way: Way, hook: impl Fn(&Passing<'_>) -> Verdict + Send + Sync + 'static) -> Bed {
    Bed::with(way, |config| config.hooks.admission = Some(Arc::new(hook)))
}

/// A producer that gathers what is sent into one batch.
fn gathering(bed: &Bed, codec: Codec) -> Producer {
    let config = ProducerConfig {
        linger: Duration::from_secs(600),
        compression: codec,
        client_id: "tester".to_owned(),
        ..ProducerConfig::default()
    };
    Producer::open(bed.target(), config).unwrap()
}

fn upper(passing: &Passing<'_>) -> Verdict {
    match passing.value {
        Some(value) if value.starts_with(b"bad") => {
            Verdict::Refuse(format!("{} is not wanted", String::from_utf8_lossy(value)))
        }
        Some(value) if value.starts_with(b"up") => Verdict::Change(Changed {
            key: passing.key.map(<[u8]>::to_vec),
            value: Some(value.to_ascii_uppercase()),
            headers: vec![(b"by".to_vec(), Some(b"hook".to_vec())), (b"n".to_vec(), None)],
        }),
        _ => Verdict::Pass,
    }
}

fn records_pass_change_or_are_refused_with_their_reasons(way: Way) {
    let bed = bed(way, upper);
    bed.topic("t", 1);
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let producer = gathering(&bed, codec);
        let before = bed.values("t", 0).len();
        let send = |values: &[&str]| {
            let sent = values.iter().map(|value| Message::new("t", value.as_bytes()));
            let sent: Vec<_> = sent.map(|message| producer.send(message).unwrap()).collect();
            producer.flush(PATIENCE).unwrap();
            sent.into_iter().map(|delivery| delivery.wait(PATIENCE)).collect::<Vec<_>>()
        };
        let good = send(&["a", "up1", "b"]);
        let offsets: Vec<_> = good.iter().map(|r| r.as_ref().unwrap().offset.unwrap()).collect();
        assert_eq!(offsets, [before as u64, before as u64 + 1, before as u64 + 2]);
        assert_eq!(bed.values("t", 0)[before..], ["a", "UP1", "b"]);
        let changed = &bed.stored("t", 0)[before + 1];
        let headers = [(b"by".to_vec(), Some(b"hook".to_vec())), (b"n".to_vec(), None)];
        assert_eq!(changed.headers, headers);

        let refused = send(&["good", "bad1", "bad2"]);
        let errors: Vec<_> = refused.into_iter().map(Result::unwrap_err).collect();
        for error in &errors {
            assert_eq!(error.kind(), ErrorKind::InvalidRecord, "{error}");
            assert!(!error.kind().is_retriable());
        }
        assert!(errors[0].to_string().contains("another record"), "{}", errors[0]);
        assert_eq!(errors[1].to_string(), "bad1 is not wanted");
        assert_eq!(errors[2].to_string(), "bad2 is not wanted");
        assert_eq!(bed.values("t", 0).len(), before + 3, "nothing of a refused batch is stored");
        let codecs = bed.batches("t", 0);
        assert_eq!(codecs.last().unwrap().0, codec);
    }
}

/// The same in both ways: the engine's own call, with a batch that has everything.
fn a_changed_batch_keeps_all_but_its_records(way: Way) {
    let bed = bed(way, upper);
    bed.topic("t", 2);
    let live = bed.broker.topic("t").unwrap();
    for codec in [Codec::None, Codec::Zstd] {
        let mut builder = BatchBuilder::new();
        let header = Header { key: b"h", value: Some(b"x") };
        for (number, value) in (0..).zip([&b"a"[..], b"up1", b"", b"up2", b"z"]) {
            builder
                .append(1_700_000_000_000 + number * 7, Some(b"k"), Some(value), &[header])
                .unwrap();
        }
        builder.set_producer(77, 3, 12);
        let batch = Bytes::copy_from_slice(builder.finish(codec).unwrap());
        let produce = || Produce {
            topic: &live,
            partition: &live.partitions[1],
            batch: batch.clone(),
            acks: Acks::Written,
            zstd_allowed: true,
        };
        let mut changed = produce();
        bed.broker.admit(Peer::default(), &mut changed).unwrap();
        let before = BatchHeader::parse(&batch).unwrap();
        let after = BatchHeader::parse(&changed.batch).unwrap();
        let same = BatchHeader { batch_length: after.batch_length, crc: after.crc, ..before };
        assert_eq!(after, same);
        assert_ne!(after.crc, before.crc);
        assert_eq!(after.size(), changed.batch.len());
        if bed.stored("t", 1).is_empty() {
            // A new producer begins with any sequence number; the second batch would repeat it.
            bed.broker.produce(changed).unwrap();
            let stored = bed.stored("t", 1);
            let times: Vec<_> = stored.iter().map(|record| record.timestamp).collect();
            assert_eq!(times, [0, 7, 14, 21, 28].map(|add| 1_700_000_000_000 + add));
            assert_eq!(bed.values("t", 1), ["a", "UP1", "", "UP2", "z"]);
        }
    }
    // Nothing changes: the very same bytes.
    let mut builder = BatchBuilder::new();
    builder.append(5, None, Some(b"a"), &[]).unwrap();
    let batch = Bytes::copy_from_slice(builder.finish(Codec::Lz4).unwrap());
    let mut same = Produce {
        topic: &live,
        partition: &live.partitions[0],
        batch: batch.clone(),
        acks: Acks::Written,
        zstd_allowed: true,
    };
    bed.broker.admit(Peer::default(), &mut same).unwrap();
    assert_eq!(same.batch.as_ptr(), batch.as_ptr());
}

fn an_idempotent_producer_goes_on_behind_a_refused_batch(way: Way) {
    let bed = bed(way, upper);
    let config = ProducerConfig { idempotent: true, acks: Acks::Synced, ..Default::default() };
    let producer = Producer::open(bed.target(), config).unwrap();
    let mut expected = Vec::new();
    for round in 0..20 {
        for kind in ["a", "up", "bad"] {
            let value = format!("{kind}{round}");
            let result = producer.send(Message::new("t", value.as_bytes())).unwrap().wait(PATIENCE);
            match kind {
                "bad" => {
                    let error = result.unwrap_err();
                    assert_eq!(error.to_string(), format!("bad{round} is not wanted"));
                }
                _ => {
                    result.unwrap();
                    expected.push(if kind == "up" { value.to_uppercase() } else { value });
                }
            }
        }
    }
    assert_eq!(bed.values("t", 0), expected);
}

fn a_panic_refuses_its_record_and_is_logged(way: Way) {
    let bed = bed(way, |passing| {
        assert_ne!(passing.value, Some(&b"boom"[..]), "this hook fails on purpose");
        Verdict::Pass
    });
    let producer = gathering(&bed, Codec::None);
    let good = producer.send(Message::new("t", b"a")).unwrap();
    let boom = producer.send(Message::new("t", b"boom")).unwrap();
    producer.flush(PATIENCE).unwrap();
    assert!(good.wait(PATIENCE).unwrap_err().to_string().contains("another record"));
    let error = boom.wait(PATIENCE).unwrap_err();
    assert_eq!(
        (error.kind(), &error.to_string()[..]),
        (ErrorKind::InvalidRecord, "the admission hook failed")
    );
    let next = producer.send(Message::new("t", b"b")).unwrap();
    producer.flush(PATIENCE).unwrap();
    next.wait(PATIENCE).unwrap();
    assert!(bed.log().contains("admission hook panicked"), "{}", bed.log());
}

fn a_hook_may_use_a_client_of_the_broker(way: Way) {
    let own: Arc<OnceLock<Producer>> = Arc::default();
    let used = own.clone();
    let bed = bed(way, move |passing| {
        if passing.topic == "audit" {
            return Verdict::Pass;
        }
        if let Some(producer) = used.get() {
            let value = passing.value.unwrap();
            // Over a socket this would be waiting for the thread that it is on.
            producer.send(Message::new("audit", value)).unwrap();
        }
        Verdict::Pass
    });
    bed.topic("audit", 1);
    let writer = Producer::open(&bed.broker, ProducerConfig::default()).unwrap();
    assert!(own.set(writer).is_ok());
    let producer = Producer::open(bed.target(), ProducerConfig::default()).unwrap();
    for value in ["a", "b"] {
        producer.send(Message::new("t", value.as_bytes())).unwrap().wait(PATIENCE).unwrap();
    }
    own.get().unwrap().flush(PATIENCE).unwrap();
    assert_eq!(bed.values("audit", 0), ["a", "b"]);
    assert_eq!(bed.values("t", 0), ["a", "b"]);
    own.get().unwrap().close(PATIENCE).unwrap();
}

fn a_hook_sees_who_sends_what(way: Way) {
    type Seen = (String, Option<String>, bool, String, u32, Option<u64>, i64, Vec<u8>, usize);
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let into = seen.clone();
    let bed = bed(way, move |passing| {
        let peer = passing.peer;
        into.lock().unwrap().push((
            peer.client_id.to_owned(),
            peer.user.map(str::to_owned),
            peer.address.is_some(),
            passing.topic.to_owned(),
            passing.partition,
            passing.offset,
            passing.timestamp,
            passing.key.unwrap_or_default().to_vec(),
            passing.headers.count(),
        ));
        Verdict::Pass
    });
    bed.topic("t", 3);
    let producer = gathering(&bed, Codec::Lz4);
    let headers = [Header { key: b"a", value: None }, Header { key: b"a", value: Some(b"1") }];
    let message = Message::new("t", b"v").with_key(b"k").with_headers(&headers);
    let message = Message { partition: Some(2), ..message.with_timestamp(1_700_000_000_123) };
    let sent = producer.send(message).unwrap();
    producer.flush(PATIENCE).unwrap();
    sent.wait(PATIENCE).unwrap();
    let is_remote = way == Way::Socket;
    let expected = (
        "tester".to_owned(),
        None,
        is_remote,
        "t".to_owned(),
        2,
        None,
        1_700_000_000_123,
        b"k".to_vec(),
        2,
    );
    assert_eq!(*seen.lock().unwrap(), [expected]);
}

fn what_grows_too_large_is_refused(way: Way) {
    let bed = bed(way, |passing| {
        let value = Some(vec![b'x'; passing.value.map_or(0, <[u8]>::len) * 3000]);
        Verdict::Change(Changed { value, ..Changed::default() })
    });
    let config = TopicConfig::parse([("max.message.bytes", "10000")]).unwrap();
    let new = NewTopic { name: "t".to_owned(), partitions: Some(1), config };
    bed.broker.create_topics(&[new], false).remove(0).unwrap();
    let producer = Producer::open(bed.target(), ProducerConfig::default()).unwrap();
    let send = |value: &[u8]| producer.send(Message::new("t", value)).unwrap().wait(PATIENCE);
    send(b"123").unwrap();
    assert_eq!(send(b"12345").unwrap_err().kind(), ErrorKind::MessageTooLarge);
    assert_eq!(bed.values("t", 0)[0].len(), 9000);
}

#[test]
fn garbage_is_refused_as_without_a_hook_and_asked_about_only_if_sound() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let bed = bed(Way::InProcess, move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Verdict::Pass
    });
    bed.topic("t", 1);
    let live = bed.broker.topic("t").unwrap();
    let admit = |batch: &[u8]| {
        let mut produce = Produce {
            topic: &live,
            partition: &live.partitions[0],
            batch: Bytes::copy_from_slice(batch),
            acks: Acks::Written,
            zstd_allowed: true,
        };
        bed.broker.admit(Peer::default(), &mut produce).map_err(|refused| refused.error.kind())
    };
    let mut builder = BatchBuilder::new();
    for _ in 0..3 {
        builder.append(5, Some(b"key"), Some(b"value"), &[]).unwrap();
    }
    let good = builder.finish(Codec::None).unwrap().to_vec();
    for cut in 0..good.len() {
        assert!(admit(&good[..cut]).is_err(), "cut at {cut}");
        let mut bad = good.clone();
        bad[cut] ^= 0x55;
        // The first 8 are the offset, which has to be 0; the leader epoch may be anything.
        assert_eq!(admit(&bad).is_ok(), (12..16).contains(&cut), "byte {cut}");
    }
    assert_eq!(admit(&[]), Err(ErrorKind::CorruptBatch));
    let sound = asked.swap(0, Ordering::Relaxed);
    assert_eq!(sound, 4 * 3, "only what may be appended is asked about");

    // A compressed batch whose checksum is right and whose records are not.
    let packed = builder.finish(Codec::Lz4).unwrap().to_vec();
    for at in 61..packed.len() {
        let mut bad = packed.clone();
        bad[at] ^= 0x55;
        let crc = minka::checksum::crc32c(&bad[21..]);
        bad[17..21].copy_from_slice(&crc.to_be_bytes());
        if let Err(kind) = admit(&bad) {
            assert_eq!(kind, ErrorKind::CorruptBatch, "byte {at}");
        }
    }
    let mut bomb = BatchBuilder::new();
    bomb.append(5, None, Some(&vec![0; 90 << 20]), &[]).unwrap();
    let bomb = bomb.finish(Codec::Zstd).unwrap().to_vec();
    asked.store(0, Ordering::Relaxed);
    assert_eq!(admit(&bomb), Ok(()));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
