//! DescribeShareGroupOffsets (key 90): tells from where share groups have records to deliver.
//!
//! Version 1 tells the lag as well (KIP-1226).

use std::borrow::Cow;

use super::Uuid;

message! {
    /// Asks for the offsets of share groups.
    pub struct DescribeShareGroupOffsetsRequest<'a> for DescribeShareGroupOffsets {
        /// The groups.
        groups: Vec<DescribeShareGroupOffsetsGroup<'a>>, [0..];
    }
}

message! {
    /// A group that is asked about.
    pub struct DescribeShareGroupOffsetsGroup<'a> {
        /// The group.
        group_id: &'a str, [0..];
        /// The topics, or null for all.
        topics: Option<Vec<DescribeShareGroupOffsetsTopic<'a>>>, [0..];
    }
}

message! {
    /// A topic that is asked about.
    pub struct DescribeShareGroupOffsetsTopic<'a> {
        /// Its name.
        topic_name: &'a str, [0..];
        /// The partitions.
        partitions: Vec<i32>, [0..];
    }
}

message! {
    /// The offsets of share groups.
    pub struct DescribeShareGroupOffsetsResponse<'a> for DescribeShareGroupOffsets {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [0..];
        /// The groups.
        groups: Vec<ShareGroupOffsets<'a>>, [0..];
    }
}

message! {
    /// The offsets of a share group.
    pub struct ShareGroupOffsets<'a> {
        /// The group.
        group_id: Cow<'a, str>, [0..];
        /// The topics.
        topics: Vec<ShareTopicOffsets<'a>>, [0..];
        /// The error, or 0.
        error_code: i16, [0..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [0..];
    }
}

message! {
    /// The offsets of a share group in a topic.
    pub struct ShareTopicOffsets<'a> {
        /// The topic's name.
        topic_name: Cow<'a, str>, [0..];
        /// The topic's ID.
        topic_id: Uuid, [0..];
        /// The partitions.
        partitions: Vec<SharePartitionOffset<'a>>, [0..];
    }
}

message! {
    /// Where a share group is in a partition.
    pub struct SharePartitionOffset<'a> {
        /// The partition's number.
        partition_index: i32, [0..];
        /// The first offset that is not done with, or -1.
        start_offset: i64, [0..];
        /// The leader epoch.
        leader_epoch: i32, [0..];
        /// How many records are not done with, or -1 if that is not known.
        lag: i64, [1..] = -1;
        /// The error, or 0.
        error_code: i16, [0..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [0..];
        /// How many records are with members, or -1 if that is not known. This field and the next
        /// are minka's own and not Kafka's: a broker sends them only to clients that call
        /// themselves [`MINKA`](super::api_versions::MINKA).
        in_flight: i64, [0..] tag 10_000 = -1;
        /// How many records wait for another delivery, or -1 if that is not known.
        redelivered: i64, [0..] tag 10_001 = -1;
    }
}
