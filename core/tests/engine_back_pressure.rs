//! A disk that stands still: the queue fills, producers wait for as long as they are willing to,
//! and then are told; nothing is dropped, and what was queued is written when the disk goes on.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use minka::ErrorKind;
use minka::clock::SystemClock;
use minka::engine::{Acks, Broker, Config, Produce, Ticket};
use minka::sys::event_log::EventLog;
use minka::sys::watched::{DiskCall, Watch, Watched};
use support::log::{batch, create, read};
use support::sim_disk::SimDisk;

/// Holds writes back while it is stopped.
#[derive(Debug, Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    waiting: bool,
}

impl Gate {
    fn set(&self, stopped: bool) {
        self.state.lock().unwrap().stopped = stopped;
        self.changed.notify_all();
    }

    /// Waits until somebody waits in [`Gate::before`].
    fn wait_for_writer(&self) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| !state.waiting).unwrap());
    }
}

impl Watch for Gate {
    fn before(&self, call: DiskCall<'_>) -> io::Result<()> {
        if let DiskCall::Write(_) = call {
            let mut state = self.state.lock().unwrap();
            state.waiting = state.stopped;
            self.changed.notify_all();
            drop(self.changed.wait_while(state, |state| state.stopped).unwrap());
        }
        Ok(())
    }
}

#[test]
fn a_full_queue_is_said_and_nothing_in_it_is_lost() {
    let gate = Arc::new(Gate::default());
    let storage = Arc::new(Watched::new(Arc::new(SimDisk::new()), gate.clone()));
    let config =
        Config { queue_cells: 4, queue_timeout: Duration::from_millis(30), ..Config::default() };
    let clock = Arc::new(SystemClock::default());
    let events = Arc::new(EventLog::none());
    let broker = Arc::new(Broker::open_on(storage, clock, config, events).unwrap());
    let topic = create(&broker, "t", 1).unwrap();
    let submit = |value: &str, ticket: &Arc<Ticket>| {
        let partition = topic.partition(0).unwrap();
        let batch = batch(&[value]);
        let acks = Acks::Synced;
        let produce = Produce { topic: &topic, partition, batch, acks, zstd_allowed: true };
        broker.submit(produce, ticket, 0)
    };
    gate.set(true);
    let first = Ticket::new(1, None);
    submit("0", &first).unwrap();
    let writing = std::thread::spawn({
        let broker = broker.clone();
        move || broker.drain()
    });
    gate.wait_for_writer();
    // One cell is being written, four more fit.
    let mut tickets = vec![first];
    let refused = loop {
        let ticket = Ticket::new(1, None);
        match submit(&tickets.len().to_string(), &ticket) {
            Ok(()) => tickets.push(ticket),
            Err(error) => break error,
        }
        assert!(tickets.len() <= 5, "the queue has four cells");
    };
    assert_eq!(refused.kind(), ErrorKind::QueueFull);
    assert!(refused.kind().is_retriable());
    assert!(tickets.iter().all(|ticket| broker.outcome(ticket).is_none()));
    gate.set(false);
    writing.join().unwrap();
    for ticket in &tickets {
        broker.wait(ticket).remove(0).unwrap();
    }
    let found = read(&broker, topic.partition(0).unwrap(), 0).unwrap();
    let expected: Vec<(u64, Vec<u8>)> =
        (0..tickets.len() as u64).map(|n| (n, n.to_string().into_bytes())).collect();
    assert_eq!(found, expected);
}
