//! minka's own client: the same calls on a broker in this process and on one behind an address.
//!
//! What a client is opened on is its [`Target`]. On a [`Broker`](crate::engine::Broker) it calls
//! the engine: no socket, no encoding. On an address it speaks the Kafka protocol, to minka and
//! to Apache Kafka alike. Threads that block, no async runtime.

mod admin;
mod backoff;
mod common_settings;
mod config;
mod consumer;
mod partitioner;
mod producer;
mod remote;
mod settings;
mod target;

pub use admin::{
    Admin, BrokerDescription, ClusterDescription, GroupDescription, GroupKind, GroupListing,
    GroupPartition, MemberDescription, NewTopic, PartitionDescription, ResetTo, Setting,
    TopicDescription, TopicListing,
};
pub use config::{AdminConfig, Credentials, ProducerConfig};
pub use consumer::{
    Acknowledgement, Consumer, ConsumerConfig, Group, Iter, Place, Record, Records, Start, StartAt,
    Waker,
};
pub use producer::{Delivery, Message, Producer, Receipt};
pub use target::Target;

pub use crate::batch::compression::Codec;
pub use crate::batch::records::Header;
pub use crate::engine::Acks;
