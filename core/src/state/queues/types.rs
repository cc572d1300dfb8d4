//! What goes into the queue groups and what comes out.

use std::sync::Arc;

use crate::clock::Millis;
use crate::state::event::{Event, TopicId};
use crate::state::groups::GroupState;

/// The settings of a queue group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueConfig {
    /// For how long a delivered record belongs to its member, in milliseconds
    /// (`group.share.record.lock.duration.ms`).
    pub lock_duration_ms: u32,
    /// How often a record is delivered at most (`group.share.delivery.count.limit`); 0 counts
    /// as 1.
    pub delivery_count_limit: u16,
    /// Where the group begins to read a partition (`share.auto.offset.reset`).
    pub start: StartAt,
    /// How long a member may be silent, in milliseconds.
    pub session_timeout_ms: u32,
    /// How often members are told to send a heartbeat, in milliseconds.
    pub heartbeat_interval_ms: u32,
    /// The most members that the group may have.
    pub members_max: usize,
    /// Whether records that are rejected, or delivered too often, go to a dead-letter topic.
    /// Otherwise they are settled.
    pub dead_letter: bool,
    /// How long a record rests after its first delivery failed, in milliseconds. Each further
    /// failure doubles it.
    pub retry_backoff_ms: u32,
    /// How long a record rests at most between two deliveries, in milliseconds.
    pub retry_backoff_max_ms: u32,
    /// How many records of a partition may be delivered and not acknowledged at a time
    /// (`group.share.partition.max.record.locks`).
    pub record_locks_max: u64,
    /// With this many ranges of different fate in a partition, no new records of it are handed
    /// out until ranges merge; redeliveries go on.
    pub ranges_max: usize,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            lock_duration_ms: 30_000,
            delivery_count_limit: 5,
            start: StartAt::Latest,
            session_timeout_ms: 45_000,
            heartbeat_interval_ms: 5_000,
            members_max: 200,
            dead_letter: false,
            retry_backoff_ms: 100,
            retry_backoff_max_ms: 60_000,
            record_locks_max: 100_000,
            ranges_max: 100_000,
        }
    }
}

impl QueueConfig {
    /// How long a record rests that was delivered `count` times, in milliseconds.
    pub(super) fn backoff(&self, count: u16) -> Millis {
        let doublings = u32::from(count.saturating_sub(1)).min(32);
        let wanted = u64::from(self.retry_backoff_ms) << doublings;
        let most = u64::from(self.retry_backoff_max_ms);
        Millis::try_from(wanted.min(most)).expect("a u32 fits into milliseconds")
    }

    /// Whether a record that was delivered `count` times is not delivered again.
    pub(super) fn is_last(&self, count: u16) -> bool {
        count >= self.delivery_count_limit.max(1)
    }
}

/// Where a group begins to read a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAt {
    /// At the log start offset.
    Earliest,
    /// At the high watermark.
    Latest,
    /// At the first record that is not older than this many milliseconds.
    ByDuration(Millis),
}

/// What the caller has to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Append an event to the log. What is behind it relies on it.
    Persist(Event),
    /// Look up where the group begins in these partitions and call
    /// [`Queues::started`](super::Queues::started) once for all of them, or
    /// [`Queues::not_started`](super::Queues::not_started).
    FindStart {
        /// The group.
        group: Arc<str>,
        /// The partitions, in order.
        partitions: Vec<u32>,
        /// Where the group begins.
        start: StartAt,
    },
    /// Who waits for records of the group should call [`Queues::acquire`](super::Queues::acquire)
    /// again.
    Available {
        /// The group.
        group: Arc<str>,
    },
    /// Put records into the group's dead-letter topic and call
    /// [`Queues::buried`](super::Queues::buried), or
    /// [`Queues::not_buried`](super::Queues::not_buried) where that fails.
    DeadLetter {
        /// The group.
        group: Arc<str>,
        /// The records.
        letter: DeadLetter,
    },
}

/// Records that no member is to have again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadLetter {
    /// The partition.
    pub partition: u32,
    /// The first offset.
    pub first: u64,
    /// The last offset.
    pub last: u64,
    /// How often each of the records was delivered.
    pub delivery_count: u16,
    /// Why they are not delivered again.
    pub reason: DeadLetterReason,
}

/// Why a record is not delivered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetterReason {
    /// A member has rejected it.
    Rejected,
    /// It was delivered as often as the group allows.
    LimitReached,
}

/// A ShareGroupHeartbeat request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatRequest {
    /// The group.
    pub group: String,
    /// The member's ID, made up by the client.
    pub member_id: String,
    /// 0 to join, -1 to leave, else the epoch of the answer before.
    pub member_epoch: i32,
    /// The topics that the member wants records of; none where that has not changed.
    pub topics: Option<Vec<String>>,
    /// What the client calls itself.
    pub client_id: String,
    /// Where the client connected from.
    pub client_host: String,
    /// The client's rack, if it says so.
    pub rack_id: Option<String>,
}

/// The answer to a [`HeartbeatRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatAnswer {
    /// The member's ID.
    pub member_id: String,
    /// The member's epoch from now on.
    pub member_epoch: i32,
    /// When the next heartbeat is wanted, in milliseconds.
    pub heartbeat_interval_ms: u32,
    /// What the member may fetch, where the member does not know that yet.
    pub assignment: Option<Vec<AssignedTopic>>,
}

/// A topic whose partitions a member may fetch, all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssignedTopic {
    /// The topic.
    pub topic: TopicId,
    /// How many partitions it has: the member has those from 0 to below this.
    pub partitions: u32,
}

/// How a session came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// The client closed it: its records are available at once.
    Closed,
    /// Its connection was lost: its records rest before they are delivered again, in case that
    /// one of them is the reason.
    Lost,
}

/// The offsets that a partition has for readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The log start offset.
    pub log_start: u64,
    /// The high watermark: the offset behind the last record that may be read.
    pub end: u64,
}

/// A member asks for records.
#[derive(Debug, Clone, Copy)]
pub struct AcquireRequest<'a> {
    /// The group.
    pub group: &'a str,
    /// The member.
    pub member: &'a str,
    /// The partitions that the member fetches, each once.
    pub partitions: &'a [(u32, Bounds)],
    /// The most records that the member takes.
    pub records_max: u64,
    /// Whether the member waits if there is nothing for it.
    pub wait: bool,
}

/// Records that belong to a member now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acquisition {
    /// The partition.
    pub partition: u32,
    /// The first offset.
    pub first: u64,
    /// The last offset.
    pub last: u64,
    /// How often each of the records was delivered, this time included.
    pub delivery_count: u16,
}

/// What became of an acquisition in a partition. Ranges are first and last offsets.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The partition.
    pub partition: u32,
    /// What is about to be delivered. It may go on behind what was acquired, to the end of a
    /// batch, as far as there are records: the member gets what is nobody's.
    pub kept: &'a [(u64, u64)],
    /// Where there are no records: may be as long as the hole is.
    pub gone: &'a [(u64, u64)],
}

/// What a member says of a record that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AckKind {
    /// There is no record at this offset.
    Gap,
    /// The record is done.
    Accept,
    /// The record is for somebody else, or for later.
    Release,
    /// The record can never be done.
    Reject,
    /// The member needs more time for the record.
    Renew,
}

impl AckKind {
    /// The kind with this number in the protocol.
    pub fn from_number(number: i8) -> Option<Self> {
        match number {
            0 => Some(Self::Gap),
            1 => Some(Self::Accept),
            2 => Some(Self::Release),
            3 => Some(Self::Reject),
            4 => Some(Self::Renew),
            _ => None,
        }
    }
}

/// What a member says of neighbouring records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AckBatch<'a> {
    /// The first offset.
    pub first: u64,
    /// The last offset.
    pub last: u64,
    /// One kind for all of them, or one for each.
    pub kinds: &'a [AckKind],
}

/// A group in a list of all groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueListing {
    /// The group's ID.
    pub group: String,
    /// `Empty` or `Stable`.
    pub state: GroupState,
}

/// A group with its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDescription {
    /// `Empty`, `Stable`, or `Dead` where there is no such group.
    pub state: GroupState,
    /// Grows when a member comes or goes, or when what the members may fetch changes.
    pub epoch: i32,
    /// The members, by ID in order.
    pub members: Vec<QueueMember>,
}

/// A member in a [`QueueDescription`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueMember {
    /// The member's ID.
    pub member_id: String,
    /// The member's epoch.
    pub member_epoch: i32,
    /// What the client calls itself.
    pub client_id: String,
    /// Where the client connected from.
    pub client_host: String,
    /// The client's rack, if it says so.
    pub rack_id: Option<String>,
    /// The topics that it wants records of, by name in order.
    pub topics: Vec<String>,
    /// What it may fetch, as it was told last.
    pub assignment: Vec<AssignedTopic>,
}

/// How far a group is in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueOffsets {
    /// The partition.
    pub partition: u32,
    /// Everything before this offset is settled.
    pub start: u64,
    /// The offset behind the last that was handed out.
    pub next: u64,
    /// How many records are with members.
    pub in_flight: u64,
    /// How many records wait for another delivery.
    pub redelivered: u64,
    /// How many records behind `start` are settled.
    pub settled: u64,
}

impl QueueOffsets {
    /// How many records up to `end`, the high watermark, are not settled.
    pub fn lag(&self, end: u64) -> u64 {
        end.saturating_sub(self.start).saturating_sub(self.settled)
    }
}
