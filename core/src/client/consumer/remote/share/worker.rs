//! A thread that has a share session with one broker.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Flush, acknowledge, fetch};
use crate::client::consumer::queue::{Marks, QueueNews};
use crate::client::consumer::remote::line::Line;
use crate::client::consumer::remote::state::{Follow, Outcome, Shared};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::kafka::Uuid;
use crate::wire::kafka::share_fetch::{OPEN_SESSION, RENEW};

/// What a thread has to do next.
enum Task {
    Fetch { follows: Vec<Follow>, records: usize, marks: Vec<Marks> },
    Acknowledge { marks: Vec<Marks>, flushes: Vec<Flush> },
}

/// What the thread keeps.
pub(super) struct Worker<'a> {
    pub(super) line: Line<'a>,
    pub(super) session: Option<Session>,
}

/// An open share session.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// The epoch of the next request.
    pub(super) epoch: i32,
    /// How often the member had lost its place before it was opened.
    losses: u64,
    pub(super) partitions: BTreeSet<(Uuid, i32)>,
}

/// Asks `node` for messages, and acknowledges them, until the consumer is closed.
pub(in crate::client::consumer::remote) fn run(shared: &Arc<Shared>, node: i32) {
    let mut worker = Worker { line: Line::new(shared, node), session: None };
    shared.lock().desk.nodes.entry(node).or_default();
    while let Some(task) = worker.next() {
        match task {
            Task::Fetch { follows, records, marks } => {
                match fetch::fetch(&mut worker, &follows, records, &marks) {
                    Ok(()) => worker.note_answer(true),
                    Err(error) => {
                        worker.note_answer(false);
                        worker.give_up(&marks, Some(&error));
                        worker.postpone(follows, error);
                    }
                }
            }
            Task::Acknowledge { marks, flushes } => {
                let sent = acknowledge::acknowledge(&mut worker, &marks, &flushes);
                let result = sent.unwrap_or_else(|error| {
                    worker.give_up(&marks, flushes.is_empty().then_some(&error));
                    Err(error)
                });
                for flush in flushes {
                    flush.reply.put(result.clone());
                }
            }
        }
        shared.signal.notify();
    }
}

impl Worker<'_> {
    /// Waits until there is something to say to the broker; `None` at the end.
    fn next(&self) -> Option<Task> {
        let (shared, node) = (self.line.shared, self.line.node);
        let mut state = shared.lock();
        loop {
            if state.closed {
                let flushes = state.desk.nodes.remove(&node).map(|mailbox| mailbox.flushes);
                for flush in flushes.into_iter().flatten() {
                    let closed = Error::new(ErrorKind::Closed, "the consumer was closed");
                    flush.reply.put(Err(closed));
                }
                return None;
            }
            let due = state.due(|follow| follow.leader == Some(node));
            let desk = &mut state.desk;
            let (round, records, ended) = (desk.round, desk.records, desk.ended);
            let has_messages = desk.news.iter().any(|n| matches!(n, QueueNews::Acquired(_)));
            let mailbox = desk.nodes.entry(node).or_default();
            if !mailbox.flushes.is_empty() {
                let flushes = std::mem::take(&mut mailbox.flushes);
                return Some(Task::Acknowledge {
                    marks: std::mem::take(&mut mailbox.marks),
                    flushes,
                });
            }
            let is_renewal = mailbox.marks.iter().any(|marks| marks.types.contains(&RENEW));
            let is_wanted = mailbox.asked < round && !has_messages && !is_renewal && !ended;
            if let (Ok(follows), true) = (&due, is_wanted) {
                mailbox.asked = round;
                let marks = std::mem::take(&mut mailbox.marks);
                return Some(Task::Fetch { follows: follows.clone(), records, marks });
            }
            if !mailbox.marks.is_empty() {
                let marks = std::mem::take(&mut mailbox.marks);
                return Some(Task::Acknowledge { marks, flushes: Vec::new() });
            }
            state = shared.wait(state, due.err().flatten());
        }
    }

    /// The session, if its connection is still there.
    pub(super) fn live_session(&mut self) -> Option<&mut Session> {
        let losses = self.losses();
        if !self.line.is_open() || self.session.as_ref().is_some_and(|s| s.losses != losses) {
            self.end_session();
        }
        self.session.as_mut()
    }

    /// How often the member has lost its place.
    pub(super) fn losses(&self) -> u64 {
        self.line.shared.lock().desk.losses
    }

    /// Forgets the session, and says that nothing is held in it any more.
    pub(super) fn end_session(&mut self) {
        if self.session.take().is_some() {
            let mut state = self.line.shared.lock();
            state.desk.news.push_back(QueueNews::Lost(self.line.node));
        }
    }

    /// Says whether the broker has answered what it was asked; if not, it is asked again.
    fn note_answer(&self, answered: bool) {
        let mut state = self.line.shared.lock();
        if let Some(mailbox) = state.desk.nodes.get_mut(&self.line.node) {
            if answered {
                mailbox.answered = mailbox.asked;
            } else {
                mailbox.asked = mailbox.answered;
            }
        }
    }

    /// Says that these acknowledgements have not arrived, and why, if nobody else says so.
    pub(super) fn give_up(&self, marks: &[Marks], error: Option<&Error>) {
        let count: u64 = marks.iter().map(|marks| marks.types.len() as u64).sum();
        if count > 0 {
            let mut state = self.line.shared.lock();
            state.desk.refused.add(count, error);
        }
    }

    /// Says what became of partitions.
    pub(super) fn settle(&self, outcomes: impl IntoIterator<Item = (Follow, Outcome)>) {
        let shared = self.line.shared;
        let mut state = shared.lock();
        for (follow, outcome) in outcomes {
            shared.settle(&mut state, follow.want.ticket, outcome);
        }
        drop(state);
        shared.changed();
    }

    /// The broker could not be asked: the partitions' leaders are looked for again later.
    fn postpone(&mut self, follows: Vec<Follow>, error: Error) {
        if !self.line.is_open() {
            self.end_session();
        }
        let outcome = |error: &Error| match error.kind() {
            kind if kind.is_retriable() => Outcome::Later,
            // The heartbeats see to it that the member joins again.
            ErrorKind::UnknownMember
            | ErrorKind::GroupNotFound
            | ErrorKind::FencedMemberEpoch
            | ErrorKind::ShareSessionNotFound
            | ErrorKind::InvalidShareSessionEpoch
            | ErrorKind::ShareSessionLimitReached
            | ErrorKind::InvalidRequest => Outcome::Later,
            _ => Outcome::Failed(error.clone()),
        };
        self.settle(follows.into_iter().map(|follow| (follow, outcome(&error))));
    }
}

impl Session {
    /// The epoch of a session that was opened by the last request.
    pub(super) fn opened(partitions: BTreeSet<(Uuid, i32)>, losses: u64) -> Self {
        Self { epoch: OPEN_SESSION + 1, losses, partitions }
    }

    /// Counts a request.
    pub(super) fn advance(&mut self) {
        self.epoch = self.epoch.checked_add(1).unwrap_or(OPEN_SESSION + 1);
    }
}

/// What the broker says about a session whose state is not what it should be.
pub(super) fn ends_session(error: &Result<()>) -> bool {
    let kind = error.as_ref().err().map(Error::kind);
    matches!(kind, Some(kind) if matches!(
        kind,
        ErrorKind::ShareSessionNotFound
            | ErrorKind::InvalidShareSessionEpoch
            | ErrorKind::UnknownMember
            | ErrorKind::GroupNotFound
            | ErrorKind::InvalidRequest
    ))
}
