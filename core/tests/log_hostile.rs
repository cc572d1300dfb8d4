//! Whatever bytes a log's files hold, a start neither panics nor invents records, and the log can
//! be written and opened again afterwards.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use minka::clock::SystemClock;
use minka::engine::{Acks, Broker, Config};
use minka::log::segment::{ACTIVE, Header};
use minka::sys::event_log::EventLog;
use minka::sys::storage::Storage;
use proptest::collection::vec;
use proptest::prelude::*;
use support::log::{batch, create, produce, read};
use support::sim_disk::SimDisk;

fn open(disk: &Arc<SimDisk>) -> minka::Result<Broker> {
    let config = Config { segment_bytes: 64 << 10, ..Config::default() };
    let clock = Arc::new(SystemClock::default());
    Broker::open_on(disk.clone(), clock, config, Arc::new(EventLog::none()))
}

/// The files of a log of two segments and a snapshot, and the values in it.
fn original() -> &'static (Arc<SimDisk>, Vec<String>) {
    static ORIGINAL: OnceLock<(Arc<SimDisk>, Vec<String>)> = OnceLock::new();
    ORIGINAL.get_or_init(|| {
        let disk = Arc::new(SimDisk::new());
        let broker = open(&disk).unwrap();
        let topic = create(&broker, "t", 2).unwrap();
        let values: Vec<String> = (0..150).map(|n| format!("{n} {}", "y".repeat(600))).collect();
        for (n, value) in values.iter().enumerate() {
            produce(&broker, &topic, n as i32 % 2, batch(&[value]), Acks::Synced).unwrap();
        }
        disk.stop();
        (disk, values)
    })
}

/// Opens what the disk holds, reads all that can be read, writes and opens again.
fn survive(disk: &Arc<SimDisk>, known: &HashSet<Vec<u8>>) {
    let Ok(broker) = open(disk) else { return };
    for live in broker.topics() {
        for partition in &live.partitions {
            let mut offset = partition.log_start();
            while offset < partition.high_watermark().min(1000) {
                let Ok(found) = read(&broker, partition, offset) else {
                    offset += 1;
                    continue;
                };
                for (_, value) in &found {
                    assert!(known.contains(value), "a record that nobody wrote");
                }
                break;
            }
        }
    }
    if let Some(topic) = broker.topic("t") {
        produce(&broker, &topic, 0, batch(&["after"]), Acks::Synced).unwrap();
        broker.close().unwrap();
        let broker = open(&Arc::new(disk.next_process())).unwrap();
        let topic = broker.topic("t").unwrap();
        let partition = topic.partition(0).unwrap();
        let last = partition.high_watermark() - 1;
        assert_eq!(read(&broker, partition, last).unwrap(), [(last, b"after".to_vec())]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_bytes_as_a_log(bytes in vec(any::<u8>(), 0..2000), sound in any::<bool>()) {
        let disk = Arc::new(SimDisk::new());
        let file = disk.open(ACTIVE, true).unwrap();
        let header = Header { first_id: 1, cleaned_to: None, salt: 0 }.encode();
        file.write_all_at(&[&header[..if sound { 64 } else { 0 }], &bytes], 0).unwrap();
        survive(&disk, &HashSet::new());
    }

    #[test]
    fn any_change_to_a_log(
        changes in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (disk, values) = original();
        let mut known: HashSet<Vec<u8>> =
            values.iter().map(|value| value.clone().into_bytes()).collect();
        known.insert(b"after".to_vec());
        let disk = Arc::new(disk.next_process());
        let mut names = disk.list().unwrap();
        names.sort();
        for (file, at, with) in &changes {
            let name: &String = file.get(&names);
            disk.damage(name, |bytes| {
                let at = at.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
                bytes[at] = *with;
            });
        }
        if let Some(cut) = cut {
            disk.damage(ACTIVE, |bytes| bytes.truncate(cut.index(bytes.len())));
        }
        survive(&disk, &known);
    }
}
