//! minka's own client: the same calls on a broker in this process and on one behind an address.
//!
//! What a client is opened on is its [`Target`]. On a [`Broker`](crate::engine::Broker) it calls
//! the engine: no socket, no encoding. On an address it speaks the Kafka protocol, to minka and
//! to Apache Kafka alike. Threads that block, no async runtime.

#[cfg_attr(not(test), expect(dead_code, reason = "what uses it comes with the producer"))]
mod backoff;
#[cfg_attr(not(test), expect(dead_code, reason = "what uses it comes with the producer"))]
mod remote;
mod target;

pub use target::Target;
