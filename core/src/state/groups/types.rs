//! What goes into the coordinator of groups and what comes out.

use crate::clock::Millis;
use crate::error::Result;
use crate::state::event::{CommitEntry, Event};

/// The present moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Steady milliseconds, for timeouts.
    pub steady: Millis,
    /// Wall milliseconds, for dates.
    pub wall: Millis,
}

/// The limits and delays of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupConfig {
    /// How long an empty group waits for more members after its first one, in milliseconds
    /// (`group.initial.rebalance.delay.ms`).
    pub initial_rebalance_delay_ms: u32,
    /// The shortest session timeout that a member may ask for, in milliseconds.
    pub session_timeout_min_ms: u32,
    /// The longest session timeout that a member may ask for, in milliseconds.
    pub session_timeout_max_ms: u32,
    /// The most members that a group may have (`group.max.size`).
    pub members_max: usize,
    /// How long the offsets of a group without members are kept, in milliseconds.
    pub offsets_retention_ms: Millis,
    /// How often is looked for expired offsets, in milliseconds.
    pub offsets_check_ms: Millis,
    /// How long a member of a consumer group may be silent, in milliseconds
    /// (`group.consumer.session.timeout.ms`).
    pub consumer_session_timeout_ms: u32,
    /// How often a member of a consumer group is to heartbeat, in milliseconds
    /// (`group.consumer.heartbeat.interval.ms`).
    pub consumer_heartbeat_interval_ms: u32,
}

impl Default for GroupConfig {
    fn default() -> Self {
        Self {
            initial_rebalance_delay_ms: 3000,
            session_timeout_min_ms: 6000,
            session_timeout_max_ms: 1_800_000,
            members_max: usize::MAX,
            offsets_retention_ms: 7 * 24 * 3_600_000,
            offsets_check_ms: 600_000,
            consumer_session_timeout_ms: 45_000,
            consumer_heartbeat_interval_ms: 5000,
        }
    }
}

/// The caller's name for a join or sync that waits for its answer; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyId(pub u64);

/// What the caller has to do, in this order.
#[derive(Debug, Clone)]
pub enum Action {
    /// Answer a JoinGroup request.
    JoinReply {
        /// The request.
        reply: ReplyId,
        /// The member's ID from now on, which belongs into every answer, refusals too.
        member_id: String,
        /// The answer.
        answer: Result<JoinAnswer>,
    },
    /// Answer a SyncGroup request.
    SyncReply {
        /// The request.
        reply: ReplyId,
        /// The answer.
        answer: Result<SyncAnswer>,
    },
    /// Append an event to the log. Replies behind it rely on it.
    Persist(Event),
}

/// Who speaks: a member's ID, and its instance ID if it is a static member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberKey<'a> {
    /// The member's ID; empty where the sender has none.
    pub member_id: &'a str,
    /// `group.instance.id`.
    pub instance_id: Option<&'a str>,
}

/// A JoinGroup request.
#[derive(Debug, Clone)]
pub struct JoinRequest {
    /// Where the answer goes.
    pub reply: ReplyId,
    /// The group.
    pub group: String,
    /// The member's ID; empty where it has none yet.
    pub member_id: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// An ID that was never used, for a member that has none.
    pub new_member_id: String,
    /// Whether a new member has to join a second time, with the ID that it is given (version 4
    /// and later).
    pub require_known_member_id: bool,
    /// Whether the sender understands `skip_assignment` (version 9 and later).
    pub supports_skip_assignment: bool,
    /// What the client calls itself.
    pub client_id: String,
    /// Where the client connected from.
    pub client_host: String,
    /// How long the member may be silent, in milliseconds.
    pub session_timeout_ms: i32,
    /// How long the member may take to join again, in milliseconds; for version 0 the session
    /// timeout.
    pub rebalance_timeout_ms: i32,
    /// `consumer`, `connect`, ...
    pub protocol_type: String,
    /// The protocols that the member speaks, best first, with its metadata for each.
    pub protocols: Vec<(String, Vec<u8>)>,
}

/// The answer to a member that has joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinAnswer {
    /// The group's generation.
    pub generation: i32,
    /// What the group is for.
    pub protocol_type: String,
    /// The protocol that all members agreed on.
    pub protocol: String,
    /// The ID of the member that computes the assignment.
    pub leader: String,
    /// Whether the leader is to leave the assignment as it is.
    pub skip_assignment: bool,
    /// All members, for the leader; nothing for the others.
    pub members: Vec<JoinedMember>,
}

/// A member, as the leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedMember {
    /// The member's ID.
    pub member_id: String,
    /// Its instance ID, if it is a static member.
    pub instance_id: Option<String>,
    /// Its metadata for the group's protocol.
    pub metadata: Vec<u8>,
}

/// A SyncGroup request.
#[derive(Debug, Clone)]
pub struct SyncRequest {
    /// Where the answer goes.
    pub reply: ReplyId,
    /// The group.
    pub group: String,
    /// The generation that the member has joined.
    pub generation: i32,
    /// The member's ID.
    pub member_id: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// What the member takes the group to be for, if it says so (version 5 and later).
    pub protocol_type: Option<String>,
    /// What the member takes the group's protocol to be, if it says so (version 5 and later).
    pub protocol: Option<String>,
    /// The leader's assignment: a share for each member's ID. Nothing from the others.
    pub assignments: Vec<(String, Vec<u8>)>,
}

/// The answer to a SyncGroup request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncAnswer {
    /// What the group is for.
    pub protocol_type: String,
    /// The group's protocol.
    pub protocol: String,
    /// The member's share.
    pub assignment: Vec<u8>,
}

/// An OffsetCommit request.
#[derive(Debug, Clone, Copy)]
pub struct CommitRequest<'a> {
    /// The group.
    pub group: &'a str,
    /// The member that commits.
    pub member: MemberKey<'a>,
    /// The member's generation; negative for who is no member.
    pub generation: i32,
    /// What is committed.
    pub entries: &'a [CommitEntry],
    /// How long to keep it, in milliseconds, if the request says so (versions 2 to 4).
    pub retention_ms: Option<Millis>,
}

/// What a group is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupState {
    /// There are no members; there may be offsets.
    Empty,
    /// Members are expected to join.
    PreparingRebalance,
    /// The leader's assignment is awaited.
    CompletingRebalance,
    /// Each member has its share.
    Stable,
    /// There is no such group.
    Dead,
    /// In a consumer group: what each member is to have has yet to be computed.
    Assigning,
    /// In a consumer group: some member does not have yet what it is to have.
    Reconciling,
}

impl GroupState {
    /// The state's name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
        }
    }
}

/// The protocol that a group's members speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupKind {
    /// Members join and sync; one of them computes the assignment.
    Classic,
    /// Members heartbeat; the broker computes the assignment (KIP-848).
    Consumer,
    /// Each record goes to one member (KIP-932).
    Share,
}

impl GroupKind {
    /// The kind's name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Consumer => "consumer",
            Self::Share => "share",
        }
    }
}

/// A group in a list of all groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupListing {
    /// The protocol that its members speak.
    pub kind: GroupKind,
    /// The group's ID.
    pub group: String,
    /// What it is for; empty for one that only commits offsets.
    pub protocol_type: String,
    /// What it is doing.
    pub state: GroupState,
}

/// A group with its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDescription {
    /// What the group is doing; `Dead` where there is no such group.
    pub state: GroupState,
    /// What it is for; empty for one that only commits offsets.
    pub protocol_type: String,
    /// The protocol of a stable group; else empty.
    pub protocol: String,
    /// Its members, by ID in order.
    pub members: Vec<MemberDescription>,
}

/// A member in a [`GroupDescription`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberDescription {
    /// The member's ID.
    pub member_id: String,
    /// Its instance ID, if it is a static member.
    pub instance_id: Option<String>,
    /// What the client calls itself.
    pub client_id: String,
    /// Where the client connected from.
    pub client_host: String,
    /// Its metadata for the protocol of a stable group; else empty.
    pub metadata: Vec<u8>,
    /// Its share in a stable group; else empty.
    pub assignment: Vec<u8>,
}

/// What became of a request to delete a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupDeletion {
    /// The group is gone, with its offsets.
    Deleted,
    /// There is no such group.
    NotFound,
    /// The group has members and stays.
    NotEmpty,
}
