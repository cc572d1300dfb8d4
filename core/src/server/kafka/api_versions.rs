//! ApiVersions.

use std::borrow::Cow;

use super::login::SASL;
use super::{Call, Refusal, SERVED};
use crate::wire::kafka::api_versions::{
    ApiVersionsRequest, ApiVersionsResponse, FinalizedFeature, SupportedFeature,
    write_unsupported_version,
};
use crate::wire::kafka::{ApiKey, ErrorCode};

/// The features by which clients see that KIP-848 and KIP-932 are served.
const FEATURES: [&str; 2] = ["group.version", "share.version"];
/// The level of each of them.
const LEVEL: i16 = 1;
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
    let mut served = SERVED.to_vec();
    if call.broker.wants_login() {
        served.extend(SASL);
    }
    let supported = FEATURES.map(|name| SupportedFeature {
        name: Cow::Borrowed(name),
        min_version: 0,
        max_version: LEVEL,
    });
    let finalized = FEATURES.map(|name| FinalizedFeature {
        name: Cow::Borrowed(name),
        min_version_level: LEVEL,
        max_version_level: LEVEL,
    });
    // Clients before version 4 take a lowest version of 0 for an error.
    let is_shown = call.version >= ZERO_FEATURES_FROM_VERSION;
    ApiVersionsResponse {
        api_keys: ApiKey::advertise(&served),
        supported_features: if is_shown { supported.into() } else { Vec::new() },
        finalized_features_epoch: 0,
        finalized_features: finalized.into(),
        ..ApiVersionsResponse::default()
    }
}

/// Says with which versions to ask again.
pub(super) fn refuse_version(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
    Ok(write_unsupported_version(out, call.correlation_id)?)
}
