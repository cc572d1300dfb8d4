//! One queue group: its members and its partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::state::event::{Event, TopicId};
use crate::state::groups::GroupState;
use crate::state::membership::MemberChange;
use crate::state::queues::durable::DurableQueue;
use crate::state::queues::member::Member;
use crate::state::queues::partition::{Partition, Return, Step};
use crate::state::queues::types::{
    AckBatch, Acquisition, Action, Delivery, QueueConfig, QueueDescription, QueueOffsets,
    SessionEnd, StartAt,
};
use crate::state::queues::waiting::Waiting;
use crate::state::timers::Timers;

/// What a step of a group may look at and write to, besides the group.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    /// Steady milliseconds.
    pub(super) now: Millis,
    pub(super) config: QueueConfig,
    pub(super) out: &'a mut Vec<Action>,
    /// Who came and who went.
    pub(super) changes: &'a mut Vec<MemberChange>,
    /// Whether there are records that were not ready before.
    pub(super) freed: bool,
    /// Whether somebody who waited lost its place, and records are for others now.
    pub(super) late: bool,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: Arc<str>,
    /// Grows when a member comes or goes, or when what the members may fetch changes.
    pub(super) epoch: i32,
    pub(super) members: BTreeMap<Arc<str>, Member>,
    pub(super) next_member: u64,
    /// The topics that members want records of.
    pub(super) topics: BTreeMap<String, Subscribed>,
    pub(super) partitions: BTreeMap<u32, Slot>,
    pub(super) waiting: Waiting,
    /// The partition that was served last: the next one has its turn.
    pub(super) served: u32,
    /// When which partition has something to do, at the earliest.
    timers: Timers<u32>,
    /// When which member's session times out, at the earliest; in steady milliseconds.
    pub(super) sessions: BTreeSet<(Millis, Arc<str>)>,
    /// Whether records may have been delivered too often for the settings as they are now.
    pub(super) to_sweep: bool,
    /// Whether the log has anything of the group.
    logged: bool,
}

/// A topic that members want records of.
#[derive(Debug, Default)]
pub(super) struct Subscribed {
    pub(super) members: usize,
    /// Whether it was looked for before.
    pub(super) seen: bool,
    /// The topic and how many partitions it has, as far as it was there.
    pub(super) found: Option<(TopicId, u32)>,
}

/// A partition of a group.
#[derive(Debug)]
pub(super) enum Slot {
    /// It is not known where the group begins.
    Unknown {
        start: StartAt,
        /// Whether the caller is looking it up.
        asked: bool,
    },
    Started(Box<Partition>),
}

impl Slot {
    fn started(partition: Partition) -> Self {
        Self::Started(Box::new(partition))
    }
}

impl Group {
    pub(super) fn new(id: Arc<str>) -> Self {
        Self {
            id,
            epoch: 0,
            members: BTreeMap::new(),
            next_member: 1,
            topics: BTreeMap::new(),
            partitions: BTreeMap::new(),
            waiting: Waiting::default(),
            served: 0,
            timers: Timers::default(),
            sessions: BTreeSet::new(),
            to_sweep: false,
            logged: false,
        }
    }

    pub(super) fn restored(id: Arc<str>, durable: DurableQueue, now: Millis) -> Self {
        let mut group = Self::new(id);
        (group.to_sweep, group.logged) = (true, true);
        for (number, durable) in durable.into_partitions() {
            let slot = Slot::started(Partition::restored(number, &durable, now));
            group.partitions.insert(number, slot);
            group.set_timer(number);
        }
        group
    }

    /// What the log has of the group, if it has anything.
    pub(super) fn durable(&self) -> Option<DurableQueue> {
        let mut durable = DurableQueue::default();
        for slot in self.started() {
            durable.insert(slot.number, slot.durable());
        }
        self.logged.then_some(durable)
    }

    pub(super) fn is_logged(&self) -> bool {
        self.logged
    }

    /// Puts an event into the log.
    pub(super) fn persist(&mut self, event: Event, turn: &mut Turn<'_>) {
        self.logged = true;
        turn.out.push(Action::Persist(event));
    }

    /// Takes a step in a partition and does what comes out of it.
    pub(super) fn step<R>(
        &mut self,
        number: u32,
        turn: &mut Turn<'_>,
        call: impl FnOnce(&mut Partition, &mut Step) -> R,
    ) -> Option<R> {
        let Some(Slot::Started(partition)) = self.partitions.get_mut(&number) else {
            return None;
        };
        let mut step = Step::new(&turn.config, turn.now);
        let blocked = partition.is_blocked(&turn.config);
        let result = call(partition, &mut step);
        turn.freed |= step.freed || blocked && !partition.is_blocked(&turn.config);
        if !step.changes.is_empty() {
            let (group, ranges) = (self.id.to_string(), step.changes);
            self.persist(Event::QueueChanged { group, partition: number, ranges }, turn);
        }
        for letter in step.letters {
            turn.out.push(Action::DeadLetter { group: self.id.clone(), letter });
        }
        self.set_timer(number);
        Some(result)
    }

    /// See [`Queues::started`](super::Queues::started).
    pub(super) fn start(&mut self, offsets: &[(u32, u64)], turn: &mut Turn<'_>) {
        let asked = |number| {
            matches!(self.partitions.get(&number), Some(Slot::Unknown { asked: true, .. }))
        };
        let offsets: Vec<_> = offsets.iter().copied().filter(|(n, _)| asked(*n)).collect();
        if !offsets.is_empty() {
            self.restart(offsets, turn);
        }
    }

    /// Begins with partitions, whatever was known of them.
    pub(super) fn restart(&mut self, offsets: Vec<(u32, u64)>, turn: &mut Turn<'_>) {
        for &(number, offset) in &offsets {
            self.forget(number);
            self.partitions.insert(number, Slot::started(Partition::new(number, offset)));
        }
        turn.freed = true;
        let group = self.id.to_string();
        self.persist(Event::QueueStarted { group, offsets }, turn);
    }

    /// Asks where to begin with partitions.
    pub(super) fn ask(&mut self, partitions: Vec<u32>, start: StartAt, turn: &mut Turn<'_>) {
        if partitions.is_empty() {
            return;
        }
        for &number in &partitions {
            self.partitions.insert(number, Slot::Unknown { start, asked: true });
        }
        turn.out.push(Action::FindStart { group: self.id.clone(), partitions, start });
    }

    pub(super) fn not_started(&mut self, numbers: &[u32]) {
        for number in numbers {
            if let Some(Slot::Unknown { asked, .. }) = self.partitions.get_mut(number) {
                *asked = false;
            }
        }
    }

    /// Takes a partition out.
    pub(super) fn forget(&mut self, number: u32) {
        self.partitions.remove(&number);
        self.timers.remove(&number);
    }

    /// Takes the partitions of a topic out.
    pub(super) fn forget_run(&mut self, numbers: Range<u32>) {
        while let Some((&number, _)) = self.partitions.range(numbers.clone()).next() {
            self.forget(number);
        }
    }

    pub(super) fn confirm(
        &mut self,
        member: &str,
        delivery: &Delivery<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Vec<Acquisition>> {
        let member = self.member(member)?.number;
        let confirmed = self.step(delivery.partition, turn, |partition, step| {
            partition.confirm(member, delivery, step)
        });
        Ok(confirmed.unwrap_or_default())
    }

    pub(super) fn acknowledge(
        &mut self,
        member: &str,
        number: u32,
        batches: &[AckBatch<'_>],
        turn: &mut Turn<'_>,
    ) -> Result<()> {
        let member = self.member(member)?.number;
        let done =
            self.step(number, turn, |partition, step| partition.acknowledge(member, batches, step));
        done.unwrap_or_else(|| {
            let text = format!("the group {:?} holds no records of this partition", self.id);
            Err(Error::new(ErrorKind::InvalidRecordState, text))
        })
    }

    pub(super) fn close_session(
        &mut self,
        member: &str,
        session: u64,
        end: SessionEnd,
        turn: &mut Turn<'_>,
    ) {
        let Some(member) = self.members.get_mut(member).filter(|m| m.session == Some(session))
        else {
            return;
        };
        member.session = None;
        let number = member.number;
        let touched = std::mem::take(&mut member.touched);
        let how = match end {
            SessionEnd::Closed => Return::AtOnce,
            SessionEnd::Lost => Return::AfterRest,
        };
        self.free(number, touched, how, turn);
    }

    /// Takes a member out, and all from it that it holds.
    pub(super) fn remove_member(&mut self, id: &str, how: Return, turn: &mut Turn<'_>) {
        let Some((id, member)) = self.members.remove_entry(id) else {
            return;
        };
        turn.changes.push(MemberChange {
            group: self.id.clone(),
            member_id: id.to_string(),
            client_id: member.client_id.clone(),
            joined: false,
        });
        self.sessions.remove(&(member.timer, id));
        for topic in &member.topics {
            self.unsubscribe(topic);
        }
        self.epoch += 1;
        self.free(member.number, member.touched, how, turn);
    }

    fn free(&mut self, member: u64, touched: BTreeSet<u32>, how: Return, turn: &mut Turn<'_>) {
        // Whoever waited for others to come may have a larger share now.
        turn.freed = true;
        self.waiting.stop(member);
        for number in touched {
            self.step(number, turn, |partition, step| partition.free(member, how, step));
        }
    }

    pub(super) fn unsubscribe(&mut self, topic: &str) {
        if let Some(subscribed) = self.topics.get_mut(topic) {
            subscribed.members -= 1;
            if subscribed.members == 0 {
                self.topics.remove(topic);
            }
        }
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, turn: &mut Turn<'_>) {
        self.sweep(turn);
        while let Some((due, id)) = self.sessions.pop_first() {
            if due > turn.now {
                self.sessions.insert((due, id));
                break;
            }
            match self.members.get_mut(&id) {
                Some(member) if member.deadline > turn.now => {
                    member.timer = member.deadline;
                    self.sessions.insert((member.deadline, id));
                }
                _ => self.remove_member(&id, Return::OfMemberGone, turn),
            }
        }
        while let Some(number) = self.timers.pop_due(turn.now) {
            self.step(number, turn, Partition::expire);
        }
        turn.late |= self.waiting.drop_late(turn.now);
    }

    /// Gives up what was delivered too often before the start, or by new settings.
    pub(super) fn sweep(&mut self, turn: &mut Turn<'_>) {
        if !std::mem::take(&mut self.to_sweep) {
            return;
        }
        let numbers: Vec<u32> = self.partitions.keys().copied().collect();
        for number in numbers {
            self.step(number, turn, Partition::sweep);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Millis> {
        let at_once = self.to_sweep.then_some(0);
        let timer = self.timers.next();
        let session = self.sessions.first().map(|(deadline, _)| *deadline);
        [at_once, timer, session, self.waiting.next_deadline()].into_iter().flatten().min()
    }

    pub(super) fn describe(&self) -> QueueDescription {
        let members = self.members.iter().map(|(id, member)| member.describe(id));
        QueueDescription { state: self.state(), epoch: self.epoch, members: members.collect() }
    }

    pub(super) fn state(&self) -> GroupState {
        if self.members.is_empty() { GroupState::Empty } else { GroupState::Stable }
    }

    pub(super) fn offsets(&self) -> Vec<QueueOffsets> {
        self.started().map(Partition::offsets).collect()
    }

    pub(super) fn member(&self, id: &str) -> Result<&Member> {
        self.members.get(id).ok_or_else(|| unknown_member(&self.id, id))
    }

    fn started(&self) -> impl Iterator<Item = &Partition> {
        self.partitions.values().filter_map(|slot| match slot {
            Slot::Started(partition) => Some(&**partition),
            Slot::Unknown { .. } => None,
        })
    }

    /// Makes sure that the partition is called in time. A timer that is too early does no harm.
    fn set_timer(&mut self, number: u32) {
        if let Some(Slot::Started(partition)) = self.partitions.get(&number)
            && let Some(deadline) = partition.next_deadline()
        {
            self.timers.set(&number, deadline);
        }
    }
}

pub(super) fn unknown_member(group: &str, member: &str) -> Error {
    let text = format!("the group {group:?} has no member {member:?}: join it again");
    Error::new(ErrorKind::UnknownMember, text)
}
