//! Waking who waits: the upward call of the engine.

use std::fmt;
use std::sync::Arc;

/// Something that waits elsewhere: a door's thread, or a thread that called the engine.
///
/// `wake` is called from any thread, also from one that holds locks of the engine: it must not
/// call the engine, nor block.
pub trait Wake: Send + Sync + fmt::Debug {
    /// What was waited for under `token` may have happened: look again.
    fn wake(&self, token: usize);
}

/// Who is to be woken, and under which token.
#[derive(Debug, Clone)]
pub(super) struct Waiter {
    wake: Arc<dyn Wake>,
    token: usize,
}

impl Waiter {
    pub(super) fn new(wake: &Arc<dyn Wake>, token: usize) -> Self {
        Self { wake: wake.clone(), token }
    }

    pub(super) fn is(&self, wake: &Arc<dyn Wake>, token: usize) -> bool {
        self.token == token && Arc::ptr_eq(&self.wake, wake)
    }

    pub(super) fn wake(&self) {
        self.wake.wake(self.token);
    }
}
