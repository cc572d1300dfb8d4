//! minka: a durable, Kafka-compatible message broker that fits inside your program.
//!
//! [`Broker`] is the broker without sockets: topics, producing, fetching, groups, in one durable
//! log. [`Server`] gives it a door for Kafka clients. The other modules are the floors on which
//! both stand; ARCHITECTURE.md says how they hang together.
//!
//! minka is not a cluster: one process owns a data directory at a time. It starts no thread before
//! a broker is opened, and leaves none behind when that is closed.

#![forbid(unsafe_code)]

pub mod batch;
pub mod checksum;
pub mod client;
pub mod clock;
mod embedded;
pub mod engine;
pub mod error;
pub mod limits;
pub mod log;
pub mod queue;
pub mod server;
mod setting;
pub mod state;
pub mod sys;
pub mod wire;

pub use embedded::{Address, Embedded, EmbeddedConfig};
pub use engine::{Broker, Config};
pub use error::{Error, ErrorKind, Result};
pub use server::{Server, ServerConfig};
pub use setting::SettingDescription;

/// The examples of the README are tested as they stand.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
