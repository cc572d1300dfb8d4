//! The producer: every scene in this process and over a socket.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod client_common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use client_common::{Bed, PATIENCE, Way};
use minka::client::{Acks, Codec, Header, Message, Producer, ProducerConfig, Receipt};
use minka::state::topic_config::TopicConfig;
use minka::{ErrorKind, Result};

scenes! {
    receipts_tell_offsets_in_order,
    records_come_back_as_they_were_sent,
    keys_choose_partitions_as_in_kafka,
    records_without_a_key_are_spread,
    every_codec_is_readable,
    every_acks_level_stores,
    the_time_of_the_append_is_told,
    a_full_buffer_waits_and_then_says_so,
    a_record_that_is_too_large_fails_alone,
    a_topic_that_may_not_be_created_is_an_error,
    a_partition_that_is_not_there_is_an_error,
    a_deleted_topic_fails_its_records,
    what_lingers_leaves_with_a_flush,
    what_lingers_leaves_when_its_time_is_up,
    callbacks_are_called_once_and_before_a_flush_ends,
    callbacks_may_send_and_may_not_wait,
    a_callback_that_panics_harms_nobody,
    many_threads_send_at_once,
    a_flush_that_takes_too_long_is_a_timeout,
    closing_while_others_send_loses_nothing_acknowledged,
    nothing_is_taken_on_after_close,
    a_thousand_opens_and_closes_leave_nothing_behind,
}

fn open(bed: &Bed) -> Producer {
    open_with(bed, |_| {})
}

fn open_with(bed: &Bed, change: impl FnOnce(&mut ProducerConfig)) -> Producer {
    let mut config = ProducerConfig {
        retry_backoff_min: Duration::from_millis(5),
        retry_backoff_max: Duration::from_millis(50),
        ..ProducerConfig::default()
    };
    change(&mut config);
    Producer::open(bed.target(), config).unwrap()
}

fn send(producer: &Producer, message: Message<'_>) -> Result<Receipt> {
    producer.send(message)?.wait(PATIENCE)
}

fn kind(result: Result<impl std::fmt::Debug>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn setting(name: &str, value: &str) -> TopicConfig {
    TopicConfig::parse([(name, value)]).unwrap()
}

fn receipts_tell_offsets_in_order(way: Way) {
    let bed = Bed::new(way);
    let producer = open(&bed);
    let deliveries: Vec<_> = (0..5000)
        .map(|n| producer.send(Message::new("t", n.to_string().as_bytes())).unwrap())
        .collect();
    let mut id_before = 0;
    for (n, delivery) in (0..).zip(deliveries) {
        let receipt = delivery.wait(PATIENCE).unwrap();
        assert_eq!((&*receipt.topic, receipt.partition), ("t", 0));
        assert_eq!(receipt.offset, Some(n));
        let id = receipt.id.unwrap();
        assert!(id > id_before, "{id} comes after {id_before}");
        id_before = id;
    }
    let mut delivery = producer.send(Message::new("t", b"last")).unwrap();
    let receipt = loop {
        if let Some(result) = delivery.try_take() {
            break result.unwrap();
        }
        thread::yield_now();
    };
    assert_eq!(receipt.offset, Some(5000));
    assert!(delivery.try_take().is_none());
    let expected: Vec<String> = (0..5000).map(|n| n.to_string()).chain(["last".into()]).collect();
    assert_eq!(bed.values("t", 0), expected);
}

fn records_come_back_as_they_were_sent(way: Way) {
    let bed = Bed::new(way);
    let producer = open(&bed);
    let headers = [
        Header { key: b"a", value: Some(b"1") },
        Header { key: b"a", value: None },
        Header { key: b"", value: Some(b"") },
    ];
    let message = Message::new("t", b"value").with_key(b"key").with_headers(&headers);
    let receipt = send(&producer, message.with_timestamp(1_700_000_000_123)).unwrap();
    assert_eq!(receipt.timestamp, 1_700_000_000_123);
    let nothing = Message { value: None, ..Message::new("t", b"") };
    send(&producer, nothing.with_timestamp(1_600_000_000_000)).unwrap();
    let stored = bed.stored("t", 0);
    assert_eq!(stored[0].key.as_deref(), Some(&b"key"[..]));
    assert_eq!(stored[0].value.as_deref(), Some(&b"value"[..]));
    assert_eq!(stored[0].timestamp, 1_700_000_000_123);
    let expected = headers.map(|header| (header.key.to_vec(), header.value.map(<[u8]>::to_vec)));
    assert_eq!(stored[0].headers, expected);
    assert_eq!((&stored[1].key, &stored[1].value), (&None, &None));
    assert_eq!(stored[1].timestamp, 1_600_000_000_000);
}

fn keys_choose_partitions_as_in_kafka(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 7);
    let producer = open(&bed);
    // Of the vectors in Kafka's UtilsTest: the hash without its sign, modulo 7.
    for (key, hash) in [("21", -973_932_308), ("foobar", -790_332_482), ("abc", 479_470_107)] {
        let expected = (hash & 0x7fff_ffff) as u32 % 7;
        let receipt = send(&producer, Message::new("t", b"v").with_key(key.as_bytes())).unwrap();
        assert_eq!(receipt.partition, expected, "{key}");
    }
    let chosen = Message::new("t", b"v").with_key(b"21").with_partition(6);
    assert_eq!(send(&producer, chosen).unwrap().partition, 6);
}

fn records_without_a_key_are_spread(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 4);
    let producer = open_with(&bed, |config| config.batch_bytes = 1000);
    for _ in 0..400 {
        producer.send(Message::new("t", &[7; 100])).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let counts: Vec<usize> = (0..4).map(|n| bed.stored("t", n).len()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 400);
    assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
}

fn every_codec_is_readable(way: Way) {
    let bed = Bed::new(way);
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let producer = open_with(&bed, |config| config.compression = codec);
        for n in 0..100 {
            producer.send(Message::new(codec.name(), format!("value {n}").as_bytes())).unwrap();
        }
        producer.close(PATIENCE).unwrap();
        let expected: Vec<String> = (0..100).map(|n| format!("value {n}")).collect();
        assert_eq!(bed.values(codec.name(), 0), expected);
        let batches = bed.batches(codec.name(), 0);
        assert!(batches.iter().all(|(used, _)| *used == codec), "{codec:?}");
    }
}

fn every_acks_level_stores(way: Way) {
    let bed = Bed::new(way);
    for acks in [Acks::None, Acks::Written, Acks::Synced] {
        let topic = format!("{acks:?}");
        bed.topic(&topic, 1);
        let producer = open_with(&bed, |config| config.acks = acks);
        let receipt = send(&producer, Message::new(&topic, b"0")).unwrap();
        let known = way == Way::InProcess || acks != Acks::None;
        assert_eq!(receipt.offset, known.then_some(0), "{acks:?}");
        for n in 1..1000 {
            producer.send(Message::new(&topic, n.to_string().as_bytes())).unwrap();
        }
        producer.close(PATIENCE).unwrap();
        // What nobody answers for is there a little later.
        while bed.broker.topic(&topic).unwrap().partitions[0].high_watermark() < 1000 {
            thread::yield_now();
        }
        let expected: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        assert_eq!(bed.values(&topic, 0), expected);
    }
}

fn the_time_of_the_append_is_told(way: Way) {
    let bed = Bed::new(way);
    let config = setting("message.timestamp.type", "LogAppendTime");
    bed.topic_with("t", 1, config);
    let producer = open(&bed);
    let before = bed.broker.clock().wall();
    let receipt = send(&producer, Message::new("t", b"v").with_timestamp(1)).unwrap();
    assert!((before..=bed.broker.clock().wall()).contains(&receipt.timestamp), "{receipt:?}");
}

fn a_full_buffer_waits_and_then_says_so(way: Way) {
    let (bed, disk) = Bed::on_stopping_disk(way);
    bed.topic("t", 1);
    let producer = open_with(&bed, |config| {
        config.batch_bytes = 2_000;
        config.buffer_bytes = 10_000;
        config.block_max = Duration::from_millis(20);
    });
    disk.set_stopped(true);
    let mut taken = Vec::new();
    let error = loop {
        match producer.send(Message::new("t", &[1; 500])) {
            Ok(delivery) => taken.push(delivery),
            Err(error) => break error,
        }
        assert!(taken.len() < 100, "nothing stops the producer");
    };
    assert_eq!(error.kind(), ErrorKind::QueueFull, "{error}");
    assert!(taken.len() >= 15, "only {} records fit", taken.len());
    let timeout = taken.pop().unwrap().wait(Duration::ZERO);
    assert_eq!(kind(timeout), ErrorKind::Timeout);
    disk.set_stopped(false);
    let count = taken.len() + 1;
    for delivery in taken {
        delivery.wait(PATIENCE).unwrap();
    }
    send(&producer, Message::new("t", &[1; 500])).unwrap();
    assert_eq!(bed.stored("t", 0).len(), count + 1);
    let larger = producer.send(Message::new("t", &[1; 20_000]));
    assert_eq!(kind(larger), ErrorKind::MessageTooLarge);
}

fn a_record_that_is_too_large_fails_alone(way: Way) {
    let bed = Bed::new(way);
    let config = setting("max.message.bytes", "1000");
    bed.topic_with("t", 1, config);
    let producer = open(&bed);
    let mut deliveries = Vec::new();
    let called = Arc::new(AtomicUsize::new(0));
    for n in 0..100 {
        let value = if n % 10 == 5 { vec![b'x'; 2000] } else { n.to_string().into_bytes() };
        deliveries.push(producer.send(Message::new("t", &value)).unwrap());
    }
    for _ in 0..50 {
        let called = called.clone();
        let done = move |result: Result<Receipt>| {
            called.fetch_add(result.unwrap().offset.unwrap() as usize, Ordering::SeqCst);
        };
        producer.send_with(Message::new("t", b"more"), done).unwrap();
    }
    for (n, delivery) in deliveries.into_iter().enumerate() {
        match delivery.wait(PATIENCE) {
            Ok(_) => assert_ne!(n % 10, 5),
            Err(error) => {
                assert_eq!((error.kind(), n % 10), (ErrorKind::MessageTooLarge, 5), "{error}");
            }
        }
    }
    producer.flush(PATIENCE).unwrap();
    assert_eq!(called.load(Ordering::SeqCst), (90..140).sum());
    let expected = (0..100).filter(|n| n % 10 != 5).map(|n| n.to_string());
    let expected: Vec<String> = expected.chain((0..50).map(|_| "more".to_owned())).collect();
    assert_eq!(bed.values("t", 0), expected);
}

fn a_topic_that_may_not_be_created_is_an_error(way: Way) {
    let bed = Bed::with(way, |config| config.auto_create_topics = false);
    let producer = open(&bed);
    let error = producer.send(Message::new("t", b"v")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopicOrPartition, "{error}");
    let error = producer.send(Message::new("no name", b"v")).unwrap_err();
    let expected = match way {
        Way::InProcess => ErrorKind::UnknownTopicOrPartition,
        Way::Socket => ErrorKind::InvalidTopic,
    };
    assert_eq!(error.kind(), expected, "{error}");
}

fn a_partition_that_is_not_there_is_an_error(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 2);
    let producer = open(&bed);
    let error = producer.send(Message::new("t", b"v").with_partition(2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopicOrPartition, "{error}");
    send(&producer, Message::new("t", b"v").with_partition(1)).unwrap();
}

fn a_deleted_topic_fails_its_records(way: Way) {
    let bed = Bed::with(way, |config| config.auto_create_topics = false);
    bed.topic("t", 1);
    bed.topic("u", 1);
    let producer = open(&bed);
    send(&producer, Message::new("t", b"v")).unwrap();
    bed.broker.delete_topic("t").unwrap();
    let error = send(&producer, Message::new("t", b"v")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopicOrPartition, "{error}");
    send(&producer, Message::new("u", b"v")).unwrap();
    bed.topic("t", 1);
    assert_eq!(send(&producer, Message::new("t", b"v")).unwrap().offset, Some(0));
}

fn what_lingers_leaves_with_a_flush(way: Way) {
    let bed = Bed::new(way);
    let producer = open_with(&bed, |config| config.linger = PATIENCE * 10);
    let mut delivery = producer.send(Message::new("t", b"v")).unwrap();
    assert!(delivery.try_take().is_none());
    producer.flush(PATIENCE).unwrap();
    assert_eq!(delivery.try_take().unwrap().unwrap().offset, Some(0));
    let last = producer.send(Message::new("t", b"w")).unwrap();
    producer.close(PATIENCE).unwrap();
    assert_eq!(last.wait(Duration::ZERO).unwrap().offset, Some(1));
}

fn what_lingers_leaves_when_its_time_is_up(way: Way) {
    let bed = Bed::new(way);
    let producer = open_with(&bed, |config| config.linger = Duration::from_millis(5));
    let (told, hear) = mpsc::channel();
    producer.send_with(Message::new("t", b"v"), move |result| told.send(result).unwrap()).unwrap();
    assert_eq!(hear.recv_timeout(PATIENCE).unwrap().unwrap().offset, Some(0));
    assert_eq!(send(&producer, Message::new("t", b"w")).unwrap().offset, Some(1));
}

fn callbacks_are_called_once_and_before_a_flush_ends(way: Way) {
    let bed = Bed::new(way);
    let producer = open(&bed);
    let offsets = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..1000 {
        let offsets = offsets.clone();
        let done = move |result: Result<Receipt>| {
            offsets.lock().unwrap().push(result.unwrap().offset.unwrap());
        };
        producer.send_with(Message::new("t", b"v"), done).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    assert_eq!(*offsets.lock().unwrap(), (0..1000).collect::<Vec<u64>>());
}

fn callbacks_may_send_and_may_not_wait(way: Way) {
    let bed = Bed::new(way);
    let producer = Arc::new(open(&bed));
    let (told, hear) = mpsc::channel();
    let inner = producer.clone();
    let done = move |_| {
        let delivery = inner.send(Message::new("t", b"second")).unwrap();
        let waited = kind(delivery.wait(PATIENCE));
        let flushed = kind(inner.flush(PATIENCE));
        let closed = kind(inner.close(PATIENCE));
        told.send([waited, flushed, closed]).unwrap();
    };
    producer.send_with(Message::new("t", b"first"), done).unwrap();
    assert_eq!(hear.recv_timeout(PATIENCE).unwrap(), [ErrorKind::InvalidRequest; 3]);
    producer.flush(PATIENCE).unwrap();
    assert_eq!(bed.values("t", 0), ["first", "second"]);
}

fn a_callback_that_panics_harms_nobody(way: Way) {
    let bed = Bed::new(way);
    let producer = open(&bed);
    let panics = |_| panic!("this panic is part of the test");
    producer.send_with(Message::new("t", b"v"), panics).unwrap();
    producer.flush(PATIENCE).unwrap();
    assert_eq!(send(&producer, Message::new("t", b"v")).unwrap().offset, Some(1));
}

fn many_threads_send_at_once(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 3);
    let producer = open_with(&bed, |config| config.batch_bytes = 4096);
    thread::scope(|scope| {
        for sender in 0..8_u32 {
            let producer = &producer;
            scope.spawn(move || {
                for n in 0..2000 {
                    let value = format!("{sender} {n}");
                    let message = Message::new("t", value.as_bytes()).with_partition(sender % 3);
                    let delivery = producer.send(message).unwrap();
                    if n % 500 == 0 {
                        delivery.wait(PATIENCE).unwrap();
                    }
                }
            });
        }
    });
    producer.flush(PATIENCE).unwrap();
    for partition in 0..3 {
        let values = bed.values("t", partition);
        for sender in (0..8).filter(|sender| sender % 3 == partition) {
            let prefix = format!("{sender} ");
            let sent = values.iter().filter_map(|value| value.strip_prefix(&prefix));
            let expected: Vec<String> = (0..2000).map(|n| n.to_string()).collect();
            assert_eq!(sent.collect::<Vec<_>>(), expected, "{sender}");
        }
    }
}

fn a_flush_that_takes_too_long_is_a_timeout(way: Way) {
    let (bed, disk) = Bed::on_stopping_disk(way);
    bed.topic("t", 1);
    let producer = open(&bed);
    disk.set_stopped(true);
    let delivery = producer.send(Message::new("t", b"v")).unwrap();
    assert_eq!(kind(producer.flush(Duration::from_millis(10))), ErrorKind::Timeout);
    disk.set_stopped(false);
    producer.flush(PATIENCE).unwrap();
    delivery.wait(Duration::ZERO).unwrap();
    disk.set_stopped(true);
    let delivery = producer.send(Message::new("t", b"v")).unwrap();
    assert_eq!(kind(producer.close(Duration::from_millis(10))), ErrorKind::Timeout);
    assert_eq!(kind(delivery.wait(PATIENCE)), ErrorKind::Closed);
    disk.set_stopped(false);
}

fn closing_while_others_send_loses_nothing_acknowledged(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 1);
    let producer = open(&bed);
    let acknowledged = AtomicUsize::new(0);
    let begun = Barrier::new(5);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut deliveries = Vec::new();
                begun.wait();
                let error = loop {
                    match producer.send(Message::new("t", b"v")) {
                        Ok(delivery) => deliveries.push(delivery),
                        Err(error) => break error,
                    }
                };
                assert_eq!(error.kind(), ErrorKind::Closed);
                for delivery in deliveries {
                    delivery.wait(PATIENCE).unwrap();
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        begun.wait();
        producer.close(PATIENCE).unwrap();
    });
    assert_eq!(bed.stored("t", 0).len(), acknowledged.into_inner());
}

fn nothing_is_taken_on_after_close(way: Way) {
    let bed = Bed::new(way);
    let producer = open(&bed);
    send(&producer, Message::new("t", b"v")).unwrap();
    producer.close(PATIENCE).unwrap();
    assert_eq!(kind(producer.send(Message::new("t", b"v"))), ErrorKind::Closed);
    assert_eq!(kind(producer.send_with(Message::new("t", b"v"), |_| ())), ErrorKind::Closed);
    producer.flush(PATIENCE).unwrap();
    producer.close(PATIENCE).unwrap();
}

fn a_thousand_opens_and_closes_leave_nothing_behind(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 1);
    for n in 0..1000 {
        let producer = open(&bed);
        if n % 4 == 0 {
            producer.send_with(Message::new("t", b"v"), |_| ()).unwrap();
        }
        if n % 2 == 0 {
            producer.close(PATIENCE).unwrap();
        }
    }
    assert_eq!(bed.stored("t", 0).len(), 250);
    // Other tests of this process come and go: only what adds up is counted.
    for what in ["/proc/self/task", "/proc/self/fd"] {
        let left = std::fs::read_dir(what).map_or(0, Iterator::count);
        assert!(left < 800, "{what} has {left} entries");
    }
}

/// A broker that is closed and opened again while records are sent loses none and stores none
/// twice.
#[test]
fn a_broker_that_restarts_gets_every_record_once() {
    let mut bed = Bed::new(Way::Socket);
    bed.topic("t", 3);
    let producer = open_with(&bed, |config| config.batch_bytes = 512);
    let rounds = 6;
    let per_round = 3000;
    let mut deliveries = Vec::new();
    for round in 0..rounds {
        for n in 0..per_round {
            let value = (round * per_round + n).to_string();
            let message = Message::new("t", value.as_bytes()).with_partition(n % 3);
            deliveries.push(producer.send(message).unwrap());
        }
        if round % 2 == 1 {
            bed.stop();
            bed.start();
        }
    }
    for delivery in deliveries {
        delivery.wait(PATIENCE).unwrap();
    }
    check_exactly_once(&bed, rounds * per_round);
}

/// Connections that are cut at random places, in requests and in answers, change nothing.
#[test]
fn connections_that_are_cut_change_nothing() {
    for seed in 0..4 {
        let (bed, proxy) = Bed::behind_proxy(seed);
        bed.topic("t", 3);
        let producer = open_with(&bed, |config| config.batch_bytes = 400);
        let count = 20_000;
        let mut deliveries = Vec::new();
        for n in 0..count {
            let value = n.to_string();
            let message = Message::new("t", value.as_bytes()).with_partition(n % 3);
            deliveries.push(producer.send(message).unwrap());
        }
        for (n, delivery) in deliveries.into_iter().enumerate() {
            if n == count as usize * 3 / 4 {
                proxy.stop_cutting();
            }
            delivery.wait(PATIENCE).unwrap();
        }
        check_exactly_once(&bed, count);
        assert!(proxy.cuts() > 3, "only {} cuts with seed {seed}", proxy.cuts());
    }
}

fn check_exactly_once(bed: &Bed, count: u32) {
    for partition in 0..3 {
        let expected = (0..count).filter(|n| n % 3 == partition).map(|n| n.to_string());
        let values = bed.values("t", partition as i32);
        assert!(values == expected.collect::<Vec<_>>(), "partition {partition} differs");
    }
}

#[test]
fn without_a_broker_a_record_fails_when_its_time_is_up() {
    let mut bed = Bed::new(Way::Socket);
    bed.topic("t", 1);
    let producer = open_with(&bed, |config| {
        config.block_max = Duration::from_millis(50);
        config.delivery_timeout = Duration::from_millis(200);
    });
    send(&producer, Message::new("t", b"0")).unwrap();
    bed.stop();
    let error = send(&producer, Message::new("t", b"1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("what went wrong last"), "{error}");
    let error = producer.send(Message::new("u", b"v")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokerUnavailable, "{error}");
    bed.start();
    // The record that was given up left a gap in the sequence, which is closed.
    let offset = send(&producer, Message::new("t", b"2")).unwrap().offset;
    assert_eq!(offset, Some(1));
    assert_eq!(bed.values("t", 0), ["0", "2"]);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let bed = Bed::new(Way::InProcess);
    let refused = |change: fn(&mut ProducerConfig)| {
        let mut config = ProducerConfig::default();
        change(&mut config);
        assert_eq!(kind(Producer::open(bed.target(), config)), ErrorKind::InvalidConfig);
    };
    refused(|config| config.batch_bytes = 0);
    refused(|config| config.buffer_bytes = config.batch_bytes - 1);
    refused(|config| config.delivery_timeout = Duration::ZERO);
    refused(|config| config.request_timeout = Duration::ZERO);
    refused(|config| config.retry_backoff_min = Duration::from_secs(2));
    let error = Producer::open("nowhere", ProducerConfig::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}
