//! AlterConfigs (key 33): replaces the whole configuration of topics and groups.
//!
//! What is not in the request goes back to its default, which is why clients should prefer
//! [`IncrementalAlterConfigs`](super::incremental_alter_configs). Version 2 is flexible.

use std::borrow::Cow;

message! {
    /// Configurations to replace.
    pub struct AlterConfigsRequest<'a> for AlterConfigs {
        /// Whose.
        resources: Vec<AlterConfigsResource<'a>>, [0..];
        /// Whether only to say what would become of it.
        validate_only: bool, [0..];
    }
}

message! {
    /// A resource whose configuration to replace.
    pub struct AlterConfigsResource<'a> {
        /// What it is, as in [`DescribeConfigs`](super::describe_configs).
        resource_type: i8, [0..];
        /// Its name.
        resource_name: &'a str, [0..];
        /// Its settings from now on.
        configs: Vec<AlterableConfig<'a>>, [0..];
    }
}

message! {
    /// A setting.
    pub struct AlterableConfig<'a> {
        /// Its name.
        name: &'a str, [0..];
        /// Its value, which must not be null.
        value: Option<&'a str>, [0..];
    }
}

message! {
    /// What became of the configurations.
    pub struct AlterConfigsResponse<'a> for AlterConfigs {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [0..];
        /// The resources.
        responses: Vec<AlterConfigsResult<'a>>, [0..];
    }
}

message! {
    /// What became of a resource's configuration; of either API.
    pub struct AlterConfigsResult<'a> {
        /// The error, or 0.
        error_code: i16, [0..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [0..];
        /// What the resource is.
        resource_type: i8, [0..];
        /// Its name.
        resource_name: Cow<'a, str>, [0..];
    }
}
