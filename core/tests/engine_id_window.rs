//! IDs that are not on the disk are bounded; who runs into the bound waits for a sync, also when
//! it is the syncer itself that writes for the others.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::sync::Arc;

use bytes::Bytes;
use minka::batch::builder::BatchBuilder;
use minka::batch::compression::Codec;
use minka::checksum::crc32c;
use minka::engine::{Acks, Broker, Config};
use minka::limits::RECORDS_PER_BATCH_MAX;
use minka::sys::event_log::EventLog;
use support::log::{batch, create, produce};

/// A small batch that uses as many IDs as a batch may: the header of a compressed batch is trusted.
fn greedy() -> Bytes {
    let mut builder = BatchBuilder::new();
    builder.append(minka_now(), None, Some(b"x"), &[]).unwrap();
    let mut bytes = builder.finish(Codec::Gzip).unwrap().to_vec();
    bytes[23..27].copy_from_slice(&(RECORDS_PER_BATCH_MAX - 1).to_be_bytes());
    bytes[57..61].copy_from_slice(&RECORDS_PER_BATCH_MAX.to_be_bytes());
    let sum = crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&sum.to_be_bytes());
    bytes.into()
}

fn minka_now() -> i64 {
    use minka::clock::{Clock, SystemClock};
    SystemClock::default().wall()
}

#[test]
fn many_ids_at_once_wait_for_the_disk_and_nobody_waits_for_himself() {
    let directory = tempfile::tempdir().unwrap();
    let events = Arc::new(EventLog::none());
    let broker = Arc::new(Broker::open(directory.path(), Config::default(), events).unwrap());
    let topic = create(&broker, "t", 16).unwrap();
    std::thread::scope(|scope| {
        for index in 0..16 {
            let (broker, topic) = (broker.clone(), topic.clone());
            scope.spawn(move || {
                let acks = if index < 4 { Acks::Written } else { Acks::Synced };
                for n in 0..60 {
                    let bytes = if n % 7 == 6 { batch(&["small"]) } else { greedy() };
                    produce(&broker, &topic, index, bytes, acks).unwrap();
                }
            });
        }
    });
    broker.close().unwrap();
}
