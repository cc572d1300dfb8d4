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
            let end = first.checked_add(count).filter(|&end| end > first && end <= OFFSET_MAX);
            next = end.ok_or("the ranges of a queue group have no end")?;
            if state != QueueState::FRESH {
                ranges.set(first, next - 1, state, &mut ());
            }
        }
        Ok(Self { ranges })
    }
}
