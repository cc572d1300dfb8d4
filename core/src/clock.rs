//! Time as a service, so that a test can own it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01 UTC: the unit of every timestamp in the protocol and on disk.
pub type Millis = i64;

/// Where the engine reads the time.
///
/// Both readings are milliseconds. `wall` is for timestamps that people and clients see and may
/// jump; `steady` never goes back and is for timeouts.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Milliseconds since 1970-01-01 UTC.
    fn wall(&self) -> Millis;
    /// Milliseconds since some fixed moment before this clock was first read.
    fn steady(&self) -> Millis;
}

/// The machine's own clocks.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
    }

    fn steady(&self) -> Millis {
        Millis::try_from(self.origin.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }
}

/// A clock that goes as another one does, and can be moved forward.
#[derive(Debug)]
pub struct MovableClock {
    clock: Arc<dyn Clock>,
    /// By how many milliseconds it is ahead.
    ahead: AtomicI64,
}

impl MovableClock {
    /// A clock that is as `clock` is until it is moved.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, ahead: AtomicI64::new(0) }
    }

    /// Moves it forward, both its readings; for who is told of it afterwards, at once.
    pub fn advance(&self, by: Millis) {
        let ahead = |ahead: Millis| Some(ahead.saturating_add(by.max(0)));
        // SYNC: it never fails; who takes a lock behind this reads the new time.
        let _ = self.ahead.fetch_update(Ordering::SeqCst, Ordering::SeqCst, ahead);
    }
}

impl Clock for MovableClock {
    fn wall(&self) -> Millis {
        self.clock.wall().saturating_add(self.ahead.load(Ordering::Acquire))
    }

    fn steady(&self) -> Millis {
        self.clock.steady().saturating_add(self.ahead.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Stopped;

    impl Clock for Stopped {
        fn wall(&self) -> Millis {
            1_000
        }
        fn steady(&self) -> Millis {
            5
        }
    }

    #[test]
    fn a_moved_clock_is_ahead_and_never_goes_back() {
        let clock = MovableClock::new(Arc::new(Stopped));
        assert_eq!((clock.wall(), clock.steady()), (1_000, 5));
        clock.advance(60);
        clock.advance(-7);
        assert_eq!((clock.wall(), clock.steady()), (1_060, 65));
        clock.advance(Millis::MAX);
        assert_eq!((clock.wall(), clock.steady()), (Millis::MAX, Millis::MAX));
    }
}
