//! Sending to a broker in this process: batches go into its queue, by whichever thread is here.
//!
//! A batch that is sent while nothing is under way leaves at once, from the thread that sends it,
//! and whoever waits for it looks after it. Only when records gather behind others, or somebody
//! wants to be called back, a thread is started that does the same when nobody else is here.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use bytes::Bytes;

use super::accumulator::{Accumulator, Layout};
use super::batch::Batch;
use super::delivery::{Fate, Help, Slot};
use super::part::When;
use super::signal::Signal;
use crate::engine::{
    Appended, Broker, LiveTopic, Peer, Produce, Progress, Refused, Ticket, Wake, lost,
};
use crate::error::{ErrorKind, Result};

/// What brings batches to a broker in this process.
///
/// Lock order: `flights`, then that of the accumulator. Neither is held while the engine appends.
#[derive(Debug)]
pub(super) struct Local {
    broker: Arc<Broker>,
    accumulator: Arc<Accumulator>,
    flights: Mutex<Flights>,
    signal: Arc<Signal>,
    stopped: AtomicBool,
    /// Whether somebody has waited since the last record was added. SYNC: none; it is a hint.
    waited: AtomicBool,
    thread: Mutex<Option<JoinHandle<()>>>,
    itself: Weak<Self>,
}

#[derive(Debug, Default)]
struct Flights {
    /// What the broker has, oldest first.
    queue: VecDeque<Flight>,
    /// Whether a thread is handing batches over: one at a time, so that they keep their order.
    submitting: bool,
    /// Whether a thread is telling what became of batches: one at a time, for the same reason.
    settling: bool,
}

/// Batches that share a ticket, one slot each.
#[derive(Debug)]
struct Flight {
    ticket: Arc<Ticket>,
    batches: Vec<Batch>,
    /// By slot: the records because of which batches were refused.
    refused: Vec<(usize, Vec<(u32, String)>)>,
    watched: bool,
}

impl Local {
    pub(super) fn new(broker: Arc<Broker>, accumulator: Arc<Accumulator>) -> Arc<Self> {
        Arc::new_cyclic(|itself| Self {
            broker,
            accumulator,
            flights: Mutex::default(),
            signal: Arc::default(),
            stopped: AtomicBool::new(false),
            waited: AtomicBool::new(true),
            thread: Mutex::default(),
            itself: itself.clone(),
        })
    }

    /// What a topic looks like; creates it if it may.
    pub(super) fn look_up(&self, topic: &str) -> Result<Layout> {
        let look_up = || self.broker.topic_or_create(topic).map(|live| layout(&live));
        self.broker.call_as("Metadata", look_up)
    }

    /// The time by the broker's clock.
    pub(super) fn now(&self) -> i64 {
        self.broker.clock().wall()
    }

    /// After a record has been added with which a batch began or ended, or with `called_back`
    /// somebody wants to be called.
    ///
    /// Who waits for each record is served best by his own thread. Who does not wait shall not be
    /// held up by the disk either, and his records gather while another thread writes.
    pub(super) fn added(&self, called_back: bool) {
        if self.waited.swap(false, Ordering::Relaxed) {
            self.work();
        }
        if called_back || !self.accumulator.lock().active.is_empty() {
            self.start_thread();
            self.signal.raise();
        }
    }

    /// Waits until all batches below `mark` are finished; `false` if the deadline passes.
    pub(super) fn wait_finished(&self, mark: u64, deadline: Instant) -> bool {
        self.waited.store(true, Ordering::Relaxed);
        self.work_until(deadline, || self.accumulator.lock().is_finished(mark))
    }

    /// Has the thread end soon.
    pub(super) fn end(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.signal.raise();
    }

    /// Ends the thread, and gives up what is not acknowledged.
    pub(super) fn stop(&self) {
        self.end();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // What panicked has been printed; nothing of it is used any more.
            let _ = thread.join();
        }
        let flights = std::mem::take(&mut self.lock().queue);
        let under_way = flights.into_iter().flat_map(|flight| flight.batches);
        let mut given_up: Vec<Batch> = under_way.collect();
        given_up.extend(self.accumulator.lock().take_all());
        let fate = || Fate::Failed(super::accumulator::given_up());
        self.accumulator.finish(given_up.into_iter().map(|batch| (batch, fate())).collect());
        self.signal.raise();
    }

    /// Hands over what may leave and tells what is known, until there is nothing to do.
    fn work(&self) {
        self.settle();
        while self.submit() {
            self.settle();
        }
    }

    /// Works, and waits for more to do, until `done` or the deadline.
    fn work_until(&self, deadline: Instant, done: impl Fn() -> bool) -> bool {
        loop {
            let seen = self.signal.count();
            self.work();
            if done() {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            self.signal.wait(seen, Some(deadline));
        }
    }

    /// Puts what may leave into the broker's queue and has it written. `false` if there was
    /// nothing, or another thread is doing so: it then looks again.
    fn submit(&self) -> bool {
        let mut flights = self.lock();
        if flights.submitting {
            return false;
        }
        let config = &self.accumulator.config;
        let when = When {
            now: Instant::now(),
            idle: flights.queue.is_empty(),
            linger: config.linger,
            flush_to: 0,
            in_flight_max: usize::MAX,
        };
        let mut batches = Vec::new();
        self.accumulator.lock().take(
            &when,
            |_| true,
            |_, batch| {
                batches.push(batch);
                true
            },
        );
        if batches.is_empty() {
            return false;
        }
        flights.submitting = true;
        drop(flights);
        let bytes = batches.iter_mut().map(|batch| {
            batch.attempts += 1;
            batch.finish(config.compression).map(Bytes::copy_from_slice)
        });
        let bytes: Vec<Result<Bytes>> = bytes.collect();
        let slots = batches.iter().map(|batch| (batch.part, batch.created));
        let slots: Vec<(usize, Instant)> = slots.collect();
        let wake: Arc<dyn Wake> = self.signal.clone();
        let ticket = Ticket::new(batches.len(), Some((wake, 0)));
        let refused = Vec::new();
        let flight = Flight { ticket: ticket.clone(), batches, refused, watched: false };
        self.lock().queue.push_back(flight);
        let met = self.broker.meet_fault("Produce");
        let unheard = met.as_ref().is_ok_and(|lost| *lost).then(|| Ticket::new(slots.len(), None));
        let told = unheard.as_ref().unwrap_or(&ticket);
        for (slot, ((part, created), bytes)) in (0..).zip(slots.into_iter().zip(bytes)) {
            let submit = |_| self.submit_batch(part, created, &bytes?, told, slot);
            if let Err(error) = met.clone().and_then(submit) {
                told.complete(slot, Err(error), 0);
            }
        }
        self.broker.drain();
        if let Some(unheard) = &unheard {
            // What nothing is heard of is stored by then.
            for slot in (0..).take(self.broker.wait(unheard).len()) {
                ticket.complete(slot, Err(lost("Produce")), 0);
            }
        }
        self.lock().submitting = false;
        true
    }

    fn submit_batch(
        &self,
        part: usize,
        created: Instant,
        bytes: &Bytes,
        ticket: &Arc<Ticket>,
        slot: u32,
    ) -> Result<()> {
        let config = &self.accumulator.config;
        let (name, index) = self.accumulator.lock().name_of(part)?;
        let live = self.broker.topic_or_create(&name)?;
        self.accumulator.lock().set_layout(&name, &layout(&live), config);
        let partition = live.partition(i32::try_from(index).unwrap_or(-1))?;
        let produce = |batch| {
            let (topic, acks) = (&*live, config.acks);
            Produce { topic, partition, batch, acks, zstd_allowed: true }
        };
        let mut admitted = produce(bytes.clone());
        let peer = Peer { client_id: &config.client_id, ..Peer::default() };
        if let Err(Refused { error, records }) = self.broker.admit(peer, &mut admitted) {
            self.note_refused(ticket, slot, records);
            return Err(error);
        }
        loop {
            match self.broker.submit(produce(admitted.batch.clone()), ticket, slot) {
                Err(error)
                    if error.kind() == ErrorKind::QueueFull
                        && created.elapsed() < config.delivery_timeout
                        && !self.stopped.load(Ordering::SeqCst) => {}
                result => return result,
            }
        }
    }

    /// Keeps the reasons for the records of a batch, until the flight is over.
    fn note_refused(&self, ticket: &Arc<Ticket>, slot: u32, records: Vec<(u32, String)>) {
        let mut flights = self.lock();
        let flight = flights.queue.iter_mut().find(|flight| Arc::ptr_eq(&flight.ticket, ticket));
        if let Some(flight) = flight.filter(|_| !records.is_empty()) {
            flight.refused.push((slot as usize, records));
        }
    }

    /// Tells what became of the batches whose acknowledgement holds.
    fn settle(&self) {
        let mut flights = self.lock();
        if flights.settling {
            return;
        }
        loop {
            let mut over = Vec::new();
            while let Some(results) = flights.queue.front_mut().and_then(|f| self.outcome(f)) {
                if let Some(flight) = flights.queue.pop_front() {
                    over.extend(flight.fates(results));
                }
            }
            if over.is_empty() {
                flights.settling = false;
                return;
            }
            flights.settling = true;
            drop(flights);
            self.accumulator.finish(over);
            self.signal.raise();
            flights = self.lock();
        }
    }

    /// The results of a flight, once they hold; until then makes sure to be told.
    fn outcome(&self, flight: &mut Flight) -> Option<Vec<Result<Appended>>> {
        let results = self.broker.outcome(&flight.ticket);
        if results.is_some() || flight.watched {
            return results;
        }
        if flight.ticket.progress() == Progress::Queued {
            // The ticket itself tells when that is over.
            return None;
        }
        let wake: Arc<dyn Wake> = self.signal.clone();
        flight.watched = self.broker.watch_outcome(&flight.ticket, &wake, 0);
        if flight.watched { None } else { self.broker.outcome(&flight.ticket) }
    }

    fn start_thread(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(local) = self.itself.upgrade().filter(|_| thread.is_none()) else {
            return;
        };
        if self.stopped.load(Ordering::SeqCst) {
            return;
        }
        let started = thread::Builder::new().name("minka-producer".to_owned());
        // Without a thread, records that gather leave with the next call of this producer.
        *thread = started.spawn(move || local.run()).ok();
    }

    fn run(&self) {
        loop {
            // Before the look at `stopped`: whoever stops raises the signal after that is set.
            let seen = self.signal.count();
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            self.work();
            let linger = self.accumulator.config.linger;
            let next = self.accumulator.lock().oldest_open().map(|created| created + linger);
            self.signal.wait(seen, next.filter(|_| !linger.is_zero()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Flights> {
        // Whoever holds it changes one thing; a panic leaves nothing half done.
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// What became of its batches, by their results.
    fn fates(mut self, results: Vec<Result<Appended>>) -> Vec<(Batch, Fate)> {
        let fates = results.into_iter().enumerate().map(|(slot, result)| {
            match (result, self.refused.iter().position(|(refused, _)| *refused == slot)) {
                (Err(error), Some(at)) => {
                    Fate::Refused { records: self.refused.swap_remove(at).1, error }
                }
                (result, _) => fate(result),
            }
        });
        self.batches.into_iter().zip(fates).collect()
    }
}

impl Help for Local {
    fn help(&self, slot: &Slot, deadline: Instant) {
        self.waited.store(true, Ordering::Relaxed);
        // The others of a batch are known with the first.
        if !slot.is_filled() {
            self.work_until(deadline, || slot.is_filled());
        }
    }
}

fn layout(live: &LiveTopic) -> Layout {
    Layout {
        leaders: vec![Some(0); live.partitions.len()],
        batch_bytes_max: live.topic.config.max_message_bytes as usize,
    }
}

fn fate(result: Result<Appended>) -> Fate {
    match result {
        Ok(appended) => Fate::Stored {
            base_offset: Some(appended.base_offset),
            first_id: (appended.first_id > 0).then_some(appended.first_id),
            append_time: appended.log_append_time,
        },
        Err(error) => Fate::Failed(error),
    }
}
