//! OffsetCommit: the answer leaves when the offsets are on the disk.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Call, Handled, Refusal, code};
use crate::engine::{LiveTopic, Ticket};
use crate::error::Error;
use crate::server::outbox::Outbox;
use crate::server::pending::{Parked, State};
use crate::state::event::CommitEntry;
use crate::state::groups::{CommitRequest, MemberKey};
use crate::wire::kafka::ErrorCode;
use crate::wire::kafka::frame::write_response;
use crate::wire::kafka::offset_commit::{
    OffsetCommitPartition, OffsetCommitPartitionResponse, OffsetCommitRequest,
    OffsetCommitResponse, OffsetCommitTopicResponse,
};

/// An OffsetCommit request whose offsets are on their way to the disk.
#[derive(Debug)]
pub(in crate::server) struct ParkedCommit {
    version: i16,
    correlation_id: i32,
    ticket: Arc<Ticket>,
    answer: OffsetCommitResponse<'static>,
}

/// Commits. A partition that does not exist is an error of that partition only.
pub(super) fn start(
    call: &Call<'_>,
    request: &OffsetCommitRequest<'_>,
    out: &mut Vec<u8>,
) -> Result<Handled, Refusal> {
    let mut entries = Vec::new();
    let mut answer = OffsetCommitResponse::default();
    for topic in &request.topics {
        let live = call.broker.topic(topic.name);
        let partitions = topic.partitions.iter().map(|asked| {
            let entry = entry(live.as_deref(), asked);
            let error_code = entry.as_ref().err().map_or(0, |error| error.code());
            entries.extend(entry);
            OffsetCommitPartitionResponse { partition_index: asked.partition_index, error_code }
        });
        answer.topics.push(OffsetCommitTopicResponse {
            partitions: partitions.collect(),
            name: Cow::Owned(topic.name.to_owned()),
        });
    }
    let commit = CommitRequest {
        group: request.group_id,
        member: MemberKey { member_id: request.member_id, instance_id: request.group_instance_id },
        generation: request.generation_id_or_member_epoch,
        entries: &entries,
        retention_ms: Some(request.retention_time_ms).filter(|keep| *keep >= 0),
    };
    let wake = (call.state.wake.clone(), call.state.token);
    match call.broker.commit_offsets(&commit, Some(wake)) {
        Ok((results, ticket)) => {
            let good = good(&mut answer);
            for (partition, result) in good.zip(&results) {
                partition.error_code = super::result_code(result);
            }
            call.broker.drain();
            Ok(Handled::Parked(Parked::Commit(Box::new(ParkedCommit {
                version: call.version,
                correlation_id: call.correlation_id,
                ticket,
                answer,
            }))))
        }
        Err(error) => {
            fail(&mut answer, &error);
            call.write(out, &answer)?;
            Ok(Handled::Answered)
        }
    }
}

impl ParkedCommit {
    pub(in crate::server) fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// Answers if the offsets are on the disk.
    pub(in crate::server) fn answer(
        &mut self,
        state: &State<'_>,
        outbox: &mut Outbox,
    ) -> Result<bool, Refusal> {
        let Some(results) = state.door.broker().outcome(&self.ticket) else {
            return Ok(false);
        };
        if let Some(error) = results.iter().find_map(|result| result.as_ref().err()) {
            fail(&mut self.answer, error);
        }
        write_response(outbox.buffer(), self.version, self.correlation_id, &self.answer)?;
        Ok(true)
    }
}

fn entry(
    live: Option<&LiveTopic>,
    asked: &OffsetCommitPartition<'_>,
) -> Result<CommitEntry, ErrorCode> {
    let unknown = ErrorCode::UnknownTopicOrPartition;
    let live = live.ok_or(unknown)?;
    let partition = live.partition(asked.partition_index).map_err(|_| unknown)?;
    Ok(CommitEntry {
        partition: partition.number(),
        offset: asked.committed_offset,
        leader_epoch: asked.committed_leader_epoch,
        metadata: asked.committed_metadata.map(str::to_owned),
    })
}

/// The partitions without an error so far, in the request's order.
fn good<'a>(
    answer: &'a mut OffsetCommitResponse<'static>,
) -> impl Iterator<Item = &'a mut OffsetCommitPartitionResponse> {
    let partitions = answer.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
    partitions.filter(|partition| partition.error_code == 0)
}

fn fail(answer: &mut OffsetCommitResponse<'static>, error: &Error) {
    for partition in good(answer) {
        partition.error_code = code(error);
    }
}
