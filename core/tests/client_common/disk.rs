//! A disk whose syncs wait while it is stopped.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use minka::sys::disk::Disk;
use minka::sys::storage::Storage;
use minka::sys::watched::{DiskCall, Watch, Watched};

/// Holds syncs back while it is closed.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    stopped: Mutex<bool>,
    changed: Condvar,
}

/// The disk, and what stops it.
pub(crate) fn stopping_disk(directory: &Path) -> (Arc<dyn Storage>, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    (Arc::new(Watched::new(Arc::new(Disk::new(directory)), gate.clone())), gate)
}

impl Gate {
    pub(crate) fn set_stopped(&self, stopped: bool) {
        *self.stopped.lock().unwrap() = stopped;
        self.changed.notify_all();
    }
}

impl Watch for Gate {
    fn before(&self, call: DiskCall<'_>) -> io::Result<()> {
        if call == DiskCall::Sync {
            let stopped = self.stopped.lock().unwrap();
            drop(self.changed.wait_while(stopped, |stopped| *stopped).unwrap());
        }
        Ok(())
    }
}
