//! A thread that fetches from one broker.

use std::sync::Arc;
use std::time::Instant;

use super::fetch;
use super::offsets;
use super::state::{Follow, Outcome, Shared};
use crate::client::consumer::config::StartAt;
use crate::client::remote::connection::{Connection, Frame};
use crate::error::{Error, ErrorKind, Result};

/// What a thread has to do next.
struct Task {
    follows: Vec<Follow>,
    /// How many bytes may come.
    room: usize,
}

/// Fetches from `node` until the consumer is closed.
pub(super) fn run(shared: &Arc<Shared>, node: i32) {
    let mut worker = Worker { shared, node, connection: None, round: 0 };
    while let Some(task) = worker.next() {
        if let Err(error) = worker.work(&task) {
            worker.postpone(&task, &error);
        }
    }
}

/// What the thread keeps.
pub(super) struct Worker<'a> {
    pub(super) shared: &'a Arc<Shared>,
    node: i32,
    connection: Option<Connection>,
    round: usize,
}

impl Worker<'_> {
    /// Waits until there is something to fetch and room for it; `None` at the end.
    fn next(&self) -> Option<Task> {
        let mut state = self.shared.lock();
        loop {
            if state.closed {
                return None;
            }
            let room = state.room(&self.shared.config);
            let found = state.due(|follow| follow.leader == Some(self.node));
            state = match found {
                Ok(follows) if room > 0 => return Some(Task { follows, room }),
                Ok(_) => self.shared.wait(state, None),
                Err(when) => self.shared.wait(state, when),
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

    /// The connection, opened if need be.
    pub(super) fn connection(&mut self) -> Result<&mut Connection> {
        let usable = self.connection.take().filter(|connection| !connection.is_broken());
        let connection = match usable {
            Some(connection) => connection,
            None => {
                let deadline = Instant::now() + self.shared.config.request_timeout;
                self.shared.cluster.connect_node(self.node, deadline)?
            }
        };
        Ok(self.connection.insert(connection))
    }

    /// Waits for the answer to what was just sent. `None` if there is something better to do: the
    /// connection is given up then.
    pub(super) fn receive(&mut self, deadline: Instant) -> Result<Option<Frame>> {
        let Some(connection) = &mut self.connection else {
            return Err(Error::new(ErrorKind::Network, "there is no connection"));
        };
        // Without a second handle on the socket nobody can end the wait early, that is all.
        let stream = connection.stream().try_clone().ok();
        if !self.shared.waits(self.node, stream) {
            self.shared.waits(self.node, None);
            self.connection = None;
            return Ok(None);
        }
        let received = connection.receive(deadline);
        let wanted = self.shared.waits(self.node, None);
        match received {
            Ok(frame) => Ok(Some(frame)),
            Err(error) => {
                self.connection = None;
                if wanted { Err(error) } else { Ok(None) }
            }
        }
    }

    /// Says what became of partitions.
    pub(super) fn settle(&self, outcomes: impl IntoIterator<Item = (Follow, Outcome)>) {
        let mut state = self.shared.lock();
        let mut lost = false;
        for (follow, outcome) in outcomes {
            lost |= matches!(outcome, Outcome::Later);
            self.shared.settle(&mut state, follow.want.ticket, outcome);
        }
        drop(state);
        if lost {
            self.shared.changed();
        }
    }

    /// The broker could not be asked: the partitions' leaders are looked for again later.
    fn postpone(&mut self, task: &Task, error: &Error) {
        if error.kind() != ErrorKind::Unsupported {
            self.connection = None;
            self.settle(task.follows.iter().map(|follow| (follow.clone(), Outcome::Later)));
            return;
        }
        let failed = |follow: &Follow| (follow.clone(), Outcome::Failed(error.clone()));
        self.settle(task.follows.iter().map(failed));
    }
}
