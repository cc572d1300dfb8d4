//! Consumer groups in which the broker computes the assignment (KIP-848).
//!
//! Members say what they want and what they have in heartbeats, and are told what they may have.
//! Three numbers keep them in step: the group's *epoch* grows whenever members or what they want
//! change; the *target* (who is to have what) is computed for an epoch; a *member's epoch* becomes
//! that of the target when the member has given up all that the target takes from it. Only then
//! it gets something new, and only what no other member has. So a partition has one owner at a
//! time, and members that keep what they have never stop.

mod assignor;
mod group;
mod heartbeat;
mod member;
mod pattern;
mod reconcile;
mod target;
mod types;

pub(super) use group::ConsumerGroup;
pub use types::{
    ConsumerAnswer, ConsumerGroupDescription, ConsumerHeartbeat, ConsumerMemberDescription,
    TopicShare,
};
