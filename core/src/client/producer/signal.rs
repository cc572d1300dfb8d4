//! Something has happened: look again.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::engine::Wake;

/// Counts what happens, so that nobody who looks, finds nothing and then waits misses anything.
///
/// Its lock is a leaf: whoever holds it calls nobody. So it may be raised from the engine.
#[derive(Debug, Default)]
pub(super) struct Signal {
    count: Mutex<u64>,
    raised: Condvar,
}

impl Signal {
    /// How often it has been raised.
    pub(super) fn count(&self) -> u64 {
        *self.lock()
    }

    pub(super) fn raise(&self) {
        let mut count = self.lock();
        *count = count.wrapping_add(1);
        self.raised.notify_all();
    }

    /// Waits until it has been raised since it had been raised `seen` times, or the deadline
    /// passes.
    pub(super) fn wait(&self, seen: u64, deadline: Option<Instant>) {
        let mut count = self.lock();
        while *count == seen {
            count = match deadline {
                None => self.raised.wait(count).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return;
                    }
                    let woken = self.raised.wait_timeout(count, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Signal {
    fn wake(&self, _: usize) {
        self.raise();
    }
}
