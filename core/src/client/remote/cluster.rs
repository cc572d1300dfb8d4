//! What is known of a cluster: its brokers, topics, leaders and coordinators.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::answer;
use super::connection::{Connection, Frame};
use super::login::is_refused;
use super::topic_meta::{TopicMeta, retry_topic};
use crate::client::backoff::Backoff;
use crate::client::config::Credentials;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::kafka::field::Message;
use crate::wire::kafka::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use crate::wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};

/// The newest versions that are spoken here.
const METADATA_MAX: i16 = 12;
const FIND_COORDINATOR_MAX: i16 = 6;
/// How long a topic that is being created may stay unknown, where it may be created.
const UNKNOWN_TOPIC_PATIENCE: Duration = Duration::from_secs(3);

/// How a cluster is asked.
#[derive(Debug, Clone)]
pub(crate) struct ClusterOptions {
    /// What the client calls itself.
    pub(crate) client_id: String,
    /// Whether asking about a topic may create it.
    pub(crate) create_topics: bool,
    /// How long one request, or one try to connect, may take.
    pub(crate) request_timeout: Duration,
    /// The delays between tries.
    pub(crate) backoff: Backoff,
    /// Who to log in as.
    pub(crate) credentials: Option<Credentials>,
}

/// A cluster, as one client sees it. Clones share what is known; may be used by any thread.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: ClusterOptions,
    bootstrap: Vec<String>,
    known: Mutex<Known>,
    /// Tells who waits between two tries that the client is closed.
    stop: Condvar,
    /// Connections for questions, by broker, while none is under way on them.
    kept: Mutex<HashMap<Option<i32>, Connection>>,
}

#[derive(Debug, Default)]
struct Known {
    /// The addresses of the brokers.
    nodes: HashMap<i32, String>,
    topics: HashMap<Arc<str>, Arc<TopicMeta>>,
    /// Where `connect_any` begins, so that it does not come back to a broker that is gone.
    next_address: usize,
    stopped: bool,
}

impl Cluster {
    /// A cluster behind `bootstrap`: `host:port`, or several separated by commas. Connects to
    /// nothing.
    pub(crate) fn new(bootstrap: &str, options: ClusterOptions) -> Result<Self> {
        let addresses = bootstrap.split(',').map(str::trim).filter(|address| !address.is_empty());
        let bootstrap: Vec<String> = addresses.map(str::to_owned).collect();
        let is_address = |text: &String| {
            text.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0)
            })
        };
        if bootstrap.is_empty() || !bootstrap.iter().all(is_address) {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                format!("{:?} is no address: write host:port", bootstrap.join(",")),
            ));
        }
        let shared = Shared {
            options,
            bootstrap,
            known: Mutex::default(),
            stop: Condvar::new(),
            kept: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// A new connection to any broker. Tries them in turn, with delays, until `deadline`; then
    /// that is [`ErrorKind::BrokerUnavailable`].
    pub(crate) fn connect_any(&self, deadline: Instant) -> Result<Connection> {
        let mut backoff = self.shared.options.backoff.clone();
        loop {
            let mut last = None;
            for address in self.addresses() {
                match self.connect(&address, deadline) {
                    Ok(connection) => return Ok(connection),
                    Err(error) if is_refused(error.kind()) => return Err(error),
                    Err(error) => last = Some(error),
                }
                self.known().next_address += 1;
            }
            if !self.pause(backoff.next_delay(), deadline)? {
                let reason = last.map_or_else(String::new, |error| error.to_string());
                let text = format!("no broker could be reached; the last try: {reason}");
                return Err(Error::new(ErrorKind::BrokerUnavailable, text));
            }
        }
    }

    /// A new connection to the broker with this ID. One try, of at most the request timeout.
    pub(crate) fn connect_node(&self, node: i32, deadline: Instant) -> Result<Connection> {
        let address = self.known().nodes.get(&node).cloned();
        let address = match address {
            Some(address) => address,
            None => {
                self.refresh(&[], deadline)?;
                self.known().nodes.get(&node).cloned().ok_or_else(|| {
                    Error::new(
                        ErrorKind::BrokerUnavailable,
                        format!("the cluster has no broker {node} at present"),
                    )
                })?
            }
        };
        self.connect(&address, deadline)
    }

    /// The broker that coordinates a group. `kind` is one of the key types of
    /// [`crate::wire::kafka::find_coordinator`]. While there is none, asks again until
    /// `deadline`.
    pub(crate) fn coordinator(&self, kind: i8, group: &str, deadline: Instant) -> Result<i32> {
        let mut backoff = self.shared.options.backoff.clone();
        loop {
            match self.find_coordinator(kind, group, deadline) {
                Err(error) if error.kind() == ErrorKind::CoordinatorUnavailable => {
                    if !self.pause(backoff.next_delay(), deadline)? {
                        return Err(error);
                    }
                }
                found => return found,
            }
        }
    }

    /// A topic, as it was last heard of, or asked about now. While it is being created, asks
    /// again until `deadline`.
    pub(crate) fn topic(&self, name: &str, deadline: Instant) -> Result<Arc<TopicMeta>> {
        if let Some(topic) = self.cached(name) {
            return Ok(topic);
        }
        let mut backoff = self.shared.options.backoff.clone();
        let patience = Instant::now() + UNKNOWN_TOPIC_PATIENCE;
        loop {
            let answer = self.refresh(&[name], deadline)?.pop();
            let error = match answer {
                Some(Err(error)) => error,
                Some(Ok(topic)) => return Ok(topic),
                None => super::topic_meta::unknown(name),
            };
            let until = match error.kind() {
                ErrorKind::UnknownTopicOrPartition if self.shared.options.create_topics => {
                    deadline.min(patience)
                }
                kind if retry_topic(kind) => deadline,
                _ => return Err(error),
            };
            if !self.pause(backoff.next_delay(), until)? {
                return Err(error);
            }
        }
    }

    /// A topic, if it has been heard of.
    pub(crate) fn cached(&self, name: &str) -> Option<Arc<TopicMeta>> {
        self.known().topics.get(name).cloned()
    }

    /// Asks about brokers and these topics once, and remembers the answer. The results are in the
    /// order of `topics`; a partition without a leader does not make a topic an error.
    pub(crate) fn refresh(
        &self,
        topics: &[&str],
        deadline: Instant,
    ) -> Result<Vec<Result<Arc<TopicMeta>>>> {
        let asked = topics
            .iter()
            .map(|name| MetadataRequestTopic { name: Some(name), ..Default::default() })
            .collect();
        let request = MetadataRequest {
            topics: Some(asked),
            allow_auto_topic_creation: self.shared.options.create_topics,
            ..MetadataRequest::default()
        };
        let (frame, version) = self.ask(METADATA_MAX, &request, deadline)?;
        let answer = MetadataResponse::decode(&mut frame.reader(), version)?;
        let mut results: HashMap<String, Result<Arc<TopicMeta>>> = HashMap::new();
        let mut known = self.known();
        known.remember_brokers(&answer);
        for topic in &answer.topics {
            let Some(name) = topic.name.as_deref() else { continue };
            let meta = TopicMeta::from_answer(name, topic).map(Arc::new);
            match &meta {
                Ok(meta) => drop(known.topics.insert(meta.name.clone(), meta.clone())),
                Err(_) => drop(known.topics.remove(name)),
            }
            results.insert(name.to_owned(), meta);
        }
        drop(known);
        let result_of = |name: &&str| {
            results.get(*name).cloned().unwrap_or_else(|| Err(super::topic_meta::unknown(name)))
        };
        Ok(topics.iter().map(result_of).collect())
    }

    /// Forgets a topic, so that the next call asks about it.
    pub(crate) fn forget(&self, topic: &str) {
        self.known().topics.remove(topic);
    }

    /// The IDs of all brokers, as of now.
    pub(crate) fn nodes(&self, deadline: Instant) -> Result<Vec<i32>> {
        self.refresh(&[], deadline)?;
        let mut nodes: Vec<i32> = self.known().nodes.keys().copied().collect();
        nodes.sort_unstable();
        Ok(nodes)
    }

    /// Sends a request of at most `ours_max` to any broker, and returns the answer with the version
    /// that it has.
    pub(crate) fn ask<M: Message>(
        &self,
        ours_max: i16,
        request: &M,
        deadline: Instant,
    ) -> Result<(Frame, i16)> {
        self.ask_over(None, ours_max, request, deadline)
    }

    /// Sends a request to the broker with this ID, as [`Cluster::ask`] does.
    pub(crate) fn ask_node<M: Message>(
        &self,
        node: i32,
        ours_max: i16,
        request: &M,
        deadline: Instant,
    ) -> Result<(Frame, i16)> {
        self.ask_over(Some(node), ours_max, request, deadline)
    }

    /// Does `work` until it succeeds, fails for good, or the deadline passes. Before another try
    /// it may have to forget what it knows.
    pub(crate) fn retry<T>(
        &self,
        deadline: Instant,
        mut work: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        let mut backoff = self.shared.options.backoff.clone();
        loop {
            let error = match work() {
                Err(error) if may_retry(error.kind()) => error,
                result => return result,
            };
            if !self.pause(backoff.next_delay(), deadline)? {
                return Err(error);
            }
        }
    }

    /// Asks over a connection that is kept. One that turns out to be gone is opened once more.
    fn ask_over<M: Message>(
        &self,
        node: Option<i32>,
        ours_max: i16,
        request: &M,
        deadline: Instant,
    ) -> Result<(Frame, i16)> {
        let open = || match node {
            Some(node) => self.connect_node(node, deadline),
            None => self.connect_any(deadline),
        };
        // Who finds none, since another question is under way, does not wait for its answer.
        let kept = lock(&self.shared.kept).remove(&node);
        let mut fresh = kept.is_none();
        let mut connection = kept.map_or_else(open, Ok)?;
        loop {
            let version = connection.version(M::API, ours_max)?;
            match connection.call(version, request, self.shared.limit(deadline)) {
                Ok(frame) => {
                    lock(&self.shared.kept).insert(node, connection);
                    return Ok((frame, version));
                }
                Err(error) if fresh => return Err(error),
                Err(_) => connection = open()?,
            }
            fresh = true;
        }
    }

    /// Waits for `delay`; `false`, without waiting, if that would be past `deadline`, and
    /// [`ErrorKind::Closed`] as soon as [`Cluster::stop`] is called.
    pub(crate) fn pause(&self, delay: Duration, deadline: Instant) -> Result<bool> {
        let end = Instant::now() + delay;
        if end >= deadline {
            return Ok(false);
        }
        let mut known = self.known();
        while !known.stopped {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(true);
            }
            let woken = self.shared.stop.wait_timeout(known, left);
            known = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        Err(Error::new(ErrorKind::Closed, "the client is closed"))
    }

    /// Ends all waits between tries, now and later, with [`ErrorKind::Closed`].
    pub(crate) fn stop(&self) {
        self.known().stopped = true;
        self.shared.stop.notify_all();
    }

    fn find_coordinator(&self, kind: i8, group: &str, deadline: Instant) -> Result<i32> {
        let request =
            FindCoordinatorRequest { key: group, key_type: kind, coordinator_keys: vec![group] };
        let (frame, version) = self.ask(FIND_COORDINATOR_MAX, &request, deadline)?;
        let answer = FindCoordinatorResponse::decode(&mut frame.reader(), version)?;
        let (code, words, node, host, port) = match answer.coordinators.first() {
            Some(one) => (one.error_code, &one.error_message, one.node_id, &one.host, one.port),
            None => {
                let one = &answer;
                (one.error_code, &one.error_message, one.node_id, &one.host, one.port)
            }
        };
        let doing = format!("looking for the coordinator of group {group}");
        answer::check(code, words.as_deref(), doing)?;
        self.known().nodes.insert(node, address_of(host, port));
        Ok(node)
    }

    fn connect(&self, address: &str, deadline: Instant) -> Result<Connection> {
        let options = &self.shared.options;
        let deadline = self.shared.limit(deadline);
        let mut connection = Connection::open(address, &options.client_id, deadline)?;
        connection.log_in(options.credentials.as_ref(), deadline)?;
        Ok(connection)
    }

    /// All addresses, those of the bootstrap last, beginning where the last search ended.
    fn addresses(&self) -> Vec<String> {
        let known = self.known();
        let mut addresses: Vec<String> = known.nodes.values().cloned().collect();
        addresses.sort();
        for address in &self.shared.bootstrap {
            if !addresses.contains(address) {
                addresses.push(address.clone());
            }
        }
        let start = known.next_address % addresses.len().max(1);
        addresses.rotate_left(start);
        addresses
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.shared.known)
    }
}

impl Shared {
    /// The deadline of one request.
    fn limit(&self, deadline: Instant) -> Instant {
        deadline.min(Instant::now() + self.options.request_timeout)
    }
}

impl Known {
    fn remember_brokers(&mut self, answer: &MetadataResponse<'_>) {
        // A broker that starts may not have heard of any, itself included.
        if !answer.brokers.is_empty() {
            let address = |host: &str, port| address_of(host, port);
            let brokers = answer.brokers.iter();
            self.nodes = brokers.map(|b| (b.node_id, address(&b.host, b.port))).collect();
        }
    }
}

/// Whether a question may be answered well the next time.
fn may_retry(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Network
            | ErrorKind::NotLeader
            | ErrorKind::CoordinatorUnavailable
            | ErrorKind::BrokerUnavailable
    )
}

fn address_of(host: &str, port: i32) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept here is replaced as a whole, so that a panic leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
