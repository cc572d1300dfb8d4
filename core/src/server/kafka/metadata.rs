//! Metadata: the one broker, and the topics.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Call, NODE_ID, code, leader_epoch};
use crate::engine::{LiveTopic, NewTopic};
use crate::error::{Error, ErrorKind};
use crate::state::topic::check_name;
use crate::state::topic_config::TopicConfig;
use crate::wire::kafka::metadata::{
    MetadataBroker, MetadataPartition, MetadataRequest, MetadataRequestTopic, MetadataResponse,
    MetadataTopic,
};
use crate::wire::kafka::{ErrorCode, Uuid};

/// Says where everything is, and creates topics where the client and the broker allow it.
pub(super) fn answer<'a>(
    call: &'a Call<'_>,
    request: &MetadataRequest<'a>,
) -> MetadataResponse<'a> {
    let topics = if request.asks_for_all(call.version) {
        call.broker.topics().iter().map(|live| known(call, live)).collect()
    } else {
        named(call, request)
    };
    MetadataResponse {
        brokers: vec![MetadataBroker {
            node_id: NODE_ID,
            host: Cow::Borrowed(&call.door.host),
            port: i32::from(call.door.port),
            rack: None,
        }],
        cluster_id: Some(Cow::Borrowed(&call.door.cluster_id)),
        controller_id: NODE_ID,
        topics,
        ..MetadataResponse::default()
    }
}

fn named<'a>(call: &Call<'_>, request: &MetadataRequest<'a>) -> Vec<MetadataTopic<'a>> {
    let asked = request.topics.as_deref().unwrap_or_default();
    if request.allow_auto_topic_creation && call.broker.config().auto_create_topics {
        create(call, asked);
    }
    let mut seen = BTreeSet::new();
    let first = |topic: &&MetadataRequestTopic<'a>| seen.insert((topic.name, topic.topic_id));
    asked.iter().filter(first).map(|topic| one(call, topic)).collect()
}

/// Creates those that do not exist, with one sync.
fn create(call: &Call<'_>, asked: &[MetadataRequestTopic<'_>]) {
    let missing: BTreeSet<&str> = asked
        .iter()
        .filter_map(|topic| topic.name)
        .filter(|name| check_name(name).is_ok() && call.broker.topic(name).is_none())
        .collect();
    if missing.is_empty() {
        return;
    }
    let new = |name: &str| NewTopic {
        name: name.to_owned(),
        partitions: None,
        config: TopicConfig::default(),
    };
    let new: Vec<NewTopic> = missing.into_iter().map(new).collect();
    // Whatever fails here shows as a topic that does not exist, and the client asks again.
    call.broker.create_topics(&new, false);
}

fn one<'a>(call: &Call<'_>, asked: &MetadataRequestTopic<'a>) -> MetadataTopic<'a> {
    let Some(name) = asked.name else {
        return match call.broker.topic_by_id(&asked.topic_id.0) {
            Some(live) => known(call, &live),
            None => MetadataTopic {
                error_code: ErrorCode::UnknownTopicId.code(),
                topic_id: asked.topic_id,
                ..MetadataTopic::default()
            },
        };
    };
    if let Some(live) = call.broker.topic(name) {
        return known(call, &live);
    }
    let unknown = Error::new(ErrorKind::UnknownTopicOrPartition, "there is no such topic");
    let error = check_name(name).err().unwrap_or(unknown);
    MetadataTopic {
        error_code: code(&error),
        name: Some(Cow::Borrowed(name)),
        ..MetadataTopic::default()
    }
}

fn known(call: &Call<'_>, live: &Arc<LiveTopic>) -> MetadataTopic<'static> {
    let leader_epoch = leader_epoch(call.broker);
    let partition = |partition_index| MetadataPartition {
        partition_index,
        leader_id: NODE_ID,
        leader_epoch,
        replica_nodes: vec![NODE_ID],
        isr_nodes: vec![NODE_ID],
        ..MetadataPartition::default()
    };
    MetadataTopic {
        name: Some(Cow::Owned(live.topic.name.clone())),
        topic_id: Uuid(live.topic.id),
        partitions: (0..).take(live.partitions.len()).map(partition).collect(),
        ..MetadataTopic::default()
    }
}
