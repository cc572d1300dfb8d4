//! IncrementalAlterConfigs (key 44): changes settings of topics and groups one by one.
//!
//! Version 1 is flexible.

use super::alter_configs::AlterConfigsResult;

/// The operation that gives a setting a value.
pub const SET: i8 = 0;
/// The operation that takes a setting back to its default.
pub const DELETE: i8 = 1;
/// The operation that adds values to a list.
pub const APPEND: i8 = 2;
/// The operation that takes values out of a list.
pub const SUBTRACT: i8 = 3;

message! {
    /// Configurations to change.
    pub struct IncrementalAlterConfigsRequest<'a> for IncrementalAlterConfigs {
        /// Whose.
        resources: Vec<IncrementalAlterConfigsResource<'a>>, [0..];
        /// Whether only to say what would become of it.
        validate_only: bool, [0..];
    }
}

message! {
    /// A resource whose configuration to change.
    pub struct IncrementalAlterConfigsResource<'a> {
        /// What it is, as in [`DescribeConfigs`](super::describe_configs).
        resource_type: i8, [0..];
        /// Its name.
        resource_name: &'a str, [0..];
        /// The changes.
        configs: Vec<ConfigChange<'a>>, [0..];
    }
}

message! {
    /// The change of a setting.
    pub struct ConfigChange<'a> {
        /// The setting's name.
        name: &'a str, [0..];
        /// What to do: [`SET`], [`DELETE`], [`APPEND`] or [`SUBTRACT`].
        config_operation: i8, [0..];
        /// The value; null to delete.
        value: Option<&'a str>, [0..];
    }
}

message! {
    /// What became of the changes.
    pub struct IncrementalAlterConfigsResponse<'a> for IncrementalAlterConfigs {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [0..];
        /// The resources.
        responses: Vec<AlterConfigsResult<'a>>, [0..];
    }
}
