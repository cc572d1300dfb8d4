//! Partitions assigned by hand: what a program sees of them, on a broker in its process and on one
//! behind an address.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod client_consumer_common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use client_consumer_common::{PATIENCE, Seen, TIME, World, batch, poll_until, take, values};
use minka::ErrorKind;
use minka::batch::Codec;
use minka::client::{Consumer, ConsumerConfig, Group, Start, StartAt};

/// Runs every scene in this process and over a socket.
macro_rules! scenes {
    ($($scene:ident)*) => {
        mod in_process {
            $( #[test] fn $scene() { super::$scene(&super::World::in_process()); } )*
        }
        mod over_tcp {
            $( #[test] fn $scene() { super::$scene(&super::World::over_tcp()); } )*
        }
    };
}

scenes! {
    every_start_begins_where_it_says
    all_codecs_are_unpacked
    a_record_has_all_its_parts
    many_batches_come_in_order
    several_partitions_are_read_side_by_side
    a_poll_is_cut_at_its_most_records
    seeking_drops_what_was_fetched
    a_paused_partition_waits
    a_large_record_comes_through
    a_poll_without_records_ends_in_time
    a_waker_ends_a_poll
    a_poll_waits_for_what_comes
    an_unknown_topic_is_waited_for
    a_deleted_topic_is_waited_for
    an_offset_that_is_not_there_leads_to_the_start
    a_time_without_records_is_the_end
    assigning_again_begins_anew
    what_makes_no_sense_is_refused
    dropping_a_consumer_that_waits_for_a_topic_is_quick
}

fn every_start_begins_where_it_says(world: &World) {
    world.topic("t", 1);
    world.produce("t", 0, &["a", "b", "c"]);
    let first = |at| take(&mut world.reader("t", at), 1)[0].offset;
    let config = |at, count| values(&mut world.reader("t", at), count).join("");
    assert_eq!(config(StartAt::Earliest, 3), "abc");
    assert_eq!(config(StartAt::Offset(1), 2), "bc");
    assert_eq!(config(StartAt::Time(TIME + 1), 2), "bc");
    assert_eq!(config(StartAt::Time(TIME + 2000), 1), "c");
    let mut latest = world.reader("t", StartAt::Latest);
    poll_until(&mut latest, |_| true);
    let settled = |consumer: &mut Consumer| {
        let deadline = Instant::now() + PATIENCE;
        while consumer.position("t", 0).unwrap().is_none() {
            assert!(Instant::now() < deadline);
            assert!(consumer.poll(Duration::from_millis(1)).unwrap().is_empty());
        }
    };
    settled(&mut latest);
    assert_eq!(latest.position("t", 0).unwrap(), Some(3));
    world.produce("t", 0, &["d"]);
    assert_eq!(values(&mut latest, 1), ["d"]);
    assert_eq!(first(StartAt::Offset(3)), 3);
}

fn all_codecs_are_unpacked(world: &World) {
    world.topic("t", 1);
    let text: Vec<String> = (0..100).map(|number| format!("value {number}")).collect();
    let bytes: Vec<&[u8]> = text.iter().map(|text| text.as_bytes()).collect();
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        world.produce_batch("t", 0, batch(&bytes, codec)).unwrap();
    }
    let mut consumer = world.reader("t", StartAt::Earliest);
    let all = take(&mut consumer, 500);
    for (number, seen) in (0..).zip(&all) {
        assert_eq!((seen.offset, &seen.value), (number, &text[number as usize % 100]));
    }
    assert_eq!(consumer.position("t", 0).unwrap(), Some(500));
}

fn a_record_has_all_its_parts(world: &World) {
    world.topic("t", 1);
    world.produce("t", 0, &["a", "b"]);
    let mut consumer = world.reader("t", StartAt::Offset(1));
    let records = loop {
        let records = consumer.poll(PATIENCE).unwrap();
        if !records.is_empty() {
            break records;
        }
    };
    assert_eq!((records.len(), records.iter().len()), (1, 1));
    let record = records.iter().next().unwrap();
    assert_eq!((record.topic, record.partition, record.offset), ("t", 0, 1));
    assert_eq!((record.timestamp, record.delivery_count), (TIME + 1000, 1));
    assert_eq!((record.key, record.value), (Some(&b"key"[..]), Some(&b"b"[..])));
    let headers: Vec<_> = record.headers.map(|header| (header.key, header.value)).collect();
    assert_eq!(headers, [(&b"h"[..], Some(&b"x"[..]))]);
}

fn many_batches_come_in_order(world: &World) {
    world.topic("t", 1);
    // Segments are 1 MiB: this is several, and some of it is read from sidecars.
    let filler = "x".repeat(2000);
    for number in 0..200 {
        let text: Vec<String> = (0..10).map(|i| format!("{} {filler}", number * 10 + i)).collect();
        let text: Vec<&str> = text.iter().map(String::as_str).collect();
        world.produce("t", 0, &text);
    }
    let mut consumer = world.consumer_with(|config| config.bytes_max = 100_000);
    consumer.assign(&[("t", 0, StartAt::Earliest)]).unwrap();
    for (number, seen) in (0..).zip(take(&mut consumer, 2000)) {
        assert_eq!(seen.offset, number);
        assert!(seen.value.starts_with(&format!("{number} ")));
    }
}

fn several_partitions_are_read_side_by_side(world: &World) {
    world.topic("t", 3);
    world.topic("u", 1);
    for partition in 0..3 {
        world.produce("t", partition, &["a", "b"]);
    }
    world.produce("u", 0, &["c"]);
    let mut consumer = world.consumer();
    let all = [("t", 0), ("t", 1), ("t", 2), ("u", 0)];
    consumer.assign(&all.map(|(topic, partition)| (topic, partition, StartAt::Earliest))).unwrap();
    let mut seen = take(&mut consumer, 7);
    seen.sort();
    let texts: Vec<_> = seen.iter().map(|s| format!("{}{}", s.partition, s.value)).collect();
    assert_eq!(texts, ["0a", "0c", "0b", "1a", "1b", "2a", "2b"]);
    let named = all.map(|(topic, partition)| (topic.to_owned(), partition));
    assert_eq!(consumer.assignment(), named);
}

fn a_poll_is_cut_at_its_most_records(world: &World) {
    world.topic("t", 1);
    let text: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let bytes: Vec<&[u8]> = text.iter().map(|text| text.as_bytes()).collect();
    world.produce_batch("t", 0, batch(&bytes, Codec::Zstd)).unwrap();
    world.produce_batch("t", 0, batch(&bytes, Codec::None)).unwrap();
    let mut consumer = world.consumer_with(|config| config.records_max = 3);
    consumer.assign(&[("t", 0, StartAt::Offset(1))]).unwrap();
    let mut all = Vec::new();
    while all.len() < 19 {
        let records = consumer.poll(PATIENCE).unwrap();
        assert!((1..=3).contains(&records.len()), "{}", records.len());
        all.extend(records.iter().map(|record| record.offset));
        let next = all.last().map(|last| last + 1);
        assert_eq!(consumer.position("t", 0).unwrap(), next);
    }
    assert_eq!(all, (1..20).collect::<Vec<_>>());
}

fn seeking_drops_what_was_fetched(world: &World) {
    world.topic("t", 1);
    let text: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    for text in &text {
        world.produce("t", 0, &[text]);
    }
    let mut consumer = world.consumer_with(|config| config.records_max = 5);
    consumer.assign(&[("t", 0, StartAt::Earliest)]).unwrap();
    assert_eq!(values(&mut consumer, 5), ["0", "1", "2", "3", "4"]);
    consumer.seek("t", 0, StartAt::Offset(40)).unwrap();
    assert_eq!(consumer.position("t", 0).unwrap(), Some(40));
    assert_eq!(values(&mut consumer, 5)[..2], ["40", "41"]);
    consumer.seek("t", 0, StartAt::Earliest).unwrap();
    assert_eq!(values(&mut consumer, 5)[..2], ["0", "1"]);
    let refused = consumer.seek("t", 1, StartAt::Earliest).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidRequest);
}

fn a_paused_partition_waits(world: &World) {
    world.topic("t", 2);
    let mut consumer = world.consumer();
    let both = [("t", 0, StartAt::Earliest), ("t", 1, StartAt::Earliest)];
    consumer.assign(&both).unwrap();
    world.produce("t", 0, &["a"]);
    world.produce("t", 1, &["b"]);
    take(&mut consumer, 2);
    consumer.pause("t", 0).unwrap();
    consumer.pause("t", 0).unwrap();
    world.produce("t", 0, &["c"]);
    world.produce("t", 1, &["d"]);
    assert_eq!(values(&mut consumer, 1), ["d"]);
    assert!(consumer.poll(Duration::from_millis(50)).unwrap().is_empty());
    consumer.resume("t", 0).unwrap();
    assert_eq!(values(&mut consumer, 1), ["c"]);
}

fn a_large_record_comes_through(world: &World) {
    world.topic("t", 1);
    let large = "x".repeat(900_000);
    world.produce("t", 0, &["a", &large, "b"]);
    world.produce("t", 0, &["c"]);
    // All of it is larger than what is asked for at once.
    let mut consumer = world.consumer_with(|config| config.partition_bytes_max = 1000);
    consumer.assign(&[("t", 0, StartAt::Earliest)]).unwrap();
    let lengths: Vec<_> = values(&mut consumer, 4).iter().map(String::len).collect();
    assert_eq!(lengths, [1, 900_000, 1, 1]);
}

fn a_poll_without_records_ends_in_time(world: &World) {
    world.topic("t", 1);
    let mut consumer = world.reader("t", StartAt::Latest);
    let begin = Instant::now();
    assert!(consumer.poll(Duration::ZERO).unwrap().is_empty());
    assert!(consumer.poll(Duration::from_millis(30)).unwrap().is_empty());
    assert!(begin.elapsed() >= Duration::from_millis(30));
}

fn a_waker_ends_a_poll(world: &World) {
    world.topic("t", 1);
    let mut consumer = world.reader("t", StartAt::Earliest);
    let waker = consumer.waker();
    waker.wake();
    waker.clone().wake();
    assert_eq!(consumer.poll(PATIENCE).unwrap_err().kind(), ErrorKind::Interrupted);
    thread::scope(|scope| {
        scope.spawn(|| waker.wake());
        assert_eq!(consumer.poll(PATIENCE).unwrap_err().kind(), ErrorKind::Interrupted);
    });
    world.produce("t", 0, &["a"]);
    assert_eq!(values(&mut consumer, 1), ["a"]);
    drop(consumer);
    waker.wake();
}

fn a_poll_waits_for_what_comes(world: &World) {
    world.topic("t", 2);
    let mut consumer = world.consumer();
    consumer.assign(&[("t", 0, StartAt::Latest), ("t", 1, StartAt::Earliest)]).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| world.produce("t", 1, &["a"]));
        assert_eq!(values(&mut consumer, 1), ["a"]);
    });
    // A reader that keeps up sees every record once.
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..100 {
                world.produce("t", 1, &[&number.to_string()]);
            }
            done.store(true, Ordering::SeqCst);
        });
        let all = values(&mut consumer, 100);
        assert_eq!(all, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
    });
}

fn an_unknown_topic_is_waited_for(world: &World) {
    world.topic("known", 1);
    let mut consumer = world.consumer();
    let both = [("later", 1, StartAt::Earliest), ("known", 0, StartAt::Earliest)];
    consumer.assign(&both).unwrap();
    assert!(consumer.poll(Duration::from_millis(20)).unwrap().is_empty());
    world.produce("known", 0, &["a"]);
    assert_eq!(values(&mut consumer, 1), ["a"]);
    assert!(world.broker().topic("later").is_none(), "consuming created a topic");
    // It has too few partitions at first.
    world.topic("later", 1);
    assert!(consumer.poll(Duration::from_millis(20)).unwrap().is_empty());
    world.broker().add_partitions("later", 2).unwrap();
    world.produce("later", 1, &["b"]);
    assert_eq!(values(&mut consumer, 1), ["b"]);
}

fn a_deleted_topic_is_waited_for(world: &World) {
    world.topic("t", 1);
    world.produce("t", 0, &["a", "b"]);
    let mut consumer = world.reader("t", StartAt::Earliest);
    assert_eq!(values(&mut consumer, 2), ["a", "b"]);
    world.broker().delete_topic("t").unwrap();
    assert!(consumer.poll(Duration::from_millis(20)).unwrap().is_empty());
    world.topic("t", 1);
    world.produce("t", 0, &["c"]);
    // The position is behind the end of the new topic: the start is its beginning.
    assert_eq!(values(&mut consumer, 1), ["c"]);
}

fn an_offset_that_is_not_there_leads_to_the_start(world: &World) {
    world.topic("t", 1);
    world.produce("t", 0, &["a", "b"]);
    for offset in [3, u64::MAX] {
        let mut consumer = world.reader("t", StartAt::Offset(offset));
        assert_eq!(values(&mut consumer, 2), ["a", "b"]);
    }
    let mut consumer = world.consumer_with(|config| config.start = Start::Latest);
    consumer.assign(&[("t", 0, StartAt::Offset(9))]).unwrap();
    poll_until(&mut consumer, |_| true);
    let deadline = Instant::now() + PATIENCE;
    while consumer.position("t", 0).unwrap() != Some(2) {
        assert!(Instant::now() < deadline);
        assert!(consumer.poll(Duration::from_millis(5)).unwrap().is_empty());
    }
    // The end itself is an offset to wait at.
    let mut consumer = world.reader("t", StartAt::Offset(2));
    assert!(consumer.poll(Duration::from_millis(20)).unwrap().is_empty());
    world.produce("t", 0, &["c"]);
    assert_eq!(values(&mut consumer, 1), ["c"]);
}

fn a_time_without_records_is_the_end(world: &World) {
    world.topic("t", 1);
    world.produce("t", 0, &["a"]);
    let mut consumer = world.reader("t", StartAt::Time(TIME * 2));
    let deadline = Instant::now() + PATIENCE;
    while consumer.position("t", 0).unwrap().is_none() {
        assert!(Instant::now() < deadline);
        assert!(consumer.poll(Duration::from_millis(5)).unwrap().is_empty());
    }
    world.produce("t", 0, &["b"]);
    assert_eq!(values(&mut consumer, 1), ["b"]);
}

fn assigning_again_begins_anew(world: &World) {
    world.topic("t", 1);
    world.topic("u", 1);
    world.produce("t", 0, &["a"]);
    world.produce("u", 0, &["b"]);
    let mut consumer = world.reader("t", StartAt::Earliest);
    assert_eq!(values(&mut consumer, 1), ["a"]);
    consumer.assign(&[("u", 0, StartAt::Earliest), ("t", 0, StartAt::Earliest)]).unwrap();
    let mut both = values(&mut consumer, 2);
    both.sort();
    assert_eq!(both, ["a", "b"]);
    consumer.assign(&[]).unwrap();
    assert!(consumer.poll(Duration::from_millis(10)).unwrap().is_empty());
    assert!(consumer.assignment().is_empty());
}

fn what_makes_no_sense_is_refused(world: &World) {
    let refused = |change: fn(&mut ConsumerConfig)| {
        let mut config = ConsumerConfig::default();
        change(&mut config);
        Consumer::open(world.target(), config).unwrap_err().kind()
    };
    assert_eq!(refused(|config| config.records_max = 0), ErrorKind::InvalidConfig);
    assert_eq!(refused(|config| config.bytes_max = 0), ErrorKind::InvalidConfig);
    assert_eq!(refused(|config| config.request_timeout = Duration::ZERO), ErrorKind::InvalidConfig);
    assert_eq!(refused(|config| config.retry_backoff_min = PATIENCE), ErrorKind::InvalidConfig);
    let group = |name: &str| Some(Group::Partitions(name.to_owned()));
    let mut config = ConsumerConfig { group: group(""), ..ConsumerConfig::default() };
    let kind = |config: &ConsumerConfig| {
        Consumer::open(world.target(), config.clone()).unwrap_err().kind()
    };
    assert_eq!(kind(&config), ErrorKind::InvalidGroupId);
    config.group = group(&"g".repeat(250));
    assert_eq!(kind(&config), ErrorKind::InvalidGroupId);

    let mut consumer = world.consumer();
    let kind = |result: minka::Result<()>| result.unwrap_err().kind();
    let start = StartAt::Earliest;
    assert_eq!(kind(consumer.assign(&[("a b", 0, start)])), ErrorKind::InvalidTopic);
    let twice = [("t", 0, start), ("t", 0, start)];
    assert_eq!(kind(consumer.assign(&twice)), ErrorKind::InvalidRequest);
    assert_eq!(kind(consumer.pause("t", 0)), ErrorKind::InvalidRequest);
    assert_eq!(consumer.poll(PATIENCE).unwrap_err().kind(), ErrorKind::InvalidRequest);
}

fn dropping_a_consumer_that_waits_for_a_topic_is_quick(world: &World) {
    let mut consumer = world.reader("never", StartAt::Earliest);
    assert!(consumer.poll(Duration::from_millis(20)).unwrap().is_empty());
    drop(consumer);
}

#[test]
fn a_reader_goes_on_when_the_broker_comes_back() {
    let world = World::over_tcp();
    world.topic("t", 1);
    world.produce("t", 0, &["a"]);
    let mut consumer = world.reader("t", StartAt::Earliest);
    assert_eq!(values(&mut consumer, 1), ["a"]);
    world.cut_connections();
    world.produce("t", 0, &["b"]);
    assert_eq!(values(&mut consumer, 1), ["b"]);
    world.stop();
    assert!(consumer.poll(Duration::from_millis(50)).unwrap().is_empty());
    world.start();
    world.produce("t", 0, &["c"]);
    let all = take(&mut consumer, 1);
    assert_eq!(all, [Seen { partition: 0, offset: 2, value: "c".to_owned() }]);
}

#[test]
fn a_broker_that_is_not_there_is_waited_for() {
    let world = World::over_tcp();
    world.topic("t", 1);
    world.produce("t", 0, &["a"]);
    world.stop();
    let mut consumer = world.reader("t", StartAt::Earliest);
    assert!(consumer.poll(Duration::from_millis(50)).unwrap().is_empty());
    world.start();
    assert_eq!(values(&mut consumer, 1), ["a"]);
    let refused = Consumer::open("nowhere", ConsumerConfig::default()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidConfig);
}
