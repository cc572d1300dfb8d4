//! CreateTopics (key 19): creates topics.
//!
//! Version 4 allows the broker's defaults for partitions and replicas, 5 is flexible and tells
//! what was created, 6 brings the error THROTTLING_QUOTA_EXCEEDED, 7 topic IDs.

use std::borrow::Cow;

use super::Uuid;

message! {
    /// Topics to create.
    pub struct CreateTopicsRequest<'a> for CreateTopics {
        /// The topics.
        topics: Vec<CreatableTopic<'a>>, [2..];
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [2..] = 60_000;
        /// Whether only to check whether they could be created.
        validate_only: bool, [2..];
    }
}

message! {
    /// A topic to create.
    pub struct CreatableTopic<'a> {
        /// Its name.
        name: &'a str, [2..];
        /// How many partitions it gets; -1 for the broker's default, or if they are assigned.
        num_partitions: i32, [2..];
        /// How many brokers get each partition; -1 as above.
        replication_factor: i16, [2..];
        /// Which brokers get which partition, if the client wants to say so.
        assignments: Vec<CreatableReplicaAssignment>, [2..];
        /// The topic's configuration.
        configs: Vec<CreatableTopicConfig<'a>>, [2..];
    }
}

message! {
    /// Which brokers get a partition.
    pub struct CreatableReplicaAssignment {
        /// The partition's number.
        partition_index: i32, [2..];
        /// The brokers.
        broker_ids: Vec<i32>, [2..];
    }
}

message! {
    /// A value of a topic's configuration.
    pub struct CreatableTopicConfig<'a> {
        /// Its name.
        name: &'a str, [2..];
        /// The value.
        value: Option<&'a str>, [2..];
    }
}

message! {
    /// What became of the topics.
    pub struct CreateTopicsResponse<'a> for CreateTopics {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [2..];
        /// The topics.
        topics: Vec<CreatableTopicResult<'a>>, [2..];
    }
}

message! {
    /// What became of a topic.
    pub struct CreatableTopicResult<'a> {
        /// Its name.
        name: Cow<'a, str>, [2..];
        /// Its ID.
        topic_id: Uuid, [7..];
        /// The error, or 0.
        error_code: i16, [2..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [2..];
        /// Why the configuration is not told, or 0.
        topic_config_error_code: i16, [5..] tag 0;
        /// How many partitions it has, or -1.
        num_partitions: i32, [5..] = -1;
        /// How many brokers have each partition, or -1.
        replication_factor: i16, [5..] = -1;
        /// Its configuration; null if it is not told.
        configs: Option<Vec<CreatableTopicConfigs<'a>>>, [5..] = Some(Vec::new());
    }
}

message! {
    /// A value of a topic's configuration, and where it comes from.
    pub struct CreatableTopicConfigs<'a> {
        /// Its name.
        name: Cow<'a, str>, [5..];
        /// The value.
        value: Option<Cow<'a, str>>, [5..];
        /// Whether it cannot be changed.
        read_only: bool, [5..];
        /// Where it comes from: 1 from the topic, 5 from the broker's defaults, -1 unknown.
        config_source: i8, [5..] = -1;
        /// Whether the value is a secret.
        is_sensitive: bool, [5..];
    }
}
