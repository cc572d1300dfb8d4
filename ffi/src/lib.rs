//! libminka: the C ABI of minka. The contract is the header, `include/minka.h`, which is made from
//! the comments in these files; what is said there is not repeated here.
//!
//! A file for each "class" of C, and below them what all stand on: `boundary` (no panic leaves),
//! `handle` (closed, forked, NULL), `bytes` (what is borrowed), `status` and `last_error`.

#![expect(non_camel_case_types, reason = "these are the names that C sees")]
#![expect(clippy::missing_safety_doc, reason = "the header says it once for all functions")]

mod boundary;
mod fork;
mod handle;

// The header has its functions in the order of these lines.
pub mod version;
// What calls answer.
pub mod last_error;
pub mod status;
// What they are given.
pub mod bytes;
pub mod config;
// What they are called on.
pub mod broker;
// Sending.
pub mod producer;
// Consuming.
pub mod assignment;
pub mod batch;
pub mod consumer;
// Managing.
pub mod admin;
pub mod cluster;
pub mod groups;
pub mod topics;
// Watching.
pub mod events;
// Being asked.
pub mod hooks;
pub mod verdict;
