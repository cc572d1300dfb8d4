//! A [`Storage`] to which faults happen that a test asks for.

use std::fs::File;
use std::io;
use std::sync::Arc;

use nix::errno::Errno;

use super::faults::{DISK_READ, DISK_SYNC, DISK_WRITE, Effect, Faults};
use crate::sys::storage::{Storage, StoredFile};

/// Another storage, and what is to happen to it. Costs one load a call while nothing is.
#[derive(Debug)]
pub(super) struct FaultyStorage {
    storage: Arc<dyn Storage>,
    faults: Arc<Faults>,
}

#[derive(Debug)]
struct FaultyFile {
    file: Arc<dyn StoredFile>,
    faults: Arc<Faults>,
}

impl FaultyStorage {
    pub(super) fn new(storage: Arc<dyn Storage>, faults: Arc<Faults>) -> Self {
        Self { storage, faults }
    }
}

impl Faults {
    fn meet_on_disk(&self, at: &str) -> io::Result<()> {
        match self.strike(at) {
            Some(Effect::Error(_)) => Err(Errno::EIO.into()),
            Some(Effect::Delay(delay)) => {
                // A broker that closes has the rest of its work done.
                self.pause(delay);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Storage for FaultyStorage {
    fn open(&self, name: &str, create: bool) -> io::Result<Arc<dyn StoredFile>> {
        let file = self.storage.open(name, create)?;
        Ok(Arc::new(FaultyFile { file, faults: self.faults.clone() }))
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
        self.faults.meet_on_disk(DISK_SYNC)?;
        self.storage.sync_names()
    }

    fn boot_id(&self) -> String {
        self.storage.boot_id()
    }
}

impl StoredFile for FaultyFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_exact_at(&self, buf: &mut [u8], position: u64) -> io::Result<()> {
        self.faults.meet_on_disk(DISK_READ)?;
        self.file.read_exact_at(buf, position)
    }

    fn write_all_at(&self, parts: &[&[u8]], position: u64) -> io::Result<()> {
        self.faults.meet_on_disk(DISK_WRITE)?;
        self.file.write_all_at(parts, position)
    }

    fn sync(&self) -> io::Result<()> {
        self.faults.meet_on_disk(DISK_SYNC)?;
        self.file.sync()
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.file.set_size(size)
    }

    fn as_file(&self) -> Option<&File> {
        self.file.as_file()
    }
}
