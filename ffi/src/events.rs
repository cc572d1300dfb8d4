//! What happens in a broker.

use std::sync::{Mutex, TryLockError};

use minka_core::engine::{BrokerEvent, EventKind, EventStream, EventWaker};
use minka_core::{Error, ErrorKind, Result};

use crate::boundary;
use crate::broker::minka_broker;
use crate::bytes::{minka_bytes, number, signed, timeout};
use crate::handle::{Handle, Life, free, give, open, output, pointed};
use crate::status::minka_status;

/// The events of a broker from when this was opened. Belongs to one thread at a time: a call while
/// another thread is in one is MINKA_INVALID_REQUEST. Only minka_events_wake() and
/// minka_events_close() may be called at any time by any thread.
#[derive(Debug)]
pub struct minka_events {
    life: Life,
    waker: EventWaker,
    inner: Mutex<Option<Inner>>,
}

/// Events were lost: nobody took them in time. `text` says how many.
pub const MINKA_EVENT_MISSED: i32 = 1;
/// The broker is closing: the last event.
pub const MINKA_EVENT_CLOSING: i32 = 2;
/// A topic was created; `partition` is how many partitions it has.
pub const MINKA_EVENT_TOPIC_CREATED: i32 = 10;
/// A topic was deleted.
pub const MINKA_EVENT_TOPIC_DELETED: i32 = 11;
/// The settings of a topic were changed.
pub const MINKA_EVENT_TOPIC_CHANGED: i32 = 12;
/// A topic got more partitions; `partition` is how many it has.
pub const MINKA_EVENT_PARTITIONS_ADDED: i32 = 13;
/// A member joined a group, of any kind.
pub const MINKA_EVENT_MEMBER_JOINED: i32 = 20;
/// A member left a group, or was silent for too long.
pub const MINKA_EVENT_MEMBER_LEFT: i32 = 21;
/// A group was deleted.
pub const MINKA_EVENT_GROUP_DELETED: i32 = 22;
/// A record of a queue group went to its dead-letter topic. Topic, partition and offset are the
/// record's; `text` says why.
pub const MINKA_EVENT_DEAD_LETTERED: i32 = 30;
/// A client connected to a door.
pub const MINKA_EVENT_CONNECTED: i32 = 40;
/// The connection of a client ended.
pub const MINKA_EVENT_DISCONNECTED: i32 = 41;
/// A client was refused by the authentication hook; `text` is the reason.
pub const MINKA_EVENT_LOGIN_REFUSED: i32 = 42;

/// Something that happened. What does not apply is NULL or -1. Its bytes are valid until the next
/// call of minka_events_next(), or minka_events_free().
#[repr(C)]
#[derive(Debug)]
pub struct minka_event {
    /// What: MINKA_EVENT_...; there may be others in later versions.
    pub kind: i32,
    /// The partition, or how many there are.
    pub partition: i32,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub time: i64,
    /// The record's offset.
    pub offset: i64,
    /// The topic.
    pub topic: minka_bytes,
    /// The group.
    pub group: minka_bytes,
    /// The member's ID.
    pub member: minka_bytes,
    /// The client: its address for a connection, the user for a login, its client ID for a
    /// member.
    pub client: minka_bytes,
    /// More, for people.
    pub text: minka_bytes,
}

/// The events of a broker from now on, of which `capacity` are kept until they are taken, at least
/// one; of those behind that only the number is told. A broker of which nobody has events makes
/// none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_events_open(
    broker: *const minka_broker,
    capacity: usize,
    events: *mut *mut minka_events,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (broker, out) = unsafe { (open(broker, "broker")?, output(events, "events")?) };
        let life = Life::begin("event stream")?;
        let stream = broker.core().watch_events(capacity);
        let waker = stream.waker();
        let inner = Mutex::new(Some(Inner { stream, event: None }));
        give(out, minka_events { life, waker, inner });
        Ok(())
    })
}

/// Waits for the next event. MINKA_TIMEOUT when the time is over, MINKA_INTERRUPTED after
/// minka_events_wake(), MINKA_CLOSED behind MINKA_EVENT_CLOSING or when it is closed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_events_next(
    events: *mut minka_events,
    timeout_ms: i64,
    event: *mut minka_event,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (events, out) = unsafe { (open(events, "events")?, output(event, "event")?) };
        let mut inner = match events.inner.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::Poisoned(inner)) => inner.into_inner(),
            Err(TryLockError::WouldBlock) if events.life.is_closed() => {
                return Err(events.life.closed());
            }
            Err(TryLockError::WouldBlock) => {
                let text =
                    "another thread is in a call of these events: one at a time may use them";
                return Err(Error::new(ErrorKind::InvalidRequest, text));
            }
        };
        let inner = inner.as_mut().ok_or_else(|| events.life.closed())?;
        let next = inner.next(timeout_ms);
        // It was woken to be closed.
        if next.is_err() && events.life.is_closed() {
            return Err(events.life.closed());
        }
        out.write(minka_event::of(next?));
        Ok(())
    })
}

/// Ends the call that waits with MINKA_INTERRUPTED; if none does, the next one ends so at once. May
/// be called at any time by any thread until the events are freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_events_wake(events: *const minka_events) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let events = unsafe { open(events, "events") }?;
        events.waker.wake();
        Ok(())
    })
}

/// Ends the stream: events are kept no longer. A call in which another thread waits ends with
/// MINKA_CLOSED. Closing again does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_events_close(events: *mut minka_events) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let events = unsafe { pointed(events, "events") }?;
        if events.life.end()? {
            events.waker.wake();
            drop(events.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
        }
        Ok(())
    })
}

/// Frees events, and closes them if need be; NULL is let be. They may be freed before or after
/// their broker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_events_free(events: *mut minka_events) {
    // SAFETY: the header says what callers must keep to.
    unsafe { free(events) }
}

impl Handle for minka_events {
    fn life(&self) -> &Life {
        &self.life
    }
}

/// The stream, and the event that was given out last, whose bytes are borrowed.
#[derive(Debug)]
struct Inner {
    stream: EventStream,
    event: Option<BrokerEvent>,
}

impl Inner {
    fn next(&mut self, timeout_ms: i64) -> Result<&BrokerEvent> {
        let was_last = matches!(&self.event, Some(event) if event.kind == EventKind::Closing);
        match self.stream.next(timeout(timeout_ms))? {
            Some(event) => Ok(self.event.insert(event)),
            None if was_last => {
                let text = "the broker has been closed, and all its events were taken";
                Err(Error::new(ErrorKind::Closed, text))
            }
            None => Err(Error::new(ErrorKind::Timeout, "nothing happened in time")),
        }
    }
}

impl minka_event {
    fn of(event: &BrokerEvent) -> Self {
        Self {
            kind: event.kind as i32,
            partition: event.partition.map_or(-1, number),
            time: event.time,
            offset: signed(event.offset),
            topic: minka_bytes::of_text(event.topic.as_deref()),
            group: minka_bytes::of_text(event.group.as_deref()),
            member: minka_bytes::of_text(event.member.as_deref()),
            client: minka_bytes::of_text(event.client.as_deref()),
            text: minka_bytes::of(event.text.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_core() {
        for (kind, number) in [
            (EventKind::Missed, MINKA_EVENT_MISSED),
            (EventKind::Closing, MINKA_EVENT_CLOSING),
            (EventKind::TopicCreated, MINKA_EVENT_TOPIC_CREATED),
            (EventKind::TopicDeleted, MINKA_EVENT_TOPIC_DELETED),
            (EventKind::TopicChanged, MINKA_EVENT_TOPIC_CHANGED),
            (EventKind::PartitionsAdded, MINKA_EVENT_PARTITIONS_ADDED),
            (EventKind::MemberJoined, MINKA_EVENT_MEMBER_JOINED),
            (EventKind::MemberLeft, MINKA_EVENT_MEMBER_LEFT),
            (EventKind::GroupDeleted, MINKA_EVENT_GROUP_DELETED),
            (EventKind::DeadLettered, MINKA_EVENT_DEAD_LETTERED),
            (EventKind::Connected, MINKA_EVENT_CONNECTED),
            (EventKind::Disconnected, MINKA_EVENT_DISCONNECTED),
            (EventKind::LoginRefused, MINKA_EVENT_LOGIN_REFUSED),
        ] {
            assert_eq!(kind as i32, number);
        }
    }
}
