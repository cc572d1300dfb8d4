//! ApiVersions.

use std::borrow::Cow;

use super::{Call, Refusal, SERVED};
use crate::wire::kafka::api_versions::{
    ApiVersionsRequest, ApiVersionsResponse, FinalizedFeature, SupportedFeature,
    write_unsupported_version,
};
use crate::wire::kafka::{ApiKey, ErrorCode};

/// The feature by which clients see that KIP-848 is served, and its level.
const GROUP_VERSION: &str = "group.version";
const GROUP_VERSION_LEVEL: i16 = 1;
/// Since this version features may be told of whose lowest version is 0.
const ZERO_FEATURES_FROM_VERSION: i16 = 4;

/// Says what is served. May come at any time.
pub(super) fn answer(
    call: &Call<'_>,
    request: &ApiVersionsRequest<'_>,
) -> ApiVersionsResponse<'static> {
    if !request.is_valid(call.version) {
        return ApiVersionsResponse {
            error_code: ErrorCode::InvalidRequest.code(),
            ..ApiVersionsResponse::default()
        };
    }
    let supported = SupportedFeature {
        name: Cow::Borrowed(GROUP_VERSION),
        min_version: 0,
        max_version: GROUP_VERSION_LEVEL,
    };
    let finalized = FinalizedFeature {
        name: Cow::Borrowed(GROUP_VERSION),
        min_version_level: GROUP_VERSION_LEVEL,
        max_version_level: GROUP_VERSION_LEVEL,
    };
    // Clients before version 4 take a lowest version of 0 for an error.
    let is_shown = call.version >= ZERO_FEATURES_FROM_VERSION;
    ApiVersionsResponse {
        api_keys: ApiKey::advertise(SERVED),
        supported_features: is_shown.then_some(supported).into_iter().collect(),
        finalized_features_epoch: 0,
        finalized_features: vec![finalized],
        ..ApiVersionsResponse::default()
    }
}

/// Says with which versions to ask again.
pub(super) fn refuse_version(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
    Ok(write_unsupported_version(out, call.correlation_id)?)
}
