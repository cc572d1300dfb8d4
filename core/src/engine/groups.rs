//! Groups: the coordinator behind one lock, its events in the log, and its answers delivered.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::ticket::Ticket;
use super::topics::random_id;
use super::wake::{Waiter, Wake};
use super::{Broker, Config, Shared};
use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::state::event::Event;
use crate::state::groups::{
    Action, CommitRequest, ConsumerAnswer, ConsumerGroupDescription, ConsumerHeartbeat,
    Coordinator, GroupConfig, GroupDeletion, GroupDescription, GroupListing, JoinAnswer,
    JoinRequest, MemberKey, Now, OffsetDeletion, ReplyId, SyncAnswer, SyncRequest,
};
use crate::state::offsets::CommittedOffset;
use crate::state::topic::Topic;

/// A join's answer: the member's ID, and what became of it.
pub type Joined = (String, Result<JoinAnswer>);

/// An answer that may take long. Dropping it takes nothing back: see [`Broker::forget`].
#[derive(Debug)]
pub struct Deferred<T> {
    reply: ReplyId,
    place: Arc<Place<T>>,
}

#[derive(Debug)]
struct Place<T> {
    answer: Mutex<Option<T>>,
    waiter: Waiter,
}

impl<T> Deferred<T> {
    /// Takes the answer out if it is there.
    pub fn take(&self) -> Option<T> {
        self.place.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<T> Place<T> {
    fn put(&self, answer: T) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        self.waiter.wake();
    }
}

/// The coordinator and who waits for its answers.
#[derive(Debug)]
pub(super) struct Groups {
    coordinator: Coordinator,
    joins: HashMap<ReplyId, Arc<Place<Joined>>>,
    syncs: HashMap<ReplyId, Arc<Place<Result<SyncAnswer>>>>,
    next_reply: u64,
}

/// The groups' timer: a thread that sleeps until the next deadline.
#[derive(Debug, Default)]
pub(super) struct Timer {
    state: Mutex<TimerState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct TimerState {
    /// The deadline that the thread sleeps until, if it sleeps until one; while it works, the
    /// earliest that it was told of meanwhile.
    until: Option<Millis>,
    works: bool,
    moved: bool,
    closed: bool,
}

impl Groups {
    pub(super) fn new(coordinator: Coordinator) -> Self {
        Self { coordinator, joins: HashMap::new(), syncs: HashMap::new(), next_reply: 0 }
    }

    fn next_reply(&mut self) -> ReplyId {
        self.next_reply += 1;
        ReplyId(self.next_reply)
    }
}

/// The coordinator's part of the broker's settings.
pub(super) fn group_config(config: &Config) -> GroupConfig {
    let millis = |duration: Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    GroupConfig {
        initial_rebalance_delay_ms: millis(config.group_initial_rebalance_delay),
        session_timeout_min_ms: millis(config.group_session_timeout_min),
        session_timeout_max_ms: millis(config.group_session_timeout_max),
        members_max: config.group_size_max,
        offsets_retention_ms: Millis::try_from(config.offsets_retention.as_millis())
            .unwrap_or(Millis::MAX),
        consumer_session_timeout_ms: millis(config.group_consumer_session_timeout),
        consumer_heartbeat_interval_ms: millis(config.group_consumer_heartbeat_interval),
        ..GroupConfig::default()
    }
}

impl Broker {
    /// Joins a group. `request.reply` and `request.new_member_id` are set here. The answer may
    /// take as long as a rebalance; `wake` is called with `token` when it is there.
    pub fn join_group(
        &self,
        mut request: JoinRequest,
        wake: &Arc<dyn Wake>,
        token: usize,
    ) -> Result<Deferred<Joined>> {
        self.shared.refuse_queue(&request.group, ErrorKind::InconsistentProtocol)?;
        let place = Arc::new(Place { answer: Mutex::default(), waiter: Waiter::new(wake, token) });
        request.new_member_id = format!("{}-{}", request.client_id, uuid_text(&random_id()?));
        let reply = self.shared.with_groups(|groups, now, out| {
            let reply = groups.next_reply();
            groups.joins.insert(reply, place.clone());
            request.reply = reply;
            groups.coordinator.join(request, now, out);
            reply
        });
        Ok(Deferred { reply, place })
    }

    /// Hands in or asks for the assignment of a generation; as [`Broker::join_group`].
    pub fn sync_group(
        &self,
        mut request: SyncRequest,
        wake: &Arc<dyn Wake>,
        token: usize,
    ) -> Deferred<Result<SyncAnswer>> {
        let place = Arc::new(Place { answer: Mutex::default(), waiter: Waiter::new(wake, token) });
        let reply = self.shared.with_groups(|groups, now, out| {
            let reply = groups.next_reply();
            groups.syncs.insert(reply, place.clone());
            request.reply = reply;
            groups.coordinator.sync(request, now, out);
            reply
        });
        Deferred { reply, place }
    }

    /// Says that nobody waits for an answer any more: its connection is gone.
    pub fn forget<T>(&self, deferred: &Deferred<T>) {
        self.shared.with_groups(|groups, now, _| {
            groups.joins.remove(&deferred.reply);
            groups.syncs.remove(&deferred.reply);
            groups.coordinator.forget_reply(deferred.reply, now);
        });
    }

    /// A member says that it is alive.
    pub fn heartbeat(&self, group: &str, member: MemberKey<'_>, generation: i32) -> Result<()> {
        self.shared.with_groups(|groups, now, _| {
            groups.coordinator.heartbeat(group, member, generation, now)
        })
    }

    /// Members leave a group; a result for each.
    pub fn leave_group(&self, group: &str, members: &[MemberKey<'_>]) -> Result<Vec<Result<()>>> {
        self.shared
            .with_groups(|groups, now, out| groups.coordinator.leave(group, members, now, out))
    }

    /// Commits offsets; a result for each entry, and a ticket: the commit holds, and may be
    /// acknowledged, when the ticket does. Call [`Broker::drain`] afterwards.
    pub fn commit_offsets(
        &self,
        request: &CommitRequest<'_>,
        wake: Option<(Arc<dyn Wake>, usize)>,
    ) -> Result<(Vec<Result<()>>, Arc<Ticket>)> {
        self.shared.refuse_queue(request.group, ErrorKind::GroupNotFound)?;
        let mut actions = Vec::new();
        let mut groups = self.shared.groups();
        let now = self.shared.now();
        let results = groups.coordinator.commit(request, now, &mut actions)?;
        let events: Vec<Event> = actions
            .into_iter()
            .filter_map(|action| match action {
                Action::Persist(event) => Some(event),
                Action::JoinReply { .. } | Action::SyncReply { .. } => None,
            })
            .collect();
        let ticket = Ticket::new(events.len(), wake);
        for (slot, event) in (0..).zip(&events) {
            // Under the lock, so that the log has the commits of a group in their order.
            self.shared.submit_event(event, Some((ticket.clone(), slot)));
        }
        drop(groups);
        self.shared.timer.moved(None);
        self.shared.idle.ring();
        Ok((results, ticket))
    }

    /// A member of a consumer group (KIP-848) joins, keeps up or leaves.
    pub fn consumer_heartbeat(&self, request: &ConsumerHeartbeat<'_>) -> Result<ConsumerAnswer> {
        self.shared.refuse_queue(request.group, ErrorKind::GroupNotFound)?;
        self.shared.with_groups(|groups, now, out| {
            let registry = self.shared.registry();
            groups.coordinator.consumer_heartbeat(request, &registry.catalog, now, out)
        })
    }

    /// An ID that was never used, for a member whose client does not make one.
    pub fn new_member_id(&self) -> Result<String> {
        Ok(uuid_text(&random_id()?))
    }

    /// A consumer group (KIP-848) with its members.
    pub fn describe_consumer_group(&self, group: &str) -> Result<ConsumerGroupDescription> {
        let groups = self.shared.groups();
        let registry = self.shared.registry();
        groups.coordinator.describe_consumers(group, &registry.catalog)
    }

    /// Checks whether a member of a consumer group may ask what the group has committed: with its
    /// newest epoch. Who is no member says so by a negative epoch, and may.
    pub fn check_offset_fetch(&self, group: &str, member_id: &str, epoch: i32) -> Result<()> {
        self.shared.groups().coordinator.check_offset_fetch(group, member_id, epoch)
    }

    /// What a group has committed, by partition number in order.
    pub fn committed_offsets(&self, group: &str) -> Vec<(u32, CommittedOffset)> {
        let groups = self.shared.groups();
        let Some(offsets) = groups.coordinator.fetch_offsets(group) else {
            return Vec::new();
        };
        offsets.iter().map(|(partition, offset)| (partition, offset.clone())).collect()
    }

    /// All groups, by ID in order.
    pub fn groups(&self) -> Vec<GroupListing> {
        let mut all: Vec<_> = self.shared.groups().coordinator.list().collect();
        all.extend(self.queue_groups());
        all.sort_unstable_by(|a, b| a.group.cmp(&b.group));
        all
    }

    /// A group with its members.
    pub fn describe_group(&self, group: &str) -> GroupDescription {
        self.shared.groups().coordinator.describe(group)
    }

    /// Deletes a group that has no members, with its offsets.
    pub fn delete_group(&self, group: &str) -> GroupDeletion {
        if self.shared.is_queue(group) {
            return self.delete_queue(group);
        }
        self.shared.with_groups(|groups, _, out| groups.coordinator.delete_group(group, out))
    }

    /// Deletes what a group committed for some partitions, each given with its topic.
    pub fn delete_offsets(&self, group: &str, partitions: &[(u32, &str)]) -> OffsetDeletion {
        self.shared
            .with_groups(|groups, _, out| groups.coordinator.delete_offsets(group, partitions, out))
    }

    /// The topic that a broker-wide partition number belongs to, and the partition's index.
    pub fn locate_partition(&self, number: u32) -> Option<(Arc<Topic>, u32)> {
        let registry = self.shared.registry();
        registry.catalog.partition(number).map(|(topic, index)| (topic.clone(), index))
    }
}

impl Shared {
    fn groups(&self) -> MutexGuard<'_, Groups> {
        // The coordinator is a state machine without I/O; a panic in it would be a bug that the
        // next rebalance repairs.
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails with `kind` where the ID is that of a queue group.
    fn refuse_queue(&self, group: &str, kind: ErrorKind) -> Result<()> {
        if !self.is_queue(group) {
            return Ok(());
        }
        let text = format!("{group:?} is a queue group, not one of consumers: choose another ID");
        Err(Error::new(kind, text))
    }

    /// Fails where the ID is that of a group of consumers.
    pub(super) fn refuse_consumers(&self, group: &str) -> Result<()> {
        if !self.is_consumers(group) {
            return Ok(());
        }
        let text = format!("{group:?} is a group of consumers, not of a queue: choose another ID");
        Err(Error::new(ErrorKind::GroupNotFound, text))
    }

    pub(super) fn now(&self) -> Now {
        Now { steady: self.clock.steady(), wall: self.clock.wall() }
    }

    /// Calls the coordinator and does what it asks for. Events are submitted under the lock, so
    /// that the log has them in their order; answers do not wait for the disk: a membership that
    /// a power cut takes is found again by joining again.
    fn with_groups<T>(&self, call: impl FnOnce(&mut Groups, Now, &mut Vec<Action>) -> T) -> T {
        let mut actions = Vec::new();
        let mut groups = self.groups();
        let result = call(&mut groups, self.now(), &mut actions);
        let persisted = self.carry_out(&mut groups, actions);
        self.tell_members(groups.coordinator.take_member_changes());
        let deadline = groups.coordinator.next_deadline();
        drop(groups);
        if persisted {
            self.drain();
        }
        self.timer.moved(deadline);
        self.idle.ring();
        result
    }

    fn carry_out(&self, groups: &mut Groups, actions: Vec<Action>) -> bool {
        let mut persisted = false;
        for action in actions {
            match action {
                Action::Persist(event) => {
                    self.note_group(&event);
                    self.submit_event(&event, None);
                    self.tell_logged(&event);
                    persisted = true;
                }
                Action::JoinReply { reply, member_id, answer } => {
                    if let Some(place) = groups.joins.remove(&reply) {
                        place.put((member_id, answer));
                    }
                }
                Action::SyncReply { reply, answer } => {
                    if let Some(place) = groups.syncs.remove(&reply) {
                        place.put(answer);
                    }
                }
            }
        }
        persisted
    }

    fn note_group(&self, event: &Event) {
        use crate::sys::event_log::Level;
        if let Event::GroupStable(record) = event {
            let text = format_args!(
                "group {}: generation {} with {} members",
                record.group,
                record.generation,
                record.members.len()
            );
            self.events.log(Level::Info, text);
        }
        if let Event::ConsumerGroupChanged(change) = event
            && !change.removed.is_empty()
        {
            let text = format_args!(
                "group {}: epoch {} without {}",
                change.group,
                change.epoch,
                change.removed.join(", ")
            );
            self.events.log(Level::Info, text);
        }
    }

    pub(super) fn forget_offsets(&self, topic: &Topic) {
        self.groups().coordinator.topic_deleted(topic);
        self.idle.ring();
    }

    /// Whether a group has this ID that is not one of a queue.
    pub(super) fn is_consumers(&self, group: &str) -> bool {
        self.groups().coordinator.has(group)
    }

    /// The timer's thread.
    pub(super) fn run_timer(&self) {
        loop {
            let deadline = {
                let _rounds = self.rounds();
                self.timer_round()
            };
            if self.timer.sleep(deadline, || self.clock.steady()) {
                return;
            }
        }
    }

    /// One round of the timer's work at a time: dead letters are buried once.
    pub(super) fn rounds(&self) -> MutexGuard<'_, ()> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what is due in the groups, and says when something will be next. The caller holds
    /// [`Shared::rounds`].
    pub(super) fn timer_round(&self) -> Option<Millis> {
        let groups = self.with_groups(|groups, now, out| {
            groups.coordinator.tick(now, out);
            groups.coordinator.next_deadline()
        });
        let queues = self.with_queues(|queues, now, out| {
            queues.queues.tick(now, out);
            queues.queues.next_deadline()
        });
        self.bury();
        groups.into_iter().chain(queues).min()
    }

    /// When the next thing is due that something else may depend on; that offsets expire is not.
    pub(super) fn next_step(&self) -> Option<Millis> {
        let groups = self.groups().coordinator.next_timer();
        let queues = self.queues().queues.next_deadline();
        groups.into_iter().chain(queues).min()
    }

    /// Forgets the committed offsets that have expired by now.
    pub(super) fn expire_offsets(&self) {
        self.with_groups(|groups, now, out| groups.coordinator.expire_offsets(now, out));
    }
}

impl Timer {
    /// Says what the next deadline is now. Wakes the thread only if it would sleep for too long.
    pub(super) fn moved(&self, deadline: Option<Millis>) {
        let Some(deadline) = deadline else { return };
        let mut state = self.lock();
        if state.until.is_some_and(|until| until <= deadline) {
            return;
        }
        if state.works {
            state.until = Some(deadline);
        } else {
            state.moved = true;
            self.changed.notify_one();
        }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Sleeps until `deadline` or until it moves. Returns whether it is time to end.
    fn sleep(&self, deadline: Option<Millis>, now: impl Fn() -> Millis) -> bool {
        let mut state = self.lock();
        state.until = state.until.into_iter().chain(deadline).min();
        state.works = false;
        loop {
            let left = state.until.map(|until| until.saturating_sub(now()));
            let is_due = left.is_some_and(|left| left <= 0);
            if state.closed || state.moved || is_due {
                // What is found out while the thread works, it may have looked for already.
                (state.until, state.works, state.moved) = (None, true, false);
                return state.closed;
            }
            state = match left {
                Some(left) => {
                    let left = Duration::from_millis(left.unsigned_abs());
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, TimerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An ID as text (RFC 9562 section 4).
fn uuid_text(id: &[u8; 16]) -> String {
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    format!("{a}-{b}-{c}-{d}-{e}")
}
