//! Where a partition's batches lie: runs of neighbouring entries in a segment.

use crate::clock::Millis;

/// Entries of one partition merge into one extent up to this many bytes.
pub const EXTENT_BYTES_MAX: u32 = 64 * 1024;

/// Of the newest extent, it is remembered where an entry begins about every so many bytes.
const MARK_BYTES: u32 = 4 * 1024;

/// A run of entries of one partition that lie one behind another in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The offset of the first record.
    pub first_offset: u64,
    /// The largest timestamp of any record.
    pub max_timestamp: Millis,
    /// The first ID of the segment: its name in [`super::Segments`].
    pub segment: u64,
    /// Where the first entry begins in the segment's file.
    pub position: u32,
    /// Bytes of all entries together, headers included.
    pub length: u32,
    /// From the first offset to the one after the last.
    pub span: u32,
    /// How many entries; 0 says that these offsets are damaged and cannot be read.
    pub entries: u32,
}

impl Extent {
    /// The offset after the last record.
    pub fn end_offset(&self) -> u64 {
        self.first_offset + u64::from(self.span)
    }

    /// Whether its records were found to be damaged.
    pub fn is_damaged(&self) -> bool {
        self.entries == 0
    }

    /// Takes `next` in if it continues this extent. Returns whether it did.
    pub fn merge(&mut self, next: &Extent) -> bool {
        let length = self.length.saturating_add(next.length);
        let fits = self.segment == next.segment
            && self.entries != 0
            && next.entries != 0
            && self.position.checked_add(self.length) == Some(next.position)
            && self.end_offset() == next.first_offset
            && length <= EXTENT_BYTES_MAX
            && self.span.checked_add(next.span).is_some();
        if fits {
            self.length = length;
            self.span += next.span;
            self.entries += next.entries;
            self.max_timestamp = self.max_timestamp.max(next.max_timestamp);
        }
        fits
    }
}

/// The extents of one partition in segments that have no sidecar yet, by offset.
#[derive(Debug, Default)]
pub struct Extents {
    list: Vec<Extent>,
    /// Where entries begin in the newest extent, if that is long enough: consumers that keep up
    /// read its last records again and again. Behind a pointer, as most partitions have none.
    marks: Option<Box<Marks>>,
}

#[derive(Debug, Default)]
struct Marks {
    list: Vec<Mark>,
}

/// Where an entry begins.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// Its first offset.
    offset: u64,
    /// Where it begins in the segment's file.
    position: u32,
    /// How many entries of the extent lie before it.
    entries: u32,
}

impl Extents {
    /// Adds the next extent. Returns whether the list grew, which the bound on memory counts.
    pub fn push(&mut self, extent: Extent) -> bool {
        if let Some(last) = self.list.last_mut() {
            let before = *last;
            if last.merge(&extent) {
                self.mark(&before, &extent);
                return false;
            }
        }
        self.marks = None;
        if self.list.capacity() == 0 {
            self.list.reserve_exact(1);
        }
        self.list.push(extent);
        true
    }

    /// The extents from the one that holds `offset`, or the next one after it.
    pub fn from(&self, offset: u64) -> &[Extent] {
        let at = self.list.partition_point(|extent| extent.end_offset() <= offset);
        &self.list[at..]
    }

    /// Shortens an extent that holds `offset`, so that it begins closer to that, where it is known
    /// where an entry does. Its largest timestamp stays.
    pub fn narrow(&self, extent: &mut Extent, offset: u64) {
        let (Some(newest), Some(marks)) = (self.list.last(), &self.marks) else {
            return;
        };
        if (newest.segment, newest.position) != (extent.segment, extent.position) {
            return;
        }
        let behind = marks.list.partition_point(|mark| mark.offset <= offset);
        let Some(mark) = behind.checked_sub(1).map(|at| marks.list[at]) else {
            return;
        };
        let before = u32::try_from(mark.offset - extent.first_offset).unwrap_or(0);
        extent.span -= before;
        extent.first_offset = mark.offset;
        extent.length -= mark.position - extent.position;
        extent.position = mark.position;
        extent.entries -= mark.entries;
    }

    /// Remembers where an entry begins that the newest extent took in behind `before`.
    fn mark(&mut self, before: &Extent, entry: &Extent) {
        let marks = self.marks.as_deref().and_then(|marks| marks.list.last());
        let marked = marks.map_or(before.position, |mark| mark.position);
        if entry.position - marked >= MARK_BYTES {
            let (offset, position) = (entry.first_offset, entry.position);
            let mark = Mark { offset, position, entries: before.entries };
            self.marks.get_or_insert_default().list.push(mark);
        }
    }

    /// All extents.
    pub fn all(&self) -> &[Extent] {
        &self.list
    }

    /// Drops the extents in segments up to the one that begins with `segment`.
    pub fn forget_through(&mut self, segment: u64) {
        let at = self.list.partition_point(|extent| extent.segment <= segment);
        self.list.drain(..at);
        self.list.shrink_to_fit();
        if self.list.is_empty() {
            self.marks = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(first_offset: u64, position: u32, length: u32) -> Extent {
        Extent {
            first_offset,
            max_timestamp: first_offset as Millis,
            segment: 1,
            position,
            length,
            span: 10,
            entries: 1,
        }
    }

    #[test]
    fn neighbours_merge_up_to_the_limit() {
        let mut extents = Extents::default();
        assert!(extents.push(extent(0, 64, 30_000)));
        assert!(!extents.push(extent(10, 30_064, 30_000)));
        assert!(extents.push(extent(20, 60_064, 30_000)), "would be too long");
        assert!(extents.push(extent(30, 99_999, 10)), "not a neighbour");
        assert_eq!(extents.all()[0].end_offset(), 20);
        assert_eq!(extents.all()[0].max_timestamp, 10);
        assert_eq!(extents.from(19)[0].first_offset, 0);
        assert_eq!(extents.from(20)[0].first_offset, 20);
        assert!(extents.from(40).is_empty());
        extents.forget_through(1);
        assert!(extents.all().is_empty());
    }

    #[test]
    fn the_newest_extent_is_narrowed_to_an_entry_close_to_the_offset() {
        let mut extents = Extents::default();
        let mut entries = Vec::new();
        // Twice as many as an extent takes.
        for n in 0..1300 {
            entries.push(extent(n * 10, 64 + u32::try_from(n).unwrap() * 100, 100));
            extents.push(*entries.last().unwrap());
        }
        let [sealed @ .., newest] = extents.all() else { panic!("there are extents") };
        for offset in newest.first_offset..newest.end_offset() {
            let mut narrow = extents.from(offset)[0];
            assert_eq!(narrow, *newest);
            extents.narrow(&mut narrow, offset);
            assert!(narrow.first_offset <= offset);
            let entry = entries.iter().find(|e| e.first_offset == narrow.first_offset).unwrap();
            assert_eq!(narrow.position, entry.position, "no entry begins there");
            assert_eq!(narrow.end_offset(), newest.end_offset());
            assert_eq!(narrow.position + narrow.length, newest.position + newest.length);
            assert_eq!(narrow.length, narrow.entries * 100);
            let wanted = &entries[usize::try_from(offset / 10).unwrap()];
            assert!(wanted.position - narrow.position <= MARK_BYTES, "it is not close");
        }
        let mut older = sealed[0];
        let last = older.end_offset() - 1;
        extents.narrow(&mut older, last);
        assert_eq!(older, sealed[0], "of older ones nothing is known");
    }

    #[test]
    fn marks_go_away_with_their_extent() {
        let mut extents = Extents::default();
        for n in 0..100 {
            extents.push(extent(n * 10, 64 + u32::try_from(n).unwrap() * 100, 100));
        }
        assert!(extents.marks.is_some());
        let mut again = extent(1000, 64, 100);
        again.segment = 2;
        extents.push(again);
        assert!(extents.marks.is_none());
        extents.narrow(&mut again, 1005);
        assert_eq!(again.position, 64);
    }
}
