//! From the queue to the log: whoever finds the write lock free writes for all.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, TryLockError};

use super::Shared;
use super::cell::{Cell, What, record_parts};
use super::partition::{Inner, Partition};
use super::ticket::Appended;
use crate::batch::builder::BatchBuilder;
use crate::batch::compression::Codec;
use crate::batch::header::BatchHeader;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::RECORDS_PER_BATCH_MAX;
use crate::log::extent::Extent;
use crate::log::writer::{Batch, Writer};
use crate::state::event::Event;
use crate::state::partition::AppendedBatch;
use crate::state::producers::{ProducerStamp, Verdict};
use crate::sys::event_log::Level;

/// How many cells are taken from the queue at once.
const CELLS_AT_ONCE: usize = 1024;
/// A group of entries is written when it has this many bytes.
const GROUP_BYTES: usize = 4 << 20;
/// Single records of one partition are gathered into batches of about this many bytes.
const GATHER_BYTES: usize = 64 << 10;

/// The write end of the engine, behind one lock.
#[derive(Debug)]
pub(super) struct Drain {
    pub(super) writer: Writer,
    cells: Vec<Cell>,
    gather: BatchBuilder,
    group: Group,
}

/// Records that become visible when all IDs below `end_id` are on the disk.
#[derive(Debug)]
pub(super) struct Unsynced {
    pub(super) end_id: u64,
    pub(super) partitions: Vec<(Arc<Partition>, u64)>,
}

/// What a group of cells adds up to while it is staged.
#[derive(Debug, Default)]
struct Group {
    /// The result of each cell of the group.
    results: Vec<Result<Appended>>,
    /// For each result the ID below which all has to be on the disk before it holds, also if the
    /// producer did not ask for that.
    least: Vec<u64>,
    /// What is visible as soon as it is written.
    visible: Vec<(Arc<Partition>, u64)>,
    /// What is visible once it is synced.
    unsynced: Vec<(Arc<Partition>, u64)>,
    /// Whether somebody waits for the sync.
    sync: bool,
}

impl Shared {
    /// Writes everything that is in the queue, unless another thread is doing so: then that
    /// thread writes it.
    pub(super) fn drain(&self) {
        while !self.queue.is_empty() {
            let mut drain = match self.drain.try_lock() {
                Ok(drain) => drain,
                // A panic while writing must not let others write behind a half-staged group.
                Err(TryLockError::Poisoned(poisoned)) => {
                    let mut drain = poisoned.into_inner();
                    drain.writer.poison("a thread panicked while it wrote the log");
                    drain
                }
                Err(TryLockError::WouldBlock) => return,
            };
            drain.run(self);
        }
        self.answer_bells();
    }

    /// Called by the syncer: what all IDs below `id` made visible, and who waits for that.
    pub(super) fn synced(&self, id: u64) {
        let mut due = VecDeque::new();
        {
            let mut unsynced = self.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
            let count = unsynced.partition_point(|group| group.end_id <= id);
            if count == unsynced.len() {
                std::mem::swap(&mut due, &mut unsynced);
            } else {
                due.extend(unsynced.drain(..count));
            }
        }
        for (partition, offset) in due.iter().flat_map(|group| &group.partitions) {
            partition.advance(*offset);
        }
        self.answer_bells();
        self.wake_synced(id);
    }
}

impl Drain {
    pub(super) fn new(writer: Writer) -> Self {
        Self { writer, cells: Vec::new(), gather: BatchBuilder::new(), group: Group::default() }
    }

    fn run(&mut self, shared: &Shared) {
        let mut cells = std::mem::take(&mut self.cells);
        while shared.queue.drain_into(&mut cells, CELLS_AT_ONCE) > 0 {
            // Batches of a partition are written next to each other; its order stays.
            let first = cells.first().map(number);
            if cells.iter().any(|cell| Some(number(cell)) != first) {
                cells.sort_by_key(number);
            }
            let mut start = 0;
            while start < cells.len() {
                let mut bytes = 0;
                let more = cells[start..].iter().take_while(|cell| {
                    let fits = bytes < GROUP_BYTES;
                    bytes += cell.payload.len();
                    fits
                });
                let end = start + more.count();
                self.write(shared, &cells[start..end]);
                start = end;
            }
            cells.clear();
        }
        self.cells = cells;
    }

    /// Writes one group and tells everybody who waits for it.
    fn write(&mut self, shared: &Shared, cells: &[Cell]) {
        let mut done = 0;
        while done < cells.len() {
            let outcome = self.write_some(shared, &cells[done..]);
            let results = self.group.results.drain(..).zip(self.group.least.drain(..));
            match outcome {
                Ok(synced_id) => {
                    for (cell, (result, least)) in cells[done..].iter().zip(results) {
                        let waits = cell.acks.wait_for_sync();
                        cell.complete(result, if waits { synced_id } else { least });
                        done += 1;
                    }
                }
                Err(failure) => {
                    drop(results);
                    shared.log_failed(&failure);
                    for cell in &cells[done..] {
                        cell.complete(Err(failure.clone()), 0);
                    }
                    done = cells.len();
                }
            }
        }
    }

    /// Stages cells until the IDs of a group are used up, and commits. The results are those of
    /// the cells from the first one on; returns the ID below which their sync has to reach.
    fn write_some(&mut self, shared: &Shared, cells: &[Cell]) -> Result<u64> {
        self.group.clear();
        if self.writer.begin(shared.clock.wall())? {
            shared.keeper.rotated();
        }
        let first_id = self.writer.next_id();
        let mut at = 0;
        while at < cells.len()
            && self.writer.next_id() - first_id < u64::from(RECORDS_PER_BATCH_MAX)
        {
            let Some(partition) = cells[at].partition() else {
                self.group.sync |= cells[at].acks.wait_for_sync();
                let place = self.writer.stage_state(cells[at].payload.as_slice());
                self.group.results.push(Ok(appended(0, place.first_id, 0)));
                self.group.least.push(0);
                at += 1;
                continue;
            };
            let run = cells[at..].iter().take_while(|cell| number(cell) == number(&cells[at]));
            let end = at + run.count();
            self.stage_run(partition, &cells[at..end]);
            at = end;
        }
        let end_id = self.writer.next_id();
        if !self.group.unsynced.is_empty() {
            // Before the commit: the sync may be done before this thread goes on.
            let partitions = std::mem::take(&mut self.group.unsynced);
            let group = Unsynced { end_id, partitions };
            shared.unsynced.lock().unwrap_or_else(PoisonError::into_inner).push_back(group);
        }
        self.writer.commit(self.group.sync)?;
        for (partition, offset) in self.group.visible.drain(..) {
            partition.advance(offset);
        }
        Ok(end_id)
    }

    /// Stages neighbouring cells of one partition.
    fn stage_run(&mut self, partition: &Arc<Partition>, cells: &[Cell]) {
        let mut inner = partition.lock();
        let before = partition.high_watermark();
        let mut visible = before;
        let mut at = 0;
        while at < cells.len() {
            let taken = gathered(&cells[at..]);
            let base = inner.state.next_offset;
            let relaxed = inner.state.relaxed;
            let acks = cells[at].acks;
            self.group.sync |= acks.wait_for_sync();
            if partition.is_deleted() {
                let gone = Error::new(ErrorKind::UnknownTopicOrPartition, "the topic was deleted");
                self.group
                    .results
                    .extend(cells[at..at + taken.len()].iter().map(|_| Err(gone.clone())));
            } else if let What::Record(..) = cells[at].what {
                self.stage_records(partition, &mut inner, &cells[at..at + taken.len()]);
            } else {
                let result = self.stage_batch(partition, &mut inner, &cells[at]);
                self.group.results.push(result);
            }
            if !acks.wait_for_sync() && relaxed && visible == base {
                visible = inner.state.next_offset;
            }
            at += taken.len();
        }
        let end = inner.state.next_offset;
        // No offset may be told of before the log says that such have been.
        self.group.least.resize(self.group.results.len(), inner.relaxed_below);
        drop(inner);
        if visible > before {
            self.group.visible.push((partition.clone(), visible));
        }
        if end > visible {
            // Also what nobody waits for, if it lies behind something that has to be synced.
            self.group.sync = true;
            self.group.unsynced.push((partition.clone(), end));
        }
    }

    fn stage_batch(
        &mut self,
        partition: &Partition,
        inner: &mut Inner,
        cell: &Cell,
    ) -> Result<Appended> {
        let bytes = cell.payload.as_slice();
        let header = BatchHeader::parse(bytes)?;
        let records = header.last_offset_delta.cast_unsigned() + 1;
        let producer = (header.producer_id >= 0).then(|| {
            let (id, epoch) = (header.producer_id, header.producer_epoch);
            ProducerStamp::new(id, epoch, header.base_sequence, records)
        });
        let What::Batch(_, log_append_time) = cell.what else {
            unreachable!("checked by stage_run")
        };
        if let Some(stamp) = producer
            && let Verdict::Duplicate { base_offset, .. } = inner.state.check(stamp)?
        {
            let log_start = inner.state.log_start;
            return Ok(Appended { base_offset, first_id: 0, log_start, log_append_time });
        }
        self.relax(partition, inner, cell);
        let batch = AppendedBatch {
            base_offset: inner.state.next_offset,
            offsets: records,
            timestamp: header.max_timestamp,
            producer,
        };
        let first_id = self.append(partition, inner, &batch, bytes, cell.payload.as_shared());
        let mut result = appended(batch.base_offset, first_id, inner.state.log_start);
        result.log_append_time = log_append_time;
        Ok(result)
    }

    /// Stages single records as one batch.
    fn stage_records(&mut self, partition: &Partition, inner: &mut Inner, cells: &[Cell]) {
        let mut gather = std::mem::take(&mut self.gather);
        gather.clear();
        let mut timestamp = -1;
        for cell in cells {
            let (key, value) = record_parts(cell.payload.as_slice());
            let What::Record(_, time) = cell.what else { unreachable!("checked by stage_run") };
            timestamp = time.max(timestamp);
            if let Err(error) = gather.append(time, key, value, &[]) {
                // The limits of a record were checked before it was queued.
                self.group.results.extend(cells.iter().map(|_| Err(error.clone())));
                self.gather = gather;
                return;
            }
        }
        self.relax(partition, inner, &cells[0]);
        let batch = AppendedBatch {
            base_offset: inner.state.next_offset,
            offsets: gather.count(),
            timestamp,
            producer: None,
        };
        match gather.finish(Codec::None) {
            Ok(bytes) => {
                let first_id = self.append(partition, inner, &batch, bytes, None);
                let log_start = inner.state.log_start;
                let base = batch.base_offset;
                let result = |n: u64| Ok(appended(base + n, first_id + n, log_start));
                self.group.results.extend((0..cells.len() as u64).map(result));
            }
            Err(error) => {
                self.group.results.extend(cells.iter().map(|_| Err(error.clone())));
            }
        }
        self.gather = gather;
    }

    /// Before the first records of a session that may be seen before they are on the disk: says
    /// so in the log. Even these are seen, and acknowledged, only when that is on the disk.
    fn relax(&mut self, partition: &Partition, inner: &mut Inner, cell: &Cell) {
        if cell.acks.wait_for_sync() || inner.state.relaxed {
            return;
        }
        let event = Event::PartitionRelaxed { partition: partition.number() };
        let mark = self.writer.stage_state(&event.encode());
        inner.relaxed_below = mark.first_id + 1;
        inner.state.relax();
    }

    fn append(
        &mut self,
        partition: &Partition,
        inner: &mut Inner,
        batch: &AppendedBatch,
        bytes: &[u8],
        shared: Option<&bytes::Bytes>,
    ) -> u64 {
        let place = self.writer.stage_batch(&Batch {
            partition: partition.number(),
            records: batch.offsets,
            base_offset: batch.base_offset,
            bytes,
            shared,
        });
        let extent = Extent {
            first_offset: batch.base_offset,
            max_timestamp: batch.timestamp,
            segment: place.segment,
            position: place.position,
            length: place.length,
            span: batch.offsets,
            entries: 1,
        };
        self.writer.extents_grew(usize::from(inner.extents.push(extent)));
        inner.state.batch_appended(batch, self.writer.now());
        place.first_id
    }
}

impl Group {
    fn clear(&mut self) {
        self.results.clear();
        self.least.clear();
        self.visible.clear();
        self.unsynced.clear();
        self.sync = false;
    }
}

/// How many cells at the front make one batch: a batch itself, or the records that are gathered.
fn gathered(cells: &[Cell]) -> Range<usize> {
    let first = &cells[0];
    if !matches!(first.what, What::Record(..)) {
        return 0..1;
    }
    let mut bytes = 0;
    let more = cells.iter().take_while(|cell| {
        let fits = bytes < GATHER_BYTES;
        bytes += cell.payload.len();
        fits && cell.acks == first.acks && matches!(cell.what, What::Record(..))
    });
    0..more.count().max(1)
}

/// Sorts events before data, and data by partition.
fn number(cell: &Cell) -> u64 {
    cell.partition().map_or(0, |partition| u64::from(partition.number()) + 1)
}

fn appended(base_offset: u64, first_id: u64, log_start: u64) -> Appended {
    Appended { base_offset, first_id, log_start, log_append_time: -1 }
}

impl Shared {
    /// Notes a failure of the log once: nothing more can be written until it is opened again.
    fn log_failed(&self, failure: &Error) {
        if !self.failed.swap(true, Ordering::SeqCst) {
            self.events.log(Level::Error, format_args!("{failure}"));
        }
    }
}
