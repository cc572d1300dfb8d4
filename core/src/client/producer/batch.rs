//! A batch on its way: its records, who waits for them, and its place in the sequence.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::delivery::{Done, Slot};
use crate::batch::builder::BatchBuilder;
use crate::batch::compression::Codec;
use crate::batch::header::{BatchHeader, HEADER_BYTES};
use crate::batch::records::{Header, Records};
use crate::clock::Millis;
use crate::error::Result;

/// The most builders that are kept for later batches.
const SPARE_MAX: usize = 64;

/// Records of one partition that are sent together.
pub(super) struct Batch {
    /// Grows with every batch of the producer: batches of a partition are sent in this order.
    pub(super) number: u64,
    /// Which partition, as an index into the producer's partitions.
    pub(super) part: usize,
    pub(super) builder: BatchBuilder,
    pub(super) slot: Arc<Slot>,
    /// The index of its first record in the slot.
    pub(super) first: u32,
    pub(super) callbacks: Vec<(u32, Millis, Done)>,
    /// How much of the buffer it takes.
    pub(super) buffered: usize,
    pub(super) created: Instant,
    /// Whether it is counted among what is under way to its partition.
    pub(super) under_way: bool,
    /// Its place in the sequence of its producer, once it has one.
    pub(super) stamp: Option<Stamp>,
    /// How often it was sent.
    pub(super) attempts: u32,
}

/// A place in an idempotent producer's sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) producer_id: i64,
    pub(super) epoch: i16,
    pub(super) sequence: i32,
}

/// Builders that have been used, with their memory.
#[derive(Debug, Default)]
pub(super) struct Spare(Vec<BatchBuilder>);

impl Batch {
    /// The batch as it is stored.
    pub(super) fn finish(&mut self, codec: Codec) -> Result<&[u8]> {
        if let Some(stamp) = self.stamp {
            self.builder.set_producer(stamp.producer_id, stamp.epoch, stamp.sequence);
        }
        self.builder.finish(codec).map(|bytes| &*bytes)
    }

    /// Where it stands among the batches of its partition.
    pub(super) fn place(&self) -> (u64, u32) {
        (self.number, self.first)
    }

    /// Makes two batches of one with several records: this one keeps the first half. Both keep
    /// their places in the sequence.
    pub(super) fn split(&mut self) -> Result<Self> {
        let keep = self.builder.count() / 2;
        let mut halves = [BatchBuilder::new(), BatchBuilder::new()];
        let plain = self.builder.finish(Codec::None)?;
        let header = BatchHeader::parse(plain)?;
        let records =
            Records::new(plain.get(HEADER_BYTES..).unwrap_or_default(), header.record_count);
        for (index, record) in (0..).zip(records) {
            let record = record?;
            let headers: Vec<Header<'_>> = record.headers.collect();
            let timestamp = header.base_timestamp + record.timestamp_delta;
            let half = &mut halves[usize::from(index >= keep)];
            half.append(timestamp, record.key, record.value, &headers)?;
        }
        let [front, back] = halves;
        let at = self.callbacks.partition_point(|(index, ..)| *index < self.first + keep);
        let rest = Self {
            number: self.number,
            part: self.part,
            builder: back,
            slot: self.slot.clone(),
            first: self.first + keep,
            callbacks: self.callbacks.split_off(at),
            buffered: self.buffered / 2,
            created: self.created,
            under_way: false,
            stamp: self.stamp.map(|stamp| Stamp {
                sequence: stamp.sequence.wrapping_add(keep.cast_signed()) & i32::MAX,
                ..stamp
            }),
            attempts: self.attempts,
        };
        self.builder = front;
        self.buffered -= rest.buffered;
        Ok(rest)
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("number", &self.number)
            .field("part", &self.part)
            .field("records", &self.builder.count())
            .field("stamp", &self.stamp)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

impl Spare {
    pub(super) fn take(&mut self) -> BatchBuilder {
        self.0.pop().unwrap_or_default()
    }

    pub(super) fn give(&mut self, mut builder: BatchBuilder) {
        if self.0.len() < SPARE_MAX {
            builder.clear();
            self.0.push(builder);
        }
    }
}
