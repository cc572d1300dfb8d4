//! CreatePartitions (key 37): gives topics more partitions.
//!
//! Version 2 is flexible, 3 brings the error THROTTLING_QUOTA_EXCEEDED.

use std::borrow::Cow;

message! {
    /// Topics that get more partitions.
    pub struct CreatePartitionsRequest<'a> for CreatePartitions {
        /// The topics.
        topics: Vec<CreatePartitionsTopic<'a>>, [0..];
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [0..];
        /// Whether only to check whether they could be created.
        validate_only: bool, [0..];
    }
}

message! {
    /// A topic that gets more partitions.
    pub struct CreatePartitionsTopic<'a> {
        /// Its name.
        name: &'a str, [0..];
        /// How many partitions it has afterwards.
        count: i32, [0..];
        /// Which brokers get the new partitions, or null if the client does not care.
        assignments: Option<Vec<CreatePartitionsAssignment>>, [0..] = Some(Vec::new());
    }
}

message! {
    /// Which brokers get a partition.
    pub struct CreatePartitionsAssignment {
        /// The brokers.
        broker_ids: Vec<i32>, [0..];
    }
}

message! {
    /// What became of the topics.
    pub struct CreatePartitionsResponse<'a> for CreatePartitions {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [0..];
        /// The topics.
        results: Vec<CreatePartitionsTopicResult<'a>>, [0..];
    }
}

message! {
    /// What became of a topic.
    pub struct CreatePartitionsTopicResult<'a> {
        /// Its name.
        name: Cow<'a, str>, [0..];
        /// The error, or 0.
        error_code: i16, [0..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [0..];
    }
}
