//! Fetch (key 1): reads record batches.
//!
//! Version 4 brings record batches of format 2 and isolation levels, 5 log start offsets, 7
//! fetch sessions, 9 leader epochs, 10 zstd, 11 racks, 12 is flexible, 13 names topics by ID.
//!
//! A broker writes answers through
//! [`FetchResponseWriter`](super::fetch_writer::FetchResponseWriter), which can leave the records
//! out for somebody else to send; [`FetchResponse`] is the client's side.

use std::borrow::Cow;

use super::Uuid;
use super::produce::{LeaderIdAndEpoch, NodeEndpoint};

message! {
    /// Asks for record batches.
    pub struct FetchRequest<'a> for Fetch {
        /// The cluster that the client takes this one for.
        cluster_id: Option<&'a str>, [12..] tag 0;
        /// The broker that follows, or -1 for a consumer.
        replica_id: i32, [4..=14] = -1;
        /// The broker that follows.
        replica_state: ReplicaState, [15..] tag 1;
        /// How long to wait for `min_bytes`, in milliseconds.
        max_wait_ms: i32, [4..];
        /// How many bytes to wait for, over all partitions.
        min_bytes: i32, [4..];
        /// How many bytes to send at most; the first batch is sent whatever its size.
        max_bytes: i32, [4..] = i32::MAX;
        /// 0 reads everything, 1 only what is committed.
        isolation_level: i8, [4..];
        /// The fetch session, or 0.
        session_id: i32, [7..];
        /// The fetch session's epoch: -1 without a session, 0 for a new one.
        session_epoch: i32, [7..] = -1;
        /// The topics to read.
        topics: Vec<FetchTopic<'a>>, [4..];
        /// What to take out of the fetch session.
        forgotten_topics: Vec<ForgottenTopic<'a>>, [7..];
        /// The rack the consumer is in.
        rack_id: &'a str, [11..];
    }
}

message! {
    /// A broker that follows.
    #[derive(Copy, Eq)]
    pub struct ReplicaState {
        /// The broker's ID, or -1.
        replica_id: i32, [15..] = -1;
        /// The broker's epoch, or -1.
        replica_epoch: i64, [15..] = -1;
    }
}

message! {
    /// A topic to read.
    pub struct FetchTopic<'a> {
        /// Its name.
        topic: &'a str, [4..=12];
        /// Its ID.
        topic_id: Uuid, [13..];
        /// The partitions to read.
        partitions: Vec<FetchPartition>, [4..];
    }
}

message! {
    /// A partition to read.
    #[derive(Copy, Eq)]
    pub struct FetchPartition {
        /// The partition's number.
        partition: i32, [4..];
        /// The leader epoch that the client knows, or -1.
        current_leader_epoch: i32, [9..] = -1;
        /// The offset to read from.
        fetch_offset: i64, [4..];
        /// The leader epoch of the last record that the client has, or -1.
        last_fetched_epoch: i32, [12..] = -1;
        /// The first offset that the follower has, or -1.
        log_start_offset: i64, [5..] = -1;
        /// How many bytes to send at most; the first batch is sent whatever its size.
        partition_max_bytes: i32, [4..];
        /// The follower's directory.
        replica_directory_id: Uuid, [17..] tag 0;
    }
}

message! {
    /// What to take out of a fetch session.
    pub struct ForgottenTopic<'a> {
        /// The topic's name.
        topic: &'a str, [7..=12];
        /// The topic's ID.
        topic_id: Uuid, [13..];
        /// The partitions.
        partitions: Vec<i32>, [7..];
    }
}

message! {
    /// Record batches.
    pub struct FetchResponse<'a> for Fetch {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [4..];
        /// The error of the whole request, or 0.
        error_code: i16, [7..];
        /// The fetch session, or 0.
        session_id: i32, [7..];
        /// The topics.
        responses: Vec<FetchTopicResponse<'a>>, [4..];
        /// The addresses of the leaders that are named.
        node_endpoints: Vec<NodeEndpoint<'a>>, [16..] tag 0;
    }
}

message! {
    /// A topic's record batches.
    pub struct FetchTopicResponse<'a> {
        /// Its name.
        topic: Cow<'a, str>, [4..=12];
        /// Its ID.
        topic_id: Uuid, [13..];
        /// The partitions.
        partitions: Vec<FetchPartitionResponse<'a>>, [4..];
    }
}

message! {
    /// A partition's record batches.
    pub struct FetchPartitionResponse<'a> {
        /// The partition's number.
        partition_index: i32, [4..];
        /// The error, or 0.
        error_code: i16, [4..];
        /// The offset after the last record that may be read.
        high_watermark: i64, [4..];
        /// The offset before which all transactions are complete, or -1.
        last_stable_offset: i64, [4..] = -1;
        /// The partition's first offset, or -1.
        log_start_offset: i64, [5..] = -1;
        /// Where the client's log and this one part.
        diverging_epoch: EpochEndOffset, [12..] tag 0;
        /// The partition's leader, if it is another broker.
        current_leader: LeaderIdAndEpoch, [12..] tag 1;
        /// The snapshot that a follower should read instead.
        snapshot_id: SnapshotId, [12..] tag 2;
        /// The transactions among the records that were aborted.
        aborted_transactions: Option<Vec<AbortedTransaction>>, [4..];
        /// The broker to read from instead, or -1.
        preferred_read_replica: i32, [11..] = -1;
        /// The record batches.
        records: Option<Cow<'a, [u8]>>, [4..];
    }
}

message! {
    /// The end of a leader epoch.
    #[derive(Copy, Eq)]
    pub struct EpochEndOffset {
        /// The leader epoch, or -1.
        epoch: i32, [12..] = -1;
        /// The offset after its last record, or -1.
        end_offset: i64, [12..] = -1;
    }
}

message! {
    /// A snapshot of a Raft log.
    #[derive(Copy, Eq)]
    pub struct SnapshotId {
        /// The offset after its last record, or -1.
        end_offset: i64, [12..] = -1;
        /// Its epoch, or -1.
        epoch: i32, [12..] = -1;
    }
}

message! {
    /// A transaction that was aborted.
    #[derive(Copy, Eq)]
    pub struct AbortedTransaction {
        /// Its producer's ID.
        producer_id: i64, [4..];
        /// Its first offset.
        first_offset: i64, [4..];
    }
}
