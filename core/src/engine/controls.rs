//! What a test does to a broker: moves its clock, copies it, waits until all is done.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Broker, Config};
use crate::clock::SystemClock;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::disk::machine_boot_id;
use crate::sys::event_log::EventLog;
use crate::sys::memory::Memory;

impl Broker {
    /// Opens a broker that keeps everything in memory: nothing is left of it when it is closed.
    pub fn ephemeral(config: Config, events: Arc<EventLog>) -> Result<Self> {
        config.check()?;
        let storage = Arc::new(Memory::new(machine_boot_id()));
        let clock = Arc::new(SystemClock::default());
        Self::start(storage, clock, config, events, None)
    }

    /// Opens a broker in memory with a copy of what is in a data directory, which is not changed.
    /// It may be that of an open broker only through [`Broker::snapshot`].
    pub fn open_copy(directory: &Path, config: Config, events: Arc<EventLog>) -> Result<Self> {
        let _ = (directory, config, events);
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }

    /// Copies what the broker holds into a directory, which must be empty or absent: a data
    /// directory as any other. Others may use the broker meanwhile; what was acknowledged before
    /// the call is in the copy.
    ///
    /// # Errors
    /// [`ErrorKind::StorageFailed`]; [`ErrorKind::InvalidConfig`] for a directory with files in it.
    pub fn snapshot(&self, directory: &Path) -> Result<()> {
        let _ = directory;
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }

    /// Moves the broker's clock forward. When this returns, everything that was due by then has
    /// happened: locks, sessions, rests and retention that ran out, dead letters.
    ///
    /// Only the broker's own time moves: how long a client waits for an answer does not.
    pub fn advance_clock(&self, by: Duration) -> Result<()> {
        let _ = by;
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }

    /// Waits until the lag of `group`, or of all groups, is zero: everything that is visible is
    /// committed, or settled in a queue group.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], which says what is left; [`ErrorKind::GroupNotFound`];
    /// [`ErrorKind::Closed`].
    pub fn wait_until_idle(&self, group: Option<&str>, timeout: Duration) -> Result<()> {
        let _ = (group, timeout);
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }
}
