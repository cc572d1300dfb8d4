//! What the broker knows, as decisions without I/O: time and entries are arguments.
//!
//! Durable state is a function of the log: *events* ([`event::Event`]) and data batches, applied
//! in order, give [`durable::DurableState`]. A start replays them; a running broker keeps the
//! same parts ([`catalog::Catalog`], [`partition::PartitionState`], [`groups::Coordinator`],
//! [`queues::Queues`]) and changes them by the same functions. Decisions that may fail
//! (`plan_...`, `check`) look at the state and change nothing.
//!
//! Nothing here reads a clock, touches a file, spawns or locks. Two kinds of time occur:
//! *steady* milliseconds for timeouts, *wall* milliseconds for dates that people and clients see.

pub mod catalog;
pub mod durable;
pub mod event;
pub mod group_config;
pub mod groups;
pub mod membership;
pub mod offsets;
pub mod partition;
pub mod producers;
pub mod queues;
pub mod setting;
mod timers;
pub mod topic;
pub mod topic_config;
