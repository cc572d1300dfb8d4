//! AlterShareGroupOffsets (key 91): says from where a share group without members goes on.

use std::borrow::Cow;

use super::Uuid;

message! {
    /// Offsets for a share group.
    pub struct AlterShareGroupOffsetsRequest<'a> for AlterShareGroupOffsets {
        /// The group.
        group_id: &'a str, [0..];
        /// The topics.
        topics: Vec<AlterShareGroupOffsetsTopic<'a>>, [0..];
    }
}

message! {
    /// Offsets in a topic.
    pub struct AlterShareGroupOffsetsTopic<'a> {
        /// The topic's name.
        topic_name: &'a str, [0..];
        /// The partitions.
        partitions: Vec<AlterShareGroupOffsetsPartition>, [0..];
    }
}

message! {
    /// The offset in a partition.
    #[derive(Copy, Eq)]
    pub struct AlterShareGroupOffsetsPartition {
        /// The partition's number.
        partition_index: i32, [0..];
        /// The first offset to deliver.
        start_offset: i64, [0..];
    }
}

message! {
    /// What became of the offsets.
    pub struct AlterShareGroupOffsetsResponse<'a> for AlterShareGroupOffsets {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [0..];
        /// The error of the whole request, or 0.
        error_code: i16, [0..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [0..];
        /// The topics.
        responses: Vec<AlterShareGroupOffsetsTopicResult<'a>>, [0..];
    }
}

message! {
    /// What became of a topic's offsets.
    pub struct AlterShareGroupOffsetsTopicResult<'a> {
        /// The topic's name.
        topic_name: Cow<'a, str>, [0..];
        /// The topic's ID.
        topic_id: Uuid, [0..];
        /// The partitions.
        partitions: Vec<AlterShareGroupOffsetsPartitionResult<'a>>, [0..];
    }
}

message! {
    /// What became of a partition's offset.
    pub struct AlterShareGroupOffsetsPartitionResult<'a> {
        /// The partition's number.
        partition_index: i32, [0..];
        /// The error, or 0.
        error_code: i16, [0..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [0..];
    }
}
