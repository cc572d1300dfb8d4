//! CreateTopics.

use std::borrow::Cow;
use std::collections::HashMap;

use super::configs::source;
use super::{Call, code};
use crate::engine::NewTopic;
use crate::error::{Error, ErrorKind, Result};
use crate::state::setting::ConfigEntry;
use crate::state::topic::Topic;
use crate::state::topic_config::TopicConfig;
use crate::wire::kafka::Uuid;
use crate::wire::kafka::create_topics::{
    CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest,
    CreateTopicsResponse,
};

/// How many topics one request may create; Kafka has the same limit.
const TOPICS_MAX: usize = 10_000;

/// Creates topics, all with one sync.
pub(super) fn answer<'a>(
    call: &Call<'_>,
    request: &CreateTopicsRequest<'a>,
) -> CreateTopicsResponse<'a> {
    let mut times: HashMap<&str, u32> = HashMap::new();
    for asked in &request.topics {
        *times.entry(asked.name).or_default() += 1;
    }
    let planned: Vec<Result<NewTopic>> = request
        .topics
        .iter()
        .map(|asked| {
            if times.get(asked.name).is_some_and(|times| *times > 1) {
                return Err(invalid("the request names this topic more than once"));
            }
            if request.topics.len() > TOPICS_MAX {
                return Err(invalid("a request may create 10000 topics, not more"));
            }
            plan(asked, call.door.lenient_replication)
        })
        .collect();
    let new: Vec<NewTopic> = planned.iter().flatten().cloned().collect();
    let mut created = call.broker.create_topics(&new, request.validate_only).into_iter();
    let result = |(asked, planned): (&CreatableTopic<'a>, Result<NewTopic>)| {
        let created = planned.and_then(|_| {
            let missing = || Err(Error::new(ErrorKind::Internal, "a topic got no result"));
            created.next().unwrap_or_else(missing)
        });
        match created {
            Ok(topic) => good(asked.name, &topic, request.validate_only),
            Err(error) => CreatableTopicResult {
                name: Cow::Borrowed(asked.name),
                error_code: code(&error),
                error_message: Some(Cow::Owned(error.to_string())),
                ..CreatableTopicResult::default()
            },
        }
    };
    CreateTopicsResponse {
        topics: request.topics.iter().zip(planned).map(result).collect(),
        ..CreateTopicsResponse::default()
    }
}

fn plan(asked: &CreatableTopic<'_>, lenient_replication: bool) -> Result<NewTopic> {
    let partitions = if asked.assignments.is_empty() {
        check_replication(asked.replication_factor, lenient_replication)?;
        match asked.num_partitions {
            -1 => None,
            count => Some(u32::try_from(count).unwrap_or(0)),
        }
    } else {
        Some(assigned(asked, lenient_replication)?)
    };
    let given = asked.configs.iter();
    let values = given.filter_map(|config| Some((config.name, config.value?)));
    Ok(NewTopic { name: asked.name.to_owned(), partitions, config: TopicConfig::parse(values)? })
}

/// Whether a topic may be asked for with so many replicas; -1 leaves it to the broker.
pub(super) fn check_replication(factor: i16, lenient: bool) -> Result<()> {
    if matches!(factor, -1 | 1) || (lenient && factor > 1) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidReplicationFactor,
        format!("the replication factor is {factor}, but there is one broker: ask for 1"),
    ))
}

/// How many partitions a client assigns to brokers itself.
fn assigned(asked: &CreatableTopic<'_>, lenient: bool) -> Result<u32> {
    if asked.num_partitions != -1 || asked.replication_factor != -1 {
        return Err(invalid(
            "where partitions are assigned to brokers, their number and the replication factor \
             must be -1",
        ));
    }
    let mut indexes: Vec<i32> = Vec::new();
    for assignment in &asked.assignments {
        let factor = i16::try_from(assignment.broker_ids.len()).unwrap_or(i16::MAX);
        check_replication(factor, lenient)?;
        indexes.push(assignment.partition_index);
    }
    indexes.sort_unstable();
    if !(0..).zip(&indexes).all(|(expected, index)| expected == *index) {
        return Err(invalid("the partitions that are assigned must be numbered from 0"));
    }
    Ok(u32::try_from(indexes.len()).unwrap_or(u32::MAX))
}

fn good<'a>(name: &'a str, topic: &Topic, validate_only: bool) -> CreatableTopicResult<'a> {
    let config = |entry: ConfigEntry<'_>| CreatableTopicConfigs {
        name: Cow::Borrowed(entry.name),
        value: Some(Cow::Owned(entry.value.to_owned())),
        config_source: source(&entry),
        ..CreatableTopicConfigs::default()
    };
    CreatableTopicResult {
        name: Cow::Borrowed(name),
        // A topic that was not created has no ID.
        topic_id: if validate_only { Uuid::ZERO } else { Uuid(topic.id) },
        num_partitions: i32::try_from(topic.partition_count()).unwrap_or(i32::MAX),
        replication_factor: 1,
        configs: Some(topic.config.entries().map(config).collect()),
        ..CreatableTopicResult::default()
    }
}

fn invalid(text: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, text)
}
