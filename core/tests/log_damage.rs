//! Bits that flip and files that shrink: what is damaged is reported and its reads fail; what is
//! torn is cut; everything else is served, and nothing stops a start.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::sync::Arc;

use minka::ErrorKind;
use minka::clock::SystemClock;
use minka::engine::{Acks, Broker, Config};
use minka::log::segment::ACTIVE;
use minka::sys::event_log::{EventLog, Level};
use support::log::{batch, create, produce, read};
use support::sim_disk::SimDisk;

struct Opened {
    broker: Broker,
    _directory: tempfile::TempDir,
    log: std::path::PathBuf,
}

impl Opened {
    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

fn open(disk: &Arc<SimDisk>) -> Opened {
    let directory = tempfile::tempdir().unwrap();
    let events = EventLog::open(directory.path(), Level::Info, 1 << 20, 2).unwrap();
    let config = Config { segment_bytes: 64 << 10, ..Config::default() };
    let clock = Arc::new(SystemClock::default());
    let broker = Broker::open_on(disk.clone(), clock, config, Arc::new(events)).unwrap();
    Opened { broker, log: directory.path().join("broker.log"), _directory: directory }
}

/// A log with 20 synced records of two partitions, as a killed process leaves it.
fn written(values: usize) -> Arc<SimDisk> {
    let disk = Arc::new(SimDisk::new());
    let opened = open(&disk);
    let topic = create(&opened.broker, "t", 2).unwrap();
    for n in 0..values {
        for index in 0..2 {
            let value = format!("partition {index} value {n} {}", "x".repeat(500));
            produce(&opened.broker, &topic, index, batch(&[value]), Acks::Synced).unwrap();
        }
    }
    disk.stop();
    drop(opened);
    Arc::new(disk.next_process())
}

fn find(haystack: &[u8], needle: &str) -> usize {
    haystack.windows(needle.len()).position(|window| window == needle.as_bytes()).unwrap()
}

fn number_of(disk: &SimDisk, name: &str, needle: &str) -> usize {
    find(&disk.read(name), needle)
}

#[test]
fn a_flipped_bit_in_the_middle_is_reported_and_reads_of_it_fail() {
    let disk = written(10);
    let at = number_of(&disk, ACTIVE, "partition 0 value 4");
    disk.damage(ACTIVE, |bytes| bytes[at + 3] ^= 1);
    let disk = {
        let opened = open(&disk);
        let topic = opened.broker.topic("t").unwrap();
        let (first, second) = (topic.partition(0).unwrap(), topic.partition(1).unwrap());
        assert_eq!(read(&opened.broker, second, 0).unwrap().len(), 10);
        assert_eq!(first.high_watermark(), 10);
        let mut pieces = Vec::new();
        let error = opened.broker.read(first, 4, 1 << 20, true, &mut pieces).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged);
        // What is before and behind it can be read.
        let outcome = opened.broker.read(first, 0, 1 << 20, true, &mut pieces).unwrap();
        assert!(outcome.bytes > 0);
        assert_eq!(read(&opened.broker, first, 5).unwrap().len(), 5);
        let said = opened.said();
        assert!(said.contains("DAMAGED"), "{said}");
        // The log goes on behind it, and later starts know of it as well.
        produce(&opened.broker, &topic, 1, batch(&["more"]), Acks::Synced).unwrap();
        disk.stop();
        Arc::new(disk.next_process())
    };
    let opened = open(&disk);
    let topic = opened.broker.topic("t").unwrap();
    assert_eq!(topic.partition(1).unwrap().high_watermark(), 11);
    let mut pieces = Vec::new();
    let first = topic.partition(0).unwrap();
    let error = opened.broker.read(first, 4, 1 << 20, true, &mut pieces).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
}

#[test]
fn a_flipped_bit_in_the_header_of_an_entry_is_no_silent_gap() {
    let disk = written(10);
    let at = number_of(&disk, ACTIVE, "partition 1 value 6");
    // The entry's header lies before the batch's of 61 bytes; this is in its partition number.
    disk.damage(ACTIVE, |bytes| bytes[at - 61 - 40 + 20] ^= 4);
    let opened = open(&disk);
    let topic = opened.broker.topic("t").unwrap();
    let second = topic.partition(1).unwrap();
    let mut pieces = Vec::new();
    let error = opened.broker.read(second, 6, 1 << 20, true, &mut pieces).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
    assert_eq!(read(&opened.broker, second, 7).unwrap().len(), 3);
    assert_eq!(read(&opened.broker, topic.partition(0).unwrap(), 0).unwrap().len(), 10);
}

#[test]
fn every_flipped_bit_is_damage_or_a_torn_tail_and_never_another_value() {
    let original = written(6);
    let size = original.read(ACTIVE).len();
    for at in (0..size).step_by(97) {
        let disk = Arc::new(original.next_process());
        disk.damage(ACTIVE, |bytes| bytes[at] ^= 1 << (at % 8));
        let opened = open(&disk);
        let Some(topic) = opened.broker.topic("t") else {
            // The flipped bit took the topic's creation: said, and not guessed around.
            assert!(opened.said().contains("DAMAGED"));
            continue;
        };
        for index in 0..2 {
            let partition = topic.partition(index).unwrap();
            for offset in 0..partition.high_watermark() {
                let mut pieces = Vec::new();
                match opened.broker.read(partition, offset, 1, true, &mut pieces) {
                    Ok(_) => {
                        let found = read(&opened.broker, partition, offset);
                        let Ok(found) = found else { continue };
                        let expected = format!("partition {index} value {offset} ");
                        let first = &found[0];
                        assert_eq!(first.0, offset, "bit at {at}");
                        assert!(first.1.starts_with(expected.as_bytes()), "bit at {at}");
                    }
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Damaged, "bit at {at}"),
                }
            }
        }
    }
}

#[test]
fn a_truncated_active_segment_is_cut_at_the_last_whole_entry() {
    let disk = written(10);
    let at = number_of(&disk, ACTIVE, "partition 1 value 8");
    disk.damage(ACTIVE, |bytes| bytes.truncate(at + 5));
    let opened = open(&disk);
    let topic = opened.broker.topic("t").unwrap();
    assert_eq!(read(&opened.broker, topic.partition(0).unwrap(), 0).unwrap().len(), 9);
    assert_eq!(read(&opened.broker, topic.partition(1).unwrap(), 0).unwrap().len(), 8);
    assert!(opened.said().contains("cut "), "{}", opened.said());
    produce(&opened.broker, &topic, 0, batch(&["goes on"]), Acks::Synced).unwrap();
}

#[test]
fn a_truncated_sealed_segment_does_not_stop_a_start() {
    let disk = written(200);
    let opened = open(&disk);
    let names = disk_names(&disk);
    opened.broker.close().unwrap();
    let sealed = names.iter().find(|name| name.starts_with("mensajes-0") && name.ends_with("log"));
    let sealed = sealed.expect("200 records fill a segment").clone();
    disk.damage(&sealed, |bytes| bytes.truncate(bytes.len() / 2));
    let disk = Arc::new(disk.next_process());
    let opened = open(&disk);
    let topic = opened.broker.topic("t").unwrap();
    let partition = topic.partition(0).unwrap();
    assert_eq!(partition.high_watermark(), 200);
    let mut damaged = 0;
    for offset in 0..200 {
        let mut pieces = Vec::new();
        match opened.broker.read(partition, offset, 1, true, &mut pieces) {
            Ok(outcome) => assert!(outcome.bytes > 0, "offset {offset} is skipped in silence"),
            Err(_) => damaged += 1,
        }
    }
    assert!((1..100).contains(&damaged), "{damaged}");
    assert!(opened.said().contains("DAMAGED"), "{}", opened.said());
}

fn disk_names(disk: &SimDisk) -> Vec<String> {
    use minka::sys::storage::Storage;
    let mut names = disk.list().unwrap();
    names.sort();
    names
}

#[test]
fn a_damaged_snapshot_or_index_is_done_without() {
    let disk = written(200);
    let opened = open(&disk);
    opened.broker.close().unwrap();
    for kind in [".snapshot", ".idx"] {
        let disk = Arc::new(disk.next_process());
        for name in disk_names(&disk).iter().filter(|name| name.ends_with(kind)) {
            disk.damage(name, |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                bytes[20] ^= 1;
            });
        }
        let opened = open(&disk);
        let topic = opened.broker.topic("t").unwrap();
        for index in 0..2 {
            let found = read(&opened.broker, topic.partition(index).unwrap(), 0).unwrap();
            assert_eq!(found.len(), 200, "without {kind}");
        }
    }
}
