//! What a poll that waits is woken by: something to look at, or the application itself.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::engine::Wake;

/// Where a consumer waits, and where everybody who has news for it says so.
#[derive(Debug, Default)]
pub(super) struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    notified: bool,
    interrupted: bool,
}

/// Ends a [`poll`](super::Consumer::poll) that waits. From [`Consumer::waker`](super::Consumer).
///
/// May be used from any thread at any time, also after the consumer is gone.
#[derive(Debug, Clone)]
pub struct Waker(Arc<Signal>);

impl Waker {
    pub(super) fn new(signal: &Arc<Signal>) -> Self {
        Self(signal.clone())
    }

    /// Ends the poll that waits with [`Interrupted`](crate::ErrorKind::Interrupted). If none does,
    /// the next one ends so at once. Waking twice before that is waking once.
    pub fn wake(&self) {
        self.0.lock().interrupted = true;
        self.0.changed.notify_all();
    }
}

impl Signal {
    /// Says that there may be something to look at.
    pub(super) fn notify(&self) {
        self.lock().notified = true;
        self.changed.notify_all();
    }

    /// Whether the application woke the consumer since it was last asked.
    pub(super) fn take_interrupt(&self) -> bool {
        std::mem::take(&mut self.lock().interrupted)
    }

    /// Waits until there is something to look at, the application wakes the consumer, or time
    /// is up. Whoever waits looks first: what came before the call ends it at once.
    pub(super) fn wait(&self, deadline: Instant) {
        let mut state = self.lock();
        while !state.notified && !state.interrupted {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state =
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.notified = false;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Two flags cannot be left half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Signal {
    fn wake(&self, _token: usize) {
        self.notify();
    }
}
