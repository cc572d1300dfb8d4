//! The coordinator of a queue group in this process: plain calls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::coordinator::{Answer, Asked, Assigned, Beat, Coordinator, Fault, Member, Position};
use super::local_coordinator::{HOST, fault};
use crate::engine::Broker;
use crate::error::{Error, ErrorKind};
use crate::state::queues::{AssignedTopic, HeartbeatRequest};
use crate::wire::kafka::Uuid;

/// Asks the broker of this process, for a member of a queue group.
#[derive(Debug)]
pub(in crate::client::consumer) struct LocalQueueCoordinator {
    broker: Arc<Broker>,
    group: String,
    client_id: String,
}

impl LocalQueueCoordinator {
    pub(in crate::client::consumer) fn new(
        broker: Arc<Broker>,
        group: String,
        client_id: String,
    ) -> Self {
        Self { broker, group, client_id }
    }

    fn assigned(&self, topic: &AssignedTopic) -> Vec<Assigned> {
        // One that was deleted meanwhile is gone with the next heartbeat.
        let Some(live) = self.broker.topic_by_id(&topic.topic) else {
            return Vec::new();
        };
        let name: Arc<str> = live.topic.name.as_str().into();
        let assigned =
            |partition| Assigned { topic_id: Uuid(topic.topic), topic: name.clone(), partition };
        (0..topic.partitions).map(assigned).collect()
    }
}

impl Coordinator for LocalQueueCoordinator {
    fn heartbeat(&mut self, beat: &Beat<'_>, _deadline: Instant) -> Asked<Answer> {
        let topics = beat.topics;
        let request = HeartbeatRequest {
            group: self.group.clone(),
            member_id: beat.member.id.to_owned(),
            member_epoch: beat.member.epoch,
            topics: topics.map(|topics| topics.iter().map(|topic| topic.to_string()).collect()),
            client_id: self.client_id.clone(),
            client_host: HOST.to_owned(),
            rack_id: None,
        };
        let answer = self.broker.heartbeat_queue(&request).map_err(fault)?;
        let assignment = answer.assignment;
        Ok(Answer {
            member_id: None,
            epoch: answer.member_epoch.max(0),
            interval: Duration::from_millis(answer.heartbeat_interval_ms.into()),
            assignment: assignment
                .map(|topics| topics.iter().flat_map(|topic| self.assigned(topic)).collect()),
        })
    }

    fn commit(&mut self, _: Member<'_>, _: &[Position], _: Instant) -> Asked<()> {
        Err(no_positions())
    }

    fn committed(&mut self, _: Member<'_>, _: &[Assigned], _: Instant) -> Asked<Vec<Option<u64>>> {
        Err(no_positions())
    }
}

fn no_positions() -> Fault {
    Fault::Fatal(Error::new(ErrorKind::InvalidRequest, "a queue group has no positions"))
}
