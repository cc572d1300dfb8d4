//! Replaying entries: what the floor above makes of them, and the index that comes out.

use std::collections::BTreeMap;

use super::entry::{Entry, Kind};
use super::extent::{Extent, Extents};
use super::scan::Visit;
use super::segment::Segment;
use crate::batch::header::BatchHeader;
use crate::error::Result;

/// The broker's state, as the log sees it: something that follows from the entries.
pub trait Replay {
    /// A change of the broker's state.
    fn state(&mut self, entry: &Entry, event: &[u8]) -> Result<()>;
    /// A batch was appended in `segment`.
    fn batch(&mut self, segment: u64, entry: &Entry, header: &BatchHeader) -> Result<()>;
    /// The records of `entry` are lost. Their offsets stay taken.
    fn lost(&mut self, segment: u64, entry: &Entry) -> Result<()>;
    /// The offset that the partition's next record gets.
    fn next_offset(&self, partition: u32) -> u64;
    /// The newest segment before `segment` that holds records of the partition, if the state is
    /// not much newer than that.
    fn segment_before(&self, partition: u32, segment: u64) -> Option<u64>;
}

/// What a segment holds of one partition, as found by replaying it.
#[derive(Debug, Default)]
pub struct Found {
    /// The next older segment with records of the partition.
    pub previous: Option<u64>,
    /// The extents in this segment.
    pub extents: Extents,
}

/// Replays a segment: hands its entries on, and collects its index.
pub struct Replayer<'a> {
    replay: &'a mut dyn Replay,
    /// Entries below this ID are part of the state already: only their place is news.
    from: u64,
    /// What was found of each partition.
    pub found: BTreeMap<u32, Found>,
    /// What was found damaged, in sentences.
    pub damage: Vec<String>,
}

impl std::fmt::Debug for Replayer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replayer").field("from", &self.from).finish_non_exhaustive()
    }
}

impl<'a> Replayer<'a> {
    /// Hands entries from the ID `from` on to `replay`.
    pub fn new(replay: &'a mut dyn Replay, from: u64) -> Self {
        Self { replay, from, found: BTreeMap::new(), damage: Vec::new() }
    }

    /// The offset that the next batch of the partition should begin with, and whether that is
    /// certain: what was replayed before tells it exactly, an index that is being rebuilt does not.
    fn expected(&self, entry: &Entry) -> (u64, bool) {
        if entry.first_id >= self.from {
            return (self.replay.next_offset(entry.partition), true);
        }
        let last = self.found.get(&entry.partition).and_then(|found| found.extents.all().last());
        (last.map_or(0, Extent::end_offset), last.is_some() && !self.damage.is_empty())
    }

    fn push(&mut self, partition: u32, extent: Extent) {
        let replay = &self.replay;
        let found = self.found.entry(partition).or_insert_with(|| Found {
            previous: replay.segment_before(partition, extent.segment),
            extents: Extents::default(),
        });
        found.extents.push(extent);
    }
}

/// Offsets of a segment that cannot be read.
fn hole(segment: &Segment, from: u64, to: u64) -> Extent {
    Extent {
        first_offset: from,
        max_timestamp: -1,
        segment: segment.first_id(),
        position: 0,
        length: 0,
        span: u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX),
        entries: 0,
    }
}

impl Visit for Replayer<'_> {
    fn entry(
        &mut self,
        segment: &Segment,
        entry: &Entry,
        position: u64,
        payload: &[u8],
    ) -> Result<()> {
        let news = entry.first_id >= self.from;
        if entry.kind == Kind::State {
            return if news { self.replay.state(entry, payload) } else { Ok(()) };
        }
        let header = BatchHeader::parse(payload)?;
        let base_offset = header.base_offset.cast_unsigned();
        let (expected, certain) = self.expected(entry);
        if certain && base_offset > expected {
            self.push(entry.partition, hole(segment, expected, base_offset));
        }
        let extent = Extent {
            first_offset: base_offset,
            max_timestamp: header.max_timestamp,
            segment: segment.first_id(),
            position: u32::try_from(position).unwrap_or(u32::MAX),
            length: u32::try_from(entry.total_bytes()).unwrap_or(u32::MAX),
            span: entry.count,
            entries: 1,
        };
        self.push(entry.partition, extent);
        if news { self.replay.batch(segment.first_id(), entry, &header) } else { Ok(()) }
    }

    fn damaged(
        &mut self,
        segment: &Segment,
        bytes: (u64, u64),
        entry: Option<&Entry>,
    ) -> Result<()> {
        let (from, to) = bytes;
        let what = match entry {
            Some(entry) if entry.kind == Kind::Data => format!(
                "{} records of partition number {} (IDs {} to {})",
                entry.count,
                entry.partition,
                entry.first_id,
                entry.end_id() - 1
            ),
            Some(entry) => format!("a change of the broker's state (ID {})", entry.first_id),
            None => "entries that cannot be told any more".to_owned(),
        };
        self.damage.push(format!(
            "DAMAGED: bytes {from} to {to} of the segment that begins with ID {} do not match \
             their checksums; they held {what}. Reads of them fail; everything else is served",
            segment.first_id()
        ));
        if let Some(entry) = entry.filter(|entry| entry.kind == Kind::Data) {
            let (expected, _) = self.expected(entry);
            let end = expected + u64::from(entry.count);
            self.push(entry.partition, hole(segment, expected, end));
            if entry.first_id >= self.from {
                self.replay.lost(segment.first_id(), entry)?;
            }
        }
        Ok(())
    }
}
