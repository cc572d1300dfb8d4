//! Queue groups: each record goes to one member, and is acknowledged by itself.
//!
//! Kafka calls them share groups
//! ([KIP-932](https://cwiki.apache.org/confluence/display/KAFKA/KIP-932%3A+Queues+for+Kafka)). A
//! pure state machine: [`Queues`] holds all queue groups of a broker. What has to be done comes as
//! [`Action`]s; what has to be in the log comes as [`Action::Persist`], and the state has it
//! already.
//!
//! ```text
//!               acquire              confirm               accept, gap
//!  Available ------------> Acquired ---------> Acquired ----------------> Settled
//!   ^  ^  ^                   |      delivered  |  |  |                     ^
//!   |  |  +--- not delivered -+      and counted|  |  | reject, or          | buried
//!   |  |                                        |  |  | the last delivery   |
//!   |  +------------- session closed -----------+  |  +----------------> Burying
//!   |                                              |                  (dead_letter only)
//!   +-- rests --- released, lock or session lost --+
//! ```
//!
//! The log knows of each record how often it was delivered and whether it is done, not who has it:
//! after a start everything that is not done is available. A partition is a line of ranges of
//! records with the same fate (ranges.rs); a record that nobody can do costs two ranges and holds
//! back nothing but itself.

mod acknowledge;
mod admin;
mod confirm;
mod dispatch;
mod durable;
mod group;
mod heartbeat;
mod member;
mod partition;
mod ranges;
mod record;
mod registry;
mod types;
mod waiting;

pub use durable::DurableQueue;
pub use registry::Queues;
pub use types::{
    AckBatch, AckKind, AcquireRequest, Acquisition, Action, AssignedTopic, Bounds, DeadLetter,
    DeadLetterReason, Delivery, HeartbeatAnswer, HeartbeatRequest, QueueConfig, QueueDescription,
    QueueListing, QueueMember, QueueOffsets, SessionEnd, StartAt,
};
