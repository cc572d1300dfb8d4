//! JoinGroup: new members, members that come again, and static members that were restarted.

use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::state::groups::group::{Group, Turn};
use crate::state::groups::member::{Member, Waiting};
use crate::state::groups::types::{GroupState, JoinRequest, MemberKey};

/// The most protocols that a member may speak; clients speak one to three.
const PROTOCOLS_MAX: usize = 100;

impl Group {
    /// A member joins. It is answered now or when the rebalance ends.
    pub(super) fn join(&mut self, request: JoinRequest, turn: &mut Turn<'_>) {
        let reply = request.reply;
        let member_id = request.member_id.clone();
        let result = self.become_classic(turn).and_then(|()| self.try_join(request, turn));
        if let Err(error) = result {
            turn.refuse_join(reply, &member_id, error);
        }
        self.try_complete_join(turn);
    }

    fn try_join(&mut self, request: JoinRequest, turn: &mut Turn<'_>) -> Result<()> {
        let is_known = !request.member_id.is_empty();
        let instance_id = request.instance_id.as_ref().filter(|_| !is_known);
        let replaced = instance_id.and_then(|id| self.statics.get(id)).cloned();
        let place = replaced.clone().unwrap_or_else(|| request.member_id.clone());
        self.check_room(&place, turn)?;
        self.check_protocols(&request, &place)?;
        if is_known {
            return self.join_known(request, turn);
        }
        if let Some(old_id) = replaced {
            self.replace_static(&old_id, request, turn);
        } else if request.require_known_member_id && request.instance_id.is_none() {
            self.hand_out_id(request, turn);
        } else {
            self.add_member(request.new_member_id.clone(), request, turn);
        }
        Ok(())
    }

    /// A member that brings an ID.
    fn join_known(&mut self, request: JoinRequest, turn: &mut Turn<'_>) -> Result<()> {
        let member_id = request.member_id.clone();
        if request.instance_id.is_none() && self.pending.remove(&member_id).is_some() {
            self.add_member(member_id, request, turn);
            return Ok(());
        }
        let instance_id = request.instance_id.as_deref();
        self.check_member(MemberKey { member_id: &member_id, instance_id })?;
        // A member that joins again and changes nothing has probably missed the answer. From the
        // leader of a stable group it means more: that something else calls for a rebalance.
        let unchanged = self.members[&member_id].protocols == request.protocols;
        let repeats = match self.state {
            GroupState::CompletingRebalance => unchanged,
            GroupState::Stable => unchanged && !self.is_leader(&member_id),
            _ => false,
        };
        if repeats {
            self.heard_of(&member_id, turn.now);
            let answer = self.join_answer(&member_id);
            turn.join_reply(Waiting::For(request.reply), &member_id, Ok(answer));
        } else {
            self.update_member(&member_id, request, turn);
            self.rebalance_unless_preparing(turn);
        }
        Ok(())
    }

    /// Gives a new member an ID with which it has to join again (KIP-394).
    fn hand_out_id(&mut self, request: JoinRequest, turn: &mut Turn<'_>) {
        let session_ms = Millis::from(request.session_timeout_ms);
        let deadline = turn.now.steady.saturating_add(session_ms);
        let text = format!("group {} has a new member, which has to join with its ID", self.id);
        let error = Error::new(ErrorKind::MemberIdRequired, text);
        turn.refuse_join(request.reply, &request.new_member_id, error);
        self.pending.insert(request.new_member_id, deadline);
    }

    fn add_member(&mut self, member_id: String, request: JoinRequest, turn: &mut Turn<'_>) {
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type.clone());
            self.leader = None;
        }
        self.leader.get_or_insert_with(|| member_id.clone());
        turn.note_member(&self.id, (&member_id, &request.client_id), true);
        self.insert(Member::new(member_id, request, turn.now));
        if let Some(initial) = self.rebalance.as_mut().and_then(|r| r.initial.as_mut()) {
            initial.member_added = true;
        }
        self.rebalance_unless_preparing(turn);
    }

    /// A static member was restarted: it takes its predecessor's place under a new ID (KIP-345).
    fn replace_static(&mut self, old_id: &str, request: JoinRequest, turn: &mut Turn<'_>) {
        let Some(mut member) = self.members.remove(old_id) else {
            return;
        };
        let fenced = self.fenced(member.instance_id.as_deref().unwrap_or_default());
        let (join, sync) = (member.join, member.sync);
        (member.join, member.sync) = (Waiting::No, Waiting::No);
        turn.join_reply(join, old_id, Err(fenced.clone()));
        turn.sync_reply(sync, Err(fenced));
        let old_leader = self.leader.clone().unwrap_or_default();
        let new_id = request.new_member_id.clone();
        if self.is_leader(old_id) {
            self.leader = Some(new_id.clone());
        }
        let skips = request.supports_skip_assignment;
        member.id.clone_from(&new_id);
        member.heard_of(turn.now);
        turn.note_member(&self.id, (old_id, &member.client_id), false);
        member.update(request, turn.now);
        turn.note_member(&self.id, (&new_id, &member.client_id), true);
        self.insert(member);
        match self.state {
            GroupState::Stable if self.select_protocol() == self.protocol => {
                self.answer_replaced(&new_id, old_leader, skips, turn);
            }
            // The leader may have been told the old ID, so its assignment would miss this member.
            GroupState::Stable | GroupState::CompletingRebalance => self.prepare_rebalance(turn),
            _ => {}
        }
    }

    /// Answers a static member that came back to a stable group, which goes on as it was.
    fn answer_replaced(
        &mut self,
        member_id: &str,
        old_leader: String,
        skips: bool,
        turn: &mut Turn<'_>,
    ) {
        self.persist(turn);
        let mut answer = self.join_answer(member_id);
        if skips {
            answer.skip_assignment = self.is_leader(member_id);
        } else {
            // A leader would compute an assignment that nobody asks for. It must not find out
            // that it leads, so it is told the ID that it had before (KAFKA-8500, KAFKA-9801).
            answer.leader = old_leader;
            answer.members = Vec::new();
        }
        if let Some(member) = self.members.get_mut(member_id) {
            let waiting = std::mem::replace(&mut member.join, Waiting::No);
            turn.join_reply(waiting, member_id, Ok(answer));
        }
    }

    fn update_member(&mut self, member_id: &str, request: JoinRequest, turn: &mut Turn<'_>) {
        let superseded = self.rebalance_in_progress();
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        turn.join_reply(member.join, member_id, Err(superseded));
        member.update(request, turn.now);
    }

    fn rebalance_unless_preparing(&mut self, turn: &mut Turn<'_>) {
        if self.state != GroupState::PreparingRebalance {
            self.prepare_rebalance(turn);
        }
    }

    /// Checks that the group has room for the sender, which has the place of `member_id` if that
    /// is a member. Without room it loses this place.
    fn check_room(&mut self, member_id: &str, turn: &mut Turn<'_>) -> Result<()> {
        let limit = turn.config.members_max;
        // In a rebalance, dynamic members that have not joined yet may lose their places to
        // others; static ones keep theirs until their sessions end.
        let keeps = |member: &Member| member.join != Waiting::No || member.instance_id.is_some();
        let others = self.members.values().filter(|member| member.id != member_id);
        let has_room = match self.state {
            GroupState::Empty | GroupState::Dead => true,
            GroupState::PreparingRebalance => others.filter(|member| keeps(member)).count() < limit,
            _ => others.count() < limit,
        };
        if has_room {
            return Ok(());
        }
        self.pending.remove(member_id);
        self.remove_member(member_id, turn);
        let text = format!("group {} has {limit} members, which is the limit", self.id);
        Err(Error::new(ErrorKind::GroupFull, text))
    }

    /// Checks that the sender shares a protocol with all members but itself.
    fn check_protocols(&self, request: &JoinRequest, own_id: &str) -> Result<()> {
        if request.protocols.len() > PROTOCOLS_MAX {
            let text = format!("a member may speak {PROTOCOLS_MAX} protocols, not more");
            return Err(Error::new(ErrorKind::InvalidRequest, text));
        }
        let is_alone = !self.members.keys().any(|id| id != own_id);
        let common = self.common_protocols(own_id);
        let shares = |(name, _): &(String, Vec<u8>)| is_alone || common.contains(&name.as_str());
        let fits_type = match &self.protocol_type {
            Some(present) if !self.members.is_empty() => *present == request.protocol_type,
            _ => !request.protocol_type.is_empty(),
        };
        let fits = fits_type && request.protocols.iter().any(shares);
        if fits {
            return Ok(());
        }
        let text = format!(
            "the members of group {} speak no protocol that the new member speaks, too: \
             all members need a partition assignor in common",
            self.id
        );
        Err(Error::new(ErrorKind::InconsistentProtocol, text))
    }
}
