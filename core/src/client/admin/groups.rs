//! Managing a cluster behind an address: groups, which their coordinators know.

use std::collections::BTreeMap;
use std::time::Instant;

use super::remote::Remote;
use super::types::{
    GroupDescription, GroupKind, GroupListing, GroupPartition, MemberDescription, ResetTo,
};
use super::{left_out, no_group, not_empty};
use crate::client::remote::answer;
use crate::error::{Error, ErrorKind, Result};
use crate::state::groups::assigned_partitions;
use crate::wire::kafka::consumer_group_describe::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ConsumerGroupMember,
};
use crate::wire::kafka::delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse};
use crate::wire::kafka::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroupMember,
};
use crate::wire::kafka::find_coordinator::GROUP;
use crate::wire::kafka::list_groups::{ListGroupsRequest, ListGroupsResponse};
use crate::wire::kafka::list_offsets::{EARLIEST, LATEST};
use crate::wire::kafka::offset_commit::{
    OffsetCommitPartition, OffsetCommitRequest, OffsetCommitResponse, OffsetCommitTopic,
};
use crate::wire::kafka::offset_fetch::{
    OffsetFetchGroup, OffsetFetchRequest, OffsetFetchResponse, OffsetFetchTopicResponse,
};

/// The newest versions that are spoken here.
const LIST_GROUPS_MAX: i16 = 5;
const DESCRIBE_GROUPS_MAX: i16 = 6;
const CONSUMER_GROUP_DESCRIBE_MAX: i16 = 1;
const DELETE_GROUPS_MAX: i16 = 2;
const OFFSET_FETCH_MAX: i16 = 9;
const OFFSET_COMMIT_MAX: i16 = 9;

/// The kind that Kafka calls `name`; a broker that does not tell knows classic groups only.
pub(super) fn kind_of(name: &str) -> GroupKind {
    match name.to_ascii_lowercase().as_str() {
        "" | "classic" => GroupKind::Classic,
        "consumer" => GroupKind::Partitions,
        "share" => GroupKind::Queue,
        _ => GroupKind::Other,
    }
}

/// What a group has committed, by topic and partition.
type Committed = Vec<((String, u32), Option<u64>)>;

/// The offset of the next record to become visible, by topic and partition.
pub(super) type Ends = BTreeMap<(String, u32), Option<u64>>;

/// Kind, state and members of a group.
pub(super) type Described = (GroupKind, String, Vec<MemberDescription>);

impl Remote {
    /// Asks every broker for the groups that it coordinates.
    pub(super) fn list_groups(&self) -> Result<Vec<GroupListing>> {
        let deadline = self.deadline();
        let mut listed = Vec::new();
        for node in self.cluster.nodes(deadline)? {
            let request = ListGroupsRequest::default();
            let ask = || self.cluster.ask_node(node, LIST_GROUPS_MAX, &request, deadline);
            let (frame, version) = self.cluster.retry(deadline, ask)?;
            let answer = ListGroupsResponse::decode(&mut frame.reader(), version)?;
            answer::check(answer.error_code, None, "listing groups")?;
            listed.extend(answer.groups.iter().map(|group| GroupListing {
                name: group.group_id.to_string(),
                kind: kind_of(&group.group_type),
                state: group.group_state.to_string(),
            }));
        }
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    pub(super) fn describe(&self, name: &str) -> Result<GroupDescription> {
        let deadline = self.deadline();
        let (kind, state, members) = self.members(name, deadline)?;
        let partitions = match kind {
            GroupKind::Queue => self.queue_partitions(name, deadline)?,
            _ => self.group_partitions(name, &members, deadline)?,
        };
        Ok(GroupDescription { name: name.to_owned(), kind, state, members, partitions })
    }

    /// Where a group is, in what it has committed and in what its members have.
    fn group_partitions(
        &self,
        name: &str,
        members: &[MemberDescription],
        deadline: Instant,
    ) -> Result<Vec<GroupPartition>> {
        let mut places: BTreeMap<(String, u32), Option<u64>> = BTreeMap::new();
        for assigned in members.iter().flat_map(|member| &member.assigned) {
            places.insert(assigned.clone(), None);
        }
        places.extend(self.committed(name, deadline)?);
        let ends = self.ends(places.keys(), deadline)?;
        let place = |((topic, index), committed): ((String, u32), Option<u64>)| {
            let end = ends.get(&(topic.clone(), index)).copied().flatten();
            GroupPartition::new(topic, index, committed, end)
        };
        Ok(places.into_iter().map(place).collect())
    }

    /// Where partitions end; those that do not exist have no end.
    pub(super) fn ends<'a>(
        &self,
        places: impl Iterator<Item = &'a (String, u32)>,
        deadline: Instant,
    ) -> Result<Ends> {
        let mut by_topic: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (topic, index) in places {
            by_topic.entry(topic).or_default().push(*index);
        }
        let mut ends = Ends::new();
        for (topic, partitions) in by_topic {
            // A topic may be gone whose offsets are still there.
            let known = self.partitions_of(topic, deadline).map_or(Vec::new(), |(_, all)| all);
            let known: Vec<u32> = partitions.into_iter().filter(|n| known.contains(n)).collect();
            if known.is_empty() {
                continue;
            }
            for (index, end) in self.offsets(topic, &known, LATEST, deadline)? {
                ends.insert((topic.to_owned(), index), u64::try_from(end).ok());
            }
        }
        Ok(ends)
    }

    pub(super) fn reset(&self, name: &str, topic: &str, to: ResetTo) -> Result<()> {
        let deadline = self.deadline();
        let offsets = self.reset_offsets(topic, to, deadline)?;
        match self.members(name, deadline) {
            Ok((_, _, members)) if !members.is_empty() => return Err(not_empty(name)),
            Ok((GroupKind::Queue, ..)) => return self.reset_queue(name, topic, &offsets, deadline),
            Err(error) if error.kind() != ErrorKind::GroupNotFound => return Err(error),
            _ => {}
        }
        let partitions = offsets.into_iter().map(|(index, offset)| OffsetCommitPartition {
            partition_index: i32::try_from(index).unwrap_or(i32::MAX),
            committed_offset: offset,
            ..OffsetCommitPartition::default()
        });
        let request = OffsetCommitRequest {
            group_id: name,
            topics: vec![OffsetCommitTopic { name: topic, partitions: partitions.collect() }],
            ..OffsetCommitRequest::default()
        };
        self.cluster.retry(deadline, || {
            let node = self.cluster.coordinator(GROUP, name, deadline)?;
            let (frame, version) =
                self.cluster.ask_node(node, OFFSET_COMMIT_MAX, &request, deadline)?;
            let answer = OffsetCommitResponse::decode(&mut frame.reader(), version)?;
            let mut partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
            let doing = format_args!("moving group {name}");
            partitions.try_for_each(|partition| answer::check(partition.error_code, None, doing))
        })
    }

    pub(super) fn delete(&self, name: &str) -> Result<()> {
        let deadline = self.deadline();
        let request = DeleteGroupsRequest { groups_names: vec![name] };
        self.cluster.retry(deadline, || {
            let node = self.cluster.coordinator(GROUP, name, deadline)?;
            let (frame, version) =
                self.cluster.ask_node(node, DELETE_GROUPS_MAX, &request, deadline)?;
            let answer = DeleteGroupsResponse::decode(&mut frame.reader(), version)?;
            let one = answer.results.first().ok_or_else(|| left_out(name))?;
            match answer::check(one.error_code, None, format_args!("deleting group {name}")) {
                Err(error) if error.kind() == ErrorKind::NonEmptyGroup => Err(not_empty(name)),
                Err(error) if error.kind() == ErrorKind::GroupNotFound => Err(no_group(name)),
                result => result,
            }
        })
    }

    fn reset_offsets(
        &self,
        topic: &str,
        to: ResetTo,
        deadline: Instant,
    ) -> Result<Vec<(u32, i64)>> {
        let (_, partitions) = self.partitions_of(topic, deadline)?;
        let find = |timestamp| self.offsets(topic, &partitions, timestamp, deadline);
        Ok(match to {
            ResetTo::Earliest => find(EARLIEST)?,
            ResetTo::Latest => find(LATEST)?,
            ResetTo::Time(time) => {
                // A time before 1970 would be one of the names of other offsets.
                let found = find(time.max(0))?.into_iter().zip(find(LATEST)?);
                found.map(|(found, end)| if found.1 < 0 { end } else { found }).collect()
            }
            ResetTo::Offset(offset) => {
                let wanted = i64::try_from(offset).unwrap_or(i64::MAX);
                let bounds = find(EARLIEST)?.into_iter().zip(find(LATEST)?);
                bounds.map(|(start, end)| (start.0, wanted.min(end.1).max(start.1))).collect()
            }
        })
    }

    /// Asks the coordinator about a group: as a classic one, as one of KIP-848, as a queue group.
    fn members(&self, name: &str, deadline: Instant) -> Result<Described> {
        self.cluster.retry(deadline, || {
            let node = self.cluster.coordinator(GROUP, name, deadline)?;
            match self.classic(node, name, deadline)? {
                Some(described) => Ok(described),
                None => match self.consumer(node, name, deadline) {
                    Err(error) if is_of_no_such_kind(&error) => self.queue(node, name, deadline),
                    result => result,
                },
            }
        })
    }

    fn classic(&self, node: i32, name: &str, deadline: Instant) -> Result<Option<Described>> {
        let request = DescribeGroupsRequest { groups: vec![name], ..Default::default() };
        let (frame, version) =
            self.cluster.ask_node(node, DESCRIBE_GROUPS_MAX, &request, deadline)?;
        let answer = DescribeGroupsResponse::decode(&mut frame.reader(), version)?;
        let group = answer.groups.first().ok_or_else(|| left_out(name))?;
        let doing = format_args!("describing group {name}");
        match answer::check(group.error_code, group.error_message.as_deref(), doing) {
            Err(error) if error.kind() == ErrorKind::GroupNotFound => return Ok(None),
            result => result?,
        }
        if group.group_state == "Dead" {
            return Ok(None);
        }
        let members = group.members.iter().map(classic_member).collect();
        Ok(Some((GroupKind::Classic, group.group_state.to_string(), members)))
    }

    fn consumer(&self, node: i32, name: &str, deadline: Instant) -> Result<Described> {
        let request = ConsumerGroupDescribeRequest { group_ids: vec![name], ..Default::default() };
        let (frame, version) =
            self.cluster.ask_node(node, CONSUMER_GROUP_DESCRIBE_MAX, &request, deadline)?;
        let answer = ConsumerGroupDescribeResponse::decode(&mut frame.reader(), version)?;
        let group = answer.groups.first().ok_or_else(|| left_out(name))?;
        let doing = format_args!("describing group {name}");
        answer::check(group.error_code, group.error_message.as_deref(), doing)?;
        let members = group.members.iter().map(consumer_member).collect();
        Ok((GroupKind::Partitions, group.group_state.to_string(), members))
    }

    fn committed(&self, name: &str, deadline: Instant) -> Result<Committed> {
        let group = OffsetFetchGroup { group_id: name, topics: None, ..Default::default() };
        let request = OffsetFetchRequest {
            group_id: name,
            topics: None,
            groups: vec![group],
            require_stable: false,
        };
        self.cluster.retry(deadline, || {
            let node = self.cluster.coordinator(GROUP, name, deadline)?;
            let (frame, version) =
                self.cluster.ask_node(node, OFFSET_FETCH_MAX, &request, deadline)?;
            let answer = OffsetFetchResponse::decode(&mut frame.reader(), version)?;
            let doing = format_args!("asking what group {name} has committed");
            answer::check(answer.error_code, None, doing)?;
            let topics = match answer.groups.first() {
                Some(group) => {
                    answer::check(group.error_code, None, doing)?;
                    &group.topics
                }
                None => &answer.topics,
            };
            Ok(topics.iter().flat_map(offsets_of).collect())
        })
    }
}

/// Whether a group may still be of another kind: older brokers do not know all of them.
pub(super) fn is_of_no_such_kind(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::GroupNotFound)
}

fn offsets_of<'a>(
    topic: &'a OffsetFetchTopicResponse<'_>,
) -> impl Iterator<Item = ((String, u32), Option<u64>)> + use<'a> {
    let name = topic.name.to_string();
    let partitions = topic
        .partitions
        .iter()
        .map(|one| (u32::try_from(one.partition_index).unwrap_or(u32::MAX), one.committed_offset));
    let partitions: Vec<(u32, i64)> = partitions.collect();
    partitions
        .into_iter()
        .map(move |(index, offset)| ((name.clone(), index), u64::try_from(offset).ok()))
}

fn classic_member(member: &DescribedGroupMember<'_>) -> MemberDescription {
    MemberDescription {
        id: member.member_id.to_string(),
        instance_id: member.group_instance_id.as_deref().map(str::to_owned),
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        assigned: assigned_partitions(&member.member_assignment),
    }
}

fn consumer_member(member: &ConsumerGroupMember<'_>) -> MemberDescription {
    let topics = member.assignment.topic_partitions.iter();
    let assigned = topics.flat_map(|topic| {
        let name = topic.topic_name.to_string();
        let partitions = topic.partitions.iter();
        partitions.map(move |&index| (name.clone(), u32::try_from(index).unwrap_or(u32::MAX)))
    });
    MemberDescription {
        id: member.member_id.to_string(),
        instance_id: member.instance_id.as_deref().map(str::to_owned),
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        assigned: assigned.collect(),
    }
}
