//! Reading: records from an offset on, and offsets by time.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::partition::Partition;
use super::{Broker, Shared};
use crate::batch::header::BatchHeader;
use crate::batch::lookup;
use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::log::extent::Extent;
use crate::log::reader::{self, Piece, Want};
use crate::log::segments::Set;

/// Extents that a single read looks at in memory: 4 MiB of neighbouring records.
const EXTENTS_AT_ONCE: usize = 64;

/// What a read found, besides the batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadOutcome {
    /// How many bytes of batches.
    pub bytes: usize,
    /// The offset after the last visible record.
    pub high_watermark: u64,
    /// The first offset that may be read.
    pub log_start: u64,
}

/// Which offset is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The log start offset.
    Earliest,
    /// The high watermark.
    Latest,
    /// The record with the largest timestamp.
    MaxTimestamp,
    /// The first record with this timestamp or a later one, in milliseconds.
    At(Millis),
}

impl Broker {
    /// Reads whole batches from the one that holds `offset` on, up to `bytes_max` together; with
    /// `at_least_one` the first one even if it alone is larger. Appends them to `pieces`.
    ///
    /// Fails with [`ErrorKind::OffsetOutOfRange`] for an offset before the log start offset or
    /// behind the end, and with [`ErrorKind::Damaged`] where the batch at `offset` cannot be read.
    pub fn read(
        &self,
        partition: &Partition,
        offset: u64,
        bytes_max: usize,
        at_least_one: bool,
        pieces: &mut Vec<Piece>,
    ) -> Result<ReadOutcome> {
        self.read_range(partition, offset..u64::MAX, bytes_max, at_least_one, pieces)
    }

    /// As [`Broker::read`], but no batch that begins behind the end of `offsets`.
    pub fn read_range(
        &self,
        partition: &Partition,
        offsets: Range<u64>,
        bytes_max: usize,
        at_least_one: bool,
        pieces: &mut Vec<Piece>,
    ) -> Result<ReadOutcome> {
        self.shared.read_range(partition, offsets, bytes_max, at_least_one, pieces)
    }

    /// The first offset that `spec` asks for, with its record's timestamp (-1 where there is no
    /// record to it); `None` where no record fits.
    pub fn find_offset(
        &self,
        partition: &Partition,
        spec: OffsetSpec,
    ) -> Result<Option<(u64, Millis)>> {
        self.shared.find_offset(partition, spec)
    }
}

impl Shared {
    /// See [`Broker::read_range`].
    pub(super) fn read_range(
        &self,
        partition: &Partition,
        offsets: Range<u64>,
        bytes_max: usize,
        at_least_one: bool,
        pieces: &mut Vec<Piece>,
    ) -> Result<ReadOutcome> {
        let Range { start: offset, end: until } = offsets;
        if partition.is_deleted() {
            return Err(Error::new(ErrorKind::UnknownTopicOrPartition, "the topic was deleted"));
        }
        let below = partition.high_watermark();
        let found = self.extents(partition, offset)?;
        let mut outcome =
            ReadOutcome { bytes: 0, high_watermark: below, log_start: found.log_start };
        if offset < found.log_start || offset > found.next_offset {
            return Err(Error::new(
                ErrorKind::OffsetOutOfRange,
                format!(
                    "offset {offset} is not in the partition, which holds {} to {}",
                    found.log_start, below
                ),
            ));
        }
        if offset < below {
            let number = partition.number();
            let want = Want { partition: number, offset, below, until, bytes_max, at_least_one };
            outcome.bytes = reader::read(&found.set, &found.extents, &want, pieces)?;
        }
        Ok(outcome)
    }

    /// See [`Broker::find_offset`].
    pub(super) fn find_offset(
        &self,
        partition: &Partition,
        spec: OffsetSpec,
    ) -> Result<Option<(u64, Millis)>> {
        let time = match spec {
            OffsetSpec::Earliest => return Ok(Some((partition.log_start(), -1))),
            OffsetSpec::Latest => return Ok(Some((partition.high_watermark(), -1))),
            OffsetSpec::At(time) => time,
            OffsetSpec::MaxTimestamp => match self.max_timestamp(partition)? {
                Some(time) => time,
                None => return Ok(None),
            },
        };
        let mut offset = partition.log_start();
        loop {
            let found = self.extents(partition, offset)?;
            let Some(last) = found.extents.last() else {
                return Ok(None);
            };
            let next = last.end_offset();
            for extent in &found.extents {
                if extent.max_timestamp >= time
                    && let Some(hit) =
                        self.look_inside(partition, &found.set, extent, offset, time)?
                {
                    return Ok(Some(hit));
                }
            }
            offset = next;
        }
    }

    /// The batch that holds `offset`, and the ID of its first record; `None` where there is none.
    pub(super) fn find_batch(
        &self,
        partition: &Partition,
        offset: u64,
    ) -> Result<Option<(u64, Bytes)>> {
        let found = self.extents(partition, offset)?;
        match found.extents.first().filter(|extent| extent.first_offset <= offset) {
            Some(extent) => reader::batch_at(&found.set, extent, partition.number(), offset),
            None => Ok(None),
        }
    }

    /// The first visible record of an extent at or after `time`.
    fn look_inside(
        &self,
        partition: &Partition,
        set: &Set,
        extent: &Extent,
        offset: u64,
        time: Millis,
    ) -> Result<Option<(u64, Millis)>> {
        let want = Want {
            partition: partition.number(),
            offset,
            below: partition.high_watermark(),
            until: u64::MAX,
            bytes_max: extent.length as usize,
            at_least_one: true,
        };
        let mut pieces = Vec::new();
        reader::read(set, std::slice::from_ref(extent), &want, &mut pieces)?;
        for piece in pieces {
            let bytes = piece.read()?;
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let header = BatchHeader::parse(rest)?;
                let (batch, after) = rest.split_at(header.size().min(rest.len()));
                if header.max_timestamp >= time
                    && let Some((at, when)) = lookup::first_at_or_after(batch, time)?
                    && at.cast_unsigned() >= offset
                {
                    return Ok(Some((at.cast_unsigned(), when)));
                }
                rest = after;
            }
        }
        Ok(None)
    }

    /// The largest timestamp of any visible record.
    fn max_timestamp(&self, partition: &Partition) -> Result<Option<Millis>> {
        let (mut offset, mut largest) = (partition.log_start(), None);
        loop {
            let found = self.extents(partition, offset)?;
            let visible = partition.high_watermark();
            let seen = found.extents.iter().filter(|extent| extent.first_offset < visible);
            largest = largest.max(seen.map(|extent| extent.max_timestamp).max());
            match found.extents.last() {
                Some(last) => offset = last.end_offset(),
                None => return Ok(largest),
            }
        }
    }

    /// The extents that hold `offset` or follow it, some of them, and the segments they are in.
    fn extents(&self, partition: &Partition, offset: u64) -> Result<Located> {
        loop {
            let set = self.segments.snapshot();
            let inner = partition.lock();
            let (log_start, next_offset) = (inner.state.log_start, inner.state.next_offset);
            let newest = inner.newest_sealed;
            let all = inner.extents.all();
            let in_memory = all.first().is_some_and(|first| first.first_offset <= offset);
            let memory = inner.extents.from(offset);
            let mut extents = memory[..memory.len().min(EXTENTS_AT_ONCE)].to_vec();
            if let Some(first) = extents.first_mut() {
                inner.extents.narrow(first, offset);
            }
            drop(inner);
            if !Arc::ptr_eq(&set, &self.segments.snapshot()) {
                // The set changed meanwhile; what was found may lie in a segment it lacks.
                continue;
            }
            if !in_memory {
                let sealed = reader::sealed_extents(&set, newest, partition.number(), offset)?;
                if !sealed.is_empty() {
                    extents = sealed;
                }
            }
            return Ok(Located { set, extents, log_start, next_offset });
        }
    }
}

/// Where records lie.
struct Located {
    set: Arc<Set>,
    extents: Vec<Extent>,
    log_start: u64,
    next_offset: u64,
}
