//! Queue groups: the state machine behind one lock, its events in the log, and what it asks for.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::cell::{Acks, Cell, What};
use super::queue_waiting::{Bells, WaitingRoom};
use super::read::OffsetSpec;
use super::ticket::Ticket;
use super::wake::Wake;
use super::{Broker, Shared};
use crate::error::Result;
use crate::queue::payload::Payload;
use crate::state::event::Event;
use crate::state::group_config::{GroupSettings, ShareAutoOffsetReset};
use crate::state::groups::{GroupDeletion, GroupKind, GroupListing, Now};
use crate::state::queues::{
    AckBatch, Action, DeadLetter, HeartbeatAnswer, HeartbeatRequest, QueueConfig, QueueDescription,
    QueueListing, QueueOffsets, Queues, SessionEnd, StartAt,
};
use crate::state::topic::Topic;

/// The queue groups, and who of them waits.
#[derive(Debug)]
pub(super) struct QueueGroups {
    pub(super) queues: Queues,
    pub(super) rooms: HashMap<String, WaitingRoom>,
    /// What is to be put into dead-letter topics, by the timer's thread.
    letters: Vec<(Arc<str>, DeadLetter)>,
}

/// Where groups wait to be told to begin.
type Starts = Vec<(Arc<str>, Vec<u32>, StartAt)>;

impl QueueGroups {
    pub(super) fn new(queues: Queues) -> Self {
        Self { queues, rooms: HashMap::new(), letters: Vec::new() }
    }

    pub(super) fn room(&mut self, group: &str, bells: &Arc<Bells>) -> &mut WaitingRoom {
        if !self.rooms.contains_key(group) {
            self.rooms.insert(group.to_owned(), WaitingRoom::new(group, bells));
        }
        self.rooms.get_mut(group).expect("it was put there if it was not there")
    }

    /// A member does not wait any more.
    pub(super) fn leave_room(&mut self, group: &str, member: &str) {
        if let Some(room) = self.rooms.get_mut(group) {
            room.leave(member);
            if room.is_empty() {
                self.rooms.remove(group);
            }
        }
    }

    pub(super) fn take_letters(&mut self) -> Vec<(Arc<str>, DeadLetter)> {
        std::mem::take(&mut self.letters)
    }
}

/// The state machine's part of a group's settings.
pub(super) fn queue_config(settings: &GroupSettings) -> QueueConfig {
    QueueConfig {
        lock_duration_ms: settings.share_record_lock_duration_ms,
        delivery_count_limit: settings.share_delivery_count_limit,
        start: match settings.share_auto_offset_reset {
            ShareAutoOffsetReset::Latest => StartAt::Latest,
            ShareAutoOffsetReset::Earliest => StartAt::Earliest,
            ShareAutoOffsetReset::ByDuration(ms) => {
                StartAt::ByDuration(i64::try_from(ms).unwrap_or(i64::MAX))
            }
        },
        session_timeout_ms: settings.share_session_timeout_ms,
        heartbeat_interval_ms: settings.share_heartbeat_interval_ms,
        dead_letter: settings.buries(),
        retry_backoff_ms: settings.retry_backoff_ms,
        retry_backoff_max_ms: settings.retry_backoff_max_ms,
        record_locks_max: settings.share_partition_max_record_locks.into(),
        ..QueueConfig::default()
    }
}

impl Broker {
    /// A member of a queue group says that it is alive, joins or leaves.
    ///
    /// # Errors
    /// `GroupNotFound` where the ID belongs to a group of another kind; what
    /// [`Queues::heartbeat`] says.
    pub fn heartbeat_queue(&self, request: &HeartbeatRequest) -> Result<HeartbeatAnswer> {
        let shared = &*self.shared;
        if request.member_epoch == 0 {
            shared.refuse_consumers(&request.group)?;
        }
        shared.with_queues(|queues, now, out| {
            let registry = shared.registry();
            queues.queues.heartbeat(request, &registry.catalog, now, out)
        })
    }

    /// Notes that a member has a new connection; see [`Queues::open_session`].
    ///
    /// # Errors
    /// `UnknownMember`.
    pub fn open_queue_session(&self, group: &str, member: &str) -> Result<u64> {
        self.shared.with_queues(|queues, _, _| queues.queues.open_session(group, member))
    }

    /// A member's connection came to its end: what it holds is for others.
    pub fn close_queue_session(&self, group: &str, member: &str, session: u64, end: SessionEnd) {
        self.shared.with_queues(|queues, now, out| {
            queues.queues.close_session(group, member, session, end, now, out);
        });
    }

    /// A member acknowledges records; a result for each partition, and a ticket: they hold when
    /// it does. Call [`Broker::drain`] afterwards.
    pub fn acknowledge_queue(
        &self,
        group: &str,
        member: &str,
        partitions: &[(u32, Vec<AckBatch<'_>>)],
        wake: Option<(Arc<dyn Wake>, usize)>,
    ) -> (Vec<Result<()>>, Arc<Ticket>) {
        let shared = &*self.shared;
        let mut actions = Vec::new();
        let mut queues = shared.queues();
        let now = shared.now();
        let results = partitions
            .iter()
            .map(|(number, batches)| {
                queues.queues.acknowledge(group, member, *number, batches, now, &mut actions)
            })
            .collect();
        let ticket = shared.submit_queue_events(&mut actions, wake);
        shared.finish_queues(queues, actions);
        (results, ticket)
    }

    /// For how long records of a queue group are locked, in milliseconds.
    pub fn queue_lock_ms(&self, group: &str) -> i32 {
        let lock_ms = self.shared.look_at_queues(|queues| queues.config(group).lock_duration_ms);
        i32::try_from(lock_ms).unwrap_or(i32::MAX)
    }

    /// All queue groups, by ID in order.
    pub(super) fn queue_groups(&self) -> Vec<GroupListing> {
        let listing = |queue: QueueListing| GroupListing {
            kind: GroupKind::Share,
            group: queue.group,
            protocol_type: GroupKind::Share.name().to_owned(),
            state: queue.state,
        };
        self.shared.look_at_queues(|queues| queues.list().map(listing).collect())
    }

    /// A queue group with its members; `Dead` where there is no such group.
    pub fn describe_queue(&self, group: &str) -> QueueDescription {
        self.shared.look_at_queues(|queues| queues.describe(group))
    }

    /// How far a queue group is, by partition number in order; none where there is no such group.
    pub fn queue_offsets(&self, group: &str) -> Option<Vec<QueueOffsets>> {
        self.shared.look_at_queues(|queues| queues.offsets(group))
    }

    /// Lets a queue group without members begin anew at these offsets, by partition number. When
    /// this returns, that survives a power cut.
    ///
    /// # Errors
    /// `InvalidRequest`, `NonEmptyGroup`, and `GroupNotFound` where the ID belongs to a group of
    /// another kind.
    pub fn reset_queue(&self, group: &str, offsets: &[(u32, u64)]) -> Result<()> {
        self.shared.refuse_consumers(group)?;
        self.shared
            .change_queues(|queues, now, out| queues.queues.reset_offsets(group, offsets, now, out))
    }

    /// Lets a queue group without members forget partitions, by number. When this returns, that
    /// survives a power cut.
    ///
    /// # Errors
    /// `NonEmptyGroup`.
    pub fn forget_queue_offsets(&self, group: &str, partitions: &[u32]) -> Result<()> {
        self.shared.change_queues(|queues, now, out| {
            queues.queues.forget_offsets(group, partitions, now, out)
        })
    }

    /// Deletes a queue group that has no members, with its offsets.
    pub(super) fn delete_queue(&self, group: &str) -> GroupDeletion {
        self.shared.with_queues(|queues, _, out| queues.queues.delete(group, out))
    }
}

impl Shared {
    pub(super) fn queues(&self) -> MutexGuard<'_, QueueGroups> {
        // As for the coordinator of the other groups.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a queue group has this ID.
    pub(super) fn is_queue(&self, group: &str) -> bool {
        self.look_at_queues(|queues| queues.has(group))
    }

    /// Asks the state machine something that changes nothing.
    fn look_at_queues<T>(&self, ask: impl FnOnce(&Queues) -> T) -> T {
        let answer = ask(&self.queues().queues);
        // Whoever found the lock taken meanwhile leaves the bells to us.
        self.answer_bells();
        answer
    }

    /// Calls the state machine and does what it asks for.
    pub(super) fn with_queues<T>(
        &self,
        call: impl FnOnce(&mut QueueGroups, Now, &mut Vec<Action>) -> T,
    ) -> T {
        let mut actions = Vec::new();
        let mut queues = self.queues();
        let result = call(&mut queues, self.now(), &mut actions);
        self.finish_queues(queues, actions);
        result
    }

    /// As [`Shared::with_queues`], but waits until what has changed is on the disk.
    fn change_queues(
        &self,
        call: impl FnOnce(&mut QueueGroups, Now, &mut Vec<Action>) -> Result<()>,
    ) -> Result<()> {
        let mut actions = Vec::new();
        let mut queues = self.queues();
        call(&mut queues, self.now(), &mut actions)?;
        let ticket = self.submit_queue_events(&mut actions, None);
        self.finish_queues(queues, actions);
        self.wait(&ticket).into_iter().try_for_each(|result| result.map(drop))
    }

    /// Takes the events out of `actions` and submits them, to be synced at once. The caller holds
    /// the lock, so that the log has the events of a group in their order.
    fn submit_queue_events(
        &self,
        actions: &mut Vec<Action>,
        wake: Option<(Arc<dyn Wake>, usize)>,
    ) -> Arc<Ticket> {
        let is_event = |action: &mut Action| matches!(action, Action::Persist(_));
        let events: Vec<Action> = actions.extract_if(.., is_event).collect();
        let ticket = Ticket::new(events.len(), wake);
        for (slot, action) in (0..).zip(&events) {
            if let Action::Persist(event) = action {
                self.submit_event(event, Some((ticket.clone(), slot)));
            }
        }
        ticket
    }

    /// Does what was asked for under the lock, gives it back, and does the rest.
    fn finish_queues(&self, mut queues: MutexGuard<'_, QueueGroups>, actions: Vec<Action>) {
        let (mut starts, mut persisted) = (Starts::new(), false);
        let letters = queues.letters.len();
        for action in actions {
            match action {
                Action::Persist(event) => {
                    // Under the lock, so that the log has the events of a group in their order.
                    self.submit_queue_event(&event);
                    self.tell_logged(&event);
                    persisted = true;
                }
                Action::FindStart { group, partitions, start } => {
                    starts.push((group, partitions, start));
                }
                Action::Available { group } => {
                    if let Some(room) = queues.rooms.get(&*group) {
                        room.wake_all();
                    }
                }
                Action::DeadLetter { group, letter } => queues.letters.push((group, letter)),
            }
        }
        self.tell_members(queues.queues.take_member_changes());
        let has_letters = queues.letters.len() > letters;
        let deadline = queues.queues.next_deadline();
        drop(queues);
        if persisted {
            self.drain();
        }
        self.timer.moved(if has_letters { Some(i64::MIN) } else { deadline });
        self.idle.ring();
        self.answer_bells();
        self.find_starts(starts);
    }

    /// Deliveries and what became of them need not be on the disk at once: after a power cut, a
    /// record is delivered once more.
    fn submit_queue_event(&self, event: &Event) {
        if !matches!(event, Event::QueueChanged { .. }) {
            self.submit_event(event, None);
            return;
        }
        let cell = Cell {
            what: What::Event,
            acks: Acks::Written,
            payload: Payload::copy_of(&event.encode()),
            reply: None,
            slot: 0,
        };
        // The broker is closing, or its log has failed, which it has said.
        let _ = self.push(cell);
    }

    /// Looks up where groups begin.
    fn find_starts(&self, starts: Starts) {
        for (group, partitions, start) in starts {
            let found: Result<Vec<(u32, u64)>> = partitions
                .iter()
                .filter_map(|number| {
                    let partition = self.registry().partition(*number).cloned()?;
                    let spec = match start {
                        StartAt::Earliest => OffsetSpec::Earliest,
                        StartAt::Latest => OffsetSpec::Latest,
                        StartAt::ByDuration(age) => {
                            OffsetSpec::At(self.clock.wall().saturating_sub(age))
                        }
                    };
                    let end = partition.high_watermark();
                    let offset = self.find_offset(&partition, spec);
                    Some(offset.map(|found| (*number, found.map_or(end, |(offset, _)| offset))))
                })
                .collect();
            self.with_queues(|queues, now, out| match found {
                Ok(offsets) => queues.queues.started(&group, &offsets, now, out),
                Err(_) => queues.queues.not_started(&group, &partitions),
            });
        }
    }

    /// Forgets the partitions of a topic that was deleted.
    pub(super) fn forget_queues(&self, topic: &Topic) {
        self.with_queues(|queues, _, _| queues.queues.topic_deleted(topic));
    }
}

/// The queue groups that the log has, with their settings.
pub(super) fn recovered(mut queues: Queues, configured: &[(String, GroupSettings)]) -> QueueGroups {
    for (group, settings) in configured {
        queues.set_config(group, Some(queue_config(settings)));
    }
    QueueGroups::new(queues)
}
