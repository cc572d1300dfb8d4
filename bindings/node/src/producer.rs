//! A producer, whose sending is done by a thread of its own: `send` may have to wait for room.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use minka::client::{Producer, ProducerConfig};
use minka::{Error, ErrorKind};
use napi::Env;
use napi::bindgen_prelude::{BufferSlice, Function, Object};
use napi_derive::napi;

use crate::broker::NativeBroker;
use crate::error::{Result, closed, thrown};
use crate::messages::Messages;
use crate::promise::{Calls, Promised};
use crate::settings::{duration, set_all, target};
use crate::settled::{Batch, Fates, Settled, bell};
use crate::worker::{call, spawn, start};

/// How long a producer that nobody closed waits for what it has sent.
const PATIENCE: Duration = Duration::from_secs(5);

/// A producer. `lib/producer.js` gives it its face.
#[derive(Debug)]
#[napi]
pub struct NativeProducer {
    shared: Arc<Shared>,
    calls: Calls,
}

#[derive(Debug)]
struct Shared {
    producer: Producer,
    fates: Arc<Fates>,
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// What JavaScript has sent and the producer has not been given.
#[derive(Debug, Default)]
struct Queue {
    batches: VecDeque<(Batch, Messages)>,
    /// Whether a batch is being given to the producer.
    is_busy: bool,
    is_running: bool,
    is_closed: bool,
}

#[napi]
impl NativeProducer {
    /// A producer for a broker, or for the address where there is none. `settled` is called when
    /// there is something for `takeSettled`.
    #[napi(constructor)]
    pub fn new(
        broker: Option<&NativeBroker>,
        address: String,
        settings: Vec<String>,
        settled: Function<'_, (), ()>,
    ) -> Result<Self> {
        let mut config = ProducerConfig::default();
        set_all(&settings, |name, value| config.set(name, value)).map_err(thrown)?;
        let bell = bell(&settled)
            .map_err(|error| thrown(Error::new(ErrorKind::Internal, error.reason.clone())))?;
        let producer = Producer::open(target(broker, address), config).map_err(thrown)?;
        let shared = Shared {
            producer,
            fates: Arc::new(Fates::new(bell)),
            queue: Mutex::default(),
            changed: Condvar::new(),
        };
        Ok(Self { shared: Arc::new(shared), calls: Calls::default() })
    }

    /// Sends a batch of messages. What becomes of each is told with the number of the batch; of
    /// a whole one when all is known.
    #[napi]
    pub fn send(
        &self,
        number: u32,
        is_whole: bool,
        count: u32,
        topics: Vec<String>,
        bytes: BufferSlice<'_>,
    ) -> Result<()> {
        let messages = Messages { topics, bytes: bytes.to_vec(), count };
        let batch = Batch { number, left: AtomicU32::new(count), is_whole };
        let mut queue = self.shared.lock();
        if queue.is_closed {
            return Err(thrown(closed("producer")));
        }
        queue.batches.push_back((batch, messages));
        if !queue.is_running {
            let shared = self.shared.clone();
            spawn(move || shared.run()).map_err(thrown)?;
            queue.is_running = true;
        }
        drop(queue);
        self.shared.changed.notify_all();
        Ok(())
    }

    /// What became of messages since this was called last.
    #[napi]
    pub fn take_settled(&self) -> Option<Settled> {
        self.shared.fates.take()
    }

    /// Whether the event loop goes on because of what is to be told.
    #[napi]
    pub fn hold_loop(&self, env: &Env, hold: bool) -> napi::Result<()> {
        self.shared.fates.hold_loop(env, hold)
    }

    /// Waits until all that was sent before is acknowledged.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn flush<'env>(&self, env: &'env Env, timeout_ms: f64) -> napi::Result<Object<'env>> {
        let (shared, timeout) = (self.shared.clone(), duration(timeout_ms));
        call(env, Some(&self.calls), move || shared.flush(timeout))
    }

    /// Ends it. What is not acknowledged in time fails.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env, timeout_ms: f64) -> napi::Result<Object<'env>> {
        self.calls.abandon(&closed("producer"));
        let (promised, promise) = Promised::<()>::new(env)?;
        let (shared, timeout) = (self.shared.clone(), duration(timeout_ms));
        self.shared.lock().is_closed = true;
        start(&promised, move || shared.close(timeout));
        Ok(promise)
    }

    /// Lets go of the function that is called, after closing.
    #[napi]
    pub fn release(&self) {
        self.shared.fates.end();
    }
}

impl Drop for NativeProducer {
    fn drop(&mut self) {
        let was_closed = std::mem::replace(&mut self.shared.lock().is_closed, true);
        if !was_closed {
            let shared = self.shared.clone();
            // Nobody is left to be told what went wrong.
            let _ = spawn(move || drop(shared.close(PATIENCE)));
        }
    }
}

impl Shared {
    /// Gives batches to the producer until it is closed.
    fn run(&self) {
        let mut queue = self.lock();
        loop {
            if let Some((batch, messages)) = queue.batches.pop_front() {
                queue.is_busy = true;
                drop(queue);
                self.give(&Arc::new(batch), &messages);
                queue = self.lock();
                queue.is_busy = false;
                self.changed.notify_all();
            } else if queue.is_closed {
                queue.is_running = false;
                self.changed.notify_all();
                return;
            } else {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn give(&self, batch: &Arc<Batch>, messages: &Messages) {
        messages.for_each(|index, message| {
            let (fates, of) = (self.fates.clone(), batch.clone());
            let done = move |result| fates.push(&of, index, result);
            if let Err(error) = message.and_then(|message| self.producer.send_with(message, done)) {
                self.fates.push(batch, index, Err(error));
            }
        });
    }

    fn flush(&self, timeout: Duration) -> minka::Result<()> {
        let deadline = Instant::now() + timeout;
        self.wait(deadline, |queue| queue.batches.is_empty() && !queue.is_busy);
        self.producer.flush(deadline.saturating_duration_since(Instant::now()))
    }

    fn close(&self, timeout: Duration) -> minka::Result<()> {
        let deadline = Instant::now() + timeout;
        // The thread ends behind the last batch.
        self.changed.notify_all();
        self.wait(deadline, |queue| !queue.is_running);
        let closed = self.producer.close(deadline.saturating_duration_since(Instant::now()));
        // What the producer was not given in time it now refuses.
        self.wait(deadline + PATIENCE, |queue| !queue.is_running);
        closed
    }

    fn wait(&self, deadline: Instant, done: impl Fn(&Queue) -> bool) {
        let mut queue = self.lock();
        while !done(&queue) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let woken = self.changed.wait_timeout(queue, left);
            queue = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Whoever holds it changes one thing; a panic leaves nothing half done.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
