//! Waking who waits: the upward call of the engine.

use std::fmt;

/// Something that waits elsewhere: a door's thread, or a thread that called the engine.
///
/// `wake` is called from any thread, also from one that holds locks of the engine: it must not
/// call the engine, nor block.
pub trait Wake: Send + Sync + fmt::Debug {
    /// What was waited for under `token` may have happened: look again.
    fn wake(&self, token: usize);
}
