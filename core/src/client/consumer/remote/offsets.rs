//! Asking a broker at which offsets partitions begin, end, or reach a time.

use std::time::Instant;

use super::state::{Follow, Outcome};
use super::worker::Worker;
use crate::client::consumer::config::StartAt;
use crate::client::remote::answer;
use crate::error::{ErrorKind, Result};
use crate::wire::kafka::ApiKey;
use crate::wire::kafka::list_offsets::{
    EARLIEST, LATEST, ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest,
    ListOffsetsResponse, ListOffsetsTopic,
};

/// The newest version that is spoken here.
const LIST_OFFSETS_MAX: i16 = 10;

/// Looks up where these partitions are to be read from.
pub(super) fn look_up(worker: &mut Worker<'_>, follows: &mut [Follow]) -> Result<()> {
    follows.sort_by(|a, b| a.want.topic.cmp(&b.want.topic));
    let timeout = worker.line.shared.config.request_timeout;
    let of_topic = follows.chunk_by(|a, b| a.want.topic == b.want.topic);
    let topics = of_topic.map(|of_topic| ListOffsetsTopic {
        name: &of_topic[0].want.topic,
        partitions: of_topic.iter().map(question).collect(),
    });
    let request = ListOffsetsRequest {
        topics: topics.collect(),
        timeout_ms: i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX),
        ..ListOffsetsRequest::default()
    };
    let connection = worker.line.connection()?;
    let version = connection.version(ApiKey::ListOffsets, LIST_OFFSETS_MAX)?;
    connection.send(version, &request)?;
    let Some(frame) = worker.line.receive(Instant::now() + timeout)? else { return Ok(()) };
    let response = ListOffsetsResponse::decode(&mut frame.reader(), version)?;
    let outcome = |follow: &Follow| {
        let want = &follow.want;
        let topic = response.topics.iter().find(|topic| *topic.name == *want.topic);
        let partition = topic.and_then(|topic| {
            let is_it =
                |p: &&ListOffsetsPartitionResponse| index(p.partition_index) == want.partition;
            topic.partitions.iter().find(is_it)
        });
        (follow.clone(), partition.map_or(Outcome::Later, |partition| read(follow, partition)))
    };
    worker.settle(follows.iter().map(outcome));
    Ok(())
}

fn question(follow: &Follow) -> ListOffsetsPartition {
    ListOffsetsPartition {
        partition_index: i32::try_from(follow.want.partition).unwrap_or(i32::MAX),
        timestamp: match follow.want.at {
            StartAt::Earliest => EARLIEST,
            StartAt::Latest | StartAt::Offset(_) => LATEST,
            StartAt::Time(time) => time.max(0),
        },
        ..ListOffsetsPartition::default()
    }
}

fn read(follow: &Follow, partition: &ListOffsetsPartitionResponse) -> Outcome {
    match answer::check(partition.error_code, None, "looking for the offset to begin at") {
        Ok(()) => {}
        Err(error) if is_passing(error.kind()) => return Outcome::Later,
        Err(error) => return Outcome::Failed(error),
    }
    match (u64::try_from(partition.offset), follow.want.at) {
        (Ok(offset), _) => Outcome::Starts(StartAt::Offset(offset)),
        // No record is as late as that: the next one that comes is.
        (Err(_), StartAt::Time(_)) => Outcome::Starts(StartAt::Latest),
        (Err(_), _) => Outcome::Later,
    }
}

/// Whether an error says no more than that another broker, or a later time, is to be tried.
pub(super) fn is_passing(kind: ErrorKind) -> bool {
    kind.is_retriable()
        || matches!(
            kind,
            ErrorKind::UnknownTopicOrPartition
                | ErrorKind::UnknownTopicId
                | ErrorKind::FencedLeaderEpoch
                | ErrorKind::UnknownLeaderEpoch
                | ErrorKind::StorageFailed
        )
}

/// A partition's index as it came; what is none equals none.
pub(super) fn index(index: i32) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
