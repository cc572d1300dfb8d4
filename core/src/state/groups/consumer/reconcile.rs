//! A member's way from what it has to what it is to have.

use std::collections::BTreeSet;

use crate::state::catalog::Catalog;
use crate::state::groups::consumer::group::ConsumerGroup;
use crate::state::groups::types::Now;

impl ConsumerGroup {
    /// Takes a member one step further; `owned` is what it says that it has, if it says so.
    ///
    /// What the target takes from a member stays its own until it no longer says that it has it.
    /// Until then it keeps its epoch and gets nothing new. What another member still has comes
    /// with a later heartbeat.
    pub(super) fn reconcile(
        &mut self,
        member_id: &str,
        owned: Option<&BTreeSet<u32>>,
        catalog: &Catalog,
        now: Now,
    ) {
        let target_epoch = self.target_epoch;
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        let before = member.record.clone();
        let record = &mut member.record;
        let exists = |number: &u32| catalog.partition(*number).is_some();
        // Nobody can have what does not exist any more, so nothing of that has to be waited for.
        record.assigned.retain(exists);
        record.revoking.retain(exists);
        let has_given_up = |wanted: &[u32]| {
            wanted.is_empty() || owned.is_some_and(|o| wanted.iter().all(|n| !o.contains(n)))
        };
        let mut free = Vec::new();
        if has_given_up(&record.revoking) {
            record.revoking.clear();
            let is_wanted = |number: &u32| record.target.binary_search(number).is_ok();
            let (keep, lose): (Vec<u32>, Vec<u32>) =
                record.assigned.iter().partition(|number| is_wanted(number));
            let has_lost = has_given_up(&lose);
            record.assigned = keep;
            if has_lost {
                if record.epoch != target_epoch {
                    record.previous_epoch = record.epoch;
                    record.epoch = target_epoch;
                }
                let has = |number: &&u32| record.assigned.binary_search(number).is_err();
                free = record.target.iter().filter(has).copied().filter(exists).collect();
            } else {
                record.revoking = lose;
            }
        }
        if member.record.revoking.is_empty() {
            member.revoke_deadline = None;
        } else if member.record.revoking != before.revoking || member.revoke_deadline.is_none() {
            member.start_revoking(now);
        }
        if !free.is_empty() {
            self.hand_over(member_id, free);
        }
        if self.members.get(member_id).is_some_and(|member| member.record != before) {
            self.news.members.insert(member_id.to_owned());
        }
    }

    /// Gives a member those of some partitions that no other member has.
    fn hand_over(&mut self, member_id: &str, mut free: Vec<u32>) {
        let others = || self.members.values().filter(|member| member.record.id != member_id);
        free.retain(|number| !others().any(|other| other.holds(*number)));
        if let Some(member) = self.members.get_mut(member_id) {
            member.record.assigned.extend(free);
            member.record.assigned.sort_unstable();
        }
    }
}
