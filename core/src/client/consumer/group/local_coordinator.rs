//! The coordinator of a group in this process: plain calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::coordinator::{Answer, Asked, Assigned, Beat, Coordinator, Fault, Member, Position};
use super::remote_coordinator::Kind;
use crate::engine::{Broker, Partition};
use crate::error::{Error, ErrorKind, Result};
use crate::state::event::{CommitEntry, TopicId};
use crate::state::groups::{CommitRequest, ConsumerHeartbeat, MemberKey, TopicShare};
use crate::state::queues::{AssignedTopic, HeartbeatRequest};
use crate::wire::kafka::Uuid;

/// Where the broker is told that this member is.
const HOST: &str = "in-process";

/// Asks the broker of this process.
#[derive(Debug)]
pub(in crate::client::consumer) struct LocalCoordinator {
    broker: Arc<Broker>,
    group: String,
    client_id: String,
    kind: Kind,
}

impl LocalCoordinator {
    pub(in crate::client::consumer) fn new(
        broker: Arc<Broker>,
        group: String,
        client_id: String,
        kind: Kind,
    ) -> Self {
        Self { broker, group, client_id, kind }
    }

    fn queue_heartbeat(&self, beat: &Beat<'_>) -> Asked<Answer> {
        let request = HeartbeatRequest {
            group: self.group.clone(),
            member_id: beat.member.id.to_owned(),
            member_epoch: beat.member.epoch,
            topics: beat.topics.map(|topics| topics.iter().map(|t| t.to_string()).collect()),
            client_id: self.client_id.clone(),
            client_host: HOST.to_owned(),
            rack_id: None,
        };
        let beat = || self.broker.heartbeat_queue(&request);
        let answer = self.broker.call_as("ShareGroupHeartbeat", beat).map_err(fault)?;
        let all_of = |topic: AssignedTopic| {
            let live = self.broker.topic_by_id(&topic.topic);
            let name: Option<Arc<str>> = live.map(|live| live.topic.name.as_str().into());
            let one = move |partition| {
                let topic_id = Uuid(topic.topic);
                name.clone().map(|topic| Assigned { topic_id, topic, partition })
            };
            (0..topic.partitions).filter_map(one)
        };
        Ok(Answer {
            member_id: None,
            epoch: answer.member_epoch.max(0),
            interval: Duration::from_millis(answer.heartbeat_interval_ms.into()),
            assignment: answer.assignment.map(|all| all.into_iter().flat_map(all_of).collect()),
        })
    }

    fn partition(&self, topic: &str, partition: u32) -> Result<Arc<Partition>> {
        let live = self.broker.topic(topic);
        let found = live.as_deref().and_then(|live| live.partitions.get(partition as usize));
        found.cloned().ok_or_else(|| {
            let text = format!("topic {topic} with partition {partition} does not exist any more");
            Error::new(ErrorKind::UnknownTopicOrPartition, text)
        })
    }
}

impl Coordinator for LocalCoordinator {
    fn heartbeat(&mut self, beat: &Beat<'_>, _deadline: Instant) -> Asked<Answer> {
        if self.kind == Kind::Queue {
            return self.queue_heartbeat(beat);
        }
        let topics: Option<Vec<&str>> =
            beat.topics.map(|topics| topics.iter().map(|topic| &**topic).collect());
        let owned = beat.owned.map(by_topic_id);
        let timeout = u32::try_from(beat.rebalance_timeout.as_millis()).unwrap_or(u32::MAX);
        let request = ConsumerHeartbeat {
            group: &self.group,
            member_id: beat.member.id,
            epoch: beat.member.epoch,
            instance_id: None,
            rack_id: None,
            client_id: &self.client_id,
            client_host: HOST,
            rebalance_timeout_ms: topics.is_some().then_some(timeout),
            topics: topics.as_deref(),
            pattern: None,
            assignor: None,
            owned: owned.as_deref(),
        };
        let beat = || self.broker.consumer_heartbeat(&request);
        let answer = self.broker.call_as("ConsumerGroupHeartbeat", beat).map_err(fault)?;
        Ok(Answer {
            member_id: None,
            epoch: answer.epoch.max(0),
            interval: Duration::from_millis(answer.heartbeat_interval_ms.into()),
            assignment: answer.assignment.map(|shares| shares.iter().flat_map(assigned).collect()),
        })
    }

    fn commit(
        &mut self,
        member: Member<'_>,
        positions: &[Position],
        _deadline: Instant,
    ) -> Asked<()> {
        let entry = |position: &Position| {
            Ok(CommitEntry {
                partition: self.partition(&position.topic, position.partition)?.number(),
                offset: i64::try_from(position.offset).unwrap_or(i64::MAX),
                leader_epoch: -1,
                metadata: Some(String::new()),
            })
        };
        let entries: Result<Vec<_>> = positions.iter().map(entry).collect();
        let request = CommitRequest {
            group: &self.group,
            member: MemberKey { member_id: member.id, instance_id: None },
            generation: member.epoch,
            entries: &entries.map_err(fault)?,
            retention_ms: None,
        };
        let commit = || {
            let (results, ticket) = self.broker.commit_offsets(&request, None)?;
            self.broker.drain();
            let written = self.broker.wait(&ticket).into_iter().map(|result| result.map(drop));
            written.chain(results).collect::<Result<()>>()
        };
        self.broker.call_as("OffsetCommit", commit).map_err(fault)
    }

    fn committed(
        &mut self,
        member: Member<'_>,
        partitions: &[Assigned],
        _deadline: Instant,
    ) -> Asked<Vec<Option<u64>>> {
        let check = || self.broker.check_offset_fetch(&self.group, member.id, member.epoch);
        self.broker.call_as("OffsetFetch", check).map_err(fault)?;
        let committed = self.broker.committed_offsets(&self.group);
        let find = |assigned: &Assigned| {
            let number = self.partition(&assigned.topic, assigned.partition).ok()?.number();
            let place = committed.binary_search_by_key(&number, |(number, _)| *number).ok()?;
            u64::try_from(committed[place].1.offset).ok()
        };
        Ok(partitions.iter().map(find).collect())
    }
}

fn fault(error: Error) -> Fault {
    match error.kind() {
        ErrorKind::UnknownMember | ErrorKind::FencedMemberEpoch => Fault::Fenced,
        ErrorKind::StaleMemberEpoch => Fault::Stale,
        kind if kind.is_retriable() => Fault::Later(error),
        _ => Fault::Fatal(error),
    }
}

fn by_topic_id(owned: &[Assigned]) -> Vec<(TopicId, Vec<i32>)> {
    let mut topics: BTreeMap<TopicId, Vec<i32>> = BTreeMap::new();
    for assigned in owned {
        let index = i32::try_from(assigned.partition).unwrap_or(i32::MAX);
        topics.entry(assigned.topic_id.0).or_default().push(index);
    }
    topics.into_iter().collect()
}

fn assigned(share: &TopicShare) -> impl Iterator<Item = Assigned> + '_ {
    let topic: Arc<str> = share.topic.name.as_str().into();
    let assigned = move |&partition: &u32| Assigned {
        topic_id: Uuid(share.topic.id),
        topic: topic.clone(),
        partition,
    };
    share.partitions.iter().map(assigned)
}
