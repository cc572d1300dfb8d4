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

mod commit;
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

pub use coordinator::Coordinator;
pub use offset_deletion::OffsetDeletion;
pub use types::{
    Action, CommitRequest, GroupConfig, GroupDeletion, GroupDescription, GroupListing, GroupState,
    JoinAnswer, JoinRequest, JoinedMember, MemberDescription, MemberKey, Now, ReplyId, SyncAnswer,
    SyncRequest,
};
