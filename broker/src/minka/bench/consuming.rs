//! The readers: consumers that share the topic's partitions and say how long messages took.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use minka::client::{Consumer, ConsumerConfig, StartAt};

use super::Options;
use super::producing::sent_at;
use super::run::Counters;
use crate::exit::Failure;
use crate::minka::latency::Latencies;

/// How long one poll waits.
const POLL: Duration = Duration::from_millis(100);

/// Reads the partitions from these offsets on until somebody says that all is read. Returns how
/// long each message took.
pub(super) fn consume(
    options: &Options,
    partitions: &[(u32, u64)],
    counters: &Arc<Counters>,
    began: Instant,
    run: u64,
) -> Result<Latencies, Failure> {
    let config = ConsumerConfig {
        client_id: "minka-bench".to_owned(),
        records_max: 10_000,
        ..ConsumerConfig::default()
    };
    let mut consumer = Consumer::open(options.broker.target(), config)?;
    let topic = options.topic.as_str();
    let assigned: Vec<_> = partitions
        .iter()
        .map(|&(partition, offset)| (topic, partition, StartAt::Offset(offset)))
        .collect();
    consumer.assign(&assigned)?;
    let mut latencies = Latencies::new();
    while !counters.is_over() {
        let records = consumer.poll(POLL)?;
        let now = began.elapsed();
        let mut found = 0;
        for record in records.iter() {
            if let Some(at) = record.value.and_then(|value| sent_at(value, run)) {
                latencies.record(now.saturating_sub(at));
                found += 1;
            }
        }
        counters.received.fetch_add(found, Ordering::Relaxed);
    }
    consumer.close()?;
    Ok(latencies)
}
