//! DescribeConfigs (key 32): gives the configuration of topics and brokers.
//!
//! Version 3 tells types and documentation, 4 is flexible.

use std::borrow::Cow;

/// The resource type of a topic.
pub const TOPIC: i8 = 2;
/// The resource type of a broker; its name is its ID in digits.
pub const BROKER: i8 = 4;
/// The resource type of a group.
pub const GROUP: i8 = 32;

message! {
    /// Asks for configurations.
    pub struct DescribeConfigsRequest<'a> for DescribeConfigs {
        /// Whose.
        resources: Vec<DescribeConfigsResource<'a>>, [1..];
        /// Whether to tell where else each value is set.
        include_synonyms: bool, [1..];
        /// Whether to tell what each value means.
        include_documentation: bool, [3..];
    }
}

message! {
    /// A resource that is asked about.
    pub struct DescribeConfigsResource<'a> {
        /// What it is: [`TOPIC`], [`BROKER`] or [`GROUP`].
        resource_type: i8, [1..];
        /// Its name.
        resource_name: &'a str, [1..];
        /// Which values to give, or null for all.
        configuration_keys: Option<Vec<&'a str>>, [1..];
    }
}

message! {
    /// Configurations.
    pub struct DescribeConfigsResponse<'a> for DescribeConfigs {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [1..];
        /// The resources.
        results: Vec<DescribeConfigsResult<'a>>, [1..];
    }
}

message! {
    /// The configuration of a resource.
    pub struct DescribeConfigsResult<'a> {
        /// The error, or 0.
        error_code: i16, [1..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [1..];
        /// What the resource is.
        resource_type: i8, [1..];
        /// Its name.
        resource_name: Cow<'a, str>, [1..];
        /// The values.
        configs: Vec<DescribedConfig<'a>>, [1..];
    }
}

message! {
    /// A value of a configuration.
    pub struct DescribedConfig<'a> {
        /// Its name.
        name: Cow<'a, str>, [1..];
        /// The value.
        value: Option<Cow<'a, str>>, [1..];
        /// Whether it cannot be changed.
        read_only: bool, [1..];
        /// Where it comes from: 1 from the topic, 5 from the broker's defaults, -1 unknown.
        config_source: i8, [1..] = -1;
        /// Whether the value is a secret.
        is_sensitive: bool, [1..];
        /// Where it is set, the place that counts first.
        synonyms: Vec<ConfigSynonym<'a>>, [1..];
        /// Its type, or 0 if unknown.
        config_type: i8, [3..];
        /// What it means.
        documentation: Option<Cow<'a, str>>, [3..] = Some(Cow::Borrowed(""));
    }
}

message! {
    /// A place where a value is set.
    pub struct ConfigSynonym<'a> {
        /// Its name there.
        name: Cow<'a, str>, [1..];
        /// The value there.
        value: Option<Cow<'a, str>>, [1..];
        /// The place, as in `config_source`.
        source: i8, [1..];
    }
}
