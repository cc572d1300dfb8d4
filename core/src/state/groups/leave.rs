//! Members that leave, or are made to.

use crate::error::Result;
use crate::state::groups::group::{Group, Turn, unknown_member};
use crate::state::groups::member::Waiting;
use crate::state::groups::types::{GroupState, MemberKey, ReplyId};

impl Group {
    /// A member leaves. An administrator names a static member by its instance ID alone.
    pub(super) fn leave(&mut self, key: MemberKey<'_>, turn: &mut Turn<'_>) -> Result<()> {
        if self.consumer.is_some() {
            return self.leave_consumers(key, turn);
        }
        if self.pending.remove(key.member_id).is_some() {
            self.try_complete_join(turn);
            return Ok(());
        }
        let named = key.instance_id.filter(|_| key.member_id.is_empty());
        let member_id = match named.map(|instance_id| self.statics.get(instance_id)) {
            Some(None) => return Err(unknown_member(&self.id, key.member_id)),
            Some(Some(member_id)) => member_id.clone(),
            None => {
                self.check_member(key)?;
                key.member_id.to_owned()
            }
        };
        self.remove_member(&member_id, turn);
        Ok(())
    }

    /// Takes a member out, if it is there, and lets the others share its work.
    pub(super) fn remove_member(&mut self, member_id: &str, turn: &mut Turn<'_>) {
        let Some(member) = self.members.remove(member_id) else {
            return;
        };
        turn.note_member(&self.id, (member_id, &member.client_id), false);
        if let Some(instance_id) = &member.instance_id {
            self.statics.remove(instance_id);
        }
        // The ID is of no use any more, so a client that still waits starts anew, without one.
        turn.join_reply(member.join, "", Err(unknown_member(&self.id, member_id)));
        turn.sync_reply(member.sync, Err(unknown_member(&self.id, member_id)));
        if self.is_leader(member_id) {
            // One that waits for its join is preferred when the rebalance ends.
            self.leader = self.members.keys().next().cloned();
        }
        match self.state {
            GroupState::Stable | GroupState::CompletingRebalance => self.prepare_rebalance(turn),
            GroupState::PreparingRebalance => self.try_complete_join(turn),
            _ => {}
        }
    }

    /// The connection of a member that waits for an answer is gone.
    pub(super) fn forget_reply(&mut self, reply: ReplyId, turn: &Turn<'_>) {
        let waits = Waiting::For(reply);
        let waiting = self.members.values_mut().find(|m| m.join == waits || m.sync == waits);
        if let Some(member) = waiting {
            member.forget(reply, turn.now);
        }
    }
}
