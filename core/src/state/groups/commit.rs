//! Committed offsets of a group.

use crate::error::Result;
use crate::state::event::{CommitEntry, Event};
use crate::state::groups::group::{Group, Turn, unknown_member};
use crate::state::groups::types::{Action, CommitRequest, GroupState};
use crate::state::offsets::check_entry;

impl Group {
    /// Commits offsets, each with its own result. From a member this is a heartbeat as well.
    ///
    /// # Errors
    /// Why nothing at all may be committed.
    pub(super) fn commit(
        &mut self,
        request: &CommitRequest<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Vec<Result<()>>> {
        self.check_commit(request)?;
        self.heard_of(request.member.member_id, turn.now);
        let results: Vec<Result<()>> = request.entries.iter().map(check_entry).collect();
        let good =
            |(entry, result): (&CommitEntry, &Result<()>)| result.is_ok().then(|| entry.clone());
        let entries: Vec<CommitEntry> =
            request.entries.iter().zip(&results).filter_map(good).collect();
        if !entries.is_empty() {
            let committed_ms = turn.now.wall;
            let expires_ms = request.retention_ms.map(|keep| committed_ms.saturating_add(keep));
            self.offsets.commit(&entries, committed_ms, expires_ms);
            self.logged = true;
            let group = self.id.to_string();
            let event = Event::OffsetsCommitted { group, entries, committed_ms, expires_ms };
            turn.out.push(Action::Persist(event));
        }
        Ok(results)
    }

    /// Checks who commits: a member of the present generation, or, while the group is empty, who
    /// is no member (a client that assigns its partitions itself, or an administrator).
    fn check_commit(&self, request: &CommitRequest<'_>) -> Result<()> {
        let member = request.member;
        if request.generation < 0 && self.is_empty() {
            return Ok(());
        }
        if let Some(consumer) = &self.consumer {
            return consumer.check_member(&self.id, member.member_id, request.generation);
        }
        if request.generation < 0 && member.member_id.is_empty() && member.instance_id.is_none() {
            return Err(unknown_member(&self.id, ""));
        }
        self.check_generation(member, request.generation)?;
        match self.state {
            GroupState::CompletingRebalance => Err(self.rebalance_in_progress()),
            _ => Ok(()),
        }
    }
}
