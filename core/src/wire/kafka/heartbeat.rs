//! Heartbeat (key 12): says that a member of a classic group is alive.
//!
//! Version 3 brings static members, 4 is flexible.

message! {
    /// Says that a member is alive.
    pub struct HeartbeatRequest<'a> for Heartbeat {
        /// The group.
        group_id: &'a str, [0..];
        /// The generation.
        generation_id: i32, [0..];
        /// The member's ID.
        member_id: &'a str, [0..];
        /// The static member's ID.
        group_instance_id: Option<&'a str>, [3..];
    }
}

message! {
    /// Says whether the member is still one.
    #[derive(Copy, Eq)]
    pub struct HeartbeatResponse for Heartbeat {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [1..];
        /// The error, or 0.
        error_code: i16, [0..];
    }
}
