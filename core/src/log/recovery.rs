//! Opening the log: which segments there are, where the last good entry ends, what is cut.

use std::sync::Arc;

use super::candidates::{self, Candidate};
use super::replay::{Found, Replay, Replayer};
use super::scan::{self, Depth, Sequence};
use super::segment::{self, Header, Segment};
use super::segments::{Member, Segments};
use super::sidecar;
use crate::error::{Error, Result};
use crate::sys::storage::Storage;

/// An opened log, ready for a [`super::writer::Writer`].
#[derive(Debug)]
pub struct Opened {
    /// All segments; sealed ones have sidecars.
    pub segments: Arc<Segments>,
    /// The newest of them, which is written on.
    pub active: Arc<Segment>,
    /// What the next entry begins with.
    pub sequence: Sequence,
    /// The index of the active segment, by partition.
    pub found: Index,
    /// What a person should know: what was cut, what is damaged.
    pub notes: Vec<String>,
}

/// What replaying a segment found, by partition.
pub type Index = Vec<(u32, Found)>;

/// Opens the log in `storage`. `known` is where the state that `replay` holds ends; entries from
/// there on are replayed. An empty directory becomes an empty log.
///
/// Afterwards everything that was kept is on the disk, and nothing else is.
pub fn open(storage: &dyn Storage, known: Sequence, replay: &mut dyn Replay) -> Result<Opened> {
    let mut notes = Vec::new();
    let candidates = candidates::find(storage, &mut notes)?;
    let segments = Arc::new(Segments::default());
    let mut recovery = Recovery { storage, known, sequence: known, segments, notes };
    let mut last = None;
    for (at, candidate) in candidates.iter().enumerate() {
        let later = &candidates[at + 1..];
        let (found, torn) = recovery.open_one(candidate, later, replay)?;
        last = Some((candidate, found));
        if torn {
            recovery.drop_all(later)?;
            break;
        }
    }
    recovery.sequence.next_id = recovery.sequence.next_id.max(known.next_id);
    recovery.finish(last)
}

/// A log that is being opened.
struct Recovery<'a> {
    storage: &'a dyn Storage,
    /// Where the state ends that was known before.
    known: Sequence,
    /// What the next entry begins with.
    sequence: Sequence,
    segments: Arc<Segments>,
    notes: Vec<String>,
}

impl Recovery<'_> {
    /// Opens one segment: with its sidecar where its entries are part of the state already, by
    /// reading it otherwise. Returns the index of the active segment, and whether the segment is
    /// torn although there are later ones.
    fn open_one(
        &mut self,
        candidate: &Candidate,
        later: &[Candidate],
        replay: &mut dyn Replay,
    ) -> Result<(Index, bool)> {
        let Candidate { name, header, file, size } = candidate;
        let sealed = self.end_of(candidate, later);
        let end = sealed.unwrap_or(u64::MAX);
        let segment = Arc::new(Segment::new(*header, file.clone(), end, *size));
        let member = Member::new(segment.clone());
        let old = sealed.is_some_and(|end_id| end_id <= self.known.next_id);
        if old && let Some(sidecar) = described(self.storage, &segment, sealed)? {
            if segment.size() > *size {
                self.notes.push(format!(
                    "DAMAGED: {name} ends before its last entry; reads of what is missing fail"
                ));
            }
            let _ = member.sidecar.set(sidecar);
            self.segments.add(member);
            return Ok((Index::new(), false));
        }
        let mut replayer = Replayer::new(replay, self.known.next_id);
        let torn = self.read(candidate, &segment, sealed, later, &mut replayer)?;
        self.notes.append(&mut replayer.damage);
        let found: Index = std::mem::take(&mut replayer.found).into_iter().collect();
        if !segment.is_sealed() {
            self.segments.add(member);
            return Ok((found, torn));
        }
        let sidecar = index(self.storage, &segment, found, &self.segments, old)?;
        let _ = member.sidecar.set(sidecar);
        self.segments.add(member);
        Ok((Index::new(), torn))
    }

    /// The ID after the last one of a sealed segment; `None` for the newest, which is written on.
    /// The sidecar knows it best: the segment that followed may have been cleaned away.
    fn end_of(&self, candidate: &Candidate, later: &[Candidate]) -> Option<u64> {
        let Header { first_id, cleaned_to, salt } = candidate.header;
        let next = later.first().map(|next| next.header.first_id);
        let described = sidecar::describes(self.storage, first_id, salt).map(|(end, _)| end);
        cleaned_to.or(next.map(|next| described.unwrap_or(next)))
    }

    /// Reads a segment, cuts what is torn and brings the rest to the disk. Returns whether it is
    /// torn before its end.
    fn read(
        &mut self,
        candidate: &Candidate,
        segment: &Segment,
        sealed: Option<u64>,
        later: &[Candidate],
        replayer: &mut Replayer<'_>,
    ) -> Result<bool> {
        if let Some(end_id) = candidate.header.cleaned_to {
            scan::scan_cleaned(segment, candidate.size, replayer)?;
            self.sequence.next_id = self.sequence.next_id.max(end_id);
            return Ok(false);
        }
        let end = read(segment, sealed, later, self.known, replayer)?;
        let torn = sealed.is_some_and(|end_id| end.sequence.next_id < end_id);
        let (ours, read) = (self.sequence, end.sequence);
        if (read.epoch, read.next_id) > (ours.epoch, ours.next_id) {
            self.sequence = read;
        }
        if end.torn {
            self.notes.push(cut(candidate, &end)?);
        }
        segment.grow(end.position);
        secure(candidate, &end)?;
        if torn {
            // It is the newest segment from now on, and will have another end.
            segment.seal(u64::MAX);
            let stale = sidecar::name(segment.first_id());
            if self.storage.open(&stale, false).is_ok() {
                candidates::remove(self.storage, &stale)?;
            }
        }
        Ok(torn)
    }

    fn drop_all(&mut self, later: &[Candidate]) -> Result<()> {
        for Candidate { name, .. } in later {
            self.notes.push(format!(
                "cut {name}: it follows a torn tail, so nothing in it was ever acknowledged as \
                 being on the disk"
            ));
            candidates::remove(self.storage, name)?;
        }
        Ok(())
    }

    /// Makes the newest segment the active one, or creates one where there is none that can be.
    fn finish(self, last: Option<(&Candidate, Index)>) -> Result<Opened> {
        let set = self.segments.snapshot();
        let newest = set.values().next_back().map(|member| member.segment.clone());
        let (active, found) = match (newest.filter(|newest| !newest.is_sealed()), last) {
            (Some(active), Some((candidate, found))) => {
                let name = &candidate.name;
                if name != segment::ACTIVE {
                    let doing = |error| Error::storage(format_args!("renaming {name}"), error);
                    self.storage.rename(name, segment::ACTIVE).map_err(doing)?;
                }
                (active, found)
            }
            _ => {
                let Sequence { next_id, epoch } = self.sequence;
                let active = Segment::create(self.storage, segment::ACTIVE, next_id, epoch + 1)?;
                let active = Arc::new(active);
                self.segments.add(Member::new(active.clone()));
                (active, Index::new())
            }
        };
        let doing = |error| Error::storage("syncing the opened log", error);
        active.file.sync().map_err(doing)?;
        self.storage.sync_names().map_err(doing)?;
        let Self { sequence, segments, notes, .. } = self;
        Ok(Opened { segments, active, sequence, found, notes })
    }
}

/// The sidecar of a segment, which also says where the segment's entries end: the file may go on
/// behind that, and if it has lost its end the sidecar still tells what was there.
fn described(
    storage: &dyn Storage,
    segment: &Segment,
    end_id: Option<u64>,
) -> Result<Option<sidecar::Sidecar>> {
    match sidecar::describes(storage, segment.first_id(), segment.header.salt) {
        Some((end, size)) if Some(end) == end_id => {
            segment.grow(size);
            sidecar::open(storage, segment)
        }
        _ => Ok(None),
    }
}

/// Reads a segment that the cleaner has not touched. What is missing before its end is damage as
/// far as later segments attest that it was on the disk, and a torn tail otherwise.
fn read(
    segment: &Segment,
    sealed: Option<u64>,
    later: &[Candidate],
    known: Sequence,
    replayer: &mut Replayer<'_>,
) -> Result<scan::End> {
    let start = Sequence { next_id: segment.first_id(), epoch: 0 };
    let position = segment::HEADER_BYTES as u64;
    let floor = known.next_id.min(sealed.unwrap_or(u64::MAX));
    let size = segment.size();
    let end = scan::scan(segment, size, position, start, floor, Depth::Whole, replayer)?;
    let Some(end_id) = sealed.filter(|&end_id| end.sequence.next_id < end_id) else {
        return Ok(end);
    };
    let floor = attested(later)?.min(end_id);
    scan::scan(segment, size, end.position, end.sequence, floor, Depth::Whole, replayer)
}

/// The ID below which all was on the disk when the last of the segments was written.
pub(super) fn attested(segments: &[Candidate]) -> Result<u64> {
    let mut attested = 0;
    for Candidate { header, file, size, .. } in segments {
        if header.cleaned_to.is_some() {
            return Ok(u64::MAX);
        }
        let segment = Segment::new(*header, file.clone(), u64::MAX, *size);
        attested = attested.max(scan::attested(&segment, *size)?);
    }
    Ok(attested)
}

/// Cuts what follows the last good entry.
fn cut(candidate: &Candidate, end: &scan::End) -> Result<String> {
    let Candidate { name, file, size, .. } = candidate;
    let doing = |error| Error::storage(format_args!("cutting the torn tail of {name}"), error);
    file.set_size(end.position).map_err(doing)?;
    Ok(format!(
        "cut {} bytes from the tail of {name}: they are no whole entry, so they were never \
         acknowledged as being on the disk; the log goes on with ID {}",
        size - end.position,
        end.sequence.next_id
    ))
}

/// Brings to the disk what may not have reached it, by writing it again: after a failed sync the
/// operating system counts such pages as clean, and a further sync says yes and writes nothing.
fn secure(candidate: &Candidate, end: &scan::End) -> Result<()> {
    let Candidate { name, file, .. } = candidate;
    let doing = |error| Error::storage(format_args!("securing the tail of {name}"), error);
    let mut position = end.unsynced_from;
    while position < end.position {
        let length = (end.position - position).min(1 << 20);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_exact_at(&mut bytes, position).map_err(doing)?;
        file.write_all_at(&[&bytes], position).map_err(doing)?;
        position += length;
    }
    file.sync().map_err(doing)
}

/// Writes the sidecar of a sealed segment from what replaying it found. Where the state is newer
/// than the segment, the older segments tell which one comes before it.
pub fn index(
    storage: &dyn Storage,
    segment: &Segment,
    mut found: Index,
    older: &Segments,
    rebuild: bool,
) -> Result<sidecar::Sidecar> {
    if rebuild {
        let set = older.snapshot();
        for (partition, found) in &mut found {
            found.previous = None;
            for (first_id, member) in set.range(..segment.first_id()).rev() {
                let Some(sidecar) = member.sidecar.get() else {
                    continue;
                };
                if sidecar.row(*partition)?.is_some() {
                    found.previous = Some(*first_id);
                    break;
                }
            }
        }
    }
    let rows = found.iter().map(|(n, found)| (*n, found.previous, found.extents.all()));
    sidecar::write(storage, segment, rows)
}
