//! Giving space back: segments in which nothing is live are removed, those in which little is are
//! rewritten together, ordered by partition and offset.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::entry::{Entry, HEADER_BYTES};
use super::extent::{Extent, Extents};
use super::segment::{self, Header, Segment};
use super::segments::{Member, Segments};
use super::sidecar::{self, Row};
use super::writer::EXTENTS_MAX;
use crate::batch::header::BatchHeader;
use crate::error::{Error, Result};
use crate::sys::storage::{Storage, StoredFile};

pub(super) const TEMPORARY: &str = "cleaning.tmp";
const WRITE_BYTES: usize = 1 << 20;

/// Tells the log start offset of a partition, or `None` for one that no longer exists.
pub type LogStart<'a> = dyn Fn(u32) -> Option<u64> + 'a;

/// What cleaning did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Segments that are no longer there.
    pub removed: usize,
    /// Segments that were written.
    pub written: usize,
    /// Bytes given back.
    pub freed: u64,
}

/// A sealed segment and how much of it is live.
struct Weighed {
    member: Arc<Member>,
    live: u64,
    extents: usize,
}

/// Cleans the segments that lie wholly below the ID `below`: the state entries in them are part
/// of every snapshot that is kept, so they are not live. One call at a time.
///
/// Records before their partition's log start offset, and of partitions that are gone, are not
/// live. The result is at most about `segment_bytes` long each.
pub fn clean(
    storage: &dyn Storage,
    segments: &Segments,
    below: u64,
    segment_bytes: u64,
    log_start: &LogStart<'_>,
) -> Result<Cleaned> {
    let set = segments.snapshot();
    let mut cleaned = Cleaned::default();
    let mut run: Vec<Weighed> = Vec::new();
    for member in set.values().take_while(|member| member.segment.end_id() <= below) {
        let Some(weighed) = weigh(member, log_start)? else {
            finish_run(storage, segments, &mut run, log_start, &mut cleaned)?;
            continue;
        };
        let live: u64 = run.iter().map(|w| w.live).sum::<u64>() + weighed.live;
        let extents: usize = run.iter().map(|w| w.extents).sum::<usize>() + weighed.extents;
        if live > segment_bytes || extents > EXTENTS_MAX {
            finish_run(storage, segments, &mut run, log_start, &mut cleaned)?;
        }
        run.push(weighed);
    }
    finish_run(storage, segments, &mut run, log_start, &mut cleaned)?;
    Ok(cleaned)
}

/// How much of a segment is live; `None` if it has no sidecar and must be left alone.
fn weigh(member: &Arc<Member>, log_start: &LogStart<'_>) -> Result<Option<Weighed>> {
    let Some(sidecar) = member.sidecar.get() else {
        return Ok(None);
    };
    let (mut live, mut extents) = (0, 0);
    for block in sidecar.row_blocks() {
        for row in block? {
            let Some(start) = log_start(row.partition).filter(|&start| start < row.end_offset)
            else {
                continue;
            };
            if start <= row.first_offset {
                live += row.bytes;
                extents += row.extents as usize;
            } else {
                let rest = sidecar.extents(&row, start, usize::MAX)?;
                live += rest.iter().map(|extent| u64::from(extent.length)).sum::<u64>();
                extents += rest.len();
            }
        }
    }
    Ok(Some(Weighed { member: member.clone(), live, extents }))
}

/// Rewrites a run of neighbours if at least half of it is dead.
fn finish_run(
    storage: &dyn Storage,
    segments: &Segments,
    run: &mut Vec<Weighed>,
    log_start: &LogStart<'_>,
    cleaned: &mut Cleaned,
) -> Result<()> {
    let run = std::mem::take(run);
    let live: u64 = run.iter().map(|weighed| weighed.live).sum();
    let size: u64 = run.iter().map(|weighed| weighed.member.segment.size()).sum();
    if run.is_empty() || live > size / 2 {
        return Ok(());
    }
    let old: Vec<u64> = run.iter().map(|weighed| weighed.member.segment.first_id()).collect();
    let new = if live == 0 { None } else { Some(rewrite(storage, &run, log_start)?) };
    let written = new.as_ref().map_or(0, |member| member.segment.size());
    let kept = new.as_ref().map(|member| member.segment.first_id());
    cleaned.removed += old.len();
    cleaned.written += usize::from(new.is_some());
    cleaned.freed += size.saturating_sub(written);
    segments.replace(&old, new);
    for first_id in old.into_iter().filter(|&first_id| Some(first_id) != kept) {
        for name in [segment::sealed_name(first_id), sidecar::name(first_id)] {
            storage
                .remove(&name)
                .map_err(|error| Error::storage(format_args!("removing {name}"), error))?;
        }
    }
    Ok(())
}

/// Writes what is live of neighbouring segments into one that takes their place.
fn rewrite(storage: &dyn Storage, run: &[Weighed], log_start: &LogStart<'_>) -> Result<Member> {
    let mut rows: BTreeMap<u32, Vec<(&Member, Row)>> = BTreeMap::new();
    for Weighed { member, .. } in run {
        for block in member.sidecar.get().into_iter().flat_map(|sidecar| sidecar.row_blocks()) {
            for row in block? {
                rows.entry(row.partition).or_default().push((member, row));
            }
        }
    }
    let (first, last) = (&run[0].member.segment, &run[run.len() - 1].member.segment);
    let header = Header {
        first_id: first.first_id(),
        cleaned_to: Some(last.end_id()),
        salt: first.header.salt + 1,
    };
    let mut output = Output::create(storage, header)?;
    let mut found: Vec<(u32, Option<u64>, Extents)> = Vec::new();
    for (partition, rows) in rows {
        let Some(start) = log_start(partition) else {
            continue;
        };
        // Also a row that is dead leads out of the run; a live one might lead into it.
        let previous = rows.first().and_then(|(_, row)| row.previous);
        let previous = previous.filter(|&previous| previous < header.first_id);
        let mut extents = Extents::default();
        for (member, row) in rows.iter().filter(|(_, row)| row.end_offset > start) {
            let Some(sidecar) = member.sidecar.get() else {
                continue;
            };
            for extent in sidecar.extents(row, start, usize::MAX)? {
                output.copy(&*member.segment.file, &extent, &mut extents)?;
            }
        }
        found.push((partition, previous, extents));
    }
    let name = segment::sealed_name(header.first_id);
    let segment = output.finish(storage, &name, last.end_id())?;
    let rows = found.iter().map(|(n, previous, extents)| (*n, *previous, extents.all()));
    let sidecar = sidecar::write(storage, &segment, rows)?;
    let member = Member::new(Arc::new(segment));
    let _ = member.sidecar.set(sidecar);
    Ok(member)
}

/// The segment that is being written.
struct Output {
    header: Header,
    file: Arc<dyn StoredFile>,
    buffer: Vec<u8>,
    written: u64,
}

impl Output {
    fn create(storage: &dyn Storage, header: Header) -> Result<Self> {
        let file = storage.open(TEMPORARY, true).map_err(writing)?;
        file.set_size(0).map_err(writing)?;
        Ok(Self { header, file, buffer: header.encode().to_vec(), written: 0 })
    }

    /// Copies the entries of an extent, checking each. What is damaged stays marked as such.
    fn copy(&mut self, from: &dyn StoredFile, extent: &Extent, to: &mut Extents) -> Result<()> {
        let mut hole = Extent { segment: self.header.first_id, ..*extent };
        if extent.is_damaged() {
            to.push(hole);
            return Ok(());
        }
        let mut bytes = vec![0; extent.length as usize];
        from.read_exact_at(&mut bytes, u64::from(extent.position))
            .map_err(|error| Error::storage("reading a segment to clean it", error))?;
        let mut position = 0;
        let mut next_offset = extent.first_offset;
        while position < bytes.len() {
            let Some((entry, header)) = sound(&bytes[position..]) else {
                // The rest of the extent is lost: say so for ever, instead of dropping it.
                hole.first_offset = next_offset;
                hole.span = u32::try_from(extent.end_offset() - next_offset).unwrap_or(u32::MAX);
                (hole.length, hole.entries) = (0, 0);
                to.push(hole);
                return Ok(());
            };
            let end = position + HEADER_BYTES + entry.length as usize;
            let at = self.written + self.buffer.len() as u64;
            to.push(Extent {
                first_offset: header.base_offset.cast_unsigned(),
                max_timestamp: header.max_timestamp,
                segment: self.header.first_id,
                position: u32::try_from(at).unwrap_or(u32::MAX),
                length: u32::try_from(end - position).unwrap_or(u32::MAX),
                span: entry.count,
                entries: 1,
            });
            self.buffer.extend_from_slice(&bytes[position..end]);
            next_offset = header.last_offset().cast_unsigned() + 1;
            position = end;
        }
        if self.buffer.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.file.write_all_at(&[&self.buffer], self.written).map_err(writing)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Makes the file durable under its name.
    fn finish(mut self, storage: &dyn Storage, name: &str, end_id: u64) -> Result<Segment> {
        self.flush()?;
        self.file.sync().map_err(writing)?;
        storage.rename(TEMPORARY, name).map_err(writing)?;
        storage.sync_names().map_err(writing)?;
        Ok(Segment::new(self.header, self.file, end_id, self.written))
    }
}

/// The whole, checked data entry at the front of `bytes`.
fn sound(bytes: &[u8]) -> Option<(Entry, BatchHeader)> {
    let entry = Entry::checked(bytes)?;
    let batch = bytes.get(HEADER_BYTES..HEADER_BYTES + entry.length as usize)?;
    let header = BatchHeader::parse(batch).ok()?;
    (super::scan::batch_is_sound(batch)).then_some((entry, header))
}

fn writing(error: std::io::Error) -> Error {
    Error::storage("rewriting segments to give space back", error)
}
