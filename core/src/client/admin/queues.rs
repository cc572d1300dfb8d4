//! Managing a cluster behind an address: queue groups (KIP-932).

use std::time::Instant;

use super::groups::{Described, is_of_no_such_kind};
use super::remote::Remote;
use super::types::{GroupKind, GroupPartition, MemberDescription};
use super::{left_out, no_group};
use crate::client::remote::answer;
use crate::error::Result;
use crate::wire::kafka::alter_share_group_offsets::{
    AlterShareGroupOffsetsPartition, AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsResponse,
    AlterShareGroupOffsetsTopic,
};
use crate::wire::kafka::describe_share_group_offsets::{
    DescribeShareGroupOffsetsGroup, DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsResponse, SharePartitionOffset, ShareTopicOffsets,
};
use crate::wire::kafka::find_coordinator::GROUP;
use crate::wire::kafka::share_group_describe::{
    ShareGroupDescribeRequest, ShareGroupDescribeResponse, ShareGroupMember,
};

/// The newest versions that are spoken here.
const SHARE_GROUP_DESCRIBE_MAX: i16 = 1;
const DESCRIBE_SHARE_GROUP_OFFSETS_MAX: i16 = 1;
const ALTER_SHARE_GROUP_OFFSETS_MAX: i16 = 0;

impl Remote {
    /// Asks a coordinator about a queue group.
    pub(super) fn queue(&self, node: i32, name: &str, deadline: Instant) -> Result<Described> {
        let request = ShareGroupDescribeRequest { group_ids: vec![name], ..Default::default() };
        let asked = self.cluster.ask_node(node, SHARE_GROUP_DESCRIBE_MAX, &request, deadline);
        let (frame, version) = match asked {
            Err(error) if is_of_no_such_kind(&error) => return Err(no_group(name)),
            asked => asked?,
        };
        let answer = ShareGroupDescribeResponse::decode(&mut frame.reader(), version)?;
        let group = answer.groups.first().ok_or_else(|| left_out(name))?;
        let doing = format_args!("describing group {name}");
        match answer::check(group.error_code, group.error_message.as_deref(), doing) {
            Err(error) if is_of_no_such_kind(&error) => return Err(no_group(name)),
            result => result?,
        }
        let members = group.members.iter().map(member).collect();
        Ok((GroupKind::Queue, group.group_state.to_string(), members))
    }

    /// Where a queue group is, in what it has begun to read.
    pub(super) fn queue_partitions(
        &self,
        name: &str,
        deadline: Instant,
    ) -> Result<Vec<GroupPartition>> {
        let mut partitions = self.cluster.retry(deadline, || {
            let node = self.cluster.coordinator(GROUP, name, deadline)?;
            let group = DescribeShareGroupOffsetsGroup { group_id: name, topics: None };
            let request = DescribeShareGroupOffsetsRequest { groups: vec![group] };
            let max = DESCRIBE_SHARE_GROUP_OFFSETS_MAX;
            let (frame, version) = self.cluster.ask_node(node, max, &request, deadline)?;
            let answer = DescribeShareGroupOffsetsResponse::decode(&mut frame.reader(), version)?;
            let group = answer.groups.first().ok_or_else(|| left_out(name))?;
            let doing = format_args!("asking where group {name} is");
            answer::check(group.error_code, group.error_message.as_deref(), doing)?;
            Ok(group.topics.iter().flat_map(partitions_of).collect::<Vec<_>>())
        })?;
        partitions.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        let places: Vec<_> = partitions.iter().map(|p| (p.topic.clone(), p.partition)).collect();
        let ends = self.ends(places.iter(), deadline)?;
        for (partition, place) in partitions.iter_mut().zip(&places) {
            partition.end = ends.get(place).copied().flatten();
        }
        Ok(partitions)
    }

    /// Has a queue group go on elsewhere.
    pub(super) fn reset_queue(
        &self,
        name: &str,
        topic: &str,
        offsets: &[(u32, i64)],
        deadline: Instant,
    ) -> Result<()> {
        let partitions = offsets.iter().map(|&(index, offset)| AlterShareGroupOffsetsPartition {
            partition_index: i32::try_from(index).unwrap_or(i32::MAX),
            start_offset: offset,
        });
        let partitions = partitions.collect();
        let topics = vec![AlterShareGroupOffsetsTopic { topic_name: topic, partitions }];
        let request = AlterShareGroupOffsetsRequest { group_id: name, topics };
        self.cluster.retry(deadline, || {
            let node = self.cluster.coordinator(GROUP, name, deadline)?;
            let max = ALTER_SHARE_GROUP_OFFSETS_MAX;
            let (frame, version) = self.cluster.ask_node(node, max, &request, deadline)?;
            let answer = AlterShareGroupOffsetsResponse::decode(&mut frame.reader(), version)?;
            let doing = format_args!("moving group {name}");
            answer::check(answer.error_code, answer.error_message.as_deref(), doing)?;
            let mut results = answer.responses.iter().flat_map(|topic| &topic.partitions);
            results.try_for_each(|result| {
                answer::check(result.error_code, result.error_message.as_deref(), doing)
            })
        })
    }
}

fn partitions_of<'a>(
    topic: &'a ShareTopicOffsets<'_>,
) -> impl Iterator<Item = GroupPartition> + use<'a> {
    // A start of -1 is that of a partition which the group has not begun to read.
    let begun = topic.partitions.iter().filter(|one| one.start_offset >= 0);
    let name = topic.topic_name.to_string();
    begun.map(move |one: &SharePartitionOffset<'_>| GroupPartition {
        topic: name.clone(),
        partition: u32::try_from(one.partition_index).unwrap_or(u32::MAX),
        committed: u64::try_from(one.start_offset).ok(),
        end: None,
        lag: u64::try_from(one.lag).ok(),
        in_flight: u64::try_from(one.in_flight).ok(),
        redelivered: u64::try_from(one.redelivered).ok(),
    })
}

fn member(member: &ShareGroupMember<'_>) -> MemberDescription {
    let topics = member.assignment.topic_partitions.iter();
    let assigned = topics.flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions
            .map(|&index| (topic.topic_name.to_string(), u32::try_from(index).unwrap_or(u32::MAX)))
    });
    MemberDescription {
        id: member.member_id.to_string(),
        instance_id: None,
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        assigned: assigned.collect(),
    }
}
