//! What a poll returns: records, in the batches in which they came.

use std::slice;
use std::sync::Arc;

use bytes::Bytes;

use super::record::Record;
use crate::batch::records;
use crate::clock::Millis;

/// The records that a poll returned. It owns the bytes of their batches; the records that it lends
/// are not copied.
///
/// Records of a partition come in the order of their offsets.
#[derive(Debug, Clone, Default)]
pub struct Records {
    runs: Vec<Run>,
    count: usize,
}

/// Neighbouring records of one batch that were read once, so that they are known to be sound.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) topic: Arc<str>,
    pub(super) partition: u32,
    /// The records, uncompressed, and nothing else.
    pub(super) bytes: Bytes,
    pub(super) count: u32,
    pub(super) base_offset: u64,
    pub(super) base_timestamp: Millis,
    /// The timestamp of all, where it is the time of the append.
    pub(super) append_time: Option<Millis>,
    pub(super) delivery_count: u32,
}

/// Where a record is in the [`Records`] that it came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    run: u32,
    /// The first byte of the record in its run.
    at: u32,
}

/// Iterates over [`Records`].
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    runs: slice::Iter<'a, Run>,
    current: Option<(&'a Run, records::Records<'a>)>,
    left: usize,
}

impl Records {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none: the time of the poll was up.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The records, one by one.
    pub fn iter(&self) -> Iter<'_> {
        Iter { runs: self.runs.iter(), current: None, left: self.count }
    }

    /// Where each record is, in order, for those who want to come back to one: see
    /// [`Records::at`].
    pub fn places(&self) -> Vec<Place> {
        let mut places = Vec::with_capacity(self.count);
        for (index, run) in (0..).zip(&self.runs) {
            let mut walk = run.walk(0);
            for _ in 0..run.count {
                // A run is part of a batch, and thus below 2 GiB.
                let at = u32::try_from(run.bytes.len() - walk.rest().len()).unwrap_or(u32::MAX);
                places.push(Place { run: index, at });
                walk.next();
            }
        }
        places
    }

    /// The record at one of [these places](Records::places); `None` for a place of others.
    pub fn at(&self, place: Place) -> Option<Record<'_>> {
        let run = self.runs.get(place.run as usize)?;
        let record = run.walk(place.at as usize).next()?.ok()?;
        Some(run.record(&record))
    }

    pub(super) fn push(&mut self, run: Run) {
        self.count += run.count as usize;
        self.runs.push(run);
    }
}

impl<'a> IntoIterator for &'a Records {
    type Item = Record<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        loop {
            if let Some((run, records)) = &mut self.current
                && let Some(Ok(record)) = records.next()
            {
                self.left -= 1;
                return Some(run.record(&record));
            }
            let run = self.runs.next()?;
            self.current = Some((run, run.walk(0)));
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl Run {
    /// Walks over the records from a byte on.
    fn walk(&self, at: usize) -> records::Records<'_> {
        let count = i32::try_from(self.count).unwrap_or(i32::MAX);
        records::Records::new(self.bytes.get(at..).unwrap_or_default(), count)
    }

    #[inline]
    fn record<'a>(&'a self, record: &records::Record<'a>) -> Record<'a> {
        // Whoever made this run has checked that the sum of offsets is one.
        let offset = self.base_offset.saturating_add_signed(record.offset_delta.into());
        let timestamp = match self.append_time {
            Some(time) => time,
            None => self.base_timestamp.saturating_add(record.timestamp_delta),
        };
        Record {
            topic: &self.topic,
            partition: self.partition,
            offset,
            timestamp,
            key: record.key,
            value: record.value,
            headers: record.headers,
            delivery_count: self.delivery_count,
        }
    }
}
