//! Sending records: to a broker in this process, or to brokers behind addresses.

mod accumulator;
mod batch;
mod delivery;
mod errand;
mod link;
mod local;
mod message;
mod part;
mod sender;
mod signal;
mod timer;
mod verdict;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mio::Waker;

use self::accumulator::{Accumulator, Added, Layout, NotAdded};
pub use self::delivery::Delivery;
use self::delivery::{Done, Help, deadline, in_callback, refuse_in_callback};
use self::local::Local;
pub use self::message::{Message, Receipt};
use self::sender::Sender;
use super::config::ProducerConfig;
use super::remote::cluster::{Cluster, ClusterOptions};
use super::target::Target;
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};

/// How long a producer that is dropped waits for what it has sent.
const DROP_PATIENCE: Duration = Duration::from_secs(5);

/// Sends records. Any number of threads may use one producer at the same time.
///
/// A record is added to a batch of its partition and leaves with it; what becomes of it is told by
/// its [`Delivery`], or to a callback. What can be tried again is, until `delivery_timeout`;
/// records of one partition are stored in the order in which they were sent.
///
/// On an address, one thread sends for the producer. On a broker in this process there is none
/// until records gather faster than they are stored, or somebody wants to be called back.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use minka::client::{Message, Producer, ProducerConfig};
/// use minka::sys::event_log::{EventLog, FILE_BYTES_DEFAULT, Level};
/// use minka::{Broker, Config};
///
/// # fn main() -> minka::Result<()> {
/// # let directory = tempfile::tempdir().expect("a directory can be made");
/// # let directory = directory.path();
/// let events = EventLog::open(directory, Level::Info, FILE_BYTES_DEFAULT, 1)?;
/// let broker = Arc::new(Broker::open(directory, Config::default(), Arc::new(events))?);
/// let producer = Producer::open(&broker, ProducerConfig::default())?; // or "host:9092"
/// let delivery = producer.send(Message::new("orders", b"a record").with_key(b"customer 7"))?;
/// let receipt = delivery.wait(Duration::from_secs(10))?;
/// assert_eq!(receipt.offset, Some(0));
/// producer.close(Duration::from_secs(10))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Producer {
    accumulator: Arc<Accumulator>,
    way: Way,
}

/// How records get to the broker.
#[derive(Debug)]
enum Way {
    Local(Arc<Local>, Arc<dyn Help>),
    Remote(Remote),
}

/// The thread that sends to brokers behind addresses.
#[derive(Debug)]
struct Remote {
    cluster: Cluster,
    clock: SystemClock,
    waker: Arc<Waker>,
    stopped: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Producer {
    /// A producer for `target`. Connects to nothing yet: what is wrong with the way to the broker
    /// is told by [`Producer::send`] and by deliveries.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for settings that cannot work, or an address that is none.
    pub fn open(target: impl Into<Target>, config: ProducerConfig) -> Result<Self> {
        config.check()?;
        let accumulator = Arc::new(Accumulator::new(config));
        let way = match target.into() {
            Target::Broker(broker) => {
                let local = Local::new(broker, accumulator.clone());
                Way::Local(local.clone(), local)
            }
            Target::Address(address) => Way::Remote(Remote::start(&address, accumulator.clone())?),
        };
        Ok(Self { accumulator, way })
    }

    /// Sends a record. It is on its way when this returns; whether it arrives is told by the
    /// [`Delivery`], which may be dropped.
    ///
    /// Waits at most for `block_max`: for room in the buffer, or to hear of a topic that was not
    /// sent to before.
    ///
    /// # Errors
    /// [`ErrorKind::QueueFull`] if the buffer stayed full; [`ErrorKind::MessageTooLarge`] for a
    /// record that no batch can take; [`ErrorKind::UnknownTopicOrPartition`];
    /// [`ErrorKind::BrokerUnavailable`] if no broker could be asked about the topic;
    /// [`ErrorKind::Closed`] after [`Producer::close`].
    pub fn send(&self, message: Message<'_>) -> Result<Delivery> {
        self.send_within(message, self.accumulator.config.block_max)
    }

    /// Sends a record, as [`Producer::send`] does, but waits at most for `block_max`. Zero tries
    /// it without waiting.
    pub fn send_within(&self, message: Message<'_>, block_max: Duration) -> Result<Delivery> {
        self.add(&message, None, block_max)
    }

    /// Sends a record, as [`Producer::send`] does, and calls `done` once with what became of it,
    /// unless this returns an error.
    ///
    /// `done` is called by the producer's thread, or, in this process, by a thread that is in a
    /// call of this producer. Others wait meanwhile, so it should be short. It may send: then a
    /// full buffer is an error at once. It may not wait, flush or close.
    pub fn send_with(
        &self,
        message: Message<'_>,
        done: impl FnOnce(Result<Receipt>) + Send + 'static,
    ) -> Result<()> {
        let block_max = self.accumulator.config.block_max;
        self.add(&message, Some(Box::new(done)), block_max).map(drop)
    }

    /// Waits until every record that was sent before is acknowledged or has failed, and its
    /// callback has returned. Nothing waits for more records in the meantime.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if that takes longer than `timeout`. Records that failed are told by
    /// their deliveries, not here.
    pub fn flush(&self, timeout: Duration) -> Result<()> {
        refuse_in_callback("flush its producer")?;
        let deadline = deadline(timeout);
        let mark = self.accumulator.lock().flush();
        let finished = match &self.way {
            Way::Local(local, _) => local.wait_finished(mark, deadline),
            Way::Remote(remote) => {
                remote.wake();
                self.accumulator.wait_finished(mark, deadline)
            }
        };
        if finished {
            return Ok(());
        }
        let text = format!("not everything was acknowledged within {} ms", timeout.as_millis());
        Err(Error::new(ErrorKind::Timeout, text))
    }

    /// Takes no more records, waits as [`Producer::flush`] does, and ends the producer's thread.
    /// What is not acknowledged by then fails with [`ErrorKind::Closed`]. May be called from any
    /// thread while others send; closing again does nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if not everything was acknowledged within `timeout`.
    pub fn close(&self, timeout: Duration) -> Result<()> {
        refuse_in_callback("close its producer")?;
        self.accumulator.close();
        let flushed = self.flush(timeout);
        match &self.way {
            Way::Local(local, _) => local.stop(),
            Way::Remote(remote) => remote.stop(),
        }
        flushed
    }

    fn add(
        &self,
        message: &Message<'_>,
        mut done: Option<Done>,
        block_max: Duration,
    ) -> Result<Delivery> {
        let called_back = done.is_some();
        loop {
            let (now, helper) = match &self.way {
                Way::Local(local, helper) => (local.now(), Some(helper)),
                Way::Remote(remote) => (remote.clock.wall(), None),
            };
            match self.accumulator.add(message, now, done, helper, block_max) {
                Ok(Added { delivery, ready, wake }) => {
                    match &self.way {
                        Way::Local(local, _) if ready || called_back => local.added(called_back),
                        Way::Remote(remote) if wake => remote.wake(),
                        _ => {}
                    }
                    return Ok(delivery);
                }
                Err(NotAdded::Refused(error)) => return Err(error),
                Err(NotAdded::UnknownTopic(again)) => done = again,
            }
            let layout = match &self.way {
                Way::Local(local, _) => local.look_up(message.topic)?,
                Way::Remote(remote) => {
                    let topic = remote.cluster.topic(message.topic, deadline(block_max))?;
                    let leaders = topic.partitions.clone();
                    Layout { leaders, batch_bytes_max: usize::MAX }
                }
            };
            let config = &self.accumulator.config;
            self.accumulator.lock().set_layout(message.topic, &layout, config);
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        if in_callback() {
            // The thread that is in the callback is the one that would have to be waited for.
            self.accumulator.close();
            match &self.way {
                Way::Local(local, _) => local.end(),
                Way::Remote(remote) => remote.end(),
            }
            return;
        }
        let closed = self.accumulator.lock().is_closed();
        // Whoever wants to know what was not acknowledged closes it first.
        let _ = self.close(if closed { Duration::ZERO } else { DROP_PATIENCE });
    }
}

impl Remote {
    fn start(address: &str, accumulator: Arc<Accumulator>) -> Result<Self> {
        let config = &accumulator.config;
        let options = ClusterOptions {
            client_id: config.client_id.clone(),
            create_topics: true,
            request_timeout: config.request_timeout,
            backoff: config.backoff(),
            credentials: config.credentials.clone(),
        };
        let cluster = Cluster::new(address, options)?;
        let stopped = Arc::new(AtomicBool::new(false));
        let (sender, waker) = Sender::new(accumulator, cluster.clone(), stopped.clone())?;
        let thread = thread::Builder::new().name("minka-producer".to_owned());
        let thread = thread.spawn(move || sender.run());
        let thread = thread.map_err(|error| Error::network("starting a thread", error))?;
        let clock = SystemClock::default();
        Ok(Self { cluster, clock, waker, stopped, thread: Mutex::new(Some(thread)) })
    }

    fn wake(&self) {
        // It fails only where the poller is gone, and with it the thread to be woken.
        let _ = self.waker.wake();
    }

    /// Has the thread end soon.
    fn end(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.cluster.stop();
        self.wake();
    }

    fn stop(&self) {
        self.end();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic has been printed.
            let _ = thread.join();
        }
    }
}
