//! ShareGroupHeartbeat (key 76): keeps a member in a share group and tells it its partitions.
//!
//! Version 1 is the first that Kafka kept (KIP-932); 0 was for early access and is gone.

use std::borrow::Cow;

use super::Uuid;
use super::field::Nullable;

message! {
    /// Says that a member is alive and what it subscribes to.
    pub struct ShareGroupHeartbeatRequest<'a> for ShareGroupHeartbeat {
        /// The group.
        group_id: &'a str, [1..];
        /// The member's ID, which the client makes up.
        member_id: &'a str, [1..];
        /// The member's epoch: 0 to join, -1 to leave.
        member_epoch: i32, [1..];
        /// The rack the member is in; null if it is as before.
        rack_id: Option<&'a str>, [1..];
        /// The topics it subscribes to; null if they are as before.
        subscribed_topic_names: Option<Vec<&'a str>>, [1..];
    }
}

message! {
    /// What a member has to know.
    pub struct ShareGroupHeartbeatResponse<'a> for ShareGroupHeartbeat {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [1..];
        /// The error, or 0.
        error_code: i16, [1..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [1..];
        /// The member's ID, or null.
        member_id: Option<Cow<'a, str>>, [1..];
        /// The member's epoch.
        member_epoch: i32, [1..];
        /// How often the member should send a heartbeat, in milliseconds.
        heartbeat_interval_ms: i32, [1..];
        /// The member's partitions; null if they are as before.
        assignment: Nullable<ShareGroupAssignment>, [1..];
    }
}

message! {
    /// The partitions of a member.
    pub struct ShareGroupAssignment {
        /// The topics.
        topic_partitions: Vec<ShareGroupTopicPartitions>, [1..];
    }
}

message! {
    /// The partitions of a topic.
    pub struct ShareGroupTopicPartitions {
        /// The topic's ID.
        topic_id: Uuid, [1..];
        /// The partitions.
        partitions: Vec<i32>, [1..];
    }
}
