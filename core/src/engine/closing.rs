//! The end of a broker, for those who wait for something else on it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::{Broker, Shared, Wake};
use crate::error::{Error, ErrorKind, Result};

/// Whether closing has begun; the queue is closed at its end.
#[derive(Debug, Default)]
pub(super) struct Closing {
    begun: AtomicBool,
    /// Who wants to be woken by that.
    watchers: Mutex<Vec<Weak<dyn Wake>>>,
}

impl Broker {
    /// Fails with [`ErrorKind::Closed`] once the broker has been closed, or is being closed.
    pub fn check_open(&self) -> Result<()> {
        self.shared.check_open()
    }

    /// Asks for `wake` to be called, with token 0, when the broker is closed. It is not kept
    /// alive for that.
    pub fn watch_closing(&self, wake: &Arc<dyn Wake>) {
        let mut watchers = self.shared.closing.watchers();
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(Arc::downgrade(wake));
    }
}

impl Shared {
    pub(super) fn check_open(&self) -> Result<()> {
        if self.closing.begun.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Closed, "the broker has been closed"));
        }
        Ok(())
    }
}

impl Closing {
    /// Begins, and wakes who wants to know. `false` if it has begun before.
    pub(super) fn begin(&self) -> bool {
        if self.begun.swap(true, Ordering::SeqCst) {
            return false;
        }
        let watchers = std::mem::take(&mut *self.watchers());
        watchers.iter().filter_map(Weak::upgrade).for_each(|watcher| watcher.wake(0));
        true
    }

    fn watchers(&self) -> MutexGuard<'_, Vec<Weak<dyn Wake>>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
