//! A broker in this process, and its topics.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use minka::engine::{Acks, Broker, Config, LiveTopic, NewTopic, Produce};
use minka::state::topic_config::TopicConfig;
use minka::sys::event_log::EventLog;

use crate::Outcome;

/// A broker with the default settings.
pub(crate) fn open(directory: &Path) -> Outcome<Broker> {
    open_with(directory, Config::default())
}

/// A broker with these settings.
pub(crate) fn open_with(directory: &Path, config: Config) -> Outcome<Broker> {
    Ok(Broker::open(directory, config, Arc::new(EventLog::none()))?)
}

/// A new topic.
pub(crate) fn create(broker: &Broker, name: &str, partitions: u32) -> Outcome<Arc<LiveTopic>> {
    let new = NewTopic {
        name: name.to_owned(),
        partitions: Some(partitions),
        config: TopicConfig::default(),
    };
    for created in broker.create_topics(&[new], false) {
        created?;
    }
    let topic = broker.topic(name);
    topic.ok_or_else(|| format!("topic {name} is not there").into())
}

/// What appends `batch` to a partition of `topic`.
pub(crate) fn to(topic: &LiveTopic, partition: usize, batch: Bytes, acks: Acks) -> Produce<'_> {
    Produce { topic, partition: &topic.partitions[partition], batch, acks, zstd_allowed: true }
}
