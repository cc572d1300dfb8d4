//! SyncGroup (key 14): distributes the leader's assignment in a classic group.
//!
//! Version 3 brings static members, 4 is flexible, 5 tells the protocol.

use std::borrow::Cow;

message! {
    /// Asks for the member's assignment; the leader's request brings those of all members.
    pub struct SyncGroupRequest<'a> for SyncGroup {
        /// The group.
        group_id: &'a str, [0..];
        /// The generation.
        generation_id: i32, [0..];
        /// The member's ID.
        member_id: &'a str, [0..];
        /// The static member's ID.
        group_instance_id: Option<&'a str>, [3..];
        /// The group's kind of protocol.
        protocol_type: Option<&'a str>, [5..];
        /// The group's protocol.
        protocol_name: Option<&'a str>, [5..];
        /// What each member gets, if the leader asks.
        assignments: Vec<SyncGroupAssignment<'a>>, [0..];
    }
}

message! {
    /// What a member gets.
    pub struct SyncGroupAssignment<'a> {
        /// The member's ID.
        member_id: &'a str, [0..];
        /// What it gets.
        assignment: &'a [u8], [0..];
    }
}

message! {
    /// The member's assignment.
    pub struct SyncGroupResponse<'a> for SyncGroup {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [1..];
        /// The error, or 0.
        error_code: i16, [0..];
        /// The group's kind of protocol.
        protocol_type: Option<Cow<'a, str>>, [5..];
        /// The group's protocol.
        protocol_name: Option<Cow<'a, str>>, [5..];
        /// What the member gets.
        assignment: Cow<'a, [u8]>, [0..];
    }
}
