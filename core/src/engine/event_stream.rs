//! What happens in a broker, for programs: topics that come and go, members, dead letters.

use std::sync::Arc;
use std::time::Duration;

use super::Broker;
use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};

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
pub struct EventStream {}

impl Broker {
    /// The events from now on, of which `capacity` are kept until they are taken. A broker of
    /// which nobody has a stream makes no events.
    pub fn watch_events(&self, capacity: usize) -> EventStream {
        let _ = capacity;
        EventStream {}
    }
}

impl EventStream {
    /// Waits for the next event; `None` when `timeout` is over, and after
    /// [`EventKind::Closing`].
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] after [`EventStream::waker`] was used.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<BrokerEvent>> {
        let _ = timeout;
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }
}
