//! What happens in a broker, for programs: topics that come and go, members, dead letters.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Broker, Shared};
use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::state::event::Event;
use crate::state::membership::MemberChange;

/// What happened. The numbers are the same in every language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum EventKind {
    /// Events were lost: nobody took them in time. `text` says how many.
    Missed = 1,
    /// The broker is closing: the last event.
    Closing = 2,
    /// A topic was created; `partition` is how many partitions it has.
    TopicCreated = 10,
    /// A topic was deleted.
    TopicDeleted = 11,
    /// The settings of a topic were changed.
    TopicChanged = 12,
    /// A topic got more partitions; `partition` is how many it has.
    PartitionsAdded = 13,
    /// A member joined a group, of any kind.
    MemberJoined = 20,
    /// A member left a group, or was silent for too long.
    MemberLeft = 21,
    /// A group was deleted.
    GroupDeleted = 22,
    /// A record of a queue group went to its dead-letter topic. Topic, partition and offset are
    /// the record's; `text` says why.
    DeadLettered = 30,
    /// A client connected to a door.
    Connected = 40,
    /// The connection of a client ended.
    Disconnected = 41,
    /// A client was refused by the authentication hook; `text` is the reason.
    LoginRefused = 42,
}

/// Something that happened. What does not apply is `None` or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerEvent {
    /// What.
    pub kind: EventKind,
    /// When, in ms since 1970.
    pub time: Millis,
    /// The topic.
    pub topic: Option<Arc<str>>,
    /// The partition's index in the topic, or how many there are.
    pub partition: Option<u32>,
    /// The record's offset.
    pub offset: Option<u64>,
    /// The group.
    pub group: Option<Arc<str>>,
    /// The member's ID.
    pub member: Option<Arc<str>>,
    /// The client: its address for a connection, the user for a login, its client ID for a member.
    pub client: Option<Arc<str>>,
    /// More, for people.
    pub text: String,
}

/// The events of a broker from when this was made. Dropping it ends it.
///
/// Belongs to one thread at a time. It holds as many events as its capacity; of those behind
/// that only the number is told, by [`EventKind::Missed`].
#[derive(Debug)]
pub struct EventStream {
    shelf: Arc<Shelf>,
    streams: Arc<Streams>,
}

/// Ends an [`EventStream::next`] that waits. From [`EventStream::waker`].
///
/// May be used from any thread at any time, also after the stream is gone.
#[derive(Debug, Clone)]
pub struct EventWaker(Arc<Shelf>);

/// All streams of a broker.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// How many there are. SYNC: none; who has just made one misses what happens meanwhile.
    count: AtomicUsize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    shelves: Vec<Arc<Shelf>>,
    closed: bool,
}

/// Where the events of one stream lie until they are taken.
#[derive(Debug)]
struct Shelf {
    capacity: usize,
    state: Mutex<Lying>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Lying {
    events: VecDeque<BrokerEvent>,
    /// How many events found no room behind these.
    missed: u64,
    interrupted: bool,
    closed: bool,
}

impl BrokerEvent {
    /// Something that happened at `time`, of which nothing else is said yet.
    pub(crate) fn new(kind: EventKind, time: Millis) -> Self {
        Self {
            kind,
            time,
            topic: None,
            partition: None,
            offset: None,
            group: None,
            member: None,
            client: None,
            text: String::new(),
        }
    }
}

impl Broker {
    /// The events from now on, of which `capacity` are kept until they are taken, at least one. A
    /// broker of which nobody has a stream makes no events.
    pub fn watch_events(&self, capacity: usize) -> EventStream {
        self.shared.streams.open(capacity)
    }

    /// Tells those who have a stream what `make` makes, if there are any.
    pub(crate) fn tell(&self, kind: EventKind, make: impl FnOnce(&mut BrokerEvent)) {
        self.shared.tell(kind, make);
    }
}

impl Shared {
    /// Tells those who have a stream what has happened; `make` says more about it. Never waits,
    /// and may be called under any lock.
    pub(super) fn tell(&self, kind: EventKind, make: impl FnOnce(&mut BrokerEvent)) {
        if self.streams.has_any() {
            let mut event = BrokerEvent::new(kind, self.clock.wall());
            make(&mut event);
            self.streams.put(&event);
        }
    }

    /// Tells who came to groups and who went.
    pub(super) fn tell_members(&self, changes: Vec<MemberChange>) {
        for change in changes {
            let kind = if change.joined { EventKind::MemberJoined } else { EventKind::MemberLeft };
            self.tell(kind, |event| {
                event.group = Some(change.group);
                event.member = Some(change.member_id.into());
                event.client = Some(change.client_id.into());
            });
        }
    }

    /// Tells of a change of groups that goes into the log.
    pub(super) fn tell_logged(&self, logged: &Event) {
        if let Event::GroupRemoved { group } = logged {
            self.tell(EventKind::GroupDeleted, |event| event.group = Some(group.as_str().into()));
        }
    }
}

impl Streams {
    /// Whether anybody has a stream.
    pub(super) fn has_any(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// Says that the broker is closing, which ends all streams.
    pub(super) fn close(&self, time: Millis) {
        let mut open = lock(&self.open);
        open.closed = true;
        for shelf in open.shelves.drain(..) {
            let mut lying = lock(&shelf.state);
            lying.mark_missed(time);
            lying.events.push_back(BrokerEvent::new(EventKind::Closing, time));
            lying.closed = true;
            shelf.changed.notify_all();
        }
        self.count.store(0, Ordering::Relaxed);
    }

    fn open(self: &Arc<Self>, capacity: usize) -> EventStream {
        let (capacity, mut open) = (capacity.max(1), lock(&self.open));
        let state = Mutex::new(Lying { closed: open.closed, ..Lying::default() });
        let shelf = Arc::new(Shelf { capacity, state, changed: Condvar::new() });
        if !open.closed {
            open.shelves.push(shelf.clone());
            self.count.store(open.shelves.len(), Ordering::Relaxed);
        }
        EventStream { shelf, streams: self.clone() }
    }

    fn put(&self, event: &BrokerEvent) {
        for shelf in &lock(&self.open).shelves {
            let mut lying = lock(&shelf.state);
            if lying.events.len() >= shelf.capacity {
                lying.missed += 1;
                continue;
            }
            lying.mark_missed(event.time);
            lying.events.push_back(event.clone());
            shelf.changed.notify_one();
        }
    }
}

impl Lying {
    /// Puts a mark where events are missing.
    fn mark_missed(&mut self, time: Millis) {
        if self.missed > 0 {
            let missed = std::mem::take(&mut self.missed);
            let text = format!("{missed} events were lost: nobody took them in time");
            self.events
                .push_back(BrokerEvent { text, ..BrokerEvent::new(EventKind::Missed, time) });
        }
    }
}

impl EventStream {
    /// Waits for the next event; `None` when `timeout` is over, and after
    /// [`EventKind::Closing`].
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] after [`EventWaker::wake`] was used.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<BrokerEvent>> {
        // A time that cannot be said is not waited for to its end either.
        let deadline = Instant::now().checked_add(timeout);
        let mut lying = lock(&self.shelf.state);
        loop {
            if std::mem::take(&mut lying.interrupted) {
                let text = "waiting for an event was ended by the stream's waker";
                return Err(Error::new(ErrorKind::Interrupted, text));
            }
            if let Some(event) = lying.events.pop_front() {
                if lying.events.is_empty() {
                    lying.mark_missed(event.time);
                }
                return Ok(Some(event));
            }
            if lying.closed {
                return Ok(None);
            }
            lying =
                match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                    Some(Duration::ZERO) => return Ok(None),
                    Some(left) => {
                        let woken = self.shelf.changed.wait_timeout(lying, left);
                        woken.unwrap_or_else(PoisonError::into_inner).0
                    }
                    None => self.shelf.changed.wait(lying).unwrap_or_else(PoisonError::into_inner),
                };
        }
    }

    /// What ends [`EventStream::next`] from another thread.
    pub fn waker(&self) -> EventWaker {
        EventWaker(self.shelf.clone())
    }
}

impl EventWaker {
    /// Ends the call that waits with [`ErrorKind::Interrupted`]. If none does, the next one ends so
    /// at once. Waking twice before that is waking once.
    pub fn wake(&self) {
        lock(&self.0.state).interrupted = true;
        self.0.changed.notify_all();
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        let mut open = lock(&self.streams.open);
        open.shelves.retain(|shelf| !Arc::ptr_eq(shelf, &self.shelf));
        self.streams.count.store(open.shelves.len(), Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept here is whole after every step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
