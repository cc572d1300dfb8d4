//! ListConfigResources (key 74): lists what has a configuration.
//!
//! Version 0 lists client metrics resources only, and 1 those of the types that are asked for
//! (KIP-1142).

use std::borrow::Cow;

/// The resource type of a subscription to client metrics.
pub const CLIENT_METRICS: i8 = 16;

message! {
    /// Asks for resources.
    pub struct ListConfigResourcesRequest for ListConfigResources {
        /// The types; empty for all.
        resource_types: Vec<i8>, [1..];
    }
}

message! {
    /// Resources that have a configuration.
    pub struct ListConfigResourcesResponse<'a> for ListConfigResources {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [0..];
        /// The error, or 0.
        error_code: i16, [0..];
        /// The resources.
        config_resources: Vec<ConfigResource<'a>>, [0..];
    }
}

message! {
    /// A resource.
    pub struct ConfigResource<'a> {
        /// Its name.
        resource_name: Cow<'a, str>, [0..];
        /// What it is, as in [`DescribeConfigs`](super::describe_configs).
        resource_type: i8, [1..] = CLIENT_METRICS;
    }
}
