//! Group commit: one thread syncs for everybody; while one sync runs, the next group gathers.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
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
    /// Wakes threads in [`Gate::wait_synced`].
    moved: Condvar,
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
    asleep: bool,
    closed: bool,
    failed: Option<Error>,
}

/// What one round of the syncer has to do.
struct Round {
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
                asleep: false,
                closed: false,
                failed: None,
            }),
            work: Condvar::new(),
            synced: AtomicU64::new(next_id),
            parked: Mutex::new(()),
            moved: Condvar::new(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// All IDs below this one are on the disk.
    pub fn synced_below(&self) -> u64 {
        self.synced.load(Ordering::SeqCst)
    }

    /// All IDs below this one are with the operating system.
    pub fn written_below(&self) -> u64 {
        self.lock().written
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
        if self.synced_below() >= id {
            return Ok(());
        }
        {
            let mut state = self.lock();
            state.check()?;
            if state.wanted < id {
                state.wanted = id;
                if std::mem::take(&mut state.asleep) {
                    self.work.notify_one();
                }
            }
        }
        let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_add(1, Ordering::SeqCst);
        while self.synced_below() < id && self.lock().check().is_ok() {
            parked = self.moved.wait(parked).unwrap_or_else(PoisonError::into_inner);
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        drop(parked);
        if self.synced_below() >= id { Ok(()) } else { self.lock().check() }
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
        self.wake_parked();
    }

    /// The syncer's thread: syncs what is wanted at once, and what nobody wants within
    /// `flush_interval`, until the gate is closed or a sync fails. `synced` is called after each
    /// sync with the ID below which all is on the disk, or with the failure, after which nothing
    /// will ever be synced again.
    pub fn run(
        &self,
        storage: &dyn Storage,
        flush_interval: Duration,
        mut synced: impl FnMut(Result<u64>),
    ) {
        while let Some(round) = self.next_round(flush_interval) {
            let result = round.sync(storage);
            match &result {
                Ok(id) => self.synced.store(*id, Ordering::SeqCst),
                Err(error) => self.lock().failed = Some(error.clone()),
            }
            let failed = result.is_err();
            synced(result);
            self.wake_parked();
            if failed {
                return;
            }
        }
    }

    fn next_round(&self, flush_interval: Duration) -> Option<Round> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let synced = self.synced_below();
            let left = state.since.map(|since| flush_interval.saturating_sub(since.elapsed()));
            let due =
                state.written > synced && (state.wanted > synced || left == Some(Duration::ZERO));
            if due {
                state.since = None;
                let mut files = std::mem::take(&mut state.retired);
                let renamed = !files.is_empty();
                files.push(state.active.clone());
                return Some(Round { written: state.written, files, renamed });
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

    fn wake_parked(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            drop(self.parked.lock().unwrap_or_else(PoisonError::into_inner));
            self.moved.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
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
