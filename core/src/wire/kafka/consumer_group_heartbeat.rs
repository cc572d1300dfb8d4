//! ConsumerGroupHeartbeat (key 68): joins, keeps up and leaves a group of KIP-848.
//!
//! All versions are flexible. Since version 1 the client makes its member ID, and may subscribe
//! by a regular expression.

use std::borrow::Cow;

use super::Uuid;
use super::field::Nullable;

message! {
    /// A member's state. What has not changed since the last heartbeat is null, or -1.
    pub struct ConsumerGroupHeartbeatRequest<'a> for ConsumerGroupHeartbeat {
        /// The group.
        group_id: &'a str, [0..];
        /// The member's ID; in version 0 empty if it has none yet.
        member_id: &'a str, [0..];
        /// The member's epoch; 0 to join, -1 to leave, -2 if a static member leaves for a while.
        member_epoch: i32, [0..];
        /// The static member's ID.
        instance_id: Option<&'a str>, [0..];
        /// Where the member is.
        rack_id: Option<&'a str>, [0..];
        /// How long the member has to give partitions up, in milliseconds.
        rebalance_timeout_ms: i32, [0..] = -1;
        /// The topics that the member wants.
        subscribed_topic_names: Option<Vec<&'a str>>, [0..];
        /// The regular expression that names of further topics match.
        subscribed_topic_regex: Option<&'a str>, [1..];
        /// The assignor that the member wants.
        server_assignor: Option<&'a str>, [0..];
        /// The partitions that the member has.
        topic_partitions: Option<Vec<OwnedTopicPartitions>>, [0..];
    }
}

message! {
    /// Partitions of a topic that the member has.
    pub struct OwnedTopicPartitions {
        /// The topic's ID.
        topic_id: Uuid, [0..];
        /// The partitions.
        partitions: Vec<i32>, [0..];
    }
}

message! {
    /// What the member is to do.
    pub struct ConsumerGroupHeartbeatResponse<'a> for ConsumerGroupHeartbeat {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [0..];
        /// The error, or 0.
        error_code: i16, [0..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [0..];
        /// The member's ID.
        member_id: Option<Cow<'a, str>>, [0..];
        /// The member's epoch.
        member_epoch: i32, [0..];
        /// How often the member should heartbeat, in milliseconds.
        heartbeat_interval_ms: i32, [0..];
        /// The partitions that the member may have, or null if they are the same as before.
        assignment: Nullable<HeartbeatAssignment>, [0..];
    }
}

message! {
    /// The partitions that a member may have.
    pub struct HeartbeatAssignment {
        /// The partitions by topic.
        topic_partitions: Vec<AssignedTopicPartitions>, [0..];
    }
}

message! {
    /// Partitions of a topic that the member may have.
    pub struct AssignedTopicPartitions {
        /// The topic's ID.
        topic_id: Uuid, [0..];
        /// The partitions.
        partitions: Vec<i32>, [0..];
    }
}
