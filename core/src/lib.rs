//! minka: a durable, Kafka-compatible message broker that fits inside your program.

#![forbid(unsafe_code)]

pub mod batch;
pub mod checksum;
pub mod clock;
pub mod engine;
pub mod error;
pub mod limits;
pub mod log;
pub mod queue;
pub mod server;
pub mod state;
pub mod sys;
pub mod wire;

pub use engine::{Broker, Config};
pub use error::{Error, ErrorKind, Result};
pub use server::{Server, ServerConfig};
