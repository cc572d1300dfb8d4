//! The durable part of a queue group: what the log's events add up to.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::state::event::{QueueRange, QueueState};
use crate::state::queues::ranges::{RangeState, Ranges};

/// The last offset that a partition can have: Kafka's offsets are signed.
pub(super) const OFFSET_MAX: u64 = i64::MAX.unsigned_abs();

impl RangeState for QueueState {
    const FRESH: Self = Self::Available { count: 0 };
    const SETTLED: Self = Self::Settled;
}

/// The durable part of a queue group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DurableQueue {
    partitions: BTreeMap<u32, DurablePartition>,
}

/// How far a group is in a partition, without who holds what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub(super) struct DurablePartition {
    pub(super) ranges: Ranges<QueueState>,
}

impl DurableQueue {
    /// Begins with partitions, those that exist, or begins again with them.
    pub(in crate::state) fn start(&mut self, offsets: &[(u32, u64)], exists: impl Fn(u32) -> bool) {
        for &(partition, offset) in offsets.iter().filter(|(number, _)| exists(*number)) {
            self.partitions.insert(partition, DurablePartition::new(offset));
        }
    }

    /// Takes in what has changed in a partition.
    pub(in crate::state) fn change(&mut self, partition: u32, ranges: &[QueueRange]) {
        if let Some(partition) = self.partitions.get_mut(&partition) {
            ranges.iter().for_each(|range| partition.apply(range));
        }
    }

    /// Forgets partitions.
    pub(in crate::state) fn forget(&mut self, partitions: &[u32]) {
        for partition in partitions {
            self.partitions.remove(partition);
        }
    }

    /// Forgets the partitions of a topic that is gone.
    pub(in crate::state) fn remove_run(&mut self, numbers: Range<u32>) {
        while let Some((&number, _)) = self.partitions.range(numbers.clone()).next() {
            self.partitions.remove(&number);
        }
    }

    pub(super) fn insert(&mut self, number: u32, partition: DurablePartition) {
        self.partitions.insert(number, partition);
    }

    pub(super) fn into_partitions(self) -> impl Iterator<Item = (u32, DurablePartition)> {
        self.partitions.into_iter()
    }
}

impl DurablePartition {
    pub(super) fn new(start: u64) -> Self {
        Self { ranges: Ranges::new(start.min(OFFSET_MAX)) }
    }

    fn apply(&mut self, range: &QueueRange) {
        let first = range.first.max(self.ranges.start());
        let last = range.first.saturating_add(range.more).min(OFFSET_MAX);
        if first <= last {
            self.ranges.set(first, last, range.state, &mut ());
        }
    }
}

/// A partition in a snapshot: the ranges lie one behind the other.
#[derive(Serialize, Deserialize)]
struct Stored {
    start: u64,
    /// How many offsets, and what is known of them.
    ranges: Vec<(u64, QueueState)>,
}

impl From<DurablePartition> for Stored {
    fn from(partition: DurablePartition) -> Self {
        let ranges = partition.ranges.iter().map(|(first, last, state)| (last - first + 1, state));
        Self { start: partition.ranges.start(), ranges: ranges.collect() }
    }
}

impl TryFrom<Stored> for DurablePartition {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let mut ranges = Ranges::new(stored.start);
        let mut next = stored.start;
        for (count, state) in stored.ranges {
            let first = next;
            let end = first.checked_add(count);
            let end = end.filter(|&end| end > first && end - 1 <= OFFSET_MAX);
            next = end.ok_or("the ranges of a queue group have no end")?;
            if state != QueueState::FRESH {
                ranges.set(first, next - 1, state, &mut ());
            }
        }
        Ok(Self { ranges })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, more: u64, state: QueueState) -> QueueRange {
        QueueRange { first, more, state }
    }

    fn ranges(queue: &DurableQueue, partition: u32) -> (u64, Vec<(u64, u64, QueueState)>) {
        let ranges = &queue.partitions[&partition].ranges;
        (ranges.start(), ranges.iter().collect())
    }

    #[test]
    fn what_happens_to_records_adds_up() {
        let (once, settled) = (QueueState::Available { count: 1 }, QueueState::Settled);
        let mut queue = DurableQueue::default();
        queue.start(&[(1, 10), (2, 0)], |number| number == 1);
        queue.change(1, &[range(20, 9, once)]);
        queue.change(2, &[range(20, 9, once)]);
        let fresh = QueueState::FRESH;
        assert_eq!(ranges(&queue, 1), (10, vec![(10, 19, fresh), (20, 29, once)]));
        queue.change(1, &[range(25, 0, settled), range(5, 14, settled)]);
        let left = vec![(20, 24, once), (25, 25, settled), (26, 29, once)];
        assert_eq!(ranges(&queue, 1), (20, left));
        queue.change(1, &[range(0, u64::MAX, settled)]);
        assert_eq!(ranges(&queue, 1), (OFFSET_MAX + 1, Vec::new()));
        queue.change(1, &[range(u64::MAX, u64::MAX, once)]);
        assert_eq!(ranges(&queue, 1).1, []);
        queue.start(&[(1, u64::MAX)], |_| true);
        queue.change(1, &[range(0, u64::MAX, once)]);
        assert_eq!(ranges(&queue, 1), (OFFSET_MAX, vec![(OFFSET_MAX, OFFSET_MAX, once)]));
        let stored = Stored::from(queue.partitions[&1].clone());
        assert_eq!(DurablePartition::try_from(stored).unwrap(), queue.partitions[&1]);
        queue.forget(&[1]);
        assert_eq!(queue, DurableQueue::default());
    }

    #[test]
    fn a_snapshot_with_impossible_ranges_is_refused() {
        let read = |start, counts: &[u64]| {
            let state = QueueState::Available { count: 1 };
            let ranges = counts.iter().map(|count| (*count, state)).collect();
            DurablePartition::try_from(Stored { start, ranges })
        };
        let joined = read(5, &[2, 3]).unwrap();
        assert_eq!(joined.ranges.iter().count(), 1);
        for (start, counts) in [(0, &[0][..]), (1, &[u64::MAX]), (0, &[OFFSET_MAX, 2])] {
            assert!(read(start, counts).is_err());
        }
    }
}
