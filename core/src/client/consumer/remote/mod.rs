//! Partitions of brokers behind addresses. What the consumer's own thread sees of them is
//! [`Remote`]: it says what to read, and takes what has come.
//!
//! One thread finds out who leads which partition (`leaders.rs`). For each broker there is one
//! that fetches from it (`worker.rs`): it has a connection of its own and sends the next request
//! as soon as the last one is answered, for as long as there is room for what will come. For a
//! queue group it asks only when the consumer wants messages (`share/`), since their locks run.

mod fetch;
mod leaders;
mod line;
mod offsets;
mod share;
mod state;
mod worker;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::config::ConsumerConfig;
use super::signal::Signal;
use super::source::{News, Source, Ticket, Want};
use crate::client::remote::cluster::Cluster;
pub(super) use share::{RemoteQueue, Sharer};
use state::Shared;

/// How long closing waits for threads that ask a broker something: they end by themselves.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// Reads partitions of a cluster.
#[derive(Debug)]
pub(super) struct Remote {
    shared: Arc<Shared>,
    /// Whether the thread that looks for leaders has been started.
    started: bool,
}

impl Remote {
    pub(super) fn new(cluster: Cluster, config: ConsumerConfig, signal: Arc<Signal>) -> Self {
        Self { shared: Arc::new(Shared::new(cluster, config, signal, None)), started: false }
    }
}

impl Source for Remote {
    fn follow(&mut self, wants: Vec<Want>) {
        self.shared.follow(wants);
        if !self.started {
            self.started = true;
            leaders::start(&self.shared);
        }
    }

    fn unfollow(&mut self, ticket: Ticket) {
        self.shared.unfollow(ticket);
    }

    fn take(&mut self) -> Option<News> {
        self.shared.take()
    }

    fn look_again_at(&self) -> Option<Instant> {
        None
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.shared.close(END_PATIENCE);
    }
}
