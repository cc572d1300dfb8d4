//! OffsetDelete (key 47): deletes offsets that a group has committed.

use std::borrow::Cow;

message! {
    /// Offsets to delete.
    pub struct OffsetDeleteRequest<'a> for OffsetDelete {
        /// The group.
        group_id: &'a str, [0..];
        /// The topics.
        topics: Vec<OffsetDeleteTopic<'a>>, [0..];
    }
}

message! {
    /// A topic whose offsets to delete.
    pub struct OffsetDeleteTopic<'a> {
        /// Its name.
        name: &'a str, [0..];
        /// The partitions.
        partitions: Vec<OffsetDeletePartition>, [0..];
    }
}

message! {
    /// A partition whose offset to delete.
    #[derive(Copy, Eq)]
    pub struct OffsetDeletePartition {
        /// The partition's number.
        partition_index: i32, [0..];
    }
}

message! {
    /// What became of the offsets.
    pub struct OffsetDeleteResponse<'a> for OffsetDelete {
        /// The error of the whole request, or 0.
        error_code: i16, [0..];
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [0..];
        /// The topics.
        topics: Vec<OffsetDeleteTopicResult<'a>>, [0..];
    }
}

message! {
    /// What became of a topic's offsets.
    pub struct OffsetDeleteTopicResult<'a> {
        /// Its name.
        name: Cow<'a, str>, [0..];
        /// The partitions.
        partitions: Vec<OffsetDeletePartitionResult>, [0..];
    }
}

message! {
    /// What became of a partition's offset.
    #[derive(Copy, Eq)]
    pub struct OffsetDeletePartitionResult {
        /// The partition's number.
        partition_index: i32, [0..];
        /// The error, or 0.
        error_code: i16, [0..];
    }
}
