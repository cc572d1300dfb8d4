//! The keeper: the thread that indexes sealed segments, writes snapshots, and gives space back.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Shared;
use super::replay::State;
use crate::error::Result;
use crate::log::cleaner;
use crate::log::recovery;
use crate::log::replay::Replayer;
use crate::log::retention::{self, Kept, Records};
use crate::log::scan::{self, Depth, Sequence};
use crate::log::segment;
use crate::log::segments::Member;
use crate::log::snapshot;
use crate::state::durable::DurableState;
use crate::state::event::Event;
use crate::sys::event_log::Level;

/// How many log start offsets are moved with one sync.
const MOVES_AT_ONCE: usize = 1000;

/// How many sealed segments may wait for their index: their extents are in memory.
const UNINDEXED_MAX: usize = 2;

/// How long the writer waits for the keeper to catch up. Not longer: the keeper may be waiting for
/// the writer.
const CATCH_UP: Duration = Duration::from_millis(200);

/// How the keeper is told that there is something to do.
#[derive(Debug, Default)]
pub(super) struct Signal {
    state: Mutex<Wanted>,
    changed: Condvar,
    indexed: Condvar,
}

#[derive(Debug, Default)]
struct Wanted {
    /// How many segments were sealed since the last round of indexing.
    rotated: usize,
    clean: bool,
    closed: bool,
}

impl Signal {
    /// A segment was sealed. Waits a little where the keeper has fallen behind.
    pub(super) fn rotated(&self) {
        let mut wanted = self.lock();
        wanted.rotated += 1;
        self.changed.notify_one();
        let behind = |wanted: &mut Wanted| wanted.rotated > UNINDEXED_MAX && !wanted.closed;
        let waited = self.indexed.wait_timeout_while(wanted, CATCH_UP, behind);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// `count` sealed segments were indexed.
    fn caught_up(&self, count: usize) {
        let mut wanted = self.lock();
        wanted.rotated = wanted.rotated.saturating_sub(count);
        self.indexed.notify_all();
    }

    /// Something was deleted, or less is to be kept: space can be given back.
    pub(super) fn clean_soon(&self) {
        self.lock().clean = true;
        self.changed.notify_one();
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
        self.indexed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to do, until `deadline` at most. Returns how many segments are to be
    /// indexed and whether something was deleted, or `None` when it is time to end.
    fn next(&self, deadline: Instant) -> Option<(usize, bool)> {
        let mut wanted = self.lock();
        loop {
            if wanted.closed {
                return None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if wanted.rotated > 0 || wanted.clean || left.is_zero() {
                return Some((wanted.rotated, std::mem::take(&mut wanted.clean)));
            }
            wanted =
                self.changed.wait_timeout(wanted, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    /// The keeper's thread.
    pub(super) fn keep(self: &Arc<Self>) {
        let mut next_check = Instant::now() + self.config.retention_check_interval;
        while let Some((rotated, deleted)) = self.keeper.next(next_check) {
            let _keeping = self.keeping();
            if rotated > 0 {
                self.report("indexing a sealed segment", self.index_sealed());
                self.keeper.caught_up(rotated);
            }
            if deleted || Instant::now() >= next_check {
                self.report("applying retention", self.tidy_up(deleted));
                next_check = Instant::now() + self.config.retention_check_interval;
            }
        }
    }

    /// Keeps the keeper, or another in its place, from changing what lies in the directory.
    pub(super) fn keeping(&self) -> MutexGuard<'_, ()> {
        self.keeping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies retention and gives space back; `deleted` says that topics were deleted. The caller
    /// holds [`Shared::keeping`], as for all that follows.
    pub(super) fn tidy_up(&self, deleted: bool) -> Result<()> {
        if self.retain()? || deleted {
            // A segment is cleaned when two snapshots have its state entries: one was written
            // when it was sealed, this is the other.
            self.snapshot()?;
        }
        self.give_space_back()
    }

    fn report(&self, doing: &str, result: Result<()>) {
        if let Err(error) = result {
            self.events.log(Level::Error, format_args!("{doing} failed: {error}"));
        }
    }

    /// Indexes the segments that were sealed, and writes a snapshot of the state behind the last
    /// of them: so a start reads the snapshot and the active segment.
    fn index_sealed(&self) -> Result<()> {
        let set = self.segments.snapshot();
        let (mut state, mut sequence) = newest_state(&*self.storage)?;
        let sealed = set.values().filter(|member| member.segment.is_sealed());
        // Recovery indexes without a snapshot, and a snapshot may be ahead of the index: what one
        // of them lacks is done here.
        let news = sealed.filter(|member| {
            member.segment.end_id() > sequence.next_id || member.sidecar.get().is_none()
        });
        let news: Vec<_> = news.cloned().collect();
        let Some(last) = news.last() else {
            return Ok(());
        };
        // An index must not survive what it points at.
        self.gate.wait_synced(last.segment.end_id())?;
        let known = sequence.next_id;
        for member in &news {
            self.index(member, &mut state, &mut sequence)?;
        }
        if sequence.next_id == known {
            return Ok(());
        }
        snapshot::write(&*self.storage, sequence.next_id, &state.0.to_bytes())
    }

    /// Takes the entries of a sealed segment into `state`, and indexes it if that is to be done.
    fn index(&self, member: &Member, state: &mut State, sequence: &mut Sequence) -> Result<()> {
        let segment = &member.segment;
        let (start, size) = (segment::HEADER_BYTES as u64, segment.size());
        let from = sequence.next_id;
        let covered = segment.end_id() <= from;
        let mut replayer = Replayer::new(state, from);
        let first = Sequence { next_id: segment.first_id(), epoch: 0 };
        let floor = segment.end_id();
        let end = scan::scan(segment, size, start, first, floor, Depth::Headers, &mut replayer)?;
        for damage in &replayer.damage {
            self.events.log(Level::Error, format_args!("{damage}"));
        }
        if end.sequence.next_id > from {
            *sequence = end.sequence;
        }
        if member.sidecar.get().is_some() {
            return Ok(());
        }
        let found: Vec<_> = std::mem::take(&mut replayer.found).into_iter().collect();
        let numbers: Vec<u32> = found.iter().map(|(number, _)| *number).collect();
        let sidecar = recovery::index(&*self.storage, segment, found, &self.segments, covered)?;
        let _ = member.sidecar.set(sidecar);
        for number in numbers {
            let partition = self.registry().partition(number).cloned();
            if let Some(partition) = partition {
                let mut inner = partition.lock();
                inner.newest_sealed = Some(segment.first_id());
                inner.extents.forget_through(segment.first_id());
            }
        }
        Ok(())
    }

    /// Writes a snapshot of the state as of now. After that, a start has no tail to read.
    pub(super) fn snapshot(&self) -> Result<()> {
        self.index_sealed()?;
        let set = self.segments.snapshot();
        let Some(active) = set.values().next_back().map(|member| &member.segment) else {
            return Ok(());
        };
        let (mut state, sequence) = newest_state(&*self.storage)?;
        if active.first_id() > sequence.next_id {
            // Another segment was sealed meanwhile; its own snapshot follows.
            return Ok(());
        }
        let mut replayer = Replayer::new(&mut state, sequence.next_id);
        let first = Sequence { next_id: active.first_id(), epoch: 0 };
        let start = segment::HEADER_BYTES as u64;
        let end =
            scan::scan(active, active.size(), start, first, 0, Depth::Headers, &mut replayer)?;
        drop(replayer);
        if end.sequence.next_id <= sequence.next_id {
            return Ok(());
        }
        // A snapshot must not know more than the disk.
        self.gate.wait_synced(end.sequence.next_id)?;
        snapshot::write(&*self.storage, end.sequence.next_id, &state.0.to_bytes())
    }

    /// Moves log start offsets as the topics' retention wants it, and forgets producers that have
    /// been silent for long. Returns whether any moved.
    fn retain(&self) -> Result<bool> {
        let now = self.clock.wall();
        let silent = i64::try_from(self.config.producer_expiration.as_millis()).unwrap_or(i64::MAX);
        let topics: Vec<_> = self.registry().all().cloned().collect();
        let mut moves = Vec::new();
        let mut moved = false;
        for live in topics {
            let config = &live.topic.config;
            let since = config.retention_ms.map(|ms| now.saturating_sub_unsigned(ms));
            let kept = Kept { since, bytes: config.retention_bytes };
            for partition in &live.partitions {
                partition.lock().state.expire_producers(now.saturating_sub(silent));
                let set = self.segments.snapshot();
                let (log_start, newest, extents) = {
                    let inner = partition.lock();
                    let extents = inner.extents.all().to_vec();
                    (inner.state.log_start, inner.newest_sealed, extents)
                };
                let number = partition.number();
                let records = Records { partition: number, log_start, newest, extents: &extents };
                let wanted = retention::log_start(&set, &records, &kept)?;
                let offset = wanted.min(partition.high_watermark());
                if offset > log_start {
                    moved = true;
                    moves.push((partition.clone(), offset));
                }
                if moves.len() >= MOVES_AT_ONCE {
                    self.move_log_starts(std::mem::take(&mut moves))?;
                }
            }
        }
        self.move_log_starts(moves)?;
        Ok(moved)
    }

    /// Moves log start offsets. When this returns, that is on the disk.
    pub(super) fn move_log_starts(&self, moves: Vec<(Arc<super::Partition>, u64)>) -> Result<()> {
        let event = |(partition, offset): &(Arc<super::Partition>, u64)| Event::LogStartMoved {
            partition: partition.number(),
            offset: *offset,
        };
        let events: Vec<Event> = moves.iter().map(event).collect();
        self.append_events(&events)?;
        for (partition, offset) in moves {
            partition.lock().state.log_start_moved(offset);
        }
        self.idle.ring();
        Ok(())
    }

    /// Removes and rewrites segments in which little is live.
    fn give_space_back(&self) -> Result<()> {
        let Some(&below) = snapshot::list(&*self.storage)?.get(snapshot::KEPT - 1) else {
            return Ok(());
        };
        let log_start = |number: u32| -> Option<u64> {
            let partition = self.registry().partition(number).cloned()?;
            Some(partition.log_start())
        };
        let segment_bytes = self.config.segment_bytes;
        let cleaned =
            cleaner::clean(&*self.storage, &self.segments, below, segment_bytes, &log_start)?;
        if cleaned.removed > 0 {
            let mebibytes = cleaned.freed >> 20;
            let text = format_args!(
                "gave {mebibytes} MiB back: {} segments became {}",
                cleaned.removed, cleaned.written
            );
            self.events.log(Level::Info, text);
        }
        Ok(())
    }
}

/// The state of the newest snapshot that can be read, and where the entries behind it begin; an
/// empty state where there is none.
pub(super) fn newest_state(
    storage: &dyn crate::sys::storage::Storage,
) -> Result<(State, Sequence)> {
    for id in snapshot::list(storage)? {
        let Some(snapshot) = snapshot::read(storage, id)? else {
            continue;
        };
        let state = DurableState::from_bytes(&snapshot.state)?;
        let sequence = Sequence { next_id: snapshot.id, epoch: state.epoch };
        return Ok((State(state), sequence));
    }
    Ok((State::default(), Sequence { next_id: 1, epoch: 0 }))
}
