//! Managing topics and groups.

mod groups;
mod local;
mod queues;
mod remote;
mod types;

use std::fmt;

use self::local::Local;
use self::remote::Remote;
pub use self::types::{
    BrokerDescription, ClusterDescription, GroupDescription, GroupKind, GroupListing,
    GroupPartition, MemberDescription, NewTopic, PartitionDescription, ResetTo, Setting,
    TopicDescription, TopicListing,
};
use super::config::AdminConfig;
use super::target::Target;
use crate::error::{Error, ErrorKind, Result};

/// Creates, describes, changes and deletes topics and groups. Any number of threads may use it.
///
/// Changes hold when their call returns. On a cluster of several brokers the others may hear of
/// them a little later.
///
/// ```
/// # use std::sync::Arc;
/// use minka::client::{Admin, AdminConfig, NewTopic};
/// # use minka::sys::event_log::{EventLog, FILE_BYTES_DEFAULT, Level};
/// # use minka::{Broker, Config};
///
/// # fn main() -> minka::Result<()> {
/// # let directory = tempfile::tempdir().expect("a directory can be made");
/// # let directory = directory.path();
/// # let events = EventLog::open(directory, Level::Info, FILE_BYTES_DEFAULT, 1)?;
/// # let broker = Arc::new(Broker::open(directory, Config::default(), Arc::new(events))?);
/// let admin = Admin::open(&broker, AdminConfig::default())?; // or "host:9092"
/// admin.create_topic(&NewTopic::new("orders").with_partitions(3))?;
/// let topic = admin.describe_topic("orders")?;
/// assert_eq!(topic.partitions.len(), 3);
/// assert_eq!(topic.partitions[0].end, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Admin {
    way: Box<dyn Way>,
}

/// What an admin asks of a broker; [`Admin`] says what each means.
trait Way: Send + Sync + fmt::Debug {
    /// Fails where nothing can be asked any more.
    fn check_open(&self) -> Result<()>;
    fn create_topics(&self, topics: &[NewTopic]) -> Result<Vec<Result<()>>>;
    fn delete_topic(&self, name: &str) -> Result<()>;
    fn topics(&self) -> Result<Vec<TopicListing>>;
    fn describe_topic(&self, name: &str) -> Result<TopicDescription>;
    fn add_partitions(&self, name: &str, count: u32) -> Result<()>;
    fn alter<'a>(&self, what: Resource<'a>, changes: &[(&'a str, Option<&'a str>)]) -> Result<()>;
    fn groups(&self) -> Result<Vec<GroupListing>>;
    fn describe_group(&self, name: &str) -> Result<GroupDescription>;
    fn reset_group(&self, name: &str, topic: &str, to: ResetTo) -> Result<()>;
    fn delete_group(&self, name: &str) -> Result<()>;
    fn cluster(&self) -> Result<ClusterDescription>;
    fn stop(&self);
}

/// What has settings.
#[derive(Debug, Clone, Copy)]
enum Resource<'a> {
    Topic(&'a str),
    Group(&'a str),
}

impl Admin {
    /// An admin for `target`. Connects to nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for settings that cannot work, or an address that is none.
    pub fn open(target: impl Into<Target>, config: AdminConfig) -> Result<Self> {
        config.check()?;
        Ok(Self {
            way: match target.into() {
                Target::Broker(broker) => Box::new(Local::new(broker)),
                Target::Address(address) => Box::new(Remote::new(&address, config)?),
            },
        })
    }

    /// Creates a topic.
    ///
    /// # Errors
    /// [`ErrorKind::TopicExists`], [`ErrorKind::InvalidTopic`], [`ErrorKind::InvalidPartitions`],
    /// [`ErrorKind::InvalidConfig`].
    pub fn create_topic(&self, topic: &NewTopic) -> Result<()> {
        let results = self.create_topics(std::slice::from_ref(topic))?;
        results.into_iter().next().unwrap_or_else(|| Err(left_out(&topic.name)))
    }

    /// Creates topics, with one sync for all; a result for each.
    pub fn create_topics(&self, topics: &[NewTopic]) -> Result<Vec<Result<()>>> {
        self.way()?.create_topics(topics)
    }

    /// Deletes a topic with its records.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownTopicOrPartition`].
    pub fn delete_topic(&self, name: &str) -> Result<()> {
        self.way()?.delete_topic(name)
    }

    /// All topics, by name in order, without those that a cluster keeps for itself.
    pub fn topics(&self) -> Result<Vec<TopicListing>> {
        self.way()?.topics()
    }

    /// A topic with its partitions and settings.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownTopicOrPartition`].
    pub fn describe_topic(&self, name: &str) -> Result<TopicDescription> {
        self.way()?.describe_topic(name)
    }

    /// Gives a topic more partitions: `count` is how many it then has. The keys of its records
    /// are spread anew from there on.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPartitions`] where it has as many already;
    /// [`ErrorKind::UnknownTopicOrPartition`].
    pub fn add_partitions(&self, name: &str, count: u32) -> Result<()> {
        self.way()?.add_partitions(name, count)
    }

    /// Changes settings of a topic, all or none; `None` goes back to the default.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`], [`ErrorKind::UnknownTopicOrPartition`].
    pub fn alter_topic(&self, name: &str, changes: &[(&str, Option<&str>)]) -> Result<()> {
        self.way()?.alter(Resource::Topic(name), changes)
    }

    /// All groups, by name in order.
    pub fn groups(&self) -> Result<Vec<GroupListing>> {
        self.way()?.groups()
    }

    /// A group with its members and where it is.
    ///
    /// # Errors
    /// [`ErrorKind::GroupNotFound`].
    pub fn describe_group(&self, name: &str) -> Result<GroupDescription> {
        self.way()?.describe_group(name)
    }

    /// Has a group go on elsewhere in all partitions of a topic. It must have no members; it may
    /// be new.
    ///
    /// # Errors
    /// [`ErrorKind::NonEmptyGroup`], [`ErrorKind::UnknownTopicOrPartition`].
    pub fn reset_group(&self, name: &str, topic: &str, to: ResetTo) -> Result<()> {
        self.way()?.reset_group(name, topic, to)
    }

    /// Changes settings of a group, all or none; `None` goes back to the default. The group may
    /// come later.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`], [`ErrorKind::InvalidGroupId`].
    pub fn alter_group(&self, name: &str, changes: &[(&str, Option<&str>)]) -> Result<()> {
        self.way()?.alter(Resource::Group(name), changes)
    }

    /// Deletes a group that has no members, with what it has committed.
    ///
    /// # Errors
    /// [`ErrorKind::GroupNotFound`], [`ErrorKind::NonEmptyGroup`].
    pub fn delete_group(&self, name: &str) -> Result<()> {
        self.way()?.delete_group(name)
    }

    /// The cluster and its brokers.
    pub fn cluster(&self) -> Result<ClusterDescription> {
        self.way()?.cluster()
    }

    /// Ends calls that wait to try something again, now and later, with [`ErrorKind::Closed`]. May
    /// be called from any thread; dropping an admin needs no such call.
    pub fn close(&self) {
        self.way.stop();
    }

    fn way(&self) -> Result<&dyn Way> {
        self.way.check_open()?;
        Ok(&*self.way)
    }
}

fn left_out(name: &str) -> Error {
    Error::new(ErrorKind::Network, format!("the broker's answer leaves out {name}"))
}

fn not_empty(name: &str) -> Error {
    let text = format!("group {name} has members: stop them first");
    Error::new(ErrorKind::NonEmptyGroup, text)
}

fn no_group(name: &str) -> Error {
    Error::new(ErrorKind::GroupNotFound, format!("there is no group {name}"))
}
