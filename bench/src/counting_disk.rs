//! The machine's disk, with a count of what the log asks of it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use minka::sys::disk::Disk;
use minka::sys::storage::{Storage, StoredFile};

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

/// A [`Disk`] that counts.
#[derive(Debug)]
pub(crate) struct CountingDisk {
    disk: Disk,
    counts: Arc<Counts>,
}

impl CountingDisk {
    /// The directory, which must exist.
    pub(crate) fn new(directory: &Path) -> (Arc<Self>, Arc<Counts>) {
        let counts = Arc::new(Counts::default());
        let disk = Self { disk: Disk::new(directory), counts: counts.clone() };
        (Arc::new(disk), counts)
    }
}

impl Storage for CountingDisk {
    fn open(&self, name: &str, create: bool) -> io::Result<Arc<dyn StoredFile>> {
        let file = self.disk.open(name, create)?;
        let counts = self.counts.clone();
        Ok(Arc::new(CountingFile { file, counts }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn sync_names(&self) -> io::Result<()> {
        self.disk.sync_names()
    }

    fn boot_id(&self) -> String {
        self.disk.boot_id()
    }
}

#[derive(Debug)]
struct CountingFile {
    file: Arc<dyn StoredFile>,
    counts: Arc<Counts>,
}

impl StoredFile for CountingFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_exact_at(&self, buf: &mut [u8], position: u64) -> io::Result<()> {
        self.file.read_exact_at(buf, position)
    }

    fn write_all_at(&self, parts: &[&[u8]], position: u64) -> io::Result<()> {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        self.counts.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.counts.writes.fetch_add(1, Ordering::Relaxed);
        self.file.write_all_at(parts, position)
    }

    fn sync(&self) -> io::Result<()> {
        self.counts.syncs.fetch_add(1, Ordering::Relaxed);
        self.file.sync()
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.file.set_size(size)
    }

    fn as_file(&self) -> Option<&File> {
        self.file.as_file()
    }
}
