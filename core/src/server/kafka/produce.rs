//! Produce: batches into the queue, and acknowledgements out of their tickets.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::{Door, Refusal, code, signed};
use crate::engine::{Acks, Appended, LiveTopic, Produce, Refused, Ticket};
use crate::error::{Error, ErrorKind, Result};
use crate::server::pending::State;
use crate::wire::kafka::Reader;
use crate::wire::kafka::header::RequestHeader;
use crate::wire::kafka::produce::{ProducePartitionResponse, RecordError};
use crate::wire::kafka::produce_view::{PartitionView, ProduceView, TopicView};
use crate::wire::kafka::produce_writer::ProduceResponseWriter;

/// The first version whose producers may compress with zstd.
const ZSTD_FROM_VERSION: i16 = 7;

/// A Produce request whose batches are in the queue.
#[derive(Debug)]
pub(in crate::server) struct PendingProduce {
    frame: Bytes,
    /// A result for each partition, in the request's order.
    ticket: Arc<Ticket>,
    /// Whether the client waits for an answer.
    answers: bool,
    /// Whether the client is told the records' IDs.
    tells_ids: bool,
    /// By slot, in order: the records because of which batches were refused.
    refused: Vec<(u32, Records)>,
}

/// Records that were refused, by their place in the batch, and why.
type Records = Vec<(u32, String)>;

/// Puts the batches of a request into the queue; the ticket gets the results of all partitions,
/// of those that were refused at once too.
pub(in crate::server) fn submit(
    state: &State<'_>,
    frame: &Bytes,
    header: &RequestHeader<'_>,
    reader: &mut Reader<'_>,
) -> std::result::Result<PendingProduce, Refusal> {
    let door = state.door;
    let peer = state.peer(header.client_id.unwrap_or_default());
    let view = ProduceView::decode(reader, header.version)?;
    let acks = acks(view.acks);
    let slots = view.topics().map(|topic| topic.partitions().len()).sum();
    let ticket = Ticket::new(slots, Some((state.wake.clone(), state.token)));
    let (mut slot, mut refused) = (0, Vec::new());
    for topic in view.topics() {
        let live = topic_of(door, header.version, &topic);
        for partition in topic.partitions() {
            let submitted = live.as_ref().map_err(Clone::clone).and_then(|live| {
                let mut produce = Produce {
                    topic: live,
                    partition: live.partition(partition.index)?,
                    batch: frame.slice(partition.range.clone()),
                    acks: acks.clone()?,
                    zstd_allowed: header.version >= ZSTD_FROM_VERSION,
                };
                if let Err(Refused { error, records }) = door.broker().admit(peer, &mut produce) {
                    refused.extend((!records.is_empty()).then_some((slot, records)));
                    return Err(error);
                }
                door.broker().submit(produce, &ticket, slot)
            });
            if let Err(error) = submitted {
                ticket.complete(slot, Err(error), 0);
            }
            slot += 1;
        }
    }
    let answers = view.acks != 0;
    Ok(PendingProduce { frame: frame.clone(), ticket, answers, tells_ids: false, refused })
}

/// Has a request fail in all its partitions, as if that were what came of it.
pub(in crate::server) fn refuse(
    frame: &Bytes,
    header: &RequestHeader<'_>,
    reader: &mut Reader<'_>,
    error: &Error,
) -> std::result::Result<PendingProduce, Refusal> {
    let view = ProduceView::decode(reader, header.version)?;
    let slots = view.topics().map(|topic| topic.partitions().len()).sum();
    let ticket = Ticket::new(slots, None);
    for slot in (0..).take(slots) {
        ticket.complete(slot, Err(error.clone()), 0);
    }
    let answers = view.acks != 0;
    Ok(PendingProduce {
        frame: frame.clone(),
        ticket,
        answers,
        refused: Vec::new(),
        tells_ids: false,
    })
}

impl PendingProduce {
    /// Whether the client is to be told the records' IDs.
    pub(in crate::server) fn telling_ids(self, tells_ids: bool) -> Self {
        Self { tells_ids, ..self }
    }

    pub(in crate::server) fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// How many bytes it holds.
    pub(in crate::server) fn bytes(&self) -> usize {
        self.frame.len()
    }

    /// Answers with the ticket's results. Where the client waits for no answer, an error ends
    /// the connection: only so does it learn of it.
    pub(in crate::server) fn answer(
        &self,
        results: &[Result<Appended>],
        out: &mut Vec<u8>,
    ) -> std::result::Result<(), Refusal> {
        if !self.answers {
            return match results.iter().find_map(|result| result.as_ref().err()) {
                Some(error) => Err(Refusal(format!(
                    "a Produce request with acks=0 failed, of which the client learns only by \
                     this: {error}"
                ))),
                None => Ok(()),
            };
        }
        // It is read again: that is cheaper than to keep what was read.
        let mut reader = Reader::new(&self.frame);
        let header = RequestHeader::decode(&mut reader)?;
        let view = ProduceView::decode(&mut reader, header.version)?;
        let topics = view.topics();
        let (version, correlation_id) = (header.version, header.correlation_id);
        let mut writer = ProduceResponseWriter::begin(out, version, correlation_id, topics.len());
        let mut results = (0..).zip(results);
        for topic in topics {
            let partitions = topic.partitions();
            writer.topic(topic.name, topic.topic_id, partitions.len());
            for (partition, (slot, result)) in partitions.zip(&mut results) {
                let mut answer = partition_answer(&partition, result);
                answer.record_errors = self.record_errors(slot);
                if self.tells_ids {
                    answer.first_record_id = first_record_id(result);
                }
                writer.partition(&answer);
            }
        }
        Ok(writer.finish(0)?)
    }

    /// Which records of a batch were refused, for the client (KIP-467).
    fn record_errors(&self, slot: u32) -> Vec<RecordError<'_>> {
        let Ok(at) = self.refused.binary_search_by_key(&slot, |(slot, _)| *slot) else {
            return Vec::new();
        };
        let error = |(index, reason): &(u32, String)| RecordError {
            batch_index: i32::try_from(*index).unwrap_or(i32::MAX),
            batch_index_error_message: Some(Cow::Owned(reason.clone())),
        };
        self.refused[at].1.iter().map(error).collect()
    }
}

fn partition_answer<'a>(
    partition: &PartitionView<'_>,
    result: &Result<Appended>,
) -> ProducePartitionResponse<'a> {
    match result {
        Ok(appended) => ProducePartitionResponse {
            index: partition.index,
            base_offset: signed(appended.base_offset),
            log_append_time_ms: appended.log_append_time,
            log_start_offset: signed(appended.log_start),
            ..ProducePartitionResponse::default()
        },
        Err(error) => ProducePartitionResponse {
            index: partition.index,
            error_code: code(error),
            base_offset: -1,
            error_message: Some(Cow::Owned(error.to_string())),
            ..ProducePartitionResponse::default()
        },
    }
}

/// The ID of a batch's first record, or -1 where there is none: the batch was refused, or is a
/// duplicate of one whose ID is not known any more.
fn first_record_id(result: &Result<Appended>) -> i64 {
    match result {
        Ok(appended) if appended.first_id > 0 => signed(appended.first_id),
        _ => -1,
    }
}

fn topic_of(door: &Door, version: i16, topic: &TopicView<'_>) -> Result<Arc<LiveTopic>> {
    if version >= 13 {
        return door.broker().topic_by_id(&topic.topic_id.0).ok_or_else(|| {
            let text = format!("no topic has the ID {}", topic.topic_id);
            Error::new(ErrorKind::UnknownTopicId, text)
        });
    }
    door.broker().topic(topic.name).ok_or_else(|| {
        let text = format!("there is no topic {:?}; create it first", topic.name);
        Error::new(ErrorKind::UnknownTopicOrPartition, text)
    })
}

fn acks(acks: i16) -> Result<Acks> {
    match acks {
        0 => Ok(Acks::None),
        1 => Ok(Acks::Written),
        -1 => Ok(Acks::Synced),
        _ => Err(Error::new(
            ErrorKind::InvalidRequiredAcks,
            format!("acks must be 0, 1 or -1 (all), not {acks}"),
        )),
    }
}
