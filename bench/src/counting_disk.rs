//! The machine's disk, with a count of what the log asks of it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use minka::sys::disk::Disk;
use minka::sys::watched::{DiskCall, Watch, Watched};

/// How often files were synced, and how many bytes and writes went into them.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    syncs: AtomicU64,
    writes: AtomicU64,
    bytes: AtomicU64,
}

/// The counts at a moment, or between two.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) syncs: u64,
    pub(crate) writes: u64,
    pub(crate) bytes: u64,
}

impl Counts {
    /// The counts now.
    pub(crate) fn now(&self) -> Counted {
        Counted {
            syncs: self.syncs.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    /// What was counted since `before`.
    pub(crate) fn since(&self, before: Counted) -> Counted {
        let now = self.now();
        Counted {
            syncs: now.syncs - before.syncs,
            writes: now.writes - before.writes,
            bytes: now.bytes - before.bytes,
        }
    }
}

impl Watch for Counts {
    fn before(&self, call: DiskCall<'_>) -> io::Result<()> {
        match call {
            DiskCall::Read => {}
            DiskCall::Write(parts) => {
                let bytes: usize = parts.iter().map(|part| part.len()).sum();
                self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                self.writes.fetch_add(1, Ordering::Relaxed);
            }
            DiskCall::Sync => drop(self.syncs.fetch_add(1, Ordering::Relaxed)),
        }
        Ok(())
    }
}

/// The directory, which must exist, as a disk that counts.
pub(crate) fn counting_disk(directory: &Path) -> (Arc<Watched<Counts>>, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    (Arc::new(Watched::new(Arc::new(Disk::new(directory)), counts.clone())), counts)
}
