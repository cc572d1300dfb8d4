//! The broker without sockets: topics, appending, reading, groups.

mod admission;
mod append;
mod asking;
mod authentication;
mod cell;
mod closing;
mod config;
mod controls;
mod dead_letters;
mod delete_records;
mod delivery;
mod drain;
mod event_stream;
mod faults;
mod group_settings;
mod groups;
mod hooks;
mod idle;
mod keeper;
mod open;
mod partition;
mod producer_ids;
mod queue_fetch;
mod queue_waiting;
mod queues;
mod read;
mod replay;
mod ticket;
mod topics;
mod wake;

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;

pub use admission::Refused;
pub use append::Produce;
pub use cell::Acks;
pub use config::Config;
pub(crate) use config::SETTINGS;
pub use delivery::Passed;
pub use event_stream::{BrokerEvent, EventKind, EventStream, EventWaker};
pub use faults::{Effect, Fault};
pub(crate) use faults::{asked_for, lost};
pub use groups::{Deferred, Joined};
pub use hooks::{AuthenticationHook, Changed, Hooks, Login, Passing, Peer, RecordHook, Verdict};
pub use partition::Partition;
pub use queue_fetch::{QueueFetch, QueueRecords};
pub use read::{OffsetSpec, ReadOutcome};
pub use ticket::{Appended, Progress, Ticket};
pub use topics::{LiveTopic, NewTopic};
pub use wake::Wake;

use crate::clock::{Clock, MovableClock};
use crate::log::segments::Segments;
use crate::log::syncer::Gate;
use crate::queue::ring::Ring;
use crate::sys::dir_lock::DirLock;
use crate::sys::event_log::EventLog;
use crate::sys::storage::Storage;

/// A broker. May be used from any thread; [`Broker::close`] or dropping it ends its threads.
#[derive(Debug)]
pub struct Broker {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the broker's threads share.
///
/// Lock order, outermost first: `rounds` and `keeping` (one round of the timer's or the keeper's
/// work at a time), `admin`, `groups`, `queues`, `drain` (the log's write lock), a
/// partition's inner lock, everything else. A lock is held across a wait for the disk only where
/// its name says so: `admin` is.
#[derive(Debug)]
struct Shared {
    config: Config,
    clock: Arc<dyn Clock>,
    /// The same clock, as it can be moved.
    movable: Arc<MovableClock>,
    storage: Arc<dyn Storage>,
    events: Arc<EventLog>,
    streams: Arc<event_stream::Streams>,
    cluster_id: [u8; 16],
    epoch: u32,
    queue: Ring<cell::Cell>,
    drain: Mutex<drain::Drain>,
    gate: Arc<Gate>,
    segments: Arc<Segments>,
    registry: RwLock<topics::Registry>,
    /// One change of topics, or of settings, at a time.
    admin: Mutex<()>,
    groups: Mutex<groups::Groups>,
    queues: Mutex<queues::QueueGroups>,
    bells: Arc<queue_waiting::Bells>,
    timer: groups::Timer,
    idle: idle::Idle,
    faults: Arc<faults::Faults>,
    group_configs: group_settings::GroupConfigs,
    producer_ids: Mutex<producer_ids::ProducerIds>,
    /// What becomes visible with the next syncs, oldest first.
    unsynced: Mutex<VecDeque<drain::Unsynced>>,
    /// Who waits for IDs to be on the disk.
    sync_watchers: Mutex<Vec<(u64, wake::Waiter)>>,
    keeper: keeper::Signal,
    rounds: Mutex<()>,
    keeping: Mutex<()>,
    closing: closing::Closing,
    failed: AtomicBool,
    /// Keeps others out of the data directory until the broker is closed.
    lock: Mutex<Option<DirLock>>,
}
