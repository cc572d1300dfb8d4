//! The sidecar of a sealed segment, `<segment>.idx`: its extents by partition, so that they need
//! no memory.
//!
//! | part    | what                                                            |
//! |---------|-----------------------------------------------------------------|
//! | header  | 64 bytes, see below                                             |
//! | fences  | the first partition of every block of rows: kept in memory      |
//! | rows    | one for each partition, by number, in blocks                    |
//! | extents | those of each row, by offset, in blocks                         |
//!
//! | header | field                                                            |
//! |--------|------------------------------------------------------------------|
//! | 0-7    | magic `MINKAIDX`                                                 |
//! | 8-11   | version: 1                                                       |
//! | 12-15  | number of rows                                                   |
//! | 16-19  | number of extents                                                |
//! | 20-23  | CRC-32C of the fences                                            |
//! | 24-31  | salt of its segment: it belongs to that file and no other        |
//! | 32-39  | size of its segment                                              |
//! | 40-47  | end ID of its segment                                            |
//! | 48-59  | zero                                                             |
//! | 60-63  | CRC-32C of bytes 0-59                                            |
//!
//! A block is 64 items and a CRC-32C. A row, 56 bytes: partition, number of extents, index of the
//! first one, 0 (4 bytes each), first offset, end offset, previous segment, bytes, largest
//! timestamp (8 each). An extent, 32 bytes: first offset, largest timestamp (8 each), position,
//! length, span, entries (4 each).
//!
//! The *previous segment* chains the segments that hold records of a partition, newest to oldest:
//! an old offset is found without a list of segments for each partition in memory.

use std::sync::Arc;

use super::extent::Extent;
use super::segment::Segment;
use crate::checksum::crc32c;
use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::storage::{Storage, StoredFile};

const MAGIC: &[u8; 8] = b"MINKAIDX";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 64;
const BLOCK_ITEMS: usize = 64;
const ROW_BYTES: usize = 56;
const EXTENT_BYTES: usize = 32;
/// "No previous segment" in a row.
const NONE: u64 = u64::MAX;

/// What a segment holds of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The partition's number.
    pub partition: u32,
    /// How many extents.
    pub extents: u32,
    /// The index of the first one among all extents of the segment.
    first_extent: u32,
    /// The offset of its first record.
    pub first_offset: u64,
    /// The offset after its last record.
    pub end_offset: u64,
    /// The first ID of the next older segment that holds records of the partition.
    pub previous: Option<u64>,
    /// Bytes of entries.
    pub bytes: u64,
    /// The largest timestamp of any record.
    pub max_timestamp: Millis,
}

/// An open sidecar.
#[derive(Debug)]
pub struct Sidecar {
    file: Arc<dyn StoredFile>,
    segment: u64,
    rows: usize,
    extents: usize,
    fences: Vec<u32>,
}

/// Whether a file of this name is a sidecar.
pub fn is_name(name: &str) -> bool {
    name.starts_with("mensajes-") && name.ends_with(".idx")
}

/// The name of the sidecar of the segment that begins with `first_id`.
pub fn name(first_id: u64) -> String {
    format!("mensajes-{first_id:020}.idx")
}

/// Writes a segment's sidecar and opens it. `partitions` come by number, with the previous
/// segment and the extents of each.
pub fn write<'a>(
    storage: &dyn Storage,
    segment: &Segment,
    partitions: impl Iterator<Item = (u32, Option<u64>, &'a [Extent])>,
) -> Result<Sidecar> {
    let mut rows = Vec::new();
    let mut extents = Vec::new();
    for (partition, previous, list) in partitions {
        let (Some(first), Some(last)) = (list.first(), list.last()) else {
            continue;
        };
        rows.push(Row {
            partition,
            extents: narrow(list.len())?,
            first_extent: narrow(extents.len())?,
            first_offset: first.first_offset,
            end_offset: last.end_offset(),
            previous,
            bytes: list.iter().map(|extent| u64::from(extent.length)).sum(),
            max_timestamp: list.iter().map(|extent| extent.max_timestamp).max().unwrap_or(-1),
        });
        extents.extend_from_slice(list);
    }
    let name = name(segment.first_id());
    let temporary = format!("{name}.tmp");
    let bytes = encode(segment, &rows, &extents)?;
    let doing = |error| Error::storage(format_args!("writing {name}"), error);
    let file = storage.open(&temporary, true).map_err(doing)?;
    file.set_size(0).map_err(doing)?;
    file.write_all_at(&[&bytes], 0).map_err(doing)?;
    file.sync().map_err(doing)?;
    storage.rename(&temporary, &name).map_err(doing)?;
    open(storage, segment)?.ok_or_else(|| damaged(segment.first_id()))
}

/// Opens a segment's sidecar; `None` where there is none that fits, so that it has to be rebuilt.
pub fn open(storage: &dyn Storage, segment: &Segment) -> Result<Option<Sidecar>> {
    let name = name(segment.first_id());
    let Ok(file) = storage.open(&name, false) else {
        return Ok(None);
    };
    let mut header = [0; HEADER_BYTES];
    if file.read_exact_at(&mut header, 0).is_err() {
        return Ok(None);
    }
    let fits = &header[..8] == MAGIC
        && u32_at(&header, 8) == VERSION
        && u32_at(&header, 60) == crc32c(&header[..60])
        && u64_at(&header, 24) == segment.header.salt
        && u64_at(&header, 32) == segment.size()
        && u64_at(&header, 40) == segment.end_id();
    if !fits {
        return Ok(None);
    }
    let rows = u32_at(&header, 12) as usize;
    let extents = u32_at(&header, 16) as usize;
    let fences = rows.div_ceil(BLOCK_ITEMS);
    let whole = HEADER_BYTES
        + fences * 4
        + table_bytes(rows, ROW_BYTES)
        + table_bytes(extents, EXTENT_BYTES);
    if file.size().map_or(0, |size| size) < whole as u64 {
        return Ok(None);
    }
    let mut bytes = vec![0; fences * 4];
    if file.read_exact_at(&mut bytes, HEADER_BYTES as u64).is_err()
        || crc32c(&bytes) != u32_at(&header, 20)
    {
        return Ok(None);
    }
    let fences = bytes.chunks_exact(4).map(|fence| u32_at(fence, 0)).collect();
    Ok(Some(Sidecar { file, segment: segment.first_id(), rows, extents, fences }))
}

/// The end ID and size of the segment that the sidecar with this salt describes.
pub fn describes(storage: &dyn Storage, first_id: u64, salt: u64) -> Option<(u64, u64)> {
    let file = storage.open(&name(first_id), false).ok()?;
    let mut header = [0; HEADER_BYTES];
    file.read_exact_at(&mut header, 0).ok()?;
    let sound = &header[..8] == MAGIC
        && u32_at(&header, 60) == crc32c(&header[..60])
        && u64_at(&header, 24) == salt;
    sound.then(|| (u64_at(&header, 40), u64_at(&header, 32)))
}

impl Sidecar {
    /// What the segment holds of `partition`.
    pub fn row(&self, partition: u32) -> Result<Option<Row>> {
        let block = self.fences.partition_point(|&fence| fence <= partition);
        let Some(block) = block.checked_sub(1) else {
            return Ok(None);
        };
        let rows = self.row_block(block)?;
        let found = rows.binary_search_by_key(&partition, |row| row.partition);
        Ok(found.ok().map(|at| rows[at]))
    }

    /// The rows of all partitions, a block at a time, by partition number.
    pub fn row_blocks(&self) -> impl Iterator<Item = Result<Vec<Row>>> + '_ {
        (0..self.fences.len()).map(|block| self.row_block(block))
    }

    /// Up to `limit` extents of `row`, from the first one whose records reach past `offset`.
    pub fn extents(&self, row: &Row, offset: u64, limit: usize) -> Result<Vec<Extent>> {
        let first = row.first_extent as usize;
        let end = first + row.extents as usize;
        // Blocks low..high hold the row; a block after the first begins with one of its extents.
        let (mut low, mut high) = (first / BLOCK_ITEMS, end.div_ceil(BLOCK_ITEMS));
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let begins = self.extent_block(middle)?.first().map_or(0, |e| e.first_offset);
            if begins <= offset { low = middle } else { high = middle }
        }
        let mut found = Vec::new();
        while found.len() < limit && low * BLOCK_ITEMS < end {
            let base = low * BLOCK_ITEMS;
            for (at, extent) in self.extent_block(low)?.into_iter().enumerate() {
                let wanted = (first..end).contains(&(base + at)) && extent.end_offset() > offset;
                if wanted && found.len() < limit {
                    found.push(extent);
                }
            }
            low += 1;
        }
        Ok(found)
    }

    fn row_block(&self, block: usize) -> Result<Vec<Row>> {
        let table = HEADER_BYTES + self.fences.len() * 4;
        let bytes = self.block(table, block, self.rows, ROW_BYTES)?;
        Ok(bytes
            .chunks_exact(ROW_BYTES)
            .map(|row| Row {
                partition: u32_at(row, 0),
                extents: u32_at(row, 4),
                first_extent: u32_at(row, 8),
                first_offset: u64_at(row, 16),
                end_offset: u64_at(row, 24),
                previous: Some(u64_at(row, 32)).filter(|&previous| previous != NONE),
                bytes: u64_at(row, 40),
                max_timestamp: u64_at(row, 48).cast_signed(),
            })
            .collect())
    }

    fn extent_block(&self, block: usize) -> Result<Vec<Extent>> {
        let table = HEADER_BYTES + self.fences.len() * 4 + table_bytes(self.rows, ROW_BYTES);
        let bytes = self.block(table, block, self.extents, EXTENT_BYTES)?;
        Ok(bytes
            .chunks_exact(EXTENT_BYTES)
            .map(|extent| Extent {
                first_offset: u64_at(extent, 0),
                max_timestamp: u64_at(extent, 8).cast_signed(),
                segment: self.segment,
                position: u32_at(extent, 16),
                length: u32_at(extent, 20),
                span: u32_at(extent, 24),
                entries: u32_at(extent, 28),
            })
            .collect())
    }

    fn block(&self, table: usize, block: usize, items: usize, item: usize) -> Result<Vec<u8>> {
        let items = items.saturating_sub(block * BLOCK_ITEMS).min(BLOCK_ITEMS);
        let position = table + block * (BLOCK_ITEMS * item + 4);
        let mut bytes = vec![0; items * item + 4];
        self.file
            .read_exact_at(&mut bytes, position as u64)
            .map_err(|error| Error::storage("reading the index of a segment", error))?;
        let checksum = u32_at(&bytes, items * item);
        bytes.truncate(items * item);
        if crc32c(&bytes) == checksum { Ok(bytes) } else { Err(damaged(self.segment)) }
    }
}

fn damaged(segment: u64) -> Error {
    let name = name(segment);
    Error::new(
        ErrorKind::Damaged,
        format!("{name} is damaged; stop the broker and remove it: the next start rebuilds it"),
    )
}

fn table_bytes(items: usize, item: usize) -> usize {
    items * item + items.div_ceil(BLOCK_ITEMS) * 4
}

fn narrow(count: usize) -> Result<u32> {
    u32::try_from(count)
        .map_err(|_| Error::new(ErrorKind::Internal, "a segment has too many extents to index"))
}

fn encode(segment: &Segment, rows: &[Row], extents: &[Extent]) -> Result<Vec<u8>> {
    let fences: Vec<u8> =
        rows.iter().step_by(BLOCK_ITEMS).flat_map(|row| row.partition.to_le_bytes()).collect();
    let mut bytes = vec![0; HEADER_BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&narrow(rows.len())?.to_le_bytes());
    bytes[16..20].copy_from_slice(&narrow(extents.len())?.to_le_bytes());
    bytes[20..24].copy_from_slice(&crc32c(&fences).to_le_bytes());
    bytes[24..32].copy_from_slice(&segment.header.salt.to_le_bytes());
    bytes[32..40].copy_from_slice(&segment.size().to_le_bytes());
    bytes[40..48].copy_from_slice(&segment.end_id().to_le_bytes());
    let checksum = crc32c(&bytes[..60]);
    bytes[60..].copy_from_slice(&checksum.to_le_bytes());
    bytes.extend_from_slice(&fences);
    push_blocks(&mut bytes, rows, |bytes, row| {
        for number in [row.partition, row.extents, row.first_extent, 0] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let previous = row.previous.unwrap_or(NONE);
        for number in [row.first_offset, row.end_offset, previous, row.bytes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&row.max_timestamp.to_le_bytes());
    });
    push_blocks(&mut bytes, extents, |bytes, extent| {
        bytes.extend_from_slice(&extent.first_offset.to_le_bytes());
        bytes.extend_from_slice(&extent.max_timestamp.to_le_bytes());
        for number in [extent.position, extent.length, extent.span, extent.entries] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    });
    Ok(bytes)
}

fn push_blocks<T>(bytes: &mut Vec<u8>, items: &[T], mut push: impl FnMut(&mut Vec<u8>, &T)) {
    for block in items.chunks(BLOCK_ITEMS) {
        let start = bytes.len();
        for item in block {
            push(bytes, item);
        }
        let checksum = crc32c(&bytes[start..]);
        bytes.extend_from_slice(&checksum.to_le_bytes());
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(field)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::segment::ACTIVE;
    use crate::sys::disk::Disk;

    #[test]
    fn what_was_written_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::new(directory.path());
        let segment = Segment::create(&disk, ACTIVE, 1, 9).unwrap();
        segment.seal(1_000_000);
        let partitions: Vec<(u32, Vec<Extent>)> = (0..1000)
            .map(|n| {
                let extents = (0..u64::from(n % 150 + 1)).map(|k| Extent {
                    first_offset: k * 10,
                    max_timestamp: k as i64,
                    segment: 1,
                    position: n,
                    length: 100,
                    span: 10,
                    entries: 1,
                });
                (n * 3, extents.collect())
            })
            .collect();
        let rows = partitions.iter().map(|(n, list)| (*n, Some(7), &list[..]));
        let sidecar = write(&disk, &segment, rows).unwrap();
        for (number, extents) in &partitions {
            let row = sidecar.row(*number).unwrap().unwrap();
            assert_eq!((row.partition, row.previous), (*number, Some(7)));
            assert_eq!(sidecar.extents(&row, 0, 1000).unwrap(), *extents);
            let from = row.end_offset / 2;
            let wanted: Vec<Extent> =
                extents.iter().filter(|e| e.end_offset() > from).take(3).copied().collect();
            assert_eq!(sidecar.extents(&row, from, 3).unwrap(), wanted);
            assert_eq!(sidecar.row(number + 1).unwrap(), None);
        }
        let all: usize = sidecar.row_blocks().map(|block| block.unwrap().len()).sum();
        assert_eq!(all, 1000);
        assert_eq!(describes(&disk, 1, 9 << 32), Some((1_000_000, segment.size())));
        assert_eq!(describes(&disk, 1, 8 << 32), None);
    }
}
