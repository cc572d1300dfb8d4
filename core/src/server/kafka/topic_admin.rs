//! DeleteTopics and CreatePartitions.

use std::borrow::Cow;

use super::create_topics::check_replication;
use super::{Call, code};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::PARTITIONS_PER_TOPIC_MAX;
use crate::wire::kafka::Uuid;
use crate::wire::kafka::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsResponse,
    CreatePartitionsTopic, CreatePartitionsTopicResult,
};
use crate::wire::kafka::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};

/// Since this version topics may be named by their IDs.
const IDS_FROM_VERSION: i16 = 6;

/// Deletes topics.
pub(super) fn delete<'a>(
    call: &Call<'_>,
    request: &DeleteTopicsRequest<'a>,
) -> DeleteTopicsResponse<'a> {
    let by_state = |asked: &DeleteTopicState<'a>| match asked.name {
        Some(name) => delete_one(call, name),
        None => delete_by_id(call, asked.topic_id),
    };
    let responses = if call.version >= IDS_FROM_VERSION {
        request.topics.iter().map(by_state).collect()
    } else {
        request.topic_names.iter().map(|name| delete_one(call, name)).collect()
    };
    DeleteTopicsResponse { responses, ..DeleteTopicsResponse::default() }
}

/// Gives topics more partitions.
pub(super) fn grow<'a>(
    call: &Call<'_>,
    request: &CreatePartitionsRequest<'a>,
) -> CreatePartitionsResponse<'a> {
    let grow = |asked: &CreatePartitionsTopic<'a>| {
        let error = grow_one(call, asked, request.validate_only).err();
        CreatePartitionsTopicResult {
            name: Cow::Borrowed(asked.name),
            error_code: error.as_ref().map_or(0, code),
            error_message: error.map(|error| Cow::Owned(error.to_string())),
        }
    };
    CreatePartitionsResponse {
        results: request.topics.iter().map(grow).collect(),
        ..CreatePartitionsResponse::default()
    }
}

fn delete_one<'a>(call: &Call<'_>, name: &'a str) -> DeletableTopicResult<'a> {
    let topic_id = call.broker.topic(name).map(|live| Uuid(live.topic.id));
    let error = call.broker.delete_topic(name).err();
    DeletableTopicResult {
        name: Some(Cow::Borrowed(name)),
        topic_id: topic_id.unwrap_or_default(),
        error_code: error.as_ref().map_or(0, code),
        error_message: error.map(|error| Cow::Owned(error.to_string())),
    }
}

fn delete_by_id(call: &Call<'_>, topic_id: Uuid) -> DeletableTopicResult<'static> {
    let live = call.broker.topic_by_id(&topic_id.0);
    let deleted = match &live {
        Some(live) => call.broker.delete_topic(&live.topic.name),
        None => {
            let text = format!("no topic has the ID {topic_id}");
            Err(Error::new(ErrorKind::UnknownTopicId, text))
        }
    };
    let error = deleted.err();
    DeletableTopicResult {
        name: live.map(|live| Cow::Owned(live.topic.name.clone())),
        topic_id,
        error_code: error.as_ref().map_or(0, code),
        error_message: error.map(|error| Cow::Owned(error.to_string())),
    }
}

fn grow_one(call: &Call<'_>, asked: &CreatePartitionsTopic<'_>, validate_only: bool) -> Result<()> {
    let count = u32::try_from(asked.count).unwrap_or(0);
    let live = call.broker.topic(asked.name).ok_or_else(|| {
        let text = format!("there is no topic {:?}", asked.name);
        Error::new(ErrorKind::UnknownTopicOrPartition, text)
    })?;
    let present = live.topic.partition_count();
    if count <= present || count > PARTITIONS_PER_TOPIC_MAX {
        return Err(Error::new(
            ErrorKind::InvalidPartitions,
            format!(
                "topic {} has {present} partitions and cannot be given {count}: it may have up to \
                 {PARTITIONS_PER_TOPIC_MAX}, and not fewer than before",
                asked.name
            ),
        ));
    }
    if let Some(assignments) = &asked.assignments {
        check_assignments(call, assignments, count - present)?;
    }
    if validate_only {
        return Ok(());
    }
    call.broker.add_partitions(asked.name, count)
}

/// A client that assigns partitions to brokers itself must do so for each new one.
fn check_assignments(
    call: &Call<'_>,
    assignments: &[CreatePartitionsAssignment],
    new: u32,
) -> Result<()> {
    if u32::try_from(assignments.len()).ok() != Some(new) {
        return Err(Error::new(
            ErrorKind::InvalidReplicaAssignment,
            format!(
                "{new} new partitions are asked for, but {} are assigned to brokers: assign each \
                 new one, or none",
                assignments.len()
            ),
        ));
    }
    assignments.iter().try_for_each(|assignment| {
        let factor = i16::try_from(assignment.broker_ids.len()).unwrap_or(i16::MAX);
        check_replication(factor, call.door.lenient_replication)
    })
}
