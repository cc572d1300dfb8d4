//! Records are read while others, placed right behind them, are still on their way to the file.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::fs::File;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use minka::Broker;
use minka::clock::SystemClock;
use minka::engine::{Acks, Config};
use minka::sys::disk::Disk;
use minka::sys::event_log::EventLog;
use minka::sys::storage::{Storage, StoredFile};
use support::log::{batch, create, produce, read};

/// What a write does once it is to be held: it says that it is there, and waits.
type Hold = Arc<Mutex<Option<(SyncSender<()>, Receiver<()>)>>>;

/// A disk whose next write can be held.
#[derive(Debug)]
struct HeldDisk {
    disk: Disk,
    hold: Hold,
}

#[derive(Debug)]
struct HeldFile {
    file: Arc<dyn StoredFile>,
    hold: Hold,
}

impl Storage for HeldDisk {
    fn open(&self, name: &str, create: bool) -> io::Result<Arc<dyn StoredFile>> {
        let file = self.disk.open(name, create)?;
        Ok(Arc::new(HeldFile { file, hold: self.hold.clone() }))
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

impl StoredFile for HeldFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_exact_at(&self, buf: &mut [u8], position: u64) -> io::Result<()> {
        self.file.read_exact_at(buf, position)
    }

    fn write_all_at(&self, parts: &[&[u8]], position: u64) -> io::Result<()> {
        let held = self.hold.lock().unwrap().take();
        if let Some((arrived, go_on)) = held {
            arrived.send(()).unwrap();
            go_on.recv().unwrap();
        }
        self.file.write_all_at(parts, position)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.file.set_size(size)
    }

    fn as_file(&self) -> Option<&File> {
        self.file.as_file()
    }
}

#[test]
fn records_that_are_placed_and_not_written_do_not_hinder_those_before_them() {
    let directory = tempfile::tempdir().unwrap();
    let hold = Hold::default();
    let disk = HeldDisk { disk: Disk::new(directory.path()), hold: hold.clone() };
    let broker = Broker::open_on(
        Arc::new(disk),
        Arc::new(SystemClock::default()),
        Config::default(),
        Arc::new(EventLog::none()),
    );
    let broker = Arc::new(broker.unwrap());
    let topic = create(&broker, "t", 1).unwrap();
    produce(&broker, &topic, 0, batch(&["first"]), Acks::Synced).unwrap();

    let (arrived, has_arrived) = sync_channel(1);
    let (go_on, may_go_on) = sync_channel(1);
    *hold.lock().unwrap() = Some((arrived, may_go_on));
    let writer = thread::spawn({
        let (broker, topic) = (broker.clone(), topic.clone());
        move || produce(&broker, &topic, 0, batch(&["second"]), Acks::Synced)
    });
    has_arrived.recv().unwrap();
    let partition = topic.partition(0).unwrap();
    assert_eq!(read(&broker, partition, 0).unwrap(), [(0, b"first".to_vec())]);
    go_on.send(()).unwrap();
    writer.join().unwrap().unwrap();
    let both = [(0, b"first".to_vec()), (1, b"second".to_vec())];
    assert_eq!(read(&broker, partition, 0).unwrap(), both);
}
