//! ShareGroupDescribe (key 77): describes share groups.
//!
//! Version 1 is the first that Kafka kept (KIP-932).

use std::borrow::Cow;

use super::Uuid;

message! {
    /// Asks about share groups.
    pub struct ShareGroupDescribeRequest<'a> for ShareGroupDescribe {
        /// The groups.
        group_ids: Vec<&'a str>, [1..];
        /// Whether to tell what the client may do with them.
        include_authorized_operations: bool, [1..];
    }
}

message! {
    /// Share groups.
    pub struct ShareGroupDescribeResponse<'a> for ShareGroupDescribe {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [1..];
        /// The groups.
        groups: Vec<DescribedShareGroup<'a>>, [1..];
    }
}

message! {
    /// A share group.
    pub struct DescribedShareGroup<'a> {
        /// The error, or 0.
        error_code: i16, [1..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [1..];
        /// The group.
        group_id: Cow<'a, str>, [1..];
        /// Its state, such as `Stable`.
        group_state: Cow<'a, str>, [1..];
        /// The group's epoch.
        group_epoch: i32, [1..];
        /// The epoch of the assignment.
        assignment_epoch: i32, [1..];
        /// Who made the assignment.
        assignor_name: Cow<'a, str>, [1..];
        /// The members.
        members: Vec<ShareGroupMember<'a>>, [1..];
        /// What the client may do, as bits, or `i32::MIN` if it did not ask.
        authorized_operations: i32, [1..] = i32::MIN;
    }
}

message! {
    /// A member of a share group.
    pub struct ShareGroupMember<'a> {
        /// Its ID.
        member_id: Cow<'a, str>, [1..];
        /// The rack it is in.
        rack_id: Option<Cow<'a, str>>, [1..];
        /// Its epoch.
        member_epoch: i32, [1..];
        /// What it calls itself.
        client_id: Cow<'a, str>, [1..];
        /// Where it connects from.
        client_host: Cow<'a, str>, [1..];
        /// The topics it subscribes to.
        subscribed_topic_names: Vec<Cow<'a, str>>, [1..];
        /// Its partitions.
        assignment: ShareMemberAssignment<'a>, [1..];
    }
}

message! {
    /// The partitions of a member.
    pub struct ShareMemberAssignment<'a> {
        /// The topics.
        topic_partitions: Vec<ShareMemberTopic<'a>>, [1..];
    }
}

message! {
    /// The partitions of a topic.
    pub struct ShareMemberTopic<'a> {
        /// The topic's ID.
        topic_id: Uuid, [1..];
        /// The topic's name.
        topic_name: Cow<'a, str>, [1..];
        /// The partitions.
        partitions: Vec<i32>, [1..];
    }
}
