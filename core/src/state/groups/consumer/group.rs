//! One consumer group.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::state::catalog::{Catalog, CatalogVersion};
use crate::state::durable::DurableConsumerGroup;
use crate::state::event::ConsumerGroupChange;
use crate::state::groups::consumer::member::ConsumerMember;
use crate::state::groups::consumer::types::{
    ConsumerGroupDescription, ConsumerMemberDescription, TopicShare,
};
use crate::state::groups::types::{GroupConfig, GroupState, Now};

#[derive(Debug)]
pub(in crate::state::groups) struct ConsumerGroup {
    pub(in crate::state::groups) epoch: i32,
    /// The epoch for which the targets were computed.
    pub(super) target_epoch: i32,
    /// When something changed last, in wall milliseconds.
    pub(in crate::state::groups) changed_ms: Millis,
    pub(super) members: BTreeMap<String, ConsumerMember>,
    /// The IDs of static members, by their instance IDs.
    pub(super) statics: BTreeMap<String, String>,
    /// The catalog for which the targets were computed; none after a start.
    pub(super) seen: Option<CatalogVersion>,
    /// What the log does not have yet.
    pub(super) news: News,
}

/// What has changed in a group since its last event.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) group: bool,
    pub(super) members: BTreeSet<String>,
    pub(super) removed: Vec<String>,
    /// The IDs of members that came.
    pub(super) joined: Vec<String>,
    /// The IDs of members that went, and what their clients call themselves.
    pub(super) left: Vec<(String, String)>,
}

impl ConsumerGroup {
    /// A group without members whose epochs begin above `epoch`.
    pub(in crate::state::groups) fn new(epoch: i32) -> Self {
        Self {
            epoch,
            target_epoch: epoch,
            changed_ms: Millis::MIN,
            members: BTreeMap::new(),
            statics: BTreeMap::new(),
            seen: None,
            news: News::default(),
        }
    }

    /// The group as the log has it; its members' sessions start again.
    pub(in crate::state::groups) fn restored(
        durable: DurableConsumerGroup,
        config: &GroupConfig,
        now: Now,
    ) -> Self {
        let mut group = Self::new(durable.epoch);
        group.target_epoch = durable.target_epoch;
        group.changed_ms = durable.changed_ms;
        for record in durable.members.into_values() {
            group.insert(ConsumerMember::restored(record, config, now));
        }
        group
    }

    /// The durable part of the group.
    pub(in crate::state::groups) fn durable(&self) -> DurableConsumerGroup {
        let record = |(id, member): (&String, &ConsumerMember)| (id.clone(), member.record.clone());
        DurableConsumerGroup {
            epoch: self.epoch,
            target_epoch: self.target_epoch,
            changed_ms: self.changed_ms,
            members: self.members.iter().map(record).collect(),
        }
    }

    /// Calls `note` with each member that went or came, what its client calls itself, and whether
    /// it came.
    pub(in crate::state::groups) fn drain_members(
        &mut self,
        mut note: impl FnMut((&str, &str), bool),
    ) {
        for (id, client_id) in self.news.left.drain(..) {
            note((&id, &client_id), false);
        }
        for id in self.news.joined.drain(..) {
            let member = self.members.get(&id);
            let client_id = member.map_or("", |member| &member.record.client_id);
            note((&id, client_id), true);
        }
    }

    /// The change that the log does not have yet, if there is any.
    pub(in crate::state::groups) fn take_change(
        &mut self,
        id: &str,
        now: Now,
    ) -> Option<ConsumerGroupChange> {
        let news = std::mem::take(&mut self.news);
        if !news.group && news.members.is_empty() && news.removed.is_empty() {
            return None;
        }
        self.changed_ms = now.wall;
        let changed = news.members.iter().filter_map(|id| self.members.get(id));
        Some(ConsumerGroupChange {
            group: id.to_owned(),
            epoch: self.epoch,
            target_epoch: self.target_epoch,
            changed_ms: now.wall,
            members: changed.map(|member| member.record.clone()).collect(),
            removed: news.removed,
        })
    }

    pub(in crate::state::groups) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(in crate::state::groups) fn state(&self) -> GroupState {
        if self.members.is_empty() {
            GroupState::Empty
        } else if self.target_epoch < self.epoch {
            GroupState::Assigning
        } else if self.members.values().all(|member| member.is_settled(self.target_epoch)) {
            GroupState::Stable
        } else {
            GroupState::Reconciling
        }
    }

    pub(in crate::state::groups) fn describe(&self, catalog: &Catalog) -> ConsumerGroupDescription {
        let member = |member: &ConsumerMember| {
            let record = member.record.clone();
            let mut assigned = [&record.assigned[..], &record.revoking].concat();
            assigned.sort_unstable();
            ConsumerMemberDescription {
                assigned: TopicShare::of(&assigned, catalog),
                target: TopicShare::of(&record.target, catalog),
                member: record,
            }
        };
        ConsumerGroupDescription {
            state: self.state(),
            epoch: self.epoch,
            target_epoch: self.target_epoch,
            assignor: self.assignor().name(),
            members: self.members.values().map(member).collect(),
        }
    }

    /// Removes the members whose sessions have ended, and those that have not given up in time
    /// what they were asked for.
    pub(in crate::state::groups) fn tick(&mut self, now: Now) {
        let is_due = |member: &&ConsumerMember| member.deadline() <= now.steady;
        let due: Vec<String> =
            self.members.values().filter(is_due).map(|member| member.record.id.clone()).collect();
        for id in due {
            self.remove(&id);
        }
    }

    /// When [`ConsumerGroup::tick`] has something to do next, in steady milliseconds.
    pub(in crate::state::groups) fn next_deadline(&self) -> Option<Millis> {
        self.members.values().map(ConsumerMember::deadline).min()
    }

    /// Checks that a member of this ID has this epoch.
    pub(in crate::state::groups) fn check_member(
        &self,
        group: &str,
        member_id: &str,
        epoch: i32,
    ) -> Result<()> {
        let Some(member) = self.members.get(member_id) else {
            return Err(unknown_member(group, member_id));
        };
        if member.record.epoch == epoch {
            return Ok(());
        }
        let text = format!(
            "member {member_id} of group {group} has epoch {}, not {epoch}: it will learn its \
             epoch from its next heartbeat",
            member.record.epoch
        );
        Err(Error::new(ErrorKind::StaleMemberEpoch, text))
    }

    /// An administrator removes a static member.
    pub(in crate::state::groups) fn remove_static(
        &mut self,
        group: &str,
        instance_id: &str,
    ) -> Result<()> {
        let member_id = self.statics.get(instance_id).cloned();
        let member_id = member_id.ok_or_else(|| unknown_member(group, ""))?;
        self.remove(&member_id);
        Ok(())
    }

    pub(super) fn insert(&mut self, member: ConsumerMember) {
        let id = &member.record.id;
        if let Some(instance_id) = &member.record.instance_id {
            self.statics.insert(instance_id.clone(), id.clone());
        }
        self.members.insert(id.clone(), member);
    }

    /// Takes a member out; the others get its share with their next heartbeats.
    pub(super) fn remove(&mut self, id: &str) {
        if self.take_out(id).is_some() {
            self.next_epoch();
        }
    }

    /// Takes a member out, and leaves the epoch as it is.
    pub(super) fn take_out(&mut self, id: &str) -> Option<ConsumerMember> {
        let member = self.members.remove(id)?;
        if let Some(instance_id) = &member.record.instance_id {
            self.statics.remove(instance_id);
        }
        self.news.members.remove(id);
        self.news.removed.push(id.to_owned());
        self.news.left.push((id.to_owned(), member.record.client_id.clone()));
        Some(member)
    }

    pub(super) fn next_epoch(&mut self) {
        self.epoch = self.epoch.saturating_add(1);
        self.news.group = true;
    }
}

pub(super) fn unknown_member(group: &str, member_id: &str) -> Error {
    let text = format!("group {group} has no member {member_id:?}: join it again");
    Error::new(ErrorKind::UnknownMember, text)
}
