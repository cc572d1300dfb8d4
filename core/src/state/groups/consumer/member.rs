//! One member of a consumer group.

use std::collections::BTreeSet;

use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::state::event::ConsumerMemberRecord;
use crate::state::groups::consumer::pattern::TopicPattern;
use crate::state::groups::consumer::types::ConsumerHeartbeat;
use crate::state::groups::types::{GroupConfig, Now};

/// The epoch of a static member that has left for a while.
pub(super) const AWAY: i32 = -2;

#[derive(Debug)]
pub(super) struct ConsumerMember {
    pub(super) record: ConsumerMemberRecord,
    /// The compiled form of the record's pattern.
    pub(super) pattern: Option<TopicPattern>,
    /// When the session ends, in steady milliseconds.
    pub(super) session_deadline: Millis,
    /// Until when the member has to give up what it is asked for, in steady milliseconds.
    pub(super) revoke_deadline: Option<Millis>,
}

impl ConsumerMember {
    pub(super) fn new(id: &str) -> Self {
        let record = ConsumerMemberRecord { id: id.to_owned(), ..ConsumerMemberRecord::default() };
        Self { record, pattern: None, session_deadline: Millis::MAX, revoke_deadline: None }
    }

    /// A member as the log has it; its session starts again.
    pub(super) fn restored(record: ConsumerMemberRecord, config: &GroupConfig, now: Now) -> Self {
        // It was compiled before it was written; one that cannot be any more matches nothing.
        let pattern = record.pattern.as_deref().and_then(|text| TopicPattern::new(text).ok());
        let mut member =
            Self { record, pattern, session_deadline: Millis::MAX, revoke_deadline: None };
        member.heard_of(config, now);
        if !member.record.revoking.is_empty() {
            member.start_revoking(now);
        }
        member
    }

    pub(super) fn heard_of(&mut self, config: &GroupConfig, now: Now) {
        let timeout = Millis::from(config.consumer_session_timeout_ms);
        self.session_deadline = now.steady.saturating_add(timeout);
    }

    pub(super) fn start_revoking(&mut self, now: Now) {
        let timeout = Millis::from(self.record.rebalance_timeout_ms);
        self.revoke_deadline = Some(now.steady.saturating_add(timeout));
    }

    /// When the member has to go unless something happens, in steady milliseconds.
    pub(super) fn deadline(&self) -> Millis {
        self.revoke_deadline.map_or(self.session_deadline, |at| at.min(self.session_deadline))
    }

    /// Checks the epoch of a heartbeat that does not join. The epoch before is accepted from a
    /// member that has nothing but what it was given: then it has missed the last answer.
    pub(super) fn check_epoch(&self, epoch: i32, owned: Option<&BTreeSet<u32>>) -> Result<()> {
        let record = &self.record;
        let is_within = |owned: &BTreeSet<u32>| {
            owned.iter().all(|number| record.assigned.binary_search(number).is_ok())
        };
        let has_missed_one = record.epoch > epoch && record.previous_epoch == epoch;
        if epoch == record.epoch || has_missed_one && owned.is_some_and(is_within) {
            return Ok(());
        }
        let text = format!(
            "member {} has epoch {}, not {epoch}: it has to give up its partitions and join again",
            record.id, record.epoch
        );
        Err(Error::new(ErrorKind::FencedMemberEpoch, text))
    }

    /// Takes over what a heartbeat says. A join says everything, so what it leaves out is not
    /// wanted any more. Returns whether the member wants other topics now.
    pub(super) fn update(
        &mut self,
        request: &ConsumerHeartbeat<'_>,
        pattern: Option<TopicPattern>,
    ) -> bool {
        let joins = request.epoch == 0;
        let record = &mut self.record;
        record.client_id = request.client_id.to_owned();
        record.client_host = request.client_host.to_owned();
        let owned = |text: Option<&str>| text.map(str::to_owned);
        if request.instance_id.is_some() {
            record.instance_id = owned(request.instance_id);
        }
        if request.rack_id.is_some() || joins {
            record.rack_id = owned(request.rack_id);
        }
        if request.assignor.is_some() || joins {
            record.assignor = owned(request.assignor);
        }
        if let Some(timeout) = request.rebalance_timeout_ms {
            record.rebalance_timeout_ms = timeout;
        }
        let mut changed = false;
        if request.topics.is_some() || joins {
            let topics: BTreeSet<&str> =
                request.topics.unwrap_or_default().iter().copied().collect();
            changed = !topics.iter().copied().eq(record.topics.iter().map(String::as_str));
            record.topics = topics.into_iter().map(str::to_owned).collect();
        }
        if request.pattern.is_some() || joins {
            let wanted = owned(request.pattern.filter(|text| !text.is_empty()));
            changed |= record.pattern != wanted;
            record.pattern = wanted;
            self.pattern = pattern;
        }
        changed
    }

    /// Whether the member may have a partition, or has yet to give it up.
    pub(super) fn holds(&self, number: u32) -> bool {
        let lists = [&self.record.assigned, &self.record.revoking];
        lists.iter().any(|list| list.binary_search(&number).is_ok())
    }

    /// Whether the member has what the target of this epoch gives it.
    pub(super) fn is_settled(&self, target_epoch: i32) -> bool {
        let record = &self.record;
        record.epoch == target_epoch
            && record.revoking.is_empty()
            && record.assigned == record.target
    }
}
