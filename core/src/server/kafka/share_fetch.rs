//! ShareFetch: acquires records of a queue group for one of its members, and acknowledges others.
//!
//! A request is answered as soon as there is any record for the member, whatever `min_bytes`
//! says: a record that was acquired must not wait. Its acknowledgements are on the disk then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::share_acks::{Acknowledging, Results};
use super::{Call, Refusal, code, signed};
use crate::engine::{Broker, Partition, QueueFetch, QueueRecords, Ticket};
use crate::error::{Error, ErrorKind};
use crate::log::Piece;
use crate::server::outbox::{Gap, Outbox};
use crate::server::pending::{Parked, State};
use crate::server::share_session::ShareSessions;
use crate::wire::kafka::share_fetch::{
    AcquiredRecords, BATCH_OPTIMIZED, CLOSE_SESSION, OPEN_SESSION, ShareFetchRequest,
};
use crate::wire::kafka::share_fetch_writer::{
    ShareFetchPartitionHead, ShareFetchResponseHead, ShareFetchResponseWriter,
};
use crate::wire::kafka::{ErrorCode, Uuid};

/// An answer has at most this many bytes of records, whatever the client asks for.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Records up to this many bytes are copied into the answer.
const COPY_BYTES_MAX: usize = 4 << 10;

/// A ShareFetch request that waits for records, or for its acknowledgements to hold.
#[derive(Debug)]
pub(in crate::server) struct ParkedShareFetch {
    version: i16,
    correlation_id: i32,
    group: String,
    member: String,
    /// The error of the whole request, or none.
    error: ErrorCode,
    deadline: Instant,
    records_max: usize,
    bytes_max: usize,
    whole_batches: bool,
    /// What is read, with its names.
    partitions: Vec<Arc<Partition>>,
    names: Vec<(Uuid, i32)>,
    /// What cannot be read.
    refused: BTreeMap<(Uuid, i32), Error>,
    acknowledging: Acknowledging,
    harvest: Option<Harvest>,
    waiting: bool,
    /// What the client calls itself, if a hook wants to know.
    client_id: Option<String>,
}

/// What was acquired, and its bytes.
#[derive(Debug, Default)]
struct Harvest {
    records: Vec<QueueRecords>,
    pieces: Vec<Piece>,
}

/// What the answer says of a partition.
#[derive(Debug, Default)]
struct Row {
    error: Option<Error>,
    acknowledge_error: Option<Error>,
    /// Which of the harvest's records.
    records: Option<usize>,
}

/// Takes a request on: its acknowledgements are in the queue, nothing has been read yet.
pub(super) fn start(
    call: &Call<'_>,
    request: &ShareFetchRequest<'_>,
    sessions: &mut ShareSessions,
) -> Parked {
    let positive = |number: i32| usize::try_from(number).unwrap_or(0);
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let mut fetch = ParkedShareFetch {
        version: call.version,
        correlation_id: call.correlation_id,
        group: request.group_id.unwrap_or("").to_owned(),
        member: request.member_id.unwrap_or("").to_owned(),
        error: ErrorCode::None,
        deadline: call.state.now + wait,
        records_max: positive(request.max_records),
        bytes_max: positive(request.max_bytes).min(ANSWER_BYTES_MAX),
        whole_batches: request.share_acquire_mode == BATCH_OPTIMIZED,
        partitions: Vec::new(),
        names: Vec::new(),
        refused: BTreeMap::new(),
        acknowledging: Acknowledging::default(),
        harvest: None,
        waiting: false,
        client_id: call.broker.asks_at_delivery().then(|| call.client_id.to_owned()),
    };
    if let Err(error) = fetch.begin(call, request, sessions) {
        fetch.error = error;
    }
    Parked::ShareFetch(Box::new(fetch))
}

impl ParkedShareFetch {
    /// Finds the session, acknowledges, and says what is to be read.
    fn begin(
        &mut self,
        call: &Call<'_>,
        request: &ShareFetchRequest<'_>,
        sessions: &mut ShareSessions,
    ) -> Result<(), ErrorCode> {
        let epoch = request.share_session_epoch;
        let acknowledges = request
            .topics
            .iter()
            .flat_map(|topic| &topic.partitions)
            .any(|partition| !partition.acknowledgement_batches.is_empty());
        if self.group.is_empty()
            || self.member.is_empty()
            || (epoch == OPEN_SESSION && acknowledges)
        {
            return Err(ErrorCode::InvalidRequest);
        }
        let member = (&self.group[..], &self.member[..]);
        let session = sessions.find(call.broker, member, epoch)?;
        for topic in &request.topics {
            for partition in &topic.partitions {
                session.add(topic.topic_id, partition.partition_index);
            }
        }
        for topic in &request.forgotten_topics {
            for &partition in &topic.partitions {
                session.forget(topic.topic_id, partition);
            }
        }
        let asked = session.partitions().iter().copied().collect();
        let partitions = request.topics.iter().flat_map(|topic| {
            let partitions = topic.partitions.iter();
            partitions
                .map(|p| ((topic.topic_id, p.partition_index), &p.acknowledgement_batches[..]))
        });
        self.acknowledging = Acknowledging::start(call, member, partitions);
        if epoch == CLOSE_SESSION {
            sessions.close(call.broker, member);
            self.harvest = Some(Harvest::default());
        } else {
            self.resolve(call.broker, asked);
        }
        Ok(())
    }

    /// Looks up what is asked for, which is in the order of the topics.
    fn resolve(&mut self, broker: &Broker, asked: Vec<(Uuid, i32)>) {
        let mut last = None;
        for (topic, index) in asked {
            let live = match last.take() {
                Some((id, live)) if id == topic => live,
                _ => broker.topic_by_id(&topic.0),
            };
            let found = match &live {
                Some(live) => live.partition(index).cloned(),
                None => Err(Error::new(
                    ErrorKind::UnknownTopicId,
                    format!("no topic has the ID {topic}"),
                )),
            };
            last = Some((topic, live));
            match found {
                Ok(partition) => {
                    self.partitions.push(partition);
                    self.names.push((topic, index));
                }
                Err(error) => drop(self.refused.insert((topic, index), error)),
            }
        }
    }

    /// When it is answered with what is there.
    pub(in crate::server) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What the answer waits for, once there is nothing else to wait for.
    pub(in crate::server) fn ticket(&self) -> Option<&Ticket> {
        self.acknowledging.ticket().filter(|_| self.harvest.is_some())
    }

    /// Answers if there is something to say, or time is up, and the acknowledgements hold.
    pub(in crate::server) fn answer(
        &mut self,
        state: &State<'_>,
        outbox: &mut Outbox,
    ) -> Result<bool, Refusal> {
        if self.harvest.is_none() && !self.look(state) {
            return Ok(false);
        }
        let broker = state.door.broker();
        let Some(results) = self.acknowledging.results(broker) else {
            return Ok(false);
        };
        let harvest = self.harvest.take().unwrap_or_default();
        self.write(broker.queue_lock_ms(&self.group), harvest, results, outbox)?;
        Ok(true)
    }

    /// Nobody waits for the answer any more.
    pub(in crate::server) fn release(&mut self, broker: &Broker) {
        if std::mem::take(&mut self.waiting) {
            broker.stop_waiting_for_queue(&self.group, &self.member);
        }
    }

    /// Acquires records. Returns whether it is time to answer.
    fn look(&mut self, state: &State<'_>) -> bool {
        let broker = state.door.broker();
        let is_late = state.now >= self.deadline;
        let mut harvest = Harvest::default();
        if self.error == ErrorCode::None && self.records_max > 0 && self.bytes_max > 0 {
            let fetch = QueueFetch {
                group: &self.group,
                member: &self.member,
                partitions: &self.partitions,
                records_max: self.records_max,
                bytes_max: self.bytes_max,
                whole_batches: self.whole_batches,
            };
            let wait = (!is_late).then_some((state.wake, state.token));
            self.waiting = false;
            let peer = state.peer(self.client_id.as_deref().unwrap_or_default());
            match broker.fetch_queue_for(peer, &fetch, wait, &mut harvest.pieces) {
                Ok(records) => {
                    self.waiting = wait.is_some() && records.is_empty();
                    harvest.records = records;
                }
                // Its heartbeat will tell the client; until then there is nothing for it.
                Err(error) if error.kind() == ErrorKind::UnknownMember => {}
                Err(error) => self.error = ErrorCode::from(error.kind()),
            }
        }
        let is_done = is_late
            || self.error != ErrorCode::None
            || !harvest.records.is_empty()
            || !self.refused.is_empty();
        if is_done {
            self.release(broker);
            self.harvest = Some(harvest);
        }
        is_done
    }

    fn write(
        &mut self,
        lock_ms: i32,
        harvest: Harvest,
        results: Results,
        outbox: &mut Outbox,
    ) -> Result<(), Refusal> {
        let mut rows: BTreeMap<(Uuid, i32), Row> = BTreeMap::new();
        for (name, error) in results {
            rows.entry(name).or_default().acknowledge_error = error;
        }
        for (name, error) in std::mem::take(&mut self.refused) {
            rows.entry(name).or_default().error = Some(error);
        }
        for (at, records) in harvest.records.iter().enumerate() {
            let row = rows.entry(self.names[records.partition]).or_default();
            row.records = Some(at);
            row.error.clone_from(&records.error);
        }
        let head = ShareFetchResponseHead {
            correlation_id: self.correlation_id,
            error_code: self.error.code(),
            acquisition_lock_timeout_ms: lock_ms,
            ..ShareFetchResponseHead::default()
        };
        let mut counts: BTreeMap<Uuid, usize> = BTreeMap::new();
        for (topic, _) in rows.keys() {
            *counts.entry(*topic).or_default() += 1;
        }
        let mut gaps = Vec::new();
        let out = outbox.buffer();
        let mut writer = ShareFetchResponseWriter::begin(out, self.version, &head, counts.len());
        let mut topic = None;
        for ((id, index), row) in &rows {
            if topic != Some(id) {
                writer.topic(*id, counts[id]);
                topic = Some(id);
            }
            write_row(&mut writer, *index, row, &harvest, &mut gaps);
        }
        writer.finish()?;
        outbox.fill(&gaps, &harvest.pieces);
        Ok(())
    }
}

fn write_row(
    writer: &mut ShareFetchResponseWriter<'_>,
    partition_index: i32,
    row: &Row,
    harvest: &Harvest,
    gaps: &mut Vec<Gap>,
) {
    let records = row.records.map(|at| &harvest.records[at]);
    let acquired: Vec<AcquiredRecords> = records
        .iter()
        .flat_map(|records| &records.acquired)
        .map(|range| AcquiredRecords {
            first_offset: signed(range.first),
            last_offset: signed(range.last),
            delivery_count: i16::try_from(range.delivery_count).unwrap_or(i16::MAX),
        })
        .collect();
    let message = row.error.as_ref().map(Error::to_string);
    let acknowledge_message = row.acknowledge_error.as_ref().map(Error::to_string);
    let head = ShareFetchPartitionHead {
        partition_index,
        error_code: row.error.as_ref().map_or(0, code),
        error_message: message.as_deref(),
        acknowledge_error_code: row.acknowledge_error.as_ref().map_or(0, code),
        acknowledge_error_message: acknowledge_message.as_deref(),
        acquired_records: &acquired,
    };
    let pieces = records.map_or(0..0, |records| records.pieces.clone());
    match &harvest.pieces[pieces.clone()] {
        [] => writer.partition(&head, &[]),
        [Piece::Bytes(bytes)] if bytes.len() <= COPY_BYTES_MAX => writer.partition(&head, bytes),
        of => {
            let bytes = of.iter().map(Piece::len).sum();
            gaps.push(Gap { position: writer.partition_without_records(&head, bytes), pieces });
        }
    }
}
