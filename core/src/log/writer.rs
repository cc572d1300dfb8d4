//! The one writer: lays a group of entries one behind another and writes it with one call.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::entry::{Entry, Kind, NO_PARTITION};
use super::segment::{self, Segment};
use super::segments::{Member, Segments};
use super::syncer::Gate;
use crate::batch::header::{HEADER_BYTES as BATCH_HEADER_BYTES, patch};
use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{RECORDS_PER_BATCH_MAX, UNSYNCED_IDS_MAX};
use crate::sys::storage::Storage;

/// Records below this many bytes are copied behind their header; longer ones are written from
/// where they are. A copy of 4 KiB costs about as much as one more buffer of a `pwritev`.
const COPY_BYTES_MAX: usize = 4096;

/// A segment is sealed when its entries form this many extents: that bounds the memory for
/// extents however partitions interleave (40 bytes each, in at most three segments).
pub const EXTENTS_MAX: usize = 32 * 1024;

/// Where an entry lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The first of its IDs.
    pub first_id: u64,
    /// The first ID of its segment.
    pub segment: u64,
    /// Where it begins in the segment's file.
    pub position: u32,
    /// Header and payload, in bytes.
    pub length: u32,
}

/// A batch to be written.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Its partition's number.
    pub partition: u32,
    /// How many IDs and offsets it uses.
    pub records: u32,
    /// The offset of its first record.
    pub base_offset: u64,
    /// The batch as it came; base offset and leader epoch are set on the way.
    pub bytes: &'a [u8],
    /// The same bytes, if they may be written from where they are.
    pub shared: Option<&'a Bytes>,
}

/// The write end of the log. Whoever holds it is the only writer.
///
/// A group of entries is staged, then committed with one write. After a failed write nothing more
/// can be committed until the log is opened again.
#[derive(Debug)]
pub struct Writer {
    storage: Arc<dyn Storage>,
    segments: Arc<Segments>,
    gate: Arc<Gate>,
    active: Arc<Segment>,
    segment_bytes: u64,
    epoch: u32,
    next_id: u64,
    now: Millis,
    /// How many extents the active segment holds, as told by [`Writer::extents_grew`].
    extents: usize,
    scratch: Vec<u8>,
    parts: Vec<Part>,
    staged_bytes: u64,
    failed: Option<Error>,
}

#[derive(Debug)]
enum Part {
    Scratch(Range<usize>),
    Shared(Bytes),
}

impl Writer {
    /// A writer that goes on behind the last entry of `active`, which is the newest of `segments`.
    pub fn new(
        storage: Arc<dyn Storage>,
        segments: Arc<Segments>,
        gate: Arc<Gate>,
        active: Arc<Segment>,
        next: (u64, u32),
        segment_bytes: u64,
    ) -> Self {
        let (next_id, epoch) = next;
        Self {
            storage,
            segments,
            gate,
            active,
            segment_bytes,
            epoch,
            next_id,
            now: 0,
            extents: 0,
            scratch: Vec::new(),
            parts: Vec::new(),
            staged_bytes: 0,
            failed: None,
        }
    }

    /// The ID that the next entry will begin with.
    pub fn next_id(&self) -> u64 {
        self.next_id
    }

    /// The session of the broker, which is the leader epoch of what it writes.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The time of the group that is being staged, as [`Writer::begin`] was told it.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// Refuses everything from now on, because of `why`.
    pub fn poison(&mut self, why: &str) {
        if self.failed.is_none() {
            self.fail(Error::new(ErrorKind::Internal, why));
        }
    }

    /// Begins a group that is written at `now`. Goes on in a new segment if the active one is
    /// full; returns whether it did. May wait for a sync: IDs that are not on the disk are
    /// bounded ([`UNSYNCED_IDS_MAX`]).
    pub fn begin(&mut self, now: Millis) -> Result<bool> {
        if let Some(failure) = &self.failed {
            return Err(failure.clone());
        }
        if let Some(failure) = self.gate.failure() {
            return Err(self.fail(failure));
        }
        self.now = now;
        // A group uses up to two batches' worth of IDs: those it gathers and the last one.
        let most = UNSYNCED_IDS_MAX - 2 * u64::from(RECORDS_PER_BATCH_MAX);
        if self.next_id.saturating_sub(self.gate.synced_below()) > most {
            let synced = self.gate.wait_synced_as_writer(&*self.storage, self.next_id);
            synced.map_err(|failure| self.fail(failure))?;
        }
        let full = self.active.size() >= self.segment_bytes || self.extents >= EXTENTS_MAX;
        if full {
            self.rotate().map_err(|failure| self.fail(failure))?;
        }
        Ok(full)
    }

    /// Lays a batch behind what is staged.
    pub fn stage_batch(&mut self, batch: &Batch<'_>) -> Place {
        let mut header = [0; BATCH_HEADER_BYTES];
        header.copy_from_slice(&batch.bytes[..BATCH_HEADER_BYTES]);
        if let Some(prefix) = header.first_chunk_mut() {
            patch(prefix, batch.base_offset.cast_signed(), self.epoch.cast_signed());
        }
        let entry = self.entry(Kind::Data, batch.partition, batch.records, batch.bytes.len());
        let start = self.scratch.len();
        self.scratch.extend_from_slice(&entry.encode(&header));
        self.scratch.extend_from_slice(&header);
        match batch.shared {
            Some(shared) if shared.len() > COPY_BYTES_MAX => {
                self.push_scratch(start);
                self.parts.push(Part::Shared(shared.slice(BATCH_HEADER_BYTES..)));
            }
            _ => {
                self.scratch.extend_from_slice(&batch.bytes[BATCH_HEADER_BYTES..]);
                self.push_scratch(start);
            }
        }
        self.place(&entry)
    }

    /// Lays a state entry behind what is staged.
    pub fn stage_state(&mut self, event: &[u8]) -> Place {
        let entry = self.entry(Kind::State, NO_PARTITION, 1, event.len());
        let start = self.scratch.len();
        self.scratch.extend_from_slice(&entry.encode(event));
        self.scratch.extend_from_slice(event);
        self.push_scratch(start);
        self.place(&entry)
    }

    /// Writes what is staged. `sync` asks for it to be synced at once. On success all staged
    /// entries are with the operating system, and the ID after the last of them is returned.
    pub fn commit(&mut self, sync: bool) -> Result<u64> {
        let position = self.active.size();
        let parts: Vec<&[u8]> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Scratch(range) => &self.scratch[range.clone()],
                Part::Shared(bytes) => bytes,
            })
            .collect();
        let written = self.active.file.write_all_at(&parts, position);
        self.parts.clear();
        self.scratch.clear();
        let staged_bytes = std::mem::take(&mut self.staged_bytes);
        if let Err(error) = written {
            return Err(self.fail(Error::storage("writing mensajes.log", error)));
        }
        self.active.grow(position + staged_bytes);
        self.gate.written(self.next_id, sync);
        Ok(self.next_id)
    }

    /// Counts extents that the entries of the active segment formed.
    pub fn extents_grew(&mut self, by: usize) {
        self.extents += by;
    }

    fn entry(&self, kind: Kind, partition: u32, count: u32, length: usize) -> Entry {
        Entry {
            kind,
            // A batch fits a frame and an event a batch: both far below 4 GiB.
            length: u32::try_from(length).unwrap_or(u32::MAX),
            first_id: self.next_id,
            count,
            written: self.now,
            partition,
            epoch: self.epoch,
            synced_below: self.gate.synced_below(),
        }
    }

    fn place(&mut self, entry: &Entry) -> Place {
        let position = self.active.size() + self.staged_bytes;
        self.next_id = entry.end_id();
        self.staged_bytes += entry.total_bytes();
        Place {
            first_id: entry.first_id,
            segment: self.active.first_id(),
            // A segment ends soon after `segment_bytes`, which is at most 2 GiB.
            position: u32::try_from(position).unwrap_or(u32::MAX),
            length: u32::try_from(entry.total_bytes()).unwrap_or(u32::MAX),
        }
    }

    /// Neighbouring pieces of scratch are written as one.
    fn push_scratch(&mut self, start: usize) {
        let end = self.scratch.len();
        match self.parts.last_mut() {
            Some(Part::Scratch(range)) if range.end == start => range.end = end,
            _ => self.parts.push(Part::Scratch(start..end)),
        }
    }

    /// Seals the active segment and goes on in a new one. The new names become durable with the
    /// next sync, before anything in the new segment counts as synced.
    fn rotate(&mut self) -> Result<()> {
        let sealed = segment::sealed_name(self.active.first_id());
        self.storage.rename(segment::ACTIVE, &sealed).map_err(|error| {
            Error::storage(format_args!("renaming mensajes.log to {sealed}"), error)
        })?;
        let next = Segment::create(&*self.storage, segment::ACTIVE, self.next_id, self.epoch)?;
        self.active.seal(self.next_id);
        self.active = Arc::new(next);
        self.extents = 0;
        self.segments.add(Member::new(self.active.clone()));
        self.gate.rotated(self.active.file.clone());
        Ok(())
    }

    fn fail(&mut self, failure: Error) -> Error {
        let failure = failure.context(
            "the log refuses appends since an earlier failure; repair the cause and restart",
        );
        self.failed = Some(failure.clone());
        failure
    }
}
