//! The coordinator: all groups of a broker.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::state::durable::DurableGroup;
use crate::state::event::Event;
use crate::state::groups::group::{Group, Turn, unknown_member};
use crate::state::groups::types::{
    Action, CommitRequest, GroupConfig, GroupDeletion, GroupDescription, GroupKind, GroupListing,
    GroupState, JoinRequest, MemberKey, Now, ReplyId, SyncRequest,
};
use crate::state::membership::MemberChange;
use crate::state::offsets::GroupOffsets;
use crate::state::timers::Timers;
use crate::state::topic::Topic;

/// All groups of a broker.
///
/// Calls put what has to be done behind what `out` holds already. The caller keeps their order:
/// it appends the events of one call before it makes the next one.
#[derive(Debug)]
pub struct Coordinator {
    pub(super) config: GroupConfig,
    pub(super) groups: BTreeMap<Arc<str>, Group>,
    /// When which group has something to do, at the earliest.
    timers: Timers<Arc<str>>,
    /// The groups of the requests that wait for answers.
    waiting: HashMap<ReplyId, Arc<str>>,
    /// When expired offsets are looked for next, in steady milliseconds.
    offsets_check: Millis,
    /// Who came and who went since that was last asked.
    changes: Vec<MemberChange>,
}

impl Coordinator {
    /// The groups that the log has. Those that were stable are stable, and their members have a
    /// whole session timeout to be heard of.
    pub fn restore(
        config: GroupConfig,
        groups: impl IntoIterator<Item = (String, DurableGroup)>,
        now: Now,
    ) -> Self {
        let offsets_check = now.steady.saturating_add(config.offsets_check_ms);
        let mut coordinator = Self {
            config,
            groups: BTreeMap::new(),
            timers: Timers::default(),
            waiting: HashMap::new(),
            offsets_check,
            changes: Vec::new(),
        };
        for (id, durable) in groups {
            let id: Arc<str> = id.into();
            let group = Group::restored(Arc::clone(&id), durable, now);
            coordinator.groups.insert(Arc::clone(&id), group);
            coordinator.set_timer(&id);
        }
        coordinator
    }

    /// The durable part of all groups: what replaying their events gives.
    pub fn durable(&self) -> BTreeMap<String, DurableGroup> {
        let logged = self.groups.values().filter(|group| group.logged);
        logged.map(|group| (group.id.to_string(), group.durable())).collect()
    }

    /// A JoinGroup request; its answer is a [`Action::JoinReply`] of this call or a later one.
    /// Refusals: `InvalidGroupId`, `InvalidSessionTimeout`, `UnknownMember`, `FencedInstance`,
    /// `InconsistentProtocol`, `GroupFull`, `MemberIdRequired`, `RebalanceInProgress` for one
    /// that the same member repeats while it waits.
    pub fn join(&mut self, request: JoinRequest, now: Now, out: &mut Vec<Action>) {
        if let Err(error) = self.check_join(&request) {
            let JoinRequest { reply, member_id, .. } = request;
            out.push(Action::JoinReply { reply, member_id, answer: Err(error) });
            return;
        }
        let id = self.found(&request.group);
        self.waiting.insert(request.reply, Arc::clone(&id));
        self.turn(&id, now, out, |group, turn| group.join(request, turn));
    }

    /// A SyncGroup request; its answer is a [`Action::SyncReply`] of this call or a later one.
    /// Refusals: `InvalidGroupId`, `UnknownMember`, `FencedInstance`, `IllegalGeneration`,
    /// `InconsistentProtocol`, `RebalanceInProgress`.
    pub fn sync(&mut self, request: SyncRequest, now: Now, out: &mut Vec<Action>) {
        let reply = request.reply;
        let refusal = if request.group.is_empty() {
            Some(no_group_id())
        } else if !self.groups.contains_key(request.group.as_str()) {
            Some(unknown_member(&request.group, &request.member_id))
        } else {
            None
        };
        if let Some(error) = refusal {
            out.push(Action::SyncReply { reply, answer: Err(error) });
            return;
        }
        let id = self.found(&request.group);
        self.waiting.insert(reply, Arc::clone(&id));
        self.turn(&id, now, out, |group, turn| group.sync(request, turn));
    }

    /// A Heartbeat request.
    ///
    /// # Errors
    /// `InvalidGroupId`, `UnknownMember`, `FencedInstance`, `IllegalGeneration`, and
    /// `RebalanceInProgress` where the member has to join again.
    pub fn heartbeat(
        &mut self,
        group: &str,
        member: MemberKey<'_>,
        generation: i32,
        now: Now,
    ) -> Result<()> {
        if group.is_empty() {
            return Err(no_group_id());
        }
        // No timer moves here: a session that lasts longer is found out when its timer is due.
        match self.groups.get_mut(group) {
            Some(found) => found.heartbeat(member, generation, now),
            None => Err(unknown_member(group, member.member_id)),
        }
    }

    /// A LeaveGroup request: one result for each member.
    ///
    /// # Errors
    /// `InvalidGroupId`; for a member `UnknownMember` or `FencedInstance`.
    pub fn leave(
        &mut self,
        group: &str,
        members: &[MemberKey<'_>],
        now: Now,
        out: &mut Vec<Action>,
    ) -> Result<Vec<Result<()>>> {
        if group.is_empty() {
            return Err(no_group_id());
        }
        let results = self.turn(group, now, out, |group, turn| {
            members.iter().map(|&member| group.leave(member, turn)).collect()
        });
        Ok(results.unwrap_or_else(|| {
            members.iter().map(|member| Err(unknown_member(group, member.member_id))).collect()
        }))
    }

    /// An OffsetCommit request: one result for each entry. The event with all that were accepted
    /// is among the actions.
    ///
    /// # Errors
    /// `UnknownMember`, `FencedInstance`, `IllegalGeneration`, `RebalanceInProgress`; for an
    /// entry `OffsetMetadataTooLarge`.
    pub fn commit(
        &mut self,
        request: &CommitRequest<'_>,
        now: Now,
        out: &mut Vec<Action>,
    ) -> Result<Vec<Result<()>>> {
        if !self.groups.contains_key(request.group) && request.generation >= 0 {
            let text = format!("there is no group {} any more: join it again", request.group);
            return Err(Error::new(ErrorKind::IllegalGeneration, text));
        }
        let id = self.found(request.group);
        let results = self.turn(&id, now, out, |group, turn| group.commit(request, turn));
        results.expect("the group was looked up or made just now")
    }

    /// What a group has committed; nothing for a group that is not there.
    pub fn fetch_offsets(&self, group: &str) -> Option<&GroupOffsets> {
        self.groups.get(group).map(|found| &found.offsets)
    }

    /// The connection that waited for this answer is gone, the answer will not come. The member
    /// stays until its session times out.
    pub fn forget_reply(&mut self, reply: ReplyId, now: Now) {
        if let Some(id) = self.waiting.remove(&reply) {
            self.turn(&id, now, &mut Vec::new(), |group, turn| group.forget_reply(reply, turn));
        }
    }

    /// Does what time asks for; see [`Coordinator::next_deadline`].
    pub fn tick(&mut self, now: Now, out: &mut Vec<Action>) {
        for id in self.timers.take_due(now.steady) {
            self.turn(&id, now, out, |group, turn| group.tick(turn));
        }
        if self.offsets_check <= now.steady {
            self.offsets_check = now.steady.saturating_add(self.config.offsets_check_ms);
            self.expire_offsets(now, out);
        }
    }

    /// When [`Coordinator::tick`] wants to be called, in steady milliseconds; it may turn out to
    /// have nothing to do. None while there is no group.
    pub fn next_deadline(&self) -> Option<Millis> {
        let timer = self.next_timer();
        let check = (!self.groups.is_empty()).then_some(self.offsets_check);
        timer.into_iter().chain(check).min()
    }

    /// Who came and who went since this was last called.
    pub fn take_member_changes(&mut self) -> Vec<MemberChange> {
        std::mem::take(&mut self.changes)
    }

    /// As [`Coordinator::next_deadline`], but for the offsets that expire.
    pub fn next_timer(&self) -> Option<Millis> {
        self.timers.next()
    }

    /// Whether there is a group with this ID, of any of its kinds.
    pub fn has(&self, group: &str) -> bool {
        self.groups.contains_key(group)
    }

    /// A classic group with its members; `Dead` where there is no such group.
    pub fn describe(&self, group: &str) -> GroupDescription {
        match self.groups.get(group) {
            Some(found) if found.consumer.is_none() => found.describe(),
            _ => GroupDescription {
                state: GroupState::Dead,
                protocol_type: String::new(),
                protocol: String::new(),
                members: Vec::new(),
            },
        }
    }

    /// All groups, by ID in order.
    pub fn list(&self) -> impl Iterator<Item = GroupListing> + '_ {
        self.groups.values().map(|group| match &group.consumer {
            Some(consumer) => GroupListing {
                kind: GroupKind::Consumer,
                group: group.id.to_string(),
                protocol_type: "consumer".to_owned(),
                state: consumer.state(),
            },
            None => GroupListing {
                kind: GroupKind::Classic,
                group: group.id.to_string(),
                protocol_type: group.protocol_type.clone().unwrap_or_default(),
                state: group.state,
            },
        })
    }

    /// Deletes a group that has no members, with its offsets.
    pub fn delete_group(&mut self, group: &str, out: &mut Vec<Action>) -> GroupDeletion {
        match self.groups.get(group) {
            None => GroupDeletion::NotFound,
            Some(found) if !found.is_empty() => GroupDeletion::NotEmpty,
            Some(_) => {
                self.remove(group, out);
                GroupDeletion::Deleted
            }
        }
    }

    pub(super) fn group_mut(&mut self, group: &str) -> Option<&mut Group> {
        self.groups.get_mut(group)
    }

    /// Forgets what groups committed for a topic, whose deletion is in the log.
    pub fn topic_deleted(&mut self, topic: &Topic) {
        for group in self.groups.values_mut() {
            for run in topic.runs() {
                group.offsets.remove_run(run.first..run.first + run.count);
            }
        }
    }

    fn check_join(&self, request: &JoinRequest) -> Result<()> {
        if request.group.is_empty() {
            return Err(no_group_id());
        }
        let GroupConfig { session_timeout_min_ms: min, session_timeout_max_ms: max, .. } =
            self.config;
        let asked = u32::try_from(request.session_timeout_ms);
        if !asked.is_ok_and(|asked| (min..=max).contains(&asked)) {
            let text = format!(
                "a session timeout of {} ms is outside of what this broker allows, \
                 {min} to {max} ms",
                request.session_timeout_ms
            );
            return Err(Error::new(ErrorKind::InvalidSessionTimeout, text));
        }
        if !request.member_id.is_empty() && !self.groups.contains_key(request.group.as_str()) {
            return Err(unknown_member(&request.group, &request.member_id));
        }
        Ok(())
    }

    /// The group's key; makes the group where there is none.
    pub(super) fn found(&mut self, group: &str) -> Arc<str> {
        if let Some((id, _)) = self.groups.get_key_value(group) {
            return Arc::clone(id);
        }
        let id: Arc<str> = group.into();
        self.groups.insert(Arc::clone(&id), Group::new(Arc::clone(&id)));
        id
    }

    /// Lets a group take a step, and then keeps the books that depend on it.
    pub(super) fn turn<R>(
        &mut self,
        id: &str,
        now: Now,
        out: &mut Vec<Action>,
        step: impl FnOnce(&mut Group, &mut Turn<'_>) -> R,
    ) -> Option<R> {
        let group = self.groups.get_mut(id)?;
        let before = out.len();
        let changes = &mut self.changes;
        let result = step(group, &mut Turn { now, config: &self.config, out, changes });
        for action in &out[before..] {
            if let Action::JoinReply { reply, .. } | Action::SyncReply { reply, .. } = action {
                self.waiting.remove(reply);
            }
        }
        if group.is_vacant() && !group.logged {
            self.remove(id, out);
        } else {
            self.set_timer(id);
        }
        Some(result)
    }

    /// Makes sure that the group is called in time. A timer that is too early does no harm.
    pub(super) fn set_timer(&mut self, id: &str) {
        if let Some(group) = self.groups.get(id)
            && let Some(deadline) = group.next_deadline()
        {
            self.timers.set(&group.id, deadline);
        }
    }

    /// Forgets the offsets that have expired, and groups that have nothing else; [`Self::tick`]
    /// does so from time to time.
    pub fn expire_offsets(&mut self, now: Now, out: &mut Vec<Action>) {
        let mut gone = Vec::new();
        for group in self.groups.values_mut() {
            let changes = &mut self.changes;
            if group.expire_offsets(&mut Turn { now, config: &self.config, out, changes }) {
                gone.push(Arc::clone(&group.id));
            }
        }
        for id in gone {
            self.remove(&id, out);
        }
    }

    /// Takes an empty group out.
    fn remove(&mut self, id: &str, out: &mut Vec<Action>) {
        let Some(group) = self.groups.remove(id) else {
            return;
        };
        self.timers.remove(&group.id);
        if group.logged {
            out.push(Action::Persist(Event::GroupRemoved { group: id.to_owned() }));
        }
    }
}

fn no_group_id() -> Error {
    Error::new(ErrorKind::InvalidGroupId, "a group needs an ID that is not empty")
}
