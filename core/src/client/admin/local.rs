//! Managing a broker in this process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::types::{
    ClusterDescription, GroupDescription, GroupKind, GroupListing, GroupPartition,
    MemberDescription, NewTopic, PartitionDescription, ResetTo, Setting, TopicDescription,
    TopicListing,
};
use super::{Resource, Way, no_group, not_empty};
use crate::engine::{self, Broker, LiveTopic, OffsetSpec, Partition};
use crate::error::{Error, ErrorKind, Result};
use crate::state::event::CommitEntry;
use crate::state::groups::{self, CommitRequest, GroupDeletion, GroupState, MemberKey};
use crate::state::queues::{QueueMember, QueueOffsets};
use crate::state::setting::ConfigChange;
use crate::state::topic_config::TopicConfig;
use crate::wire::kafka::Uuid;

/// A broker in this process.
#[derive(Debug)]
pub(super) struct Local {
    broker: Arc<Broker>,
}

impl Local {
    pub(super) fn new(broker: Arc<Broker>) -> Self {
        Self { broker }
    }

    fn topic(&self, name: &str) -> Result<Arc<LiveTopic>> {
        self.broker.topic(name).ok_or_else(|| {
            let text = format!("there is no topic {name:?}");
            Error::new(ErrorKind::UnknownTopicOrPartition, text)
        })
    }

    /// Kind, state and members of a group.
    fn members(&self, name: &str) -> Result<(GroupKind, GroupState, Vec<MemberDescription>)> {
        let classic = self.broker.describe_group(name);
        if classic.state != GroupState::Dead {
            let members = classic.members.into_iter().map(classic_member);
            return Ok((GroupKind::Classic, classic.state, members.collect()));
        }
        if let Ok(group) = self.broker.describe_consumer_group(name) {
            let members = group.members.into_iter().map(consumer_member);
            return Ok((GroupKind::Partitions, group.state, members.collect()));
        }
        let queue = self.broker.describe_queue(name);
        if queue.state == GroupState::Dead {
            return Err(no_group(name));
        }
        let members = queue.members.into_iter().map(|member| self.queue_member(member));
        Ok((GroupKind::Queue, queue.state, members.collect()))
    }

    fn queue_member(&self, member: QueueMember) -> MemberDescription {
        let assigned = member.assignment.iter().flat_map(|assigned| {
            let live = self.broker.topic_by_id(&assigned.topic);
            let name = live.map(|live| live.topic.name.clone());
            (0..assigned.partitions).filter_map(move |index| Some((name.clone()?, index)))
        });
        MemberDescription {
            assigned: assigned.collect(),
            id: member.member_id,
            instance_id: None,
            client_id: member.client_id,
            host: member.client_host,
        }
    }

    /// Where a queue group is, in what it has begun to read.
    fn queue_partitions(&self, name: &str) -> Vec<GroupPartition> {
        let begun = self.broker.queue_offsets(name).unwrap_or_default();
        let place = |offsets: QueueOffsets| {
            let (topic, index) = self.broker.locate_partition(offsets.partition)?;
            let live = self.broker.topic(&topic.name)?;
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
        let mut partitions: Vec<_> = begun.into_iter().filter_map(place).collect();
        partitions.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        partitions
    }

    /// Where a group is, in what it has committed and in what its members have.
    fn partitions(&self, name: &str, members: &[MemberDescription]) -> Vec<GroupPartition> {
        let mut places: BTreeMap<(String, u32), Option<u64>> = BTreeMap::new();
        for assigned in members.iter().flat_map(|member| &member.assigned) {
            places.insert(assigned.clone(), None);
        }
        for (number, committed) in self.broker.committed_offsets(name) {
            if let Some((topic, index)) = self.broker.locate_partition(number) {
                places.insert((topic.name.clone(), index), u64::try_from(committed.offset).ok());
            }
        }
        let place = |((topic, index), committed): ((String, u32), Option<u64>)| {
            let live = self.broker.topic(&topic);
            let end = live.and_then(|live| {
                live.partitions.get(index as usize).map(|partition| partition.high_watermark())
            });
            GroupPartition::new(topic, index, committed, end)
        };
        places.into_iter().map(place).collect()
    }

    fn offset_of(&self, partition: &Partition, to: ResetTo) -> Result<u64> {
        let (start, end) = (partition.log_start(), partition.high_watermark());
        Ok(match to {
            ResetTo::Earliest => start,
            ResetTo::Latest => end,
            ResetTo::Offset(offset) => offset.clamp(start, end),
            ResetTo::Time(time) => {
                let found = self.broker.find_offset(partition, OffsetSpec::At(time))?;
                found.map_or(end, |(offset, _)| offset)
            }
        })
    }
}

impl Way for Local {
    fn check_open(&self) -> Result<()> {
        self.broker.check_open()
    }

    fn create_topics(&self, topics: &[NewTopic]) -> Result<Vec<Result<()>>> {
        let mut seen = BTreeSet::new();
        let planned = topics.iter().map(|topic| {
            if !seen.insert(&topic.name) {
                let text = format!("topic {} is to be created more than once", topic.name);
                return Err(Error::new(ErrorKind::InvalidRequest, text));
            }
            let settings = topic.settings.iter().map(|(name, value)| (&**name, &**value));
            let config = TopicConfig::parse(settings)?;
            let (name, partitions) = (topic.name.clone(), topic.partitions);
            Ok(engine::NewTopic { name, partitions, config })
        });
        let planned: Vec<Result<engine::NewTopic>> = planned.collect();
        let new: Vec<engine::NewTopic> = planned.iter().flatten().cloned().collect();
        let create = || Ok(self.broker.create_topics(&new, false));
        let mut created = self.broker.call_as("CreateTopics", create)?.into_iter();
        let result = |planned: Result<engine::NewTopic>| {
            let new = planned?;
            created.next().unwrap_or_else(|| Err(super::left_out(&new.name))).map(drop)
        };
        Ok(planned.into_iter().map(result).collect())
    }

    fn delete_topic(&self, name: &str) -> Result<()> {
        self.broker.call_as("DeleteTopics", || self.broker.delete_topic(name))
    }

    fn topics(&self) -> Result<Vec<TopicListing>> {
        let listing = |live: Arc<LiveTopic>| TopicListing {
            name: live.topic.name.clone(),
            id: Uuid(live.topic.id).to_string(),
            partitions: live.topic.partition_count(),
        };
        let topics = self.broker.call_as("Metadata", || Ok(self.broker.topics()))?;
        Ok(topics.into_iter().map(listing).collect())
    }

    fn describe_topic(&self, name: &str) -> Result<TopicDescription> {
        let live = self.broker.call_as("Metadata", || self.topic(name))?;
        let partitions = (0..).zip(&live.partitions).map(|(index, partition)| {
            let (start, end) = (partition.log_start(), partition.high_watermark());
            PartitionDescription { index, start, end }
        });
        let settings = live.topic.config.entries().map(|entry| Setting {
            name: entry.name.to_owned(),
            value: entry.value.to_owned(),
            is_default: entry.is_default,
        });
        Ok(TopicDescription {
            name: name.to_owned(),
            id: Uuid(live.topic.id).to_string(),
            partitions: partitions.collect(),
            settings: settings.collect(),
        })
    }

    fn add_partitions(&self, name: &str, count: u32) -> Result<()> {
        self.topic(name)?;
        self.broker.call_as("CreatePartitions", || self.broker.add_partitions(name, count))
    }

    fn alter<'a>(&self, what: Resource<'a>, changes: &[(&'a str, Option<&'a str>)]) -> Result<()> {
        let change = |&(name, value): &(&'a str, Option<&'a str>)| match value {
            Some(value) => ConfigChange::Set(name, value),
            None => ConfigChange::Delete(name),
        };
        let changes: Vec<ConfigChange<'_>> = changes.iter().map(change).collect();
        self.broker.call_as("IncrementalAlterConfigs", || match what {
            Resource::Topic(name) => self.broker.configure_topic(name, &changes, false),
            Resource::Group(name) => self.broker.configure_group(name, &changes, false),
        })
    }

    fn groups(&self) -> Result<Vec<GroupListing>> {
        let listing = |group: groups::GroupListing| GroupListing {
            name: group.group,
            kind: super::groups::kind_of(group.kind.name()),
            state: group.state.name().to_owned(),
        };
        let groups = self.broker.call_as("ListGroups", || Ok(self.broker.groups()))?;
        Ok(groups.into_iter().map(listing).collect())
    }

    fn describe_group(&self, name: &str) -> Result<GroupDescription> {
        let (kind, state, members) =
            self.broker.call_as("DescribeGroups", || self.members(name))?;
        let partitions = match kind {
            GroupKind::Queue => self.queue_partitions(name),
            _ => self.partitions(name, &members),
        };
        let state = state.name().to_owned();
        Ok(GroupDescription { name: name.to_owned(), kind, state, members, partitions })
    }

    fn reset_group(&self, name: &str, topic: &str, to: ResetTo) -> Result<()> {
        let live = self.topic(topic)?;
        match self.members(name) {
            Ok((_, _, members)) if !members.is_empty() => return Err(not_empty(name)),
            Ok((GroupKind::Queue, ..)) => {
                let offset = |partition: &Arc<Partition>| {
                    Ok((partition.number(), self.offset_of(partition, to)?))
                };
                let offsets = live.partitions.iter().map(offset).collect::<Result<Vec<_>>>()?;
                let reset = || self.broker.reset_queue(name, &offsets);
                return self.broker.call_as("AlterShareGroupOffsets", reset);
            }
            _ => {}
        }
        let entry = |partition: &Arc<Partition>| {
            let offset = self.offset_of(partition, to)?;
            Ok(CommitEntry {
                partition: partition.number(),
                offset: i64::try_from(offset).unwrap_or(i64::MAX),
                leader_epoch: -1,
                metadata: None,
            })
        };
        let entries = live.partitions.iter().map(entry).collect::<Result<Vec<_>>>()?;
        let commit = CommitRequest {
            group: name,
            member: MemberKey { member_id: "", instance_id: None },
            generation: -1,
            entries: &entries,
            retention_ms: None,
        };
        self.broker.call_as("OffsetCommit", || {
            let (results, ticket) = self.broker.commit_offsets(&commit, None)?;
            results.into_iter().collect::<Result<Vec<_>>>()?;
            self.broker.wait(&ticket).into_iter().try_for_each(|result| result.map(drop))
        })
    }

    fn delete_group(&self, name: &str) -> Result<()> {
        match self.broker.call_as("DeleteGroups", || Ok(self.broker.delete_group(name)))? {
            GroupDeletion::Deleted => Ok(()),
            GroupDeletion::NotFound => Err(no_group(name)),
            GroupDeletion::NotEmpty => Err(not_empty(name)),
        }
    }

    fn cluster(&self) -> Result<ClusterDescription> {
        self.broker.call_as("DescribeCluster", || {
            Ok(ClusterDescription { id: self.broker.cluster_id(), brokers: Vec::new() })
        })
    }

    /// Nothing waits here: the broker answers at once, or says that it is closed.
    fn stop(&self) {}
}

fn classic_member(member: groups::MemberDescription) -> MemberDescription {
    MemberDescription {
        id: member.member_id,
        instance_id: member.instance_id,
        client_id: member.client_id,
        host: member.client_host,
        assigned: groups::assigned_partitions(&member.assignment),
    }
}

fn consumer_member(description: groups::ConsumerMemberDescription) -> MemberDescription {
    let assigned = description.assigned.into_iter().flat_map(|share| {
        let name = share.topic.name.clone();
        share.partitions.into_iter().map(move |index| (name.clone(), index))
    });
    let assigned = assigned.collect();
    let member = description.member;
    MemberDescription {
        id: member.id,
        instance_id: member.instance_id,
        client_id: member.client_id,
        host: member.client_host,
        assigned,
    }
}
