//! Opening the log: which segments there are, where the last good entry ends, what is cut.

use std::sync::Arc;

use super::replay::{Found, Replay, Replayer};
use super::scan::{self, Sequence};
use super::segment::{self, Header, Segment};
use super::segments::{self, Member, Segments};
use super::sidecar;
use crate::error::{Error, Result};
use crate::sys::storage::{Storage, StoredFile};

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

/// A segment's file before it is known where its entries end.
struct Candidate {
    name: String,
    header: Header,
    file: Arc<dyn StoredFile>,
    size: u64,
}

/// Opens the log in `storage`. `known` is where the state that `replay` holds ends; entries from
/// there on are replayed. An empty directory becomes an empty log.
///
/// Afterwards everything that was kept is on the disk, and nothing else is.
pub fn open(storage: &dyn Storage, known: Sequence, replay: &mut dyn Replay) -> Result<Opened> {
    let mut notes = Vec::new();
    let candidates = candidates(storage, &mut notes)?;
    let segments = Arc::new(Segments::default());
    let mut sequence = known;
    let mut last = None;
    for (at, candidate) in candidates.iter().enumerate() {
        let later = &candidates[at + 1..];
        let end_id = later.first().map(|next| next.header.first_id);
        let opened = open_one(
            storage,
            candidate,
            end_id,
            later,
            &mut sequence,
            known,
            replay,
            &segments,
        )?;
        notes.extend(opened.notes);
        segments.add(opened.member);
        last = Some((candidate, opened.found));
        if opened.torn && !later.is_empty() {
            for dropped in later {
                notes.push(format!(
                    "cut {}: it follows a torn tail, so nothing in it was ever acknowledged as \
                     being on the disk",
                    dropped.name
                ));
                remove(storage, &dropped.name)?;
            }
            break;
        }
    }
    sequence.next_id = sequence.next_id.max(known.next_id);
    let (active, found) = activate(storage, &segments, sequence, last)?;
    let doing = |error| Error::storage("syncing the opened log", error);
    active.file.sync().map_err(doing)?;
    storage.sync_names().map_err(doing)?;
    Ok(Opened {
        segments,
        active,
        sequence,
        found,
        notes,
    })
}

/// All segments in the directory, in the order of the log. Superseded ones are removed.
fn candidates(storage: &dyn Storage, notes: &mut Vec<String>) -> Result<Vec<Candidate>> {
    let names = storage
        .list()
        .map_err(|error| Error::storage("listing the directory", error))?;
    let mut all = Vec::new();
    for name in names
        .into_iter()
        .filter(|name| segment::is_segment_name(name))
    {
        let doing = |error| Error::storage(format_args!("opening {name}"), error);
        let file = storage.open(&name, false).map_err(doing)?;
        let size = file.size().map_err(doing)?;
        let mut bytes = [0; segment::HEADER_BYTES];
        let header = match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => Header::decode(&bytes)?,
            Err(_) => None,
        };
        let header = match header {
            Some(header) => Some(header),
            None => mend(storage, &name, &*file, size, notes)?,
        };
        if let Some(header) = header {
            all.push(Candidate {
                name,
                header,
                file,
                size,
            });
        }
    }
    all.sort_by_key(|candidate| (candidate.header.first_id, !candidate.header.salt));
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in all {
        let covered = kept.last().is_some_and(|last| {
            candidate.header.first_id < last.header.cleaned_to.unwrap_or(0)
                || candidate.header.first_id == last.header.first_id
        });
        if covered {
            remove(storage, &candidate.name)?
        } else {
            kept.push(candidate)
        }
    }
    Ok(kept)
}

/// The header for a segment that does not begin with a sound one, as its first entry tells it. An
/// active segment without any entry was torn when it was created, and is removed.
fn mend(
    storage: &dyn Storage,
    name: &str,
    file: &dyn StoredFile,
    size: u64,
    notes: &mut Vec<String>,
) -> Result<Option<Header>> {
    let Some(entry) = scan::first_entry(file, size)? else {
        if let Some(first_id) = segment::sealed_id(name) {
            notes.push(format!(
                "DAMAGED: {name} holds nothing that can be read; it is left as it is"
            ));
            return Ok(Some(Header {
                first_id,
                cleaned_to: None,
                salt: 0,
            }));
        }
        if size > 0 {
            notes.push(format!("cut {name}: it was torn before its first entry"));
        }
        remove(storage, name)?;
        return Ok(None);
    };
    let salt = u64::from(entry.epoch) << 32;
    let header = Header {
        first_id: entry.first_id,
        cleaned_to: None,
        salt,
    };
    notes.push(format!(
        "DAMAGED: the header of {name} did not match its checksum; it was written again from the \
         entries that follow it"
    ));
    file.write_all_at(&[&header.encode()], 0)
        .and_then(|()| file.sync())
        .map_err(|error| Error::storage(format_args!("mending {name}"), error))?;
    Ok(Some(header))
}

struct OpenedOne {
    member: Member,
    found: Index,
    torn: bool,
    notes: Vec<String>,
}

/// Opens one segment: with its sidecar where its entries are part of the state already, by
/// reading it otherwise. `end_id` is where the next one begins, `None` for the last.
#[expect(clippy::too_many_arguments, reason = "the pieces of one loop, named")]
fn open_one(
    storage: &dyn Storage,
    candidate: &Candidate,
    end_id: Option<u64>,
    later: &[Candidate],
    sequence: &mut Sequence,
    known: Sequence,
    replay: &mut dyn Replay,
    older: &Segments,
) -> Result<OpenedOne> {
    let Candidate {
        header, file, size, ..
    } = candidate;
    let sealed = header.cleaned_to.or(end_id);
    let segment = Arc::new(Segment::new(
        *header,
        file.clone(),
        sealed.unwrap_or(u64::MAX),
        *size,
    ));
    let member = Member::new(segment.clone());
    let old = sealed.is_some_and(|end_id| end_id <= known.next_id);
    if old && let Some(sidecar) = described(storage, &segment, sealed)? {
        let _ = member.sidecar.set(sidecar);
        return Ok(OpenedOne {
            member,
            found: Vec::new(),
            torn: false,
            notes: Vec::new(),
        });
    }
    let mut replayer = Replayer::new(replay, known.next_id);
    let mut notes = Vec::new();
    let mut torn = false;
    if header.cleaned_to.is_some() {
        scan::scan_cleaned(&segment, *size, &mut replayer)?;
    } else {
        let end = read(&segment, sealed, later, known, &mut replayer)?;
        torn = sealed.is_some_and(|end_id| end.sequence.next_id < end_id);
        *sequence = later_of(*sequence, end.sequence);
        if end.torn {
            notes.push(cut(candidate, &end)?);
        }
        segment.grow(end.position);
        secure(candidate, &end)?;
        if torn {
            segment.seal(u64::MAX);
        }
    }
    sequence.next_id = sequence.next_id.max(sealed.filter(|_| !torn).unwrap_or(0));
    notes.append(&mut replayer.damage);
    let found: Index = std::mem::take(&mut replayer.found).into_iter().collect();
    if segment.is_sealed() {
        let sidecar = index(storage, &segment, found, older, old)?;
        let _ = member.sidecar.set(sidecar);
        return Ok(OpenedOne {
            member,
            found: Vec::new(),
            torn,
            notes,
        });
    }
    Ok(OpenedOne {
        member,
        found,
        torn,
        notes,
    })
}

/// The sidecar of a segment, which also says where the segment's entries end: a file can be longer.
fn described(
    storage: &dyn Storage,
    segment: &Segment,
    end_id: Option<u64>,
) -> Result<Option<sidecar::Sidecar>> {
    match sidecar::describes(storage, segment.first_id(), segment.header.salt) {
        Some((end, size)) if Some(end) == end_id && size <= segment.size() => {
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
    let start = Sequence {
        next_id: segment.first_id(),
        epoch: 0,
    };
    let position = segment::HEADER_BYTES as u64;
    let floor = known.next_id.min(sealed.unwrap_or(u64::MAX));
    let size = segment.size();
    let end = scan::scan(segment, size, position, start, floor, replayer)?;
    let Some(end_id) = sealed.filter(|&end_id| end.sequence.next_id < end_id) else {
        return Ok(end);
    };
    let floor = attested(later)?.min(end_id);
    scan::scan(segment, size, end.position, end.sequence, floor, replayer)
}

/// The ID below which all was on the disk when the last of the segments was written.
fn attested(segments: &[Candidate]) -> Result<u64> {
    let mut attested = 0;
    for Candidate {
        header, file, size, ..
    } in segments
    {
        if header.cleaned_to.is_some() {
            return Ok(u64::MAX);
        }
        let segment = Segment::new(*header, file.clone(), u64::MAX, *size);
        attested = attested.max(scan::attested(&segment, *size)?);
    }
    Ok(attested)
}

fn later_of(a: Sequence, b: Sequence) -> Sequence {
    if (b.epoch, b.next_id) > (a.epoch, a.next_id) {
        b
    } else {
        a
    }
}

/// Cuts what follows the last good entry.
fn cut(candidate: &Candidate, end: &scan::End) -> Result<String> {
    let Candidate {
        name, file, size, ..
    } = candidate;
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
    let rows = found
        .iter()
        .map(|(n, found)| (*n, found.previous, found.extents.all()));
    sidecar::write(storage, segment, rows)
}

/// Makes the newest segment the active one, or creates one where there is none that can be.
fn activate(
    storage: &dyn Storage,
    segments: &Segments,
    sequence: Sequence,
    last: Option<(&Candidate, Index)>,
) -> Result<(Arc<Segment>, Index)> {
    if let Some((candidate, found)) = last {
        let set = segments.snapshot();
        let member = segments::holding(&set, candidate.header.first_id);
        if let Some(member) = member.filter(|member| !member.segment.is_sealed()) {
            if candidate.name != segment::ACTIVE {
                storage
                    .rename(&candidate.name, segment::ACTIVE)
                    .map_err(|error| {
                        Error::storage(format_args!("renaming {}", candidate.name), error)
                    })?;
            }
            return Ok((member.segment.clone(), found));
        }
    }
    let first_id = sequence.next_id;
    let active = Arc::new(Segment::create(
        storage,
        segment::ACTIVE,
        first_id,
        sequence.epoch + 1,
    )?);
    segments.add(Member::new(active.clone()));
    Ok((active, Vec::new()))
}

fn remove(storage: &dyn Storage, name: &str) -> Result<()> {
    storage
        .remove(name)
        .map_err(|error| Error::storage(format_args!("removing {name}"), error))
}
