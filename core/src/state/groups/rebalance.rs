//! The first half of a rebalance: waiting for the members to join, and the next generation.

use crate::clock::Millis;
use crate::state::event::Event;
use crate::state::groups::group::{Group, InitialDelay, Rebalance, Turn};
use crate::state::groups::member::{Member, Waiting};
use crate::state::groups::types::{Action, GroupState};

/// The least time between two looks whether an absent group of static members has come back,
/// in milliseconds.
const ABSENT_CHECK_MS: Millis = 1000;

impl Group {
    /// All members have to join again.
    pub(super) fn prepare_rebalance(&mut self, turn: &mut Turn<'_>) {
        if self.state == GroupState::CompletingRebalance {
            self.cancel_syncs(turn);
        }
        self.end_sync();
        let wait = self.rebalance_timeout_ms();
        let (delay, initial) = if self.state == GroupState::Empty {
            let delay = Millis::from(turn.config.initial_rebalance_delay_ms).min(wait);
            (delay, Some(InitialDelay { member_added: false, left_ms: wait - delay }))
        } else {
            (wait, None)
        };
        let deadline = turn.now.steady.saturating_add(delay);
        self.rebalance = Some(Rebalance { deadline, initial });
        self.state = GroupState::PreparingRebalance;
        self.try_complete_join(turn);
    }

    /// Ends the wait for members if nobody is missing.
    pub(super) fn try_complete_join(&mut self, turn: &mut Turn<'_>) {
        let Some(rebalance) = self.rebalance else {
            return;
        };
        let complete = match rebalance.initial {
            Some(_) => rebalance.deadline <= turn.now.steady,
            None => self.pending.is_empty() && self.members.values().all(|m| m.join != Waiting::No),
        };
        if complete {
            self.rebalance_due(turn);
        }
    }

    /// Enough has been waited for members, unless new ones keep coming to a group that was empty.
    pub(super) fn rebalance_due(&mut self, turn: &mut Turn<'_>) {
        let Some(rebalance) = &mut self.rebalance else {
            return;
        };
        if let Some(initial) = &mut rebalance.initial {
            let delay = Millis::from(turn.config.initial_rebalance_delay_ms).min(initial.left_ms);
            if initial.member_added && delay > 0 {
                initial.member_added = false;
                initial.left_ms -= delay;
                rebalance.deadline = turn.now.steady.saturating_add(delay);
                return;
            }
        }
        self.complete_join(turn);
    }

    /// Who has joined makes up the next generation. Dynamic members that have not are dropped;
    /// static ones stay until their sessions end.
    fn complete_join(&mut self, turn: &mut Turn<'_>) {
        let id = &self.id;
        self.members.retain(|_, member| {
            let stays = member.join != Waiting::No || member.instance_id.is_some();
            if !stays {
                turn.note_member(id, (&member.id, &member.client_id), false);
            }
            stays
        });
        if !self.elect_leader() && !self.members.is_empty() {
            let wait = self.rebalance_timeout_ms().max(ABSENT_CHECK_MS);
            let deadline = turn.now.steady.saturating_add(wait);
            self.rebalance = Some(Rebalance { deadline, initial: None });
            return;
        }
        self.rebalance = None;
        self.announced = self.announced.saturating_add(1);
        self.generation = self.announced;
        self.protocol = self.select_protocol();
        if self.members.is_empty() {
            self.state = GroupState::Empty;
            self.persist(turn);
            return;
        }
        self.logged = true;
        let (group, generation) = (self.id.to_string(), self.generation);
        turn.out.push(Action::Persist(Event::GenerationStarted { group, generation }));
        self.state = GroupState::CompletingRebalance;
        self.sync_deadline = Some(turn.now.steady.saturating_add(self.rebalance_timeout_ms()));
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let answer = self.join_answer(&id);
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            let waiting = std::mem::replace(&mut member.join, Waiting::No);
            member.joined(turn.now);
            turn.join_reply(waiting, &id, Ok(answer));
        }
    }

    /// Makes sure that a member that has joined leads, the present leader if possible. A member
    /// whose connection is gone leads only if there is no other.
    fn elect_leader(&mut self) -> bool {
        let present = self.leader.as_ref().and_then(|id| self.members.get(id));
        let is_live = |member: &&Member| matches!(member.join, Waiting::For(_));
        let has_joined = |member: &&Member| member.join != Waiting::No;
        let elected = present
            .filter(is_live)
            .or_else(|| self.members.values().find(is_live))
            .or_else(|| present.filter(has_joined))
            .or_else(|| self.members.values().find(has_joined))
            .map(|member| member.id.clone());
        let found = elected.is_some();
        if found || self.members.is_empty() {
            self.leader = elected;
        }
        found
    }

    /// The protocol that most members prefer among those that all speak.
    pub(super) fn select_protocol(&self) -> Option<String> {
        let common = self.common_protocols("");
        let mut votes = vec![0_usize; common.len()];
        for member in self.members.values() {
            let vote = |(name, _): &(String, Vec<u8>)| common.iter().position(|c| c == name);
            if let Some(choice) = member.protocols.iter().find_map(vote) {
                votes[choice] += 1;
            }
        }
        let most = votes.iter().max()?;
        let winner = votes.iter().position(|count| count == most)?;
        Some(common[winner].to_owned())
    }

    /// The protocols that all members speak, apart from one, in the order of one of them.
    pub(super) fn common_protocols(&self, apart_from: &str) -> Vec<&str> {
        let mut members = self.members.values().filter(|member| member.id != apart_from);
        let Some(first) = members.next() else {
            return Vec::new();
        };
        let mut common: Vec<&str> = first.protocols.iter().map(|(name, _)| name.as_str()).collect();
        for member in members {
            common.retain(|name| member.speaks(name));
        }
        common
    }

    /// How long the slowest member may take to join again, in milliseconds.
    fn rebalance_timeout_ms(&self) -> Millis {
        self.members.values().map(|m| Millis::from(m.rebalance_timeout_ms)).max().unwrap_or(0)
    }
}
