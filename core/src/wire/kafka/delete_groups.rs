//! DeleteGroups (key 42): deletes empty groups.
//!
//! Version 2 is flexible.

use std::borrow::Cow;

message! {
    /// Groups to delete.
    pub struct DeleteGroupsRequest<'a> for DeleteGroups {
        /// The groups.
        groups_names: Vec<&'a str>, [0..];
    }
}

message! {
    /// What became of the groups.
    pub struct DeleteGroupsResponse<'a> for DeleteGroups {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [0..];
        /// The groups.
        results: Vec<DeletableGroupResult<'a>>, [0..];
    }
}

message! {
    /// What became of a group.
    pub struct DeletableGroupResult<'a> {
        /// The group.
        group_id: Cow<'a, str>, [0..];
        /// The error, or 0.
        error_code: i16, [0..];
    }
}
