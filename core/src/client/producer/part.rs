//! A partition, as a producer sees it: what waits to be sent, and its sequence numbers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::{Batch, Stamp};
use crate::client::backoff::Backoff;
use crate::error::{Error, ErrorKind};

/// A partition to which records are sent.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) topic: Arc<str>,
    pub(super) index: u32,
    /// The broker that leads it; `None` while it has none.
    pub(super) leader: Option<i32>,
    /// Batches that take no more records, oldest first.
    pub(super) queue: VecDeque<Batch>,
    /// The batch that takes records.
    pub(super) open: Option<Batch>,
    /// How many batches are under way.
    pub(super) in_flight: usize,
    /// Nothing is sent before.
    pub(super) retry_at: Option<Instant>,
    pub(super) backoff: Backoff,
    /// Since when brokers have said that it does not exist.
    pub(super) unknown_since: Option<Instant>,
    /// What went wrong last, for the error of a batch that runs out of time.
    pub(super) trouble: Option<String>,
    sequence: Sequence,
}

/// Where the sequence of a partition stands.
#[derive(Debug, Default)]
struct Sequence {
    /// The producer ID and epoch in use here.
    producer: Option<(i64, i16)>,
    next: i32,
    /// Whether to begin with another epoch, once nothing is under way.
    restart: bool,
}

/// When a batch that still takes records may leave.
#[derive(Debug, Clone, Copy)]
pub(super) struct When {
    pub(super) now: Instant,
    /// Whether nothing else is under way.
    pub(super) idle: bool,
    pub(super) linger: Duration,
    /// Batches below this number leave in any case.
    pub(super) flush_to: u64,
    /// How many batches of a partition may be under way.
    pub(super) in_flight_max: usize,
}

impl Part {
    pub(super) fn new(topic: Arc<str>, index: u32, leader: Option<i32>, backoff: Backoff) -> Self {
        Self {
            topic,
            index,
            leader,
            queue: VecDeque::new(),
            open: None,
            in_flight: 0,
            retry_at: None,
            backoff,
            unknown_since: None,
            trouble: None,
            sequence: Sequence::default(),
        }
    }

    /// Takes the next batch that may leave.
    pub(super) fn take(&mut self, when: &When) -> Option<Batch> {
        if self.in_flight >= when.in_flight_max || self.retry_at.is_some_and(|at| at > when.now) {
            return None;
        }
        // What is sent again goes alone, so that nothing overtakes it.
        let again = self.queue.front().is_some_and(|batch| batch.attempts > 0);
        if (again || self.sequence.restart) && self.in_flight > 0 {
            return None;
        }
        let open_leaves =
            self.queue.is_empty() && self.open.as_ref().is_some_and(|batch| when.lets_leave(batch));
        let batch = if open_leaves { self.open.take() } else { self.queue.pop_front() };
        self.in_flight += usize::from(batch.is_some());
        batch
    }

    /// Gives a batch its place in the sequence of the producer `id` with `epoch`. `false` if
    /// this producer ID has no epoch left for the partition.
    pub(super) fn stamp(&mut self, batch: &mut Batch, id: i64, epoch: i16) -> bool {
        let sequence = &mut self.sequence;
        let mut producer = sequence.producer.filter(|known| known.0 == id).unwrap_or((id, epoch));
        if sequence.restart {
            let Some(next) = producer.1.checked_add(1) else {
                return false;
            };
            producer.1 = next;
            // None of them is stored, or the broker would not have missed what was before them.
            for batch in self.queue.iter_mut().chain([&mut *batch]) {
                batch.stamp = None;
                batch.attempts = 0;
            }
        }
        if sequence.restart || sequence.producer != Some(producer) {
            *sequence = Sequence { producer: Some(producer), next: 0, restart: false };
        }
        if batch.stamp.is_none() {
            let (producer_id, epoch) = producer;
            batch.stamp = Some(Stamp { producer_id, epoch, sequence: sequence.next });
            // After 2^31 - 1 comes 0.
            let records = batch.builder.count().cast_signed();
            sequence.next = sequence.next.wrapping_add(records) & i32::MAX;
        }
        true
    }

    /// Begins with another epoch as soon as nothing is under way: the broker misses records
    /// before those that wait.
    pub(super) fn restart_sequence(&mut self) {
        self.sequence.restart = true;
    }

    /// Puts a batch back that was under way, at its place.
    pub(super) fn put_back(&mut self, mut batch: Batch) {
        batch.under_way = false;
        self.in_flight = self.in_flight.saturating_sub(1);
        let place = self.queue.partition_point(|other| other.number < batch.number);
        self.queue.insert(place, batch);
    }

    /// Whether a batch with this number is the first of all that are not decided.
    pub(super) fn is_first(&self, number: u64) -> bool {
        self.queue.front().is_none_or(|batch| batch.number > number)
    }

    /// Notes that the broker took a batch.
    pub(super) fn succeeded(&mut self) {
        self.retry_at = None;
        self.unknown_since = None;
        self.trouble = None;
        self.backoff.reset();
    }

    /// Waits for a while before anything is sent again.
    pub(super) fn delay(&mut self, now: Instant) {
        self.retry_at = Some(now + self.backoff.next_delay());
    }

    /// Whether nothing waits to be sent.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.open.is_none()
    }

    /// The oldest batch that waits.
    pub(super) fn oldest(&self) -> Option<&Batch> {
        self.queue.front().or(self.open.as_ref())
    }

    /// Takes the oldest batch out, if it was created before `limit`.
    pub(super) fn take_expired(&mut self, limit: Instant) -> Option<Batch> {
        if self.oldest()?.created > limit {
            return None;
        }
        self.queue.pop_front().or_else(|| self.open.take())
    }

    /// The error of a batch whose time is up.
    pub(super) fn timed_out(&self, timeout: Duration) -> Error {
        let trouble = self.trouble.as_deref().unwrap_or("the broker does not keep up");
        let text = format!(
            "the record was not acknowledged within delivery_timeout ({} ms), it may still be \
             stored; what went wrong last: {trouble}",
            timeout.as_millis()
        );
        Error::new(ErrorKind::Timeout, text)
    }

    /// The error of a batch for a partition that does not exist.
    pub(super) fn unknown(&self) -> Error {
        let (topic, index) = (&self.topic, self.index);
        let text = format!("the brokers know no partition {index} of topic {topic}");
        Error::new(ErrorKind::UnknownTopicOrPartition, text)
    }
}

impl When {
    fn lets_leave(&self, batch: &Batch) -> bool {
        let waited = if self.linger.is_zero() {
            self.idle
        } else {
            self.now.saturating_duration_since(batch.created) >= self.linger
        };
        waited || batch.number < self.flush_to
    }
}
