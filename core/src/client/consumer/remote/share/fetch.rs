//! Asking a broker for messages.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::acknowledge::{by_partition, refuse, session_lost, to_index};
use super::worker::{Session, Worker, ends_session};
use crate::client::consumer::queue::{Acquired, Marks, QueueNews};
use crate::client::consumer::remote::fetch::sound_batches;
use crate::client::consumer::remote::offsets::is_passing;
use crate::client::consumer::remote::state::{Follow, Outcome};
use crate::client::consumer::unpack::Window;
use crate::client::remote::answer;
use crate::client::remote::connection::Frame;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::kafka::share_fetch::{
    AcknowledgementBatch, OPEN_SESSION, ShareFetchPartition, ShareFetchPartitionResponse,
    ShareFetchRequest, ShareFetchResponse, ShareFetchTopic, ShareForgottenTopic,
};
use crate::wire::kafka::{ApiKey, Uuid};

/// The newest version that is spoken here.
const SHARE_FETCH_MAX: i16 = 2;
/// Since this version locks can be renewed.
const RENEW_FROM_VERSION: i16 = 2;
/// A lock whose time the broker does not tell is taken to last as long as Kafka's do.
const LOCK_DEFAULT: Duration = Duration::from_secs(30);
/// No honest broker hands out as many offsets of a partition at once.
const OFFSETS_MAX: u64 = 1 << 20;

/// What of a session changes with a request.
struct Change {
    topics: BTreeMap<Uuid, BTreeMap<i32, Vec<AcknowledgementBatch>>>,
    forgotten: BTreeMap<Uuid, Vec<i32>>,
    partitions: BTreeSet<(Uuid, i32)>,
    epoch: i32,
}

/// Sends one request for messages of these partitions, with acknowledgements of others, and takes
/// note of the answer.
pub(super) fn fetch(
    worker: &mut Worker<'_>,
    follows: &[Follow],
    records: usize,
    marks: &[Marks],
) -> Result<()> {
    if worker.live_session().is_none() && !marks.is_empty() {
        worker.give_up(marks, Some(&session_lost()));
        return fetch(worker, follows, records, &[]);
    }
    let losses = worker.losses();
    let change = change(worker.session.as_ref(), follows, marks);
    let shared = worker.line.shared;
    let (sharer, config) = (shared.sharer.as_ref(), &shared.config);
    let records = i32::try_from(records).unwrap_or(i32::MAX);
    let request = ShareFetchRequest {
        group_id: sharer.map(|sharer| &*sharer.group),
        member_id: sharer.map(|sharer| &*sharer.member_id),
        share_session_epoch: change.epoch,
        max_wait_ms: i32::try_from(config.fetch_wait.as_millis()).unwrap_or(i32::MAX),
        min_bytes: 1,
        max_bytes: i32::try_from(config.bytes_max).unwrap_or(i32::MAX),
        max_records: records,
        batch_size: records,
        topics: change.topics.into_iter().map(topic).collect(),
        forgotten_topics: change
            .forgotten
            .into_iter()
            .map(|(topic_id, partitions)| ShareForgottenTopic { topic_id, partitions })
            .collect(),
        ..ShareFetchRequest::default()
    };
    let deadline = Instant::now() + config.fetch_wait + config.request_timeout;
    let connection = worker.line.connection()?;
    let version = connection.version(ApiKey::ShareFetch, SHARE_FETCH_MAX)?;
    connection.send(version, &request)?;
    let Some(frame) = worker.line.receive(deadline)? else { return Err(session_lost()) };
    let response = ShareFetchResponse::decode(&mut frame.reader(), version)?;
    let words = response.error_message.as_deref();
    let result = answer::check(response.error_code, words, "asking for messages");
    if ends_session(&result) {
        worker.end_session();
    }
    result?;
    match &mut worker.session {
        Some(session) => {
            session.partitions = change.partitions;
            session.advance();
        }
        None => worker.session = Some(Session::opened(change.partitions, losses)),
    }
    take_note(worker, follows, marks, &frame, &response, version);
    Ok(())
}

/// What is to be said of the session: everything at first, then only what is new.
fn change(session: Option<&Session>, follows: &[Follow], marks: &[Marks]) -> Change {
    let mut topics = by_partition(marks);
    let wanted = follows.iter().map(|f| (f.topic_id, to_index(f.want.partition)));
    let partitions: BTreeSet<_> = wanted.collect();
    let none = BTreeSet::new();
    let known = session.map_or(&none, |session| &session.partitions);
    for &(topic_id, index) in partitions.difference(known) {
        topics.entry(topic_id).or_default().entry(index).or_default();
    }
    let mut forgotten: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
    for &(topic_id, index) in known.difference(&partitions) {
        forgotten.entry(topic_id).or_default().push(index);
    }
    let epoch = session.map_or(OPEN_SESSION, |session| session.epoch);
    Change { topics, forgotten, partitions, epoch }
}

fn topic(
    (topic_id, partitions): (Uuid, BTreeMap<i32, Vec<AcknowledgementBatch>>),
) -> ShareFetchTopic {
    let partition = |(partition_index, acknowledgement_batches)| ShareFetchPartition {
        partition_index,
        acknowledgement_batches,
    };
    ShareFetchTopic { topic_id, partitions: partitions.into_iter().map(partition).collect() }
}

fn take_note(
    worker: &Worker<'_>,
    follows: &[Follow],
    marks: &[Marks],
    frame: &Frame,
    response: &ShareFetchResponse<'_>,
    version: i16,
) {
    let lock_ms = u64::try_from(response.acquisition_lock_timeout_ms).unwrap_or(0);
    let lock = if lock_ms == 0 { LOCK_DEFAULT } else { Duration::from_millis(lock_ms) };
    let mut outcomes = Vec::new();
    for topic in &response.responses {
        for partition in &topic.partitions {
            let key = (topic.topic_id, partition.partition_index);
            let (code, words) =
                (partition.acknowledge_error_code, partition.acknowledge_error_message.as_deref());
            if let Err(error) = answer::check(code, words, "acknowledging") {
                refuse(worker, marks, key, &error, &[]);
            }
            let is_it = |f: &&Follow| (f.topic_id, to_index(f.want.partition)) == key;
            let Some(follow) = follows.iter().find(is_it) else { continue };
            let words = partition.error_message.as_deref();
            match answer::check(partition.error_code, words, "asking for messages") {
                Ok(()) => match acquired(worker.line.node, follow, frame, partition) {
                    Ok(found) => {
                        if let Some(acquired) = found {
                            let renewable = version >= RENEW_FROM_VERSION;
                            let acquired = Acquired { lock, renewable, ..acquired };
                            let mut state = worker.line.shared.lock();
                            state.desk.news.push_back(QueueNews::Acquired(acquired));
                        }
                        outcomes.push((follow.clone(), Outcome::Nothing));
                    }
                    Err(error) => outcomes.push((follow.clone(), Outcome::Failed(error))),
                },
                Err(error) if is_passing(error.kind()) => {
                    outcomes.push((follow.clone(), Outcome::Later));
                }
                Err(error) => outcomes.push((follow.clone(), Outcome::Failed(error))),
            }
        }
    }
    worker.settle(outcomes);
}

/// What a partition handed out, if anything.
fn acquired(
    node: i32,
    follow: &Follow,
    frame: &Frame,
    partition: &ShareFetchPartitionResponse<'_>,
) -> Result<Option<Acquired>> {
    let (mut windows, mut next, mut count) = (Vec::new(), 0, 0);
    for range in &partition.acquired_records {
        let first = u64::try_from(range.first_offset).ok().filter(|first| *first >= next);
        let last = u64::try_from(range.last_offset).ok();
        let (Some(first), Some(last)) = (first, last.filter(|last| Some(*last) >= first)) else {
            return Err(contradiction());
        };
        next = last.saturating_add(1);
        count += (last - first).min(OFFSETS_MAX) + 1;
        if count > OFFSETS_MAX {
            return Err(contradiction());
        }
        let delivery_count = u32::try_from(range.delivery_count).unwrap_or(1).max(1);
        windows.push(Window { first, last, delivery_count });
    }
    if windows.is_empty() {
        return Ok(None);
    }
    let records = partition.records.as_deref().unwrap_or_default();
    Ok(Some(Acquired {
        node,
        topic_id: follow.topic_id,
        topic: follow.want.topic.clone(),
        partition: follow.want.partition,
        batches: vec![sound_batches(&frame.part(records))],
        windows,
        lock: LOCK_DEFAULT,
        renewable: false,
    }))
}

fn contradiction() -> Error {
    Error::new(ErrorKind::Network, "the broker handed out records in ranges that cannot be")
}
