//! DeleteRecords (key 21): deletes the records before an offset.
//!
//! Version 2 is flexible.

use std::borrow::Cow;

message! {
    /// Records to delete.
    pub struct DeleteRecordsRequest<'a> for DeleteRecords {
        /// The topics.
        topics: Vec<DeleteRecordsTopic<'a>>, [0..];
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [0..];
    }
}

message! {
    /// A topic whose records to delete.
    pub struct DeleteRecordsTopic<'a> {
        /// Its name.
        name: &'a str, [0..];
        /// The partitions.
        partitions: Vec<DeleteRecordsPartition>, [0..];
    }
}

message! {
    /// A partition whose records to delete.
    #[derive(Copy, Eq)]
    pub struct DeleteRecordsPartition {
        /// The partition's number.
        partition_index: i32, [0..];
        /// The first offset that stays, or -1 for the high watermark.
        offset: i64, [0..];
    }
}

message! {
    /// What became of the records.
    pub struct DeleteRecordsResponse<'a> for DeleteRecords {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [0..];
        /// The topics.
        topics: Vec<DeleteRecordsTopicResult<'a>>, [0..];
    }
}

message! {
    /// What became of a topic's records.
    pub struct DeleteRecordsTopicResult<'a> {
        /// Its name.
        name: Cow<'a, str>, [0..];
        /// The partitions.
        partitions: Vec<DeleteRecordsPartitionResult>, [0..];
    }
}

message! {
    /// What became of a partition's records.
    #[derive(Copy, Eq)]
    pub struct DeleteRecordsPartitionResult {
        /// The partition's number.
        partition_index: i32, [0..];
        /// The partition's first offset, or -1.
        low_watermark: i64, [0..];
        /// The error, or 0.
        error_code: i16, [0..];
    }
}
