//! ShareAcknowledge: the answer leaves when the acknowledgements are on the disk.

use std::borrow::Cow;

use super::share_acks::Acknowledging;
use super::{Call, Refusal, code};
use crate::engine::Ticket;
use crate::server::outbox::Outbox;
use crate::server::pending::{Parked, State};
use crate::server::share_session::ShareSessions;
use crate::wire::kafka::ErrorCode;
use crate::wire::kafka::frame::write_response;
use crate::wire::kafka::share_acknowledge::{
    ShareAcknowledgePartitionResponse, ShareAcknowledgeRequest, ShareAcknowledgeResponse,
    ShareAcknowledgeTopicResponse,
};
use crate::wire::kafka::share_fetch::{CLOSE_SESSION, OPEN_SESSION};

/// A ShareAcknowledge request whose acknowledgements are on their way to the disk.
#[derive(Debug)]
pub(in crate::server) struct ParkedAcknowledge {
    version: i16,
    correlation_id: i32,
    lock_ms: i32,
    error: ErrorCode,
    acknowledging: Acknowledging,
}

/// Takes a request on; an error of the session is the answer's.
pub(super) fn start(
    call: &Call<'_>,
    request: &ShareAcknowledgeRequest<'_>,
    sessions: &mut ShareSessions,
) -> Parked {
    let member = (request.group_id.unwrap_or(""), request.member_id.unwrap_or(""));
    let epoch = request.share_session_epoch;
    let found = match epoch {
        // There is nothing to acknowledge in a session that begins.
        OPEN_SESSION => Err(ErrorCode::InvalidShareSessionEpoch),
        _ => sessions.find(call.broker, member, epoch).map(drop),
    };
    let mut acknowledging = Acknowledging::default();
    if found.is_ok() {
        let partitions = request.topics.iter().flat_map(|topic| {
            let partitions = topic.partitions.iter();
            partitions
                .map(|p| ((topic.topic_id, p.partition_index), &p.acknowledgement_batches[..]))
        });
        acknowledging = Acknowledging::start(call, member, partitions);
        if epoch == CLOSE_SESSION {
            sessions.close(call.broker, member);
        }
    }
    Parked::Acknowledge(Box::new(ParkedAcknowledge {
        version: call.version,
        correlation_id: call.correlation_id,
        lock_ms: call.broker.queue_lock_ms(member.0),
        error: found.err().unwrap_or(ErrorCode::None),
        acknowledging,
    }))
}

impl ParkedAcknowledge {
    pub(in crate::server) fn ticket(&self) -> Option<&Ticket> {
        self.acknowledging.ticket()
    }

    /// Answers if the acknowledgements are on the disk.
    pub(in crate::server) fn answer(
        &mut self,
        state: &State<'_>,
        outbox: &mut Outbox,
    ) -> Result<bool, Refusal> {
        let Some(results) = self.acknowledging.results(state.door.broker()) else {
            return Ok(false);
        };
        let mut answer = ShareAcknowledgeResponse {
            error_code: self.error.code(),
            acquisition_lock_timeout_ms: self.lock_ms,
            ..ShareAcknowledgeResponse::default()
        };
        for ((topic_id, partition_index), error) in results {
            let partition = ShareAcknowledgePartitionResponse {
                partition_index,
                error_code: error.as_ref().map_or(0, code),
                error_message: error.map(|error| Cow::Owned(error.to_string())),
                ..ShareAcknowledgePartitionResponse::default()
            };
            match answer.responses.last_mut() {
                Some(topic) if topic.topic_id == topic_id => topic.partitions.push(partition),
                _ => answer
                    .responses
                    .push(ShareAcknowledgeTopicResponse { topic_id, partitions: vec![partition] }),
            }
        }
        write_response(outbox.buffer(), self.version, self.correlation_id, &answer)?;
        Ok(true)
    }
}
