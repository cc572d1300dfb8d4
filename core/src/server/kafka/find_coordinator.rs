//! FindCoordinator: it is always this broker.

use std::borrow::Cow;

use super::{Call, NODE_ID};
use crate::wire::kafka::ErrorCode;
use crate::wire::kafka::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse, GROUP, TRANSACTION,
};

/// Names this broker for groups and transactions, which are the only ones that there are.
pub(super) fn answer<'a>(
    call: &'a Call<'_>,
    request: &FindCoordinatorRequest<'a>,
) -> FindCoordinatorResponse<'a> {
    let host = Cow::Borrowed(call.door.host.as_str());
    let port = i32::from(call.door.port);
    if !matches!(request.key_type, GROUP | TRANSACTION) {
        return refusal(request);
    }
    let coordinator = |key: &&'a str| Coordinator {
        key: Cow::Borrowed(*key),
        node_id: NODE_ID,
        host: host.clone(),
        port,
        ..Coordinator::default()
    };
    FindCoordinatorResponse {
        node_id: NODE_ID,
        host: host.clone(),
        port,
        coordinators: request.coordinator_keys.iter().map(coordinator).collect(),
        ..FindCoordinatorResponse::default()
    }
}

fn refusal<'a>(request: &FindCoordinatorRequest<'a>) -> FindCoordinatorResponse<'a> {
    let error_code = ErrorCode::InvalidRequest.code();
    let error_message = Some(Cow::Borrowed("this broker has no coordinators of this kind"));
    let coordinator = |key: &&'a str| Coordinator {
        key: Cow::Borrowed(*key),
        node_id: -1,
        port: -1,
        error_code,
        error_message: error_message.clone(),
        ..Coordinator::default()
    };
    FindCoordinatorResponse {
        error_code,
        error_message: error_message.clone(),
        node_id: -1,
        port: -1,
        coordinators: request.coordinator_keys.iter().map(coordinator).collect(),
        ..FindCoordinatorResponse::default()
    }
}
