//! The events of a broker, which a thread of the stream waits for.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use minka::engine::{BrokerEvent, EventKind, EventStream, EventWaker};
use napi::Env;
use napi::bindgen_prelude::{BigInt, Object};
use napi_derive::napi;

use crate::error::closed;
use crate::promise::{Calls, Promised};
use crate::settings::FOREVER;
use crate::worker::Worker;

/// The events of a broker. `lib/events.js` gives them their face.
#[napi]
pub struct NativeEvents {
    shared: Arc<Shared>,
    worker: Worker,
    calls: Calls,
    waker: EventWaker,
}

struct Shared {
    stream: Mutex<Option<EventStream>>,
    is_closed: AtomicBool,
}

/// Something that happened in a broker.
#[derive(Debug)]
#[napi(object, object_from_js = false, use_nullable = true, js_name = "BrokerEvent")]
pub struct Event {
    /// What, such as `topicCreated`.
    pub kind: String,
    /// When, in ms since 1970.
    pub time: f64,
    /// The topic.
    pub topic: Option<String>,
    /// The partition, or how many there are.
    pub partition: Option<u32>,
    /// The record's offset.
    pub offset: Option<BigInt>,
    /// The group.
    pub group: Option<String>,
    /// The member's ID.
    pub member: Option<String>,
    /// The client: its address for a connection, the user for a login, its client ID for a member.
    pub client: Option<String>,
    /// More, for people.
    pub text: String,
}

impl NativeEvents {
    pub(crate) fn new(stream: EventStream) -> Self {
        let waker = stream.waker();
        let (stream, is_closed) = (Mutex::new(Some(stream)), AtomicBool::new(false));
        let shared = Arc::new(Shared { stream, is_closed });
        Self { shared, worker: Worker::default(), calls: Calls::default(), waker }
    }
}

#[napi]
impl NativeEvents {
    /// Waits for events; none after the last.
    #[napi(ts_return_type = "Promise<Array<BrokerEvent>>")]
    pub fn next<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let (promised, promise) = Promised::<Vec<Event>>::new(env)?;
        if self.shared.is_closed.load(Ordering::SeqCst) {
            promised.settle(Err(closed("event stream")));
            return Ok(promise);
        }
        self.calls.add(&promised);
        let shared = self.shared.clone();
        self.worker.run(move || promised.settle(shared.next()));
        Ok(promise)
    }

    /// Ends it, and the call that is under way.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let (promised, promise) = Promised::<()>::new(env)?;
        self.calls.abandon(&closed("event stream"));
        let caller = promised.clone();
        self.end(move || caller.settle(Ok(())));
        Ok(promise)
    }

    fn end(&self, then: impl FnOnce() + Send + 'static) {
        self.shared.is_closed.store(true, Ordering::SeqCst);
        self.waker.wake();
        let shared = self.shared.clone();
        self.worker.end(move || {
            *shared.lock() = None;
            then();
        });
    }
}

impl Drop for NativeEvents {
    fn drop(&mut self) {
        if !self.shared.is_closed.load(Ordering::SeqCst) {
            self.end(|| {});
        }
    }
}

impl Shared {
    /// The next event and those that are there behind it.
    fn next(&self) -> minka::Result<Vec<Event>> {
        let mut stream = self.lock();
        let Some(stream) = stream.as_mut() else { return Ok(Vec::new()) };
        let mut events = Vec::new();
        let mut patience = FOREVER;
        while let Some(event) = stream.next(patience)? {
            events.push(Event::from(event));
            patience = Duration::ZERO;
        }
        Ok(events)
    }

    fn lock(&self) -> MutexGuard<'_, Option<EventStream>> {
        // After a panic its calls fail on their own.
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<BrokerEvent> for Event {
    #[expect(clippy::cast_precision_loss, reason = "exact for the next 285,000 years")]
    fn from(event: BrokerEvent) -> Self {
        let owned = |text: Option<Arc<str>>| text.map(|text| text.to_string());
        Self {
            kind: name(event.kind).to_owned(),
            time: event.time as f64,
            topic: owned(event.topic),
            partition: event.partition,
            offset: event.offset.map(BigInt::from),
            group: owned(event.group),
            member: owned(event.member),
            client: owned(event.client),
            text: event.text,
        }
    }
}

fn name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Missed => "missed",
        EventKind::Closing => "closing",
        EventKind::TopicCreated => "topicCreated",
        EventKind::TopicDeleted => "topicDeleted",
        EventKind::TopicChanged => "topicChanged",
        EventKind::PartitionsAdded => "partitionsAdded",
        EventKind::MemberJoined => "memberJoined",
        EventKind::MemberLeft => "memberLeft",
        EventKind::GroupDeleted => "groupDeleted",
        EventKind::DeadLettered => "deadLettered",
        EventKind::Connected => "connected",
        EventKind::Disconnected => "disconnected",
        EventKind::LoginRefused => "loginRefused",
        _ => "other",
    }
}

impl fmt::Debug for NativeEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeEvents").finish_non_exhaustive()
    }
}
