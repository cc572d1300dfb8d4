//! Time as a service, so that a test can own it.

use std::fmt;
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
