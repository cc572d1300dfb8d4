//! Tickets: what becomes of the things that were put into the queue together.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::wake::{Waiter, Wake};
use crate::clock::Millis;
use crate::error::{Error, Result};

/// Where a batch, a record or an event ended up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The offset of the (first) record; 0 for an event.
    pub base_offset: u64,
    /// The unique ID of the (first) record; 0 for a duplicate, whose ID is not known any more.
    pub first_id: u64,
    /// The partition's log start offset.
    pub log_start: u64,
    /// The time of the append where the topic's records get it, or -1.
    pub log_append_time: Millis,
}

impl Default for Appended {
    fn default() -> Self {
        Self { base_offset: 0, first_id: 0, log_start: 0, log_append_time: -1 }
    }
}

/// Waits for a number of slots, each of which gets a result.
///
/// Shared by whoever submits and whoever writes; may be asked from any thread.
#[derive(Debug)]
pub struct Ticket {
    state: Mutex<State>,
    /// Whether something was submitted that is to be on the disk. SYNC: none; whoever submits is
    /// also the one who asks.
    for_sync: AtomicBool,
    waiter: Option<Waiter>,
}

#[derive(Debug)]
struct State {
    results: Vec<Result<Appended>>,
    remaining: usize,
    /// The results hold only when all IDs below this one are on the disk.
    synced_id: u64,
}

/// How far a ticket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Not everything has been written.
    Queued,
    /// Everything has been decided; it holds when all IDs below this one are on the disk.
    Written(u64),
}

impl Ticket {
    /// A ticket with a slot for each of `slots` results. When the last one is there, `wake` is
    /// called with the token.
    pub fn new(slots: usize, wake: Option<(Arc<dyn Wake>, usize)>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                results: vec![Ok(Appended::default()); slots],
                remaining: slots,
                synced_id: 0,
            }),
            for_sync: AtomicBool::new(false),
            waiter: wake.map(|(wake, token)| Waiter::new(&wake, token)),
        })
    }

    /// Fills a slot. With `synced_id` the result holds only when all IDs below it are on the disk.
    pub fn complete(&self, slot: u32, result: Result<Appended>, synced_id: u64) {
        let mut state = self.lock();
        if let Some(place) = state.results.get_mut(slot as usize) {
            *place = result;
        }
        state.synced_id = state.synced_id.max(synced_id);
        state.remaining = state.remaining.saturating_sub(1);
        let done = state.remaining == 0;
        drop(state);
        if let (true, Some(waiter)) = (done, &self.waiter) {
            waiter.wake();
        }
    }

    /// Notes that something was submitted that is to be on the disk.
    pub(super) fn expect_sync(&self) {
        self.for_sync.store(true, Ordering::Relaxed);
    }

    /// Whether it is worth while to wait for the next sync before anything is written.
    pub(super) fn may_join_sync(&self) -> bool {
        self.for_sync.load(Ordering::Relaxed) && self.progress() == Progress::Queued
    }

    /// How far everything is.
    pub fn progress(&self) -> Progress {
        let state = self.lock();
        if state.remaining > 0 { Progress::Queued } else { Progress::Written(state.synced_id) }
    }

    /// Takes the results out; `failure` takes the place of those that had been a success.
    pub fn take(&self, failure: Option<&Error>) -> Vec<Result<Appended>> {
        let mut results = std::mem::take(&mut self.lock().results);
        if let Some(failure) = failure {
            for result in results.iter_mut().filter(|result| result.is_ok()) {
                *result = Err(failure.clone());
            }
        }
        results
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
