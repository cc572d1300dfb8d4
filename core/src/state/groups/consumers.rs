//! What the coordinator and its groups do for consumer groups (KIP-848).

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};
use crate::state::catalog::Catalog;
use crate::state::durable::DurableConsumerGroup;
use crate::state::event::Event;
use crate::state::groups::consumer::{
    ConsumerAnswer, ConsumerGroup, ConsumerGroupDescription, ConsumerHeartbeat,
};
use crate::state::groups::coordinator::Coordinator;
use crate::state::groups::group::{Group, Turn, unknown_member};
use crate::state::groups::types::{Action, GroupState, MemberKey, Now};

impl Coordinator {
    /// Adds what the log has of consumer groups to what [`Coordinator::restore`] has made. Their
    /// members go on where they were, and have a whole session timeout to be heard of.
    pub fn restore_consumers(
        &mut self,
        groups: impl IntoIterator<Item = (String, DurableConsumerGroup)>,
        now: Now,
    ) {
        for (id, durable) in groups {
            let id = self.found(&id);
            if let Some(group) = self.groups.get_mut(&id) {
                let consumer = ConsumerGroup::restored(durable, &self.config, now);
                group.consumer = Some(Box::new(consumer));
                group.logged = true;
            }
            self.set_timer(&id);
        }
    }

    /// The durable part of consumer groups, besides that in [`Coordinator::durable`]: what
    /// replaying their events gives.
    pub fn durable_consumers(&self) -> BTreeMap<String, DurableConsumerGroup> {
        let durable =
            |group: &Group| Some((group.id.to_string(), group.consumer.as_ref()?.durable()));
        self.groups.values().filter_map(durable).collect()
    }

    /// A ConsumerGroupHeartbeat request: joins, keeps up and leaves a consumer group. The answer
    /// may leave when the events of this call are written.
    ///
    /// # Errors
    /// `InvalidRequest`, `UnsupportedAssignor`, `InvalidRegularExpression`; `GroupNotFound` where
    /// there is no such group or it has members of the classic protocol; `UnknownMember`,
    /// `FencedInstance` and `FencedMemberEpoch`, where the member has to give up its partitions
    /// and join again; `UnreleasedInstance`, `GroupFull`.
    pub fn consumer_heartbeat(
        &mut self,
        request: &ConsumerHeartbeat<'_>,
        catalog: &Catalog,
        now: Now,
        out: &mut Vec<Action>,
    ) -> Result<ConsumerAnswer> {
        request.check()?;
        let joins = request.epoch == 0;
        let fits = match self.groups.get(request.group) {
            Some(group) => group.consumer.is_some() || joins && group.state == GroupState::Empty,
            None => joins,
        };
        if !fits {
            return Err(not_found(request.group));
        }
        let id = self.found(request.group);
        let step = |group: &mut Group, turn: &mut Turn<'_>| {
            group.consumer_heartbeat(request, catalog, turn)
        };
        let answer = self.turn(&id, now, out, step);
        answer.expect("the group was looked up or made just now")
    }

    /// A consumer group with its members.
    ///
    /// # Errors
    /// `InvalidGroupId`; `GroupNotFound` where there is no such group or it is a classic one.
    pub fn describe_consumers(
        &self,
        group: &str,
        catalog: &Catalog,
    ) -> Result<ConsumerGroupDescription> {
        if group.is_empty() {
            let text = "a group needs an ID that is not empty";
            return Err(Error::new(ErrorKind::InvalidGroupId, text));
        }
        let consumer = self.groups.get(group).and_then(|found| found.consumer.as_ref());
        consumer.map(|consumer| consumer.describe(catalog)).ok_or_else(|| not_found(group))
    }

    /// Checks who asks for the offsets of a group: in a consumer group, a member has to have its
    /// newest epoch. Whoever is no member, with a negative epoch, may ask at any time.
    ///
    /// # Errors
    /// `UnknownMember`, `StaleMemberEpoch`.
    pub fn check_offset_fetch(&self, group: &str, member_id: &str, epoch: i32) -> Result<()> {
        let consumer = self.groups.get(group).and_then(|found| found.consumer.as_ref());
        match consumer {
            Some(consumer) if epoch >= 0 || !member_id.is_empty() => {
                consumer.check_member(group, member_id, epoch)
            }
            _ => Ok(()),
        }
    }
}

impl Group {
    fn consumer_heartbeat(
        &mut self,
        request: &ConsumerHeartbeat<'_>,
        catalog: &Catalog,
        turn: &mut Turn<'_>,
    ) -> Result<ConsumerAnswer> {
        let is_consumer = self.consumer.is_some();
        let mut consumer =
            self.consumer.take().unwrap_or_else(|| Box::new(ConsumerGroup::new(self.announced)));
        let answer = consumer.heartbeat(request, catalog, turn.config, turn.now);
        // A join that is refused leaves a classic group what it is.
        if is_consumer || answer.is_ok() {
            self.consumer = Some(consumer);
            self.persist_consumers(turn);
        }
        answer
    }

    /// Ends the sessions that have ended by now.
    pub(super) fn tick_consumers(&mut self, turn: &mut Turn<'_>) {
        if let Some(consumer) = &mut self.consumer {
            consumer.tick(turn.now);
            self.persist_consumers(turn);
        }
    }

    /// An administrator removes a static member. A member itself leaves by a heartbeat.
    pub(super) fn leave_consumers(
        &mut self,
        key: MemberKey<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<()> {
        let instance_id = key.instance_id.filter(|_| key.member_id.is_empty());
        let (Some(instance_id), Some(consumer)) = (instance_id, &mut self.consumer) else {
            return Err(unknown_member(&self.id, key.member_id));
        };
        consumer.remove_static(&self.id, instance_id)?;
        self.persist_consumers(turn);
        Ok(())
    }

    /// A member of the classic protocol wants to join: an empty group becomes a classic one.
    pub(super) fn become_classic(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let Some(consumer) = &self.consumer else {
            return Ok(());
        };
        if !consumer.is_empty() {
            let text = format!(
                "the members of group {} speak the consumer protocol (KIP-848): a member of the \
                 classic protocol can join when they have left",
                self.id
            );
            return Err(Error::new(ErrorKind::InconsistentProtocol, text));
        }
        self.generation = self.announced;
        self.consumer = None;
        self.persist(turn);
        Ok(())
    }

    /// Writes into the log what has changed in a consumer group.
    fn persist_consumers(&mut self, turn: &mut Turn<'_>) {
        if let Some(consumer) = &mut self.consumer {
            let id = &self.id;
            consumer.drain_members(|member, joined| turn.note_member(id, member, joined));
        }
        let change = self.consumer.as_mut().and_then(|c| c.take_change(&self.id, turn.now));
        let Some(change) = change else {
            return;
        };
        // What is left of an empty classic group goes.
        self.pending.clear();
        (self.record, self.protocol_type, self.protocol, self.leader) = (None, None, None, None);
        self.announced = self.announced.max(change.epoch);
        self.logged = true;
        turn.out.push(Action::Persist(Event::ConsumerGroupChanged(Box::new(change))));
    }
}

fn not_found(group: &str) -> Error {
    let text =
        format!("there is no consumer group {group}: no member has joined, or a classic one");
    Error::new(ErrorKind::GroupNotFound, text)
}
