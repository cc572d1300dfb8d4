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
        self.insert(batch);
    }

    /// Puts a batch at its place.
    pub(super) fn insert(&mut self, batch: Batch) {
        let at = self.queue.partition_point(|other| other.place() < batch.place());
        self.queue.insert(at, batch);
    }

    /// Whether nothing waits that stands before `batch`.
    pub(super) fn is_first(&self, batch: &Batch) -> bool {
        self.queue.front().is_none_or(|front| front.place() > batch.place())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::builder::BatchBuilder;
    use crate::client::producer::delivery::Slot;

    fn part() -> Part {
        let backoff = Backoff::new(Duration::from_secs(9), Duration::from_secs(9));
        Part::new("t".into(), 0, Some(1), backoff)
    }

    fn batch(number: u64, records: u32) -> Batch {
        let mut builder = BatchBuilder::new();
        for n in 0..records {
            builder.append(0, None, Some(&n.to_be_bytes()), &[]).unwrap();
        }
        Batch {
            number,
            part: 0,
            builder,
            slot: Slot::new("t".into(), 0, None),
            first: 0,
            callbacks: Vec::new(),
            buffered: 100,
            created: Instant::now(),
            under_way: false,
            stamp: None,
            attempts: 0,
        }
    }

    fn when(idle: bool, linger: Duration) -> When {
        When { now: Instant::now(), idle, linger, flush_to: 0, in_flight_max: 5 }
    }

    fn take(part: &mut Part) -> Option<Batch> {
        let mut batch = part.take(&when(true, Duration::ZERO))?;
        assert!(part.stamp(&mut batch, 7, 0));
        batch.attempts += 1;
        Some(batch)
    }

    /// Epoch and sequence number of a batch.
    fn stamp(batch: &Batch) -> (i16, i32) {
        let stamp = batch.stamp.unwrap();
        (stamp.epoch, stamp.sequence)
    }

    #[test]
    fn an_open_batch_leaves_when_nothing_else_is_under_way_or_its_time_is_up() {
        let mut part = part();
        part.open = Some(batch(0, 1));
        assert!(part.take(&when(false, Duration::ZERO)).is_none());
        assert!(part.take(&when(true, Duration::from_secs(9))).is_none());
        assert!(part.take(&When { flush_to: 1, ..when(false, Duration::ZERO) }).is_some());
        part.open = Some(batch(1, 1));
        assert!(part.take(&when(true, Duration::ZERO)).is_some());
        assert!(part.is_empty());
        // What is full leaves in any case.
        part.queue.push_back(batch(2, 1));
        assert!(part.take(&when(false, Duration::from_secs(9))).is_some());
        assert_eq!(part.in_flight, 3);
    }

    #[test]
    fn what_is_sent_again_goes_alone_and_keeps_its_place() {
        let mut part = part();
        (0..3).for_each(|number| part.queue.push_back(batch(number, 2)));
        let (a, b) = (take(&mut part).unwrap(), take(&mut part).unwrap());
        assert_eq!((stamp(&a), stamp(&b)), ((0, 0), (0, 2)));
        part.put_back(b);
        assert!(take(&mut part).is_none(), "the first is still under way");
        part.put_back(a);
        let a = take(&mut part).unwrap();
        assert_eq!((a.number, stamp(&a)), (0, (0, 0)));
        assert!(take(&mut part).is_none());
        part.in_flight -= 1;
        assert_eq!(take(&mut part).unwrap().number, 1);
    }

    #[test]
    fn a_gap_begins_another_epoch_once_nothing_is_under_way() {
        let mut part = part();
        (0..3).for_each(|number| part.queue.push_back(batch(number, 2)));
        let _lost = take(&mut part).unwrap();
        let (b, c) = (take(&mut part).unwrap(), take(&mut part).unwrap());
        part.in_flight -= 1;
        assert!(part.is_first(&b));
        part.restart_sequence();
        part.put_back(b);
        assert!(!part.is_first(&c));
        assert!(take(&mut part).is_none(), "another is still under way");
        part.put_back(c);
        let (b, c) = (take(&mut part).unwrap(), take(&mut part).unwrap());
        assert_eq!((b.number, stamp(&b)), (1, (1, 0)));
        assert_eq!((c.number, stamp(&c)), (2, (1, 2)));
    }

    #[test]
    fn sequence_numbers_go_round_and_epochs_end() {
        let mut part = part();
        part.sequence = Sequence { producer: Some((7, 3)), next: i32::MAX, restart: false };
        (0..2).for_each(|number| part.queue.push_back(batch(number, 2)));
        assert_eq!(stamp(&take(&mut part).unwrap()), (3, i32::MAX));
        assert_eq!(stamp(&take(&mut part).unwrap()), (3, 1));
        part.sequence = Sequence { producer: Some((7, i16::MAX)), next: 5, restart: true };
        let mut one = batch(9, 1);
        assert!(!part.stamp(&mut one, 7, 0));
        assert!(part.stamp(&mut one, 8, 0), "another producer ID begins anew");
        assert_eq!(stamp(&one), (1, 0));
    }

    #[test]
    fn halves_keep_their_places_records_and_callers() {
        let mut front = batch(4, 5);
        front.stamp = Some(Stamp { producer_id: 7, epoch: 1, sequence: i32::MAX });
        front.callbacks = [0, 1, 2, 4].map(|index| (index, 0, Box::new(drop) as _)).into();
        let back = front.split().unwrap();
        assert_eq!((front.builder.count(), back.builder.count()), (2, 3));
        assert_eq!((front.place(), back.place()), ((4, 0), (4, 2)));
        assert_eq!((stamp(&front), stamp(&back)), ((1, i32::MAX), (1, 1)));
        let callers = |batch: &Batch| batch.callbacks.iter().map(|c| c.0).collect::<Vec<_>>();
        assert_eq!((callers(&front), callers(&back)), (vec![0, 1], vec![2, 4]));
        assert_eq!(front.buffered + back.buffered, 100);
        let mut part = part();
        part.insert(batch(5, 1));
        part.insert(back);
        part.insert(front);
        let places = part.queue.iter().map(Batch::place);
        assert_eq!(places.collect::<Vec<_>>(), [(4, 0), (4, 2), (5, 0)]);
    }
}
