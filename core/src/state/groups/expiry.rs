//! What happens to a group when time passes.

use crate::clock::Millis;
use crate::state::event::Event;
use crate::state::groups::group::{Group, Turn};
use crate::state::groups::types::Action;

impl Group {
    /// Ends what has ended by now: IDs that nobody used, sessions, the wait for members that do
    /// not ask for their shares, and the wait for members that do not join.
    pub(super) fn tick(&mut self, turn: &mut Turn<'_>) {
        self.tick_consumers(turn);
        let now = turn.now.steady;
        self.pending.retain(|_, deadline| *deadline > now);
        let silent = |deadline: Option<Millis>| deadline.is_some_and(|deadline| deadline <= now);
        let members = self.members.values().filter(|member| silent(member.deadline()));
        self.remove_members(members.map(|member| member.id.clone()).collect(), turn);
        if silent(self.sync_deadline) {
            let members = self.members.values().filter(|member| member.sync_pending);
            self.remove_members(members.map(|member| member.id.clone()).collect(), turn);
        }
        self.try_complete_join(turn);
        if self.rebalance.is_some_and(|rebalance| rebalance.deadline <= now) {
            self.rebalance_due(turn);
        }
    }

    /// When [`Group::tick`] has something to do next, in steady milliseconds.
    pub(super) fn next_deadline(&self) -> Option<Millis> {
        let pending = self.pending.values().copied();
        let members = self.members.values().filter_map(|member| member.deadline());
        let rebalance = self.rebalance.map(|rebalance| rebalance.deadline);
        let consumers = self.consumer.as_ref().and_then(|consumer| consumer.next_deadline());
        pending.chain(members).chain(self.sync_deadline).chain(rebalance).chain(consumers).min()
    }

    /// Forgets the offsets that have expired, and says whether the group goes with them. Nothing
    /// expires while there are members.
    pub(super) fn expire_offsets(&mut self, turn: &mut Turn<'_>) -> bool {
        if !self.is_empty() {
            return false;
        }
        let empty_since = match (&self.consumer, &self.record) {
            (Some(consumer), _) => consumer.changed_ms,
            (None, Some(record)) => record.changed_ms,
            (None, None) => Millis::MIN,
        };
        let retention_ms = turn.config.offsets_retention_ms;
        let partitions = self.offsets.expired(turn.now.wall, retention_ms, empty_since);
        if !partitions.is_empty() {
            self.offsets.remove(&partitions);
            let group = self.id.to_string();
            turn.out.push(Action::Persist(Event::OffsetsRemoved { group, partitions }));
        }
        self.is_vacant()
    }

    fn remove_members(&mut self, ids: Vec<String>, turn: &mut Turn<'_>) {
        for id in ids {
            self.remove_member(&id, turn);
        }
    }
}
