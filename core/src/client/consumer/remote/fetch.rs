//! Fetching records of many partitions from one broker.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::offsets::{index, is_passing};
use super::state::{Follow, Outcome};
use super::worker::Worker;
use crate::batch::header::{BatchHeader, CRC_FROM};
use crate::checksum::crc32c;
use crate::client::consumer::config::StartAt;
use crate::client::consumer::source::What;
use crate::client::remote::answer;
use crate::client::remote::connection::Frame;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::kafka::fetch::{
    FetchPartition, FetchPartitionResponse, FetchRequest, FetchResponse, FetchTopic,
};
use crate::wire::kafka::{ApiKey, ErrorCode, Uuid};

/// The newest version that is spoken here.
const FETCH_MAX: i16 = 17;
/// The newest version that names topics by their names.
const FETCH_MAX_WITH_NAMES: i16 = 12;
/// Codes that say to try again later and are no error of any kind that programs know.
const REPLICA_NOT_AVAILABLE: i16 = 9;
const INCONSISTENT_TOPIC_ID: i16 = 103;

/// The partitions of one topic.
struct Group {
    topic: Arc<str>,
    id: Uuid,
    follows: Vec<Follow>,
}

/// Sends one request for all of these partitions and takes note of the answer.
pub(super) fn fetch(worker: &mut Worker<'_>, follows: Vec<Follow>, room: usize) -> Result<()> {
    let groups = group(follows);
    let config = worker.line.shared.config.clone();
    let millis = |time: std::time::Duration| i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
    let partition_bytes_max = config.partition_bytes_max.min(room);
    let topics = groups.iter().map(|group| FetchTopic {
        topic: &group.topic,
        topic_id: group.id,
        partitions: group.follows.iter().map(|f| question(f, partition_bytes_max)).collect(),
    });
    let request = FetchRequest {
        max_wait_ms: millis(config.fetch_wait),
        min_bytes: 1,
        max_bytes: i32::try_from(room).unwrap_or(i32::MAX),
        topics: topics.collect(),
        ..FetchRequest::default()
    };
    let with_ids = groups.iter().all(|group| !group.id.is_zero());
    let connection = worker.line.connection()?;
    let newest = if with_ids { FETCH_MAX } else { FETCH_MAX_WITH_NAMES };
    let version = connection.version(ApiKey::Fetch, newest)?;
    connection.send(version, &request)?;
    let deadline = Instant::now() + config.fetch_wait + config.request_timeout;
    let Some(frame) = worker.line.receive(deadline)? else { return Ok(()) };
    let response = FetchResponse::decode(&mut frame.reader(), version)?;
    answer::check(response.error_code, None, "fetching")?;
    let mut outcomes = Vec::new();
    for topic in &response.responses {
        let by_id = version > FETCH_MAX_WITH_NAMES;
        let is_it = |group: &&Group| match by_id {
            true => group.id == topic.topic_id,
            false => *group.topic == *topic.topic,
        };
        let Some(group) = groups.iter().find(is_it) else { continue };
        for partition in &topic.partitions {
            let wanted = index(partition.partition_index);
            let is_it = |follow: &Follow| follow.want.partition.cmp(&wanted);
            if let Ok(place) = group.follows.binary_search_by(is_it) {
                let follow = &group.follows[place];
                outcomes.push((follow.clone(), read(follow, &frame, partition)));
            }
        }
    }
    worker.settle(outcomes);
    Ok(())
}

/// Puts partitions together by topic, the topics in the order of their first partitions.
fn group(follows: Vec<Follow>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for follow in follows {
        let (topic, id) = (&follow.want.topic, follow.topic_id);
        match groups.iter_mut().find(|group| group.topic == *topic && group.id == id) {
            Some(group) => group.follows.push(follow),
            None => groups.push(Group { topic: topic.clone(), id, follows: vec![follow] }),
        }
    }
    for group in &mut groups {
        group.follows.sort_by_key(|follow| follow.want.partition);
    }
    groups
}

fn question(follow: &Follow, bytes_max: usize) -> FetchPartition {
    FetchPartition {
        partition: i32::try_from(follow.want.partition).unwrap_or(i32::MAX),
        fetch_offset: i64::try_from(offset(follow)).unwrap_or(i64::MAX),
        partition_max_bytes: i32::try_from(bytes_max).unwrap_or(i32::MAX),
        ..FetchPartition::default()
    }
}

fn offset(follow: &Follow) -> u64 {
    match follow.want.at {
        StartAt::Offset(offset) => offset,
        StartAt::Earliest | StartAt::Latest | StartAt::Time(_) => 0,
    }
}

fn read(follow: &Follow, frame: &Frame, partition: &FetchPartitionResponse<'_>) -> Outcome {
    let code = partition.error_code;
    let later =
        [ErrorCode::OffsetNotAvailable.code(), REPLICA_NOT_AVAILABLE, INCONSISTENT_TOPIC_ID];
    if later.contains(&code) {
        return Outcome::Later;
    }
    match answer::check(code, None, "fetching") {
        Ok(()) => {}
        Err(error) if is_passing(error.kind()) => return Outcome::Later,
        Err(error) => return Outcome::Failed(error),
    }
    let records = partition.records.as_deref().unwrap_or_default();
    if records.is_empty() {
        return Outcome::Nothing;
    }
    match sound(&frame.part(records), offset(follow)) {
        Ok((bytes, next)) => {
            let size = bytes.len();
            Outcome::Came(What::Batches(bytes), size, StartAt::Offset(next))
        }
        Err(error) => Outcome::Failed(error),
    }
}

/// The whole batches at the front whose checksums are right, and the offset behind them.
///
/// Fails if the first is not whole or not right. A cut batch at the end is what a broker may send.
fn sound(bytes: &Bytes, offset: u64) -> Result<(Bytes, u64)> {
    let (mut end, mut next) = (0, offset);
    loop {
        let rest = bytes.get(end..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        match check(rest) {
            Ok((size, behind)) => {
                end += size;
                next = next.max(behind);
            }
            Err(error) if end == 0 => return Err(error),
            Err(_) => break,
        }
    }
    if next == offset {
        let text = "the broker sent records before the offset that was asked for";
        return Err(Error::new(ErrorKind::CorruptBatch, text));
    }
    Ok((bytes.slice(..end), next))
}

/// The whole batches at the front whose checksums are right.
pub(super) fn sound_batches(bytes: &Bytes) -> Bytes {
    let mut end = 0;
    while let Some(rest) = bytes.get(end..)
        && let Ok((size, _)) = check(rest)
    {
        end += size;
    }
    bytes.slice(..end)
}

/// The size of the first batch and the offset behind it.
fn check(bytes: &[u8]) -> Result<(usize, u64)> {
    let corrupt = |text: &str| Error::new(ErrorKind::CorruptBatch, text);
    let header = BatchHeader::parse(bytes)?;
    let size = header.size();
    let batch = bytes.get(..size).ok_or_else(|| corrupt("the broker sent a part of a batch"))?;
    if crc32c(&batch[CRC_FROM..]) != header.crc {
        return Err(corrupt("a record batch does not match its checksum"));
    }
    let behind = u64::try_from(header.last_offset().saturating_add(1));
    Ok((size, behind.map_err(|_| corrupt("a record batch has a negative offset"))?))
}
