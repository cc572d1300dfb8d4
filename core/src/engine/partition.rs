//! A live partition: its offsets, where its records lie, and who waits for more of them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::wake::{Waiter, Wake};
use crate::log::extent::Extents;
use crate::state::partition::PartitionState;

/// A partition of a topic. Costs about 200 bytes while it is empty.
#[derive(Debug)]
pub struct Partition {
    number: u32,
    deleted: AtomicBool,
    watched: AtomicBool,
    /// Records below this offset are visible. SYNC: stored with release after the records'
    /// extents are in place, loaded with acquire by readers before they look for them.
    high_watermark: AtomicU64,
    inner: Mutex<Inner>,
    watchers: Mutex<Vec<Waiter>>,
}

/// What the lock of a partition guards. Whoever appends holds the log's write lock as well.
#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) state: PartitionState,
    /// Where records lie in segments that have no sidecar yet.
    pub(super) extents: Extents,
    /// The newest segment with a sidecar that holds records.
    pub(super) newest_sealed: Option<u64>,
    /// When IDs below this one are on the disk, the log says that the partition is relaxed.
    pub(super) relaxed_below: u64,
}

impl Partition {
    /// A partition with what recovery knows of it; everything in it is visible.
    pub(super) fn new(number: u32, inner: Inner) -> Arc<Self> {
        Arc::new(Self {
            number,
            deleted: AtomicBool::new(false),
            watched: AtomicBool::new(false),
            high_watermark: AtomicU64::new(inner.state.next_offset),
            inner: Mutex::new(inner),
            watchers: Mutex::new(Vec::new()),
        })
    }

    /// Its broker-wide number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The offset after the last visible record.
    pub fn high_watermark(&self) -> u64 {
        self.high_watermark.load(Ordering::Acquire)
    }

    /// The first offset that may be read.
    pub fn log_start(&self) -> u64 {
        self.lock().state.log_start
    }

    /// Whether its topic has been deleted.
    pub fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Acquire)
    }

    /// Asks for `wake` to be called with `token` when records become visible at or behind
    /// `offset`, or when the partition is deleted. `false` if there is something to see already,
    /// in which case nobody is called.
    pub fn watch(&self, offset: u64, wake: &Arc<dyn Wake>, token: usize) -> bool {
        let mut watchers = self.watchers();
        // SYNC: pairs with advance(), which moves the watermark before it looks at `watched`.
        self.watched.store(true, Ordering::SeqCst);
        if self.high_watermark.load(Ordering::SeqCst) > offset || self.is_deleted() {
            return false;
        }
        if !watchers.iter().any(|waiter| waiter.is(wake, token)) {
            watchers.push(Waiter::new(wake, token));
        }
        true
    }

    /// Takes back what [`Partition::watch`] asked for.
    pub fn unwatch(&self, wake: &Arc<dyn Wake>, token: usize) {
        let mut watchers = self.watchers();
        watchers.retain(|waiter| !waiter.is(wake, token));
        if watchers.is_empty() {
            watchers.shrink_to_fit();
        }
    }

    /// Makes records below `offset` visible and wakes who waits for them.
    pub(super) fn advance(&self, offset: u64) {
        self.high_watermark.fetch_max(offset, Ordering::SeqCst);
        if self.watched.load(Ordering::SeqCst) {
            self.wake_watchers();
        }
    }

    /// Marks it as deleted and wakes everybody.
    pub(super) fn delete(&self) {
        self.deleted.store(true, Ordering::SeqCst);
        self.wake_watchers();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under this lock would come from a broken invariant of the log; the offsets
        // themselves are changed last and stay sound.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watchers(&self) -> MutexGuard<'_, Vec<Waiter>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_watchers(&self) {
        let mut watchers = self.watchers();
        self.watched.store(false, Ordering::SeqCst);
        for waiter in watchers.drain(..) {
            waiter.wake();
        }
    }
}
