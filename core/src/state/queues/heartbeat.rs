//! Heartbeats: members join, stay, want other topics, and leave.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::state::catalog::Catalog;
use crate::state::membership::MemberChange;
use crate::state::queues::group::{Group, Turn, unknown_member};
use crate::state::queues::member::Member;
use crate::state::queues::partition::Return;
use crate::state::queues::types::{AssignedTopic, HeartbeatAnswer, HeartbeatRequest, StartAt};
use crate::state::topic::Run;

/// The epoch of a member that joins.
pub(super) const JOIN: i32 = 0;
/// The epoch of a member that leaves.
const LEAVE: i32 = -1;

/// Checks what can be checked without the group.
pub(super) fn check(request: &HeartbeatRequest) -> Result<()> {
    let no_topics = request.topics.as_ref().is_none_or(Vec::is_empty);
    let problem = if request.group.is_empty() {
        "a group needs an ID that is not empty"
    } else if request.member_id.is_empty() {
        "a member of a share group makes up its own ID, and this one is empty"
    } else if request.member_epoch < LEAVE {
        "a member's epoch is not below -1"
    } else if request.member_epoch == JOIN && no_topics {
        "a member that joins names the topics that it wants"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidRequest, problem))
}

impl Group {
    /// See [`Queues::heartbeat`](super::Queues::heartbeat).
    pub(super) fn heartbeat(
        &mut self,
        request: &HeartbeatRequest,
        catalog: &Catalog,
        turn: &mut Turn<'_>,
    ) -> Result<HeartbeatAnswer> {
        let id = request.member_id.as_str();
        if request.member_epoch == LEAVE {
            self.member(id)?;
            self.remove_member(id, Return::AtOnce, turn);
            return Ok(answer(request, LEAVE, turn, None));
        }
        let mut changed = match request.member_epoch {
            JOIN => self.join(request, turn)?,
            epoch => self.check_epoch(id, epoch).map(|()| false)?,
        };
        changed |= request.topics.as_ref().is_some_and(|topics| self.subscribe(id, topics));
        changed |= self.refresh(id, catalog, turn);
        if changed {
            self.epoch += 1;
        }
        self.prolong(id, turn);
        let (told, runs) = self.assignment(id, catalog);
        let epoch = self.epoch;
        let member = self.members.get_mut(id).ok_or_else(|| unknown_member(&self.id, id))?;
        let joins = request.member_epoch == JOIN;
        let knows = !joins && request.member_epoch == member.epoch && told == member.told;
        if member.epoch != epoch {
            (member.previous_epoch, member.epoch) = (member.epoch, epoch);
        }
        (member.told, member.runs) = (told, runs);
        let assignment = (!knows).then(|| member.told.clone());
        Ok(answer(request, epoch, turn, assignment))
    }

    /// Makes a member, where it is not one yet. Says whether it was not.
    fn join(&mut self, request: &HeartbeatRequest, turn: &mut Turn<'_>) -> Result<bool> {
        if self.members.contains_key(request.member_id.as_str()) {
            return Ok(false);
        }
        if self.members.len() >= turn.config.members_max {
            let text = format!(
                "the group {:?} has {} members, as many as it may have",
                self.id,
                self.members.len()
            );
            return Err(Error::new(ErrorKind::GroupFull, text));
        }
        let id: Arc<str> = request.member_id.as_str().into();
        let mut member = Member::new(self.next_member, request, turn.now);
        member.timer = turn.now + Millis::from(turn.config.session_timeout_ms);
        self.next_member += 1;
        turn.changes.push(MemberChange {
            group: self.id.clone(),
            member_id: request.member_id.clone(),
            client_id: request.client_id.clone(),
            joined: true,
        });
        self.sessions.insert((member.timer, id.clone()));
        self.members.insert(id, member);
        Ok(true)
    }

    /// Checks a member's epoch: its present one, or the one before, where an answer was lost.
    fn check_epoch(&self, id: &str, epoch: i32) -> Result<()> {
        let member = self.member(id)?;
        if epoch == member.epoch || epoch == member.previous_epoch {
            return Ok(());
        }
        let text = format!(
            "the member {id:?} is at epoch {} and not at {epoch}: join the group again",
            member.epoch
        );
        Err(Error::new(ErrorKind::FencedMemberEpoch, text))
    }

    /// Notes what a member wants. Says whether that is something else than before.
    fn subscribe(&mut self, id: &str, topics: &[String]) -> bool {
        let Some(member) = self.members.get_mut(id) else {
            return false;
        };
        let topics: BTreeSet<String> = topics.iter().cloned().collect();
        if topics == member.topics {
            return false;
        }
        let before = std::mem::replace(&mut member.topics, topics.clone());
        for topic in topics {
            self.topics.entry(topic).or_default().members += 1;
        }
        for topic in before {
            self.unsubscribe(&topic);
        }
        true
    }

    /// Looks at the topics that a member wants: whether they are there, and how large they are.
    /// Says whether there is news.
    fn refresh(&mut self, id: &str, catalog: &Catalog, turn: &mut Turn<'_>) -> bool {
        let Some(member) = self.members.get(id) else {
            return false;
        };
        let mut changed = false;
        let mut grown = Vec::new();
        for name in &member.topics {
            let Some(known) = self.topics.get_mut(name) else {
                continue;
            };
            let waited = std::mem::replace(&mut known.seen, true);
            let topic = catalog.topic(name);
            let found = topic.map(|topic| (topic.id, topic.partition_count()));
            if known.found != found {
                known.found = found;
                changed = true;
                grown.extend(topic.map(|topic| (Arc::clone(topic), waited)));
            }
        }
        // A topic that comes, or grows, while the group wants it is read from its beginning: the
        // group is to miss none of it.
        for (topic, waited) in grown {
            let mut numbers = topic.partition_numbers().peekable();
            let reads = numbers.peek().is_some_and(|first| self.partitions.contains_key(first));
            let start = if waited || reads { StartAt::Earliest } else { turn.config.start };
            let mut new: Vec<u32> =
                numbers.filter(|number| !self.partitions.contains_key(number)).collect();
            new.sort_unstable();
            self.ask(new, start, turn);
        }
        changed
    }

    /// What a member may fetch: all partitions of all topics that it wants and that are there.
    fn assignment(&self, id: &str, catalog: &Catalog) -> (Vec<AssignedTopic>, Vec<Run>) {
        let (mut told, mut runs) = (Vec::new(), Vec::new());
        let topics = self.members.get(id).into_iter().flat_map(|member| &member.topics);
        for topic in topics.filter_map(|name| catalog.topic(name)) {
            told.push(AssignedTopic { topic: topic.id, partitions: topic.partition_count() });
            runs.extend_from_slice(topic.runs());
        }
        runs.sort_unstable_by_key(|run| run.first);
        (told, runs)
    }

    fn prolong(&mut self, id: &str, turn: &Turn<'_>) {
        let Some(member) = self.members.get_mut(id) else {
            return;
        };
        member.deadline = turn.now + Millis::from(turn.config.session_timeout_ms);
        // Later deadlines are found out when the timer is due; only earlier ones move it.
        if member.deadline < member.timer {
            let id: Arc<str> = id.into();
            self.sessions.remove(&(member.timer, id.clone()));
            member.timer = member.deadline;
            self.sessions.insert((member.timer, id));
        }
    }
}

fn answer(
    request: &HeartbeatRequest,
    member_epoch: i32,
    turn: &Turn<'_>,
    assignment: Option<Vec<AssignedTopic>>,
) -> HeartbeatAnswer {
    HeartbeatAnswer {
        member_id: request.member_id.clone(),
        member_epoch,
        heartbeat_interval_ms: turn.config.heartbeat_interval_ms,
        assignment,
    }
}
