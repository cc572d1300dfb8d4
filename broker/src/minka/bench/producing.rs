//! The load: producers that stamp each message with the time at which it was sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use minka::client::{Message, Producer, ProducerConfig};

use super::Options;
use super::run::Counters;
use crate::exit::Failure;
use crate::minka::latency::Latencies;

/// The bytes of a stamp: when the message was sent, in nanoseconds since the beginning, and the
/// number of the run, so that messages of another one are not counted.
pub(super) const STAMP_BYTES: usize = 16;

/// The time of sending in a message of this run.
pub(super) fn sent_at(value: &[u8], run: u64) -> Option<Duration> {
    let (time, rest) = value.split_first_chunk()?;
    let found = u64::from_le_bytes(*rest.first_chunk()?);
    (found == run).then(|| Duration::from_nanos(u64::from_le_bytes(*time)))
}

/// Sends until the time is up or somebody says stop, then waits for all acknowledgements.
/// Returns how long each took.
pub(super) fn produce(
    options: &Options,
    counters: &Arc<Counters>,
    began: Instant,
    run: u64,
) -> Result<Latencies, Failure> {
    let config = ProducerConfig {
        client_id: "minka-bench".to_owned(),
        acks: options.acks,
        compression: options.compression,
        ..ProducerConfig::default()
    };
    let producer = Producer::open(options.broker.target(), config)?;
    let latencies = Arc::new(Mutex::new(Latencies::new()));
    let mut value = filler(options.size.max(STAMP_BYTES));
    let interval = options
        .rate
        .map(|rate| Duration::from_secs_f64(f64::from(options.producers) / f64::from(rate)));
    let mut number = 0_u32;
    while began.elapsed() < options.duration && !counters.is_stopped() {
        if let Some(interval) = interval {
            let due = began + interval * number;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            number = number.saturating_add(1);
        }
        let at = began.elapsed();
        value[..8].copy_from_slice(&(at.as_nanos() as u64).to_le_bytes());
        value[8..16].copy_from_slice(&run.to_le_bytes());
        let (counters_then, latencies) = (counters.clone(), latencies.clone());
        let sent =
            producer.send_with(Message::new(&options.topic, &value), move |result| match result {
                Ok(_) => {
                    let took = began.elapsed().saturating_sub(at);
                    latencies.lock().unwrap_or_else(PoisonError::into_inner).record(took);
                    counters_then.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => counters_then.fail(&error),
            });
        counters.sent.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = sent {
            counters.fail(&error);
            break;
        }
    }
    producer.close(options.duration.max(Duration::from_secs(60)))?;
    let latencies = latencies.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(latencies.clone())
}

/// Bytes that compress about as well as text does.
fn filler(size: usize) -> Vec<u8> {
    let words = b"the broker gives each record an offset and keeps it in its log until ";
    let mut bytes: Vec<u8> = words.iter().copied().cycle().take(size).collect();
    let mut state = AtomicU64::new(1);
    for byte in bytes.iter_mut().step_by(3) {
        let next = state.get_mut();
        *next =
            next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte = b'a' + (*next >> 59) as u8 % 26;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_from_messages_of_the_same_run_alone() {
        let mut value = filler(40);
        assert_eq!((value.len(), sent_at(&value, 7)), (40, None));
        value[..8].copy_from_slice(&5_000_u64.to_le_bytes());
        value[8..16].copy_from_slice(&7_u64.to_le_bytes());
        assert_eq!(sent_at(&value, 7), Some(Duration::from_micros(5)));
        assert_eq!(sent_at(&value, 8), None);
        assert_eq!(sent_at(&value[..15], 7), None);
    }
}
