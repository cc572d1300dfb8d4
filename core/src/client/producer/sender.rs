//! The thread that sends to brokers behind addresses: one for all of them, around a poller.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};

use super::accumulator::{Accumulator, Layout, given_up};
use super::batch::Batch;
use super::delivery::Fate;
use super::errand::{Errand, Errands, Outcome};
use super::link::{Link, REQUESTS_MAX};
use super::part::{Part, When};
use super::timer::Timer;
use crate::client::remote::cluster::Cluster;
use crate::client::remote::login::is_refused;
use crate::client::remote::topic_meta::TopicMeta;
use crate::engine::Acks;
use crate::error::{Error, ErrorKind, Result};

/// The token of the waker; links have the IDs of their brokers, which are not negative.
const WAKER: Token = Token(usize::MAX);
/// How long a topic may stay unknown to the brokers before its records fail.
const UNKNOWN_TOPIC_PATIENCE: Duration = Duration::from_secs(3);
/// How old what is known of leaders may become, so that new partitions are found.
const METADATA_AGE_MAX: Duration = Duration::from_secs(300);
/// How much goes into one request, in bytes of uncompressed records, once it has one batch.
const REQUEST_BYTES: usize = 8 << 20;
/// How long the end of a thread waits for errands that cannot be interrupted.
const ERRANDS_PATIENCE: Duration = Duration::from_secs(1);

/// The state of the thread that sends.
#[derive(Debug)]
pub(super) struct Sender {
    accumulator: Arc<Accumulator>,
    poll: Poll,
    links: BTreeMap<i32, Link>,
    errands: Errands,
    stopped: Arc<AtomicBool>,
    /// The producer ID and epoch, once there is one.
    identity: Option<(i64, i16)>,
    identify: Timer,
    refresh: Timer,
    /// Topics of which to ask who leads them.
    stale: BTreeSet<Arc<str>>,
    refreshed: Instant,
    /// What is decided and not told yet.
    over: Vec<(Batch, Fate)>,
}

impl Sender {
    pub(super) fn new(
        accumulator: Arc<Accumulator>,
        cluster: Cluster,
        stopped: Arc<AtomicBool>,
    ) -> Result<(Self, Arc<Waker>)> {
        let doing = |error: io::Error| Error::network("making a poller", error);
        let poll = Poll::new().map_err(doing)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).map_err(doing)?);
        let config = &accumulator.config;
        let timer = || Timer::new(config.backoff());
        let sender = Self {
            errands: Errands::new(cluster, config.request_timeout, waker.clone()),
            identify: timer(),
            refresh: timer(),
            accumulator,
            poll,
            links: BTreeMap::new(),
            stopped,
            identity: None,
            stale: BTreeSet::new(),
            refreshed: Instant::now(),
            over: Vec::new(),
        };
        Ok((sender, waker))
    }

    /// Sends until the producer is stopped; what is not acknowledged then is given up.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(64);
        while !self.stopped.load(Ordering::SeqCst) {
            let until = self.turn(Instant::now());
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if let Err(error) = self.poll.poll(&mut events, left)
                && error.kind() != io::ErrorKind::Interrupted
            {
                // Nothing can be sent without a poller.
                self.accumulator.close();
                self.fail_all(&Error::network("waiting for the network", error));
                break;
            }
            self.accumulator.lock().asleep = false;
            let nodes = events.iter().filter_map(|event| i32::try_from(event.token().0).ok());
            for node in nodes.collect::<BTreeSet<i32>>() {
                self.serve(node);
            }
        }
        self.fail_all(&given_up());
        self.links.clear();
        self.errands.stop(ERRANDS_PATIENCE);
    }

    /// Does what can be done without waiting. Returns when to look again in any case.
    fn turn(&mut self, now: Instant) -> Option<Instant> {
        let changes = self.accumulator.lock().changes;
        for outcome in self.errands.done() {
            self.take_in(outcome, now);
        }
        self.give_up_late(now);
        self.expire(now);
        let told = self.tell();
        let wanted = self.look_around();
        self.connect(&wanted, now);
        self.ask(now, !wanted.is_empty());
        let nodes: Vec<i32> = self.links.keys().copied().collect();
        for node in nodes {
            self.send(node, now);
        }
        // Those who were told may have sent more.
        if self.tell() | told { Some(now) } else { self.fall_asleep(now, &wanted, changes) }
    }

    /// Tells what is over. Whether there was anything.
    fn tell(&mut self) -> bool {
        let over = std::mem::take(&mut self.over);
        let some = !over.is_empty();
        self.accumulator.finish(over);
        some
    }

    fn take_in(&mut self, outcome: Outcome, now: Instant) {
        match outcome {
            Outcome::Connected(node, result) => {
                let accumulator = self.accumulator.clone();
                let config = &accumulator.config;
                let Some(link) = self.links.get_mut(&node) else { return };
                link.connecting = false;
                let token = Token(usize::try_from(node).unwrap_or(usize::MAX - 1));
                let opened = result.and_then(|connection| {
                    link.opened(connection, self.poll.registry(), token, config)
                });
                if let Err(error) = opened {
                    link.retry_at = Some(now + link.backoff.next_delay());
                    self.unreachable(node, &error);
                    if is_refused(error.kind()) {
                        self.fail_waiting(&error);
                    }
                }
            }
            Outcome::Refreshed(topics) => {
                let mut errors = topics.iter().filter_map(|(_, found)| found.as_ref().err());
                let refused = errors.find(|error| is_refused(error.kind())).cloned();
                self.learn(topics, now);
                if let Some(error) = refused {
                    self.fail_waiting(&error);
                }
            }
            Outcome::Identified(result) => {
                self.identify.done(now, result.is_ok());
                match result {
                    Ok(identity) => self.identity = Some(identity),
                    Err(error) if error.kind().is_retriable() => {
                        self.note_trouble(|_| true, &error);
                    }
                    Err(error) => self.fail_waiting(&error),
                }
            }
        }
    }

    /// Takes in what brokers said of topics.
    fn learn(&mut self, topics: Vec<(Arc<str>, Result<Arc<TopicMeta>>)>, now: Instant) {
        let accumulator = self.accumulator.clone();
        let config = &accumulator.config;
        let mut state = self.accumulator.lock();
        let mut good = true;
        for (name, found) in topics {
            match found {
                Ok(meta) => {
                    good &= meta.partitions.iter().all(Option::is_some);
                    let layout =
                        Layout { leaders: meta.partitions.clone(), batch_bytes_max: usize::MAX };
                    state.set_layout(&name, &layout, config);
                }
                Err(error) => {
                    good = false;
                    let unknown = error.kind() == ErrorKind::UnknownTopicOrPartition;
                    for part in state.parts.iter_mut().filter(|part| part.topic == name) {
                        part.trouble = Some(error.to_string());
                        if unknown {
                            part.unknown_since.get_or_insert(now);
                            part.leader = None;
                        }
                    }
                }
            }
        }
        drop(state);
        self.refreshed = now;
        self.refresh.done(now, good);
    }

    /// Which brokers have something to get. Notes the topics of partitions without a leader.
    fn look_around(&mut self) -> BTreeSet<i32> {
        let state = self.accumulator.lock();
        let mut wanted = BTreeSet::new();
        for part in state.active.iter().filter_map(|&at| state.parts.get(at)) {
            match part.leader {
                Some(node) => drop(wanted.insert(node)),
                None => drop(self.stale.insert(part.topic.clone())),
            }
        }
        let old = self.refreshed.elapsed() >= METADATA_AGE_MAX;
        if old && !state.active.is_empty() {
            self.stale.extend(state.parts.iter().map(|part| part.topic.clone()));
        }
        wanted
    }

    fn connect(&mut self, wanted: &BTreeSet<i32>, now: Instant) {
        for &node in wanted {
            let backoff = || self.accumulator.config.backoff();
            let link = self.links.entry(node).or_insert_with(|| Link::new(backoff()));
            let may = link.retry_at.is_none_or(|at| at <= now);
            if may && !link.is_open() && !link.connecting {
                link.connecting = true;
                self.errands.start(Errand::Connect(node));
            }
        }
    }

    /// Asks for a producer ID and for leaders, where that is due.
    fn ask(&mut self, now: Instant, wanted: bool) {
        let stamps = self.accumulator.config.stamps();
        if wanted && stamps && self.identity.is_none() && self.identify.may_begin(now) {
            self.errands.start(Errand::Identify);
        }
        if !self.stale.is_empty() && self.refresh.may_begin(now) {
            let topics = std::mem::take(&mut self.stale);
            self.errands.start(Errand::Refresh(topics.into_iter().collect()));
        }
    }

    /// Sends to a broker what may leave.
    fn send(&mut self, node: i32, now: Instant) {
        let accumulator = self.accumulator.clone();
        let config = &accumulator.config;
        let stamps = config.stamps();
        while let Some(link) = self.links.get_mut(&node).filter(|link| link.has_room()) {
            if stamps && self.identity.is_none() {
                return;
            }
            let when = When {
                now,
                idle: link.is_idle(),
                linger: config.linger,
                flush_to: 0,
                in_flight_max: if stamps { REQUESTS_MAX } else { 1 },
            };
            let (mut batches, mut bytes) = (Vec::new(), 0);
            let mut exhausted = false;
            let mut state = accumulator.lock();
            state.take(
                &when,
                |part| part.leader == Some(node),
                |part, mut batch| {
                    if let Some((id, epoch)) = self.identity.filter(|_| stamps)
                        && !part.stamp(&mut batch, id, epoch)
                    {
                        exhausted = true;
                        part.put_back(batch);
                        return false;
                    }
                    bytes += batch.builder.size();
                    batches.push(batch);
                    bytes < REQUEST_BYTES
                },
            );
            drop(state);
            if exhausted {
                self.identity = None;
            }
            if batches.is_empty() {
                return;
            }
            if let Err(error) = link.send(batches, config, &mut self.over) {
                self.lost(node, &error, now);
            }
        }
    }

    /// Reads and writes what a broker's connection is ready for.
    fn serve(&mut self, node: i32) {
        let now = Instant::now();
        let Some(link) = self.links.get_mut(&node) else { return };
        let mut judged = Vec::new();
        let pushed = link.push(&mut self.over);
        let served =
            pushed.and_then(|()| link.receive(|batch, verdict| judged.push((batch, verdict))));
        if !judged.is_empty() {
            link.backoff.reset();
        }
        let mut state = self.accumulator.lock();
        for (mut batch, verdict) in judged {
            let at = batch.part;
            if verdict.is_too_large() {
                match state.split(batch) {
                    Some(whole) => batch = whole,
                    None => continue,
                }
            }
            let Some(part) = state.parts.get_mut(at) else { continue };
            if let Some(over) = verdict.apply(part, batch, now, &mut self.stale) {
                self.over.push(over);
            } else {
                state.active.insert(at);
            }
        }
        drop(state);
        if let Err(error) = served {
            self.lost(node, &error, now);
        }
    }

    /// Gives up connections on which an answer is overdue.
    fn give_up_late(&mut self, now: Instant) {
        let accumulator = self.accumulator.clone();
        let config = &accumulator.config;
        let timeout = config.request_timeout.min(config.delivery_timeout);
        let late = |link: &Link| link.due(timeout).is_some_and(|due| due <= now);
        let late: Vec<i32> =
            self.links.iter().filter(|(_, link)| late(link)).map(|(node, _)| *node).collect();
        for node in late {
            let text = format!("broker {node} did not answer within request_timeout");
            self.lost(node, &Error::new(ErrorKind::Timeout, text), now);
        }
    }

    /// Takes back what was under way on a connection that is gone, to be sent again.
    fn lost(&mut self, node: i32, error: &Error, now: Instant) {
        let Some(link) = self.links.get_mut(&node) else { return };
        let batches = link.close();
        if batches.is_empty() {
            return;
        }
        link.retry_at = Some(now + link.backoff.next_delay());
        let answered = self.accumulator.config.acks != Acks::None;
        let mut state = self.accumulator.lock();
        for batch in batches {
            let at = batch.part;
            let Some(part) = state.parts.get_mut(at) else { continue };
            if answered {
                part.put_back(batch);
                state.active.insert(at);
            } else {
                self.over.push((batch, Fate::Failed(error.clone())));
            }
        }
        drop(state);
        self.unreachable(node, error);
    }

    /// A broker cannot be reached: others may lead its partitions by now.
    fn unreachable(&mut self, node: i32, error: &Error) {
        let mut state = self.accumulator.lock();
        let state = &mut *state;
        for part in state.active.iter().filter_map(|&at| state.parts.get(at)) {
            if part.leader == Some(node) {
                self.stale.insert(part.topic.clone());
            }
        }
        for part in state.parts.iter_mut().filter(|part| part.leader == Some(node)) {
            part.trouble = Some(error.to_string());
        }
    }

    fn note_trouble(&self, which: impl Fn(&Part) -> bool, error: &Error) {
        for part in self.accumulator.lock().parts.iter_mut().filter(|part| which(part)) {
            part.trouble = Some(error.to_string());
        }
    }

    /// Fails what waits for too long, or for a topic that does not exist.
    fn expire(&mut self, now: Instant) {
        let timeout = self.accumulator.config.delivery_timeout;
        let mut state = self.accumulator.lock();
        let state = &mut *state;
        for &at in &state.active {
            let Some(part) = state.parts.get_mut(at) else { continue };
            let unknown = part.unknown_since.is_some_and(|since| {
                now.saturating_duration_since(since) >= UNKNOWN_TOPIC_PATIENCE
            });
            let limit = if unknown { Some(now) } else { now.checked_sub(timeout) };
            while let Some(batch) = limit.and_then(|limit| part.take_expired(limit)) {
                let error = if unknown { part.unknown() } else { part.timed_out(timeout) };
                self.over.push((batch, Fate::Failed(error)));
            }
            if unknown {
                part.unknown_since = None;
            }
        }
    }

    /// Fails everything that waits, and what is under way.
    fn fail_all(&mut self, error: &Error) {
        for link in self.links.values_mut() {
            let batches = link.close();
            self.over.extend(batches.into_iter().map(|batch| (batch, Fate::Failed(error.clone()))));
        }
        self.fail_waiting(error);
        self.accumulator.finish(std::mem::take(&mut self.over));
    }

    fn fail_waiting(&mut self, error: &Error) {
        let waiting = self.accumulator.lock().take_all();
        self.over.extend(waiting.into_iter().map(|batch| (batch, Fate::Failed(error.clone()))));
    }

    /// When to look again, if nothing happens before. From here on, whoever adds something wakes
    /// this thread.
    fn fall_asleep(
        &mut self,
        now: Instant,
        wanted: &BTreeSet<i32>,
        changes: u64,
    ) -> Option<Instant> {
        let accumulator = self.accumulator.clone();
        let config = &accumulator.config;
        let mut next: Vec<Option<Instant>> = Vec::new();
        let timeout = config.request_timeout.min(config.delivery_timeout);
        next.extend(self.links.values().map(|link| link.due(timeout)));
        let waits = |link: &&Link| !link.is_open() && !link.connecting;
        let links = wanted.iter().filter_map(|node| self.links.get(node)).filter(waits);
        next.extend(links.map(|link| link.retry_at));
        let soon = |timer: &Timer| timer.next(now);
        if !self.stale.is_empty() {
            next.push(soon(&self.refresh));
        }
        if config.stamps() && self.identity.is_none() && !wanted.is_empty() {
            next.push(soon(&self.identify));
        }
        let mut state = self.accumulator.lock();
        for part in state.active.iter().filter_map(|&at| state.parts.get(at)) {
            next.push(part.oldest().map(|batch| batch.created + config.delivery_timeout));
            next.push(part.retry_at.filter(|at| *at > now));
            next.push(part.unknown_since.map(|since| since + UNKNOWN_TOPIC_PATIENCE));
            if let (Some(open), false) = (&part.open, config.linger.is_zero()) {
                next.push(Some(open.created + config.linger).filter(|at| *at > now));
            }
        }
        if state.changes != changes {
            return Some(now);
        }
        state.asleep = true;
        next.into_iter().flatten().min()
    }
}
