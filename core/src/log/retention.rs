//! Retention: how much of the front of a partition is no longer kept.

use super::extent::Extent;
use super::reader;
use super::segments::Set;
use crate::clock::Millis;
use crate::error::Result;

/// What a topic keeps.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Records with a timestamp before this moment go, if any do.
    pub since: Option<Millis>,
    /// Records go while at least this many bytes would be left, if any do.
    pub bytes: Option<u64>,
}

/// The records of a partition.
#[derive(Debug, Clone, Copy)]
pub struct Records<'a> {
    /// The partition's number.
    pub partition: u32,
    /// Its log start offset.
    pub log_start: u64,
    /// The newest sealed segment that holds some.
    pub newest: Option<u64>,
    /// What lies in segments without sidecars.
    pub extents: &'a [Extent],
}

/// A piece of a partition that goes or stays as a whole.
struct Run {
    end_offset: u64,
    bytes: u64,
    max_timestamp: Millis,
}

impl From<&Extent> for Run {
    fn from(extent: &Extent) -> Self {
        Self {
            end_offset: extent.end_offset(),
            bytes: u64::from(extent.length),
            max_timestamp: extent.max_timestamp,
        }
    }
}

/// The log start offset that a partition should have: everything before it is to go.
///
/// Records go from the front, an extent (about 64 KiB) at a time.
pub fn log_start(set: &Set, records: &Records<'_>, kept: &Kept) -> Result<u64> {
    let mut rows = Vec::new();
    for item in reader::chain(set, records.newest, records.partition) {
        let (member, row) = item?;
        if row.end_offset <= records.log_start {
            break;
        }
        rows.push((member, row));
    }
    let sealed: u64 = rows.iter().map(|(_, row)| row.bytes).sum();
    let recent = records.extents.iter().filter(|e| e.end_offset() > records.log_start);
    let mut left = sealed + recent.clone().map(|extent| u64::from(extent.length)).sum::<u64>();
    let mut start = records.log_start;
    for (member, row) in rows.into_iter().rev() {
        let run =
            Run { end_offset: row.end_offset, bytes: row.bytes, max_timestamp: row.max_timestamp };
        if kept.drops(&run, &mut left) {
            start = row.end_offset;
            continue;
        }
        let extents = match member.sidecar.get() {
            Some(sidecar) => sidecar.extents(&row, start, usize::MAX)?,
            None => Vec::new(),
        };
        return Ok(kept.advance(start, extents.iter(), &mut left));
    }
    Ok(kept.advance(start, recent, &mut left))
}

impl Kept {
    fn drops(&self, run: &Run, left: &mut u64) -> bool {
        let old = self.since.is_some_and(|since| run.max_timestamp < since);
        let many = self.bytes.is_some_and(|bytes| left.saturating_sub(run.bytes) >= bytes);
        if old || many {
            *left = left.saturating_sub(run.bytes);
        }
        old || many
    }

    fn advance<'a>(
        &self,
        start: u64,
        extents: impl Iterator<Item = &'a Extent>,
        left: &mut u64,
    ) -> u64 {
        let gone = extents.map(Run::from).take_while(|run| self.drops(run, left));
        gone.last().map_or(start, |run| run.end_offset)
    }
}
