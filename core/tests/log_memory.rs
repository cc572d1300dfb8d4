//! However partitions interleave, the index in memory stays small: extents of sealed segments lie
//! in their sidecars.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::sync::Arc;

use minka::engine::{Acks, Broker, Config};
use minka::sys::event_log::EventLog;
use support::log::{batch, create, read};

/// Bytes of memory that the process has in use.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_log_of_the_worst_interleaving_costs_little_memory() {
    const PARTITIONS: u32 = 1000;
    const ROUNDS: usize = 400;
    let directory = tempfile::tempdir().unwrap();
    let events = Arc::new(EventLog::none());
    let broker = Broker::open(directory.path(), Config::default(), events).unwrap();
    let topic = create(&broker, "t", PARTITIONS).unwrap();
    let record = batch(&["tiny"]);
    let before = resident();
    for _ in 0..ROUNDS {
        for partition in &topic.partitions {
            // Neighbours are never of one partition: every batch is an extent of its own.
            let ticket = minka::engine::Ticket::new(1, None);
            let produce = minka::engine::Produce {
                topic: &topic,
                partition,
                batch: record.clone(),
                acks: Acks::Written,
                zstd_allowed: true,
            };
            broker.submit(produce, &ticket, 0).unwrap();
        }
        broker.drain();
    }
    let grown = resident().saturating_sub(before);
    // 400 000 extents of 40 bytes would be 16 MB in memory, and more with what lists waste; at
    // most three segments' worth of them may be there.
    assert!(grown < 16 << 20, "the index takes {grown} bytes");
    let last = topic.partition(PARTITIONS as i32 - 1).unwrap();
    assert_eq!(read(&broker, last, 0).unwrap().len(), ROUNDS);
}
