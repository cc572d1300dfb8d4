//! ShareFetch (key 78): acquires records for a member of a share group, and acknowledges others.
//!
//! Version 1 is the first that Kafka kept (KIP-932); 2 brings the acquire mode (KIP-1206) and
//! the renewal of locks (KIP-1222).
//!
//! A broker writes answers through
//! [`ShareFetchResponseWriter`](super::share_fetch_writer::ShareFetchResponseWriter), which can
//! leave the records out for somebody else to send; [`ShareFetchResponse`] is the client's side.

use std::borrow::Cow;

use super::Uuid;
use super::produce::{LeaderIdAndEpoch, NodeEndpoint};

/// The epoch of a request that opens a share session.
pub const OPEN_SESSION: i32 = 0;
/// The epoch of a request that closes a share session.
pub const CLOSE_SESSION: i32 = -1;

/// The acquire mode that gives whole batches, even if that is more than `max_records`.
pub const BATCH_OPTIMIZED: i8 = 0;
/// The acquire mode that gives at most `max_records`.
pub const RECORD_LIMIT: i8 = 1;

/// The acknowledge type of an offset at which there is no record.
pub const GAP: i8 = 0;
/// The acknowledge type of a record that was processed.
pub const ACCEPT: i8 = 1;
/// The acknowledge type of a record that may be delivered again.
pub const RELEASE: i8 = 2;
/// The acknowledge type of a record that cannot be processed.
pub const REJECT: i8 = 3;
/// The acknowledge type of a record that is still worked on, from version 2.
pub const RENEW: i8 = 4;

message! {
    /// Asks for records, and acknowledges some.
    pub struct ShareFetchRequest<'a> for ShareFetch {
        /// The group.
        group_id: Option<&'a str>, [1..];
        /// The member.
        member_id: Option<&'a str>, [1..];
        /// The share session's epoch: [`OPEN_SESSION`], [`CLOSE_SESSION`], or one more than
        /// that of the request before.
        share_session_epoch: i32, [1..];
        /// How long to wait for `min_bytes`, in milliseconds.
        max_wait_ms: i32, [1..];
        /// How many bytes to wait for, over all partitions.
        min_bytes: i32, [1..];
        /// How many bytes to send at most; the first batch is sent whatever its size.
        max_bytes: i32, [1..] = i32::MAX;
        /// How many records to acquire at most.
        max_records: i32, [1..];
        /// How many records an acquired range should have.
        batch_size: i32, [1..];
        /// How exact `max_records` is: [`BATCH_OPTIMIZED`] or [`RECORD_LIMIT`].
        share_acquire_mode: i8, [2..];
        /// Whether some acknowledge types are [`RENEW`].
        is_renew_ack: bool, [2..];
        /// The topics to add to the session, or whose records to acknowledge.
        topics: Vec<ShareFetchTopic>, [1..];
        /// What to take out of the session.
        forgotten_topics: Vec<ShareForgottenTopic>, [1..];
    }
}

message! {
    /// A topic to fetch from.
    pub struct ShareFetchTopic {
        /// Its ID.
        topic_id: Uuid, [1..];
        /// The partitions.
        partitions: Vec<ShareFetchPartition>, [1..];
    }
}

message! {
    /// A partition to fetch from.
    pub struct ShareFetchPartition {
        /// The partition's number.
        partition_index: i32, [1..];
        /// The records to acknowledge.
        acknowledgement_batches: Vec<AcknowledgementBatch>, [1..];
    }
}

message! {
    /// Records to acknowledge.
    pub struct AcknowledgementBatch {
        /// The first offset.
        first_offset: i64, [1..];
        /// The last offset.
        last_offset: i64, [1..];
        /// One acknowledge type for all, or one for each offset.
        acknowledge_types: Vec<i8>, [1..];
    }
}

message! {
    /// What to take out of a share session.
    pub struct ShareForgottenTopic {
        /// The topic's ID.
        topic_id: Uuid, [1..];
        /// The partitions.
        partitions: Vec<i32>, [1..];
    }
}

message! {
    /// Records that were acquired.
    pub struct ShareFetchResponse<'a> for ShareFetch {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [1..];
        /// The error of the whole request, or 0.
        error_code: i16, [1..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [1..];
        /// How long the records are locked, in milliseconds.
        acquisition_lock_timeout_ms: i32, [1..];
        /// The topics.
        responses: Vec<ShareFetchTopicResponse<'a>>, [1..];
        /// The addresses of the leaders that are named.
        node_endpoints: Vec<NodeEndpoint<'a>>, [1..];
    }
}

message! {
    /// A topic's records.
    pub struct ShareFetchTopicResponse<'a> {
        /// Its ID.
        topic_id: Uuid, [1..];
        /// The partitions.
        partitions: Vec<ShareFetchPartitionResponse<'a>>, [1..];
    }
}

message! {
    /// A partition's records.
    pub struct ShareFetchPartitionResponse<'a> {
        /// The partition's number.
        partition_index: i32, [1..];
        /// The error of the fetch, or 0.
        error_code: i16, [1..];
        /// That error in words.
        error_message: Option<Cow<'a, str>>, [1..];
        /// The error of the acknowledgements, or 0.
        acknowledge_error_code: i16, [1..];
        /// That error in words.
        acknowledge_error_message: Option<Cow<'a, str>>, [1..];
        /// The partition's leader, if it is another broker.
        current_leader: LeaderIdAndEpoch, [1..];
        /// The record batches, of which only the acquired records are the member's.
        records: Option<Cow<'a, [u8]>>, [1..];
        /// The records that were acquired.
        acquired_records: Vec<AcquiredRecords>, [1..];
    }
}

message! {
    /// Records that were acquired together.
    #[derive(Copy, Eq)]
    pub struct AcquiredRecords {
        /// The first offset.
        first_offset: i64, [1..];
        /// The last offset.
        last_offset: i64, [1..];
        /// How often they have been delivered, this time included.
        delivery_count: i16, [1..];
    }
}
