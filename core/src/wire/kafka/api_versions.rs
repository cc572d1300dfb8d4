//! ApiVersions (key 18): what the broker speaks.
//!
//! Version 3 is flexible and tells the client's software; 4 allows features whose lowest version
//! is 0, which must be left out of answers by older versions. The response header is always
//! version 0.

use std::borrow::Cow;

use super::error_code::ErrorCode;
use super::frame::write_response;
use super::writer::EncodeError;
use super::{ApiKey, Reader};

/// What minka's own client calls its software. It is told more than others: see
/// [`ProducePartitionResponse`](super::produce::ProducePartitionResponse).
pub const MINKA: &str = "minka";

message! {
    /// Asks which APIs and versions the broker speaks.
    pub struct ApiVersionsRequest<'a> for ApiVersions {
        /// The name of the client's software.
        client_software_name: &'a str, [3..];
        /// The version of the client's software.
        client_software_version: &'a str, [3..];
    }
}

message! {
    /// What the broker speaks.
    pub struct ApiVersionsResponse<'a> for ApiVersions {
        /// The error, or 0.
        error_code: i16, [0..];
        /// The APIs that the broker speaks.
        api_keys: Vec<ApiVersion>, [0..];
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [1..];
        /// The features that the broker can do.
        supported_features: Vec<SupportedFeature<'a>>, [3..] tag 0;
        /// The epoch of the features in force, or -1.
        finalized_features_epoch: i64, [3..] tag 1 = -1;
        /// The features in force.
        finalized_features: Vec<FinalizedFeature<'a>>, [3..] tag 2;
        /// Whether the broker can leave ZooKeeper.
        zk_migration_ready: bool, [3..] tag 3;
    }
}

message! {
    /// The versions of one API.
    #[derive(Copy, Eq)]
    pub struct ApiVersion {
        /// The API's key.
        api_key: i16, [0..];
        /// The first version.
        min_version: i16, [0..];
        /// The last version.
        max_version: i16, [0..];
    }
}

message! {
    /// The versions of a feature that the broker can do.
    pub struct SupportedFeature<'a> {
        /// The feature's name.
        name: Cow<'a, str>, [3..];
        /// The first version.
        min_version: i16, [3..];
        /// The last version.
        max_version: i16, [3..];
    }
}

message! {
    /// The versions of a feature that are in force.
    pub struct FinalizedFeature<'a> {
        /// The feature's name.
        name: Cow<'a, str>, [3..];
        /// The last version.
        max_version_level: i16, [3..];
        /// The first version.
        min_version_level: i16, [3..];
    }
}

impl ApiVersionsRequest<'_> {
    /// Whether name and version of the client's software are written as KIP-511 wants it:
    /// letters, digits, dots and dashes, and neither a dot nor a dash at an end. What is not is
    /// answered by [`ErrorCode::InvalidRequest`]. Before version 3 there is nothing to judge.
    pub fn is_valid(&self, version: i16) -> bool {
        let valid = |text: &str| {
            let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
            let outer = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
            text.bytes().all(inner) && outer(text.bytes().next()) && outer(text.bytes().last())
        };
        version < 3 || (valid(self.client_software_name) && valid(self.client_software_version))
    }
}

/// Appends the frame that answers an ApiVersions request of a version that is not accepted.
///
/// The client cannot know the layout of anything newer than version 0, so that is what it gets,
/// and the one entry from which it learns with which version to ask again.
pub fn write_unsupported_version(
    out: &mut Vec<u8>,
    correlation_id: i32,
) -> Result<(), EncodeError> {
    let answer = ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: ApiKey::advertise(&[ApiKey::ApiVersions]),
        ..ApiVersionsResponse::default()
    };
    write_response(out, 0, correlation_id, &answer)
}

impl<'a> ApiVersionsResponse<'a> {
    /// Reads an answer to a request of `version`, or the answer in the layout of version 0 that
    /// a broker gives which does not speak `version`.
    pub fn decode_or_fallback(
        reader: &mut Reader<'a>,
        version: i16,
    ) -> Result<Self, super::DecodeError> {
        let error_code = reader.clone().int16()?;
        let fallback = error_code == ErrorCode::UnsupportedVersion.code();
        Self::decode(reader, if fallback { 0 } else { version })
    }
}
