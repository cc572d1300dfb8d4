//! Reading the log from outside, also while its broker writes, rotates and cleans it.
//!
//! Nothing on the disk is changed: what is torn or damaged is told, not mended.

use std::sync::Arc;

use super::candidates::{self, Candidate};
use super::entry::Entry;
use super::recovery;
use super::scan::{self, Depth, Sequence, Visit};
use super::segment::{self, Segment};
use super::sidecar;
use crate::error::{Error, Result};
use crate::sys::storage::Storage;

/// A reader that hands on each entry of the log once, from the oldest segment to the newest.
///
/// Within a segment that the cleaner wrote, entries come partition by partition; otherwise they
/// come by their IDs. One thread at a time.
#[derive(Debug)]
pub struct Follower {
    storage: Arc<dyn Storage>,
    /// All below this ID was on the disk once.
    known: u64,
    /// All entries below this ID were handed on, or are gone.
    reached: u64,
    /// The first ID of the segment that was read last.
    last: u64,
    current: Option<Current>,
}

/// The segment that is being read.
#[derive(Debug)]
struct Current {
    segment: Segment,
    position: u64,
    sequence: Sequence,
}

impl Follower {
    /// A reader of the log in `storage`, which need not be writable. All IDs below `known` are
    /// known to have been on the disk, as those of a snapshot are: where they are missing, that
    /// is damage.
    pub fn new(storage: Arc<dyn Storage>, known: u64) -> Self {
        Self { storage, known, reached: 0, last: 0, current: None }
    }

    /// Hands on all entries that there are by now and were not handed on before.
    ///
    /// Returns how many bytes at the end of the log are no whole entry: they are being written
    /// just now, or were torn when the broker ended, and its next start cuts them.
    pub fn advance(&mut self, visit: &mut dyn Visit) -> Result<u64> {
        let mut torn = 0;
        loop {
            let Some(mut current) =
                self.current.take().map_or_else(|| self.next(), |c| Ok(Some(c)))?
            else {
                return Ok(torn);
            };
            // First whether it is sealed, then what is in it: no more is written to it then.
            let later = self.later(&current.segment)?;
            let mut unread = Unread { reached: self.reached, visit };
            torn += current.read(&*self.storage, &later, self.known, &mut unread)?;
            if !current.segment.is_sealed() {
                self.current = Some(current);
                return Ok(torn);
            }
            self.last = current.segment.first_id();
            self.reached = self.reached.max(current.segment.end_id());
        }
    }

    /// The first segment that holds something new.
    fn next(&self) -> Result<Option<Current>> {
        let all = candidates::look(&*self.storage)?;
        let found = all.iter().enumerate().find(|(at, candidate)| {
            let header = candidate.header;
            let next = all.get(at + 1).map_or(u64::MAX, |next| next.header.first_id);
            // What was read before may have been merged with what follows it.
            let unread = self.last == 0 || header.first_id > self.last;
            (unread || header.cleaned_to.is_some())
                && header.cleaned_to.unwrap_or(next) > self.reached
        });
        Ok(found.map(|(_, Candidate { header, file, size, .. })| Current {
            segment: Segment::new(*header, file.clone(), u64::MAX, *size),
            position: segment::HEADER_BYTES as u64,
            sequence: Sequence { next_id: header.first_id, epoch: 0 },
        }))
    }

    /// The segments behind this one. None are if it is the one that is written.
    fn later(&self, segment: &Segment) -> Result<Vec<Candidate>> {
        let active = self.storage.open(segment::ACTIVE, false);
        if let Ok(active) = active
            && candidates::read_header(&*active)?.is_some_and(|header| header == segment.header)
        {
            return Ok(Vec::new());
        }
        let mut all = candidates::look(&*self.storage)?;
        all.retain(|candidate| candidate.header.first_id > segment.first_id());
        Ok(all)
    }
}

impl Current {
    /// Reads on to the end of the file; returns how many bytes there are no whole entry.
    fn read(
        &mut self,
        storage: &dyn Storage,
        later: &[Candidate],
        known: u64,
        visit: &mut dyn Visit,
    ) -> Result<u64> {
        let segment = &self.segment;
        let header = segment.header;
        let doing = |error| Error::storage("looking at the size of a segment", error);
        let size = segment.file.size().map_err(doing)?;
        if let Some(end_id) = header.cleaned_to {
            segment.seal(end_id);
            scan::scan_cleaned(segment, size, visit)?;
            return Ok(0);
        }
        let next = later.first().map(|next| next.header.first_id);
        let described = sidecar::describes(storage, header.first_id, header.salt);
        let end_id = next.map(|next| described.map_or(next, |(end_id, _)| end_id));
        if let Some(end_id) = end_id {
            segment.seal(end_id);
        }
        let floor = known.min(segment.end_id());
        let (position, sequence) = (self.position, self.sequence);
        let mut end = scan::scan(segment, size, position, sequence, floor, Depth::Whole, visit)?;
        if let Some(end_id) = end_id.filter(|&end_id| end.sequence.next_id < end_id) {
            let floor = recovery::attested(later)?.min(end_id);
            let (position, sequence) = (end.position, end.sequence);
            end = scan::scan(segment, size, position, sequence, floor, Depth::Whole, visit)?;
        }
        (self.position, self.sequence) = (end.position, end.sequence);
        Ok(size.saturating_sub(end.position))
    }
}

/// Passes on what is not below an ID.
struct Unread<'a> {
    reached: u64,
    visit: &'a mut dyn Visit,
}

impl Visit for Unread<'_> {
    fn entry(
        &mut self,
        segment: &Segment,
        entry: &Entry,
        position: u64,
        payload: &[u8],
    ) -> Result<()> {
        if entry.first_id < self.reached {
            return Ok(());
        }
        self.visit.entry(segment, entry, position, payload)
    }

    fn damaged(
        &mut self,
        segment: &Segment,
        bytes: (u64, u64),
        entry: Option<&Entry>,
    ) -> Result<()> {
        self.visit.damaged(segment, bytes, entry)
    }
}
