//! Messages of a queue group from brokers behind addresses (KIP-932).
//!
//! A share session, one for each broker, lives as long as its connection: when that is lost, the
//! broker hands what was acquired to others, and a new session is opened.

mod acknowledge;
mod fetch;
mod worker;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

pub(super) use worker::run;

use super::END_PATIENCE;
use super::leaders;
use super::state::Shared;
use crate::client::consumer::config::{ConsumerConfig, StartAt};
use crate::client::consumer::group::{Assigned, Reply};
use crate::client::consumer::queue::{Marks, QueueNews, QueueSource, Refused};
use crate::client::consumer::signal::Signal;
use crate::client::consumer::source::{Ticket, Want};
use crate::client::remote::cluster::Cluster;
use crate::error::Result;

/// Who asks for messages.
#[derive(Debug)]
pub(in crate::client::consumer) struct Sharer {
    pub(in crate::client::consumer) group: String,
    pub(in crate::client::consumer) member_id: String,
}

/// What the consumer wants of the brokers, and what has come from them.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// How often messages have been asked for.
    round: u64,
    /// How often the member has lost its place in the group: a session does not outlive that.
    losses: u64,
    /// The session has been closed for good, or is about to be.
    ended: bool,
    records: usize,
    nodes: BTreeMap<i32, Mailbox>,
    pub(super) news: VecDeque<QueueNews>,
    refused: Refused,
}

/// What is to be sent to a broker.
#[derive(Debug, Default)]
struct Mailbox {
    /// The last round in which it was asked...
    asked: u64,
    /// ...and in which it has answered.
    answered: u64,
    marks: Vec<Marks>,
    flushes: Vec<Flush>,
}

/// Somebody waits until what was to be sent has been sent.
#[derive(Debug)]
struct Flush {
    last: bool,
    deadline: Instant,
    reply: Reply<Result<()>>,
}

/// Takes messages from a cluster.
#[derive(Debug)]
pub(in crate::client::consumer) struct RemoteQueue {
    shared: Arc<Shared>,
    started: bool,
    assigned: Vec<(Assigned, Ticket)>,
    next_slot: u64,
}

impl RemoteQueue {
    pub(in crate::client::consumer) fn new(
        cluster: Cluster,
        config: ConsumerConfig,
        signal: Arc<Signal>,
        sharer: Sharer,
    ) -> Self {
        let shared = Arc::new(Shared::new(cluster, config, signal, Some(sharer)));
        Self { shared, started: false, assigned: Vec::new(), next_slot: 0 }
    }
}

impl Desk {
    /// Puts acknowledgements into the mailboxes of those that they are for.
    fn post(&mut self, marks: Vec<Marks>) {
        for mark in marks {
            self.nodes.entry(mark.node).or_default().marks.push(mark);
        }
    }
}

impl QueueSource for RemoteQueue {
    fn assign(&mut self, partitions: &[Assigned]) {
        self.assigned.retain(|(assigned, ticket)| {
            let stays = partitions.contains(assigned);
            if !stays {
                self.shared.unfollow(*ticket);
            }
            stays
        });
        let mut wants = Vec::new();
        for partition in partitions {
            if self.assigned.iter().any(|(assigned, _)| assigned == partition) {
                continue;
            }
            let ticket = Ticket { slot: self.next_slot, reading: 0 };
            self.next_slot += 1;
            self.assigned.push((partition.clone(), ticket));
            wants.push(Want {
                ticket,
                topic: partition.topic.clone(),
                partition: partition.partition,
                at: StartAt::Earliest,
            });
        }
        self.shared.follow(wants);
        if !self.started {
            self.started = true;
            leaders::start(&self.shared);
        }
    }

    fn want(&mut self, records: usize, marks: Vec<Marks>) {
        let mut state = self.shared.lock();
        let desk = &mut state.desk;
        let is_new = desk.nodes.values().any(|node| node.answered >= desk.round);
        if is_new || desk.round == 0 {
            desk.round += 1;
        }
        desk.records = records;
        if is_new || desk.round == 1 || !marks.is_empty() {
            desk.post(marks);
            self.shared.changed();
        }
    }

    fn lose(&mut self) {
        self.shared.lock().desk.losses += 1;
    }

    fn rest(&mut self) {}

    fn take(&mut self) -> Option<QueueNews> {
        self.shared.lock().desk.news.pop_front()
    }

    fn acknowledge(&mut self, marks: Vec<Marks>) {
        self.shared.lock().desk.post(marks);
        self.shared.changed();
    }

    fn flush(
        &mut self,
        marks: Vec<Marks>,
        last: bool,
        deadline: Instant,
    ) -> Vec<Reply<Result<()>>> {
        let mut state = self.shared.lock();
        state.desk.post(marks);
        state.desk.ended |= last;
        let mut replies = Vec::new();
        for mailbox in state.desk.nodes.values_mut() {
            let reply = Reply::default();
            replies.push(reply.clone());
            mailbox.flushes.push(Flush { last, deadline, reply });
        }
        self.shared.changed();
        replies
    }

    fn take_refused(&mut self) -> Refused {
        std::mem::take(&mut self.shared.lock().desk.refused)
    }
}

impl Drop for RemoteQueue {
    fn drop(&mut self) {
        self.shared.close(END_PATIENCE);
    }
}
