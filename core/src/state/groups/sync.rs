//! The second half of a rebalance: the leader's assignment. And heartbeats in between.

use crate::error::{Error, ErrorKind, Result};
use crate::state::groups::group::{Group, Turn};
use crate::state::groups::member::Waiting;
use crate::state::groups::types::{GroupState, MemberKey, Now, SyncRequest};

impl Group {
    /// A member asks for its share; the leader brings all shares along. It is answered now or
    /// when the leader's assignment is in.
    pub(super) fn sync(&mut self, request: SyncRequest, turn: &mut Turn<'_>) {
        let reply = Waiting::For(request.reply);
        if let Err(error) = self.check_sync(&request) {
            turn.sync_reply(reply, Err(error));
            return;
        }
        let superseded = self.rebalance_in_progress();
        let is_leader = self.is_leader(&request.member_id);
        let Some(member) = self.members.get_mut(&request.member_id) else {
            return;
        };
        member.sync_pending = false;
        if self.state == GroupState::CompletingRebalance {
            turn.sync_reply(member.sync, Err(superseded));
            member.sync = reply;
            if is_leader {
                self.assign(request.assignments, turn);
            }
        } else {
            member.heard_of(turn.now);
            let answer = self.sync_answer(&self.members[&request.member_id]);
            turn.sync_reply(reply, Ok(answer));
        }
        if self.members.values().all(|member| !member.sync_pending) {
            self.sync_deadline = None;
        }
    }

    /// A member is alive.
    ///
    /// # Errors
    /// `RebalanceInProgress` where the member has to join again.
    pub(super) fn heartbeat(
        &mut self,
        key: MemberKey<'_>,
        generation: i32,
        now: Now,
    ) -> Result<()> {
        self.check_generation(key, generation)?;
        self.heard_of(key.member_id, now);
        match self.state {
            GroupState::PreparingRebalance => Err(self.rebalance_in_progress()),
            _ => Ok(()),
        }
    }

    pub(super) fn heard_of(&mut self, member_id: &str, now: Now) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.heard_of(now);
        }
    }

    /// Answers the members that wait for their shares: they have to join again.
    pub(super) fn cancel_syncs(&mut self, turn: &mut Turn<'_>) {
        let error = self.rebalance_in_progress();
        for member in self.members.values_mut() {
            member.assignment = Vec::new();
            if member.sync != Waiting::No {
                let waiting = std::mem::replace(&mut member.sync, Waiting::No);
                member.heard_of(turn.now);
                turn.sync_reply(waiting, Err(error.clone()));
            }
        }
    }

    /// Nobody is expected to ask for a share any more.
    pub(super) fn end_sync(&mut self) {
        self.sync_deadline = None;
        self.members.values_mut().for_each(|member| member.sync_pending = false);
    }

    /// The leader's assignment is in: the group is stable.
    fn assign(&mut self, assignments: Vec<(String, Vec<u8>)>, turn: &mut Turn<'_>) {
        // Members that the leader has forgotten get an empty share, not that of a generation
        // before.
        self.members.values_mut().for_each(|member| member.assignment = Vec::new());
        for (member_id, assignment) in assignments {
            if let Some(member) = self.members.get_mut(&member_id) {
                member.assignment = assignment;
            }
        }
        self.state = GroupState::Stable;
        self.persist(turn);
        let waiting: Vec<String> = self.members.keys().cloned().collect();
        for id in waiting {
            let answer = self.sync_answer(&self.members[&id]);
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            if member.sync != Waiting::No {
                let waiting = std::mem::replace(&mut member.sync, Waiting::No);
                member.heard_of(turn.now);
                turn.sync_reply(waiting, Ok(answer));
            }
        }
    }

    fn check_sync(&self, request: &SyncRequest) -> Result<()> {
        let instance_id = request.instance_id.as_deref();
        let key = MemberKey { member_id: &request.member_id, instance_id };
        self.check_generation(key, request.generation)?;
        let differs = |said: &Option<String>, is: &Option<String>| said.is_some() && said != is;
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol, &self.protocol)
        {
            let text = format!("group {} has another protocol than the member says", self.id);
            return Err(Error::new(ErrorKind::InconsistentProtocol, text));
        }
        match self.state {
            GroupState::PreparingRebalance => Err(self.rebalance_in_progress()),
            _ => Ok(()),
        }
    }
}
