//! ListGroups (key 16): lists groups.
//!
//! Version 3 is flexible, 4 can choose by state, 5 by type.

use std::borrow::Cow;

message! {
    /// Asks for the groups.
    pub struct ListGroupsRequest<'a> for ListGroups {
        /// The states that are wanted; empty for all.
        states_filter: Vec<&'a str>, [4..];
        /// The types that are wanted, such as "classic"; empty for all.
        types_filter: Vec<&'a str>, [5..];
    }
}

message! {
    /// The groups.
    pub struct ListGroupsResponse<'a> for ListGroups {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [1..];
        /// The error, or 0.
        error_code: i16, [0..];
        /// The groups.
        groups: Vec<ListedGroup<'a>>, [0..];
    }
}

message! {
    /// A group.
    pub struct ListedGroup<'a> {
        /// The group.
        group_id: Cow<'a, str>, [0..];
        /// Its kind of protocol.
        protocol_type: Cow<'a, str>, [0..];
        /// Its state, such as "Stable".
        group_state: Cow<'a, str>, [4..];
        /// Its type, such as "classic".
        group_type: Cow<'a, str>, [5..];
    }
}
