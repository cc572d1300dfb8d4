//! A group's coordinator behind an address.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::coordinator::{Answer, Asked, Assigned, Beat, Coordinator, Fault, Member, Position};
use crate::client::remote::answer;
use crate::client::remote::cluster::Cluster;
use crate::client::remote::connection::{Connection, Frame};
use crate::client::remote::login::is_refused;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::kafka::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, OwnedTopicPartitions,
};
use crate::wire::kafka::field::Message;
use crate::wire::kafka::find_coordinator::GROUP;
use crate::wire::kafka::offset_commit::{
    OffsetCommitPartition, OffsetCommitRequest, OffsetCommitResponse, OffsetCommitTopic,
};
use crate::wire::kafka::offset_fetch::{
    OffsetFetchGroup, OffsetFetchPartitionResponse, OffsetFetchRequest, OffsetFetchResponse,
    OffsetFetchTopic,
};
use crate::wire::kafka::share_group_heartbeat::{
    ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse,
};
use crate::wire::kafka::{ErrorCode, Uuid};

/// The newest versions that are spoken here.
const CONSUMER_HEARTBEAT_MAX: i16 = 1;
const SHARE_HEARTBEAT_MAX: i16 = 1;
const OFFSET_COMMIT_MAX: i16 = 9;
const OFFSET_FETCH_MAX: i16 = 9;
/// Since this version the client makes the member's ID.
const OWN_ID_FROM_VERSION: i16 = 1;
/// Since this version OffsetFetch asks for many groups.
const MANY_FROM_VERSION: i16 = 8;
/// A heartbeat is sent no more often than this, whatever the broker asks for, and no less often
/// than that.
const INTERVAL_MIN: Duration = Duration::from_millis(10);
const INTERVAL_MAX: Duration = Duration::from_secs(3600);

/// What kind of group it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::client::consumer) enum Kind {
    /// A share group.
    Queue,
    /// A consumer group.
    Partitions,
}

/// Asks the coordinator of a group, over a connection of its own.
#[derive(Debug)]
pub(in crate::client::consumer) struct RemoteCoordinator {
    cluster: Cluster,
    group: String,
    kind: Kind,
    connection: Option<Connection>,
    /// The names of the topics that have been heard of.
    names: HashMap<Uuid, Arc<str>>,
    /// The topics that were subscribed to last.
    topics: Vec<Arc<str>>,
    /// An assignment of which not all topics are known yet.
    unresolved: Option<Vec<(Uuid, Vec<i32>)>>,
}

impl RemoteCoordinator {
    pub(in crate::client::consumer) fn new(cluster: Cluster, group: String, kind: Kind) -> Self {
        Self {
            cluster,
            group,
            kind,
            connection: None,
            names: HashMap::new(),
            topics: Vec::new(),
            unresolved: None,
        }
    }

    /// Sends a request and waits for its answer, with the version that it has.
    fn ask<M: Message>(
        &mut self,
        ours_max: i16,
        request: impl FnOnce(i16) -> M,
        deadline: Instant,
    ) -> Asked<(Frame, i16)> {
        let usable = self.connection.take().filter(|connection| !connection.is_broken());
        let mut connection = match usable {
            Some(connection) => connection,
            None => self.connect(deadline).map_err(passing)?,
        };
        let version = connection.version(M::API, ours_max).map_err(Fault::Fatal)?;
        let frame = connection.call(version, &request(version), deadline).map_err(passing)?;
        self.connection = Some(connection);
        Ok((frame, version))
    }

    fn connect(&self, deadline: Instant) -> Result<Connection> {
        let node = self.cluster.coordinator(GROUP, &self.group, deadline)?;
        self.cluster.connect_node(node, deadline)
    }

    /// Judges an error code of the coordinator.
    fn check(&mut self, code: i16, words: Option<&str>, doing: &str) -> Asked<()> {
        let Err(error) = answer::check(code, words, format_args!("{doing} {}", self.group)) else {
            return Ok(());
        };
        let is = |known: ErrorCode| known.code() == code;
        if is(ErrorCode::UnknownMemberId) || is(ErrorCode::FencedMemberEpoch) {
            return Err(Fault::Fenced);
        }
        if is(ErrorCode::StaleMemberEpoch) {
            return Err(Fault::Stale);
        }
        if is(ErrorCode::NotCoordinator) || is(ErrorCode::CoordinatorNotAvailable) {
            self.connection = None;
        }
        Err(if error.kind().is_retriable() { Fault::Later(error) } else { Fault::Fatal(error) })
    }

    fn consumer_beat(&mut self, beat: &Beat<'_>, deadline: Instant) -> Asked<Beaten> {
        let group = self.group.clone();
        let owned = beat.owned.map(by_topic_id);
        let request = |version| {
            let is_full = beat.topics.is_some();
            let own_id = version >= OWN_ID_FROM_VERSION || beat.member.epoch != 0;
            ConsumerGroupHeartbeatRequest {
                group_id: &group,
                member_id: if own_id { beat.member.id } else { "" },
                member_epoch: beat.member.epoch,
                rebalance_timeout_ms: if is_full { millis(beat.rebalance_timeout) } else { -1 },
                subscribed_topic_names: beat.topics.map(|t| t.iter().map(|t| &**t).collect()),
                topic_partitions: owned,
                ..ConsumerGroupHeartbeatRequest::default()
            }
        };
        let (frame, version) = self.ask(CONSUMER_HEARTBEAT_MAX, request, deadline)?;
        let answer = ConsumerGroupHeartbeatResponse::decode(&mut frame.reader(), version)
            .map_err(|error| passing(error.into()))?;
        self.check(answer.error_code, answer.error_message.as_deref(), "joining group")?;
        let made_id = version < OWN_ID_FROM_VERSION;
        let assignment = answer.assignment.0.map(|assignment| {
            let topics = assignment.topic_partitions.into_iter();
            topics.map(|topic| (topic.topic_id, topic.partitions)).collect()
        });
        Ok(Beaten {
            member_id: answer.member_id.filter(|_| made_id).map(|id| id.into_owned()),
            epoch: answer.member_epoch,
            interval_ms: answer.heartbeat_interval_ms,
            assignment,
        })
    }

    fn share_beat(&mut self, beat: &Beat<'_>, deadline: Instant) -> Asked<Beaten> {
        let group = self.group.clone();
        let request = |_| ShareGroupHeartbeatRequest {
            group_id: &group,
            member_id: beat.member.id,
            member_epoch: beat.member.epoch,
            subscribed_topic_names: beat.topics.map(|t| t.iter().map(|t| &**t).collect()),
            ..ShareGroupHeartbeatRequest::default()
        };
        let (frame, version) = self.ask(SHARE_HEARTBEAT_MAX, request, deadline)?;
        let answer = ShareGroupHeartbeatResponse::decode(&mut frame.reader(), version)
            .map_err(|error| passing(error.into()))?;
        self.check(answer.error_code, answer.error_message.as_deref(), "joining group")?;
        let assignment = answer.assignment.0.map(|assignment| {
            let topics = assignment.topic_partitions.into_iter();
            topics.map(|topic| (topic.topic_id, topic.partitions)).collect()
        });
        Ok(Beaten {
            member_id: None,
            epoch: answer.member_epoch,
            interval_ms: answer.heartbeat_interval_ms,
            assignment,
        })
    }

    /// Finds the names of assigned topics. Those that are not known yet wait for the next try.
    fn resolve(&mut self, deadline: Instant) -> Option<Vec<Assigned>> {
        let assignment = self.unresolved.take()?;
        let is_known = |names: &HashMap<Uuid, Arc<str>>| {
            assignment.iter().all(|(id, _)| names.contains_key(id))
        };
        if !is_known(&self.names) {
            let topics: Vec<&str> = self.topics.iter().map(|topic| &**topic).collect();
            let found = self.cluster.refresh(&topics, deadline).unwrap_or_default();
            for meta in found.into_iter().flatten() {
                self.names.insert(meta.id, meta.name.clone());
            }
        }
        let mut assigned = Vec::new();
        for (topic_id, partitions) in &assignment {
            let Some(topic) = self.names.get(topic_id) else { continue };
            for partition in partitions.iter().filter_map(|&index| u32::try_from(index).ok()) {
                assigned.push(Assigned { topic_id: *topic_id, topic: topic.clone(), partition });
            }
        }
        if !is_known(&self.names) {
            self.unresolved = Some(assignment);
        }
        Some(assigned)
    }
}

/// An answer to a heartbeat of either kind.
struct Beaten {
    member_id: Option<String>,
    epoch: i32,
    interval_ms: i32,
    assignment: Option<Vec<(Uuid, Vec<i32>)>>,
}

impl Coordinator for RemoteCoordinator {
    fn heartbeat(&mut self, beat: &Beat<'_>, deadline: Instant) -> Asked<Answer> {
        if let Some(topics) = beat.topics {
            self.topics = topics.to_vec();
        }
        let beaten = match self.kind {
            Kind::Partitions => self.consumer_beat(beat, deadline)?,
            Kind::Queue => self.share_beat(beat, deadline)?,
        };
        let interval = Duration::from_millis(u64::try_from(beaten.interval_ms).unwrap_or(0));
        if beaten.assignment.is_some() {
            self.unresolved = beaten.assignment;
        }
        Ok(Answer {
            member_id: beaten.member_id,
            epoch: beaten.epoch.max(0),
            interval: interval.clamp(INTERVAL_MIN, INTERVAL_MAX),
            assignment: self.resolve(deadline),
        })
    }

    fn commit(
        &mut self,
        member: Member<'_>,
        positions: &[Position],
        deadline: Instant,
    ) -> Asked<()> {
        let group = self.group.clone();
        let mut topics: BTreeMap<&str, Vec<OffsetCommitPartition<'_>>> = BTreeMap::new();
        for position in positions {
            topics.entry(&position.topic).or_default().push(OffsetCommitPartition {
                partition_index: i32::try_from(position.partition).unwrap_or(i32::MAX),
                committed_offset: i64::try_from(position.offset).unwrap_or(i64::MAX),
                committed_metadata: Some(""),
                ..OffsetCommitPartition::default()
            });
        }
        let request = |_| OffsetCommitRequest {
            group_id: &group,
            generation_id_or_member_epoch: member.epoch,
            member_id: member.id,
            topics: topics
                .into_iter()
                .map(|(name, partitions)| OffsetCommitTopic { name, partitions })
                .collect(),
            ..OffsetCommitRequest::default()
        };
        let (frame, version) = self.ask(OFFSET_COMMIT_MAX, request, deadline)?;
        let answer = OffsetCommitResponse::decode(&mut frame.reader(), version)
            .map_err(|error| passing(error.into()))?;
        let results = answer.topics.iter().flat_map(|topic| &topic.partitions);
        for code in results.map(|partition| partition.error_code) {
            self.check(code, None, "committing positions of group")?;
        }
        Ok(())
    }

    fn committed(
        &mut self,
        member: Member<'_>,
        partitions: &[Assigned],
        deadline: Instant,
    ) -> Asked<Vec<Option<u64>>> {
        let group = self.group.clone();
        let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        for assigned in partitions {
            let index = i32::try_from(assigned.partition).unwrap_or(i32::MAX);
            topics.entry(&assigned.topic).or_default().push(index);
        }
        let topics = topics
            .into_iter()
            .map(|(name, partition_indexes)| OffsetFetchTopic { name, partition_indexes })
            .collect();
        let request = |version| {
            if version < MANY_FROM_VERSION {
                return OffsetFetchRequest {
                    group_id: &group,
                    topics: Some(topics),
                    ..OffsetFetchRequest::default()
                };
            }
            let asked = OffsetFetchGroup {
                group_id: &group,
                member_id: Some(member.id),
                member_epoch: member.epoch,
                topics: Some(topics),
            };
            OffsetFetchRequest { groups: vec![asked], ..OffsetFetchRequest::default() }
        };
        let (frame, version) = self.ask(OFFSET_FETCH_MAX, request, deadline)?;
        let mut answer = OffsetFetchResponse::decode(&mut frame.reader(), version)
            .map_err(|error| passing(error.into()))?;
        let (code, topics) = match answer.groups.pop() {
            Some(group) => (group.error_code, group.topics),
            None => (answer.error_code, answer.topics),
        };
        let doing = "looking up positions of group";
        self.check(code, None, doing)?;
        let mut found = Vec::with_capacity(partitions.len());
        for assigned in partitions {
            let topic = topics.iter().find(|topic| *topic.name == *assigned.topic);
            let is_it = |p: &&OffsetFetchPartitionResponse<'_>| {
                u32::try_from(p.partition_index).ok() == Some(assigned.partition)
            };
            let answered = topic.and_then(|topic| topic.partitions.iter().find(is_it));
            let Some(answered) = answered else {
                let text = "the broker left out what the group has committed";
                return Err(Fault::Later(Error::new(ErrorKind::Network, text)));
            };
            self.check(answered.error_code, None, doing)?;
            found.push(u64::try_from(answered.committed_offset).ok());
        }
        Ok(found)
    }
}

/// A request that got no answer that can be read is sent again.
fn passing(error: Error) -> Fault {
    match error.kind() {
        ErrorKind::Unsupported => Fault::Fatal(error),
        kind if is_refused(kind) => Fault::Fatal(error),
        _ => Fault::Later(error),
    }
}

fn by_topic_id(owned: &[Assigned]) -> Vec<OwnedTopicPartitions> {
    let mut topics: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
    for assigned in owned {
        let index = i32::try_from(assigned.partition).unwrap_or(i32::MAX);
        topics.entry(assigned.topic_id).or_default().push(index);
    }
    let topic = |(topic_id, partitions)| OwnedTopicPartitions { topic_id, partitions };
    topics.into_iter().map(topic).collect()
}

fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}
