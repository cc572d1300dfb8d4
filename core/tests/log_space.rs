//! Space: retention, deleted topics and the cleaner give it back, and what stays can be read.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use minka::engine::{Acks, Broker, Config};
use minka::state::topic_config::TopicConfig;
use minka::sys::event_log::EventLog;
use support::log::{batch, create, create_with, produce, read};

fn open(directory: &Path) -> Broker {
    let config = Config {
        segment_bytes: 64 << 10,
        retention_check_interval: Duration::from_millis(20),
        ..Config::default()
    };
    Broker::open(directory, config, Arc::new(EventLog::none())).unwrap()
}

fn log_bytes(directory: &Path) -> u64 {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap());
    let logs = files.filter(|file| file.file_name().to_string_lossy().ends_with(".log"));
    // A file may be removed between its listing and this.
    logs.filter_map(|file| file.metadata().ok()).map(|data| data.len()).sum()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what} did not come true");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn value(n: u64) -> String {
    format!("{n} {}", "v".repeat(1000))
}

#[test]
fn retention_by_size_keeps_the_newest_and_gives_space_back() {
    let directory = tempfile::tempdir().unwrap();
    let broker = open(directory.path());
    let config = TopicConfig::parse([("retention.bytes", "200000")]).unwrap();
    let topic = create_with(&broker, "t", 1, config).unwrap();
    for n in 0..2000 {
        produce(&broker, &topic, 0, batch(&[value(n)]), Acks::Written).unwrap();
    }
    let partition = topic.partition(0).unwrap();
    wait_until("retention", || partition.log_start() > 1600);
    wait_until("cleaning", || log_bytes(directory.path()) < 500_000);
    let check = |broker: &Broker| {
        let topic = broker.topic("t").unwrap();
        let partition = topic.partition(0).unwrap();
        let found = read(broker, partition, partition.log_start()).unwrap();
        assert!(found.len() >= 190, "{} records are left", found.len());
        for (offset, found) in &found {
            assert_eq!(*found, value(*offset).into_bytes());
        }
        assert_eq!(found.last().unwrap().0, 1999);
        partition.log_start()
    };
    let before = check(&broker);
    broker.close().unwrap();
    let broker = open(directory.path());
    assert!(check(&broker) >= before, "the log start offset went back");
}

#[test]
fn retention_by_time_takes_what_is_too_old() {
    let directory = tempfile::tempdir().unwrap();
    let broker = open(directory.path());
    let old = TopicConfig::parse([("retention.ms", "1")]).unwrap();
    let kept = TopicConfig::parse([("retention.ms", "-1")]).unwrap();
    let (old, kept) = (
        create_with(&broker, "old", 1, old).unwrap(),
        create_with(&broker, "kept", 1, kept).unwrap(),
    );
    for n in 0..300 {
        for topic in [&old, &old, &old, &kept] {
            produce(&broker, topic, 0, support::log::batch_at(1000, &[value(n)]), Acks::Written)
                .unwrap();
        }
    }
    wait_until("retention", || old.partition(0).unwrap().log_start() == 900);
    wait_until("cleaning", || log_bytes(directory.path()) < 700_000);
    assert_eq!(read(&broker, kept.partition(0).unwrap(), 0).unwrap().len(), 300);
}

#[test]
fn interleaved_partitions_survive_the_cleaning_of_their_neighbours() {
    let directory = tempfile::tempdir().unwrap();
    {
        let broker = open(directory.path());
        let (kept, gone) =
            (create(&broker, "kept", 7).unwrap(), create(&broker, "gone", 1).unwrap());
        for n in 0..400 {
            for _ in 0..3 {
                produce(&broker, &gone, 0, batch(&[value(n)]), Acks::Written).unwrap();
            }
            let index = (n % 7) as i32;
            produce(&broker, &kept, index, batch(&[value(n)]), Acks::Written).unwrap();
        }
        let full = log_bytes(directory.path());
        broker.delete_topic("gone").unwrap();
        // The newest segments stay until two snapshots cover them.
        wait_until("cleaning", || log_bytes(directory.path()) < full / 2);
        check_kept(&broker);
    }
    for _ in 0..2 {
        let broker = open(directory.path());
        check_kept(&broker);
        assert!(broker.topic("gone").is_none());
        broker.close().unwrap();
    }
}

fn check_kept(broker: &Broker) {
    let kept = broker.topic("kept").unwrap();
    for index in 0..7 {
        let found = read(broker, kept.partition(index).unwrap(), 0).unwrap();
        let expected: Vec<(u64, Vec<u8>)> = (0..400)
            .filter(|n| n % 7 == index as u64)
            .enumerate()
            .map(|(offset, n)| (offset as u64, value(n).into_bytes()))
            .collect();
        assert_eq!(found, expected, "partition {index}");
    }
}

#[test]
fn topics_of_one_name_do_not_share_records_or_ids() {
    let directory = tempfile::tempdir().unwrap();
    let broker = open(directory.path());
    let first = create(&broker, "t", 1).unwrap();
    let appended = produce(&broker, &first, 0, batch(&["old"]), Acks::Synced).unwrap();
    broker.delete_topic("t").unwrap();
    let error = produce(&broker, &first, 0, batch(&["late"]), Acks::Synced).unwrap_err();
    assert_eq!(error.kind(), minka::ErrorKind::UnknownTopicOrPartition);
    let second = create(&broker, "t", 1).unwrap();
    assert_ne!(first.topic.id, second.topic.id);
    let again = produce(&broker, &second, 0, batch(&["new"]), Acks::Synced).unwrap();
    assert_eq!(again.base_offset, 0);
    assert!(again.first_id > appended.first_id);
    assert_eq!(read(&broker, second.partition(0).unwrap(), 0).unwrap(), [(0, b"new".to_vec())]);
}
