//! What a test does to a broker: has it in memory, copies it, moves its clock.

use std::fs;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{Broker, Config, Shared};
use crate::clock::{Millis, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::log::copy::{self, Cut};
use crate::state::event::Event;
use crate::sys::dir_lock::DirLock;
use crate::sys::disk::{Disk, machine_boot_id};
use crate::sys::event_log::EventLog;
use crate::sys::memory::Memory;
use crate::sys::storage::Storage;

/// In how many steps the clock is moved at most: as many deadlines as one call waits for.
const STEPS_MAX: usize = 100_000;

impl Broker {
    /// Opens a broker that keeps everything in memory: nothing is left of it when it is closed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`].
    pub fn ephemeral(config: Config, events: Arc<EventLog>) -> Result<Self> {
        config.check()?;
        Self::in_memory(Memory::new(machine_boot_id()), config, events)
    }

    /// Opens a broker in memory with a copy of what is in a data directory, which is not changed.
    /// It may be that of an open broker only through [`Broker::snapshot`].
    ///
    /// # Errors
    /// [`ErrorKind::DirectoryLocked`] if a broker has the directory open;
    /// [`ErrorKind::InvalidConfig`] if there is no data of minka in it; those of
    /// [`Broker::open`].
    pub fn open_copy(directory: &Path, config: Config, events: Arc<EventLog>) -> Result<Self> {
        config.check()?;
        let shown = directory.display();
        let lock = DirLock::share(directory)?;
        let disk = Disk::read_only(directory);
        let memory = Memory::new(disk.boot_id());
        let found = copy::copy_all(&disk, &memory);
        drop(lock);
        if !found.map_err(|error| error.context(format_args!("copying {shown}")))? {
            let text = format!("there is no data of a broker in {shown}: nothing to copy");
            return Err(Error::new(ErrorKind::InvalidConfig, text));
        }
        Self::in_memory(memory, config, events)
    }

    /// Copies what the broker holds into a directory, which must be empty or absent: a data
    /// directory as any other. Others may use the broker meanwhile; what was acknowledged before
    /// the call is in the copy.
    ///
    /// # Errors
    /// [`ErrorKind::StorageFailed`]; [`ErrorKind::InvalidConfig`] for a directory with files in
    /// it; [`ErrorKind::Closed`].
    pub fn snapshot(&self, directory: &Path) -> Result<()> {
        let shared = &*self.shared;
        shared.check_open()?;
        let shown = directory.display();
        let failed = |error| Error::storage(format_args!("creating the directory {shown}"), error);
        fs::create_dir_all(directory).map_err(failed)?;
        if fs::read_dir(directory).map_err(failed)?.next().is_some() {
            let text = format!("the directory {shown} is not empty: name one that is, or none yet");
            return Err(Error::new(ErrorKind::InvalidConfig, text));
        }
        let _lock = DirLock::acquire(directory)?;
        let disk = Disk::new(directory);
        shared.copy_to(&disk).inspect_err(|_| {
            // Half a copy must not be taken for one; where it cannot be removed, nothing can.
            for name in disk.list().unwrap_or_default() {
                let _ = disk.remove(&name);
            }
        })
    }

    /// Moves the broker's clock forward. When this returns, everything that was due by then has
    /// happened: locks, sessions, rests and retention that ran out, dead letters.
    ///
    /// Only the broker's own time moves: how long a client waits for an answer does not, and a
    /// client behind an address goes on giving its records its own time.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for more than can be counted in milliseconds,
    /// [`ErrorKind::StorageFailed`], [`ErrorKind::Closed`].
    pub fn advance_clock(&self, by: Duration) -> Result<()> {
        let shared = &*self.shared;
        shared.check_open()?;
        let by = Millis::try_from(by.as_millis()).map_err(|_| {
            let text = "the clock cannot be moved that far: it counts milliseconds in 64 bits";
            Error::new(ErrorKind::InvalidRequest, text)
        })?;
        {
            let _rounds = shared.rounds();
            shared.move_clock(by);
        }
        // The thread sleeps for as long as it was right before.
        shared.timer.moved(Some(Millis::MIN));
        let _keeping = shared.keeping();
        shared.tidy_up(false)
    }

    fn in_memory(memory: Memory, config: Config, events: Arc<EventLog>) -> Result<Self> {
        let clock = Arc::new(SystemClock::default());
        Self::start(Arc::new(memory), clock, config, events, None)
    }
}

impl Shared {
    /// Moves the clock from deadline to deadline, as time would have gone: what rests because a
    /// lock ran out is through with its rest too, if there was time for that. The caller holds
    /// [`Shared::rounds`].
    fn move_clock(&self, by: Millis) {
        let mut left = by;
        for step in 0.. {
            self.timer_round();
            let next = self.next_step().map(|next| next.saturating_sub(self.clock.steady()));
            match next {
                // Something came up meanwhile, which the next round does.
                Some(..=0) if step < STEPS_MAX => continue,
                Some(next) if next < left && step < STEPS_MAX => {
                    self.movable.advance(next);
                    left -= next;
                }
                _ if left > 0 => {
                    self.movable.advance(left);
                    left = 0;
                }
                _ => break,
            }
        }
        self.expire_offsets();
    }

    /// Copies the log as it is now.
    fn copy_to(&self, disk: &Disk) -> Result<()> {
        let _keeping = self.keeping();
        let cut = {
            let drain = self.drain.lock().unwrap_or_else(PoisonError::into_inner);
            Cut::new(&self.segments, &drain.writer)
        };
        self.gate.wait_synced(cut.next_id())?;
        // Everything in the copy is on its disk: it is as if this session had ended here.
        cut.copy(&*self.storage, disk, &Event::SessionEnded.encode(), self.clock.wall())
    }
}
