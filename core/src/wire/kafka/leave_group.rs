//! LeaveGroup (key 13): leaves a classic group.
//!
//! Version 3 lets many members leave at once, 4 is flexible, 5 tells the reason.

use std::borrow::Cow;

message! {
    /// Says that members leave.
    pub struct LeaveGroupRequest<'a> for LeaveGroup {
        /// The group.
        group_id: &'a str, [0..];
        /// The member's ID, in versions where one leaves.
        member_id: &'a str, [0..=2];
        /// The members, in versions where many leave.
        members: Vec<LeavingMember<'a>>, [3..];
    }
}

message! {
    /// A member that leaves.
    pub struct LeavingMember<'a> {
        /// The member's ID; may be empty for a static member.
        member_id: &'a str, [3..];
        /// The static member's ID.
        group_instance_id: Option<&'a str>, [3..];
        /// Why it leaves.
        reason: Option<&'a str>, [5..];
    }
}

message! {
    /// Says who has left.
    pub struct LeaveGroupResponse<'a> for LeaveGroup {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [1..];
        /// The error, or 0.
        error_code: i16, [0..];
        /// The members.
        members: Vec<LeftMember<'a>>, [3..];
    }
}

message! {
    /// What became of a member that leaves.
    pub struct LeftMember<'a> {
        /// The member's ID.
        member_id: Cow<'a, str>, [3..];
        /// The static member's ID.
        group_instance_id: Option<Cow<'a, str>>, [3..];
        /// The error, or 0.
        error_code: i16, [3..];
    }
}
