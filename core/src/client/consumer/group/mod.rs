//! Being a member of a group.
//!
//! A thread of its own heartbeats (`membership.rs`), so that the member stays alive while the
//! application works. Partitions that the group gives or takes are handed over when the
//! application polls (`partition_member.rs`): a partition is given up only after the positions of
//! what was returned from it have been committed.

mod coordinator;
mod local_coordinator;
mod membership;
mod partition_member;
mod remote_coordinator;
mod reply;

pub(super) use coordinator::{Assigned, Coordinator};
pub(super) use local_coordinator::LocalCoordinator;
pub(super) use membership::{Membership, new_member_id};
pub(super) use partition_member::PartitionMember;
pub(super) use remote_coordinator::{Kind, RemoteCoordinator};
pub(super) use reply::Reply;
