//! One member of a group.

use crate::clock::Millis;
use crate::state::event::MemberRecord;
use crate::state::groups::types::{JoinRequest, JoinedMember, MemberDescription, Now, ReplyId};

/// How long the join of a new member may wait, in milliseconds: its client cannot know its ID
/// yet, so a lost one would stay in the group for as long as the rebalance lasts.
const NEW_MEMBER_JOIN_MS: Millis = 300_000;

/// Whether a member waits for the answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// It does not.
    No,
    /// It does.
    For(ReplyId),
    /// It did, but its connection is gone: it counts as waiting while its session lasts.
    Forgotten,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) instance_id: Option<String>,
    pub(super) client_id: String,
    pub(super) client_host: String,
    pub(super) session_timeout_ms: u32,
    pub(super) rebalance_timeout_ms: u32,
    pub(super) protocols: Vec<(String, Vec<u8>)>,
    pub(super) assignment: Vec<u8>,
    pub(super) join: Waiting,
    pub(super) sync: Waiting,
    /// Whether the member has yet to get its first generation.
    is_new: bool,
    /// Whether the member has not asked for its share of this generation yet.
    pub(super) sync_pending: bool,
    /// When the session ends, in steady milliseconds, unless the member waits for an answer.
    session_deadline: Millis,
}

impl Member {
    /// A member that waits for the answer to its first join.
    pub(super) fn new(id: String, request: JoinRequest, now: Now) -> Self {
        Self {
            id,
            instance_id: request.instance_id,
            client_id: request.client_id,
            client_host: request.client_host,
            session_timeout_ms: milliseconds(request.session_timeout_ms),
            rebalance_timeout_ms: milliseconds(request.rebalance_timeout_ms),
            protocols: request.protocols,
            assignment: Vec::new(),
            join: Waiting::For(request.reply),
            sync: Waiting::No,
            is_new: true,
            sync_pending: false,
            session_deadline: now.steady.saturating_add(NEW_MEMBER_JOIN_MS),
        }
    }

    /// A member that was stable when the broker stopped; its session starts again.
    pub(super) fn restored(record: MemberRecord, now: Now) -> Self {
        let mut member = Self {
            id: record.id,
            instance_id: record.instance_id,
            client_id: record.client_id,
            client_host: record.client_host,
            session_timeout_ms: record.session_timeout_ms,
            rebalance_timeout_ms: record.rebalance_timeout_ms,
            protocols: record.protocols,
            assignment: record.assignment,
            join: Waiting::No,
            sync: Waiting::No,
            is_new: false,
            sync_pending: false,
            session_deadline: 0,
        };
        member.heard_of(now);
        member
    }

    /// Takes over what a join says about a member that is known already, and lets it wait.
    pub(super) fn update(&mut self, request: JoinRequest, now: Now) {
        if self.is_new {
            self.session_deadline = now.steady.saturating_add(NEW_MEMBER_JOIN_MS);
        }
        self.client_id = request.client_id;
        self.client_host = request.client_host;
        self.session_timeout_ms = milliseconds(request.session_timeout_ms);
        self.rebalance_timeout_ms = milliseconds(request.rebalance_timeout_ms);
        self.protocols = request.protocols;
        self.join = Waiting::For(request.reply);
    }

    /// The session starts again.
    pub(super) fn heard_of(&mut self, now: Now) {
        self.session_deadline = now.steady.saturating_add(Millis::from(self.session_timeout_ms));
    }

    /// The member gets a generation.
    pub(super) fn joined(&mut self, now: Now) {
        self.is_new = false;
        self.sync_pending = true;
        self.heard_of(now);
    }

    /// The connection of this request is gone. From now on the session has to last without it.
    pub(super) fn forget(&mut self, reply: ReplyId, now: Now) {
        for waiting in [&mut self.join, &mut self.sync] {
            if *waiting == Waiting::For(reply) {
                *waiting = Waiting::Forgotten;
            }
        }
        self.heard_of(now);
    }

    /// When the member has to go unless it is heard of, in steady milliseconds. A member that
    /// waits for an answer of ours cannot send anything, so it stays; a new one not for ever.
    pub(super) fn deadline(&self) -> Option<Millis> {
        let waits = [self.join, self.sync].iter().any(|w| matches!(w, Waiting::For(_)));
        (self.is_new || !waits).then_some(self.session_deadline)
    }

    pub(super) fn speaks(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|(name, _)| name == protocol)
    }

    pub(super) fn metadata(&self, protocol: &str) -> Vec<u8> {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }

    /// The member, as the leader of a group with this protocol sees it.
    pub(super) fn for_leader(&self, protocol: &str) -> JoinedMember {
        JoinedMember {
            member_id: self.id.clone(),
            instance_id: self.instance_id.clone(),
            metadata: self.metadata(protocol),
        }
    }

    /// The member for a description; `protocol` is that of a stable group.
    pub(super) fn describe(&self, protocol: Option<&str>) -> MemberDescription {
        MemberDescription {
            member_id: self.id.clone(),
            instance_id: self.instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            metadata: protocol.map(|protocol| self.metadata(protocol)).unwrap_or_default(),
            assignment: protocol.map(|_| self.assignment.clone()).unwrap_or_default(),
        }
    }

    pub(super) fn record(&self) -> MemberRecord {
        MemberRecord {
            id: self.id.clone(),
            instance_id: self.instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            session_timeout_ms: self.session_timeout_ms,
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            protocols: self.protocols.clone(),
            assignment: self.assignment.clone(),
        }
    }
}

/// A duration of the protocol; nothing sensible is meant by a negative one.
fn milliseconds(duration: i32) -> u32 {
    u32::try_from(duration).unwrap_or(0)
}
