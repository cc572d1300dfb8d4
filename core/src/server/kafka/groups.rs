//! JoinGroup, SyncGroup, Heartbeat and LeaveGroup: classic groups.

use std::borrow::Cow;

use super::{Call, Door, Handled, Refusal, code, result_code};
use crate::engine::{Deferred, Joined};
use crate::error::Result;
use crate::server::outbox::Outbox;
use crate::server::pending::Parked;
use crate::state::groups::{JoinAnswer, JoinRequest, MemberKey, ReplyId, SyncAnswer, SyncRequest};
use crate::wire::kafka::frame::write_response;
use crate::wire::kafka::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use crate::wire::kafka::join_group::{JoinGroupMember, JoinGroupRequest, JoinGroupResponse};
use crate::wire::kafka::leave_group::{LeaveGroupRequest, LeaveGroupResponse, LeftMember};
use crate::wire::kafka::sync_group::{SyncGroupRequest, SyncGroupResponse};

/// Since this version a new member is told its ID and has to join again with it.
const KNOWN_ID_FROM_VERSION: i16 = 4;
/// Since this version a leader may be told to leave the assignment as it is.
const SKIP_FROM_VERSION: i16 = 9;
/// Since this version many members may leave at once.
const MANY_LEAVE_FROM_VERSION: i16 = 3;

/// A JoinGroup request that waits for the group.
#[derive(Debug)]
pub(in crate::server) struct ParkedJoin {
    version: i16,
    correlation_id: i32,
    answer: Deferred<Joined>,
}

/// A SyncGroup request that waits for the leader.
#[derive(Debug)]
pub(in crate::server) struct ParkedSync {
    version: i16,
    correlation_id: i32,
    answer: Deferred<Result<SyncAnswer>>,
}

/// Joins a group.
pub(super) fn join(
    call: &Call<'_>,
    request: &JoinGroupRequest<'_>,
    out: &mut Vec<u8>,
) -> std::result::Result<Handled, Refusal> {
    let rebalance_timeout_ms = match call.version {
        0 => request.session_timeout_ms,
        _ => request.rebalance_timeout_ms,
    };
    let instance_id = request.group_instance_id;
    let protocols = request.protocols.iter();
    let request = JoinRequest {
        reply: ReplyId(0),
        group: request.group_id.to_owned(),
        member_id: request.member_id.to_owned(),
        instance_id: instance_id.map(str::to_owned),
        new_member_id: String::new(),
        require_known_member_id: call.version >= KNOWN_ID_FROM_VERSION && instance_id.is_none(),
        supports_skip_assignment: call.version >= SKIP_FROM_VERSION,
        client_id: call.client_id.to_owned(),
        client_host: format!("/{}", call.peer.ip().to_canonical()),
        session_timeout_ms: request.session_timeout_ms,
        rebalance_timeout_ms,
        protocol_type: request.protocol_type.to_owned(),
        protocols: protocols
            .map(|protocol| (protocol.name.to_owned(), protocol.metadata.to_owned()))
            .collect(),
    };
    let member_id = request.member_id.clone();
    match call.broker.join_group(request, call.state.wake, call.state.token) {
        Ok(answer) => Ok(Handled::Parked(Parked::Join(Box::new(ParkedJoin {
            version: call.version,
            correlation_id: call.correlation_id,
            answer,
        })))),
        Err(error) => {
            call.write(out, &joined(&member_id, Err(error)))?;
            Ok(Handled::Answered)
        }
    }
}

/// Hands in or asks for the assignment.
pub(super) fn sync(call: &Call<'_>, request: &SyncGroupRequest<'_>) -> Handled {
    let assignments = request.assignments.iter();
    let request = SyncRequest {
        reply: ReplyId(0),
        group: request.group_id.to_owned(),
        generation: request.generation_id,
        member_id: request.member_id.to_owned(),
        instance_id: request.group_instance_id.map(str::to_owned),
        protocol_type: request.protocol_type.map(str::to_owned),
        protocol: request.protocol_name.map(str::to_owned),
        assignments: assignments
            .map(|share| (share.member_id.to_owned(), share.assignment.to_owned()))
            .collect(),
    };
    let answer = call.broker.sync_group(request, call.state.wake, call.state.token);
    Handled::Parked(Parked::Sync(Box::new(ParkedSync {
        version: call.version,
        correlation_id: call.correlation_id,
        answer,
    })))
}

/// A member is alive.
pub(super) fn heartbeat(call: &Call<'_>, request: &HeartbeatRequest<'_>) -> HeartbeatResponse {
    let member = MemberKey { member_id: request.member_id, instance_id: request.group_instance_id };
    let result = call.broker.heartbeat(request.group_id, member, request.generation_id);
    HeartbeatResponse { error_code: result_code(&result), ..HeartbeatResponse::default() }
}

/// Members leave.
pub(super) fn leave<'a>(
    call: &Call<'_>,
    request: &LeaveGroupRequest<'a>,
) -> LeaveGroupResponse<'a> {
    let alone = [MemberKey { member_id: request.member_id, instance_id: None }];
    let many: Vec<MemberKey<'_>> = request
        .members
        .iter()
        .map(|member| MemberKey {
            member_id: member.member_id,
            instance_id: member.group_instance_id,
        })
        .collect();
    let is_many = call.version >= MANY_LEAVE_FROM_VERSION;
    let members = if is_many { &many[..] } else { &alone };
    let results = match call.broker.leave_group(request.group_id, members) {
        Ok(results) => results,
        Err(error) => {
            return LeaveGroupResponse {
                error_code: code(&error),
                ..LeaveGroupResponse::default()
            };
        }
    };
    if !is_many {
        return LeaveGroupResponse {
            error_code: results.first().map_or(0, result_code),
            ..LeaveGroupResponse::default()
        };
    }
    let left = request.members.iter().zip(&results).map(|(member, result)| LeftMember {
        member_id: Cow::Borrowed(member.member_id),
        group_instance_id: member.group_instance_id.map(Cow::Borrowed),
        error_code: result_code(result),
    });
    LeaveGroupResponse { members: left.collect(), ..LeaveGroupResponse::default() }
}

impl ParkedJoin {
    /// Answers if the group has decided.
    pub(in crate::server) fn answer(
        &self,
        outbox: &mut Outbox,
    ) -> std::result::Result<bool, Refusal> {
        let Some((member_id, answer)) = self.answer.take() else {
            return Ok(false);
        };
        let answer = joined(&member_id, answer);
        write_response(outbox.buffer(), self.version, self.correlation_id, &answer)?;
        Ok(true)
    }

    /// Nobody waits for the answer any more.
    pub(in crate::server) fn release(&self, door: &Door) {
        door.broker().forget(&self.answer);
    }
}

impl ParkedSync {
    /// Answers if the assignment is there.
    pub(in crate::server) fn answer(
        &self,
        outbox: &mut Outbox,
    ) -> std::result::Result<bool, Refusal> {
        let Some(answer) = self.answer.take() else {
            return Ok(false);
        };
        let answer = match answer {
            Ok(answer) => SyncGroupResponse {
                protocol_type: Some(Cow::Owned(answer.protocol_type)),
                protocol_name: Some(Cow::Owned(answer.protocol)),
                assignment: Cow::Owned(answer.assignment),
                ..SyncGroupResponse::default()
            },
            Err(error) => {
                SyncGroupResponse { error_code: code(&error), ..SyncGroupResponse::default() }
            }
        };
        write_response(outbox.buffer(), self.version, self.correlation_id, &answer)?;
        Ok(true)
    }

    /// Nobody waits for the answer any more.
    pub(in crate::server) fn release(&self, door: &Door) {
        door.broker().forget(&self.answer);
    }
}

fn joined(member_id: &str, answer: Result<JoinAnswer>) -> JoinGroupResponse<'_> {
    let member_id = Cow::Borrowed(member_id);
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            return JoinGroupResponse {
                error_code: code(&error),
                member_id,
                ..JoinGroupResponse::default()
            };
        }
    };
    let members = answer.members.into_iter().map(|member| JoinGroupMember {
        member_id: Cow::Owned(member.member_id),
        group_instance_id: member.instance_id.map(Cow::Owned),
        metadata: Cow::Owned(member.metadata),
    });
    JoinGroupResponse {
        generation_id: answer.generation,
        protocol_type: Some(Cow::Owned(answer.protocol_type)),
        protocol_name: Some(Cow::Owned(answer.protocol)),
        leader: Cow::Owned(answer.leader),
        skip_assignment: answer.skip_assignment,
        member_id,
        members: members.collect(),
        ..JoinGroupResponse::default()
    }
}
