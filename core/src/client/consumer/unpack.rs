//! From fetched batches to records: skips what is not wanted, unpacks what is compressed, checks
//! every record once, and cuts where a poll has enough.

use std::collections::VecDeque;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use bytes::Bytes;

use super::records::{Records, Run};
use crate::batch::compression::{Codec, decompress};
use crate::batch::header::{BatchHeader, HEADER_BYTES};
use crate::batch::records;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::DECOMPRESSED_BYTES_MAX;

/// Batches of one partition, of which a part may have been taken.
#[derive(Debug)]
pub(super) struct Unpacker {
    topic: Arc<str>,
    partition: u32,
    /// Whole batches, in order.
    batches: Bytes,
    opened: Option<Opened>,
    /// What is wanted of them, in order.
    windows: VecDeque<Window>,
    /// Nothing before this offset is wanted any more.
    position: u64,
    /// Offsets in windows at which there is no record, unless nobody asks.
    gaps: Option<Vec<RangeInclusive<u64>>>,
}

/// Offsets that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) first: u64,
    pub(super) last: u64,
    /// What their records say of how often they were delivered.
    pub(super) delivery_count: u32,
}

/// A batch that is being read.
#[derive(Debug)]
struct Opened {
    header: BatchHeader,
    base_offset: u64,
    last_offset: u64,
    /// The records that are left, uncompressed.
    bytes: Bytes,
    left: i32,
    /// The smallest offset delta that the next record may have.
    delta_min: i32,
}

/// Neighbouring records that were cut off a batch.
struct Cut {
    bytes: Bytes,
    count: u32,
    /// The offset behind the last record that was looked at.
    position: u64,
}

impl Unpacker {
    /// The records of `batches` from offset `position` on. What follows the last whole batch is
    /// not looked at.
    pub(super) fn from(topic: Arc<str>, partition: u32, batches: Bytes, position: u64) -> Self {
        let all = Window { first: position, last: u64::MAX, delivery_count: 1 };
        Self { gaps: None, ..Self::within(topic, partition, batches, vec![all]) }
    }

    /// The records of `batches` whose offsets lie in `windows`, which are in order.
    pub(super) fn within(
        topic: Arc<str>,
        partition: u32,
        batches: Bytes,
        windows: Vec<Window>,
    ) -> Self {
        let position = windows.first().map_or(0, |window| window.first);
        let (windows, gaps) = (VecDeque::from(windows), Some(Vec::new()));
        Self { topic, partition, batches, opened: None, windows, position, gaps }
    }

    /// The offset of the next record wanted: behind everything that was taken or skipped.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The offsets at which there turned out to be no record, since this was last asked.
    pub(super) fn take_gaps(&mut self) -> Vec<RangeInclusive<u64>> {
        self.gaps.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Appends up to `room` records. Returns how many, and whether nothing is left.
    ///
    /// Fails where a batch is not sound, if nothing could be taken before it. It then fails
    /// again: the position stays at the batch.
    pub(super) fn take(&mut self, room: usize, records: &mut Records) -> Result<(usize, bool)> {
        let mut taken = 0;
        loop {
            match self.step(room - taken, records) {
                Ok(Some(count)) if taken + count < room => taken += count,
                Ok(Some(count)) => return Ok((taken + count, false)),
                Ok(None) => return Ok((taken, true)),
                Err(error) if taken == 0 => return Err(error),
                Err(_) => return Ok((taken, false)),
            }
        }
    }

    /// Takes some records, or goes on to where there may be some. `None` at the end.
    fn step(&mut self, room: usize, records: &mut Records) -> Result<Option<usize>> {
        let Some(window) = self.windows.front().copied() else {
            self.batches = Bytes::new();
            self.opened = None;
            return Ok(None);
        };
        if self.opened.is_none() && !self.open_next()? {
            return Ok(None);
        }
        let Some(opened) = &mut self.opened else {
            return Ok(Some(0));
        };
        let gaps = self.gaps.as_mut();
        let cut = opened.cut(self.position.max(window.first), window.last, room, gaps)?;
        if cut.count > 0 {
            records.push(Run {
                topic: self.topic.clone(),
                partition: self.partition,
                bytes: cut.bytes,
                count: cut.count,
                base_offset: opened.base_offset,
                base_timestamp: opened.header.base_timestamp,
                append_time: opened
                    .header
                    .has_log_append_time()
                    .then_some(opened.header.max_timestamp),
                delivery_count: window.delivery_count,
            });
        }
        // What lacks up to here has been noted.
        self.position = self.position.max(cut.position);
        let mut behind = self.position;
        if opened.left == 0 {
            behind = opened.last_offset.saturating_add(1);
            self.opened = None;
        }
        self.pass(behind);
        Ok(Some(cut.count as usize))
    }

    /// Goes on to `position`: windows before it are done, and what they lack are gaps.
    fn pass(&mut self, position: u64) {
        let from = self.position;
        self.position = self.position.max(position);
        while let Some(window) = self.windows.front().copied() {
            let lacks = from.max(window.first)..=window.last.min(self.position.saturating_sub(1));
            if let Some(gaps) = self.gaps.as_mut().filter(|_| !lacks.is_empty()) {
                gaps.push(lacks);
            }
            if self.position <= window.last {
                return;
            }
            self.windows.pop_front();
        }
    }

    /// Goes to the next batch that has something that is wanted. `false` if there is none.
    fn open_next(&mut self) -> Result<bool> {
        while !self.batches.is_empty() {
            let header = BatchHeader::parse(&self.batches)?;
            let size = header.size();
            if size > self.batches.len() {
                break;
            }
            let base_offset = u64::try_from(header.base_offset);
            let last_offset = u64::try_from(header.last_offset());
            let (Ok(base_offset), Ok(last_offset)) = (base_offset, last_offset) else {
                return Err(corrupt("a record batch has a negative offset"));
            };
            let wanted_from = self.windows.front().map_or(u64::MAX, |window| window.first);
            let wanted = last_offset >= self.position.max(wanted_from);
            if wanted && !header.is_control() && header.record_count > 0 {
                let bytes = unpack(&header, &self.batches.slice(HEADER_BYTES..size))?;
                self.batches = self.batches.slice(size..);
                let left = header.record_count;
                self.opened =
                    Some(Opened { header, base_offset, last_offset, bytes, left, delta_min: 0 });
                return Ok(true);
            }
            self.batches = self.batches.slice(size..);
            if wanted {
                self.pass(last_offset.saturating_add(1));
            }
        }
        self.batches = Bytes::new();
        Ok(false)
    }
}

impl Opened {
    /// Cuts off up to `room` records with offsets from `first` to `last`; those before are dropped.
    fn cut(
        &mut self,
        first: u64,
        last: u64,
        room: usize,
        mut gaps: Option<&mut Vec<RangeInclusive<u64>>>,
    ) -> Result<Cut> {
        let mut walk = records::Records::new(&self.bytes, self.left);
        let at = |rest: &[u8]| self.bytes.len() - rest.len();
        let (mut start, mut end, mut count, mut looked) = (0, 0, 0u32, 0);
        let (mut position, mut delta_min) = (first, self.delta_min);
        while (count as usize) < room {
            let Some(record) = walk.next() else { break };
            let record = record?;
            let delta = record.offset_delta;
            if !(delta_min..=self.header.last_offset_delta).contains(&delta) {
                return Err(corrupt("the offsets in a record batch contradict each other"));
            }
            let offset = self.base_offset.saturating_add_signed(delta.into());
            if offset > last {
                if let Some(gaps) = gaps.filter(|_| position <= last) {
                    gaps.push(position..=last);
                }
                position = last.saturating_add(1).max(position);
                return self.split(start..end, count, looked, delta_min, position);
            }
            end = at(walk.rest());
            (delta_min, looked) = (delta.saturating_add(1), looked + 1);
            if offset < first {
                start = end;
                continue;
            }
            if let Some(gaps) = gaps.as_mut().filter(|_| offset > position) {
                gaps.push(position..=offset - 1);
            }
            position = offset.saturating_add(1);
            count += 1;
        }
        if looked == self.left && !walk.rest().is_empty() {
            return Err(corrupt("a record batch goes on after its last record"));
        }
        self.split(start..end, count, looked, delta_min, position)
    }

    /// Takes what was looked at off the front.
    fn split(
        &mut self,
        range: Range<usize>,
        count: u32,
        looked: i32,
        delta_min: i32,
        position: u64,
    ) -> Result<Cut> {
        let bytes = self.bytes.slice(range.clone());
        self.bytes = self.bytes.slice(range.end..);
        (self.left, self.delta_min) = (self.left - looked, delta_min);
        Ok(Cut { bytes, count, position })
    }
}

/// The records of a batch, uncompressed. What is not compressed is not copied.
fn unpack(header: &BatchHeader, records: &Bytes) -> Result<Bytes> {
    match header.codec()? {
        Codec::None => Ok(records.clone()),
        codec => decompress(codec, records, DECOMPRESSED_BYTES_MAX).map(Bytes::from),
    }
}

fn corrupt(text: &str) -> Error {
    Error::new(ErrorKind::CorruptBatch, text)
}
