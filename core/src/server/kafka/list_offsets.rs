//! ListOffsets: offsets by time.

use std::borrow::Cow;

use super::{Call, leader_epoch, signed};
use crate::engine::{LiveTopic, OffsetSpec};
use crate::wire::kafka::ErrorCode;
use crate::wire::kafka::list_offsets::{
    EARLIEST, EARLIEST_LOCAL, LATEST, LATEST_TIERED, ListOffsetsPartition,
    ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
    ListOffsetsTopicResponse, MAX_TIMESTAMP,
};

/// Looks the offsets up.
pub(super) fn answer<'a>(
    call: &Call<'_>,
    request: &ListOffsetsRequest<'a>,
) -> ListOffsetsResponse<'a> {
    let topic = |asked: &ListOffsetsTopic<'a>| {
        let live = call.broker.topic(asked.name);
        let partition = |asked| one(call, live.as_deref(), asked);
        ListOffsetsTopicResponse {
            name: Cow::Borrowed(asked.name),
            partitions: asked.partitions.iter().map(partition).collect(),
        }
    };
    ListOffsetsResponse {
        topics: request.topics.iter().map(topic).collect(),
        ..ListOffsetsResponse::default()
    }
}

fn one(
    call: &Call<'_>,
    live: Option<&LiveTopic>,
    asked: &ListOffsetsPartition,
) -> ListOffsetsPartitionResponse {
    find(call, live, asked).unwrap_or_else(|error| ListOffsetsPartitionResponse {
        partition_index: asked.partition_index,
        error_code: error.code(),
        ..ListOffsetsPartitionResponse::default()
    })
}

fn find(
    call: &Call<'_>,
    live: Option<&LiveTopic>,
    asked: &ListOffsetsPartition,
) -> Result<ListOffsetsPartitionResponse, ErrorCode> {
    let live = live.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let partition =
        live.partition(asked.partition_index).map_err(|error| ErrorCode::from(error.kind()))?;
    call.check_leader_epoch(asked.current_leader_epoch)?;
    let nothing = ListOffsetsPartitionResponse {
        partition_index: asked.partition_index,
        ..ListOffsetsPartitionResponse::default()
    };
    let spec = match asked.timestamp {
        LATEST => OffsetSpec::Latest,
        EARLIEST | EARLIEST_LOCAL => OffsetSpec::Earliest,
        MAX_TIMESTAMP => OffsetSpec::MaxTimestamp,
        // Nothing is in tiered storage.
        LATEST_TIERED => return Ok(nothing),
        time if time >= 0 => OffsetSpec::At(time),
        _ => return Err(ErrorCode::InvalidRequest),
    };
    let found =
        call.broker.find_offset(partition, spec).map_err(|error| ErrorCode::from(error.kind()))?;
    let Some((offset, timestamp)) = found else {
        return Ok(nothing);
    };
    // What the epoch of an older record was is not looked up; -1 says so.
    let is_latest = spec == OffsetSpec::Latest;
    Ok(ListOffsetsPartitionResponse {
        timestamp,
        offset: signed(offset),
        leader_epoch: if is_latest { leader_epoch(call.broker) } else { -1 },
        ..nothing
    })
}
