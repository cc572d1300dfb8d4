//! A member of a consumer group: the partitions that it has at present, and how they change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::coordinator::{Assigned, Position};
use super::membership::Membership;
use super::reply::Reply;
use crate::client::consumer::config::{ConsumerConfig, StartAt};
use crate::client::consumer::partitions::Partitions;
use crate::client::consumer::records::Records;
use crate::error::{Error, ErrorKind, Result};

/// How long after its deadline an answer still comes, to say what was wrong.
const REPLY_PATIENCE: Duration = Duration::from_millis(500);

/// Reads the partitions that a group gives to this member.
#[derive(Debug)]
pub(in crate::client::consumer) struct PartitionMember {
    membership: Membership,
    partitions: Partitions,
    config: ConsumerConfig,
    owned: Vec<Assigned>,
    step: Step,
    /// When positions are committed next on their own.
    commit_at: Instant,
    /// What was committed on its own last, and whether that worked, once that is known.
    committing: Option<(Vec<Position>, Reply<Result<()>>)>,
    committed: Vec<Position>,
}

/// Where a change of the assignment is.
#[derive(Debug)]
enum Step {
    Settled,
    /// Positions are being committed before partitions are given up.
    Revoking {
        target: Vec<Assigned>,
        reply: Reply<Result<()>>,
    },
    /// What the group has committed for new partitions is being looked up.
    LookingUp {
        added: Vec<Assigned>,
        reply: Reply<Result<Vec<Option<u64>>>>,
    },
}

impl PartitionMember {
    pub(in crate::client::consumer) fn new(
        membership: Membership,
        partitions: Partitions,
        config: ConsumerConfig,
    ) -> Self {
        let commit_at = Instant::now() + config.auto_commit_interval;
        Self {
            membership,
            partitions,
            config,
            owned: Vec::new(),
            step: Step::Settled,
            commit_at,
            committing: None,
            committed: Vec::new(),
        }
    }

    /// Says that a poll begins or ends.
    pub(in crate::client::consumer) fn polling(&self, is_polling: bool) -> Result<()> {
        self.membership.polling(is_polling)
    }

    /// Takes what there is, and does what the group wants. Returns when to look again.
    ///
    /// What was returned before counts as done.
    pub(in crate::client::consumer) fn fill(
        &mut self,
        records: &mut Records,
    ) -> Result<Option<Instant>> {
        self.polling(true)?;
        while self.advance()? {}
        let commit_at = self.auto_commit();
        self.partitions.fill(records, self.config.records_max)?;
        let look_again_at = self.partitions.look_again_at();
        Ok([look_again_at, commit_at].into_iter().flatten().min())
    }

    /// Commits the positions, and waits until that is done.
    pub(in crate::client::consumer) fn commit(&mut self, patience: Duration) -> Result<()> {
        let positions = self.positions();
        if positions.is_empty() {
            return Ok(());
        }
        let deadline = Instant::now() + patience;
        let reply = self.membership.commit(positions.clone(), deadline);
        reply.wait(deadline + REPLY_PATIENCE).unwrap_or_else(|| Err(silent()))?;
        self.committed = positions;
        Ok(())
    }

    /// What the group has committed for a partition of this member.
    pub(in crate::client::consumer) fn committed(
        &self,
        topic: &str,
        partition: u32,
    ) -> Result<Option<u64>> {
        let is_it = |a: &&Assigned| *a.topic == *topic && a.partition == partition;
        let assigned = self.owned.iter().find(is_it).ok_or_else(|| {
            let text = format!("partition {partition} of topic {topic} belongs to another member");
            Error::new(ErrorKind::InvalidRequest, text)
        })?;
        let deadline = Instant::now() + self.config.request_timeout;
        let reply = self.membership.look_up(vec![assigned.clone()], deadline);
        let found = reply.wait(deadline + REPLY_PATIENCE).unwrap_or_else(|| Err(silent()))?;
        Ok(found.first().copied().flatten())
    }

    /// Wants other topics.
    pub(in crate::client::consumer) fn subscribe(&self, topics: Vec<Arc<str>>) {
        self.membership.subscribe(topics);
    }

    pub(in crate::client::consumer) fn partitions(&mut self) -> &mut Partitions {
        &mut self.partitions
    }

    pub(in crate::client::consumer) fn assignment(&self) -> &[Assigned] {
        &self.owned
    }

    /// Commits what is to be committed, and leaves the group.
    pub(in crate::client::consumer) fn close(&mut self, patience: Duration) -> Result<()> {
        let unsaved = self.config.auto_commit && self.positions() != self.committed;
        let result = if unsaved { self.commit(patience) } else { Ok(()) };
        self.membership.leave();
        result
    }

    /// Goes on with a change of the assignment. `false` if there is nothing more to do now.
    fn advance(&mut self) -> Result<bool> {
        if self.membership.is_lost() {
            self.step = Step::Settled;
        }
        match &self.step {
            Step::Settled => match self.membership.take_update() {
                None => Ok(false),
                Some(update) => {
                    if update.lost {
                        self.drop_all();
                    }
                    if let Some(target) = update.target {
                        self.revoke(target);
                    }
                    Ok(true)
                }
            },
            Step::Revoking { target, reply } => {
                let Some(committed) = reply.take() else { return Ok(false) };
                let target = target.clone();
                if committed.is_err() {
                    // What could not be committed is delivered again, to another member.
                    self.committed.clear();
                }
                self.adopt(target);
                Ok(true)
            }
            Step::LookingUp { added, reply } => {
                let Some(found) = reply.take() else { return Ok(false) };
                let added = added.clone();
                match found {
                    Ok(found) => {
                        self.begin(added, found);
                        Ok(true)
                    }
                    Err(error) => {
                        self.look_up(added);
                        if error.kind().is_retriable() || error.kind() == ErrorKind::UnknownMember {
                            return Ok(false);
                        }
                        Err(error)
                    }
                }
            }
        }
    }

    /// Stops reading what others are to have. What was read of it is committed first.
    fn revoke(&mut self, target: Vec<Assigned>) {
        let stays = |assigned: &Assigned| target.contains(assigned);
        if self.owned.iter().all(stays) {
            self.adopt(target);
            return;
        }
        let positions = self.positions();
        let owned = &self.owned;
        self.partitions.retain(|topic, partition| {
            let is_it = |a: &&Assigned| *a.topic == *topic && a.partition == partition;
            owned.iter().find(is_it).is_some_and(stays)
        });
        if self.config.auto_commit && !positions.is_empty() {
            let deadline = Instant::now() + self.config.request_timeout;
            let reply = self.membership.commit(positions, deadline);
            self.step = Step::Revoking { target, reply };
        } else {
            self.adopt(target);
        }
    }

    /// Takes over the new assignment, and tells the group so.
    fn adopt(&mut self, target: Vec<Assigned>) {
        let is_new = |assigned: &&Assigned| !self.owned.contains(assigned);
        let added: Vec<Assigned> = target.iter().filter(is_new).cloned().collect();
        self.owned = target;
        self.membership.confirm(self.owned.clone());
        if added.is_empty() {
            self.step = Step::Settled;
        } else {
            self.look_up(added);
        }
    }

    fn look_up(&mut self, added: Vec<Assigned>) {
        let deadline = Instant::now() + self.config.request_timeout;
        let reply = self.membership.look_up(added.clone(), deadline);
        self.step = Step::LookingUp { added, reply };
    }

    /// Begins to read new partitions where the group left off.
    fn begin(&mut self, added: Vec<Assigned>, found: Vec<Option<u64>>) {
        for (assigned, offset) in added.into_iter().zip(found) {
            let at = offset.map_or(self.config.start.into(), StartAt::Offset);
            self.partitions.add(assigned.topic, assigned.partition, at);
        }
        self.step = Step::Settled;
    }

    fn drop_all(&mut self) {
        self.owned.clear();
        self.committed.clear();
        self.committing = None;
        self.partitions.retain(|_, _| false);
    }

    /// Commits positions if it is time to. Returns when it will be.
    fn auto_commit(&mut self) -> Option<Instant> {
        if !self.config.auto_commit {
            return None;
        }
        if let Some((positions, reply)) = self.committing.take() {
            match reply.take() {
                Some(Ok(())) => self.committed = positions,
                // The next time tries it again, with what is there then.
                Some(Err(_)) => {}
                None => {
                    self.committing = Some((positions, reply));
                    return None;
                }
            }
        }
        let positions = self.positions();
        if positions == self.committed {
            return None;
        }
        let now = Instant::now();
        if now < self.commit_at {
            return Some(self.commit_at);
        }
        self.commit_at = now + self.config.auto_commit_interval;
        let deadline = now + self.config.request_timeout;
        let reply = self.membership.commit(positions.clone(), deadline);
        self.committing = Some((positions, reply));
        None
    }

    /// How far the partitions have been read. Those of which nothing is known are left out.
    fn positions(&self) -> Vec<Position> {
        let positions = self
            .partitions
            .positions()
            .filter_map(|(topic, partition, offset)| Some(((topic.clone(), partition), offset?)));
        let sorted: BTreeMap<_, _> = positions.collect();
        let position = |((topic, partition), offset)| Position { topic, partition, offset };
        sorted.into_iter().map(position).collect()
    }
}

fn silent() -> Error {
    Error::new(ErrorKind::Timeout, "the group's coordinator did not answer in time")
}
