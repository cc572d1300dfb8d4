//! Records are read while others, placed right behind them, are still on their way to the file.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use minka::Broker;
use minka::clock::SystemClock;
use minka::engine::{Acks, Config};
use minka::sys::disk::Disk;
use minka::sys::event_log::EventLog;
use minka::sys::watched::{DiskCall, Watch, Watched};
use support::log::{batch, create, produce, read};

/// Holds the next write, once it is to: it says that it is there, and waits.
#[derive(Debug, Default)]
struct Hold(Mutex<Option<(SyncSender<()>, Receiver<()>)>>);

impl Watch for Hold {
    fn before(&self, call: DiskCall<'_>) -> io::Result<()> {
        if let DiskCall::Write(_) = call
            && let Some((arrived, go_on)) = self.0.lock().unwrap().take()
        {
            arrived.send(()).unwrap();
            go_on.recv().unwrap();
        }
        Ok(())
    }
}

#[test]
fn records_that_are_placed_and_not_written_do_not_hinder_those_before_them() {
    let directory = tempfile::tempdir().unwrap();
    let hold = Arc::new(Hold::default());
    let disk = Watched::new(Arc::new(Disk::new(directory.path())), hold.clone());
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
    *hold.0.lock().unwrap() = Some((arrived, may_go_on));
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
