//! OffsetForLeaderEpoch (key 23): says where a leader epoch ends.
//!
//! Version 3 tells which broker follows, 4 is flexible.

use std::borrow::Cow;

message! {
    /// Asks where leader epochs end.
    pub struct OffsetForLeaderEpochRequest<'a> for OffsetForLeaderEpoch {
        /// The broker that follows, -1 for a consumer, -2 where it is not told.
        replica_id: i32, [3..] = -2;
        /// The topics.
        topics: Vec<OffsetForLeaderTopic<'a>>, [2..];
    }
}

message! {
    /// A topic that is asked about.
    pub struct OffsetForLeaderTopic<'a> {
        /// Its name.
        topic: &'a str, [2..];
        /// The partitions.
        partitions: Vec<OffsetForLeaderPartition>, [2..];
    }
}

message! {
    /// A partition that is asked about.
    #[derive(Copy, Eq)]
    pub struct OffsetForLeaderPartition {
        /// The partition's number.
        partition: i32, [2..];
        /// The leader epoch that the client knows, or -1.
        current_leader_epoch: i32, [2..] = -1;
        /// The leader epoch whose end is wanted.
        leader_epoch: i32, [2..];
    }
}

message! {
    /// Where leader epochs end.
    pub struct OffsetForLeaderEpochResponse<'a> for OffsetForLeaderEpoch {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [2..];
        /// The topics.
        topics: Vec<OffsetForLeaderTopicResult<'a>>, [2..];
    }
}

message! {
    /// Where a topic's leader epochs end.
    pub struct OffsetForLeaderTopicResult<'a> {
        /// Its name.
        topic: Cow<'a, str>, [2..];
        /// The partitions.
        partitions: Vec<LeaderEpochEnd>, [2..];
    }
}

message! {
    /// Where a partition's leader epoch ends.
    #[derive(Copy, Eq)]
    pub struct LeaderEpochEnd {
        /// The error, or 0.
        error_code: i16, [2..];
        /// The partition's number.
        partition: i32, [2..];
        /// The largest leader epoch that is not after the one asked for, or -1.
        leader_epoch: i32, [2..] = -1;
        /// The offset after its last record, or -1.
        end_offset: i64, [2..] = -1;
    }
}
