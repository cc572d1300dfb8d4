//! A consumer, whose calls that may block are made by a thread of its own, one at a time.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minka::client::{Acknowledgement, Consumer, ConsumerConfig, Record, Records, StartAt, Waker};
use napi::Env;
use napi::bindgen_prelude::{BigInt, Object, ToNapiValue};
use napi_derive::napi;

use crate::broker::NativeBroker;
use crate::descriptions::TopicPartition;
use crate::error::{Result, closed, invalid, thrown};
use crate::packed::{Packed, Polled};
use crate::promise::{Calls, Promised};
use crate::settings::{duration, set_all, start_at, target};
use crate::worker::Worker;

/// A consumer. `lib/consumer.js` gives it its face.
#[napi]
pub struct NativeConsumer {
    shared: Arc<Shared>,
    worker: Worker,
    calls: Calls,
    waker: Waker,
}

struct Shared {
    /// None when it has been closed.
    consumer: Mutex<Option<Consumer>>,
    /// Whether a call is under way. SYNC: set by JavaScript's thread; cleared by the worker after
    /// it has let go of the consumer.
    is_busy: AtomicBool,
    is_closed: AtomicBool,
}

/// A partition to read, and where from.
#[derive(Debug)]
#[napi(object, object_to_js = false)]
pub struct Assignment {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// `earliest`, `latest`, `time:MS` or `offset:OFFSET`.
    pub at: String,
}

#[napi]
impl NativeConsumer {
    /// A consumer of a broker, or of the address where there is none.
    #[napi(constructor)]
    pub fn new(
        broker: Option<&NativeBroker>,
        address: String,
        settings: Vec<String>,
    ) -> Result<Self> {
        let mut config = ConsumerConfig::default();
        set_all(&settings, |name, value| config.set(name, value)).map_err(thrown)?;
        let consumer = Consumer::open(target(broker, address), config).map_err(thrown)?;
        let waker = consumer.waker();
        let shared = Shared {
            consumer: Mutex::new(Some(consumer)),
            is_busy: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
        };
        let (worker, calls) = (Worker::default(), Calls::default());
        Ok(Self { shared: Arc::new(shared), worker, calls, waker })
    }

    /// Joins the group to read these topics.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn subscribe<'env>(
        &self,
        env: &'env Env,
        topics: Vec<String>,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |consumer| {
            let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
            consumer.subscribe(&topics)
        })
    }

    /// Reads these partitions.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn assign<'env>(
        &self,
        env: &'env Env,
        partitions: Vec<Assignment>,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |consumer| {
            let partition = |one: &'_ Assignment| Ok((one.partition, start_at(&one.at)?));
            let places: Vec<(u32, StartAt)> =
                partitions.iter().map(partition).collect::<minka::Result<_>>()?;
            let partitions = partitions.iter().zip(places);
            let partitions = partitions.map(|(one, (index, at))| (one.topic.as_str(), index, at));
            consumer.assign(&partitions.collect::<Vec<_>>())
        })
    }

    /// Waits for records.
    #[napi(ts_return_type = "Promise<Polled>")]
    pub fn poll<'env>(&self, env: &'env Env, timeout_ms: f64) -> napi::Result<Object<'env>> {
        let (promised, promise) = Promised::<Polled>::new(env)?;
        let timeout = duration(timeout_ms);
        self.start(&promised, {
            let promised = promised.clone();
            move |shared| {
                let mut guard = shared.lock();
                let Some(consumer) = guard.as_mut() else { return };
                let polled = consumer.poll(timeout);
                let Some(claim) = promised.claim() else {
                    // Closing was faster: nobody has seen these records.
                    polled.iter().for_each(|records| give_back(consumer, records));
                    return;
                };
                drop(guard);
                shared.is_busy.store(false, Ordering::Release);
                claim.settle_as(polled.map(|records| Packed::new(&records)), Packed::into_polled);
            }
        });
        Ok(promise)
    }

    /// Says that what was returned is done, and waits until the broker has that.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn commit<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, Consumer::commit)
    }

    /// The position that the group has committed.
    #[napi(ts_return_type = "Promise<bigint | null>")]
    pub fn committed<'env>(
        &self,
        env: &'env Env,
        topic: String,
        partition: u32,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |consumer| Ok(consumer.committed(&topic, partition)?.map(BigInt::from)))
    }

    /// Says what becomes of a message of a queue group: `accept`, `release`, `reject` or `renew`.
    #[napi]
    pub fn acknowledge(
        &self,
        topic: String,
        partition: u32,
        offset: BigInt,
        what: String,
    ) -> Result<()> {
        let what = match what.as_str() {
            "accept" => Acknowledgement::Accept,
            "release" => Acknowledgement::Release,
            "reject" => Acknowledgement::Reject,
            "renew" => Acknowledgement::Renew,
            other => return Err(thrown(invalid(format!("{other} is no acknowledgement")))),
        };
        let (_, offset, _) = offset.get_u64();
        self.at_once(|consumer| consumer.acknowledge(&topic, partition, offset, what))
    }

    /// How many acknowledgements came too late.
    #[napi]
    pub fn acknowledged_too_late(&self) -> Result<BigInt> {
        self.at_once(|consumer| Ok(BigInt::from(consumer.acknowledged_too_late())))
    }

    /// Goes on elsewhere in a partition.
    #[napi]
    pub fn seek(&self, topic: String, partition: u32, at: String) -> Result<()> {
        self.at_once(|consumer| consumer.seek(&topic, partition, start_at(&at)?))
    }

    /// Returns no more records of a partition for a while.
    #[napi]
    pub fn pause(&self, topic: String, partition: u32) -> Result<()> {
        self.at_once(|consumer| consumer.pause(&topic, partition))
    }

    /// Goes on with a partition.
    #[napi]
    pub fn resume(&self, topic: String, partition: u32) -> Result<()> {
        self.at_once(|consumer| consumer.resume(&topic, partition))
    }

    /// The offset of the next record of a partition.
    #[napi(ts_return_type = "bigint | null")]
    pub fn position(&self, topic: String, partition: u32) -> Result<Option<BigInt>> {
        self.at_once(|consumer| Ok(consumer.position(&topic, partition)?.map(BigInt::from)))
    }

    /// The partitions that are read at present.
    #[napi]
    pub fn assignment(&self) -> Result<Vec<TopicPartition>> {
        self.at_once(|consumer| {
            let assigned = consumer.assignment().into_iter();
            Ok(assigned.map(TopicPartition::from).collect())
        })
    }

    /// Ends the poll that waits, or the next one.
    #[napi]
    pub fn wake(&self) {
        self.waker.wake();
    }

    /// Ends it, and the call that is under way.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let (promised, promise) = Promised::<()>::new(env)?;
        self.shared.is_closed.store(true, Ordering::SeqCst);
        self.calls.abandon(&closed("consumer"));
        self.waker.wake();
        let (shared, caller) = (self.shared.clone(), promised.clone());
        self.worker.end(move || {
            let consumer = shared.lock().take();
            caller.settle(consumer.map_or(Ok(()), Consumer::close));
        });
        Ok(promise)
    }
}

impl NativeConsumer {
    /// Makes a call that may block, on the consumer's thread.
    fn call<'env, T: ToNapiValue + Send + 'static>(
        &self,
        env: &'env Env,
        call: impl FnOnce(&mut Consumer) -> minka::Result<T> + Send + 'static,
    ) -> napi::Result<Object<'env>> {
        let (promised, promise) = Promised::<T>::new(env)?;
        self.start(&promised, {
            let promised = promised.clone();
            move |shared| {
                let mut guard = shared.lock();
                let Some(consumer) = guard.as_mut() else { return };
                let result = call(consumer);
                drop(guard);
                shared.is_busy.store(false, Ordering::Release);
                promised.settle(result);
            }
        });
        Ok(promise)
    }

    /// Starts a call on the consumer's thread, unless there is one.
    fn start<T: ToNapiValue + Send + 'static>(
        &self,
        promised: &Arc<Promised<T>>,
        call: impl FnOnce(&Shared) + Send + 'static,
    ) {
        if let Err(error) = self.shared.check() {
            promised.settle(Err(error));
            return;
        }
        self.shared.is_busy.store(true, Ordering::Release);
        self.calls.add(promised);
        let shared = self.shared.clone();
        self.worker.run(move || call(&shared));
    }

    /// Makes a call that does not block, on JavaScript's thread.
    fn at_once<T>(&self, call: impl FnOnce(&mut Consumer) -> minka::Result<T>) -> Result<T> {
        self.shared.check().map_err(thrown)?;
        let mut consumer = self.shared.lock();
        let consumer = consumer.as_mut().ok_or_else(|| thrown(closed("consumer")))?;
        call(consumer).map_err(thrown)
    }
}

impl Drop for NativeConsumer {
    fn drop(&mut self) {
        if !self.shared.is_closed.swap(true, Ordering::SeqCst) {
            self.waker.wake();
            let shared = self.shared.clone();
            self.worker.end(move || drop(shared.lock().take()));
        }
    }
}

impl Shared {
    /// Whether the consumer can be used now.
    fn check(&self) -> minka::Result<()> {
        if self.is_closed.load(Ordering::SeqCst) {
            return Err(closed("consumer"));
        }
        if self.is_busy.load(Ordering::Acquire) {
            return Err(invalid(
                "the consumer is in another call: await that first; wake() ends a poll",
            ));
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Consumer>> {
        // After a panic its calls fail on their own.
        self.consumer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Undoes a poll: its records will be returned again, to this consumer or another.
fn give_back(consumer: &mut Consumer, records: &Records) {
    let mut first: HashMap<(&str, u32), Record<'_>> = HashMap::new();
    for record in records {
        if consumer.release(&record).is_err() {
            first.entry((record.topic, record.partition)).or_insert(record);
        }
    }
    for record in first.values() {
        // Where the partition is another's by now, that one begins at what is committed.
        let _ = consumer.seek(record.topic, record.partition, StartAt::Offset(record.offset));
    }
}

impl fmt::Debug for NativeConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeConsumer").finish_non_exhaustive()
    }
}
