//! Metadata (key 3): brokers, topics and partitions.
//!
//! In version 0 an empty list asks for all topics; since version 1 null does, and an empty list
//! asks for none. Topic IDs come with version 10, and asking by ID with 12.

use std::borrow::Cow;

use super::Uuid;

message! {
    /// Asks about brokers and topics.
    pub struct MetadataRequest<'a> for Metadata {
        /// The topics, or null for all; see [`MetadataRequest::asks_for_all`].
        topics: Option<Vec<MetadataRequestTopic<'a>>>, [0..] nullable [1..];
        /// Whether topics may be created that do not exist.
        allow_auto_topic_creation: bool, [4..] = true;
        /// Whether to say what the client may do to the cluster.
        include_cluster_authorized_operations: bool, [8..=10];
        /// Whether to say what the client may do to each topic.
        include_topic_authorized_operations: bool, [8..];
    }
}

message! {
    /// A topic that is asked about.
    pub struct MetadataRequestTopic<'a> {
        /// Its ID, or zero.
        topic_id: Uuid, [10..];
        /// Its name, or null if it is asked for by ID.
        name: Option<&'a str>, [0..] nullable [10..];
    }
}

message! {
    /// The brokers and the topics that were asked for.
    pub struct MetadataResponse<'a> for Metadata {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [3..];
        /// All brokers.
        brokers: Vec<MetadataBroker<'a>>, [0..];
        /// The cluster's ID. Some clients need one.
        cluster_id: Option<Cow<'a, str>>, [2..];
        /// The broker that creates topics. Clients wait while it is -1.
        controller_id: i32, [1..] = -1;
        /// The topics.
        topics: Vec<MetadataTopic<'a>>, [0..];
        /// What the client may do to the cluster, a bit per operation; `i32::MIN` if not asked.
        cluster_authorized_operations: i32, [8..=10] = i32::MIN;
        /// The error of the whole answer, or 0.
        error_code: i16, [13..];
    }
}

message! {
    /// A broker and its address.
    pub struct MetadataBroker<'a> {
        /// The broker's ID.
        node_id: i32, [0..];
        /// The host to connect to.
        host: Cow<'a, str>, [0..];
        /// The port to connect to.
        port: i32, [0..];
        /// The rack the broker is in.
        rack: Option<Cow<'a, str>>, [1..];
    }
}

message! {
    /// A topic and its partitions.
    pub struct MetadataTopic<'a> {
        /// The error, or 0.
        error_code: i16, [0..];
        /// Its name; null if it was asked for by an ID that is not known.
        name: Option<Cow<'a, str>>, [0..] nullable [12..];
        /// Its ID, or zero.
        topic_id: Uuid, [10..];
        /// Whether it is the broker's own.
        is_internal: bool, [1..];
        /// Its partitions.
        partitions: Vec<MetadataPartition>, [0..];
        /// What the client may do to it, a bit per operation; `i32::MIN` if not asked.
        topic_authorized_operations: i32, [8..] = i32::MIN;
    }
}

message! {
    /// A partition and where it is.
    pub struct MetadataPartition {
        /// The error, or 0.
        error_code: i16, [0..];
        /// The partition's number.
        partition_index: i32, [0..];
        /// The broker that leads it, or -1.
        leader_id: i32, [0..];
        /// The leader epoch, or -1.
        leader_epoch: i32, [7..] = -1;
        /// The brokers that have it.
        replica_nodes: Vec<i32>, [0..];
        /// Those of them that are in sync.
        isr_nodes: Vec<i32>, [0..];
        /// Those of them that are off line.
        offline_replicas: Vec<i32>, [5..];
    }
}

impl MetadataRequest<'_> {
    /// Whether this request, which came by `version`, asks for all topics.
    pub fn asks_for_all(&self, version: i16) -> bool {
        match &self.topics {
            None => true,
            Some(topics) => version == 0 && topics.is_empty(),
        }
    }
}
