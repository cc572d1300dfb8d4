//! ConsumerGroupDescribe (key 69): describes groups of KIP-848.
//!
//! All versions are flexible. Version 1 tells the protocol that each member speaks.

use std::borrow::Cow;

use super::Uuid;

message! {
    /// Asks about groups.
    pub struct ConsumerGroupDescribeRequest<'a> for ConsumerGroupDescribe {
        /// The groups.
        group_ids: Vec<&'a str>, [0..];
        /// Whether to say what the client may do to each.
        include_authorized_operations: bool, [0..];
    }
}

message! {
    /// The groups.
    pub struct ConsumerGroupDescribeResponse<'a> for ConsumerGroupDescribe {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [0..];
        /// The groups.
        groups: Vec<DescribedConsumerGroup<'a>>, [0..];
    }
}

message! {
    /// A group.
    pub struct DescribedConsumerGroup<'a> {
        /// The error, or 0.
        error_code: i16, [0..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [0..];
        /// The group.
        group_id: Cow<'a, str>, [0..];
        /// Its state, such as "Stable".
        group_state: Cow<'a, str>, [0..];
        /// Its epoch.
        group_epoch: i32, [0..];
        /// The epoch for which its target was computed.
        assignment_epoch: i32, [0..];
        /// The assignor that computes its target.
        assignor_name: Cow<'a, str>, [0..];
        /// Its members.
        members: Vec<ConsumerGroupMember<'a>>, [0..];
        /// What the client may do to it, a bit per operation; `i32::MIN` if not asked.
        authorized_operations: i32, [0..] = i32::MIN;
    }
}

message! {
    /// A member of a group.
    pub struct ConsumerGroupMember<'a> {
        /// The member's ID.
        member_id: Cow<'a, str>, [0..];
        /// The static member's ID.
        instance_id: Option<Cow<'a, str>>, [0..];
        /// Where the member is.
        rack_id: Option<Cow<'a, str>>, [0..];
        /// The member's epoch.
        member_epoch: i32, [0..];
        /// What the client calls itself.
        client_id: Cow<'a, str>, [0..];
        /// Where the client is.
        client_host: Cow<'a, str>, [0..];
        /// The topics that it wants.
        subscribed_topic_names: Vec<Cow<'a, str>>, [0..];
        /// The regular expression that names of further topics match.
        subscribed_topic_regex: Option<Cow<'a, str>>, [0..];
        /// The partitions that it has, and those that it is giving up.
        assignment: DescribedAssignment<'a>, [0..];
        /// The partitions that it is to have.
        target_assignment: DescribedAssignment<'a>, [0..];
        /// 1 for a member that heartbeats, 0 for one that joins a classic group, or -1.
        member_type: i8, [1..] = -1;
    }
}

message! {
    /// Partitions of a member.
    pub struct DescribedAssignment<'a> {
        /// The partitions by topic.
        topic_partitions: Vec<DescribedTopicPartitions<'a>>, [0..];
    }
}

message! {
    /// Partitions of a topic.
    pub struct DescribedTopicPartitions<'a> {
        /// The topic's ID.
        topic_id: Uuid, [0..];
        /// The topic's name.
        topic_name: Cow<'a, str>, [0..];
        /// The partitions.
        partitions: Vec<i32>, [0..];
    }
}
