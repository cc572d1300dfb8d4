//! Share sessions: which partitions a member of a queue group reads over this connection.
//!
//! A session belongs to the connection that opened it (KIP-932): when that is closed, the records
//! that the member holds are free at once.

use std::collections::BTreeSet;

use crate::engine::Broker;
use crate::state::queues::SessionEnd;
use crate::wire::kafka::share_fetch::{CLOSE_SESSION, OPEN_SESSION};
use crate::wire::kafka::{ErrorCode, Uuid};

/// More members than this do not share a connection; it bounds what a client can make us keep.
const SESSIONS_MAX: usize = 1000;
/// More partitions than this a session does not have.
const PARTITIONS_MAX: usize = 100_000;

/// The share sessions of a connection.
#[derive(Debug, Default)]
pub(super) struct ShareSessions {
    list: Vec<ShareSession>,
}

/// A member's session.
#[derive(Debug)]
pub(super) struct ShareSession {
    group: String,
    member: String,
    /// The engine's name for it, where the member is one of its group.
    id: Option<u64>,
    /// The epoch that the next request has to have.
    next_epoch: i32,
    partitions: BTreeSet<(Uuid, i32)>,
}

impl ShareSession {
    /// What is read.
    pub(super) fn partitions(&self) -> &BTreeSet<(Uuid, i32)> {
        &self.partitions
    }

    /// Adds a partition.
    pub(super) fn add(&mut self, topic: Uuid, partition: i32) {
        if self.partitions.len() < PARTITIONS_MAX {
            self.partitions.insert((topic, partition));
        }
    }

    /// Takes a partition out.
    pub(super) fn forget(&mut self, topic: Uuid, partition: i32) {
        self.partitions.remove(&(topic, partition));
    }

    fn end(self, broker: &Broker, end: SessionEnd) {
        if let Some(id) = self.id {
            broker.close_queue_session(&self.group, &self.member, id, end);
        }
    }
}

impl ShareSessions {
    /// The session that a request of `epoch` belongs to; opens it for epoch 0. The epoch that
    /// closes it finds it too: see [`ShareSessions::close`].
    pub(super) fn find(
        &mut self,
        broker: &Broker,
        (group, member): (&str, &str),
        epoch: i32,
    ) -> Result<&mut ShareSession, ErrorCode> {
        let at = self.list.iter().position(|s| s.group == group && s.member == member);
        let at = match (at, epoch) {
            (at, OPEN_SESSION) => self.open(at, (group, member))?,
            (None, _) => return Err(ErrorCode::ShareSessionNotFound),
            (Some(at), CLOSE_SESSION) => at,
            (Some(at), _) if self.list[at].next_epoch == epoch => at,
            (Some(_), _) => return Err(ErrorCode::InvalidShareSessionEpoch),
        };
        let session = &mut self.list[at];
        // Each time anew: a client may fetch before its heartbeat has made it a member, and may
        // have left its group and joined it again since the request before.
        session.id = broker.open_queue_session(group, member).ok();
        // After the largest number comes 1: 0 would open the session anew.
        session.next_epoch = session.next_epoch.checked_add(1).unwrap_or(1);
        Ok(session)
    }

    /// Makes a place for a session that begins. A session that the member had here is continued
    /// in it: the member keeps its records.
    fn open(
        &mut self,
        at: Option<usize>,
        (group, member): (&str, &str),
    ) -> Result<usize, ErrorCode> {
        if at.is_none() && self.list.len() >= SESSIONS_MAX {
            return Err(ErrorCode::ShareSessionLimitReached);
        }
        let session = ShareSession {
            group: group.to_owned(),
            member: member.to_owned(),
            id: None,
            next_epoch: OPEN_SESSION,
            partitions: BTreeSet::new(),
        };
        match at {
            Some(at) => {
                self.list[at] = session;
                Ok(at)
            }
            None => {
                self.list.push(session);
                Ok(self.list.len() - 1)
            }
        }
    }

    /// Closes a member's session, as it asked for, and frees the records that it holds.
    pub(super) fn close(&mut self, broker: &Broker, (group, member): (&str, &str)) {
        let at = self.list.iter().position(|s| s.group == group && s.member == member);
        if let Some(at) = at {
            self.list.swap_remove(at).end(broker, SessionEnd::Closed);
        }
    }

    /// Closes all: the connection is gone.
    pub(super) fn close_all(&mut self, broker: &Broker) {
        for session in self.list.drain(..) {
            session.end(broker, SessionEnd::Lost);
        }
    }
}
