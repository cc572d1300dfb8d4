//! A [`Storage`] of which somebody hears before each read, write and sync of its files.

use std::fmt;
use std::fs::File;
use std::io;
use std::sync::Arc;

use super::storage::{Storage, StoredFile};

/// What a file, or the directory, is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskCall<'a> {
    /// Reading. What leaves the file by `sendfile` is not heard of.
    Read,
    /// Writing these parts.
    Write(&'a [&'a [u8]]),
    /// Syncing.
    Sync,
}

/// Who hears of a disk's calls. Called on the thread that makes the call, which may be held up.
pub trait Watch: Send + Sync + fmt::Debug + 'static {
    /// Something is about to be done; an error is what becomes of it instead.
    fn before(&self, call: DiskCall<'_>) -> io::Result<()>;
}

/// Another storage, and who hears of its calls.
#[derive(Debug)]
pub struct Watched<W> {
    storage: Arc<dyn Storage>,
    watch: Arc<W>,
}

#[derive(Debug)]
struct WatchedFile<W> {
    file: Arc<dyn StoredFile>,
    watch: Arc<W>,
}

impl<W: Watch> Watched<W> {
    /// `storage`, of which `watch` hears.
    pub fn new(storage: Arc<dyn Storage>, watch: Arc<W>) -> Self {
        Self { storage, watch }
    }
}

impl<W: Watch> Storage for Watched<W> {
    fn open(&self, name: &str, create: bool) -> io::Result<Arc<dyn StoredFile>> {
        let file = self.storage.open(name, create)?;
        Ok(Arc::new(WatchedFile { file, watch: self.watch.clone() }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.storage.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.storage.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.storage.list()
    }

    fn sync_names(&self) -> io::Result<()> {
        self.watch.before(DiskCall::Sync)?;
        self.storage.sync_names()
    }

    fn boot_id(&self) -> String {
        self.storage.boot_id()
    }
}

impl<W: Watch> StoredFile for WatchedFile<W> {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_exact_at(&self, buf: &mut [u8], position: u64) -> io::Result<()> {
        self.watch.before(DiskCall::Read)?;
        self.file.read_exact_at(buf, position)
    }

    fn write_all_at(&self, parts: &[&[u8]], position: u64) -> io::Result<()> {
        self.watch.before(DiskCall::Write(parts))?;
        self.file.write_all_at(parts, position)
    }

    fn sync(&self) -> io::Result<()> {
        self.watch.before(DiskCall::Sync)?;
        self.file.sync()
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.file.set_size(size)
    }

    fn as_file(&self) -> Option<&File> {
        self.file.as_file()
    }
}
