//! ListOffsets (key 2): finds offsets by timestamp.
//!
//! Besides times, `timestamp` takes [`LATEST`], [`EARLIEST`] and the later [`MAX_TIMESTAMP`],
//! [`EARLIEST_LOCAL`] and [`LATEST_TIERED`]. Version 2 brings isolation levels, 4 leader epochs,
//! 6 is flexible, 10 brings a timeout.

use std::borrow::Cow;

/// The timestamp that asks for the offset after the last record.
pub const LATEST: i64 = -1;
/// The timestamp that asks for the first offset.
pub const EARLIEST: i64 = -2;
/// The timestamp that asks for the record with the largest timestamp (version 7).
pub const MAX_TIMESTAMP: i64 = -3;
/// The timestamp that asks for the first offset that is on the broker itself (version 8).
pub const EARLIEST_LOCAL: i64 = -4;
/// The timestamp that asks for the last offset in tiered storage (version 9).
pub const LATEST_TIERED: i64 = -5;

message! {
    /// Asks for offsets by timestamp.
    pub struct ListOffsetsRequest<'a> for ListOffsets {
        /// The broker that follows, or -1 for a consumer.
        replica_id: i32, [1..] = -1;
        /// 0 counts everything, 1 only what is committed.
        isolation_level: i8, [2..];
        /// The topics.
        topics: Vec<ListOffsetsTopic<'a>>, [1..];
        /// How long to wait for tiered storage, in milliseconds.
        timeout_ms: i32, [10..];
    }
}

message! {
    /// A topic that is asked about.
    pub struct ListOffsetsTopic<'a> {
        /// Its name.
        name: &'a str, [1..];
        /// The partitions.
        partitions: Vec<ListOffsetsPartition>, [1..];
    }
}

message! {
    /// A partition that is asked about.
    #[derive(Copy, Eq)]
    pub struct ListOffsetsPartition {
        /// The partition's number.
        partition_index: i32, [1..];
        /// The leader epoch that the client knows, or -1.
        current_leader_epoch: i32, [4..] = -1;
        /// The timestamp in milliseconds, or one of the constants of this module.
        timestamp: i64, [1..];
    }
}

message! {
    /// Offsets by timestamp.
    pub struct ListOffsetsResponse<'a> for ListOffsets {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [2..];
        /// The topics.
        topics: Vec<ListOffsetsTopicResponse<'a>>, [1..];
    }
}

message! {
    /// A topic's offsets.
    pub struct ListOffsetsTopicResponse<'a> {
        /// Its name.
        name: Cow<'a, str>, [1..];
        /// The partitions.
        partitions: Vec<ListOffsetsPartitionResponse>, [1..];
    }
}

message! {
    /// A partition's offset.
    #[derive(Copy, Eq)]
    pub struct ListOffsetsPartitionResponse {
        /// The partition's number.
        partition_index: i32, [1..];
        /// The error, or 0.
        error_code: i16, [1..];
        /// The timestamp of the record at the offset, or -1.
        timestamp: i64, [1..] = -1;
        /// The offset, or -1 if there is none.
        offset: i64, [1..] = -1;
        /// The leader epoch of the record at the offset, or -1.
        leader_epoch: i32, [4..] = -1;
    }
}
