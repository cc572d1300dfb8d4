//! DescribeShareGroupOffsets, AlterShareGroupOffsets and DeleteShareGroupOffsets: how far queue
//! groups are.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Call, code, leader_epoch, result_code, signed};
use crate::engine::LiveTopic;
use crate::error::{Error, ErrorKind, Result};
use crate::state::queues::QueueOffsets;
use crate::wire::kafka::alter_share_group_offsets::{
    AlterShareGroupOffsetsPartitionResult, AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsResponse, AlterShareGroupOffsetsTopicResult,
};
use crate::wire::kafka::delete_share_group_offsets::{
    DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsResponse,
    DeleteShareGroupOffsetsTopicResult,
};
use crate::wire::kafka::describe_share_group_offsets::{
    DescribeShareGroupOffsetsGroup, DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsResponse, ShareGroupOffsets, SharePartitionOffset, ShareTopicOffsets,
};
use crate::wire::kafka::{ErrorCode, Uuid};

/// Tells from where groups have records to deliver, and how many those are.
pub(super) fn describe<'a>(
    call: &Call<'_>,
    request: &DescribeShareGroupOffsetsRequest<'a>,
) -> DescribeShareGroupOffsetsResponse<'a> {
    DescribeShareGroupOffsetsResponse {
        groups: request.groups.iter().map(|group| group_offsets(call, group)).collect(),
        ..DescribeShareGroupOffsetsResponse::default()
    }
}

fn group_offsets<'a>(
    call: &Call<'_>,
    asked: &DescribeShareGroupOffsetsGroup<'a>,
) -> ShareGroupOffsets<'a> {
    let group_id = Cow::Borrowed(asked.group_id);
    let Some(offsets) = call.broker.queue_offsets(asked.group_id) else {
        return ShareGroupOffsets {
            group_id,
            error_code: ErrorCode::GroupIdNotFound.code(),
            error_message: Some(Cow::Owned(format!("there is no share group {}", asked.group_id))),
            ..ShareGroupOffsets::default()
        };
    };
    let known: BTreeMap<u32, QueueOffsets> =
        offsets.into_iter().map(|offsets| (offsets.partition, offsets)).collect();
    let topics = match &asked.topics {
        Some(topics) => topics
            .iter()
            .map(|topic| {
                let live = call.broker.topic(topic.topic_name);
                let partitions = topic.partitions.iter();
                let rows = partitions.map(|index| offset(call, live.as_deref(), *index, &known));
                ShareTopicOffsets {
                    topic_name: Cow::Borrowed(topic.topic_name),
                    topic_id: live.as_ref().map_or(Uuid::ZERO, |live| Uuid(live.topic.id)),
                    partitions: rows.collect(),
                }
            })
            .collect(),
        None => all_offsets(call, &known),
    };
    ShareGroupOffsets { group_id, topics, ..ShareGroupOffsets::default() }
}

fn all_offsets(
    call: &Call<'_>,
    known: &BTreeMap<u32, QueueOffsets>,
) -> Vec<ShareTopicOffsets<'static>> {
    let mut topics: BTreeMap<String, ShareTopicOffsets<'static>> = BTreeMap::new();
    for number in known.keys() {
        let Some((topic, index)) = call.broker.locate_partition(*number) else {
            continue;
        };
        let live = call.broker.topic(&topic.name);
        let row = topics.entry(topic.name.clone()).or_insert_with(|| ShareTopicOffsets {
            topic_name: Cow::Owned(topic.name.clone()),
            topic_id: Uuid(topic.id),
            partitions: Vec::new(),
        });
        let index = i32::try_from(index).unwrap_or(i32::MAX);
        row.partitions.push(offset(call, live.as_deref(), index, known));
    }
    topics.into_values().collect()
}

fn offset(
    call: &Call<'_>,
    live: Option<&LiveTopic>,
    index: i32,
    known: &BTreeMap<u32, QueueOffsets>,
) -> SharePartitionOffset<'static> {
    let row = SharePartitionOffset { partition_index: index, ..SharePartitionOffset::default() };
    let partition = live.and_then(|live| live.partition(index).ok());
    match partition {
        None => SharePartitionOffset {
            start_offset: -1,
            error_code: ErrorCode::UnknownTopicOrPartition.code(),
            ..row
        },
        Some(partition) => match known.get(&partition.number()) {
            None => SharePartitionOffset { start_offset: -1, ..row },
            Some(offsets) => {
                let ours = |count| if call.state.is_minka { signed(count) } else { -1 };
                SharePartitionOffset {
                    start_offset: signed(offsets.start),
                    leader_epoch: leader_epoch(call.broker),
                    lag: signed(offsets.lag(partition.high_watermark())),
                    in_flight: ours(offsets.in_flight),
                    redelivered: ours(offsets.redelivered),
                    ..row
                }
            }
        },
    }
}

/// Says from where a group without members goes on.
pub(super) fn alter<'a>(
    call: &Call<'_>,
    request: &AlterShareGroupOffsetsRequest<'a>,
) -> AlterShareGroupOffsetsResponse<'a> {
    let mut offsets = Vec::new();
    let mut responses = Vec::new();
    for topic in &request.topics {
        let live = call.broker.topic(topic.topic_name);
        let partitions = topic.partitions.iter().map(|asked| {
            let number = number(live.as_deref(), topic.topic_name, asked.partition_index);
            let wanted = number.and_then(|number| Ok((number, start_offset(asked.start_offset)?)));
            let error_code = result_code(&wanted);
            let error_message = wanted.map(|wanted| offsets.push(wanted)).err();
            AlterShareGroupOffsetsPartitionResult {
                partition_index: asked.partition_index,
                error_code,
                error_message: error_message.map(|error| Cow::Owned(error.to_string())),
            }
        });
        responses.push(AlterShareGroupOffsetsTopicResult {
            partitions: partitions.collect(),
            topic_name: Cow::Borrowed(topic.topic_name),
            topic_id: live.as_ref().map_or(Uuid::ZERO, |live| Uuid(live.topic.id)),
        });
    }
    match call.broker.reset_queue(request.group_id, &offsets) {
        Ok(()) => AlterShareGroupOffsetsResponse {
            responses,
            ..AlterShareGroupOffsetsResponse::default()
        },
        Err(error) => AlterShareGroupOffsetsResponse {
            error_code: code(&error),
            error_message: Some(Cow::Owned(error.to_string())),
            ..AlterShareGroupOffsetsResponse::default()
        },
    }
}

/// Lets a group without members forget topics.
pub(super) fn delete<'a>(
    call: &Call<'_>,
    request: &DeleteShareGroupOffsetsRequest<'a>,
) -> DeleteShareGroupOffsetsResponse<'a> {
    let Some(known) = call.broker.queue_offsets(request.group_id) else {
        return DeleteShareGroupOffsetsResponse {
            error_code: ErrorCode::GroupIdNotFound.code(),
            error_message: Some(Cow::Owned(format!("no share group {}", request.group_id))),
            ..DeleteShareGroupOffsetsResponse::default()
        };
    };
    let topics = request.topics.iter().map(|topic| {
        let live = call.broker.topic(topic.topic_name);
        let result = match &live {
            None => number(None, topic.topic_name, 0).map(drop),
            Some(live) => {
                let numbers = live.partitions.iter().map(|partition| partition.number());
                let of_group: Vec<u32> =
                    numbers.filter(|n| known.iter().any(|one| one.partition == *n)).collect();
                call.broker.forget_queue_offsets(request.group_id, &of_group)
            }
        };
        DeleteShareGroupOffsetsTopicResult {
            topic_name: Cow::Borrowed(topic.topic_name),
            topic_id: live.as_ref().map_or(Uuid::ZERO, |live| Uuid(live.topic.id)),
            error_code: result_code(&result),
            error_message: result.err().map(|error| Cow::Owned(error.to_string())),
        }
    });
    DeleteShareGroupOffsetsResponse {
        responses: topics.collect(),
        ..DeleteShareGroupOffsetsResponse::default()
    }
}

fn start_offset(offset: i64) -> Result<u64> {
    let text = "a group cannot begin at a negative offset";
    u64::try_from(offset).map_err(|_| Error::new(ErrorKind::InvalidRequest, text))
}

fn number(live: Option<&LiveTopic>, name: &str, index: i32) -> Result<u32> {
    match live {
        Some(live) => Ok(live.partition(index)?.number()),
        None => {
            let text = format!("there is no topic {name:?}");
            Err(Error::new(ErrorKind::UnknownTopicOrPartition, text))
        }
    }
}
