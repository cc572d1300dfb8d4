//! DescribeGroups (key 15): describes classic groups.
//!
//! Version 3 tells what the client may do, 4 brings static members, 5 is flexible, 6
//! says that a group does not exist by an error.

use std::borrow::Cow;

message! {
    /// Asks about groups.
    pub struct DescribeGroupsRequest<'a> for DescribeGroups {
        /// The groups.
        groups: Vec<&'a str>, [0..];
        /// Whether to say what the client may do to each.
        include_authorized_operations: bool, [3..];
    }
}

message! {
    /// The groups.
    pub struct DescribeGroupsResponse<'a> for DescribeGroups {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [1..];
        /// The groups.
        groups: Vec<DescribedGroup<'a>>, [0..];
    }
}

message! {
    /// A group.
    pub struct DescribedGroup<'a> {
        /// The error, or 0.
        error_code: i16, [0..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [6..];
        /// The group.
        group_id: Cow<'a, str>, [0..];
        /// Its state, such as "Stable" or, if there is no such group, "Dead".
        group_state: Cow<'a, str>, [0..];
        /// Its kind of protocol.
        protocol_type: Cow<'a, str>, [0..];
        /// Its protocol.
        protocol_data: Cow<'a, str>, [0..];
        /// Its members.
        members: Vec<DescribedGroupMember<'a>>, [0..];
        /// What the client may do to it, a bit per operation; `i32::MIN` if not asked.
        authorized_operations: i32, [3..] = i32::MIN;
    }
}

message! {
    /// A member of a group.
    pub struct DescribedGroupMember<'a> {
        /// The member's ID.
        member_id: Cow<'a, str>, [0..];
        /// The static member's ID.
        group_instance_id: Option<Cow<'a, str>>, [4..];
        /// What the client calls itself.
        client_id: Cow<'a, str>, [0..];
        /// Where the client is.
        client_host: Cow<'a, str>, [0..];
        /// What it said for the group's protocol.
        member_metadata: Cow<'a, [u8]>, [0..];
        /// What it gets.
        member_assignment: Cow<'a, [u8]>, [0..];
    }
}
