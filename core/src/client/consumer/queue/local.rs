//! Messages of a queue group of a broker in this process: plain calls, no thread.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::held::Marks;
use super::source::{Acquired, QueueNews, QueueSource, Refused};
use crate::client::consumer::group::{Assigned, Reply};
use crate::client::consumer::signal::Signal;
use crate::client::consumer::unpack::Window;
use crate::engine::{Broker, Partition, Peer, QueueFetch, QueueRecords, Wake, lost};
use crate::error::{Error, ErrorKind, Result};
use crate::log::Piece;
use crate::state::queues::{AckBatch, AckKind, Acquisition, SessionEnd};

/// The only broker that there is.
const NODE: i32 = 0;
/// Nothing else is waited for under the consumer's signal.
const TOKEN: usize = 0;

/// Takes messages from a broker in this process.
pub(in crate::client::consumer) struct LocalQueue {
    broker: Arc<Broker>,
    wake: Arc<dyn Wake>,
    client_id: String,
    group: String,
    member_id: String,
    bytes_max: usize,
    assigned: Vec<Assigned>,
    /// Those of them that exist.
    partitions: Vec<Arc<Partition>>,
    places: Vec<usize>,
    session: Option<u64>,
    /// How many messages are wanted, if any.
    wanted: Option<usize>,
    /// Whether a fault was looked for since then, and the answer is to be lost.
    loses_answer: Option<bool>,
    is_waiting: bool,
    news: VecDeque<QueueNews>,
    refused: Refused,
}

impl LocalQueue {
    pub(in crate::client::consumer) fn new(
        broker: Arc<Broker>,
        signal: Arc<Signal>,
        (client_id, group, member_id): (String, String, String),
        bytes_max: usize,
    ) -> Self {
        Self {
            broker,
            wake: signal,
            client_id,
            group,
            member_id,
            bytes_max,
            assigned: Vec::new(),
            partitions: Vec::new(),
            places: Vec::new(),
            session: None,
            wanted: None,
            loses_answer: None,
            is_waiting: false,
            news: VecDeque::new(),
            refused: Refused::default(),
        }
    }

    /// Looks for messages, and for what speaks against it.
    fn look(&mut self) {
        match self.fetch() {
            Ok(()) => {}
            // It is about to join (again), which it is told like any other change.
            Err(error) if error.kind() == ErrorKind::UnknownMember => {}
            Err(error) => {
                self.wanted = None;
                self.news.push_back(QueueNews::Failed(error));
            }
        }
    }

    /// Takes messages if any are wanted; else, or if there are none, waits in line.
    fn fetch(&mut self) -> Result<()> {
        let Some(records_max) = self.wanted else { return Ok(()) };
        let loses_answer = match self.loses_answer {
            Some(loses_answer) => loses_answer,
            None => self.broker.meet_fault("ShareFetch")?,
        };
        self.loses_answer = Some(loses_answer);
        if self.session.is_none() {
            self.session = Some(self.broker.open_queue_session(&self.group, &self.member_id)?);
        }
        let fetch = QueueFetch {
            group: &self.group,
            member: &self.member_id,
            partitions: &self.partitions,
            records_max,
            bytes_max: self.bytes_max,
            whole_batches: false,
        };
        let mut pieces = Vec::new();
        self.is_waiting = true;
        let peer = Peer { client_id: &self.client_id, ..Peer::default() };
        let wait = Some((&self.wake, TOKEN));
        let found = self.broker.fetch_queue_for(peer, &fetch, wait, &mut pieces)?;
        if found.is_empty() {
            return Ok(());
        }
        (self.is_waiting, self.wanted) = (false, None);
        if loses_answer {
            self.end_session(SessionEnd::Lost);
            self.lose();
            return Err(lost("ShareFetch"));
        }
        for records in found {
            self.take_in(records, &pieces);
        }
        Ok(())
    }

    /// Puts what was acquired of a partition among the news.
    fn take_in(&mut self, records: QueueRecords, pieces: &[Piece]) {
        let mut batches = Vec::new();
        let mut error = records.error;
        for piece in pieces.get(records.pieces).unwrap_or_default() {
            match piece.read() {
                Ok(bytes) => batches.push(bytes),
                // What cannot be read is given back like everything that did not come.
                Err(damaged) => error = Some(damaged),
            }
        }
        let place = self.places.get(records.partition);
        let assigned = place.and_then(|place| self.assigned.get(*place));
        if let (Some(assigned), false) = (assigned, records.acquired.is_empty()) {
            let lock_ms = u64::try_from(self.broker.queue_lock_ms(&self.group)).unwrap_or(0);
            self.news.push_back(QueueNews::Acquired(Acquired {
                node: NODE,
                topic_id: assigned.topic_id,
                topic: assigned.topic.clone(),
                partition: assigned.partition,
                batches,
                windows: records.acquired.iter().map(window).collect(),
                lock: Duration::from_millis(lock_ms),
                renewable: true,
            }));
        }
        self.news.extend(error.map(QueueNews::Failed));
    }

    /// Sends acknowledgements. Returns what becomes of them once they are on the disk; with
    /// `told`, that is told to somebody, and else kept.
    fn send(&mut self, marks: &[Marks], told: bool) -> Result<()> {
        if marks.is_empty() {
            return Ok(());
        }
        let met = self.broker.meet_fault("ShareAcknowledge");
        let done = if met.is_ok() { self.put(marks, told) } else { Ok(()) };
        let error = match met {
            Ok(false) => return done,
            Ok(true) => lost("ShareAcknowledge"),
            Err(error) => error,
        };
        let count = marks.iter().map(|marks| marks.types.len() as u64).sum();
        self.refused.add(count, (!told).then_some(&error));
        Err(error)
    }

    /// See [`LocalQueue::send`].
    fn put(&mut self, marks: &[Marks], told: bool) -> Result<()> {
        let kinds: Vec<Vec<AckKind>> = marks.iter().map(kinds).collect();
        let mut asked: Vec<(u32, Vec<AckBatch<'_>>)> = Vec::new();
        let mut counts = Vec::new();
        let mut result = Ok(());
        for (marks, kinds) in marks.iter().zip(&kinds) {
            let count = marks.types.len() as u64;
            let number = match self.number(marks) {
                Ok(number) => number,
                Err(error) => {
                    self.refused.add(count, (!told).then_some(&error));
                    result = result.and(Err(error));
                    continue;
                }
            };
            let last = marks.first.saturating_add(count.saturating_sub(1));
            let batch = AckBatch { first: marks.first, last, kinds };
            match asked.iter().position(|(known, _)| *known == number) {
                Some(place) => {
                    asked[place].1.push(batch);
                    counts[place] += count;
                }
                None => {
                    asked.push((number, vec![batch]));
                    counts.push(count);
                }
            }
        }
        let (group, member) = (&self.group, &self.member_id);
        let (results, ticket) = self.broker.acknowledge_queue(group, member, &asked, None);
        self.broker.drain();
        for (outcome, count) in results.into_iter().zip(counts) {
            if let Err(error) = outcome {
                self.refused.add(count, (!told).then_some(&error));
                result = result.and(Err(error));
            }
        }
        if told {
            let mut written = self.broker.wait(&ticket).into_iter();
            result = result.and(written.try_for_each(|written| written.map(drop)));
        }
        result
    }

    fn number(&self, marks: &Marks) -> Result<u32> {
        let live = self.broker.topic_by_id(&marks.topic_id.0);
        let live = live.ok_or_else(|| {
            let text = "the topic was deleted";
            Error::new(ErrorKind::UnknownTopicOrPartition, text)
        })?;
        Ok(live.partition(i32::try_from(marks.partition).unwrap_or(i32::MAX))?.number())
    }

    fn end_session(&mut self, end: SessionEnd) {
        self.rest();
        if let Some(session) = self.session.take() {
            self.broker.close_queue_session(&self.group, &self.member_id, session, end);
        }
    }
}

impl QueueSource for LocalQueue {
    fn assign(&mut self, partitions: &[Assigned]) {
        self.assigned = partitions.to_vec();
        (self.partitions, self.places) = (Vec::new(), Vec::new());
        for (place, assigned) in partitions.iter().enumerate() {
            let live = self.broker.topic_by_id(&assigned.topic_id.0);
            let live = live.as_ref().and_then(|l| l.partitions.get(assigned.partition as usize));
            if let Some(partition) = live {
                self.partitions.push(partition.clone());
                self.places.push(place);
            }
        }
    }

    fn lose(&mut self) {
        self.is_waiting = false;
        self.session = None;
        self.news.push_back(QueueNews::Lost(NODE));
    }

    fn want(&mut self, records: usize, marks: Vec<Marks>) {
        // What became of them is among what was refused.
        let _ = self.send(&marks, false);
        if self.wanted.is_none() {
            self.wanted = Some(records);
            self.loses_answer = None;
            self.look();
            if !self.news.is_empty() {
                self.wake.wake(TOKEN);
            }
        }
    }

    fn take(&mut self) -> Option<QueueNews> {
        if self.news.is_empty() {
            self.look();
        }
        self.news.pop_front()
    }

    fn rest(&mut self) {
        self.wanted = None;
        if std::mem::take(&mut self.is_waiting) {
            self.broker.stop_waiting_for_queue(&self.group, &self.member_id);
        }
    }

    fn acknowledge(&mut self, marks: Vec<Marks>) {
        // As above.
        let _ = self.send(&marks, false);
    }

    fn flush(
        &mut self,
        marks: Vec<Marks>,
        last: bool,
        _deadline: Instant,
    ) -> Vec<Reply<Result<()>>> {
        let reply = Reply::default();
        reply.put(self.send(&marks, true));
        if last {
            self.end_session(SessionEnd::Closed);
        }
        vec![reply]
    }

    fn take_refused(&mut self) -> Refused {
        std::mem::take(&mut self.refused)
    }
}

impl Drop for LocalQueue {
    fn drop(&mut self) {
        self.end_session(SessionEnd::Lost);
    }
}

impl fmt::Debug for LocalQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("LocalQueue");
        shown.field("group", &self.group).field("member_id", &self.member_id);
        shown.field("assigned", &self.assigned).finish_non_exhaustive()
    }
}

fn window(range: &Acquisition) -> Window {
    let delivery_count = range.delivery_count.into();
    Window { first: range.first, last: range.last, delivery_count }
}

/// What is held has no types but those of the protocol when it is sent.
fn kinds(marks: &Marks) -> Vec<AckKind> {
    marks.types.iter().map(|kind| AckKind::from_number(*kind).unwrap_or(AckKind::Gap)).collect()
}
