//! All queue groups of a broker.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Millis;
use crate::error::Result;
use crate::state::catalog::Catalog;
use crate::state::event::Event;
use crate::state::groups::Now;
use crate::state::membership::MemberChange;
use crate::state::queues::durable::DurableQueue;
use crate::state::queues::group::{Group, Turn, unknown_member};
use crate::state::queues::heartbeat;
use crate::state::queues::types::{
    AckBatch, AcquireRequest, Acquisition, Action, DeadLetter, Delivery, HeartbeatAnswer,
    HeartbeatRequest, QueueConfig, SessionEnd,
};
use crate::state::timers::Timers;
use crate::state::topic::Topic;

/// All queue groups of a broker.
///
/// Calls put what has to be done behind what `out` holds already. The caller keeps their order:
/// it appends the events of one call before it makes the next one.
#[derive(Debug)]
pub struct Queues {
    defaults: QueueConfig,
    /// The settings of groups that have their own. A group need not exist to have some.
    configs: BTreeMap<String, QueueConfig>,
    pub(super) groups: BTreeMap<Arc<str>, Group>,
    /// When which group has something to do, at the earliest.
    timers: Timers<Arc<str>>,
    next_session: u64,
    /// Who came and who went since that was last asked.
    changes: Vec<MemberChange>,
}

impl Queues {
    /// The groups that the log has. They have no members, and nobody holds a record. What was
    /// delivered too often, or is to be buried, is seen to by the first [`Queues::tick`]; call
    /// [`Queues::set_config`] before it.
    pub fn restore(
        defaults: QueueConfig,
        groups: impl IntoIterator<Item = (String, DurableQueue)>,
        now: Now,
    ) -> Self {
        let mut queues = Self {
            defaults,
            configs: BTreeMap::new(),
            groups: BTreeMap::new(),
            timers: Timers::default(),
            next_session: 1,
            changes: Vec::new(),
        };
        for (id, durable) in groups {
            let id: Arc<str> = id.into();
            let group = Group::restored(Arc::clone(&id), durable, now.steady);
            queues.groups.insert(Arc::clone(&id), group);
            queues.set_timer(&id);
        }
        queues
    }

    /// The durable part of all groups: what replaying their events gives.
    pub fn durable(&self) -> BTreeMap<String, DurableQueue> {
        let groups = self.groups.values();
        groups.filter_map(|group| Some((group.id.to_string(), group.durable()?))).collect()
    }

    /// Gives a group settings of its own, or the defaults again. The group need not exist.
    pub fn set_config(&mut self, group: &str, config: Option<QueueConfig>) {
        match config {
            Some(config) => drop(self.configs.insert(group.to_owned(), config)),
            None => drop(self.configs.remove(group)),
        }
        if let Some(found) = self.groups.get_mut(group) {
            found.to_sweep = true;
            self.set_timer(group);
        }
    }

    /// The settings of a group.
    pub fn config(&self, group: &str) -> QueueConfig {
        self.configs.get(group).copied().unwrap_or(self.defaults)
    }

    /// A ShareGroupHeartbeat request. Each member is assigned all partitions of the topics that it
    /// wants. Where the group meets a partition for the first time, it asks by
    /// [`Action::FindStart`] where to begin.
    ///
    /// # Errors
    /// `InvalidRequest`, `UnknownMember`, `FencedMemberEpoch`, `GroupFull`.
    pub fn heartbeat(
        &mut self,
        request: &HeartbeatRequest,
        catalog: &Catalog,
        now: Now,
        out: &mut Vec<Action>,
    ) -> Result<HeartbeatAnswer> {
        heartbeat::check(request)?;
        if request.member_epoch == heartbeat::JOIN {
            self.found(&request.group);
        }
        self.of_member(&request.group, &request.member_id, now, out, |group, turn| {
            group.heartbeat(request, catalog, turn)
        })
    }

    /// Notes that a member has a new connection, instead of the one that it had. What it holds
    /// stays with it. The number is never used again.
    ///
    /// # Errors
    /// `UnknownMember`.
    pub fn open_session(&mut self, group: &str, member: &str) -> Result<u64> {
        let found = self.groups.get_mut(group).and_then(|found| found.members.get_mut(member));
        let found = found.ok_or_else(|| unknown_member(group, member))?;
        let session = self.next_session;
        self.next_session += 1;
        found.session = Some(session);
        Ok(session)
    }

    /// Frees what a member holds, if this is its present connection.
    pub fn close_session(
        &mut self,
        group: &str,
        member: &str,
        session: u64,
        end: SessionEnd,
        now: Now,
        out: &mut Vec<Action>,
    ) {
        self.turn(group, now, out, |group, turn| group.close_session(member, session, end, turn));
    }

    /// A member takes records: those that are due for another delivery first, then new ones, and
    /// no more than its fair share. They are locked, and the delivery counts when
    /// [`Queues::confirm`] says so, which has to come next for each of the partitions.
    ///
    /// A member that gets nothing and waits is in line until it gets something, asks without
    /// waiting, or [stops waiting](Queues::stop_waiting). It asks again when it is
    /// [called](Queues::call_waiting) and at [`Action::Available`]; if it does not, the others pass
    /// it after a moment.
    ///
    /// # Errors
    /// `UnknownMember`.
    pub fn acquire(
        &mut self,
        request: &AcquireRequest<'_>,
        now: Now,
        out: &mut Vec<Action>,
    ) -> Result<Vec<Acquisition>> {
        self.of_member(request.group, request.member, now, out, |group, turn| {
            group.acquire(request, turn)
        })
    }

    /// There are new records in a partition: says which members to call, those that wait longest
    /// first, at most one for each record. They should [acquire](Queues::acquire); the places of
    /// those that do not are given to others after a moment, by [`Action::Available`].
    pub fn call_waiting(
        &mut self,
        group: &str,
        partition: u32,
        records: u64,
        now: Now,
    ) -> Vec<Arc<str>> {
        let Some(found) = self.groups.get_mut(group) else {
            return Vec::new();
        };
        let called = found.waiting.call_for(partition, records, now.steady);
        self.set_timer(group);
        called
    }

    /// A member does not wait any more.
    pub fn stop_waiting(&mut self, group: &str, member: &str, now: Now, out: &mut Vec<Action>) {
        self.turn(group, now, out, |group, turn| {
            if let Some(number) = group.members.get(member).map(|member| member.number) {
                group.waiting.stop(number);
                turn.freed = true;
            }
        });
    }

    /// Where the group begins with partitions, after [`Action::FindStart`]. Partitions that were
    /// not asked for are passed over.
    pub fn started(
        &mut self,
        group: &str,
        offsets: &[(u32, u64)],
        now: Now,
        out: &mut Vec<Action>,
    ) {
        self.turn(group, now, out, |group, turn| group.start(offsets, turn));
    }

    /// The offsets after [`Action::FindStart`] could not be looked up: the next
    /// [`Queues::acquire`] asks again.
    pub fn not_started(&mut self, group: &str, partitions: &[u32]) {
        if let Some(found) = self.groups.get_mut(group) {
            found.not_started(partitions);
        }
    }

    /// After [`Queues::acquire`]: says what of a partition is about to be delivered. The rest of
    /// what the member has acquired there is given back, uncounted. Answers with what the member
    /// has: that, with its counts, is what it is to be told.
    ///
    /// # Errors
    /// `UnknownMember`.
    pub fn confirm(
        &mut self,
        group: &str,
        member: &str,
        delivery: &Delivery<'_>,
        now: Now,
        out: &mut Vec<Action>,
    ) -> Result<Vec<Acquisition>> {
        self.of_member(group, member, now, out, |group, turn| group.confirm(member, delivery, turn))
    }

    /// A member acknowledges records of a partition, all or none of them. Those that retention
    /// took are passed over.
    ///
    /// # Errors
    /// `UnknownMember`; `InvalidRequest` for batches that overlap, are out of order or have the
    /// wrong number of kinds; `InvalidRecordState` where the member does not hold a record.
    pub fn acknowledge(
        &mut self,
        group: &str,
        member: &str,
        partition: u32,
        batches: &[AckBatch<'_>],
        now: Now,
        out: &mut Vec<Action>,
    ) -> Result<()> {
        self.of_member(group, member, now, out, |group, turn| {
            group.acknowledge(member, partition, batches, turn)
        })
    }

    /// The records of an [`Action::DeadLetter`] are in the dead-letter topic.
    pub fn buried(&mut self, group: &str, letter: &DeadLetter, now: Now, out: &mut Vec<Action>) {
        self.turn(group, now, out, |group, turn| {
            group.step(letter.partition, turn, |partition, step| partition.buried(letter, step));
        });
    }

    /// The records of an [`Action::DeadLetter`] could not be buried: it is asked for again later.
    pub fn not_buried(
        &mut self,
        group: &str,
        letter: &DeadLetter,
        now: Now,
        out: &mut Vec<Action>,
    ) {
        self.turn(group, now, out, |group, turn| {
            group
                .step(letter.partition, turn, |partition, step| partition.not_buried(letter, step));
        });
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Now, out: &mut Vec<Action>) {
        for id in self.timers.take_due(now.steady) {
            self.turn(&id, now, out, |group, turn| group.tick(turn));
        }
    }

    /// When [`Queues::tick`] wants to be called, in steady milliseconds; it may turn out to have
    /// nothing to do.
    pub fn next_deadline(&self) -> Option<Millis> {
        self.timers.next()
    }

    /// Who came and who went since this was last called.
    pub fn take_member_changes(&mut self) -> Vec<MemberChange> {
        std::mem::take(&mut self.changes)
    }

    /// Forgets the partitions of a topic, whose deletion is in the log.
    pub fn topic_deleted(&mut self, topic: &Topic) {
        for group in self.groups.values_mut() {
            for run in topic.runs() {
                group.forget_run(run.first..run.first + run.count);
            }
        }
    }

    /// Makes the group where there is none.
    pub(super) fn found(&mut self, group: &str) {
        if !self.groups.contains_key(group) {
            let id: Arc<str> = group.into();
            let group = Group::new(Arc::clone(&id));
            self.groups.insert(id, group);
        }
    }

    /// Lets a group take a step that one of its members wants.
    fn of_member<R>(
        &mut self,
        group: &str,
        member: &str,
        now: Now,
        out: &mut Vec<Action>,
        step: impl FnOnce(&mut Group, &mut Turn<'_>) -> Result<R>,
    ) -> Result<R> {
        let done = self.turn(group, now, out, step);
        done.unwrap_or_else(|| Err(unknown_member(group, member)))
    }

    /// Lets a group take a step, and then keeps the books that depend on it.
    pub(super) fn turn<R>(
        &mut self,
        id: &str,
        now: Now,
        out: &mut Vec<Action>,
        step: impl FnOnce(&mut Group, &mut Turn<'_>) -> R,
    ) -> Option<R> {
        let config = self.config(id);
        let group = self.groups.get_mut(id)?;
        let changes = &mut self.changes;
        let mut turn = Turn { now: now.steady, config, out, changes, freed: false, late: false };
        let result = step(group, &mut turn);
        // Who lost its place may still think that it waits: it is told as well.
        if turn.late || turn.freed && !group.waiting.is_empty() {
            turn.out.push(Action::Available { group: group.id.clone() });
        }
        if group.members.is_empty() && !group.is_logged() {
            self.remove(id, out);
        } else {
            self.set_timer(id);
        }
        Some(result)
    }

    /// Makes sure that the group is called in time. A timer that is too early does no harm.
    fn set_timer(&mut self, id: &str) {
        if let Some(group) = self.groups.get(id)
            && let Some(deadline) = group.next_deadline()
        {
            self.timers.set(&group.id, deadline);
        }
    }

    /// Takes a group without members out.
    pub(super) fn remove(&mut self, id: &str, out: &mut Vec<Action>) {
        let Some(group) = self.groups.remove(id) else {
            return;
        };
        self.timers.remove(&group.id);
        if group.is_logged() {
            out.push(Action::Persist(Event::GroupRemoved { group: id.to_owned() }));
        }
    }
}
