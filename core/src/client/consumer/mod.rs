//! Consuming: of partitions by hand, as a member of a group of which each member has partitions of
//! its own, or from a queue whose messages the members of a group share.

mod config;
mod group;
mod local;
mod partitions;
mod queue;
mod record;
mod records;
mod remote;
mod signal;
mod source;
mod unpack;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use config::{ConsumerConfig, Group, Start, StartAt};
pub use record::Record;
pub use records::{Iter, Place, Records};
pub use signal::Waker;

use super::Target;
use super::backoff::Backoff;
use super::remote::cluster::{Cluster, ClusterOptions};
use crate::engine::{Broker, Wake};
use crate::error::{Error, ErrorKind, Result};
use crate::state::topic::check_name;
use crate::wire::kafka::share_fetch::{ACCEPT, REJECT, RELEASE, RENEW};
use group::{
    Assigned, Coordinator, Kind, LocalCoordinator, Membership, PartitionMember, RemoteCoordinator,
    new_member_id,
};
use local::Local;
use partitions::Partitions;
use queue::{LocalQueue, QueueMember, QueueSource};
use remote::{Remote, RemoteQueue, Sharer};
use signal::Signal;
use source::Source;

/// Longer than anybody waits: what a timeout is that no clock can add up.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// How long a consumer that is dropped, and not closed, tries to tell the broker what was done.
const DROP_PATIENCE: Duration = Duration::from_secs(2);

/// A consumer. Belongs to one thread at a time; its [`Waker`] to all.
///
/// It reads [partitions by hand](Self::assign), or [as a member](Self::subscribe) of a
/// [group](Group). Behind an address it has threads of its own that fetch ahead; as a member it
/// has one that keeps it in the group.
///
/// ```
/// use std::time::Duration;
///
/// use minka::client::{Consumer, ConsumerConfig, Group};
/// # use std::sync::Arc;
/// # use minka::engine::{Acks, Broker, Config};
/// # use minka::sys::event_log::EventLog;
///
/// # fn main() -> minka::Result<()> {
/// # let directory = std::env::temp_dir().join(format!("minka-consumer-{}", std::process::id()));
/// # let broker = Broker::open(&directory, Config::default(), Arc::new(EventLog::none()))?;
/// # let broker = Arc::new(broker);
/// # let topic = broker.topic_or_create("orders")?;
/// # let record = (Some(&b"key"[..]), Some(&b"an order"[..]));
/// # broker.submit_record(&topic, topic.partition(0)?, record, Acks::Synced, None)?;
/// # broker.drain();
/// let group = Some(Group::Partitions("billing".to_owned()));
/// let config = ConsumerConfig { group, ..ConsumerConfig::default() };
/// // A broker in this process; "localhost:9092" for one behind an address.
/// let mut consumer = Consumer::open(&broker, config)?;
/// consumer.subscribe(&["orders"])?;
/// let records = consumer.poll(Duration::from_secs(10))?;
/// for record in &records {
///     println!("{} at offset {}: {:?}", record.topic, record.offset, record.value);
/// }
/// # assert_eq!(records.len(), 1);
/// // What was returned counts as done: the next member goes on behind it.
/// consumer.close()?;
/// # broker.close()?;
/// # drop(std::fs::remove_dir_all(&directory));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Consumer {
    backend: Backend,
    config: ConsumerConfig,
    signal: Arc<Signal>,
    mode: Mode,
}

/// Where the broker is.
#[derive(Debug)]
enum Backend {
    Local(Arc<Broker>),
    Remote(String),
}

/// What the consumer reads.
#[derive(Debug)]
enum Mode {
    Nothing,
    Assigned(Box<Partitions>),
    Member(Box<PartitionMember>),
    Queue(Box<QueueMember>),
}

/// What a member of a queue group says of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Acknowledgement {
    /// As [`Consumer::accept`].
    Accept,
    /// As [`Consumer::release`].
    Release,
    /// As [`Consumer::reject`].
    Reject,
    /// As [`Consumer::renew`].
    Renew,
}

impl Consumer {
    /// Opens a consumer of a broker in this process, or behind an address.
    ///
    /// Fails with [`ErrorKind::InvalidConfig`] or [`ErrorKind::InvalidGroupId`]. An address is
    /// not connected to yet: a broker that cannot be reached is waited for.
    pub fn open(target: impl Into<Target>, config: ConsumerConfig) -> Result<Self> {
        config.check()?;
        let signal = Arc::<Signal>::default();
        let backend = match target.into() {
            Target::Broker(broker) => {
                let wake: Arc<dyn Wake> = signal.clone();
                broker.watch_closing(&wake);
                Backend::Local(broker)
            }
            Target::Address(address) => {
                cluster(&address, &config)?;
                Backend::Remote(address)
            }
        };
        Ok(Self { backend, config, signal, mode: Mode::Nothing })
    }

    /// Reads these partitions, each from where it says, instead of those before. A topic or
    /// partition that does not exist is waited for; it is not created.
    pub fn assign(&mut self, partitions: &[(&str, u32, StartAt)]) -> Result<()> {
        let mut assigned = Partitions::new(self.source()?, self.config.start);
        for &(topic, partition, at) in partitions {
            check_name(topic)?;
            if assigned.contains(topic, partition) {
                let text = format!("partition {partition} of topic {topic} is assigned twice");
                return Err(Error::new(ErrorKind::InvalidRequest, text));
            }
            assigned.add(topic.into(), partition, at);
        }
        self.shut(Some(self.config.request_timeout))?;
        self.mode = Mode::Assigned(Box::new(assigned));
        Ok(())
    }

    /// Joins [the group](ConsumerConfig::group), to read these topics with its other members. A
    /// topic that does not exist is waited for; it is not created. Who is a member already wants
    /// these topics from now on, instead of those before.
    ///
    /// Fails with [`ErrorKind::InvalidConfig`] without a group. What the broker says against it
    /// is an error of [`Consumer::poll`].
    pub fn subscribe(&mut self, topics: &[&str]) -> Result<()> {
        topics.iter().try_for_each(|topic| check_name(topic))?;
        let names: Vec<Arc<str>> = topics.iter().map(|&topic| topic.into()).collect();
        match &self.mode {
            Mode::Member(member) => {
                member.subscribe(names);
                return Ok(());
            }
            Mode::Queue(member) => {
                member.subscribe(names);
                return Ok(());
            }
            Mode::Nothing | Mode::Assigned(_) => {}
        }
        let Some(group) = self.config.group.clone() else {
            let text = "only a member of a group can subscribe: name one in the configuration";
            return Err(Error::new(ErrorKind::InvalidConfig, text));
        };
        self.shut(Some(self.config.request_timeout))?;
        self.mode = match group {
            Group::Partitions(group) => self.join_partitions(group, names)?,
            Group::Queue(group) => self.join_queue(group, names)?,
        };
        Ok(())
    }

    /// Waits for records and returns them: at most
    /// [`records_max`](ConsumerConfig::records_max); none when `timeout` is over.
    ///
    /// Fails with [`ErrorKind::Interrupted`] after [`Waker::wake`], and with [`ErrorKind::Closed`]
    /// when the broker in this process has been closed. Any other error concerns one partition:
    /// the next poll tries it again and returns what others have.
    pub fn poll(&mut self, timeout: Duration) -> Result<Records> {
        let polled = self.poll_until(Instant::now() + timeout.min(FOREVER));
        match &mut self.mode {
            Mode::Member(member) => member.polling(false)?,
            Mode::Queue(member) => member.polling(false)?,
            Mode::Nothing | Mode::Assigned(_) => {}
        }
        polled
    }

    fn poll_until(&mut self, deadline: Instant) -> Result<Records> {
        let mut records = Records::default();
        loop {
            if self.signal.take_interrupt() {
                return Err(Error::new(ErrorKind::Interrupted, "the poll was ended by its waker"));
            }
            if let Backend::Local(broker) = &self.backend {
                broker.check_open()?;
            }
            let look_again = self.fill(&mut records)?;
            if !records.is_empty() || Instant::now() >= deadline {
                return Ok(records);
            }
            self.signal.wait(look_again.map_or(deadline, |when| when.min(deadline)));
        }
    }

    /// Says that what was returned is done, and waits until the broker has that: the positions of
    /// a member of a partition group.
    ///
    /// Fails with [`ErrorKind::UnknownMember`] where the group has given the partitions to others
    /// meanwhile, and with [`ErrorKind::Timeout`] where the broker does not confirm it within
    /// [`request_timeout`](ConsumerConfig::request_timeout).
    pub fn commit(&mut self) -> Result<()> {
        match &mut self.mode {
            Mode::Member(member) => member.commit(self.config.request_timeout),
            Mode::Queue(member) => member.commit(self.config.request_timeout),
            Mode::Nothing | Mode::Assigned(_) => Err(no_group()),
        }
    }

    /// The position that the group has committed for a partition of this member; `None` if it has
    /// committed none.
    pub fn committed(&mut self, topic: &str, partition: u32) -> Result<Option<u64>> {
        match &self.mode {
            Mode::Member(member) => member.committed(topic, partition),
            Mode::Nothing | Mode::Assigned(_) | Mode::Queue(_) => Err(no_group()),
        }
    }

    /// The message has been dealt with: no member of the queue group gets it again. The broker is
    /// told with the next poll or commit.
    ///
    /// Fails with [`ErrorKind::InvalidRecordState`] where this consumer does not hold the record
    /// (any more), as all of these methods do.
    pub fn accept(&mut self, record: &Record<'_>) -> Result<()> {
        self.mark(record, Acknowledgement::Accept)
    }

    /// The message is for somebody else, or for later: it is delivered again, to any member, with
    /// a higher [delivery count](Record::delivery_count).
    pub fn release(&mut self, record: &Record<'_>) -> Result<()> {
        self.mark(record, Acknowledgement::Release)
    }

    /// The message cannot be dealt with: no member gets it again.
    pub fn reject(&mut self, record: &Record<'_>) -> Result<()> {
        self.mark(record, Acknowledgement::Reject)
    }

    /// The message takes longer: its lock begins anew. It is held until something else is said
    /// of it, also with [`auto_commit`](ConsumerConfig::auto_commit).
    ///
    /// Fails with [`ErrorKind::Unsupported`] where the broker cannot do that.
    pub fn renew(&mut self, record: &Record<'_>) -> Result<()> {
        self.mark(record, Acknowledgement::Renew)
    }

    /// Says what becomes of the record at a place, as [`Consumer::accept`] and its like do of a
    /// record at hand.
    pub fn acknowledge(
        &mut self,
        topic: &str,
        partition: u32,
        offset: u64,
        what: Acknowledgement,
    ) -> Result<()> {
        let kind = match what {
            Acknowledgement::Accept => ACCEPT,
            Acknowledgement::Release => RELEASE,
            Acknowledgement::Reject => REJECT,
            Acknowledgement::Renew => RENEW,
        };
        match &mut self.mode {
            Mode::Queue(member) => member.mark((topic, partition, offset), kind),
            Mode::Nothing | Mode::Assigned(_) | Mode::Member(_) => Err(Error::new(
                ErrorKind::InvalidRequest,
                "only a member of a queue group says what becomes of single records",
            )),
        }
    }

    /// How many acknowledgements came too late, or over a connection that was lost, since this
    /// consumer subscribed to a queue group: those messages are delivered again. With
    /// [`auto_commit`](ConsumerConfig::auto_commit) that is no error.
    pub fn acknowledged_too_late(&self) -> u64 {
        match &self.mode {
            Mode::Queue(member) => member.too_late(),
            Mode::Nothing | Mode::Assigned(_) | Mode::Member(_) => 0,
        }
    }

    /// Ends the consumer: with [`auto_commit`](ConsumerConfig::auto_commit), what was returned is
    /// done. A member leaves its group at once, and others take over without delay.
    ///
    /// Dropping a consumer does the same, for 2 seconds at most, and tells no errors. If that
    /// happens by a panic, what the last poll returned does not count as done.
    pub fn close(mut self) -> Result<()> {
        self.shut(Some(self.config.request_timeout))
    }

    /// Goes on at another offset of a partition. What was fetched of it is dropped.
    pub fn seek(&mut self, topic: &str, partition: u32, at: StartAt) -> Result<()> {
        self.partitions()?.seek(topic, partition, at)
    }

    /// Returns no more records of a partition until [`Consumer::resume`].
    pub fn pause(&mut self, topic: &str, partition: u32) -> Result<()> {
        self.partitions()?.pause(topic, partition, true)
    }

    /// Goes on with a partition where it was paused.
    pub fn resume(&mut self, topic: &str, partition: u32) -> Result<()> {
        self.partitions()?.pause(topic, partition, false)
    }

    /// The offset of the next record that a poll will return of a partition; `None` until the
    /// broker has said where it begins.
    pub fn position(&mut self, topic: &str, partition: u32) -> Result<Option<u64>> {
        self.partitions()?.position(topic, partition)
    }

    /// The partitions that are read at present.
    pub fn assignment(&self) -> Vec<(String, u32)> {
        match &self.mode {
            Mode::Nothing => Vec::new(),
            Mode::Assigned(partitions) => named(partitions),
            Mode::Member(member) => assigned(member.assignment()),
            Mode::Queue(member) => assigned(member.assignment()),
        }
    }

    /// What ends a poll that waits, from any thread.
    pub fn waker(&self) -> Waker {
        Waker::new(&self.signal)
    }

    /// Takes what there is. Returns when to look again in any case.
    fn fill(&mut self, records: &mut Records) -> Result<Option<Instant>> {
        match &mut self.mode {
            Mode::Nothing => Err(Error::new(
                ErrorKind::InvalidRequest,
                "the consumer reads nothing: call assign or subscribe first",
            )),
            Mode::Assigned(partitions) => {
                partitions.fill(records, self.config.records_max)?;
                Ok(partitions.look_again_at())
            }
            Mode::Member(member) => member.fill(records),
            Mode::Queue(member) => member.fill(records).map(|()| None),
        }
    }

    fn partitions(&mut self) -> Result<&mut Partitions> {
        match &mut self.mode {
            Mode::Assigned(partitions) => Ok(partitions),
            Mode::Member(member) => Ok(member.partitions()),
            Mode::Nothing | Mode::Queue(_) => Err(Error::new(
                ErrorKind::InvalidRequest,
                "the consumer has no positions: those have assigned partitions and the members of \
                 partition groups",
            )),
        }
    }

    /// Ends what is read. With `patience`, what was returned last counts as done, and the broker
    /// has so long to hear that.
    fn shut(&mut self, patience: Option<Duration>) -> Result<()> {
        match std::mem::replace(&mut self.mode, Mode::Nothing) {
            Mode::Member(mut member) => patience.map_or(Ok(()), |patience| member.close(patience)),
            Mode::Queue(mut member) => patience.map_or(Ok(()), |patience| member.close(patience)),
            Mode::Nothing | Mode::Assigned(_) => Ok(()),
        }
    }

    fn mark(&mut self, record: &Record<'_>, what: Acknowledgement) -> Result<()> {
        self.acknowledge(record.topic, record.partition, record.offset, what)
    }

    fn join_partitions(&self, group: String, topics: Vec<Arc<str>>) -> Result<Mode> {
        let coordinator: Box<dyn Coordinator> = match &self.backend {
            Backend::Local(broker) => {
                let client_id = self.config.client_id.clone();
                Box::new(LocalCoordinator::new(broker.clone(), group, client_id, Kind::Partitions))
            }
            Backend::Remote(address) => {
                let cluster = cluster(address, &self.config)?;
                Box::new(RemoteCoordinator::new(cluster, group, Kind::Partitions))
            }
        };
        let partitions = Partitions::new(self.source()?, self.config.start);
        let membership = self.membership(coordinator, new_member_id()?, topics)?;
        let member = PartitionMember::new(membership, partitions, self.config.clone());
        Ok(Mode::Member(Box::new(member)))
    }

    fn join_queue(&self, group: String, topics: Vec<Arc<str>>) -> Result<Mode> {
        let (member_id, config) = (new_member_id()?, self.config.clone());
        let signal = self.signal.clone();
        let coordinator: Box<dyn Coordinator>;
        let source: Box<dyn QueueSource>;
        match &self.backend {
            Backend::Local(broker) => {
                let (name, client_id) = (group.clone(), config.client_id.clone());
                coordinator =
                    Box::new(LocalCoordinator::new(broker.clone(), name, client_id, Kind::Queue));
                let who = (config.client_id.clone(), group, member_id.clone());
                source = Box::new(LocalQueue::new(broker.clone(), signal, who, config.bytes_max));
            }
            Backend::Remote(address) => {
                let asking = cluster(address, &config)?;
                coordinator = Box::new(RemoteCoordinator::new(asking, group.clone(), Kind::Queue));
                let sharer = Sharer { group, member_id: member_id.clone() };
                let cluster = cluster(address, &config)?;
                source = Box::new(RemoteQueue::new(cluster, config.clone(), signal, sharer));
            }
        }
        let membership = self.membership(coordinator, member_id, topics)?;
        Ok(Mode::Queue(Box::new(QueueMember::new(membership, source, config))))
    }

    fn membership(
        &self,
        coordinator: Box<dyn Coordinator>,
        member_id: String,
        topics: Vec<Arc<str>>,
    ) -> Result<Membership> {
        Membership::start(coordinator, member_id, topics, &self.config, self.signal.clone())
    }

    fn source(&self) -> Result<Box<dyn Source>> {
        let (signal, config) = (self.signal.clone(), &self.config);
        Ok(match &self.backend {
            Backend::Local(broker) => {
                let client_id = config.client_id.clone();
                Box::new(Local::new(broker.clone(), signal, client_id, config.partition_bytes_max))
            }
            Backend::Remote(address) => {
                Box::new(Remote::new(cluster(address, config)?, config.clone(), signal))
            }
        })
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // Who wants to know about a failure calls close().
        let patience = self.config.request_timeout.min(DROP_PATIENCE);
        let _ = self.shut((!std::thread::panicking()).then_some(patience));
    }
}

fn no_group() -> Error {
    Error::new(ErrorKind::InvalidRequest, "only a member of a group commits: call subscribe first")
}

/// What asks the brokers behind an address. Its waits end for good with whom it is made for.
fn cluster(address: &str, config: &ConsumerConfig) -> Result<Cluster> {
    let options = ClusterOptions {
        client_id: config.client_id.clone(),
        create_topics: false,
        request_timeout: config.request_timeout,
        backoff: Backoff::new(config.retry_backoff_min, config.retry_backoff_max),
        credentials: config.credentials.clone(),
    };
    Cluster::new(address, options)
}

fn assigned(assignment: &[Assigned]) -> Vec<(String, u32)> {
    assignment.iter().map(|one| (one.topic.to_string(), one.partition)).collect()
}

fn named(partitions: &Partitions) -> Vec<(String, u32)> {
    partitions.positions().map(|(topic, partition, _)| (topic.to_string(), partition)).collect()
}
