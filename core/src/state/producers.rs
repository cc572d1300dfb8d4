//! Idempotent producers of one partition: which batches were appended already.
//!
//! The rules are those of Apache Kafka's producer state: a producer numbers its records for each
//! partition from 0 to 2^31 - 1 and then from 0 again, keeps at most five batches in flight, and
//! gets a new epoch when it has to start again.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};

/// How many batches of a producer are remembered: what Kafka's producers keep in flight at most.
const BATCHES_KEPT: usize = 5;

/// What a batch says about its producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerStamp {
    /// The producer's ID, at least 0.
    pub id: i64,
    /// The producer's epoch.
    pub epoch: i16,
    /// The sequence number of the batch's first record.
    pub first_sequence: i32,
    /// The sequence number of the batch's last record.
    pub last_sequence: i32,
}

impl ProducerStamp {
    /// The stamp of a batch of `records` records (1 for an empty batch) whose numbers start with
    /// `first_sequence`.
    pub fn new(id: i64, epoch: i16, first_sequence: i32, records: u32) -> Self {
        let last = i64::from(first_sequence) + i64::from(records.max(1)) - 1;
        // Numbers of foreign batches may be anything; the mask keeps them in the circle of
        // sequence numbers, 0 to 2^31 - 1.
        let last_sequence = i32::try_from(last & i64::from(i32::MAX)).unwrap_or_default();
        Self { id, epoch, first_sequence, last_sequence }
    }
}

/// What to do with a batch of an idempotent producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The batch is new: append it.
    Append,
    /// The batch was appended before: append nothing and answer as the first time.
    Duplicate {
        /// The offset that the batch's first record got.
        base_offset: u64,
        /// The batch's largest timestamp as it was stored, in wall milliseconds.
        timestamp: Millis,
    },
}

/// The idempotent producers of one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Producers {
    /// By ID in order: IDs are handed out in order, so a new producer mostly goes to the end.
    producers: Vec<Producer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Producer {
    id: i64,
    seen_ms: Millis,
    epoch: i16,
    /// How many of `batches` are in use; at least 1.
    len: u8,
    /// Oldest first.
    batches: [Batch; BATCHES_KEPT],
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Batch {
    base_offset: u64,
    timestamp: Millis,
    first_sequence: i32,
    last_sequence: i32,
}

impl Producers {
    /// Decides about a batch, without taking it in.
    ///
    /// # Errors
    /// `InvalidProducerEpoch` where a newer producer with this ID has written;
    /// `OutOfOrderSequence` where records are missing before this batch, or a new epoch does not
    /// start with 0; `InvalidRecord` for a negative sequence number.
    pub fn check(&self, stamp: ProducerStamp) -> Result<Verdict> {
        let ProducerStamp { id, epoch, first_sequence: first, .. } = stamp;
        if first < 0 {
            let text = format!("producer {id} sent the sequence number {first}");
            return Err(Error::new(ErrorKind::InvalidRecord, text));
        }
        let Ok(at) = self.find(id) else {
            return Ok(Verdict::Append);
        };
        let producer = &self.producers[at];
        if epoch < producer.epoch {
            let text = format!(
                "producer {id} has epoch {epoch}, but another one has taken over with {}",
                producer.epoch
            );
            return Err(Error::new(ErrorKind::InvalidProducerEpoch, text));
        }
        let expected = if epoch > producer.epoch {
            0
        } else if let Some(batch) = producer.appended(stamp) {
            let Batch { base_offset, timestamp, .. } = *batch;
            return Ok(Verdict::Duplicate { base_offset, timestamp });
        } else {
            producer.next_sequence()
        };
        if first != expected {
            let text = format!(
                "producer {id} (epoch {epoch}) sent the sequence number {first}, \
                 but {expected} comes next"
            );
            return Err(Error::new(ErrorKind::OutOfOrderSequence, text));
        }
        Ok(Verdict::Append)
    }

    /// Remembers a batch that was appended. `timestamp` is the batch's largest one; `wall_now` is
    /// when the producer was heard of: a replay passes the time of the replay, which lets
    /// producers live a little longer and nothing else.
    pub fn record(
        &mut self,
        stamp: ProducerStamp,
        base_offset: u64,
        timestamp: Millis,
        wall_now: Millis,
    ) {
        let ProducerStamp { id, epoch, first_sequence, last_sequence } = stamp;
        let batch = Batch { base_offset, timestamp, first_sequence, last_sequence };
        match self.find(id) {
            Ok(at) => self.producers[at].record(epoch, batch, wall_now),
            Err(at) => {
                let mut producer =
                    Producer { id, epoch, seen_ms: wall_now, len: 0, batches: Default::default() };
                producer.record(epoch, batch, wall_now);
                self.producers.insert(at, producer);
            }
        }
    }

    /// Forgets the producers that were heard of last before `before_wall`.
    pub fn expire(&mut self, before_wall: Millis) {
        self.producers.retain(|producer| producer.seen_ms >= before_wall);
        self.producers.shrink_to(self.producers.len() * 2);
    }

    /// How many producers are remembered.
    pub fn len(&self) -> usize {
        self.producers.len()
    }

    /// Whether no producer is remembered.
    pub fn is_empty(&self) -> bool {
        self.producers.is_empty()
    }

    fn find(&self, id: i64) -> std::result::Result<usize, usize> {
        self.producers.binary_search_by_key(&id, |producer| producer.id)
    }
}

impl Producer {
    /// The remembered batch with the same sequence numbers.
    fn appended(&self, stamp: ProducerStamp) -> Option<&Batch> {
        self.batches[..usize::from(self.len).min(BATCHES_KEPT)].iter().rfind(|batch| {
            (batch.first_sequence, batch.last_sequence)
                == (stamp.first_sequence, stamp.last_sequence)
        })
    }

    fn next_sequence(&self) -> i32 {
        let newest = usize::from(self.len).clamp(1, BATCHES_KEPT) - 1;
        self.batches[newest].last_sequence.checked_add(1).unwrap_or(0)
    }

    fn record(&mut self, epoch: i16, batch: Batch, wall_now: Millis) {
        if epoch != self.epoch {
            self.epoch = epoch;
            self.len = 0;
        }
        let mut len = usize::from(self.len).min(BATCHES_KEPT);
        if len == BATCHES_KEPT {
            self.batches.rotate_left(1);
            len -= 1;
        }
        self.batches[len] = batch;
        self.len = u8::try_from(len + 1).expect("at most BATCHES_KEPT");
        self.seen_ms = self.seen_ms.max(wall_now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(epoch: i16, first: i32, records: u32) -> ProducerStamp {
        ProducerStamp::new(7, epoch, first, records)
    }

    /// Producers with `batches` (epoch, first sequence, records) appended at offsets 0, 100, ...
    fn with(batches: &[(i16, i32, u32)]) -> Producers {
        let mut producers = Producers::default();
        for (at, &(epoch, first, records)) in (0u64..).zip(batches) {
            let stamp = stamp(epoch, first, records);
            assert_eq!(producers.check(stamp).unwrap(), Verdict::Append, "{stamp:?}");
            producers.record(stamp, at * 100, 1, 1);
        }
        producers
    }

    fn kind(result: Result<Verdict>) -> ErrorKind {
        result.unwrap_err().kind()
    }

    #[test]
    fn an_unknown_producer_may_start_anywhere() {
        assert_eq!(Producers::default().check(stamp(3, 500, 2)).unwrap(), Verdict::Append);
        assert_eq!(kind(Producers::default().check(stamp(3, -1, 2))), ErrorKind::InvalidRecord);
    }

    #[test]
    fn the_last_five_batches_are_recognised_and_older_ones_are_out_of_order() {
        let producers = with(&[(0, 0, 2), (0, 2, 2), (0, 4, 2), (0, 6, 2), (0, 8, 2), (0, 10, 2)]);
        for at in 1..6 {
            let verdict = producers.check(stamp(0, at * 2, 2)).unwrap();
            let base_offset = u64::try_from(at).unwrap() * 100;
            assert_eq!(verdict, Verdict::Duplicate { base_offset, timestamp: 1 });
        }
        assert_eq!(kind(producers.check(stamp(0, 0, 2))), ErrorKind::OutOfOrderSequence);
        assert_eq!(kind(producers.check(stamp(0, 10, 1))), ErrorKind::OutOfOrderSequence);
        assert_eq!(kind(producers.check(stamp(0, 13, 1))), ErrorKind::OutOfOrderSequence);
        assert_eq!(producers.check(stamp(0, 12, 9)).unwrap(), Verdict::Append);
    }

    #[test]
    fn a_new_epoch_starts_at_zero_and_fences_the_old_one() {
        let producers = with(&[(0, 0, 1), (0, 1, 1)]);
        assert_eq!(kind(producers.check(stamp(1, 2, 1))), ErrorKind::OutOfOrderSequence);
        let producers = with(&[(0, 0, 1), (0, 1, 1), (1, 0, 1)]);
        assert_eq!(kind(producers.check(stamp(0, 1, 1))), ErrorKind::InvalidProducerEpoch);
        assert_eq!(kind(producers.check(stamp(0, 2, 1))), ErrorKind::InvalidProducerEpoch);
        let again = producers.check(stamp(1, 0, 1)).unwrap();
        assert_eq!(again, Verdict::Duplicate { base_offset: 200, timestamp: 1 });
        assert_eq!(kind(producers.check(stamp(1, 2, 1))), ErrorKind::OutOfOrderSequence);
    }

    #[test]
    fn sequence_numbers_wrap_to_zero() {
        let producers = with(&[(0, i32::MAX - 1, 2)]);
        assert_eq!(producers.check(stamp(0, 0, 1)).unwrap(), Verdict::Append);
        let within = stamp(0, i32::MAX, 3);
        assert_eq!(within.last_sequence, 1);
        let producers = with(&[(0, i32::MAX, 3), (0, 2, 1)]);
        let again = producers.check(within).unwrap();
        assert_eq!(again, Verdict::Duplicate { base_offset: 0, timestamp: 1 });
    }

    #[test]
    fn silent_producers_expire() {
        let mut producers = Producers::default();
        for id in [5, 1, 9] {
            producers.record(ProducerStamp::new(id, 0, 0, 1), 0, 0, id);
        }
        producers.expire(5);
        assert_eq!((producers.len(), producers.is_empty()), (2, false));
        assert_eq!(producers.check(ProducerStamp::new(1, 0, 50, 1)).unwrap(), Verdict::Append);
        assert!(producers.check(ProducerStamp::new(5, 0, 50, 1)).is_err());
    }

    #[test]
    fn a_foreign_batch_does_not_panic() {
        let mut producers = Producers::default();
        for first in [i32::MIN, -1, 0, i32::MAX] {
            for records in [0, 1, u32::MAX] {
                let stamp = ProducerStamp::new(i64::MIN, i16::MIN, first, records);
                let _ = producers.check(stamp);
                producers.record(stamp, u64::MAX, i64::MIN, i64::MIN);
            }
        }
        assert_eq!(producers.len(), 1);
    }
}
