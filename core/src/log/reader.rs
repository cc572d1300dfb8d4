//! Reading batches of one partition: from extents to bytes, or to regions of files that a door
//! can send without touching them.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::entry::{Entry, HEADER_BYTES};
use super::extent::Extent;
use super::scan::batch_is_sound;
use super::segments::{self, Member, Set};
use super::sidecar::Row;
use crate::batch::header::{BatchHeader, HEADER_BYTES as BATCH_HEADER_BYTES};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::storage::StoredFile;

/// A batch of at least this many bytes is handed out as a region of its file: below it, one
/// `sendfile` costs more than copying.
const REGION_BYTES_MIN: u32 = 16 * 1024;

/// How many extents of a segment are looked up at once: 4 MiB of neighbouring records.
const EXTENTS_AT_ONCE: usize = 64;

/// Whole batches, in order.
#[derive(Debug, Clone)]
pub enum Piece {
    /// In memory.
    Bytes(Bytes),
    /// In a file, which stays readable for as long as the piece lives.
    Region {
        /// The file.
        file: Arc<dyn StoredFile>,
        /// Where in the file.
        position: u64,
        /// How many bytes.
        length: usize,
    },
}

/// What of a partition is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Want {
    /// The partition's number.
    pub partition: u32,
    /// The first offset wanted; its batch may begin before it.
    pub offset: u64,
    /// Records from this offset on are not visible yet.
    pub below: u64,
    /// No batch is wanted that begins at this offset or behind it.
    pub until: u64,
    /// Batches are read until they are this many bytes.
    pub bytes_max: usize,
    /// Whether the first batch is wanted even if it alone is larger.
    pub at_least_one: bool,
}

impl Want {
    /// Whether a batch of `length` bytes fits behind `taken` bytes.
    fn admits(&self, taken: usize, length: usize) -> bool {
        taken + length <= self.bytes_max || (taken == 0 && self.at_least_one)
    }
}

impl Piece {
    /// How many bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Region { length, .. } => *length,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// From the first offset of its batches to the one after their last. The batches of one piece
    /// lie offset by offset one behind another.
    pub fn offsets(&self) -> Result<Range<u64>> {
        let mut head = [0; BATCH_HEADER_BYTES];
        let (mut rest, one) = match self {
            Self::Bytes(bytes) => (&bytes[..], false),
            Self::Region { file, position, .. } => {
                file.read_exact_at(&mut head, *position).map_err(reading)?;
                (&head[..], true)
            }
        };
        let first = BatchHeader::parse(rest)?;
        let mut last = first;
        while !one && rest.len() > last.size() {
            rest = &rest[last.size()..];
            last = BatchHeader::parse(rest)?;
        }
        Ok(first.base_offset.cast_unsigned()..last.last_offset().cast_unsigned() + 1)
    }

    /// The bytes, read if need be, and checked then: what is sent from a file without passing
    /// through memory is checked by the consumer alone.
    pub fn read(&self) -> Result<Bytes> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::Region { file, position, length } => {
                let mut bytes = vec![0; *length];
                file.read_exact_at(&mut bytes, *position).map_err(reading)?;
                if !batch_is_sound(&bytes) {
                    let text = "a record batch does not match its checksum on the disk";
                    return Err(Error::new(ErrorKind::Damaged, text));
                }
                Ok(bytes.into())
            }
        }
    }
}

/// What the segments hold of a partition, newest to oldest, beginning with the one that begins
/// with `newest`. The chain ends where the cleaner took the partition's records away: nothing
/// older is live.
pub fn chain(
    set: &Set,
    newest: Option<u64>,
    partition: u32,
) -> impl Iterator<Item = Result<(&Member, Row)>> {
    let mut next = newest;
    std::iter::from_fn(move || {
        let member = segments::holding(set, next.take()?)?;
        let row = match member.sidecar.get() {
            Some(sidecar) => sidecar.row(partition),
            None => Err(unreadable(member.segment.first_id())),
        };
        match row {
            Ok(None) if member.segment.header.cleaned_to.is_some() => None,
            Ok(None) => Some(Err(unreadable(member.segment.first_id()))),
            Ok(Some(row)) => {
                // The chain goes back or ends: whatever a file says, this loop does.
                next = row.previous.filter(|&previous| previous < member.segment.first_id());
                Some(Ok((&**member, row)))
            }
            Err(error) => Some(Err(error)),
        }
    })
}

/// The extents of the sealed segment that holds `offset`, from there on; where the offset lies in
/// a gap, of the next newer one. Empty where all sealed records are older.
pub fn sealed_extents(
    set: &Set,
    newest: Option<u64>,
    partition: u32,
    offset: u64,
) -> Result<Vec<Extent>> {
    let mut best = None;
    for item in chain(set, newest, partition) {
        let (member, row) = item?;
        let found = row.first_offset <= offset;
        if row.end_offset > offset {
            best = Some((member, row));
        }
        if found {
            break;
        }
    }
    let Some((member, row)) = best else {
        return Ok(Vec::new());
    };
    match member.sidecar.get() {
        Some(sidecar) => sidecar.extents(&row, offset, EXTENTS_AT_ONCE),
        None => Ok(Vec::new()),
    }
}

/// Reads what is wanted of `extents`, which begin with the one that holds the offset or the next
/// one behind it. Appends to `pieces` and returns how many bytes that is.
///
/// Fails with [`ErrorKind::Damaged`] where the first batch wanted cannot be read; where a later
/// one cannot, what is before it is returned.
pub fn read(set: &Set, extents: &[Extent], want: &Want, pieces: &mut Vec<Piece>) -> Result<usize> {
    let mut taken = 0;
    for extent in extents {
        let first_offset = extent.first_offset;
        if first_offset >= want.below.min(want.until) || taken >= want.bytes_max {
            break;
        }
        match read_extent(set, extent, want, taken, pieces) {
            Ok((bytes, whole)) => {
                taken += bytes;
                // Nothing behind a batch that was left out may be returned.
                if !whole {
                    break;
                }
            }
            Err(error) if taken == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(taken)
}

/// The batch of an extent that holds `offset`, and the ID of its first record; `None` where the
/// extent does not hold it.
///
/// Fails with [`ErrorKind::Damaged`] where it cannot be read.
pub fn batch_at(
    set: &Set,
    extent: &Extent,
    partition: u32,
    offset: u64,
) -> Result<Option<(u64, Bytes)>> {
    let member = match segments::holding(set, extent.segment) {
        Some(member) if !extent.is_damaged() => member,
        _ => return Err(damaged(partition, extent)),
    };
    let mut bytes = vec![0; extent.length as usize];
    member.segment.file.read_exact_at(&mut bytes, u64::from(extent.position)).map_err(reading)?;
    let bytes = Bytes::from(bytes);
    let mut position = 0;
    while position < bytes.len() {
        let entry = Entry::checked(&bytes[position..])
            .filter(|entry| position as u64 + entry.total_bytes() <= bytes.len() as u64);
        let Some(entry) = entry else { return Err(damaged(partition, extent)) };
        let start = position + HEADER_BYTES;
        position = start + entry.length as usize;
        let batch = bytes.slice(start..position);
        let header = BatchHeader::parse(&batch)?;
        let held = header.base_offset.cast_unsigned()..=header.last_offset().cast_unsigned();
        if held.contains(&offset) {
            if !batch_is_sound(&batch) {
                return Err(damaged(partition, extent));
            }
            return Ok(Some((entry.first_id, batch)));
        }
    }
    Ok(None)
}

/// Reads what is wanted of one extent. Returns how many bytes that is, and whether it is all that
/// the extent holds behind the offset.
fn read_extent(
    set: &Set,
    extent: &Extent,
    want: &Want,
    taken: usize,
    pieces: &mut Vec<Piece>,
) -> Result<(usize, bool)> {
    let member = match segments::holding(set, extent.segment) {
        Some(member) if !extent.is_damaged() => member,
        _ => return Err(damaged(want.partition, extent)),
    };
    let file = &member.segment.file;
    if extent.entries == 1 && extent.length >= REGION_BYTES_MIN {
        let length = extent.length as usize - HEADER_BYTES;
        let visible = extent.end_offset() <= want.below;
        if !visible || !want.admits(taken, length) {
            return Ok((0, false));
        }
        let position = u64::from(extent.position) + HEADER_BYTES as u64;
        pieces.push(Piece::Region { file: file.clone(), position, length });
        return Ok((length, true));
    }
    // The last entries of the newest extent may be placed and not be in the file yet.
    let written = member.segment.size().saturating_sub(extent.position.into());
    let length = written.min(extent.length.into());
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, u64::from(extent.position)).map_err(reading)?;
    let (kept, whole) = strip(&mut bytes, extent, want, taken)?;
    if kept > 0 {
        bytes.truncate(kept);
        pieces.push(Piece::Bytes(bytes.into()));
    }
    Ok((kept, whole))
}

/// Moves the wanted batches of an extent to the front of `bytes`, over the headers of entries and
/// what is not wanted. Returns how many bytes they are, and whether no later one was left out.
fn strip(bytes: &mut [u8], extent: &Extent, want: &Want, taken: usize) -> Result<(usize, bool)> {
    let (mut kept, mut position, mut entries) = (0, 0, 0);
    // What is before the damage is returned; the next read begins with it, and fails.
    let stop = |kept: usize| match taken + kept {
        0 => Err(damaged(want.partition, extent)),
        _ => Ok((kept, false)),
    };
    while position < bytes.len() {
        let entry = Entry::checked(&bytes[position..])
            .filter(|entry| entry.partition == want.partition)
            .filter(|entry| position as u64 + entry.total_bytes() <= bytes.len() as u64);
        let Some(entry) = entry else { return stop(kept) };
        let start = position + HEADER_BYTES;
        position = start + entry.length as usize;
        entries += 1;
        let header = BatchHeader::parse(&bytes[start..])?;
        let end_offset = header.last_offset().cast_unsigned() + 1;
        if end_offset <= want.offset {
            continue;
        }
        let length = entry.length as usize;
        let is_wanted = end_offset <= want.below && header.base_offset.cast_unsigned() < want.until;
        if !is_wanted || !want.admits(taken + kept, length) {
            return Ok((kept, false));
        }
        if !batch_is_sound(&bytes[start..position]) {
            return stop(kept);
        }
        bytes.copy_within(start..position, kept);
        kept += length;
    }
    Ok((kept, entries == extent.entries))
}

fn damaged(partition: u32, extent: &Extent) -> Error {
    Error::new(
        ErrorKind::Damaged,
        format!(
            "offsets {} to {} of partition number {partition} are damaged on the disk and cannot \
             be read; offsets from {} on can",
            extent.first_offset,
            extent.end_offset().saturating_sub(1),
            extent.end_offset()
        ),
    )
}

fn unreadable(segment: u64) -> Error {
    Error::new(
        ErrorKind::Damaged,
        format!("the segment that begins with ID {segment} is damaged and cannot be read"),
    )
}

fn reading(error: std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::UnexpectedEof {
        let text = "a segment of the log ends before its last entry: what is missing is lost";
        return Error::new(ErrorKind::Damaged, text);
    }
    Error::storage("reading the log", error)
}
