//! What takes its time and must not hold up the thread that sends: each on a thread of its own.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mio::Waker;

use crate::client::remote::answer;
use crate::client::remote::cluster::Cluster;
use crate::client::remote::connection::Connection;
use crate::client::remote::topic_meta::TopicMeta;
use crate::error::{Error, Result};
use crate::wire::kafka::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

/// The newest version of InitProducerId that is spoken.
const INIT_PRODUCER_ID_MAX: i16 = 4;

/// What is to be done.
#[derive(Debug, Clone)]
pub(super) enum Errand {
    /// Connect to a broker.
    Connect(i32),
    /// Ask who leads these topics' partitions.
    Refresh(Vec<Arc<str>>),
    /// Get a producer ID.
    Identify,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Outcome {
    Connected(i32, Result<Connection>),
    Refreshed(Vec<(Arc<str>, Result<Arc<TopicMeta>>)>),
    Identified(Result<(i64, i16)>),
}

/// Errands that are under way.
#[derive(Debug)]
pub(super) struct Errands {
    cluster: Cluster,
    timeout: Duration,
    desk: Arc<Desk>,
    waker: Arc<Waker>,
    threads: Vec<JoinHandle<()>>,
}

/// Where outcomes are handed in.
#[derive(Debug, Default)]
struct Desk {
    state: Mutex<DeskState>,
    handed_in: Condvar,
}

#[derive(Debug, Default)]
struct DeskState {
    outcomes: Vec<Outcome>,
    under_way: usize,
}

impl Errands {
    /// Errands in a cluster, each of at most `timeout`. `waker` is woken when one is done.
    pub(super) fn new(cluster: Cluster, timeout: Duration, waker: Arc<Waker>) -> Self {
        Self { cluster, timeout, desk: Arc::default(), waker, threads: Vec::new() }
    }

    /// Starts an errand. Where no thread can be had, it fails at once.
    pub(super) fn start(&mut self, errand: Errand) {
        let (cluster, desk, waker) = (self.cluster.clone(), self.desk.clone(), self.waker.clone());
        let deadline = Instant::now() + self.timeout;
        let todo = errand.clone();
        self.desk.lock().under_way += 1;
        let run = move || desk.hand_in(todo.run(&cluster, deadline), &waker);
        match thread::Builder::new().name("minka-errand".to_owned()).spawn(run) {
            Ok(thread) => self.threads.push(thread),
            Err(error) => {
                let error = Error::network("starting a thread", error);
                self.desk.hand_in(errand.failed(&error), &self.waker);
            }
        }
    }

    /// What has been done since the last call.
    pub(super) fn done(&mut self) -> Vec<Outcome> {
        self.threads.retain(|thread| !thread.is_finished());
        std::mem::take(&mut self.desk.lock().outcomes)
    }

    /// Ends all waits, and waits for what is then still under way: at most for `patience`, since
    /// a broker that swallows packets holds up a connect for long. Such a thread ends by itself.
    pub(super) fn stop(&mut self, patience: Duration) {
        self.cluster.stop();
        let deadline = Instant::now() + patience;
        let mut state = self.desk.lock();
        while state.under_way > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let woken = self.desk.handed_in.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        for thread in self.threads.drain(..) {
            // A panic has been printed; its errand is of no use any more.
            let _ = thread.join();
        }
    }
}

impl Desk {
    fn hand_in(&self, outcome: Outcome, waker: &Waker) {
        let mut state = self.lock();
        state.outcomes.push(outcome);
        state.under_way -= 1;
        drop(state);
        self.handed_in.notify_all();
        // A waker whose poller is gone has nobody to wake.
        let _ = waker.wake();
    }

    fn lock(&self) -> MutexGuard<'_, DeskState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Errand {
    fn run(self, cluster: &Cluster, deadline: Instant) -> Outcome {
        match self {
            Self::Connect(node) => Outcome::Connected(node, cluster.connect_node(node, deadline)),
            Self::Identify => Outcome::Identified(identify(cluster, deadline)),
            Self::Refresh(topics) => {
                let names: Vec<&str> = topics.iter().map(|name| &**name).collect();
                match cluster.refresh(&names, deadline) {
                    Ok(found) => Outcome::Refreshed(topics.into_iter().zip(found).collect()),
                    Err(error) => Self::Refresh(topics).failed(&error),
                }
            }
        }
    }

    fn failed(self, error: &Error) -> Outcome {
        match self {
            Self::Connect(node) => Outcome::Connected(node, Err(error.clone())),
            Self::Identify => Outcome::Identified(Err(error.clone())),
            Self::Refresh(topics) => {
                let failed = topics.into_iter().map(|topic| (topic, Err(error.clone())));
                Outcome::Refreshed(failed.collect())
            }
        }
    }
}

fn identify(cluster: &Cluster, deadline: Instant) -> Result<(i64, i16)> {
    let request = InitProducerIdRequest {
        // Transactions are not used, but no version takes a timeout of 0.
        transaction_timeout_ms: i32::MAX,
        ..InitProducerIdRequest::default()
    };
    let (frame, version) = cluster.ask(INIT_PRODUCER_ID_MAX, &request, deadline)?;
    let answer = InitProducerIdResponse::decode(&mut frame.reader(), version)?;
    answer::check(answer.error_code, None, "asking for a producer ID")?;
    Ok((answer.producer_id, answer.producer_epoch))
}
