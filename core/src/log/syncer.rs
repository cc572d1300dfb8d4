//! Group commit: one thread syncs for everybody; while one sync runs, the next group gathers.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::sys::storage::{Storage, StoredFile};

/// Where the writer says what it wrote, the syncer says what is on the disk, and everybody else
/// waits for it.
#[derive(Debug)]
pub struct Gate {
    state: Mutex<State>,
    /// Wakes the syncer.
    work: Condvar,
    /// All IDs below this one are on the disk. SYNC: stored before `waiting` is loaded by the
    /// syncer, loaded after `waiting` was raised by a waiter; sequential consistency lets at
    /// least one of them see the other.
    synced: AtomicU64,
    parked: Mutex<()>,
    /// Wakes threads in [`Gate::wait_synced`]: those that wait for a round with an even number,
    /// and those that wait for an odd one. So a sync wakes nobody whose records came too late for
    /// it: with many producers half of them always have.
    moved: [Turn; 2],
}

/// Who waits for the end of every other round.
#[derive(Debug, Default)]
struct Turn {
    ended: Condvar,
    waiting: AtomicUsize,
}

#[derive(Debug)]
struct State {
    /// All IDs below this one have been written.
    written: u64,
    /// A sync is wanted at once if this is above what is synced.
    wanted: u64,
    /// When the oldest bytes that nobody wants synced at once were written.
    since: Option<Instant>,
    active: Arc<dyn StoredFile>,
    /// Sealed files whose last bytes are not synced yet, and with them the names of the files.
    retired: Vec<Arc<dyn StoredFile>>,
    /// How many rounds have begun, and the ID below which the newest of them syncs all.
    begun: usize,
    begun_to: u64,
    /// How many rounds have ended.
    ended: usize,
    /// Whether somebody waits for the round that begins next, with something that has not been
    /// written yet.
    joined: bool,
    asleep: bool,
    closed: bool,
    failed: Option<Error>,
    /// The syncer's thread, once it runs.
    syncer: Option<ThreadId>,
}

/// What one round of the syncer has to do.
struct Round {
    number: usize,
    written: u64,
    files: Vec<Arc<dyn StoredFile>>,
    renamed: bool,
}

impl Gate {
    /// A gate before a log whose IDs below `next_id` are on the disk.
    pub fn new(active: Arc<dyn StoredFile>, next_id: u64) -> Self {
        Self {
            state: Mutex::new(State {
                written: next_id,
                wanted: 0,
                since: None,
                active,
                retired: Vec::new(),
                begun: 0,
                begun_to: 0,
                ended: 0,
                joined: false,
                asleep: false,
                closed: false,
                failed: None,
                syncer: None,
            }),
            work: Condvar::new(),
            synced: AtomicU64::new(next_id),
            parked: Mutex::new(()),
            moved: Default::default(),
        }
    }

    /// All IDs below this one are on the disk.
    pub fn synced_below(&self) -> u64 {
        self.synced.load(Ordering::SeqCst)
    }

    /// Says that all IDs below `id` have been written; `now` asks for a sync at once, otherwise
    /// one follows within the flush interval.
    pub fn written(&self, id: u64, now: bool) {
        let mut state = self.lock();
        state.written = id;
        if now {
            state.wanted = id;
        }
        // The clock is read only for the first bytes after a sync.
        let timer = state.since.is_none();
        if timer {
            state.since = Some(Instant::now());
        }
        if state.asleep && (now || timer) {
            state.asleep = false;
            self.work.notify_one();
        }
    }

    /// Says that the writer goes on in another file.
    pub fn rotated(&self, active: Arc<dyn StoredFile>) {
        let mut state = self.lock();
        let retired = std::mem::replace(&mut state.active, active);
        state.retired.push(retired);
    }

    /// Waits until all IDs below `id` are on the disk, asking for a sync if need be. Fails with
    /// what made the sync fail, or with [`ErrorKind::Closed`].
    pub fn wait_synced(&self, id: u64) -> Result<()> {
        while self.synced_below() < id {
            let round = self.ask_for(id)?;
            self.park_until_ended(round, || self.synced_below() < id);
        }
        Ok(())
    }

    /// As [`Gate::wait_synced`], for the writer: the syncer may be the one who writes, before a
    /// sync, and then syncs by itself what is written so far.
    pub(super) fn wait_synced_as_writer(&self, storage: &dyn Storage, id: u64) -> Result<()> {
        let round = {
            let mut state = self.lock();
            match state.syncer == Some(thread::current().id()) {
                true => state.round(),
                false => {
                    drop(state);
                    return self.wait_synced(id);
                }
            }
        };
        let result = round.sync(storage);
        match &result {
            Ok(synced) => self.synced.store(*synced, Ordering::SeqCst),
            // What it took to sync is not known to anybody else: no later sync may say yes.
            Err(failure) => self.lock().failed = Some(failure.clone()),
        }
        result.map(drop)
    }

    /// If a sync runs or is about to: waits for the end of the next one to begin, before which all
    /// that is queued by now is written together. So producers that come while the disk is busy
    /// cost one write, not one each. Returns at once where nobody wants a sync.
    pub fn join_next(&self) {
        let round = {
            let mut state = self.lock();
            let busy = state.ended < state.begun || state.wanted > self.synced_below();
            if !busy || state.check().is_err() {
                return;
            }
            state.joined = true;
            if std::mem::take(&mut state.asleep) {
                self.work.notify_one();
            }
            state.begun + 1
        };
        self.park_until_ended(round, || true);
    }

    /// Asks for a sync of all IDs below `id`. Returns the number of the round that will bring it.
    fn ask_for(&self, id: u64) -> Result<usize> {
        let mut state = self.lock();
        state.check()?;
        if state.wanted < id {
            state.wanted = id;
            if std::mem::take(&mut state.asleep) {
                self.work.notify_one();
            }
        }
        let runs = state.ended < state.begun;
        Ok(if runs && state.begun_to >= id { state.begun } else { state.begun + 1 })
    }

    /// Parks until the round has ended or will never come, for as long as `wanted`, or less.
    fn park_until_ended(&self, round: usize, wanted: impl Fn() -> bool) {
        let turn = &self.moved[round % 2];
        let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        turn.waiting.fetch_add(1, Ordering::SeqCst);
        while wanted() && self.lock().awaits(round) {
            parked = turn.ended.wait(parked).unwrap_or_else(PoisonError::into_inner);
        }
        turn.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    /// Why nothing more is synced, if so.
    pub fn failure(&self) -> Option<Error> {
        self.lock().failed.clone()
    }

    /// Ends the syncer; what it has not synced by then stays unsynced, and who waits for it fails.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.asleep = false;
        self.work.notify_one();
        drop(state);
        self.moved.iter().for_each(|turn| self.wake(turn));
    }

    /// The syncer's thread: syncs what is wanted at once, and what nobody wants within
    /// `flush_interval`, until the gate is closed or a sync fails. `synced` is called after each
    /// sync with the ID below which all is on the disk, or with the failure, after which nothing
    /// will ever be synced again. `gather` is called before a sync that somebody joined
    /// ([`Gate::join_next`]): it writes what is queued.
    pub fn run(
        &self,
        storage: &dyn Storage,
        flush_interval: Duration,
        gather: impl Fn(),
        mut synced: impl FnMut(Result<u64>),
    ) {
        self.lock().syncer = Some(thread::current().id());
        while let Some(round) = self.next_round(flush_interval, &gather) {
            let result = round.sync(storage);
            if let Ok(id) = &result {
                self.synced.store(*id, Ordering::SeqCst);
            }
            {
                let mut state = self.lock();
                state.ended = round.number;
                state.failed = result.as_ref().err().cloned();
            }
            if result.is_err() {
                break;
            }
            synced(result);
            self.wake(&self.moved[round.number % 2]);
        }
        if let Some(failure) = self.failure() {
            synced(Err(failure));
            self.moved.iter().for_each(|turn| self.wake(turn));
        }
    }

    fn next_round(&self, flush_interval: Duration, gather: &impl Fn()) -> Option<Round> {
        let mut state = self.lock();
        loop {
            if state.closed || state.failed.is_some() {
                return None;
            }
            let synced = self.synced_below();
            let left = state.since.map(|since| flush_interval.saturating_sub(since.elapsed()));
            let timed_out = left == Some(Duration::ZERO);
            let due =
                state.joined || state.written > synced && (state.wanted > synced || timed_out);
            if due {
                while std::mem::take(&mut state.joined) {
                    drop(state);
                    gather();
                    state = self.lock();
                }
                if state.failed.is_some() {
                    return None;
                }
                state.begun += 1;
                state.begun_to = state.written;
                return Some(state.round());
            }
            state.asleep = true;
            state = match left {
                Some(left) => {
                    self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
            state.asleep = false;
        }
    }

    fn wake(&self, turn: &Turn) {
        if turn.waiting.load(Ordering::SeqCst) > 0 {
            drop(self.parked.lock().unwrap_or_else(PoisonError::into_inner));
            turn.ended.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The sync of everything that is written by now.
    fn round(&mut self) -> Round {
        self.since = None;
        let mut files = std::mem::take(&mut self.retired);
        let renamed = !files.is_empty();
        files.push(self.active.clone());
        Round { number: self.begun, written: self.written, files, renamed }
    }

    /// Whether the round with this number is still to end.
    fn awaits(&self, round: usize) -> bool {
        self.check().is_ok() && self.ended < round
    }

    fn check(&self) -> Result<()> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None if self.closed => Err(Error::new(ErrorKind::Closed, "the broker is closed")),
            None => Ok(()),
        }
    }
}

impl Round {
    fn sync(&self, storage: &dyn Storage) -> Result<u64> {
        let doing = |error| Error::storage("syncing the log to the disk", error);
        for file in &self.files {
            file.sync().map_err(doing)?;
        }
        if self.renamed {
            storage.sync_names().map_err(doing)?;
        }
        Ok(self.written)
    }
}
