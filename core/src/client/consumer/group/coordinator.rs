//! What a member asks of its group's coordinator.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::wire::kafka::Uuid;

/// What became of a question.
pub(in crate::client::consumer) type Asked<T> = Result<T, Fault>;

/// A group's coordinator. Its calls wait for the answer, or fail with what to do next.
pub(in crate::client::consumer) trait Coordinator:
    Send + fmt::Debug
{
    /// Joins, stays alive, or leaves.
    fn heartbeat(&mut self, beat: &Beat<'_>, deadline: Instant) -> Asked<Answer>;

    /// Commits positions.
    fn commit(
        &mut self,
        member: Member<'_>,
        positions: &[Position],
        deadline: Instant,
    ) -> Asked<()>;

    /// What the group has committed for these partitions.
    fn committed(
        &mut self,
        member: Member<'_>,
        partitions: &[Assigned],
        deadline: Instant,
    ) -> Asked<Vec<Option<u64>>>;
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(in crate::client::consumer) struct Member<'a> {
    /// Made by the client; empty until the broker has made one, where it insists.
    pub(in crate::client::consumer) id: &'a str,
    /// 0 to join, -1 to leave.
    pub(in crate::client::consumer) epoch: i32,
}

/// What a member says of itself.
#[derive(Debug)]
pub(in crate::client::consumer) struct Beat<'a> {
    pub(in crate::client::consumer) member: Member<'a>,
    /// What it wants and has; `None` where that is as it was.
    pub(in crate::client::consumer) topics: Option<&'a [Arc<str>]>,
    pub(in crate::client::consumer) owned: Option<&'a [Assigned]>,
    /// How long it may take to give partitions up.
    pub(in crate::client::consumer) rebalance_timeout: Duration,
}

/// The answer to a heartbeat.
#[derive(Debug)]
pub(in crate::client::consumer) struct Answer {
    /// The member's ID, if the broker made it.
    pub(in crate::client::consumer) member_id: Option<String>,
    pub(in crate::client::consumer) epoch: i32,
    /// How soon the next heartbeat is expected.
    pub(in crate::client::consumer) interval: Duration,
    /// The partitions that the member is to have, if they are not those of the last answer.
    pub(in crate::client::consumer) assignment: Option<Vec<Assigned>>,
}

/// A partition that the group gives to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::client::consumer) struct Assigned {
    pub(in crate::client::consumer) topic_id: Uuid,
    pub(in crate::client::consumer) topic: Arc<str>,
    pub(in crate::client::consumer) partition: u32,
}

/// How far a partition was read: the offset of the next record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::client::consumer) struct Position {
    pub(in crate::client::consumer) topic: Arc<str>,
    pub(in crate::client::consumer) partition: u32,
    pub(in crate::client::consumer) offset: u64,
}

/// Why a coordinator did not do it.
#[derive(Debug)]
pub(in crate::client::consumer) enum Fault {
    /// The group does not count the caller among its members any more: it has to join again.
    Fenced,
    /// The member's epoch has changed: a heartbeat tells the new one.
    Stale,
    /// Later, or elsewhere, it may work.
    Later(Error),
    /// It will not work.
    Fatal(Error),
}
