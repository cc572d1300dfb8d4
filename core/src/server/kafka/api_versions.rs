//! ApiVersions.

use super::{Call, Refusal, SERVED};
use crate::wire::kafka::api_versions::{
    ApiVersionsRequest, ApiVersionsResponse, write_unsupported_version,
};
use crate::wire::kafka::{ApiKey, ErrorCode};

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
    ApiVersionsResponse { api_keys: ApiKey::advertise(SERVED), ..ApiVersionsResponse::default() }
}

/// Says with which versions to ask again.
pub(super) fn refuse_version(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
    Ok(write_unsupported_version(out, call.correlation_id)?)
}
