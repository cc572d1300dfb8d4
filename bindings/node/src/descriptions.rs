//! What an admin is told, as objects of JavaScript.

use minka::client;
use napi::bindgen_prelude::BigInt;
use napi_derive::napi;

/// A partition of a topic.
#[derive(Debug)]
#[napi(object, object_from_js = false)]
pub struct TopicPartition {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
}

/// A topic in a list of all topics.
#[derive(Debug)]
#[napi(object, object_from_js = false)]
pub struct TopicListing {
    /// Its name.
    pub name: String,
    /// Its ID, as Kafka shows it: 22 characters.
    pub id: String,
    /// How many partitions it has.
    pub partitions: u32,
}

/// A topic with its partitions and settings.
#[derive(Debug)]
#[napi(object, object_from_js = false)]
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

/// A partition of a topic that is described.
#[derive(Debug)]
#[napi(object, object_from_js = false)]
pub struct PartitionDescription {
    /// Its number.
    pub index: u32,
    /// The log start offset: the first that can be read.
    pub start: BigInt,
    /// The offset of the next record to become visible.
    pub end: BigInt,
}

/// A setting of a topic.
#[derive(Debug)]
#[napi(object, object_from_js = false)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value; empty where the broker keeps it secret.
    pub value: String,
    /// Whether the topic was given none of its own.
    pub is_default: bool,
}

/// A group in a list of all groups.
#[derive(Debug)]
#[napi(object, object_from_js = false)]
pub struct GroupListing {
    /// Its name.
    pub name: String,
    /// How it shares out its topics.
    #[napi(ts_type = "'queue' | 'partitions' | 'classic' | 'other'")]
    pub kind: String,
    /// What it is doing, as Kafka calls it: `Stable`, `Empty`, ...
    pub state: String,
}

/// A group with its members and offsets.
#[derive(Debug)]
#[napi(object, object_from_js = false)]
pub struct GroupDescription {
    /// Its name.
    pub name: String,
    /// How it shares out its topics.
    #[napi(ts_type = "'queue' | 'partitions' | 'classic' | 'other'")]
    pub kind: String,
    /// What it is doing, as Kafka calls it: `Stable`, `Empty`, ...
    pub state: String,
    /// Its members.
    pub members: Vec<MemberDescription>,
    /// The partitions that it has committed or that a member has; of a queue group those that it
    /// has begun to read.
    pub partitions: Vec<GroupPartition>,
}

/// A member of a group.
#[derive(Debug)]
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct MemberDescription {
    /// Its ID.
    pub id: String,
    /// Its instance ID, if it is a static member.
    pub instance_id: Option<String>,
    /// What the client calls itself.
    pub client_id: String,
    /// Where the client is.
    pub host: String,
    /// The partitions that it has.
    pub assigned: Vec<TopicPartition>,
}

/// Where a group is in a partition.
#[derive(Debug)]
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct GroupPartition {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// The offset that was committed: the next to be read.
    pub committed: Option<BigInt>,
    /// The offset of the next record to become visible.
    pub end: Option<BigInt>,
    /// How many records lie between the two, without those that are settled.
    pub lag: Option<BigInt>,
    /// How many records are with members of a queue group, where the broker tells it.
    pub in_flight: Option<BigInt>,
    /// How many records of a queue group wait for another delivery, where the broker tells it.
    pub redelivered: Option<BigInt>,
}

/// The cluster.
#[derive(Debug)]
#[napi(object, object_from_js = false)]
pub struct ClusterDescription {
    /// Its ID.
    pub id: String,
    /// Its brokers that can be reached over the network, by ID.
    pub brokers: Vec<BrokerDescription>,
}

/// A broker of a cluster.
#[derive(Debug)]
#[napi(object, object_from_js = false)]
pub struct BrokerDescription {
    /// Its ID.
    pub id: i32,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl From<(String, u32)> for TopicPartition {
    fn from((topic, partition): (String, u32)) -> Self {
        Self { topic, partition }
    }
}

impl From<client::TopicListing> for TopicListing {
    fn from(topic: client::TopicListing) -> Self {
        Self { name: topic.name, id: topic.id, partitions: topic.partitions }
    }
}

impl From<client::TopicDescription> for TopicDescription {
    fn from(topic: client::TopicDescription) -> Self {
        let partitions = topic.partitions.into_iter().map(|partition| PartitionDescription {
            index: partition.index,
            start: partition.start.into(),
            end: partition.end.into(),
        });
        let settings = topic.settings.into_iter().map(|setting| Setting {
            name: setting.name,
            value: setting.value,
            is_default: setting.is_default,
        });
        Self {
            name: topic.name,
            id: topic.id,
            partitions: partitions.collect(),
            settings: settings.collect(),
        }
    }
}

impl From<client::GroupListing> for GroupListing {
    fn from(group: client::GroupListing) -> Self {
        Self { name: group.name, kind: kind(group.kind), state: group.state }
    }
}

impl From<client::GroupDescription> for GroupDescription {
    fn from(group: client::GroupDescription) -> Self {
        Self {
            name: group.name,
            kind: kind(group.kind),
            state: group.state,
            members: group.members.into_iter().map(MemberDescription::from).collect(),
            partitions: group.partitions.into_iter().map(GroupPartition::from).collect(),
        }
    }
}

impl From<client::MemberDescription> for MemberDescription {
    fn from(member: client::MemberDescription) -> Self {
        Self {
            id: member.id,
            instance_id: member.instance_id,
            client_id: member.client_id,
            host: member.host,
            assigned: member.assigned.into_iter().map(TopicPartition::from).collect(),
        }
    }
}

impl From<client::GroupPartition> for GroupPartition {
    fn from(partition: client::GroupPartition) -> Self {
        Self {
            topic: partition.topic,
            partition: partition.partition,
            committed: partition.committed.map(BigInt::from),
            end: partition.end.map(BigInt::from),
            lag: partition.lag.map(BigInt::from),
            in_flight: partition.in_flight.map(BigInt::from),
            redelivered: partition.redelivered.map(BigInt::from),
        }
    }
}

impl From<client::ClusterDescription> for ClusterDescription {
    fn from(cluster: client::ClusterDescription) -> Self {
        let brokers = cluster.brokers.into_iter().map(|broker| BrokerDescription {
            id: broker.id,
            host: broker.host,
            port: broker.port,
        });
        Self { id: cluster.id, brokers: brokers.collect() }
    }
}

fn kind(kind: client::GroupKind) -> String {
    match kind {
        client::GroupKind::Queue => "queue",
        client::GroupKind::Partitions => "partitions",
        client::GroupKind::Classic => "classic",
        _ => "other",
    }
    .to_owned()
}
