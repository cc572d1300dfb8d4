//! Waking who waits: the upward call of the engine.

use std::fmt;
use std::sync::{Condvar, Mutex, PoisonError};

/// Something that waits elsewhere: a door's thread, or a thread that called the engine.
///
/// `wake` is called from any thread, also from one that holds locks of the engine: it must not
/// call the engine, nor block.
pub trait Wake: Send + Sync + fmt::Debug {
    /// What was waited for under `token` may have happened: look again.
    fn wake(&self, token: usize);
}

/// A thread that waits for one thing.
#[derive(Debug, Default)]
pub struct Parker {
    woken: Mutex<bool>,
    turned: Condvar,
}

impl Parker {
    /// Waits until somebody has called [`Wake::wake`] since the last wait.
    pub fn park(&self) {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        while !*woken {
            woken = self.turned.wait(woken).unwrap_or_else(PoisonError::into_inner);
        }
        *woken = false;
    }
}

impl Wake for Parker {
    fn wake(&self, _token: usize) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.turned.notify_one();
    }
}
