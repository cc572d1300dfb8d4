//! Deliveries: what becomes of records, told to those who sent them.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::message::Receipt;
use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};

/// What is called when a record's fate is known.
pub(super) type Done = Box<dyn FnOnce(Result<Receipt>) + Send>;

/// A record that has been sent. Dropping it changes nothing: the record is delivered all the same.
#[derive(Debug)]
pub struct Delivery {
    slot: Arc<Slot>,
    index: u32,
    timestamp: Millis,
    taken: bool,
}

/// What becomes of the records of one batch, or of each of the batches that it was split into.
#[derive(Debug)]
pub(super) struct Slot {
    topic: Arc<str>,
    partition: u32,
    state: Mutex<Vec<Told>>,
    filled: Condvar,
    /// Brings the batch on its way from the thread that waits for it, where no other does.
    helper: Option<Arc<dyn Help>>,
}

/// What became of the records from one on.
#[derive(Debug)]
struct Told {
    first: u32,
    count: u32,
    fate: Fate,
}

/// What became of a batch.
#[derive(Debug, Clone)]
pub(super) enum Fate {
    /// It is stored.
    Stored {
        /// The first record's offset, and its ID.
        base_offset: Option<u64>,
        first_id: Option<u64>,
        /// The time of the append where the topic keeps that, or -1.
        append_time: Millis,
    },
    /// It is not, or nobody knows.
    Failed(Error),
    /// It is not, because of some of its records.
    Refused {
        /// These records, by index, in order, with what is wrong.
        records: Vec<(u32, String)>,
        /// The error of the batch.
        error: Error,
    },
}

/// Whoever can bring batches on their way, and waits for what becomes of them.
pub(super) trait Help: Send + Sync + fmt::Debug {
    /// Works and waits until `slot` is filled or `deadline` has passed.
    fn help(&self, slot: &Slot, deadline: Instant);
}

thread_local! {
    /// Whether this thread is in a callback.
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

impl Delivery {
    pub(super) fn new(slot: Arc<Slot>, index: u32, timestamp: Millis) -> Self {
        Self { slot, index, timestamp, taken: false }
    }

    /// Waits until the record is acknowledged, or has failed. [`ErrorKind::Timeout`] after
    /// `timeout` says nothing about the record: it may still be stored.
    pub fn wait(mut self, timeout: Duration) -> Result<Receipt> {
        refuse_in_callback("wait for a delivery")?;
        self.taken = false;
        self.take_within(timeout).unwrap_or_else(|| {
            Err(Error::new(
                ErrorKind::Timeout,
                "the record was not acknowledged in time; it may still be stored",
            ))
        })
    }

    /// Waits as [`Delivery::wait`] does, and can be asked again: `None` when `timeout` is over,
    /// after the result was taken, and at once in a callback, which may not wait.
    pub fn take_within(&mut self, timeout: Duration) -> Option<Result<Receipt>> {
        if self.taken {
            return None;
        }
        let mut result = self.result();
        // Mostly it came with that of another record of the same batch.
        if result.is_none() && !in_callback() {
            let deadline = deadline(timeout);
            match &self.slot.helper {
                Some(helper) => helper.help(&self.slot, deadline),
                None => self.slot.wait(self.index, deadline),
            }
            result = self.result();
        }
        self.taken = result.is_some();
        result
    }

    /// What became of the record, once, as soon as that is known; `None` before, and after it was
    /// taken.
    pub fn try_take(&mut self) -> Option<Result<Receipt>> {
        self.take_within(Duration::ZERO)
    }

    fn result(&self) -> Option<Result<Receipt>> {
        let told = self.slot.lock();
        let told = told.iter().find(|told| told.is_about(self.index))?;
        Some(self.slot.receipt(told, self.index, self.timestamp))
    }
}

impl Slot {
    pub(super) fn new(topic: Arc<str>, partition: u32, helper: Option<Arc<dyn Help>>) -> Arc<Self> {
        Arc::new(Self { topic, partition, state: Mutex::default(), filled: Condvar::new(), helper })
    }

    pub(super) fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    /// The partition's number, as the protocol has it.
    pub(super) fn index(&self) -> i32 {
        i32::try_from(self.partition).unwrap_or(-1)
    }

    pub(super) fn is_filled(&self) -> bool {
        !self.lock().is_empty()
    }

    /// Says what became of `count` records from the one with the index `first` on, and calls who
    /// wants to be called.
    pub(super) fn fill(
        &self,
        first: u32,
        count: u32,
        fate: Fate,
        callbacks: Vec<(u32, Millis, Done)>,
    ) {
        let told = Told { first, count, fate };
        let receipts = callbacks.into_iter().map(|(index, timestamp, done)| {
            let result = self.receipt(&told, index, timestamp);
            (done, result)
        });
        let receipts: Vec<_> = receipts.collect();
        self.lock().push(told);
        self.filled.notify_all();
        for (done, result) in receipts {
            let before = IN_CALLBACK.replace(true);
            // A panic is the caller's, and printed; the records of others do not suffer from it.
            let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
            IN_CALLBACK.set(before);
        }
    }

    fn wait(&self, index: u32, deadline: Instant) {
        let mut state = self.lock();
        while !state.iter().any(|told| told.is_about(index)) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let woken = self.filled.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn receipt(&self, told: &Told, index: u32, timestamp: Millis) -> Result<Receipt> {
        let index = index - told.first;
        match &told.fate {
            Fate::Stored { base_offset, first_id, append_time } => {
                let nth = |first: u64| first + u64::from(index);
                Ok(Receipt {
                    topic: self.topic.clone(),
                    partition: self.partition,
                    offset: base_offset.map(nth),
                    id: first_id.map(nth),
                    timestamp: if *append_time >= 0 { *append_time } else { timestamp },
                })
            }
            Fate::Failed(error) => Err(error.clone()),
            Fate::Refused { records, error } => {
                let own = records.iter().find(|(at, _)| *at == index);
                let text = match own {
                    Some((_, words)) => words.clone(),
                    None => "another record of the same batch was refused; send this one again"
                        .to_owned(),
                };
                Err(Error::new(error.kind(), text))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Told>> {
        // It only grows, one whole entry at a time.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn is_about(&self, index: u32) -> bool {
        index.checked_sub(self.first).is_some_and(|place| place < self.count)
    }
}

/// Whether this thread is in a callback, which must not wait for the thread that called it.
pub(super) fn in_callback() -> bool {
    IN_CALLBACK.get()
}

pub(super) fn refuse_in_callback(doing: &str) -> Result<()> {
    if in_callback() {
        let text = format!("a callback may not {doing}: it would wait for itself");
        return Err(Error::new(ErrorKind::InvalidRequest, text));
    }
    Ok(())
}

/// The end of a timeout that begins now; far away where it cannot be said.
pub(super) fn deadline(timeout: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    let now = Instant::now();
    now.checked_add(timeout.min(FAR)).unwrap_or(now)
}
