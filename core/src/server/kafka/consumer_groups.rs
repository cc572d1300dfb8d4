//! ConsumerGroupHeartbeat and ConsumerGroupDescribe: groups of KIP-848.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Call, code};
use crate::error::{Error, Result};
use crate::state::event::TopicId;
use crate::state::groups::{
    ConsumerAnswer, ConsumerGroupDescription, ConsumerHeartbeat, ConsumerMemberDescription,
    TopicShare,
};
use crate::wire::kafka::Uuid;
use crate::wire::kafka::consumer_group_describe::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ConsumerGroupMember,
    DescribedAssignment, DescribedConsumerGroup, DescribedTopicPartitions,
};
use crate::wire::kafka::consumer_group_heartbeat::{
    AssignedTopicPartitions, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
    HeartbeatAssignment,
};
use crate::wire::kafka::field::Nullable;

/// Since this version the client makes the member's ID.
const OWN_ID_FROM_VERSION: i16 = 1;
/// The type of a member that heartbeats.
const CONSUMER_MEMBER: i8 = 1;

/// A member joins, keeps up or leaves.
pub(super) fn heartbeat<'a>(
    call: &Call<'_>,
    request: &ConsumerGroupHeartbeatRequest<'a>,
) -> ConsumerGroupHeartbeatResponse<'a> {
    let is_given = call.version >= OWN_ID_FROM_VERSION || !request.member_id.is_empty();
    let member_id = if is_given || request.member_epoch != 0 {
        Ok(Cow::Borrowed(request.member_id))
    } else {
        call.broker.new_member_id().map(Cow::Owned)
    };
    let answer = member_id.and_then(|id| Ok((answer(call, request, &id)?, id)));
    match answer {
        Ok((answer, member_id)) => ConsumerGroupHeartbeatResponse {
            member_id: Some(member_id),
            member_epoch: answer.epoch,
            heartbeat_interval_ms: i32::try_from(answer.heartbeat_interval_ms).unwrap_or(i32::MAX),
            assignment: Nullable(answer.assignment.map(assignment)),
            ..ConsumerGroupHeartbeatResponse::default()
        },
        Err(error) => ConsumerGroupHeartbeatResponse {
            error_code: code(&error),
            error_message: Some(Cow::Owned(error.to_string())),
            ..ConsumerGroupHeartbeatResponse::default()
        },
    }
}

fn answer(
    call: &Call<'_>,
    request: &ConsumerGroupHeartbeatRequest<'_>,
    member_id: &str,
) -> Result<ConsumerAnswer> {
    let owned: Option<Vec<(TopicId, Vec<i32>)>> = request.topic_partitions.as_ref().map(|topics| {
        topics.iter().map(|topic| (topic.topic_id.into(), topic.partitions.clone())).collect()
    });
    let client_host = format!("/{}", call.peer.ip().to_canonical());
    call.broker.consumer_heartbeat(&ConsumerHeartbeat {
        group: request.group_id,
        member_id,
        epoch: request.member_epoch,
        instance_id: request.instance_id,
        rack_id: request.rack_id,
        client_id: call.client_id,
        client_host: &client_host,
        rebalance_timeout_ms: u32::try_from(request.rebalance_timeout_ms).ok(),
        topics: request.subscribed_topic_names.as_deref(),
        pattern: request.subscribed_topic_regex,
        assignor: request.server_assignor,
        owned: owned.as_deref(),
    })
}

fn assignment(shares: Vec<TopicShare>) -> HeartbeatAssignment {
    let topic = |share: TopicShare| AssignedTopicPartitions {
        topic_id: Uuid(share.topic.id),
        partitions: indexes(&share),
    };
    HeartbeatAssignment { topic_partitions: shares.into_iter().map(topic).collect() }
}

/// Describes groups; a classic one is not found.
pub(super) fn describe<'a>(
    call: &Call<'_>,
    request: &ConsumerGroupDescribeRequest<'a>,
) -> ConsumerGroupDescribeResponse<'a> {
    let mut seen = BTreeSet::new();
    let groups = request.group_ids.iter().filter(|group| seen.insert(**group));
    let group = groups.map(|group| {
        let found = call.broker.describe_consumer_group(group);
        let described = found.map_or_else(|error| refused(&error), described);
        DescribedConsumerGroup { group_id: Cow::Borrowed(*group), ..described }
    });
    ConsumerGroupDescribeResponse {
        groups: group.collect(),
        ..ConsumerGroupDescribeResponse::default()
    }
}

fn refused(error: &Error) -> DescribedConsumerGroup<'static> {
    DescribedConsumerGroup {
        error_code: code(error),
        error_message: Some(Cow::Owned(error.to_string())),
        ..DescribedConsumerGroup::default()
    }
}

fn described(group: ConsumerGroupDescription) -> DescribedConsumerGroup<'static> {
    DescribedConsumerGroup {
        group_state: Cow::Borrowed(group.state.name()),
        group_epoch: group.epoch,
        assignment_epoch: group.target_epoch,
        assignor_name: Cow::Borrowed(group.assignor),
        members: group.members.into_iter().map(member).collect(),
        ..DescribedConsumerGroup::default()
    }
}

fn member(description: ConsumerMemberDescription) -> ConsumerGroupMember<'static> {
    let member = description.member;
    ConsumerGroupMember {
        member_id: Cow::Owned(member.id),
        instance_id: member.instance_id.map(Cow::Owned),
        rack_id: member.rack_id.map(Cow::Owned),
        member_epoch: member.epoch,
        client_id: Cow::Owned(member.client_id),
        client_host: Cow::Owned(member.client_host),
        subscribed_topic_names: member.topics.into_iter().map(Cow::Owned).collect(),
        subscribed_topic_regex: member.pattern.map(Cow::Owned),
        assignment: described_shares(&description.assigned),
        target_assignment: described_shares(&description.target),
        member_type: CONSUMER_MEMBER,
    }
}

fn described_shares(shares: &[TopicShare]) -> DescribedAssignment<'static> {
    let topic = |share: &TopicShare| DescribedTopicPartitions {
        topic_id: Uuid(share.topic.id),
        topic_name: Cow::Owned(share.topic.name.clone()),
        partitions: indexes(share),
    };
    DescribedAssignment { topic_partitions: shares.iter().map(topic).collect() }
}

/// Partition indexes as the protocol has them.
fn indexes(share: &TopicShare) -> Vec<i32> {
    share.partitions.iter().map(|index| i32::try_from(*index).unwrap_or(i32::MAX)).collect()
}
