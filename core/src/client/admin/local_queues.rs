//! Queue groups of a broker in this process.

use super::types::{GroupKind, GroupPartition, MemberDescription};
use crate::engine::Broker;
use crate::state::groups::GroupState;
use crate::state::queues::QueueMember;

/// Kind, state and members of a queue group, if there is one of this name.
pub(super) fn describe(
    broker: &Broker,
    name: &str,
) -> Option<(GroupKind, GroupState, Vec<MemberDescription>)> {
    let group = broker.describe_queue(name);
    if group.state == GroupState::Dead {
        return None;
    }
    let members = group.members.into_iter().map(|one| member(broker, one));
    Some((GroupKind::Queue, group.state, members.collect()))
}

/// Where a queue group is, by topic and partition.
pub(super) fn partitions(broker: &Broker, name: &str) -> Vec<GroupPartition> {
    let offsets = broker.queue_offsets(name).unwrap_or_default();
    let place = |offsets: &crate::state::queues::QueueOffsets| {
        let (topic, index) = broker.locate_partition(offsets.partition)?;
        let live = broker.topic(&topic.name)?;
        let end = live.partitions.get(index as usize)?.high_watermark();
        Some(GroupPartition {
            topic: topic.name.clone(),
            partition: index,
            committed: Some(offsets.start),
            end: Some(end),
            lag: Some(offsets.lag(end)),
            in_flight: Some(offsets.in_flight),
            redelivered: Some(offsets.redelivered),
        })
    };
    let mut partitions: Vec<GroupPartition> = offsets.iter().filter_map(place).collect();
    partitions.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
    partitions
}

fn member(broker: &Broker, member: QueueMember) -> MemberDescription {
    let topics = member.assignment.iter().filter_map(|assigned| {
        let name = broker.topic_by_id(&assigned.topic)?.topic.name.clone();
        Some((0..assigned.partitions).map(move |index| (name.clone(), index)))
    });
    MemberDescription {
        assigned: topics.flatten().collect(),
        id: member.member_id,
        instance_id: None,
        client_id: member.client_id,
        host: member.client_host,
    }
}
