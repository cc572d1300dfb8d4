//! ShareAcknowledge (key 79): acknowledges records that a member of a share group acquired.
//!
//! Version 1 is the first that Kafka kept (KIP-932); 2 brings the renewal of locks (KIP-1222).

use std::borrow::Cow;

use super::Uuid;
use super::produce::{LeaderIdAndEpoch, NodeEndpoint};
use super::share_fetch::AcknowledgementBatch;

message! {
    /// Records to acknowledge.
    pub struct ShareAcknowledgeRequest<'a> for ShareAcknowledge {
        /// The group.
        group_id: Option<&'a str>, [1..];
        /// The member.
        member_id: Option<&'a str>, [1..];
        /// The share session's epoch: -1 to close it, else one more than that of the request
        /// before.
        share_session_epoch: i32, [1..];
        /// Whether some acknowledge types are [`RENEW`](super::share_fetch::RENEW).
        is_renew_ack: bool, [2..];
        /// The topics.
        topics: Vec<AcknowledgeTopic>, [1..];
    }
}

message! {
    /// A topic whose records to acknowledge.
    pub struct AcknowledgeTopic {
        /// Its ID.
        topic_id: Uuid, [1..];
        /// The partitions.
        partitions: Vec<AcknowledgePartition>, [1..];
    }
}

message! {
    /// A partition whose records to acknowledge.
    pub struct AcknowledgePartition {
        /// The partition's number.
        partition_index: i32, [1..];
        /// The records.
        acknowledgement_batches: Vec<AcknowledgementBatch>, [1..];
    }
}

message! {
    /// What became of the acknowledgements.
    pub struct ShareAcknowledgeResponse<'a> for ShareAcknowledge {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [1..];
        /// The error of the whole request, or 0.
        error_code: i16, [1..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [1..];
        /// How long records whose lock was renewed are locked, in milliseconds.
        acquisition_lock_timeout_ms: i32, [2..];
        /// The topics.
        responses: Vec<ShareAcknowledgeTopicResponse<'a>>, [1..];
        /// The addresses of the leaders that are named.
        node_endpoints: Vec<NodeEndpoint<'a>>, [1..];
    }
}

message! {
    /// What became of a topic's acknowledgements.
    pub struct ShareAcknowledgeTopicResponse<'a> {
        /// Its ID.
        topic_id: Uuid, [1..];
        /// The partitions.
        partitions: Vec<ShareAcknowledgePartitionResponse<'a>>, [1..];
    }
}

message! {
    /// What became of a partition's acknowledgements.
    pub struct ShareAcknowledgePartitionResponse<'a> {
        /// The partition's number.
        partition_index: i32, [1..];
        /// The error, or 0.
        error_code: i16, [1..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [1..];
        /// The partition's leader, if it is another broker.
        current_leader: LeaderIdAndEpoch, [1..];
    }
}
