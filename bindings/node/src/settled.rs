//! What became of messages, gathered until JavaScript takes it. `lib/producer.js` reads it.
//!
//! A row of 40 bytes for each message, all little-endian: offset (u64, 2^64-1: not known), ID (u64,
//! the same), timestamp in ms (f64), the number of the batch that the message was sent with, its
//! index there, the partition, and 0 or the number of its error, counted from 1 (u32 each).

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use minka::Result;
use minka::client::Receipt;
use napi::Env;
use napi::bindgen_prelude::{Buffer, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

const ROW_BYTES: usize = 40;
const UNKNOWN: u64 = u64::MAX;

/// Calls a function of JavaScript. Does not keep the event loop going, unless it is told to.
pub(crate) type Bell = ThreadsafeFunction<(), (), (), napi::Status, false, true>;

/// Fates of messages on their way to JavaScript.
pub(crate) struct Fates(Mutex<State>);

/// Messages that were handed over together.
#[derive(Debug)]
pub(crate) struct Batch {
    /// What JavaScript knows it by.
    pub(crate) number: u32,
    /// How many of its messages have no fate yet.
    pub(crate) left: AtomicU32,
    /// Whether nobody waits for a single message of it.
    pub(crate) is_whole: bool,
}

struct State {
    rows: Vec<u8>,
    errors: Vec<(&'static str, String)>,
    bell: Option<Bell>,
    /// Whether JavaScript has been told that there is something.
    rung: bool,
}

/// What became of messages.
#[napi(object, object_from_js = false)]
pub struct Settled {
    /// A row for each.
    pub rows: Buffer,
    /// The errors, each as the name of its kind and its sentence.
    pub errors: Vec<Vec<String>>,
}

/// Makes a bell of a function.
pub(crate) fn bell(function: &Function<'_, (), ()>) -> napi::Result<Bell> {
    function.build_threadsafe_function::<()>().weak::<true>().callee_handled::<false>().build()
}

impl Fates {
    pub(crate) fn new(bell: Bell) -> Self {
        Self(Mutex::new(State {
            rows: Vec::new(),
            errors: Vec::new(),
            bell: Some(bell),
            rung: false,
        }))
    }

    /// Adds what became of a message. JavaScript is told when the last one of the batch is there,
    /// unless somebody waits for each.
    pub(crate) fn push(&self, batch: &Batch, index: u32, result: Result<Receipt>) {
        let mut state = self.lock();
        let mut words = [batch.number, index, 0, 0];
        let (mut offset, mut id, mut timestamp) = (UNKNOWN, UNKNOWN, 0);
        match result {
            Ok(receipt) => {
                words[2] = receipt.partition;
                offset = receipt.offset.unwrap_or(UNKNOWN);
                id = receipt.id.unwrap_or(UNKNOWN);
                timestamp = receipt.timestamp;
            }
            Err(error) => {
                state.errors.push((error.kind().name(), error.to_string()));
                words[3] = u32::try_from(state.errors.len()).unwrap_or(u32::MAX);
            }
        }
        let mut row = [0; ROW_BYTES];
        row[..8].copy_from_slice(&offset.to_le_bytes());
        row[8..16].copy_from_slice(&id.to_le_bytes());
        #[expect(clippy::cast_precision_loss, reason = "exact for the next 285,000 years")]
        row[16..24].copy_from_slice(&(timestamp as f64).to_le_bytes());
        for (place, word) in row[24..].chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        state.rows.extend(row);
        // SYNC: none; whoever decrements holds the lock.
        let is_last = batch.left.fetch_sub(1, Ordering::Relaxed) == 1;
        if (is_last || !batch.is_whole)
            && !state.rung
            && let Some(bell) = &state.bell
        {
            bell.call((), ThreadsafeFunctionCallMode::NonBlocking);
            state.rung = true;
        }
    }

    /// Takes what there is. The bell rings again with what comes next.
    pub(crate) fn take(&self) -> Option<Settled> {
        let mut state = self.lock();
        state.rung = false;
        if state.rows.is_empty() {
            return None;
        }
        let rows = std::mem::take(&mut state.rows);
        let errors = std::mem::take(&mut state.errors);
        drop(state);
        let errors = errors.into_iter().map(|(name, text)| vec![name.to_owned(), text]);
        Some(Settled { rows: rows.into(), errors: errors.collect() })
    }

    /// Whether the event loop goes on because of what is to come. Called on JavaScript's thread.
    #[expect(deprecated, reason = "a bell is held by one, and held on to only now and then")]
    pub(crate) fn hold_loop(&self, env: &Env, hold: bool) -> napi::Result<()> {
        match &mut self.lock().bell {
            Some(bell) if hold => bell.refer(env),
            Some(bell) => bell.unref(env),
            None => Ok(()),
        }
    }

    /// Lets go of the function.
    pub(crate) fn end(&self) {
        let bell = self.lock().bell.take();
        drop(bell);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever holds it adds whole rows.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settled").field("errors", &self.errors).finish_non_exhaustive()
    }
}

impl fmt::Debug for Fates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fates").finish_non_exhaustive()
    }
}
