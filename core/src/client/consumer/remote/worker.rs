//! A thread that fetches from one broker.

use std::sync::Arc;

use super::fetch;
use super::line::Line;
use super::offsets;
use super::state::{Follow, Outcome, Shared};
use crate::client::consumer::config::StartAt;
use crate::client::remote::login::is_refused;
use crate::error::{Error, ErrorKind, Result};

/// What a thread has to do next.
struct Task {
    follows: Vec<Follow>,
    /// How many bytes may come.
    room: usize,
}

/// Fetches from `node` until the consumer is closed.
pub(super) fn run(shared: &Arc<Shared>, node: i32) {
    let mut worker = Worker { line: Line::new(shared, node), round: 0 };
    while let Some(task) = worker.next() {
        if let Err(error) = worker.work(&task) {
            worker.postpone(&task, &error);
        }
    }
}

/// What the thread keeps.
pub(super) struct Worker<'a> {
    pub(super) line: Line<'a>,
    round: usize,
}

impl Worker<'_> {
    /// Waits until there is something to fetch and room for it; `None` at the end.
    fn next(&self) -> Option<Task> {
        let shared = self.line.shared;
        let mut state = shared.lock();
        loop {
            if state.closed {
                return None;
            }
            let room = state.room(&shared.config);
            let found = state.due(|follow| follow.leader == Some(self.line.node));
            state = match found {
                Ok(follows) if room > 0 => return Some(Task { follows, room }),
                Ok(_) => shared.wait(state, None),
                Err(when) => shared.wait(state, when),
            };
        }
    }

    /// One request: for the offsets at which to begin, or for records.
    fn work(&mut self, task: &Task) -> Result<()> {
        let is_lost = |follow: &&Follow| !matches!(follow.want.at, StartAt::Offset(_));
        let mut starts: Vec<Follow> = task.follows.iter().filter(is_lost).cloned().collect();
        if !starts.is_empty() {
            return offsets::look_up(self, &mut starts);
        }
        self.round = self.round.wrapping_add(1);
        let mut follows = task.follows.clone();
        let turn = self.round % follows.len().max(1);
        follows.rotate_left(turn);
        fetch::fetch(self, follows, task.room)
    }

    /// Says what became of partitions.
    pub(super) fn settle(&self, outcomes: impl IntoIterator<Item = (Follow, Outcome)>) {
        let mut state = self.line.shared.lock();
        let mut lost = false;
        for (follow, outcome) in outcomes {
            lost |= matches!(outcome, Outcome::Later);
            self.line.shared.settle(&mut state, follow.want.ticket, outcome);
        }
        drop(state);
        if lost {
            self.line.shared.changed();
        }
    }

    /// The broker could not be asked: the partitions' leaders are looked for again later.
    fn postpone(&mut self, task: &Task, error: &Error) {
        if error.kind() != ErrorKind::Unsupported && !is_refused(error.kind()) {
            self.line.hang_up();
            self.settle(task.follows.iter().map(|follow| (follow.clone(), Outcome::Later)));
            return;
        }
        let failed = |follow: &Follow| (follow.clone(), Outcome::Failed(error.clone()));
        self.settle(task.follows.iter().map(failed));
    }
}
