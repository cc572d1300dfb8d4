//! The log read from outside: while it grows, is rotated and cleaned, and where it is damaged.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use minka::engine::{Acks, Broker, Config};
use minka::log::entry::{Entry, Kind};
use minka::log::follow::Follower;
use minka::log::scan::Visit;
use minka::log::segment::{ACTIVE, Segment, sealed_id};
use minka::state::topic_config::TopicConfig;
use minka::sys::disk::Disk;
use minka::sys::event_log::EventLog;
use support::log::{batch, create, create_with, produce};

fn open(directory: &Path) -> Broker {
    let config = Config {
        segment_bytes: 64 << 10,
        retention_check_interval: Duration::from_millis(20),
        ..Config::default()
    };
    Broker::open(directory, config, Arc::new(EventLog::none())).unwrap()
}

fn follower(directory: &Path) -> Follower {
    Follower::new(Arc::new(Disk::read_only(directory)), 0)
}

/// What a follower handed on.
#[derive(Debug, Default)]
struct Seen {
    /// The IDs of records, and how often one of them came again.
    ids: BTreeSet<u64>,
    again: usize,
    damaged: Vec<Option<Entry>>,
}

impl Visit for Seen {
    fn entry(&mut self, _: &Segment, entry: &Entry, _: u64, _: &[u8]) -> minka::Result<()> {
        if entry.kind == Kind::Data {
            for id in entry.first_id..entry.end_id() {
                self.again += usize::from(!self.ids.insert(id));
            }
        }
        Ok(())
    }

    fn damaged(&mut self, _: &Segment, _: (u64, u64), entry: Option<&Entry>) -> minka::Result<()> {
        self.damaged.push(entry.copied());
        Ok(())
    }
}

#[test]
fn each_record_comes_once_while_the_log_is_written_rotated_and_cleaned() {
    let directory = tempfile::tempdir().unwrap();
    let broker = open(directory.path());
    let kept = create(&broker, "kept", 2).unwrap();
    let config = TopicConfig::parse([("retention.bytes", "100000")]).unwrap();
    let short = create_with(&broker, "short", 1, config).unwrap();
    let done = AtomicBool::new(false);
    let (expected, seen) = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut follower, mut seen) = (follower(directory.path()), Seen::default());
            while !done.load(Ordering::Acquire) {
                follower.advance(&mut seen).unwrap();
            }
            assert_eq!(follower.advance(&mut seen).unwrap(), 0);
            seen
        });
        let mut expected = BTreeSet::new();
        for n in 0..3000_u64 {
            let (topic, index) = if n.is_multiple_of(4) { (&kept, n / 4 % 2) } else { (&short, 0) };
            let value = format!("{n} {}", "v".repeat(500));
            let index = i32::try_from(index).unwrap();
            let written = produce(&broker, topic, index, batch(&[value]), Acks::Written).unwrap();
            if n.is_multiple_of(4) {
                expected.insert(written.first_id);
            }
        }
        done.store(true, Ordering::Release);
        (expected, reader.join().unwrap())
    });
    assert!(seen.ids.is_superset(&expected), "a kept record did not come");
    assert_eq!((seen.again, seen.damaged.len()), (0, 0));
    // Who comes later sees what is left, which is all of the kept topic.
    let mut late = Seen::default();
    follower(directory.path()).advance(&mut late).unwrap();
    assert!(late.ids.is_superset(&expected), "cleaning lost a kept record");
    assert_eq!((late.again, late.damaged.len()), (0, 0));
}

#[test]
fn a_flipped_byte_is_told_and_the_rest_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let broker = open(directory.path());
    let topic = create(&broker, "t", 1).unwrap();
    for n in 0..400 {
        let value = format!("{n} {}", "v".repeat(500));
        produce(&broker, &topic, 0, batch(&[value]), Acks::Synced).unwrap();
    }
    broker.close().unwrap();
    let names = std::fs::read_dir(directory.path()).unwrap();
    let mut files: Vec<_> = names.map(|name| name.unwrap().path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name == ACTIVE || sealed_id(name).is_some()
    });
    assert!(files.len() > 2, "{files:?}");
    let before = |path: &Path| std::fs::read(path).unwrap();
    for file in files {
        let whole = before(&file);
        for at in [70, whole.len() / 2] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&file, &bytes).unwrap();
            let mut seen = Seen::default();
            follower(directory.path()).advance(&mut seen).unwrap();
            assert_eq!(seen.damaged.len(), 1, "byte {at} of {}", file.display());
            assert!((399..=400).contains(&seen.ids.len()), "{} records", seen.ids.len());
            assert_eq!(before(&file), bytes, "the reader has written");
        }
        std::fs::write(&file, &whole).unwrap();
    }
}

#[test]
fn a_torn_tail_is_waited_for_and_an_end_that_is_missing_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let broker = open(directory.path());
    let topic = create(&broker, "t", 1).unwrap();
    for n in 0..5 {
        produce(&broker, &topic, 0, batch(&[format!("{n}")]), Acks::Synced).unwrap();
    }
    let active = directory.path().join(ACTIVE);
    let whole = std::fs::read(&active).unwrap();
    drop(broker);
    std::fs::write(&active, &whole[..whole.len() - 3]).unwrap();
    let (mut reader, mut seen) = (follower(directory.path()), Seen::default());
    let torn = reader.advance(&mut seen).unwrap();
    assert!(torn > 0 && seen.ids.len() == 4, "{torn} {seen:?}");
    // A snapshot that knows of more than there is tells damage from a torn tail.
    let known = seen.ids.last().unwrap() + 2;
    let mut other = Seen::default();
    let disk = Arc::new(Disk::read_only(directory.path()));
    Follower::new(disk, known).advance(&mut other).unwrap();
    assert_eq!((other.ids.len(), other.damaged.len()), (4, 1));
    std::fs::write(&active, &whole).unwrap();
    assert_eq!(reader.advance(&mut seen).unwrap(), 0);
    assert_eq!((seen.ids.len(), seen.again, seen.damaged.len()), (5, 0, 0));
}
