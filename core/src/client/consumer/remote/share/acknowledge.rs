//! Acknowledging messages without asking for more.

use std::collections::BTreeMap;
use std::time::Instant;

use super::Flush;
use super::worker::{Worker, ends_session};
use crate::client::consumer::queue::Marks;
use crate::client::remote::answer;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::kafka::share_acknowledge::{
    AcknowledgePartition, AcknowledgeTopic, ShareAcknowledgeRequest, ShareAcknowledgeResponse,
};
use crate::wire::kafka::share_fetch::{AcknowledgementBatch, CLOSE_SESSION, RENEW};
use crate::wire::kafka::{ApiKey, Uuid};

/// The newest version that is spoken here.
const SHARE_ACKNOWLEDGE_MAX: i16 = 2;
/// Since this version locks can be renewed.
const RENEW_FROM_VERSION: i16 = 2;

/// Sends acknowledgements, and closes the session if those who wait say that they are the last.
///
/// Fails if they did not arrive. What the broker says against a part of them is in the result
/// within, and has been counted.
pub(super) fn acknowledge(
    worker: &mut Worker<'_>,
    marks: &[Marks],
    flushes: &[Flush],
) -> Result<Result<()>> {
    let last = flushes.iter().any(|flush| flush.last);
    let Some(session) = worker.live_session() else {
        return if marks.is_empty() { Ok(Ok(())) } else { Err(session_lost()) };
    };
    if marks.is_empty() && !last {
        return Ok(Ok(()));
    }
    let epoch = if last { CLOSE_SESSION } else { session.epoch };
    let is_renewal = marks.iter().any(|marks| marks.types.contains(&RENEW));
    let shared = worker.line.shared;
    let sharer = shared.sharer.as_ref();
    let topic = |(topic_id, partitions): (Uuid, BTreeMap<i32, Vec<AcknowledgementBatch>>)| {
        let partition = |(partition_index, acknowledgement_batches)| AcknowledgePartition {
            partition_index,
            acknowledgement_batches,
        };
        AcknowledgeTopic { topic_id, partitions: partitions.into_iter().map(partition).collect() }
    };
    let request = ShareAcknowledgeRequest {
        group_id: sharer.map(|sharer| &*sharer.group),
        member_id: sharer.map(|sharer| &*sharer.member_id),
        share_session_epoch: epoch,
        is_renew_ack: is_renewal,
        topics: by_partition(marks).into_iter().map(topic).collect(),
    };
    let limit = Instant::now() + shared.config.request_timeout;
    let deadline = flushes.iter().map(|flush| flush.deadline).fold(limit, Instant::min);
    let connection = worker.line.connection()?;
    let version = connection.version(ApiKey::ShareAcknowledge, SHARE_ACKNOWLEDGE_MAX)?;
    if is_renewal && version < RENEW_FROM_VERSION {
        let text = "the broker cannot renew locks: Apache Kafka can since 4.2";
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    connection.send(version, &request)?;
    if let Some(session) = &mut worker.session {
        session.advance();
    }
    let Some(frame) = worker.line.receive(deadline)? else {
        return Err(session_lost());
    };
    let response = ShareAcknowledgeResponse::decode(&mut frame.reader(), version)?;
    let words = response.error_message.as_deref();
    let result = answer::check(response.error_code, words, "acknowledging");
    if ends_session(&result) {
        worker.end_session();
    }
    result?;
    if last {
        worker.session = None;
    }
    let mut refused = Ok(());
    for topic in &response.responses {
        for partition in &topic.partitions {
            let words = partition.error_message.as_deref();
            let result = answer::check(partition.error_code, words, "acknowledging");
            let Err(error) = result else { continue };
            refuse(worker, marks, (topic.topic_id, partition.partition_index), &error, flushes);
            refused = refused.and(Err(error));
        }
    }
    Ok(refused)
}

/// Counts acknowledgements of a partition that the broker refused. The error is told to who waits,
/// or else by the next commit.
pub(super) fn refuse(
    worker: &Worker<'_>,
    marks: &[Marks],
    (topic_id, index): (Uuid, i32),
    error: &Error,
    flushes: &[Flush],
) {
    let of_it = marks.iter().filter(|m| m.topic_id == topic_id && to_index(m.partition) == index);
    let count: u64 = of_it.map(|marks| marks.types.len() as u64).sum();
    let error = flushes.is_empty().then_some(error);
    worker.line.shared.lock().desk.refused.add(count, error);
}

/// Puts acknowledgements together as a request has them.
pub(super) fn by_partition(
    marks: &[Marks],
) -> BTreeMap<Uuid, BTreeMap<i32, Vec<AcknowledgementBatch>>> {
    let mut topics: BTreeMap<_, BTreeMap<_, Vec<_>>> = BTreeMap::new();
    for marks in marks {
        let first_offset = i64::try_from(marks.first).unwrap_or(i64::MAX);
        let count = i64::try_from(marks.types.len()).unwrap_or(i64::MAX);
        // One type stands for all, where they are the same.
        let is_uniform = marks.types.windows(2).all(|two| two[0] == two[1]);
        let types = if is_uniform { marks.types.get(..1) } else { Some(&marks.types[..]) };
        let batch = AcknowledgementBatch {
            first_offset,
            last_offset: first_offset.saturating_add(count - 1),
            acknowledge_types: types.unwrap_or_default().to_vec(),
        };
        let partitions = topics.entry(marks.topic_id).or_default();
        partitions.entry(to_index(marks.partition)).or_default().push(batch);
    }
    topics
}

pub(super) fn to_index(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

pub(super) fn session_lost() -> Error {
    Error::new(
        ErrorKind::InvalidRecordState,
        "the connection over which the records came was lost: they will be delivered again",
    )
}
