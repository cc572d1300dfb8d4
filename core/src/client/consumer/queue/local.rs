//! Messages of a queue group of a broker in this process: plain calls, no thread.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::held::Marks;
use super::source::{Acquired, QueueNews, QueueSource, Refused};
use crate::client::consumer::group::{Assigned, Reply};
use crate::client::consumer::unpack::Window;
use crate::engine::{Broker, Partition, QueueFetch, QueueRecords, Ticket, Wake};
use crate::error::{ErrorKind, Result};
use crate::log::Piece;
use crate::state::queues::{AckBatch, AckKind, SessionEnd};

/// There is one broker.
const NODE: i32 = 0;
/// Nothing else is waited for under the consumer's signal.
const TOKEN: usize = 0;

/// Takes messages from a broker in this process.
#[derive(Debug)]
pub(in crate::client::consumer) struct LocalQueue {
    broker: Arc<Broker>,
    wake: Arc<dyn Wake>,
    group: String,
    member: String,
    /// Once the member has joined.
    session: Option<u64>,
    assigned: Vec<Assigned>,
    partitions: Vec<Arc<Partition>>,
    bytes_max: usize,
    /// How many messages the consumer wants, while it does.
    wanted: Option<usize>,
    news: VecDeque<QueueNews>,
    /// What the last acknowledgements wait for; those before them hold when these do.
    ticket: Option<Arc<Ticket>>,
    refused: Refused,
}

impl LocalQueue {
    pub(in crate::client::consumer) fn new(
        broker: Arc<Broker>,
        wake: Arc<dyn Wake>,
        (group, member): (String, String),
        bytes_max: usize,
    ) -> Self {
        Self {
            broker,
            wake,
            group,
            member,
            session: None,
            assigned: Vec::new(),
            partitions: Vec::new(),
            bytes_max,
            wanted: None,
            news: VecDeque::new(),
            ticket: None,
            refused: Refused::default(),
        }
    }

    /// Takes messages if there are any; else the signal tells when to look again.
    fn look(&mut self, records_max: usize) {
        let fetch = QueueFetch {
            group: &self.group,
            member: &self.member,
            partitions: &self.partitions,
            records_max,
            bytes_max: self.bytes_max,
            whole_batches: false,
        };
        let mut pieces = Vec::new();
        let found = match self.broker.fetch_queue(&fetch, Some((&self.wake, TOKEN)), &mut pieces) {
            Ok(found) => found,
            // The next heartbeat joins again.
            Err(error) if error.kind() == ErrorKind::UnknownMember => return,
            Err(error) => return self.news.push_back(QueueNews::Failed(error)),
        };
        for records in &found {
            match self.acquired(records, &pieces) {
                Ok(acquired) => self.news.push_back(QueueNews::Acquired(acquired)),
                Err(error) => self.news.push_back(QueueNews::Failed(error)),
            }
        }
        if !found.is_empty() {
            self.wanted = None;
        }
    }

    fn acquired(&self, records: &QueueRecords, pieces: &[Piece]) -> Result<Acquired> {
        if let (true, Some(error)) = (records.acquired.is_empty(), &records.error) {
            return Err(error.clone());
        }
        let assigned = &self.assigned[records.partition];
        let windows = records.acquired.iter().map(|range| Window {
            first: range.first,
            last: range.last,
            delivery_count: range.delivery_count.into(),
        });
        let lock_ms = u64::try_from(self.broker.queue_lock_ms(&self.group)).unwrap_or(0);
        Ok(Acquired {
            node: NODE,
            topic_id: assigned.topic_id,
            topic: assigned.topic.clone(),
            partition: assigned.partition,
            batches: joined(&pieces[records.pieces.clone()])?,
            windows: windows.collect(),
            lock: Duration::from_millis(lock_ms),
            renewable: true,
        })
    }

    /// Puts acknowledgements into the log. Those that are no good count as refused, and the first
    /// of their errors is returned.
    fn send(&mut self, marks: &[Marks]) -> Result<()> {
        let kinds: Vec<Vec<AckKind>> = marks
            .iter()
            .map(|marks| {
                marks.types.iter().filter_map(|kind| AckKind::from_number(*kind)).collect()
            })
            .collect();
        let mut by_partition: BTreeMap<u32, Vec<AckBatch<'_>>> = BTreeMap::new();
        for (marks, kinds) in marks.iter().zip(&kinds) {
            let live = self.broker.topic_by_id(&marks.topic_id.0);
            let partition =
                live.as_deref().and_then(|l| l.partitions.get(marks.partition as usize));
            // A topic that was deleted has taken its messages along.
            let Some(partition) = partition else { continue };
            let last = marks.first + (kinds.len() as u64).saturating_sub(1);
            let batch = AckBatch { first: marks.first, last, kinds };
            by_partition.entry(partition.number()).or_default().push(batch);
        }
        if by_partition.is_empty() {
            return Ok(());
        }
        for batches in by_partition.values_mut() {
            batches.sort_unstable_by_key(|batch| batch.first);
        }
        let asked: Vec<_> = by_partition.into_iter().collect();
        let (results, ticket) =
            self.broker.acknowledge_queue(&self.group, &self.member, &asked, None);
        self.broker.drain();
        self.ticket = Some(ticket);
        let mut outcome = Ok(());
        for (result, (_, batches)) in results.into_iter().zip(&asked) {
            if let Err(error) = result {
                let count = batches.iter().map(|batch| batch.kinds.len() as u64).sum();
                self.refused.add(count, None);
                outcome = outcome.and(Err(error));
            }
        }
        outcome
    }
}

impl QueueSource for LocalQueue {
    fn assign(&mut self, partitions: &[Assigned]) {
        self.assigned.clear();
        self.partitions.clear();
        for assigned in partitions {
            let live = self.broker.topic_by_id(&assigned.topic_id.0);
            let found = live.as_deref().and_then(|l| l.partitions.get(assigned.partition as usize));
            if let Some(partition) = found {
                self.partitions.push(partition.clone());
                self.assigned.push(assigned.clone());
            }
        }
        self.session = self.broker.open_queue_session(&self.group, &self.member).ok();
    }

    fn want(&mut self, records: usize, marks: Vec<Marks>) {
        self.acknowledge(marks);
        if self.wanted.replace(records).is_none() {
            // Nobody has looked for this yet.
            self.wake.wake(TOKEN);
        }
    }

    fn take(&mut self) -> Option<QueueNews> {
        if let (true, Some(records)) = (self.news.is_empty(), self.wanted) {
            self.look(records);
        }
        self.news.pop_front()
    }

    fn acknowledge(&mut self, marks: Vec<Marks>) {
        if let Err(error) = self.send(&marks) {
            self.refused.add(0, Some(&error));
        }
    }

    fn flush(
        &mut self,
        marks: Vec<Marks>,
        last: bool,
        _deadline: Instant,
    ) -> Vec<Reply<Result<()>>> {
        let sent = self.send(&marks);
        let written = match self.ticket.take() {
            Some(ticket) => self.broker.wait(&ticket).into_iter().find_map(Result::err),
            None => None,
        };
        if let (true, Some(session)) = (last, self.session.take()) {
            self.broker.stop_waiting_for_queue(&self.group, &self.member);
            let end = SessionEnd::Closed;
            self.broker.close_queue_session(&self.group, &self.member, session, end);
        }
        let reply = Reply::default();
        reply.put(sent.and(written.map_or(Ok(()), Err)));
        vec![reply]
    }

    fn take_refused(&mut self) -> Refused {
        std::mem::take(&mut self.refused)
    }
}

impl Drop for LocalQueue {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.broker.stop_waiting_for_queue(&self.group, &self.member);
            let end = SessionEnd::Lost;
            self.broker.close_queue_session(&self.group, &self.member, session, end);
        }
    }
}

/// The bytes of pieces that follow each other; copied only where there are several.
fn joined(pieces: &[Piece]) -> Result<Bytes> {
    match pieces {
        [one] => one.read(),
        many => {
            let mut bytes = BytesMut::with_capacity(many.iter().map(Piece::len).sum());
            for piece in many {
                bytes.extend_from_slice(&piece.read()?);
            }
            Ok(bytes.freeze())
        }
    }
}
