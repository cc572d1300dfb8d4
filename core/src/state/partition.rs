//! What the broker knows of one partition besides its records.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::error::Result;
use crate::limits::UNSYNCED_IDS_MAX;
use crate::state::producers::{ProducerStamp, Producers, Verdict};

/// A partition's offsets and producers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionState {
    /// The offset that the next record gets (the log end offset).
    pub next_offset: u64,
    /// The first offset that may be read (the log start offset).
    pub log_start: u64,
    /// Whether consumers may have seen records, since the broker was started, that were not on
    /// the disk. A power cut can take such records; then their offsets must not be given out to
    /// others, so [`PartitionState::skip_offsets`] leaves a gap. The broker makes
    /// `PartitionRelaxed` durable before it shows the first such record of a session.
    pub relaxed: bool,
    /// The two newest segments of the log that hold records of the partition, by their first
    /// IDs, newest first.
    pub segments: [Option<u64>; 2],
    /// The idempotent producers, once there was one.
    pub producers: Option<Box<Producers>>,
}

/// A batch that was appended to a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendedBatch {
    /// The offset of the batch's first record.
    pub base_offset: u64,
    /// How many offsets the batch covers: its last offset delta and one more.
    pub offsets: u32,
    /// The batch's largest timestamp as it was stored, in wall milliseconds.
    pub timestamp: Millis,
    /// Its producer, if that is an idempotent one.
    pub producer: Option<ProducerStamp>,
}

impl PartitionState {
    /// Decides about a batch of an idempotent producer; see [`Producers::check`].
    ///
    /// # Errors
    /// Those of [`Producers::check`].
    pub fn check(&self, stamp: ProducerStamp) -> Result<Verdict> {
        match &self.producers {
            Some(producers) => producers.check(stamp),
            None => Producers::default().check(stamp),
        }
    }

    /// Takes a batch in that was appended; `wall_now` as in [`Producers::record`].
    pub fn batch_appended(&mut self, batch: &AppendedBatch, wall_now: Millis) {
        let end = batch.base_offset.saturating_add(u64::from(batch.offsets));
        self.next_offset = self.next_offset.max(end);
        if let Some(stamp) = batch.producer {
            let producers = self.producers.get_or_insert_default();
            producers.record(stamp, batch.base_offset, batch.timestamp, wall_now);
        }
    }

    /// Notes that records lie in `segment`, which is the newest one.
    pub fn lies_in(&mut self, segment: u64) {
        if self.segments[0] != Some(segment) {
            self.segments = [Some(segment), self.segments[0]];
        }
    }

    /// The newest segment before `segment` that holds records of the partition.
    pub fn segment_before(&self, segment: u64) -> Option<u64> {
        self.segments.into_iter().flatten().find(|&older| older < segment)
    }

    /// Moves the log start offset forward; it never goes back.
    pub fn log_start_moved(&mut self, offset: u64) {
        self.log_start = self.log_start.max(offset);
        self.next_offset = self.next_offset.max(self.log_start);
    }

    /// From here on consumers may see records that are not on the disk.
    pub fn relax(&mut self) {
        self.relaxed = true;
    }

    /// A new session starts. `ids_skipped` says that a power cut may have taken the log's tail;
    /// otherwise everything that was written is still there and nothing has to be skipped.
    pub fn session_started(&mut self, ids_skipped: bool) {
        if ids_skipped {
            self.skip_offsets();
        }
        self.relaxed = false;
    }

    /// Leaves a gap behind every offset that somebody may have seen, if there may be such.
    pub fn skip_offsets(&mut self) {
        if self.relaxed {
            self.next_offset = self.next_offset.saturating_add(UNSYNCED_IDS_MAX);
            self.relaxed = false;
        }
    }

    /// Forgets the producers that were heard of last before `before_wall`.
    pub fn expire_producers(&mut self, before_wall: Millis) {
        if let Some(producers) = &mut self.producers {
            producers.expire(before_wall);
            if producers.is_empty() {
                self.producers = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(base_offset: u64, offsets: u32, producer: Option<ProducerStamp>) -> AppendedBatch {
        AppendedBatch { base_offset, offsets, timestamp: 3, producer }
    }

    #[test]
    fn batches_move_the_end_and_are_remembered_for_their_producer() {
        let mut partition = PartitionState::default();
        partition.batch_appended(&batch(0, 10, None), 1);
        assert!(partition.producers.is_none());
        let stamp = ProducerStamp::new(4, 0, 0, 5);
        assert_eq!(partition.check(stamp).unwrap(), Verdict::Append);
        partition.batch_appended(&batch(10, 5, Some(stamp)), 1);
        assert_eq!(partition.next_offset, 15);
        let again = partition.check(stamp).unwrap();
        assert_eq!(again, Verdict::Duplicate { base_offset: 10, timestamp: 3 });
        partition.expire_producers(2);
        assert!(partition.producers.is_none());
    }

    #[test]
    fn the_log_start_only_grows_and_never_passes_the_end() {
        let mut partition = PartitionState { next_offset: 10, ..Default::default() };
        partition.log_start_moved(7);
        partition.log_start_moved(3);
        assert_eq!((partition.log_start, partition.next_offset), (7, 10));
        partition.log_start_moved(12);
        assert_eq!((partition.log_start, partition.next_offset), (12, 12));
    }

    #[test]
    fn only_a_power_cut_makes_a_relaxed_partition_skip_offsets() {
        let relaxed = PartitionState { next_offset: 10, relaxed: true, ..Default::default() };
        let mut partition = relaxed.clone();
        partition.session_started(false);
        assert_eq!((partition.next_offset, partition.relaxed), (10, false));
        partition.session_started(true);
        assert_eq!(partition.next_offset, 10);
        partition.relax();
        assert_eq!(partition, relaxed);
        partition.session_started(true);
        assert_eq!((partition.next_offset, partition.relaxed), (10 + UNSYNCED_IDS_MAX, false));
    }
}
