//! An answer that is waited for, or looked for from time to time.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Where one thread puts an answer and another takes it.
#[derive(Debug)]
pub(in crate::client::consumer) struct Reply<T>(Arc<Place<T>>);

#[derive(Debug)]
struct Place<T> {
    answer: Mutex<Option<T>>,
    put: Condvar,
}

impl<T> Default for Reply<T> {
    fn default() -> Self {
        Self(Arc::new(Place { answer: Mutex::new(None), put: Condvar::new() }))
    }
}

impl<T> Clone for Reply<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Reply<T> {
    pub(in crate::client::consumer) fn put(&self, answer: T) {
        *self.lock() = Some(answer);
        self.0.put.notify_all();
    }

    /// Takes the answer, if it is there.
    pub(in crate::client::consumer) fn take(&self) -> Option<T> {
        self.lock().take()
    }

    /// Waits for the answer; `None` when time is up.
    pub(in crate::client::consumer) fn wait(&self, deadline: Instant) -> Option<T> {
        let mut answer = self.lock();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if answer.is_some() || left.is_zero() {
                return answer.take();
            }
            answer =
                self.0.put.wait_timeout(answer, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.0.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
