//! Where a partition's batches lie: runs of neighbouring entries in a segment.

use crate::clock::Millis;

/// Entries of one partition merge into one extent up to this many bytes.
pub const EXTENT_BYTES_MAX: u32 = 64 * 1024;

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
}

impl Extents {
    /// Adds the next extent. Returns whether the list grew, which the bound on memory counts.
    pub fn push(&mut self, extent: Extent) -> bool {
        if self.list.last_mut().is_some_and(|last| last.merge(&extent)) {
            return false;
        }
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

    /// All extents.
    pub fn all(&self) -> &[Extent] {
        &self.list
    }

    /// Drops the extents in segments up to the one that begins with `segment`.
    pub fn forget_through(&mut self, segment: u64) {
        let at = self.list.partition_point(|extent| extent.segment <= segment);
        self.list.drain(..at);
        self.list.shrink_to_fit();
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
}
