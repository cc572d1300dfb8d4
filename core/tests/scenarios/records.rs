//! What is sent comes back.

use std::collections::{BTreeMap, BTreeSet};

use minka::ErrorKind;
use minka::client::{Header, Message, NewTopic};

use crate::world::{Got, PATIENCE, Place, World, kind, send, take};

/// A time that is not now.
const TIME: i64 = 1_700_000_000_000;

pub(crate) fn produce_and_consume(place: Place) {
    let world = World::new(place);
    world.topic("t");
    let bytes: Vec<u8> = (0..=255).collect();
    let headers = [
        Header { key: b"h", value: Some(b"first") },
        Header { key: b"h", value: None },
        Header { key: b"", value: Some(b"") },
    ];
    let plain = Message::new("t", b"v").with_timestamp(TIME);
    let messages = [
        plain.with_key(b"k").with_headers(&headers),
        Message { key: Some(&bytes), value: Some(&bytes), ..plain },
        Message { key: None, value: Some(b""), timestamp: Some(TIME + 1), ..plain },
        Message { key: Some(b""), value: None, timestamp: Some(0), ..plain },
    ];
    let producer = world.producer();
    for (offset, message) in (0..).zip(messages) {
        let receipt = send(&producer, message).unwrap();
        let place = (&*receipt.topic, receipt.partition, receipt.offset, receipt.timestamp);
        assert_eq!(place, ("t", 0, Some(offset), message.timestamp.unwrap()));
    }
    let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    let expected = (0..).zip(messages).map(|(offset, message)| Got {
        topic: "t".to_owned(),
        partition: 0,
        offset,
        timestamp: message.timestamp.unwrap(),
        key: owned(message.key),
        value: owned(message.value),
        headers: message.headers.iter().map(|h| (h.key.to_vec(), owned(h.value))).collect(),
        delivery_count: 1,
    });
    let expected: Vec<_> = expected.collect();
    assert_eq!(take(&mut world.reader("t"), 4), expected);
}

pub(crate) fn order_within_a_partition(place: Place) {
    let world = World::new(place);
    world.admin().create_topic(&NewTopic::new("t").with_partitions(3)).unwrap();
    let producer = world.producer();
    for number in 0..1000 {
        let value = number.to_string();
        producer.send(Message::new("t", value.as_bytes()).with_key(b"one")).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let mut consumer = world.member("g", "t");
    let all = take(&mut consumer, 1000);
    let came: Vec<_> = all.iter().map(|got| (got.partition, got.offset, got.text())).collect();
    let partition = all[0].partition;
    let sent: Vec<_> = (0..1000).map(|n| (partition, n, n.to_string())).collect();
    assert_eq!(came, sent);
    consumer.close().unwrap();
}

pub(crate) fn batches_and_receipts(place: Place) {
    let world = World::new(place);
    world.admin().create_topic(&NewTopic::new("t").with_partitions(3)).unwrap();
    let producer = world.producer();
    let deliveries: Vec<_> = (0..1000_u32)
        .map(|number| {
            let value = number.to_string();
            producer.send(Message::new("t", value.as_bytes()).with_partition(number % 3)).unwrap()
        })
        .collect();
    let mut offsets = BTreeMap::<u32, Vec<u64>>::new();
    let mut ids = BTreeSet::new();
    for delivery in deliveries {
        let receipt = delivery.wait(PATIENCE).unwrap();
        offsets.entry(receipt.partition).or_default().push(receipt.offset.unwrap());
        assert!(ids.insert(receipt.id.unwrap()), "an ID occurs twice");
    }
    for (partition, count) in [(0, 334), (1, 333), (2, 333)] {
        assert_eq!(offsets[&partition], (0..count).collect::<Vec<_>>());
    }
}

pub(crate) fn large_and_compressed_records(place: Place) {
    let world = World::new(place);
    world.topic("t");
    let value: Vec<u8> = (0..1_000_000_u64).map(|at| (at * at / 7 % 251) as u8).collect();
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    for codec in codecs {
        let producer = world.producer_with(&[("compression.type", codec)]);
        send(&producer, Message::new("t", &value)).unwrap();
        producer.close(PATIENCE).unwrap();
    }
    for got in take(&mut world.reader("t"), codecs.len()) {
        assert!(got.value.as_ref() == Some(&value), "offset {} is not what was sent", got.offset);
    }
    let producer = world.producer();
    let limit = [("max.message.bytes", Some("2000"))];
    world.admin().alter_topic("t", &limit).unwrap();
    assert_eq!(kind(send(&producer, Message::new("t", &value))), ErrorKind::MessageTooLarge);
    assert_eq!(send(&producer, Message::new("t", b"small")).unwrap().offset, Some(5));
}

pub(crate) fn unknown_topic(place: Place) {
    let world = World::with(place, &[("auto.create.topics.enable", "false")]);
    // A producer waits for a topic to come, but not for ever.
    let producer = world.producer_with(&[("max.block.ms", "500"), ("delivery.timeout.ms", "500")]);
    let error = send(&producer, Message::new("missing", b"v")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopicOrPartition, "{error}");
    assert!(error.to_string().contains("missing"), "{error}");
    let error = world.admin().describe_topic("missing").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopicOrPartition, "{error}");
    assert!(error.to_string().contains("missing"), "{error}");
    assert_eq!(world.admin().topics().unwrap(), []);
}
