//! Doors: the Kafka listener, its threads and connections, and the calls into the engine.
//!
//! A small pool of threads serves all connections, each with a poller of its own (`worker.rs`). A
//! connection belongs to one thread for life, so nothing about it is locked; others reach it
//! through the thread's mailbox (`mailbox.rs`), by a token that also tells connections apart that
//! had the same place one after another.
//!
//! A turn of a thread: every connection that has something to do reads what has arrived and
//! submits its Produce requests; then the queue is drained once, for all of them; then answers
//! are written. Answers leave in the order of their requests. Produce requests are taken on while
//! others are pending, so that one sync acknowledges many; any other request waits until all
//! before it are answered, and holds up those behind it.

mod config;
mod connection;
mod input;
mod kafka;
mod listener;
mod mailbox;
mod outbox;
mod pending;
mod pool;
mod share_session;
mod worker;

pub(crate) use config::SETTINGS;
pub use config::ServerConfig;
pub use pool::Server;
