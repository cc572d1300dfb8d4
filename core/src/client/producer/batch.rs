//! A batch on its way: its records, who waits for them, and its place in the sequence.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::delivery::{Done, Slot};
use crate::batch::builder::BatchBuilder;
use crate::batch::compression::Codec;
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
