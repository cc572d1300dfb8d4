//! A disk whose syncs wait while it is stopped.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use minka::sys::disk::Disk;
use minka::sys::storage::{Storage, StoredFile};

#[derive(Debug, Clone)]
pub(crate) struct StoppingDisk {
    disk: Arc<Disk>,
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
struct Gate {
    stopped: Mutex<bool>,
    changed: Condvar,
}

#[derive(Debug)]
struct File(Arc<dyn StoredFile>, Arc<Gate>);

impl StoppingDisk {
    pub(crate) fn new(directory: &Path) -> Self {
        Self { disk: Arc::new(Disk::new(directory)), gate: Arc::default() }
    }

    pub(crate) fn set_stopped(&self, stopped: bool) {
        *self.gate.stopped.lock().unwrap() = stopped;
        self.gate.changed.notify_all();
    }
}

impl Gate {
    fn pass(&self) {
        let stopped = self.stopped.lock().unwrap();
        drop(self.changed.wait_while(stopped, |stopped| *stopped).unwrap());
    }
}

impl Storage for StoppingDisk {
    fn open(&self, name: &str, create: bool) -> io::Result<Arc<dyn StoredFile>> {
        Ok(Arc::new(File(self.disk.open(name, create)?, self.gate.clone())))
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

impl StoredFile for File {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }
    fn read_exact_at(&self, buf: &mut [u8], position: u64) -> io::Result<()> {
        self.0.read_exact_at(buf, position)
    }
    fn write_all_at(&self, parts: &[&[u8]], position: u64) -> io::Result<()> {
        self.0.write_all_at(parts, position)
    }
    fn sync(&self) -> io::Result<()> {
        self.1.pass();
        self.0.sync()
    }
    fn set_size(&self, size: u64) -> io::Result<()> {
        self.0.set_size(size)
    }
    fn as_file(&self) -> Option<&fs::File> {
        self.0.as_file()
    }
}
