//! Consumer groups: the classic protocol, in which each partition belongs to one member.
//!
//! A pure state machine that behaves like Apache Kafka's group coordinator (KIP-62, 211, 345,
//! 394, 814). [`Coordinator`] holds all groups of a broker. JoinGroup and SyncGroup may take long:
//! their caller names each by a [`ReplyId`], and the answer comes as an [`Action`] of this call
//! or of a later one. What has to be in the log comes as [`Action::Persist`], before the answers
//! that promise it; the coordinator has applied it to itself already.
//!
//! ```text
//! Empty -- join --> PreparingRebalance -- all joined, or time is up --> CompletingRebalance
//!   ^                 ^       |   ^                                            |      |
//!   |                 |       |   +-- a member joins, leaves or falls silent --+      |
//!   +-- nobody left --|-------+                                                       |
//!                     |                                                               |
//!                     +---- a member joins, leaves or falls silent ---- Stable <------+
//!                                                                the leader's assignment
//! ```
//!
//! A group whose members heartbeat instead (KIP-848) has these in a part of its own, the module
//! `consumer`; its name, offsets, expiry and deletion are those of any group. While a group is
//! empty it becomes of the kind that the next member wants.

mod assignment;
mod commit;
mod consumer;
mod consumers;
mod coordinator;
mod expiry;
mod group;
mod join;
mod leave;
mod member;
mod offset_deletion;
mod rebalance;
mod sync;
mod types;

pub use assignment::assigned_partitions;
pub use consumer::{
    ConsumerAnswer, ConsumerGroupDescription, ConsumerHeartbeat, ConsumerMemberDescription,
    TopicShare,
};
pub use coordinator::Coordinator;
pub use offset_deletion::OffsetDeletion;
pub use types::{
    Action, CommitRequest, GroupConfig, GroupDeletion, GroupDescription, GroupKind, GroupListing,
    GroupState, JoinAnswer, JoinRequest, JoinedMember, MemberDescription, MemberKey, Now, ReplyId,
    SyncAnswer, SyncRequest,
};
