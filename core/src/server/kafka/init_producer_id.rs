//! InitProducerId: an ID for an idempotent producer.

use super::{Call, code};
use crate::wire::kafka::ErrorCode;
use crate::wire::kafka::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

/// Gives out an ID that was never given out before, with epoch 0.
///
/// Transactions are not served yet. A producer that wants them gets
/// `TRANSACTIONAL_ID_AUTHORIZATION_FAILED`: of the errors that fit, it is the one that every
/// client takes for final and shows at once.
pub(super) fn answer(
    call: &Call<'_>,
    request: &InitProducerIdRequest<'_>,
) -> InitProducerIdResponse {
    let refused = |error_code| InitProducerIdResponse {
        error_code,
        producer_epoch: -1,
        ..InitProducerIdResponse::default()
    };
    match request.transactional_id {
        Some("") => return refused(ErrorCode::InvalidRequest.code()),
        Some(_) => return refused(ErrorCode::TransactionalIdAuthorizationFailed.code()),
        None => {}
    }
    match call.broker.next_producer_id() {
        Ok(producer_id) => {
            InitProducerIdResponse { producer_id, ..InitProducerIdResponse::default() }
        }
        Err(error) => refused(code(&error)),
    }
}
