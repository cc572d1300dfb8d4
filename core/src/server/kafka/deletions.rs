//! DeleteRecords and OffsetDelete.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Call, code, signed};
use crate::engine::Partition;
use crate::error::{Error, ErrorKind, Result};
use crate::state::groups::OffsetDeletion;
use crate::wire::kafka::ErrorCode;
use crate::wire::kafka::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest,
    DeleteRecordsResponse, DeleteRecordsTopicResult,
};
use crate::wire::kafka::offset_delete::{
    OffsetDeletePartitionResult, OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteTopicResult,
};

/// The offset that stands for the high watermark.
const UP_TO_HIGH_WATERMARK: i64 = -1;

/// Deletes the records before an offset each, all with one sync.
pub(super) fn records<'a>(
    call: &Call<'_>,
    request: &DeleteRecordsRequest<'a>,
) -> DeleteRecordsResponse<'a> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for topic in &request.topics {
        for asked in &topic.partitions {
            match partition(call, topic.name, asked) {
                Ok(wanted) => {
                    found.push(wanted);
                    errors.push(None);
                }
                Err(error) => errors.push(Some(error)),
            }
        }
    }
    let mut deleted = call.broker.delete_records(&found).into_iter();
    let mut errors = errors.into_iter();
    let mut result = |asked: &DeleteRecordsPartition| {
        let outcome = match errors.next().flatten() {
            Some(error) => Err(error),
            None => deleted.next().unwrap_or_else(|| {
                Err(Error::new(ErrorKind::Internal, "a partition got no result"))
            }),
        };
        DeleteRecordsPartitionResult {
            partition_index: asked.partition_index,
            low_watermark: outcome.as_ref().map_or(-1, |offset| signed(*offset)),
            error_code: outcome.as_ref().err().map_or(0, code),
        }
    };
    let topics = request.topics.iter().map(|topic| DeleteRecordsTopicResult {
        name: Cow::Borrowed(topic.name),
        partitions: topic.partitions.iter().map(&mut result).collect(),
    });
    DeleteRecordsResponse { topics: topics.collect(), ..DeleteRecordsResponse::default() }
}

/// A partition, and the offset before which its records are to go.
fn partition(
    call: &Call<'_>,
    topic: &str,
    asked: &DeleteRecordsPartition,
) -> Result<(Arc<Partition>, Option<u64>)> {
    let live = call.broker.topic(topic).ok_or_else(|| {
        let text = format!("there is no topic {topic:?}");
        Error::new(ErrorKind::UnknownTopicOrPartition, text)
    })?;
    let partition = live.partition(asked.partition_index)?.clone();
    if asked.offset == UP_TO_HIGH_WATERMARK {
        return Ok((partition, None));
    }
    let offset = u64::try_from(asked.offset).map_err(|_| {
        let text = format!("{} is no offset", asked.offset);
        Error::new(ErrorKind::OffsetOutOfRange, text)
    })?;
    Ok((partition, Some(offset)))
}

/// Deletes what a group committed, but for topics that its members subscribe to.
pub(super) fn offsets<'a>(
    call: &Call<'_>,
    request: &OffsetDeleteRequest<'a>,
) -> OffsetDeleteResponse<'a> {
    let mut known = Vec::new();
    for topic in &request.topics {
        let Some(live) = call.broker.topic(topic.name) else {
            continue;
        };
        for asked in &topic.partitions {
            if let Ok(partition) = live.partition(asked.partition_index) {
                known.push(((topic.name, asked.partition_index), partition.number()));
            }
        }
    }
    let asked: Vec<(u32, &str)> =
        known.iter().map(|((name, _), number)| (*number, *name)).collect();
    let error = match call.broker.delete_offsets(request.group_id, &asked) {
        OffsetDeletion::NotFound => ErrorCode::GroupIdNotFound,
        OffsetDeletion::NotEmpty => ErrorCode::NonEmptyGroup,
        OffsetDeletion::Done(gone) => {
            let places = known.into_iter().map(|(place, _)| place);
            return offsets_deleted(request, &places.zip(gone).collect());
        }
    };
    OffsetDeleteResponse { error_code: error.code(), ..OffsetDeleteResponse::default() }
}

/// The answer; `gone` says of each partition that exists whether its offset is gone.
fn offsets_deleted<'a>(
    request: &OffsetDeleteRequest<'a>,
    gone: &BTreeMap<(&str, i32), bool>,
) -> OffsetDeleteResponse<'a> {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let error = match gone.get(&(topic.name, asked.partition_index)) {
                None => ErrorCode::UnknownTopicOrPartition,
                Some(true) => ErrorCode::None,
                Some(false) => ErrorCode::GroupSubscribedToTopic,
            };
            OffsetDeletePartitionResult {
                partition_index: asked.partition_index,
                error_code: error.code(),
            }
        });
        OffsetDeleteTopicResult {
            name: Cow::Borrowed(topic.name),
            partitions: partitions.collect(),
        }
    });
    OffsetDeleteResponse { topics: topics.collect(), ..OffsetDeleteResponse::default() }
}
