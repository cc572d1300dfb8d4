//! OffsetFetch: what groups have committed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::{Call, result_code};
use crate::state::offsets::CommittedOffset;
use crate::wire::kafka::offset_fetch::{
    OffsetFetchGroupResponse, OffsetFetchPartitionResponse, OffsetFetchRequest,
    OffsetFetchResponse, OffsetFetchTopic, OffsetFetchTopicResponse,
};

/// Since this version a request asks for many groups.
const MANY_FROM_VERSION: i16 = 8;

/// Looks up offsets of one group or of many.
pub(super) fn answer<'a>(
    call: &Call<'_>,
    request: &OffsetFetchRequest<'a>,
) -> OffsetFetchResponse<'a> {
    if call.version < MANY_FROM_VERSION {
        return OffsetFetchResponse {
            topics: of_group(call, request.group_id, request.topics.as_deref()),
            ..OffsetFetchResponse::default()
        };
    }
    let mut seen = BTreeSet::new();
    let groups = request.groups.iter().filter(|asked| seen.insert(asked.group_id));
    let group = groups.map(|asked| {
        let member_id = asked.member_id.unwrap_or_default();
        let check = call.broker.check_offset_fetch(asked.group_id, member_id, asked.member_epoch);
        let topics = match check {
            Ok(()) => of_group(call, asked.group_id, asked.topics.as_deref()),
            Err(_) => Vec::new(),
        };
        OffsetFetchGroupResponse {
            group_id: Cow::Borrowed(asked.group_id),
            topics,
            error_code: result_code(&check),
        }
    });
    OffsetFetchResponse { groups: group.collect(), ..OffsetFetchResponse::default() }
}

fn of_group<'a>(
    call: &Call<'_>,
    group: &str,
    asked: Option<&[OffsetFetchTopic<'a>]>,
) -> Vec<OffsetFetchTopicResponse<'a>> {
    let committed = call.broker.committed_offsets(group);
    match asked {
        Some(topics) => topics.iter().map(|asked| of_topic(call, &committed, asked)).collect(),
        None => of_all_topics(call, &committed),
    }
}

fn of_topic<'a>(
    call: &Call<'_>,
    committed: &[(u32, CommittedOffset)],
    asked: &OffsetFetchTopic<'a>,
) -> OffsetFetchTopicResponse<'a> {
    let live = call.broker.topic(asked.name);
    let find = |index: i32| {
        let number = live.as_ref()?.partition(index).ok()?.number();
        let at = committed.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        committed.get(at).map(|(_, offset)| offset)
    };
    let partitions = asked.partition_indexes.iter();
    OffsetFetchTopicResponse {
        name: Cow::Borrowed(asked.name),
        partitions: partitions.map(|&index| partition(index, find(index))).collect(),
    }
}

fn of_all_topics(
    call: &Call<'_>,
    committed: &[(u32, CommittedOffset)],
) -> Vec<OffsetFetchTopicResponse<'static>> {
    let mut topics: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (number, offset) in committed {
        // A topic that was just deleted takes its offsets with it.
        let Some((topic, index)) = call.broker.locate_partition(*number) else {
            continue;
        };
        let index = i32::try_from(index).unwrap_or(i32::MAX);
        let partitions = topics.entry(topic.name.clone()).or_default();
        partitions.push(partition(index, Some(offset)));
    }
    let answer =
        |(name, partitions)| OffsetFetchTopicResponse { name: Cow::Owned(name), partitions };
    topics.into_iter().map(answer).collect()
}

/// What was committed for a partition; where nothing was, that is no error.
fn partition(
    partition_index: i32,
    committed: Option<&CommittedOffset>,
) -> OffsetFetchPartitionResponse<'static> {
    let Some(committed) = committed else {
        return OffsetFetchPartitionResponse {
            partition_index,
            committed_offset: -1,
            metadata: Some(Cow::Borrowed("")),
            ..OffsetFetchPartitionResponse::default()
        };
    };
    OffsetFetchPartitionResponse {
        partition_index,
        committed_offset: committed.offset,
        committed_leader_epoch: committed.leader_epoch,
        metadata: committed.metadata.clone().map(Cow::Owned),
        error_code: 0,
    }
}
