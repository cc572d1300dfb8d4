//! Reading a segment from its first entry to its last, telling a torn tail from damage.

use std::collections::VecDeque;

use super::entry::{Entry, HEADER_BYTES, Kind};
use super::segment::{self, Segment};
use crate::batch::header::{CRC_FROM, HEADER_BYTES as BATCH_HEADER_BYTES};
use crate::checksum::crc32c;
use crate::error::{Error, Result};
use crate::sys::storage::StoredFile;

/// How much is looked at of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All of it: what was read is as it was written.
    Whole,
    /// What its own checksum covers: of a data entry the two headers. Enough to index what this
    /// process has written, and the records need not be read for it.
    Headers,
}

impl Depth {
    /// How much is read at once.
    fn window_bytes(self) -> usize {
        match self {
            Self::Whole => 1 << 20,
            Self::Headers => 8 << 10,
        }
    }
}

/// Where reading stands in the sequence of IDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// The ID that the next entry must begin with, unless it begins a new epoch.
    pub next_id: u64,
    /// The epoch of the last entry.
    pub epoch: u32,
}

impl Sequence {
    /// Whether `entry` may come next. A new epoch may have skipped IDs.
    fn admits(&self, entry: &Entry) -> bool {
        match entry.epoch.cmp(&self.epoch) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => entry.first_id == self.next_id,
            std::cmp::Ordering::Greater => entry.first_id >= self.next_id,
        }
    }
}

/// What a scan tells.
pub trait Visit {
    /// A whole entry, at `position` of the segment's file.
    fn entry(
        &mut self,
        segment: &Segment,
        entry: &Entry,
        position: u64,
        payload: &[u8],
    ) -> Result<()>;

    /// Bytes that were on the disk once and are not readable now. `entry` is the entry that they
    /// hold where its header can still be read.
    fn damaged(
        &mut self,
        segment: &Segment,
        bytes: (u64, u64),
        entry: Option<&Entry>,
    ) -> Result<()>;
}

/// How a scan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Where the last good entry ends.
    pub position: u64,
    /// What may follow it.
    pub sequence: Sequence,
    /// Whether bytes behind `position` hold no entry although the file goes on.
    pub torn: bool,
    /// Where the oldest entry begins that the last one did not know to be on the disk.
    pub unsynced_from: u64,
}

/// Reads the entries of a segment in which IDs follow each other, from `position` on, as deep as
/// `depth` says.
///
/// All IDs below `floor` are known to have been on the disk: where they cannot be read, that is
/// damage; where later ones cannot be read, the tail is torn.
pub fn scan(
    segment: &Segment,
    size: u64,
    mut position: u64,
    mut sequence: Sequence,
    floor: u64,
    depth: Depth,
    visit: &mut dyn Visit,
) -> Result<End> {
    let mut window = Window::new(&*segment.file, size, depth);
    let mut unsynced: VecDeque<(u64, u64)> = VecDeque::new();
    loop {
        if let Some((entry, payload)) = window.entry(position)?
            && sequence.admits(&entry)
        {
            visit.entry(segment, &entry, position, payload)?;
            unsynced.push_back((entry.first_id, position));
            while unsynced.front().is_some_and(|&(id, _)| id < entry.synced_below) {
                unsynced.pop_front();
            }
            sequence = Sequence { next_id: entry.end_id(), epoch: entry.epoch };
            position += entry.total_bytes();
            continue;
        }
        let unsynced_from = unsynced.front().map_or(position, |&(_, position)| position);
        let end = End { position, sequence, torn: position < size, unsynced_from };
        if position >= size && floor <= sequence.next_id {
            return Ok(end);
        }
        let Some(next) = after_damage(&mut window, position, sequence, floor)? else {
            if floor <= sequence.next_id {
                return Ok(end);
            }
            visit.damaged(segment, (position, size), None)?;
            sequence.next_id = floor;
            // What follows is written behind the damaged bytes, which stay as they are.
            let position = position.max(size);
            return Ok(End { position, sequence, torn: false, unsynced_from: position });
        };
        let known = window.header(position)?.filter(|entry| sequence.admits(entry));
        visit.damaged(segment, (position, next.0), known.as_ref())?;
        sequence = Sequence { next_id: next.1.first_id, epoch: next.1.epoch };
        position = next.0;
    }
}

/// Reads all entries of a segment that the cleaner wrote, in which any unreadable byte is damage.
pub fn scan_cleaned(segment: &Segment, size: u64, visit: &mut dyn Visit) -> Result<()> {
    let mut window = Window::new(&*segment.file, size, Depth::Whole);
    let mut position = segment::HEADER_BYTES as u64;
    let any = Sequence { next_id: 0, epoch: 0 };
    while position < size {
        if let Some((entry, payload)) = window.entry(position)? {
            visit.entry(segment, &entry, position, payload)?;
            position += entry.total_bytes();
        } else {
            let next = window.next_entry(position + 1, any)?.map_or(size, |(at, _)| at);
            let known = window.header(position)?;
            visit.damaged(segment, (position, next), known.as_ref())?;
            position = next;
        }
    }
    Ok(())
}

/// The highest ID that the entries of a segment knew to be on the disk. What is not readable is
/// passed over.
pub fn attested(segment: &Segment, size: u64) -> Result<u64> {
    let mut window = Window::new(&*segment.file, size, Depth::Whole);
    let start = segment::HEADER_BYTES as u64;
    attested_from(&mut window, start, Sequence { next_id: 0, epoch: 0 })
}

/// The first whole entry of a file, wherever it lies.
pub fn first_entry(file: &dyn StoredFile, size: u64) -> Result<Option<Entry>> {
    let mut window = Window::new(file, size, Depth::Whole);
    let any = Sequence { next_id: 0, epoch: 0 };
    Ok(window.next_entry(segment::HEADER_BYTES as u64, any)?.map(|(_, entry)| entry))
}

/// Where entries go on after unreadable bytes at `position`, if those were on the disk once.
fn after_damage(
    window: &mut Window<'_>,
    position: u64,
    sequence: Sequence,
    floor: u64,
) -> Result<Option<(u64, Entry)>> {
    let Some(next) = window.next_entry(position + 1, sequence)? else {
        return Ok(None);
    };
    let floor = floor.max(attested_from(window, next.0, sequence)?);
    Ok((floor > sequence.next_id).then_some(next))
}

fn attested_from(window: &mut Window<'_>, mut position: u64, after: Sequence) -> Result<u64> {
    let mut attested = 0;
    while let Some((at, entry)) = window.next_entry(position, after)? {
        attested = attested.max(entry.synced_below);
        position = at + entry.total_bytes();
    }
    Ok(attested)
}

/// A piece of the file in memory.
struct Window<'a> {
    file: &'a dyn StoredFile,
    size: u64,
    depth: Depth,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    fn new(file: &'a dyn StoredFile, size: u64, depth: Depth) -> Self {
        Self { file, size, depth, start: 0, bytes: Vec::new() }
    }

    /// The bytes from `position`: `length` of them, or fewer at the end of the file.
    fn bytes(&mut self, position: u64, length: usize) -> Result<&[u8]> {
        let left = usize::try_from(self.size.saturating_sub(position)).unwrap_or(usize::MAX);
        let length = length.min(left);
        let held = self.start + self.bytes.len() as u64;
        if position < self.start || position + length as u64 > held {
            self.start = position;
            self.bytes.resize(length.max(self.depth.window_bytes()).min(left), 0);
            self.file
                .read_exact_at(&mut self.bytes, position)
                .map_err(|error| Error::storage("reading the log", error))?;
        }
        let from = usize::try_from(position - self.start).unwrap_or(0);
        Ok(&self.bytes[from..from + length])
    }

    /// The checked entry at `position`, and its payload, or as much of it as was looked at.
    fn entry(&mut self, position: u64) -> Result<Option<(Entry, &[u8])>> {
        let Some(entry) = Entry::decode(self.bytes(position, HEADER_BYTES)?) else {
            return Ok(None);
        };
        if entry.total_bytes() > self.size.saturating_sub(position) {
            return Ok(None);
        }
        let data = entry.kind == Kind::Data;
        let headers_only = data && self.depth == Depth::Headers;
        let payload = if headers_only { BATCH_HEADER_BYTES } else { entry.length as usize };
        let bytes = self.bytes(position, HEADER_BYTES + payload)?;
        let sound = Entry::checked(bytes).is_some()
            && (!data || headers_only || batch_is_sound(&bytes[HEADER_BYTES..]));
        Ok(sound.then(|| (entry, &bytes[HEADER_BYTES..])))
    }

    /// The entry at `position` as far as its own checksum covers it.
    fn header(&mut self, position: u64) -> Result<Option<Entry>> {
        let head = Entry::decode(self.bytes(position, HEADER_BYTES)?);
        let Some(entry) = head else { return Ok(None) };
        let covered = match entry.kind {
            Kind::Data => BATCH_HEADER_BYTES,
            Kind::State => entry.length as usize,
        };
        Ok(Entry::checked(self.bytes(position, HEADER_BYTES + covered)?))
    }

    /// The first whole entry at or after `position` that may come somewhere after `sequence`.
    fn next_entry(&mut self, position: u64, after: Sequence) -> Result<Option<(u64, Entry)>> {
        let last = self.size.saturating_sub(HEADER_BYTES as u64);
        for at in position..last {
            let Some(entry) = Entry::decode(self.bytes(at, HEADER_BYTES)?) else {
                continue;
            };
            let plausible = entry.first_id >= after.next_id
                && entry.epoch >= after.epoch
                && entry.total_bytes() <= self.size - at;
            if plausible && self.header(at)?.is_some() && self.entry(at)?.is_some() {
                return Ok(Some((at, entry)));
            }
        }
        Ok(None)
    }
}

/// Whether a batch matches its own checksum.
pub(super) fn batch_is_sound(batch: &[u8]) -> bool {
    let Some((head, covered)) = batch.split_at_checked(CRC_FROM) else {
        return false;
    };
    let stored = u32::from_be_bytes([head[17], head[18], head[19], head[20]]);
    crc32c(covered) == stored
}
