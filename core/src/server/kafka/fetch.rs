//! Fetch: reads, and waits for what is not there yet.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Call, Refusal, check_leader_epoch, signed};
use crate::engine::{Broker, LiveTopic, Partition, Wake};
use crate::log::Piece;
use crate::server::outbox::{Gap, Outbox};
use crate::server::pending::{Parked, State};
use crate::wire::kafka::fetch::{FetchPartition, FetchRequest, FetchTopic};
use crate::wire::kafka::fetch_writer::{
    FetchPartitionHead, FetchResponseHead, FetchResponseWriter,
};
use crate::wire::kafka::{ErrorCode, Uuid};

/// An answer has at most this many bytes of records, whatever the client asks for...
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// ...and once it holds this many in memory, not in files, the rest has to wait for the next.
const MEMORY_BYTES_MAX: usize = 2 << 20;
/// What is read of one partition at once.
const PARTITION_BYTES_MAX: usize = 4 << 20;
/// Records up to this many bytes are copied into the answer.
const COPY_BYTES_MAX: usize = 4 << 10;
/// Since this version topics are named by their IDs.
const IDS_FROM_VERSION: i16 = 13;

/// A Fetch request that waits until there is enough to answer.
#[derive(Debug)]
pub(in crate::server) struct ParkedFetch {
    version: i16,
    correlation_id: i32,
    /// The error of the whole request, or none.
    error: ErrorCode,
    deadline: Instant,
    bytes_min: usize,
    bytes_max: usize,
    read_committed: bool,
    topics: Vec<Topic>,
    watching: bool,
    /// What the client calls itself, if a hook wants to know.
    client_id: Option<String>,
}

#[derive(Debug)]
struct Topic {
    /// As the client named it, where it did.
    name: String,
    id: Uuid,
    live: Option<Arc<LiveTopic>>,
    partitions: Vec<FetchPartition>,
    /// What was found, for each of `partitions`.
    found: Vec<Found>,
}

#[derive(Debug, Clone)]
struct Found {
    error: ErrorCode,
    high_watermark: u64,
    log_start: i64,
    bytes: usize,
    /// Which of the pieces.
    pieces: Range<usize>,
}

/// What a look at all partitions found.
#[derive(Debug, Default)]
struct Harvest {
    pieces: Vec<Piece>,
    bytes: usize,
    memory: usize,
    failed: bool,
}

/// Takes a request on. It has not looked at anything yet.
pub(super) fn start(call: &Call<'_>, request: &FetchRequest<'_>) -> Parked {
    let error = match (request.session_id, request.session_epoch) {
        (0, ..=0) => ErrorCode::None,
        // Every answer says that there is no session.
        (0, _) => ErrorCode::InvalidFetchSessionEpoch,
        _ => ErrorCode::FetchSessionIdNotFound,
    };
    let topics = match error {
        ErrorCode::None => request
            .topics
            .iter()
            .filter(|asked| !asked.partitions.is_empty())
            .map(|asked| topic(call, asked))
            .collect(),
        _ => Vec::new(),
    };
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let positive = |number: i32| usize::try_from(number).unwrap_or(0).min(ANSWER_BYTES_MAX);
    Parked::Fetch(Box::new(ParkedFetch {
        version: call.version,
        correlation_id: call.correlation_id,
        error,
        deadline: call.state.now + wait,
        bytes_min: positive(request.min_bytes),
        bytes_max: positive(request.max_bytes),
        read_committed: request.isolation_level == 1,
        topics,
        watching: false,
        client_id: call.broker.asks_at_delivery().then(|| call.client_id.to_owned()),
    }))
}

fn topic(call: &Call<'_>, asked: &FetchTopic<'_>) -> Topic {
    let live = if call.version >= IDS_FROM_VERSION {
        call.broker.topic_by_id(&asked.topic_id.0)
    } else {
        call.broker.topic(asked.topic)
    };
    Topic {
        name: asked.topic.to_owned(),
        id: asked.topic_id,
        live,
        partitions: asked.partitions.clone(),
        found: Vec::new(),
    }
}

impl ParkedFetch {
    /// When it is answered with what is there.
    pub(in crate::server) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Answers if there is enough, or something is wrong, or time is up. Else it will be woken.
    pub(in crate::server) fn answer(
        &mut self,
        state: &State<'_>,
        outbox: &mut Outbox,
    ) -> Result<bool, Refusal> {
        let mut harvest = self.look(state.door.broker());
        let is_enough = harvest.failed
            || self.error != ErrorCode::None
            || harvest.bytes >= self.bytes_min
            || state.now >= self.deadline;
        if !is_enough && self.watch(state) {
            return Ok(false);
        }
        self.unwatch(state.wake, state.token);
        self.ask(state, &mut harvest);
        self.write(&harvest, outbox)?;
        Ok(true)
    }

    /// Takes back what was asked for.
    pub(in crate::server) fn unwatch(&mut self, wake: &Arc<dyn Wake>, token: usize) {
        if std::mem::take(&mut self.watching) {
            for (partition, _) in self.good() {
                partition.unwatch(wake, token);
            }
        }
    }

    /// Asks to be woken when there is more. If there is already, that is a wake too.
    fn watch(&mut self, state: &State<'_>) -> bool {
        self.watching = true;
        for (partition, seen) in self.good() {
            if !partition.watch(seen, state.wake, state.token) {
                state.wake.wake(state.token);
                break;
            }
        }
        true
    }

    /// The partitions that can be read, and up to where they have been looked at.
    fn good(&self) -> impl Iterator<Item = (&Arc<Partition>, u64)> {
        self.topics.iter().flat_map(|topic| {
            let found = topic.partitions.iter().zip(&topic.found);
            found.filter_map(|(asked, found)| {
                let live = topic.live.as_ref().filter(|_| found.error == ErrorCode::None)?;
                Some((live.partition(asked.partition).ok()?, found.high_watermark))
            })
        })
    }

    fn look(&mut self, broker: &Broker) -> Harvest {
        let mut harvest = Harvest::default();
        for topic in &mut self.topics {
            topic.found.clear();
            for asked in &topic.partitions {
                let room = self.bytes_max.saturating_sub(harvest.bytes);
                let live = topic.live.as_deref().ok_or(if self.version >= IDS_FROM_VERSION {
                    ErrorCode::UnknownTopicId
                } else {
                    ErrorCode::UnknownTopicOrPartition
                });
                let found = live.and_then(|live| read(broker, live, asked, room, &mut harvest));
                let found = found.unwrap_or_else(|error| {
                    harvest.failed = true;
                    Found { error, high_watermark: 0, log_start: -1, bytes: 0, pieces: 0..0 }
                });
                topic.found.push(found);
            }
        }
        harvest
    }

    /// Asks the delivery hook about what was found, if there is one.
    fn ask(&mut self, state: &State<'_>, harvest: &mut Harvest) {
        let Some(client_id) = &self.client_id else { return };
        let raw = std::mem::take(&mut harvest.pieces);
        for topic in &mut self.topics {
            let Some(live) = &topic.live else { continue };
            for (asked, found) in topic.partitions.iter().zip(&mut topic.found) {
                let offset = u64::try_from(asked.fetch_offset).unwrap_or_default();
                let index = u32::try_from(asked.partition).unwrap_or_default();
                let (peer, place) = (state.peer(client_id), (&live.topic.name[..], index));
                let found_here = &raw[found.pieces.clone()];
                let passed =
                    state.door.broker().pass(peer, place, &[offset..=u64::MAX], found_here);
                if let (Some(error), true) = (&passed.error, passed.batches.is_empty()) {
                    found.error = ErrorCode::from(error.kind());
                }
                found.bytes = passed.bytes();
                let first = harvest.pieces.len();
                harvest.pieces.extend(passed.batches.into_iter().map(Piece::Bytes));
                found.pieces = first..harvest.pieces.len();
            }
        }
    }

    fn write(&self, harvest: &Harvest, outbox: &mut Outbox) -> Result<(), Refusal> {
        let head = FetchResponseHead {
            correlation_id: self.correlation_id,
            error_code: self.error.code(),
            ..FetchResponseHead::default()
        };
        let mut gaps = Vec::new();
        let out = outbox.buffer();
        let mut writer = FetchResponseWriter::begin(out, self.version, head, self.topics.len());
        for topic in &self.topics {
            writer.topic(&topic.name, topic.id, topic.found.len());
            for (asked, found) in topic.partitions.iter().zip(&topic.found) {
                let head = self.partition_head(asked, found);
                match &harvest.pieces[found.pieces.clone()] {
                    [] => writer.partition(&head, &[]),
                    [Piece::Bytes(bytes)] if bytes.len() <= COPY_BYTES_MAX => {
                        writer.partition(&head, bytes);
                    }
                    _ => gaps.push(Gap {
                        position: writer.partition_without_records(&head, found.bytes),
                        pieces: found.pieces.clone(),
                    }),
                }
            }
        }
        writer.finish()?;
        outbox.fill(&gaps, &harvest.pieces);
        Ok(())
    }

    fn partition_head(&self, asked: &FetchPartition, found: &Found) -> FetchPartitionHead<'_> {
        let is_good = found.error == ErrorCode::None;
        let high_watermark = if is_good { signed(found.high_watermark) } else { -1 };
        FetchPartitionHead {
            partition_index: asked.partition,
            error_code: found.error.code(),
            high_watermark,
            // Without transactions everything below the high watermark is stable.
            last_stable_offset: high_watermark,
            log_start_offset: found.log_start,
            aborted_transactions: self.read_committed.then_some(&[]),
        }
    }
}

/// Reads what is wanted of one partition.
fn read(
    broker: &Broker,
    live: &LiveTopic,
    asked: &FetchPartition,
    room: usize,
    harvest: &mut Harvest,
) -> Result<Found, ErrorCode> {
    let partition =
        live.partition(asked.partition).map_err(|error| ErrorCode::from(error.kind()))?;
    check_leader_epoch(broker, asked.current_leader_epoch)?;
    let offset = u64::try_from(asked.fetch_offset).map_err(|_| ErrorCode::OffsetOutOfRange)?;
    let first = harvest.pieces.len();
    if partition.high_watermark() == offset && !partition.is_deleted() {
        return Ok(Found {
            error: ErrorCode::None,
            high_watermark: offset,
            log_start: signed(partition.log_start()),
            bytes: 0,
            pieces: first..first,
        });
    }
    let wanted = usize::try_from(asked.partition_max_bytes).unwrap_or(0);
    let mut bytes_max = wanted.min(room).min(PARTITION_BYTES_MAX);
    if harvest.memory >= MEMORY_BYTES_MAX {
        bytes_max = 0;
    }
    // The first batch of an answer is sent whatever its size (KIP-74).
    let is_first = harvest.bytes == 0;
    bytes_max = bytes_max.max(usize::from(is_first));
    let outcome = broker
        .read(partition, offset, bytes_max, is_first, &mut harvest.pieces)
        .map_err(|error| {
            harvest.pieces.truncate(first);
            ErrorCode::from(error.kind())
        })?;
    harvest.bytes += outcome.bytes;
    harvest.memory += memory(&harvest.pieces[first..]);
    Ok(Found {
        error: ErrorCode::None,
        high_watermark: outcome.high_watermark,
        log_start: signed(outcome.log_start),
        bytes: outcome.bytes,
        pieces: first..harvest.pieces.len(),
    })
}

fn memory(pieces: &[Piece]) -> usize {
    let in_memory = |piece: &Piece| match piece {
        Piece::Bytes(bytes) => bytes.len(),
        Piece::Region { .. } => 0,
    };
    pieces.iter().map(in_memory).sum()
}
