//! A disk in memory that does what disks may do, and no more than that.
//!
//! - Bytes that were written but not synced may be lost in a power cut, sector by sector, in any
//!   combination; synced ones may not.
//! - Creations, renames and removals that were not synced take effect in their order up to some
//!   point; those synced all do.
//! - After a failed sync, what it should have written can still be read, but no later sync writes
//!   it: Linux counts the pages as clean.
//! - When the power is off, everything fails.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use minka::sys::storage::{Storage, StoredFile};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

const SECTOR: usize = 512;

/// The disk, as a running machine sees it.
#[derive(Debug)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    boot: u64,
}

/// When the disk stops working, and which of its calls fail.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// The power goes off at this call that changes something.
    pub power_off_after: Option<i64>,
    /// This sync fails.
    pub fail_sync: Option<i64>,
    /// This write fails half way: the disk is full.
    pub fail_write: Option<i64>,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<Inode>,
    names: HashMap<String, usize>,
    synced_names: HashMap<String, usize>,
    name_changes: Vec<NameChange>,
    off: bool,
    calls: i64,
    syncs: i64,
    writes: i64,
    faults: Faults,
}

#[derive(Debug, Clone)]
enum NameChange {
    Set(String, usize),
    Rename(String, String),
    Remove(String),
}

#[derive(Debug, Default, Clone)]
struct Inode {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// Sectors that differ from what is synced and that a sync would write.
    dirty: std::collections::BTreeSet<usize>,
    resized: bool,
}

#[derive(Debug)]
struct SimFile {
    state: Arc<Mutex<State>>,
    inode: usize,
}

fn gone() -> io::Error {
    io::Error::other("the power is off")
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self { state: Arc::default(), boot: 1 }
    }

    pub fn set_faults(&self, faults: Faults) {
        let mut state = self.state.lock().unwrap();
        (state.calls, state.syncs, state.writes) = (0, 0, 0);
        state.faults = faults;
    }

    /// Whether the power went off.
    pub fn is_off(&self) -> bool {
        self.state.lock().unwrap().off
    }

    /// Nothing works any more, as when the process ends; nothing is lost.
    pub fn stop(&self) {
        self.state.lock().unwrap().off = true;
    }

    /// The disk as the next process of the same machine finds it.
    pub fn next_process(&self) -> Self {
        let state = self.state.lock().unwrap();
        let next = State {
            files: state.files.clone(),
            names: state.names.clone(),
            synced_names: state.synced_names.clone(),
            name_changes: state.name_changes.clone(),
            ..State::default()
        };
        Self { state: Arc::new(Mutex::new(next)), boot: self.boot }
    }

    /// The disk as the machine finds it after a power cut.
    pub fn after_power_cut(&self, seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let state = self.state.lock().unwrap();
        let mut names = state.synced_names.clone();
        let kept = random.random_range(0..=state.name_changes.len());
        state.name_changes[..kept].iter().for_each(|change| change.apply(&mut names));
        let keep = [0.0, 0.5, 0.9, 1.0][random.random_range(0..4)];
        let files: Vec<Inode> =
            state.files.iter().map(|inode| inode.after_power_cut(keep, &mut random)).collect();
        let next = State { files, synced_names: names.clone(), names, ..State::default() };
        Self { state: Arc::new(Mutex::new(next)), boot: self.boot + 1 }
    }

    /// The bytes of a file.
    pub fn read(&self, name: &str) -> Vec<u8> {
        let state = self.state.lock().unwrap();
        state.files[state.names[name]].bytes.clone()
    }

    /// Changes the bytes of a file behind everybody's back.
    pub fn damage(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state.lock().unwrap();
        let inode = state.names[name];
        change(&mut state.files[inode].bytes);
        state.files[inode].synced = state.files[inode].bytes.clone();
    }
}

impl NameChange {
    fn apply(&self, names: &mut HashMap<String, usize>) {
        match self {
            Self::Set(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl Inode {
    fn mark(&mut self, from: usize, to: usize) {
        self.dirty.extend(from / SECTOR..to.div_ceil(SECTOR));
    }

    /// What of the dirty sectors reaches the disk.
    fn flush(&mut self, mut reaches: impl FnMut(usize) -> bool) {
        for sector in std::mem::take(&mut self.dirty) {
            let (from, to) = (sector * SECTOR, ((sector + 1) * SECTOR).min(self.bytes.len()));
            if from < to && reaches(sector) {
                if self.synced.len() < to {
                    self.synced.resize(to, 0);
                }
                self.synced[from..to].copy_from_slice(&self.bytes[from..to]);
            }
        }
    }

    fn after_power_cut(&self, keep: f64, random: &mut SmallRng) -> Self {
        let mut inode = self.clone();
        inode.flush(|_| random.random_bool(keep));
        if inode.resized && random.random_bool(keep) {
            inode.synced.resize(inode.bytes.len(), 0);
        }
        Self { bytes: inode.synced.clone(), synced: inode.synced, ..Self::default() }
    }
}

impl State {
    /// Counts a call that changes something; the power may go off before it.
    fn change(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.faults.power_off_after.is_some_and(|after| self.calls > after) {
            self.off = true;
        }
        if self.off { Err(gone()) } else { Ok(()) }
    }

    fn rename_inner(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }
}

impl Storage for SimDisk {
    fn open(&self, name: &str, create: bool) -> io::Result<Arc<dyn StoredFile>> {
        let mut state = self.state.lock().unwrap();
        if state.off {
            return Err(gone());
        }
        let inode = match state.names.get(name) {
            Some(inode) => *inode,
            None if !create => return Err(io::ErrorKind::NotFound.into()),
            None => {
                state.change()?;
                state.files.push(Inode::default());
                let inode = state.files.len() - 1;
                state.rename_inner(NameChange::Set(name.to_owned(), inode));
                inode
            }
        };
        Ok(Arc::new(SimFile { state: self.state.clone(), inode }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.change()?;
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.rename_inner(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.change()?;
        if !state.names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.rename_inner(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state.lock().unwrap();
        if state.off { Err(gone()) } else { Ok(state.names.keys().cloned().collect()) }
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.change()?;
        state.synced_names = state.names.clone();
        state.name_changes.clear();
        Ok(())
    }

    fn boot_id(&self) -> String {
        format!("boot {}", self.boot)
    }
}

impl StoredFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        let state = self.state.lock().unwrap();
        if state.off { Err(gone()) } else { Ok(state.files[self.inode].bytes.len() as u64) }
    }

    fn read_exact_at(&self, buf: &mut [u8], position: u64) -> io::Result<()> {
        let state = self.state.lock().unwrap();
        if state.off {
            return Err(gone());
        }
        let bytes = &state.files[self.inode].bytes;
        let from = position as usize;
        let Some(found) = bytes.get(from..from + buf.len()) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        buf.copy_from_slice(found);
        Ok(())
    }

    fn write_all_at(&self, parts: &[&[u8]], position: u64) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        // A write can be cut off by the power as well: then a part of it may reach the disk.
        let cut = state.change().is_err();
        state.writes += 1;
        let full = state.faults.fail_write == Some(state.writes);
        let mut bytes: Vec<u8> = parts.concat();
        if cut || full {
            bytes.truncate(bytes.len() / 2);
        }
        let inode = &mut state.files[self.inode];
        let (from, to) = (position as usize, position as usize + bytes.len());
        if inode.bytes.len() < to {
            inode.bytes.resize(to, 0);
        }
        inode.bytes[from..to].copy_from_slice(&bytes);
        inode.mark(from, to);
        match (cut, full) {
            (true, _) => Err(gone()),
            (_, true) => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.change()?;
        state.syncs += 1;
        let failed = state.faults.fail_sync == Some(state.syncs);
        let inode = &mut state.files[self.inode];
        if failed {
            inode.dirty.clear();
            return Err(io::Error::other("input/output error"));
        }
        inode.flush(|_| true);
        if inode.resized {
            inode.synced.resize(inode.bytes.len(), 0);
            inode.resized = false;
        }
        Ok(())
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.change()?;
        let inode = &mut state.files[self.inode];
        let old = inode.bytes.len();
        inode.bytes.resize(size as usize, 0);
        inode.mark(old.min(size as usize), size as usize);
        inode.resized = true;
        Ok(())
    }

    fn as_file(&self) -> Option<&File> {
        None
    }
}

/// A number that grows with every call, for values that never repeat.
pub fn next_number() -> i64 {
    static NEXT: AtomicI64 = AtomicI64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
