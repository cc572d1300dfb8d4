//! What has been sent and is not acknowledged: records gather here until they leave.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::batch::{Batch, Spare};
use super::delivery::{Delivery, Done, Fate, Help, Slot, in_callback};
use super::message::Message;
use super::part::{Part, When};
use crate::client::config::ProducerConfig;
use crate::client::partitioner::partition_of;
use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::RECORDS_PER_BATCH_MAX;

/// What all threads of a producer share. The lock is held for short, never across I/O.
#[derive(Debug)]
pub(super) struct Accumulator {
    pub(super) config: ProducerConfig,
    state: Mutex<State>,
    /// Tells who waits for room in the buffer.
    room: Condvar,
    /// Tells who waits for everything to be acknowledged.
    progress: Condvar,
}

/// What the lock guards.
#[derive(Debug, Default)]
pub(super) struct State {
    topics: HashMap<Arc<str>, Topic>,
    pub(super) parts: Vec<Part>,
    /// The partitions in which batches wait.
    pub(super) active: BTreeSet<usize>,
    /// Where the next search for batches begins.
    next_part: usize,
    /// The bytes of all records that are not acknowledged.
    buffered: usize,
    next_number: u64,
    /// The batches that are not acknowledged, by their places.
    unfinished: BTreeSet<(u64, u32)>,
    /// Batches below this number leave without waiting for more records.
    flush_to: u64,
    spare: Spare,
    /// Whether nothing more is taken on.
    closed: bool,
    /// Whether the thread that sends is asleep and has to be woken when something may leave.
    pub(super) asleep: bool,
    /// How often something began that may have to leave.
    pub(super) changes: u64,
}

#[derive(Debug)]
struct Topic {
    /// Its partitions, as indices into [`State::parts`].
    parts: Vec<usize>,
    /// Where records without a key go for now, by number of the partition.
    sticky: usize,
    /// The largest batch that the topic takes, in bytes, where that is known.
    batch_bytes_max: usize,
}

/// What a topic looks like to a producer.
#[derive(Debug)]
pub(super) struct Layout {
    /// The leader of each partition.
    pub(super) leaders: Vec<Option<i32>>,
    /// The largest batch that the topic takes, in bytes, where that is known.
    pub(super) batch_bytes_max: usize,
}

/// What came of adding a record.
#[derive(Debug)]
pub(super) struct Added {
    pub(super) delivery: Delivery,
    /// Whether a batch began or ended, so that something may leave which could not before.
    pub(super) ready: bool,
    /// Whether the thread that sends sleeps in spite of that.
    pub(super) wake: bool,
}

/// Why a record was not added.
pub(super) enum NotAdded {
    /// The topic has to be looked up ([`State::set_layout`]), and the record added again.
    UnknownTopic(Option<Done>),
    /// It cannot be.
    Refused(Error),
}

impl Accumulator {
    pub(super) fn new(config: ProducerConfig) -> Self {
        Self { config, state: Mutex::default(), room: Condvar::new(), progress: Condvar::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under this lock is a bug; what it counts may then be off, and nothing worse.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a record to the open batch of its partition; waits for room until `deadline`.
    pub(super) fn add(
        &self,
        message: &Message<'_>,
        now: Millis,
        done: Option<Done>,
        helper: Option<&Arc<dyn Help>>,
        block_max: Duration,
    ) -> std::result::Result<Added, NotAdded> {
        let size = message.size();
        let mut state = self.make_room(size, block_max).map_err(NotAdded::Refused)?;
        let Some(topic) = state.topics.get_mut(message.topic) else {
            return Err(NotAdded::UnknownTopic(done));
        };
        let place = topic.place(message);
        let limit = self.config.batch_bytes.min(topic.batch_bytes_max);
        let Some(&at) = topic.parts.get(place) else {
            return Err(NotAdded::Refused(no_partition(message, topic.parts.len())));
        };
        let keyless = message.partition.is_none() && message.key.is_none();
        let mut closed = state.close_full(at, size, limit);
        let at = if keyless { state.stick(message.topic, at) } else { at };
        closed |= keyless && state.close_full(at, size, limit);
        let fresh = state.parts.get(at).is_some_and(|part| part.open.is_none());
        if fresh {
            state.open(at, helper);
        }
        let added = state.append(at, message, now, size, done);
        let delivery = added.map_err(NotAdded::Refused)?;
        let full = state.close_full(at, 0, limit);
        let ready = closed || fresh || full;
        state.changes += u64::from(ready);
        let wake = ready && std::mem::take(&mut state.asleep);
        Ok(Added { delivery, ready, wake })
    }

    /// Waits until `size` bytes fit into the buffer.
    fn make_room(&self, size: usize, block_max: Duration) -> Result<MutexGuard<'_, State>> {
        let most = self.config.buffer_bytes;
        if size > most {
            let text = format!("a record of {size} bytes is above buffer_bytes, {most}");
            return Err(Error::new(ErrorKind::MessageTooLarge, text));
        }
        let mut state = self.lock();
        let mut deadline = None;
        loop {
            if state.closed {
                return Err(closed());
            }
            if state.buffered + size <= most {
                return Ok(state);
            }
            let now = Instant::now();
            let end = *deadline.get_or_insert(now + block_max);
            let left = end.saturating_duration_since(now);
            // The thread that makes room must not wait for it.
            if left.is_zero() || in_callback() {
                return Err(Error::new(
                    ErrorKind::QueueFull,
                    format!(
                        "buffer_bytes ({most}) of records wait for their acknowledgement: the \
                         broker does not keep up; try again later"
                    ),
                ));
            }
            let woken = self.room.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Tells everybody what became of batches.
    pub(super) fn finish(&self, batches: Vec<(Batch, Fate)>) {
        if batches.is_empty() {
            return;
        }
        let mut over = Vec::with_capacity(batches.len());
        for (mut batch, fate) in batches {
            let callbacks = std::mem::take(&mut batch.callbacks);
            batch.slot.fill(batch.first, batch.builder.count(), fate, callbacks);
            over.push(batch);
        }
        let mut state = self.lock();
        for batch in over {
            state.buffered = state.buffered.saturating_sub(batch.buffered);
            state.unfinished.remove(&batch.place());
            if let (true, Some(part)) = (batch.under_way, state.parts.get_mut(batch.part)) {
                part.in_flight = part.in_flight.saturating_sub(1);
            }
            state.spare.give(batch.builder);
        }
        drop(state);
        self.room.notify_all();
        self.progress.notify_all();
    }

    /// Waits until all batches below `mark` are finished; `false` if the deadline passes.
    pub(super) fn wait_finished(&self, mark: u64, deadline: Instant) -> bool {
        let mut state = self.lock();
        while !state.is_finished(mark) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let woken = self.progress.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Takes on nothing more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.room.notify_all();
    }
}

impl State {
    /// Says what a topic looks like. What waits for a partition stays there.
    pub(super) fn set_layout(&mut self, name: &str, layout: &Layout, config: &ProducerConfig) {
        let name: Arc<str> = match self.topics.get_key_value(name) {
            Some((name, _)) => name.clone(),
            None => name.into(),
        };
        let topic = self.topics.entry(name.clone()).or_insert_with(|| Topic {
            parts: Vec::new(),
            // So that many producers do not begin with the same partition.
            sticky: getrandom::u32().unwrap_or(0) as usize,
            batch_bytes_max: usize::MAX,
        });
        topic.batch_bytes_max = layout.batch_bytes_max;
        for (index, leader) in (0..).zip(&layout.leaders) {
            match topic.parts.get(index as usize).and_then(|at| self.parts.get_mut(*at)) {
                Some(part) => part.leader = *leader,
                None => {
                    topic.parts.push(self.parts.len());
                    let part = Part::new(name.clone(), index, *leader, config.backoff());
                    self.parts.push(part);
                }
            }
        }
    }

    /// Takes batches that may leave, one of each partition for which `wanted` holds, for as long
    /// as `each` answers true. Begins behind where it ended, so that all get their turn.
    pub(super) fn take(
        &mut self,
        when: &When,
        wanted: impl Fn(&Part) -> bool,
        mut each: impl FnMut(&mut Part, Batch) -> bool,
    ) {
        let when = When { flush_to: self.flush_to, ..*when };
        let behind = self.active.range(self.next_part..).chain(self.active.range(..self.next_part));
        for at in behind.copied().collect::<Vec<usize>>() {
            let Some(part) = self.parts.get_mut(at).filter(|part| wanted(part)) else {
                continue;
            };
            let Some(mut batch) = part.take(&when) else {
                continue;
            };
            batch.under_way = true;
            let more = each(part, batch);
            if part.is_empty() {
                self.active.remove(&at);
            }
            if !more {
                self.next_part = at + 1;
                return;
            }
        }
    }

    /// Puts a batch back in two halves, since the topic takes none of this size, and makes later
    /// ones smaller. Gives back a batch that cannot be split.
    pub(super) fn split(&mut self, mut batch: Batch) -> Option<Batch> {
        let size = batch.builder.size();
        let at = batch.part;
        let (Some(part), true) = (self.parts.get_mut(at), batch.builder.count() > 1) else {
            return Some(batch);
        };
        let Ok(rest) = batch.split() else {
            return Some(batch);
        };
        if let Some(topic) = self.topics.get_mut(&part.topic) {
            topic.batch_bytes_max = topic.batch_bytes_max.min(size / 2);
        }
        self.unfinished.insert(rest.place());
        part.insert(rest);
        part.put_back(batch);
        self.active.insert(at);
        None
    }

    /// Lets everything leave that is here now. Returns the mark below which all numbers are.
    pub(super) fn flush(&mut self) -> u64 {
        self.flush_to = self.next_number;
        self.changes += 1;
        self.next_number
    }

    pub(super) fn is_finished(&self, mark: u64) -> bool {
        self.unfinished.first().is_none_or(|&(oldest, _)| oldest >= mark)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Topic and number of a partition.
    pub(super) fn name_of(&self, at: usize) -> Result<(Arc<str>, u32)> {
        let part = self.parts.get(at).map(|part| (part.topic.clone(), part.index));
        part.ok_or_else(|| Error::new(ErrorKind::Internal, "a batch belongs to no partition"))
    }

    /// When the oldest batch was begun that still takes records.
    pub(super) fn oldest_open(&self) -> Option<Instant> {
        let active = self.active.iter().filter_map(|&at| self.parts.get(at));
        active.filter_map(|part| part.open.as_ref()).map(|batch| batch.created).min()
    }

    /// Takes out all that waits.
    pub(super) fn take_all(&mut self) -> Vec<Batch> {
        let mut all = Vec::new();
        for at in std::mem::take(&mut self.active) {
            if let Some(part) = self.parts.get_mut(at) {
                all.extend(part.queue.drain(..).chain(part.open.take()));
            }
        }
        all
    }

    /// Closes the open batch of a partition if `more` bytes would bring it above `limit`.
    fn close_full(&mut self, at: usize, more: usize, limit: usize) -> bool {
        let Some(part) = self.parts.get_mut(at) else {
            return false;
        };
        let full = part.open.as_ref().is_some_and(|batch| {
            let size = batch.builder.size() + more;
            size > limit && more > 0
                || size >= limit
                || batch.builder.count() >= RECORDS_PER_BATCH_MAX
        });
        if full {
            part.queue.extend(part.open.take());
        }
        full
    }

    fn open(&mut self, at: usize, helper: Option<&Arc<dyn Help>>) {
        let Some(part) = self.parts.get_mut(at) else {
            return;
        };
        let number = self.next_number;
        self.next_number += 1;
        self.unfinished.insert((number, 0));
        self.active.insert(at);
        part.open = Some(Batch {
            number,
            part: at,
            builder: self.spare.take(),
            slot: Slot::new(part.topic.clone(), part.index, helper.cloned()),
            first: 0,
            callbacks: Vec::new(),
            buffered: 0,
            created: Instant::now(),
            under_way: false,
            stamp: None,
            attempts: 0,
        });
    }

    fn append(
        &mut self,
        at: usize,
        message: &Message<'_>,
        now: Millis,
        size: usize,
        done: Option<Done>,
    ) -> Result<Delivery> {
        let batch = self.parts.get_mut(at).and_then(|part| part.open.as_mut());
        let batch = batch.expect("a batch was opened before");
        let timestamp = message.timestamp.unwrap_or(now);
        let index = batch.builder.count();
        let added = batch.builder.append(timestamp, message.key, message.value, message.headers);
        if let Err(error) = added {
            self.drop_if_empty(at);
            return Err(error);
        }
        batch.buffered += size;
        self.buffered += size;
        let delivery = Delivery::new(batch.slot.clone(), index, timestamp);
        batch.callbacks.extend(done.map(|done| (index, timestamp, done)));
        Ok(delivery)
    }

    /// Takes a batch back that was opened for a record which did not fit into any.
    fn drop_if_empty(&mut self, at: usize) {
        let Some(part) = self.parts.get_mut(at) else {
            return;
        };
        if let Some(batch) = part.open.take_if(|batch| batch.builder.is_empty()) {
            self.unfinished.remove(&batch.place());
        }
    }

    /// Where a record without a key goes: the partition that such records go to already, until
    /// its batch has left; then the next one that has a leader.
    fn stick(&mut self, topic: &str, at: usize) -> usize {
        let gathers = |at: &usize| self.parts.get(*at).is_some_and(|part| part.open.is_some());
        if gathers(&at) {
            return at;
        }
        let Some(topic) = self.topics.get_mut(topic) else {
            return at;
        };
        let count = topic.parts.len();
        for step in 1..=count {
            let place = (topic.sticky + step) % count;
            let leads = |at: &&usize| self.parts.get(**at).is_some_and(|p| p.leader.is_some());
            if let Some(&next) = topic.parts.get(place).filter(leads) {
                topic.sticky = place;
                return next;
            }
        }
        at
    }
}

impl Topic {
    /// Which partition a record goes to, before anything is known of batches.
    fn place(&self, message: &Message<'_>) -> usize {
        let count = self.parts.len();
        match (message.partition, message.key) {
            (Some(partition), _) => partition as usize,
            (None, Some(key)) => {
                partition_of(key, u32::try_from(count).unwrap_or(u32::MAX)) as usize
            }
            (None, None) => self.sticky % count.max(1),
        }
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the producer is closed")
}

/// What becomes of a record that is on its way when its producer is closed.
pub(super) fn given_up() -> Error {
    Error::new(
        ErrorKind::Closed,
        "the producer was closed before the record was acknowledged; it may still be stored",
    )
}

fn no_partition(message: &Message<'_>, count: usize) -> Error {
    let partition = message.partition.map_or_else(String::new, |number| format!(" {number}"));
    let text = format!("topic {} has no partition{partition}; it has {count}", message.topic);
    Error::new(ErrorKind::UnknownTopicOrPartition, text)
}
