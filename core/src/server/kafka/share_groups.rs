//! ShareGroupHeartbeat and ShareGroupDescribe: queue groups and their members.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Call, code};
use crate::state::groups::GroupState;
use crate::state::queues::{AssignedTopic, HeartbeatRequest, QueueDescription, QueueMember};
use crate::wire::kafka::field::Nullable;
use crate::wire::kafka::share_group_describe::{
    DescribedShareGroup, ShareGroupDescribeRequest, ShareGroupDescribeResponse, ShareGroupMember,
    ShareMemberAssignment, ShareMemberTopic,
};
use crate::wire::kafka::share_group_heartbeat::{
    ShareGroupAssignment, ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse,
    ShareGroupTopicPartitions,
};
use crate::wire::kafka::{ErrorCode, Uuid};

/// What makes the assignments: every member may read every partition.
const ASSIGNOR: &str = "simple";

/// A member joins, keeps up or leaves.
pub(super) fn heartbeat(
    call: &Call<'_>,
    request: &ShareGroupHeartbeatRequest<'_>,
) -> ShareGroupHeartbeatResponse<'static> {
    let topics = request.subscribed_topic_names.as_ref();
    let answer = call.broker.heartbeat_queue(&HeartbeatRequest {
        group: request.group_id.to_owned(),
        member_id: request.member_id.to_owned(),
        member_epoch: request.member_epoch,
        topics: topics.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
        client_id: call.client_id.to_owned(),
        client_host: format!("/{}", call.peer.ip().to_canonical()),
        rack_id: request.rack_id.map(str::to_owned),
    });
    match answer {
        Ok(answer) => ShareGroupHeartbeatResponse {
            member_id: Some(Cow::Owned(answer.member_id)),
            member_epoch: answer.member_epoch,
            heartbeat_interval_ms: i32::try_from(answer.heartbeat_interval_ms).unwrap_or(i32::MAX),
            assignment: Nullable(answer.assignment.map(|topics| ShareGroupAssignment {
                topic_partitions: topics.iter().map(assigned).collect(),
            })),
            ..ShareGroupHeartbeatResponse::default()
        },
        Err(error) => ShareGroupHeartbeatResponse {
            error_code: code(&error),
            error_message: Some(Cow::Owned(error.to_string())),
            ..ShareGroupHeartbeatResponse::default()
        },
    }
}

fn assigned(topic: &AssignedTopic) -> ShareGroupTopicPartitions {
    ShareGroupTopicPartitions { topic_id: Uuid(topic.topic), partitions: indexes(topic) }
}

fn indexes(topic: &AssignedTopic) -> Vec<i32> {
    (0..i32::try_from(topic.partitions).unwrap_or(i32::MAX)).collect()
}

/// Describes queue groups; one of another kind is not found.
pub(super) fn describe<'a>(
    call: &Call<'_>,
    request: &ShareGroupDescribeRequest<'a>,
) -> ShareGroupDescribeResponse<'a> {
    let mut seen = BTreeSet::new();
    let groups = request.group_ids.iter().filter(|group| seen.insert(**group));
    let group = groups.map(|group| {
        let description = call.broker.describe_queue(group);
        if description.state == GroupState::Dead {
            return DescribedShareGroup {
                error_code: ErrorCode::GroupIdNotFound.code(),
                error_message: Some(Cow::Owned(format!("there is no share group {group}"))),
                group_id: Cow::Borrowed(*group),
                group_state: Cow::Borrowed(GroupState::Dead.name()),
                ..DescribedShareGroup::default()
            };
        }
        described(call, group, description)
    });
    ShareGroupDescribeResponse { groups: group.collect(), ..ShareGroupDescribeResponse::default() }
}

fn described<'a>(
    call: &Call<'_>,
    group: &'a str,
    description: QueueDescription,
) -> DescribedShareGroup<'a> {
    let QueueDescription { state, epoch, members } = description;
    DescribedShareGroup {
        group_id: Cow::Borrowed(group),
        group_state: Cow::Borrowed(state.name()),
        group_epoch: epoch,
        assignment_epoch: epoch,
        assignor_name: Cow::Borrowed(ASSIGNOR),
        members: members.into_iter().map(|one| member(call, one)).collect(),
        ..DescribedShareGroup::default()
    }
}

fn member(call: &Call<'_>, member: QueueMember) -> ShareGroupMember<'static> {
    let topics = member.assignment.iter().filter_map(|topic| {
        let live = call.broker.topic_by_id(&topic.topic)?;
        Some(ShareMemberTopic {
            topic_id: Uuid(topic.topic),
            topic_name: Cow::Owned(live.topic.name.clone()),
            partitions: indexes(topic),
        })
    });
    ShareGroupMember {
        assignment: ShareMemberAssignment { topic_partitions: topics.collect() },
        member_id: Cow::Owned(member.member_id),
        rack_id: member.rack_id.map(Cow::Owned),
        member_epoch: member.member_epoch,
        client_id: Cow::Owned(member.client_id),
        client_host: Cow::Owned(member.client_host),
        subscribed_topic_names: member.topics.into_iter().map(Cow::Owned).collect(),
    }
}
