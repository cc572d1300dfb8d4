//! JoinGroup (key 11): joins a classic group.
//!
//! Version 1 brings the rebalance timeout, 4 the error MEMBER_ID_REQUIRED, 5 static members, 6
//! is flexible, 8 tells the reason, 9 lets the leader skip the assignment.

use std::borrow::Cow;

message! {
    /// Asks to be a member.
    pub struct JoinGroupRequest<'a> for JoinGroup {
        /// The group.
        group_id: &'a str, [0..];
        /// After how many milliseconds of silence the member is taken for dead.
        session_timeout_ms: i32, [0..];
        /// How long the members have to join again, in milliseconds; -1 before version 1, where
        /// the session timeout counts.
        rebalance_timeout_ms: i32, [1..] = -1;
        /// The member's ID, or empty if it has none yet.
        member_id: &'a str, [0..];
        /// The static member's ID.
        group_instance_id: Option<&'a str>, [5..];
        /// What kind of protocols these are; "consumer" for consumers.
        protocol_type: &'a str, [0..];
        /// The protocols, the preferred one first.
        protocols: Vec<JoinGroupProtocol<'a>>, [0..];
        /// Why the member joins.
        reason: Option<&'a str>, [8..];
    }
}

message! {
    /// A protocol that a member speaks.
    pub struct JoinGroupProtocol<'a> {
        /// Its name, such as "range".
        name: &'a str, [0..];
        /// What the leader needs to know for it.
        metadata: &'a [u8], [0..];
    }
}

message! {
    /// The generation that the member belongs to.
    pub struct JoinGroupResponse<'a> for JoinGroup {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [2..];
        /// The error, or 0.
        error_code: i16, [0..];
        /// The generation, or -1.
        generation_id: i32, [0..] = -1;
        /// The group's kind of protocol.
        protocol_type: Option<Cow<'a, str>>, [7..];
        /// The group's protocol.
        protocol_name: Option<Cow<'a, str>>, [0..] nullable [7..];
        /// The member that leads.
        leader: Cow<'a, str>, [0..];
        /// Whether the leader need not assign anything.
        skip_assignment: bool, [9..];
        /// The member's own ID.
        member_id: Cow<'a, str>, [0..];
        /// All members; only the leader gets them.
        members: Vec<JoinGroupMember<'a>>, [0..];
    }
}

message! {
    /// A member of the group.
    pub struct JoinGroupMember<'a> {
        /// The member's ID.
        member_id: Cow<'a, str>, [0..];
        /// The static member's ID.
        group_instance_id: Option<Cow<'a, str>>, [5..];
        /// What it said for the group's protocol.
        metadata: Cow<'a, [u8]>, [0..];
    }
}
