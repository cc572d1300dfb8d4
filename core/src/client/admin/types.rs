//! What an admin is told, and what it tells.

use crate::clock::Millis;

/// A topic to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions it gets; `None` for the broker's default.
    pub partitions: Option<u32>,
    /// Its settings, by name; the others have their defaults.
    pub settings: Vec<(String, String)>,
}

impl NewTopic {
    /// A topic with the broker's default number of partitions and no settings of its own.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), partitions: None, settings: Vec::new() }
    }

    /// The topic, with this many partitions.
    #[must_use]
    pub fn with_partitions(self, partitions: u32) -> Self {
        Self { partitions: Some(partitions), ..self }
    }

    /// The topic, with one more setting.
    #[must_use]
    pub fn with_setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A topic in a list of all topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicListing {
    /// Its name.
    pub name: String,
    /// Its ID, as Kafka shows it: 22 characters.
    pub id: String,
    /// How many partitions it has.
    pub partitions: u32,
}

/// A topic with its partitions and settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicDescription {
    /// Its name.
    pub name: String,
    /// Its ID, as Kafka shows it: 22 characters.
    pub id: String,
    /// Its partitions, in order.
    pub partitions: Vec<PartitionDescription>,
    /// Its settings, by name in order.
    pub settings: Vec<Setting>,
}

/// A partition of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionDescription {
    /// Its number.
    pub index: u32,
    /// The log start offset: the first that can be read.
    pub start: u64,
    /// The offset of the next record to become visible.
    pub end: u64,
}

/// A setting of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value; empty where the broker keeps it secret.
    pub value: String,
    /// Whether the topic was given none of its own.
    pub is_default: bool,
}

/// How a group shares out its topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupKind {
    /// Each message goes to one member (a share group, KIP-932).
    Queue,
    /// Each partition belongs to one member; the broker assigns them (KIP-848).
    Partitions,
    /// Each partition belongs to one member; a member assigns them.
    Classic,
    /// In a way that minka does not know.
    Other,
}

/// A group in a list of all groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupListing {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: GroupKind,
    /// What it is doing, as Kafka calls it: `Stable`, `Empty`, ...
    pub state: String,
}

/// A group with its members and offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDescription {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: GroupKind,
    /// What it is doing, as Kafka calls it: `Stable`, `Empty`, ...
    pub state: String,
    /// Its members.
    pub members: Vec<MemberDescription>,
    /// The partitions that it has committed or that a member has, by topic and number; of a queue
    /// group those that it has begun to read.
    pub partitions: Vec<GroupPartition>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberDescription {
    /// Its ID.
    pub id: String,
    /// Its instance ID, if it is a static member.
    pub instance_id: Option<String>,
    /// What the client calls itself.
    pub client_id: String,
    /// Where the client is.
    pub host: String,
    /// The partitions that it has, by topic and number.
    pub assigned: Vec<(String, u32)>,
}

/// Where a group is in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPartition {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// The offset that was committed: the next to be read. In a queue group everything before it
    /// is settled.
    pub committed: Option<u64>,
    /// The offset of the next record to become visible; `None` where there is no such partition.
    pub end: Option<u64>,
    /// How many records lie between the two; in a queue group without those that are settled.
    pub lag: Option<u64>,
    /// How many records are with members of a queue group, where the broker tells it.
    pub in_flight: Option<u64>,
    /// How many records of a queue group wait for another delivery, where the broker tells it.
    pub redelivered: Option<u64>,
}

/// Where a group is to go on in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetTo {
    /// With the first record that is there.
    Earliest,
    /// With the next record that comes.
    Latest,
    /// With the first record of this time or later, in milliseconds since 1970-01-01 UTC; where
    /// there is none, with the next that comes.
    Time(Millis),
    /// With this offset in each partition, or the nearest that is there.
    Offset(u64),
}

/// The cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterDescription {
    /// Its ID.
    pub id: String,
    /// Its brokers that can be reached over the network, by ID. A broker in this process is not
    /// asked whether it can be.
    pub brokers: Vec<BrokerDescription>,
}

/// A broker of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerDescription {
    /// Its ID.
    pub id: i32,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl GroupPartition {
    pub(super) fn new(
        topic: String,
        partition: u32,
        committed: Option<u64>,
        end: Option<u64>,
    ) -> Self {
        let lag = committed.zip(end).map(|(committed, end)| end.saturating_sub(committed));
        Self { topic, partition, committed, end, lag, in_flight: None, redelivered: None }
    }
}
