//! Heartbeats: joining, keeping up and leaving.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind, Result};
use crate::state::catalog::Catalog;
use crate::state::event::{ConsumerMemberRecord, TopicId};
use crate::state::groups::consumer::assignor::Assignor;
use crate::state::groups::consumer::group::{ConsumerGroup, unknown_member};
use crate::state::groups::consumer::member::{AWAY, ConsumerMember};
use crate::state::groups::consumer::pattern::TopicPattern;
use crate::state::groups::consumer::types::{ConsumerAnswer, ConsumerHeartbeat, TopicShare};
use crate::state::groups::types::{GroupConfig, Now};

/// The epoch of a member that leaves.
const LEAVES: i32 = -1;

impl ConsumerHeartbeat<'_> {
    /// Checks what can be judged without the group.
    pub(in crate::state::groups) fn check(&self) -> Result<()> {
        let refuse = |text: &str| Err(Error::new(ErrorKind::InvalidRequest, text));
        if self.group.is_empty() || self.member_id.is_empty() {
            return refuse("a heartbeat needs the ID of the group and that of the member");
        }
        if self.instance_id == Some("") || self.rack_id == Some("") {
            return refuse("the instance ID and the rack ID of a member must not be empty");
        }
        let owns_nothing = self.owned.is_some_and(<[_]>::is_empty);
        match self.epoch {
            0 if self.rebalance_timeout_ms.is_none() => {
                refuse("a member that joins has to give its rebalance timeout")
            }
            0 if !owns_nothing => refuse("a member that joins can have no partitions"),
            0 if self.topics.is_none() && self.pattern.is_none() => {
                refuse("a member that joins has to say which topics it wants")
            }
            AWAY if self.instance_id.is_none() => {
                refuse("only a static member, with an instance ID, can leave for a while")
            }
            ..AWAY => refuse("a member's epoch cannot be less than -2"),
            _ => self.check_assignor(),
        }
    }

    fn check_assignor(&self) -> Result<()> {
        match self.assignor {
            Some(name) if Assignor::named(name).is_none() => {
                let text =
                    format!("there is no assignor {name:?} here: use \"uniform\" or \"range\"");
                Err(Error::new(ErrorKind::UnsupportedAssignor, text))
            }
            _ => Ok(()),
        }
    }

    /// Whether the member repeats all that it has said: it does so when it has missed an answer.
    fn is_full(&self) -> bool {
        let wants = self.topics.is_some() || self.pattern.is_some();
        self.epoch == 0 || self.rebalance_timeout_ms.is_some() && wants && self.owned.is_some()
    }
}

impl ConsumerGroup {
    /// A member says how it is, and is told what it may have.
    pub(in crate::state::groups) fn heartbeat(
        &mut self,
        request: &ConsumerHeartbeat<'_>,
        catalog: &Catalog,
        config: &GroupConfig,
        now: Now,
    ) -> Result<ConsumerAnswer> {
        let interval = config.consumer_heartbeat_interval_ms;
        if request.epoch < 0 {
            self.leave(request)?;
            let epoch = request.epoch;
            return Ok(ConsumerAnswer { epoch, heartbeat_interval_ms: interval, assignment: None });
        }
        let expression = request.pattern.filter(|text| !text.is_empty());
        let pattern = expression.map(TopicPattern::new).transpose()?;
        let owned = request.owned.map(|owned| numbers(owned, catalog));
        let is_new = if request.epoch == 0 {
            self.check_room(request, config)?;
            self.admit(request)?
        } else {
            self.present(request)?.check_epoch(request.epoch, owned.as_ref())?;
            false
        };
        let (before, assignor) = (self.members.get(request.member_id), self.assignor());
        let before = before.map(|m| m.record.clone()).unwrap_or_default();
        self.update(request, pattern, is_new, &before);
        if self.assignor() != assignor {
            self.seen = None;
        }
        self.retarget(catalog);
        self.reconcile(request.member_id, owned.as_ref(), catalog, now);
        let Some(member) = self.members.get_mut(request.member_id) else {
            return Err(unknown_member(request.group, request.member_id));
        };
        member.heard_of(config, now);
        let record = &member.record;
        let is_news = request.is_full() || record.assigned != before.assigned;
        Ok(ConsumerAnswer {
            epoch: record.epoch,
            heartbeat_interval_ms: interval,
            assignment: is_news.then(|| TopicShare::of(&record.assigned, catalog)),
        })
    }

    /// Finds the place of a member that joins, or makes one; returns whether it is a new one.
    fn admit(&mut self, request: &ConsumerHeartbeat<'_>) -> Result<bool> {
        let holder = request.instance_id.and_then(|instance| self.statics.get(instance)).cloned();
        match holder {
            Some(holder) if holder != request.member_id => {
                self.replace(&holder, request)?;
                Ok(false)
            }
            // A member that comes again has missed an answer or lost its partitions. It has none,
            // so whatever it may have is in the answer.
            _ if self.members.contains_key(request.member_id) => {
                self.come_back(request.member_id);
                Ok(false)
            }
            _ => {
                self.insert(ConsumerMember::new(request.member_id));
                self.news.joined.push(request.member_id.to_owned());
                Ok(true)
            }
        }
    }

    /// A static member takes the place of its predecessor, if that has left for a while.
    fn replace(&mut self, holder: &str, request: &ConsumerHeartbeat<'_>) -> Result<()> {
        let is_away = self.members.get(holder).is_some_and(|member| member.record.epoch == AWAY);
        if !is_away {
            let text = format!(
                "the instance ID {:?} of group {} belongs to member {holder}, which has not left",
                request.instance_id.unwrap_or_default(),
                request.group
            );
            return Err(Error::new(ErrorKind::UnreleasedInstance, text));
        }
        // The place of a dynamic member of the same ID is given up for that of the static one.
        self.take_out(request.member_id);
        if let Some(mut member) = self.take_out(holder) {
            member.record.id = request.member_id.to_owned();
            self.insert(member);
            self.news.joined.push(request.member_id.to_owned());
            self.come_back(request.member_id);
        }
        Ok(())
    }

    /// A static member that was away counts from the beginning.
    fn come_back(&mut self, member_id: &str) {
        let member = self.members.get_mut(member_id);
        if let Some(member) = member.filter(|member| member.record.epoch == AWAY) {
            (member.record.epoch, member.record.previous_epoch) = (0, 0);
            self.news.members.insert(member_id.to_owned());
        }
    }

    /// The sender, who must be a member, and a static one not replaced by another.
    fn present(&self, request: &ConsumerHeartbeat<'_>) -> Result<&ConsumerMember> {
        let unknown = || unknown_member(request.group, request.member_id);
        if let Some(instance_id) = request.instance_id {
            let holder = self.statics.get(instance_id).ok_or_else(unknown)?;
            if holder != request.member_id {
                let text = format!(
                    "another member of group {} has taken over the instance ID {instance_id}",
                    request.group
                );
                return Err(Error::new(ErrorKind::FencedInstance, text));
            }
        }
        self.members.get(request.member_id).ok_or_else(unknown)
    }

    /// Takes over what the member says.
    fn update(
        &mut self,
        request: &ConsumerHeartbeat<'_>,
        pattern: Option<TopicPattern>,
        is_new: bool,
        before: &ConsumerMemberRecord,
    ) {
        let Some(member) = self.members.get_mut(request.member_id) else {
            return;
        };
        let wants_others = member.update(request, pattern);
        if member.record != *before {
            self.news.members.insert(request.member_id.to_owned());
        }
        if let Some(old) = &before.instance_id {
            self.statics.remove(old);
        }
        if let Some(instance_id) = &member.record.instance_id {
            self.statics.insert(instance_id.clone(), request.member_id.to_owned());
        }
        if is_new || wants_others {
            self.next_epoch();
        }
    }

    /// A member leaves: for good, or, if it is a static one, for a while, in which nobody gets
    /// what it has.
    fn leave(&mut self, request: &ConsumerHeartbeat<'_>) -> Result<()> {
        self.present(request)?;
        if request.epoch == LEAVES {
            self.remove(request.member_id);
        } else if let Some(member) = self.members.get_mut(request.member_id) {
            member.record.previous_epoch = member.record.epoch;
            member.record.epoch = AWAY;
            member.record.revoking = Vec::new();
            member.revoke_deadline = None;
            self.news.members.insert(request.member_id.to_owned());
        }
        Ok(())
    }

    fn check_room(&self, request: &ConsumerHeartbeat<'_>, config: &GroupConfig) -> Result<()> {
        let instance = request.instance_id.and_then(|instance| self.statics.get(instance));
        let has_place = instance.is_some() || self.members.contains_key(request.member_id);
        if has_place || self.members.len() < config.members_max {
            return Ok(());
        }
        let limit = config.members_max;
        let text = format!("group {} has {limit} members, which is the limit", request.group);
        Err(Error::new(ErrorKind::GroupFull, text))
    }
}

/// The numbers of the partitions that a member says it has. What does not exist is left out.
fn numbers(owned: &[(TopicId, Vec<i32>)], catalog: &Catalog) -> BTreeSet<u32> {
    let known = |(id, indexes)| catalog.topic_by_id(id).map(|topic| (topic, indexes));
    let topics = owned.iter().map(|(id, indexes)| (id, indexes)).filter_map(known);
    topics
        .flat_map(|(topic, indexes): (_, &Vec<i32>)| {
            let index = |index: &i32| topic.partition_number(u32::try_from(*index).ok()?);
            indexes.iter().filter_map(index).collect::<Vec<u32>>()
        })
        .collect()
}
