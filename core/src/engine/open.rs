//! Opening and closing a broker.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;

use super::closing::Closing;
use super::drain::Drain;
use super::faults::Faults;
use super::group_settings::GroupConfigs;
use super::groups::{Groups, Timer, group_config};
use super::idle::Idle;
use super::keeper::{self, newest_state};
use super::partition::Inner;
use super::producer_ids::ProducerIds;
use super::queues;
use super::replay::State;
use super::topics::{Registry, random_id};
use super::{Broker, Config, Shared};
use crate::clock::{Clock, MovableClock, SystemClock};
use crate::error::{Error, Result};
use crate::limits::UNSYNCED_IDS_MAX;
use crate::log::extent::Extents;
use crate::log::recovery::{self, Opened};
use crate::log::syncer::Gate;
use crate::log::writer::Writer;
use crate::queue::ring::Ring;
use crate::state::event::Event;
use crate::state::groups::{Coordinator, Now};
use crate::state::queues::{QueueConfig, Queues};
use crate::sys::dir_lock::DirLock;
use crate::sys::disk::Disk;
use crate::sys::event_log::{EventLog, Level};
use crate::sys::storage::Storage;
use crate::sys::watched::Watched;

impl Broker {
    /// Opens the broker in a directory, which is created if need be. What happens to it is
    /// written to `events`.
    ///
    /// Fails with [`crate::ErrorKind::DirectoryLocked`] if another broker has the directory open.
    pub fn open(directory: &Path, config: Config, events: Arc<EventLog>) -> Result<Self> {
        config.check()?;
        fs::create_dir_all(directory).map_err(|error| {
            Error::storage(format_args!("creating the directory {}", directory.display()), error)
        })?;
        let lock = DirLock::acquire(directory)?;
        Self::open_locked(directory, lock, config, events)
    }

    /// Opens the broker in a directory that the caller has locked: who wants `events` to be
    /// written there too may open them only behind the lock.
    pub fn open_locked(
        directory: &Path,
        lock: DirLock,
        config: Config,
        events: Arc<EventLog>,
    ) -> Result<Self> {
        config.check()?;
        let storage = Arc::new(Disk::new(directory));
        let clock = Arc::new(SystemClock::default());
        Self::start(storage, clock, config, events, Some(lock))
    }

    /// Opens the broker on a storage and with a clock of one's own, which no other broker uses.
    pub fn open_on(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        config: Config,
        events: Arc<EventLog>,
    ) -> Result<Self> {
        config.check()?;
        Self::start(storage, clock, config, events, None)
    }

    pub(super) fn start(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        config: Config,
        events: Arc<EventLog>,
        lock: Option<DirLock>,
    ) -> Result<Self> {
        let clock = Arc::new(MovableClock::new(clock));
        let faults = Arc::<Faults>::default();
        let storage: Arc<dyn Storage> = Arc::new(Watched::new(storage, faults.clone()));
        let (mut state, known) = newest_state(&*storage)?;
        let opened = recovery::open(&*storage, known, &mut state)?;
        say_recovered(&events, &state, &opened);
        let session = Session::next(&mut state, &opened, storage.boot_id())?;
        let parts = (storage, clock, faults, lock);
        let shared = assemble(parts, config, events, opened, state, &session);
        let broker = Self { shared: Arc::new(shared), threads: Mutex::default() };
        broker.spawn("minka-sync", |shared| shared.run_syncer())?;
        // The epoch must be on the disk before anything is written in it.
        broker.shared.append_events(&[session.event])?;
        broker.spawn("minka-keeper", |shared| shared.keep())?;
        broker.spawn("minka-timer", |shared| shared.run_timer())?;
        Ok(broker)
    }

    fn spawn(&self, name: &str, run: impl FnOnce(&Arc<Shared>) + Send + 'static) -> Result<()> {
        let shared = self.shared.clone();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(&shared))
            .map_err(|error| Error::storage(format_args!("starting the thread {name}"), error))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// The cluster's ID: 22 characters, the same for the life of the data.
    pub fn cluster_id(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.shared.cluster_id)
    }

    /// The leader epoch of all partitions: grows with every start.
    pub fn leader_epoch(&self) -> u32 {
        self.shared.epoch
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Where the broker says what happens to it.
    pub fn events(&self) -> &Arc<EventLog> {
        &self.shared.events
    }

    /// The broker's clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// Ends the broker: refuses what comes from now on, brings to the disk what was written, and
    /// writes a snapshot so that the next start is quick. Returns what of this failed.
    pub fn close(&self) -> Result<()> {
        let shared = &self.shared;
        if !shared.closing.begin() {
            return Ok(());
        }
        shared.streams.close(shared.clock.wall());
        shared.timer.close();
        shared.keeper.close();
        shared.idle.ring();
        shared.faults.close();
        self.join("minka-timer");
        self.join("minka-keeper");
        let ended = shared.append_events(&[Event::SessionEnded]);
        shared.queue.close();
        let ended = ended.and_then(|()| {
            let _keeping = shared.keeping();
            shared.snapshot()
        });
        shared.gate.close();
        self.join("");
        shared.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        if ended.is_ok() {
            shared.events.log(Level::Info, format_args!("closed; everything is on the disk"));
        }
        ended
    }

    /// Joins the threads whose names begin with `prefix`.
    fn join(&self, prefix: &str) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = Vec::new();
        for thread in threads.drain(..) {
            if thread.thread().name().is_some_and(|name| name.starts_with(prefix)) {
                // A panic of the thread has been printed and has poisoned what it was writing.
                let _ = thread.join();
            } else {
                rest.push(thread);
            }
        }
        *threads = rest;
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Whoever wants to know about a failure calls close() first.
        let _ = self.close();
    }
}

impl Shared {
    fn run_syncer(&self) {
        let gather = || self.drain();
        let interval = self.config.flush_interval;
        self.gate.run(&*self.storage, interval, gather, |synced| match synced {
            Ok(id) => self.synced(id),
            Err(error) => {
                self.events.log(Level::Error, format_args!("{error}"));
                self.wake_synced(u64::MAX);
            }
        });
    }
}

/// Says what was found, what was cut and what is damaged.
fn say_recovered(events: &EventLog, state: &State, opened: &Opened) {
    for note in &opened.notes {
        events.log(Level::Warn, format_args!("{note}"));
    }
    let set = opened.segments.snapshot();
    let bytes: u64 = set.values().map(|member| member.segment.size()).sum();
    let text = format_args!(
        "recovered {} topics and {} groups from {} MiB in {} segments; the next ID is {}{}",
        state.0.catalog.topics().len(),
        state.0.groups.len(),
        bytes >> 20,
        set.len(),
        opened.sequence.next_id,
        if state.0.ended || state.0.epoch == 0 { "" } else { "; the last session was not closed" }
    );
    events.log(Level::Info, text);
}

/// A session of the broker, which begins with an event in the log.
struct Session {
    event: Event,
    epoch: u32,
    next_id: u64,
    cluster_id: [u8; 16],
}

impl Session {
    /// The session after what was recovered. Where a power cut may have taken entries that
    /// somebody has seen, IDs and offsets go on behind all that can have been given out.
    fn next(state: &mut State, opened: &Opened, boot_id: String) -> Result<Self> {
        let state = &mut state.0;
        let first = state.cluster_id == [0; 16];
        let cluster_id = if first { random_id()? } else { state.cluster_id };
        let epoch = state.epoch.max(opened.sequence.epoch) + 1;
        let same_boot = !boot_id.is_empty() && boot_id == state.boot_id;
        let ids_skipped = !first && !state.ended && !same_boot;
        let skip = if ids_skipped { UNSYNCED_IDS_MAX } else { 0 };
        let event = Event::SessionStarted { epoch, cluster_id, boot_id, ids_skipped };
        state.apply(&event);
        Ok(Self { event, epoch, next_id: opened.sequence.next_id + skip, cluster_id })
    }
}

/// What a broker stands on.
type Ground = (Arc<dyn Storage>, Arc<MovableClock>, Arc<Faults>, Option<DirLock>);

/// Puts the parts of a broker together.
fn assemble(
    (storage, clock, faults, lock): Ground,
    config: Config,
    events: Arc<EventLog>,
    opened: Opened,
    state: State,
    session: &Session,
) -> Shared {
    let state = state.0;
    let gate = Arc::new(Gate::new(opened.active.file.clone(), session.next_id));
    let mut writer = Writer::new(
        storage.clone(),
        opened.segments.clone(),
        gate.clone(),
        opened.active.clone(),
        (session.next_id, session.epoch),
        config.segment_bytes,
    );
    let mut found: std::collections::BTreeMap<u32, _> = opened.found.into_iter().collect();
    writer.extents_grew(found.values().map(|found| found.extents.all().len()).sum());
    let active = opened.active.first_id();
    let mut partitions = state.partitions;
    let now = Now { steady: clock.steady(), wall: clock.wall() };
    let mut coordinator = Coordinator::restore(group_config(&config), state.groups, now);
    coordinator.restore_consumers(state.consumer_groups, now);
    let group_configs = GroupConfigs::recovered(state.group_configs);
    let queues = Queues::restore(QueueConfig::default(), state.queues, now);
    let queues = queues::recovered(queues, &group_configs.all());
    let registry = Registry::recovered(state.catalog, |number| {
        let state = partitions.remove(&number).unwrap_or_default();
        let (extents, newest_sealed) = match found.remove(&number) {
            Some(found) => (found.extents, found.previous),
            None => (Extents::default(), state.segment_before(active)),
        };
        Inner { state, extents, newest_sealed, relaxed_below: 0 }
    });
    Shared {
        queue: Ring::new(config.queue_cells),
        config,
        clock: clock.clone(),
        movable: clock,
        storage,
        events,
        streams: Arc::default(),
        cluster_id: session.cluster_id,
        epoch: session.epoch,
        drain: Mutex::new(Drain::new(writer)),
        gate,
        segments: opened.segments,
        registry: RwLock::new(registry),
        admin: Mutex::default(),
        groups: Mutex::new(Groups::new(coordinator)),
        queues: Mutex::new(queues),
        bells: Arc::default(),
        timer: Timer::default(),
        idle: Idle::default(),
        faults,
        group_configs,
        producer_ids: Mutex::new(ProducerIds::new(state.next_producer_id)),
        unsynced: Mutex::new(VecDeque::new()),
        sync_watchers: Mutex::default(),
        keeper: keeper::Signal::default(),
        rounds: Mutex::default(),
        keeping: Mutex::default(),
        closing: Closing::default(),
        failed: AtomicBool::new(false),
        lock: Mutex::new(lock),
    }
}
