//! Queue groups from end to end: each message goes to one member, until somebody has accepted it.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod client_consumer_common;

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use client_consumer_common::{PATIENCE, World, batch, seen};
use minka::ErrorKind;
use minka::batch::Codec;
use minka::client::{Consumer, ConsumerConfig, Group, Records};
use minka::state::setting::ConfigChange;

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
    every_message_goes_to_one_member
    a_released_message_comes_again_and_a_rejected_one_does_not
    what_a_member_held_goes_to_another_when_it_closes
    what_a_panic_left_goes_to_another
    what_was_accepted_stays_so_after_a_restart
    many_partitions_and_codecs_come_through
    a_waker_ends_the_poll_of_a_member
    what_makes_no_sense_is_refused
    two_groups_both_get_everything
    a_lock_that_is_over_gives_the_message_to_another
    a_member_that_does_not_poll_loses_its_messages
    what_lies_in_a_group_before_it_began_is_read_if_it_says_so
}

fn open(world: &World, group: &str, change: impl FnOnce(&mut ConsumerConfig)) -> Consumer {
    let mut consumer = world.consumer_with(|config| {
        config.group = Some(Group::Queue(group.to_owned()));
        config.fetch_wait = Duration::from_millis(50);
        change(config);
    });
    consumer.subscribe(&["t"]).unwrap();
    consumer
}

/// A member of a group that begins with what comes next, in partition 0 of topic `t`. A group
/// begins at the end of a partition when it first reads it; so messages are sent until one comes.
fn member(world: &World, group: &str, change: impl FnOnce(&mut ConsumerConfig)) -> Consumer {
    let mut consumer = open(world, group, change);
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "the group does not begin");
        let last = world.produce("t", 0, &["first"]);
        let mut records = consumer.poll(Duration::from_millis(20)).unwrap();
        while !records.is_empty() {
            let found = records.iter().any(|record| record.offset == last);
            records.iter().for_each(|record| consumer.accept(&record).unwrap());
            if found {
                consumer.commit().unwrap();
                return consumer;
            }
            records = consumer.poll(PATIENCE).unwrap();
        }
    }
}

/// Polls until something comes.
fn poll(consumer: &mut Consumer) -> Records {
    let records = consumer.poll(PATIENCE).unwrap();
    assert!(!records.is_empty());
    records
}

fn values(records: &Records) -> Vec<String> {
    seen(records).into_iter().map(|seen| seen.value).collect()
}

fn every_message_goes_to_one_member(world: &World) {
    world.topic("t", 1);
    let mut first = member(world, "g", |config| config.records_max = 3);
    let mut second = open(world, "g", |config| config.records_max = 3);
    let text: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    for text in &text {
        world.produce("t", 0, &[text]);
    }
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    let deadline = Instant::now() + PATIENCE;
    while times.len() < text.len() {
        assert!(Instant::now() < deadline);
        for member in [&mut first, &mut second] {
            for value in values(&member.poll(Duration::from_millis(20)).unwrap()) {
                *times.entry(value).or_default() += 1;
            }
        }
    }
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    first.close().unwrap();
    second.close().unwrap();
}

fn a_released_message_comes_again_and_a_rejected_one_does_not(world: &World) {
    world.topic("t", 1);
    let mut consumer = member(world, "g", |_| {});
    world.produce("t", 0, &["a", "b", "c"]);
    let records = poll(&mut consumer);
    assert_eq!(values(&records), ["a", "b", "c"]);
    let all: Vec<_> = records.iter().collect();
    assert!(all.iter().all(|record| record.delivery_count == 1));
    consumer.reject(&all[0]).unwrap();
    consumer.release(&all[1]).unwrap();
    consumer.commit().unwrap();
    let again = consumer.accept(&all[1]).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::InvalidRecordState);
    let records = poll(&mut consumer);
    assert_eq!(values(&records), ["b"]);
    assert_eq!(records.iter().next().unwrap().delivery_count, 2);
    assert!(consumer.poll(Duration::from_millis(30)).unwrap().is_empty());
    assert_eq!(consumer.acknowledged_too_late(), 0);
}

fn what_a_member_held_goes_to_another_when_it_closes(world: &World) {
    world.topic("t", 1);
    let mut first = member(world, "g", |config| config.auto_commit = false);
    world.produce("t", 0, &["a", "b"]);
    let records = poll(&mut first);
    let all: Vec<_> = records.iter().collect();
    first.accept(&all[0]).unwrap();
    first.close().unwrap();
    let mut second = open(world, "g", |_| {});
    let records = poll(&mut second);
    assert_eq!(values(&records), ["b"]);
    assert_eq!(records.iter().next().unwrap().delivery_count, 2);
}

fn what_a_panic_left_goes_to_another(world: &World) {
    world.topic("t", 1);
    let mut first = member(world, "g", |_| {});
    world.produce("t", 0, &["a"]);
    assert_eq!(values(&poll(&mut first)), ["a"]);
    thread::scope(|scope| {
        let broken = scope.spawn(move || {
            let _consumer = first;
            std::panic::resume_unwind(Box::new("the application is broken"));
        });
        assert!(broken.join().is_err());
    });
    assert_eq!(values(&poll(&mut open(world, "g", |_| {}))), ["a"]);
}

fn what_was_accepted_stays_so_after_a_restart(world: &World) {
    world.topic("t", 1);
    let mut consumer = member(world, "g", |_| {});
    world.produce("t", 0, &["a", "b", "c"]);
    let records = poll(&mut consumer);
    assert_eq!(values(&records), ["a", "b", "c"]);
    let all: Vec<_> = records.iter().collect();
    consumer.release(&all[1]).unwrap();
    consumer.close().unwrap();
    world.stop();
    world.start();
    let mut consumer = open(world, "g", |_| {});
    assert_eq!(values(&poll(&mut consumer)), ["b"]);
}

fn many_partitions_and_codecs_come_through(world: &World) {
    world.topic("t", 3);
    let mut consumer = member(world, "g", |_| {});
    // The group has begun in partition 0, and in the others as soon as this one has come.
    for partition in 1..3 {
        let deadline = Instant::now() + PATIENCE;
        let mut found = false;
        while !found {
            assert!(Instant::now() < deadline);
            world.produce("t", partition, &["first"]);
            let records = consumer.poll(Duration::from_millis(20)).unwrap();
            found = records.iter().any(|record| record.partition == partition.cast_unsigned());
        }
    }
    let codecs = [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];
    for (partition, codec) in [0, 1, 2, 0].into_iter().zip(codecs) {
        world.produce_batch("t", partition, batch(&[b"x", b"y"], codec)).unwrap();
    }
    let mut count = 0;
    while count < 8 {
        let records = poll(&mut consumer);
        count += values(&records).iter().filter(|value| *value != "first").count();
    }
    assert_eq!(count, 8);
}

fn a_waker_ends_the_poll_of_a_member(world: &World) {
    world.topic("t", 1);
    let mut consumer = member(world, "g", |_| {});
    let waker = consumer.waker();
    thread::scope(|scope| {
        scope.spawn(|| waker.wake());
        assert_eq!(consumer.poll(PATIENCE).unwrap_err().kind(), ErrorKind::Interrupted);
    });
    world.produce("t", 0, &["a"]);
    assert_eq!(values(&poll(&mut consumer)), ["a"]);
}

fn what_makes_no_sense_is_refused(world: &World) {
    world.topic("t", 1);
    let mut consumer = member(world, "g", |_| {});
    let kind = |result: minka::Result<()>| result.unwrap_err().kind();
    assert_eq!(kind(consumer.pause("t", 0)), ErrorKind::InvalidRequest);
    assert_eq!(consumer.committed("t", 0).unwrap_err().kind(), ErrorKind::InvalidRequest);
    world.produce("t", 0, &["a"]);
    let records = poll(&mut consumer);
    let record = records.iter().next().unwrap();
    let stranger = minka::client::Record { topic: "u", ..record };
    assert_eq!(kind(consumer.accept(&stranger)), ErrorKind::InvalidRecordState);
    consumer.commit().unwrap();
    assert_eq!(kind(consumer.reject(&record)), ErrorKind::InvalidRecordState);
}

fn two_groups_both_get_everything(world: &World) {
    world.topic("t", 1);
    let (mut one, mut two) = (member(world, "one", |_| {}), member(world, "two", |_| {}));
    let last = |consumer: &mut Consumer| loop {
        let texts = values(&poll(consumer));
        if texts.iter().any(|text| text == "a") {
            return texts.last().cloned();
        }
    };
    world.produce("t", 0, &["a"]);
    assert_eq!(last(&mut one).as_deref(), Some("a"));
    assert_eq!(last(&mut two).as_deref(), Some("a"));
}

fn configure(world: &World, group: &str, name: &str, value: &str) {
    let changes = [ConfigChange::Set(name, value)];
    world.broker().configure_group(group, &changes, false).unwrap();
}

fn a_lock_that_is_over_gives_the_message_to_another(world: &World) {
    world.topic("t", 1);
    configure(world, "g", "share.record.lock.duration.ms", "1000");
    let mut slow = member(world, "g", |_| {});
    world.produce("t", 0, &["a"]);
    let records = poll(&mut slow);
    assert_eq!(values(&records), ["a"]);
    let mut other = open(world, "g", |_| {});
    let again = poll(&mut other);
    assert_eq!(values(&again), ["a"]);
    assert_eq!(again.iter().next().unwrap().delivery_count, 2);
    let late = slow.commit().unwrap_err();
    assert_eq!(late.kind(), ErrorKind::InvalidRecordState, "{late}");
    assert_eq!(slow.acknowledged_too_late(), 1);
    other.commit().unwrap();
    // Nobody is told of it who does not ask.
    slow.close().unwrap();
}

fn a_member_that_does_not_poll_loses_its_messages(world: &World) {
    world.topic("t", 1);
    let mut slow = member(world, "g", |config| {
        config.poll_interval_max = Duration::from_millis(200);
    });
    world.produce("t", 0, &["a"]);
    assert_eq!(values(&poll(&mut slow)), ["a"]);
    let mut other = open(world, "g", |_| {});
    assert_eq!(values(&poll(&mut other)), ["a"]);
    other.close().unwrap();
    // It joins again as soon as it polls.
    world.produce("t", 0, &["b"]);
    assert_eq!(values(&poll(&mut slow)), ["b"]);
    slow.commit().unwrap();
    assert_eq!(slow.acknowledged_too_late(), 0);
}

fn what_lies_in_a_group_before_it_began_is_read_if_it_says_so(world: &World) {
    world.topic("t", 2);
    configure(world, "g", "share.auto.offset.reset", "earliest");
    world.produce("t", 0, &["a", "b"]);
    world.produce("t", 1, &["c"]);
    let mut consumer = open(world, "g", |config| config.records_max = 1);
    let mut all = Vec::new();
    while all.len() < 3 {
        let records = poll(&mut consumer);
        assert_eq!(records.len(), 1);
        all.extend(values(&records));
    }
    all.sort();
    assert_eq!(all, ["a", "b", "c"]);
    let mut assigned = consumer.assignment();
    assigned.sort();
    assert_eq!(assigned, [("t".to_owned(), 0), ("t".to_owned(), 1)]);
}
