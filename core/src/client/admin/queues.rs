//! Queue groups of a cluster behind an address, where Kafka calls them share groups.

use std::collections::BTreeMap;
use std::time::Instant;

use super::groups::Described;
use super::left_out;
use super::remote::Remote;
use super::types::{GroupKind, GroupPartition, MemberDescription};
use crate::client::remote::answer;
use crate::error::Result;
use crate::wire::kafka::alter_share_group_offsets::{
    AlterShareGroupOffsetsPartition, AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsResponse,
    AlterShareGroupOffsetsTopic,
};
use crate::wire::kafka::describe_share_group_offsets::{
    DescribeShareGroupOffsetsGroup, DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsResponse, SharePartitionOffset,
};
use crate::wire::kafka::find_coordinator::GROUP;
use crate::wire::kafka::list_offsets::LATEST;
use crate::wire::kafka::share_group_describe::{
    ShareGroupDescribeRequest, ShareGroupDescribeResponse, ShareGroupMember,
};

/// The newest versions that are spoken here.
const SHARE_GROUP_DESCRIBE_MAX: i16 = 1;
const DESCRIBE_OFFSETS_MAX: i16 = 1;
const ALTER_OFFSETS_MAX: i16 = 0;

impl Remote {
    /// Kind, state and members of a queue group.
    pub(super) fn queue(&self, node: i32, name: &str, deadline: Instant) -> Result<Described> {
        let request = ShareGroupDescribeRequest { group_ids: vec![name], ..Default::default() };
        let (frame, version) =
            self.cluster.ask_node(node, SHARE_GROUP_DESCRIBE_MAX, &request, deadline)?;
        let answer = ShareGroupDescribeResponse::decode(&mut frame.reader(), version)?;
        let group = answer.groups.first().ok_or_else(|| left_out(name))?;
        let doing = format_args!("describing group {name}");
        answer::check(group.error_code, group.error_message.as_deref(), doing)?;
        let members = group.members.iter().map(member).collect();
        Ok((GroupKind::Queue, group.group_state.to_string(), members))
    }

    /// Where a queue group is.
    pub(super) fn queue_partitions(
        &self,
        name: &str,
        deadline: Instant,
    ) -> Result<Vec<GroupPartition>> {
        let groups = vec![DescribeShareGroupOffsetsGroup { group_id: name, topics: None }];
        let request = DescribeShareGroupOffsetsRequest { groups };
        let mut found: BTreeMap<String, Vec<SharePartitionOffset<'static>>> = BTreeMap::new();
        self.cluster.retry(deadline, || {
            let node = self.cluster.coordinator(GROUP, name, deadline)?;
            let (frame, version) =
                self.cluster.ask_node(node, DESCRIBE_OFFSETS_MAX, &request, deadline)?;
            let answer = DescribeShareGroupOffsetsResponse::decode(&mut frame.reader(), version)?;
            let group = answer.groups.first().ok_or_else(|| left_out(name))?;
            let doing = format_args!("asking where group {name} is");
            answer::check(group.error_code, group.error_message.as_deref(), doing)?;
            found.clear();
            for topic in &group.topics {
                let good = topic.partitions.iter().filter(|one| one.error_code == 0);
                let rows = good.map(|one| SharePartitionOffset { error_message: None, ..*one });
                found.entry(topic.topic_name.to_string()).or_default().extend(rows);
            }
            Ok(())
        })?;
        let mut partitions = Vec::new();
        for (topic, rows) in found {
            let indexes = rows.iter().filter_map(|row| u32::try_from(row.partition_index).ok());
            let ends: BTreeMap<u32, i64> = self
                .offsets(&topic, &indexes.collect::<Vec<_>>(), LATEST, deadline)?
                .into_iter()
                .collect();
            for row in rows {
                let partition = u32::try_from(row.partition_index).unwrap_or(u32::MAX);
                let known = |number: i64| u64::try_from(number).ok();
                partitions.push(GroupPartition {
                    topic: topic.clone(),
                    partition,
                    committed: known(row.start_offset),
                    end: ends.get(&partition).copied().and_then(known),
                    lag: known(row.lag),
                    in_flight: known(row.in_flight),
                    redelivered: known(row.redelivered),
                });
            }
        }
        Ok(partitions)
    }

    /// Lets a queue group go on at these offsets.
    pub(super) fn reset_queue(
        &self,
        name: &str,
        topic: &str,
        offsets: &[(u32, i64)],
        deadline: Instant,
    ) -> Result<()> {
        let partitions = offsets.iter().map(|&(index, start_offset)| {
            let partition_index = i32::try_from(index).unwrap_or(i32::MAX);
            AlterShareGroupOffsetsPartition { partition_index, start_offset }
        });
        let request = AlterShareGroupOffsetsRequest {
            group_id: name,
            topics: vec![AlterShareGroupOffsetsTopic {
                topic_name: topic,
                partitions: partitions.collect(),
            }],
        };
        self.cluster.retry(deadline, || {
            let node = self.cluster.coordinator(GROUP, name, deadline)?;
            let (frame, version) =
                self.cluster.ask_node(node, ALTER_OFFSETS_MAX, &request, deadline)?;
            let answer = AlterShareGroupOffsetsResponse::decode(&mut frame.reader(), version)?;
            let doing = format_args!("moving group {name}");
            answer::check(answer.error_code, answer.error_message.as_deref(), doing)?;
            let mut partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
            partitions.try_for_each(|partition| {
                answer::check(partition.error_code, partition.error_message.as_deref(), doing)
            })
        })
    }
}

fn member(member: &ShareGroupMember<'_>) -> MemberDescription {
    let topics = member.assignment.topic_partitions.iter();
    let assigned = topics.flat_map(|topic| {
        let name = topic.topic_name.to_string();
        let partitions = topic.partitions.iter();
        partitions.map(move |&index| (name.clone(), u32::try_from(index).unwrap_or(u32::MAX)))
    });
    MemberDescription {
        id: member.member_id.to_string(),
        instance_id: None,
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        assigned: assigned.collect(),
    }
}
