//! What the consumer's thread and the threads that fetch for it share.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::share::{self, Desk, Sharer};
use super::worker;
use crate::client::backoff::Backoff;
use crate::client::consumer::config::{ConsumerConfig, StartAt};
use crate::client::consumer::queue::QueueNews;
use crate::client::consumer::signal::Signal;
use crate::client::consumer::source::{News, Ticket, Want, What};
use crate::client::remote::cluster::Cluster;
use crate::client::remote::topic_meta::TopicMeta;
use crate::error::{Error, ErrorKind};
use crate::wire::kafka::Uuid;

/// See the module.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) cluster: Cluster,
    pub(super) config: ConsumerConfig,
    /// Who asks, if messages of a queue group are asked for.
    pub(super) sharer: Option<Sharer>,
    pub(super) signal: Arc<Signal>,
    state: Mutex<State>,
    changed: Condvar,
}

/// What is read, what has come, and who is at work.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) follows: BTreeMap<u64, Follow>,
    ready: VecDeque<(News, usize)>,
    ready_bytes: usize,
    nodes: BTreeMap<i32, Node>,
    pub(super) desk: Desk,
    pub(super) closed: bool,
    threads: usize,
}

/// A partition that is read.
#[derive(Debug, Clone)]
pub(super) struct Follow {
    pub(super) want: Want,
    pub(super) topic_id: Uuid,
    /// Who leads it; `None` while that is to be found out.
    pub(super) leader: Option<i32>,
    /// It is left alone until then.
    pub(super) not_before: Option<Instant>,
    backoff: Backoff,
}

/// A broker that is fetched from.
#[derive(Debug, Default)]
struct Node {
    /// The connection, while an answer is waited for.
    waiting: Option<TcpStream>,
    /// Whether the wait was ended from here, since there is more to ask for.
    kicked: bool,
}

/// What a worker found out about a partition.
#[derive(Debug)]
pub(super) enum Outcome {
    /// There is nothing at present.
    Nothing,
    /// This came, and the next fetch goes on behind it.
    Came(What, usize, StartAt),
    /// The offset that was looked for.
    Starts(StartAt),
    /// The broker does not lead it any more, or cannot answer now.
    Later,
    /// It cannot be read.
    Failed(Error),
}

impl Shared {
    pub(super) fn new(
        cluster: Cluster,
        config: ConsumerConfig,
        signal: Arc<Signal>,
        sharer: Option<Sharer>,
    ) -> Self {
        Self { cluster, config, sharer, signal, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Reads these partitions, too.
    pub(super) fn follow(self: &Arc<Self>, wants: Vec<Want>) {
        let mut state = self.lock();
        let mut known = Vec::new();
        for want in wants {
            if let Some(meta) = self.cluster.cached(&want.topic) {
                known.push((want.ticket, meta));
            }
            let backoff =
                Backoff::new(self.config.retry_backoff_min, self.config.retry_backoff_max);
            let follow =
                Follow { topic_id: Uuid::ZERO, leader: None, not_before: None, backoff, want };
            state.follows.insert(follow.want.ticket.slot, follow);
        }
        for (ticket, meta) in known {
            self.lead(&mut state, ticket, &meta);
        }
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn unfollow(&self, ticket: Ticket) {
        let mut state = self.lock();
        if state.follows.get(&ticket.slot).is_some_and(|follow| follow.want.ticket == ticket) {
            state.follows.remove(&ticket.slot);
        }
    }

    /// The next news. What came for a reading that has ended is dropped on the way.
    pub(super) fn take(&self) -> Option<News> {
        let mut state = self.lock();
        let was_full = state.room(&self.config) == 0;
        let news = state.ready.pop_front().map(|(news, bytes)| {
            state.ready_bytes -= bytes;
            news
        });
        if was_full && state.room(&self.config) > 0 {
            self.changed.notify_all();
        }
        news
    }

    /// Ends all threads, and waits for them until `patience` is over.
    pub(super) fn close(&self, patience: Duration) {
        self.cluster.stop();
        let mut state = self.lock();
        state.closed = true;
        state.nodes.values_mut().for_each(Node::kick);
        self.changed.notify_all();
        let deadline = Instant::now() + patience;
        while state.threads > 0 && Instant::now() < deadline {
            state = self.wait(state, Some(deadline));
        }
    }

    /// Starts a thread that ends when the consumer is closed.
    pub(super) fn spawn(
        self: &Arc<Self>,
        state: &mut State,
        name: &str,
        run: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) -> bool {
        let shared = self.clone();
        let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let ended = Ended(shared);
            run(&ended.0);
        });
        state.threads += usize::from(spawned.is_ok());
        spawned.is_ok()
    }

    /// Notes who leads a partition, and sees to it that it is fetched from there.
    pub(super) fn lead(self: &Arc<Self>, state: &mut State, ticket: Ticket, meta: &TopicMeta) {
        let Some(follow) = state.follows.get_mut(&ticket.slot) else { return };
        let leader = meta.partitions.get(follow.want.partition as usize).copied().flatten();
        if follow.want.ticket != ticket {
            return;
        }
        let Some(node) = leader else {
            follow.later();
            return;
        };
        follow.leader = Some(node);
        follow.topic_id = meta.id;
        if let Some(node) = state.nodes.get_mut(&node) {
            // The end of its connection would be the end of a share session.
            if self.sharer.is_none() {
                node.kick();
            }
            return;
        }
        let run = if self.sharer.is_some() { share::run } else { worker::run };
        if self.spawn(state, "minka-fetch", move |shared| run(shared, node)) {
            state.nodes.insert(node, Node::default());
        } else {
            let text = "no thread could be started to fetch: the system has no room for more";
            let error = Error::new(ErrorKind::Internal, text);
            self.settle(state, ticket, Outcome::Failed(error));
        }
    }

    /// Takes note of what became of a partition, if it is still read as it was then.
    pub(super) fn settle(&self, state: &mut State, ticket: Ticket, outcome: Outcome) {
        let Some(follow) = state.follows.get_mut(&ticket.slot) else { return };
        if follow.want.ticket != ticket {
            return;
        }
        match outcome {
            Outcome::Nothing => follow.backoff.reset(),
            Outcome::Came(what, bytes, next) => {
                follow.backoff.reset();
                follow.want.at = next;
                state.ready_bytes += bytes;
                state.ready.push_back((News { ticket, what }, bytes));
                self.signal.notify();
            }
            Outcome::Starts(at) => {
                follow.want.at = at;
                if let StartAt::Offset(offset) = at {
                    state.ready.push_back((News { ticket, what: What::Start(offset) }, 0));
                    self.signal.notify();
                }
            }
            Outcome::Later => follow.later(),
            Outcome::Failed(error) if self.sharer.is_some() => {
                follow.later();
                state.desk.news.push_back(QueueNews::Failed(error));
                self.signal.notify();
            }
            Outcome::Failed(error) => {
                state.follows.remove(&ticket.slot);
                state.ready.push_back((News { ticket, what: What::Failed(error) }, 0));
                self.signal.notify();
            }
        }
    }

    /// Says that an answer of `node` is waited for, or no more. `false` if there is something
    /// better to do than to wait.
    pub(super) fn waits(&self, node: i32, stream: Option<TcpStream>) -> bool {
        let mut state = self.lock();
        let closed = state.closed;
        let Some(node) = state.nodes.get_mut(&node) else { return true };
        node.waiting = stream;
        !std::mem::take(&mut node.kicked) && !closed
    }

    /// Waits for a change, until `deadline` if there is one.
    pub(super) fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        deadline: Option<Instant>,
    ) -> MutexGuard<'a, State> {
        let Some(deadline) = deadline else {
            return self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        let left = deadline.saturating_duration_since(Instant::now());
        self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Tells the threads to look again.
    pub(super) fn changed(&self) {
        self.changed.notify_all();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Each change under the lock is whole before anything that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How many bytes may come before the consumer has taken some.
    pub(super) fn room(&self, config: &ConsumerConfig) -> usize {
        config.bytes_max.saturating_sub(self.ready_bytes)
    }

    /// Those of the partitions that `of` names which may be asked about now; else, when the first
    /// of them may.
    pub(super) fn due(&self, of: impl Fn(&Follow) -> bool) -> Result<Vec<Follow>, Option<Instant>> {
        let now = Instant::now();
        let is_due = |follow: &&Follow| follow.not_before.is_none_or(|when| when <= now);
        let due: Vec<_> = self.follows.values().filter(|f| of(f)).filter(is_due).cloned().collect();
        if due.is_empty() {
            return Err(self.follows.values().filter(|f| of(f)).filter_map(|f| f.not_before).min());
        }
        Ok(due)
    }
}

impl Follow {
    /// Its leader is looked for again, after a while.
    fn later(&mut self) {
        self.leader = None;
        self.not_before = Some(Instant::now() + self.backoff.next_delay());
    }
}

impl Node {
    /// Ends the wait for an answer.
    fn kick(&mut self) {
        self.kicked = true;
        if let Some(stream) = self.waiting.take() {
            // If it is gone already, so is the wait.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Counts a thread's end, also by a panic.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.lock().threads -= 1;
        self.0.changed.notify_all();
    }
}
