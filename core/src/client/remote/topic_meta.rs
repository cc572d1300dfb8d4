//! What is known of a topic: its ID and who leads its partitions.

use std::sync::Arc;

use super::answer;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::kafka::Uuid;
use crate::wire::kafka::metadata::MetadataTopic;

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicMeta {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// Its ID; zero from a broker that knows none.
    pub(crate) id: Uuid,
    /// The leader of each partition, `None` while it has none.
    pub(crate) partitions: Vec<Option<i32>>,
}

impl TopicMeta {
    /// Reads what a broker answered about `name`.
    pub(super) fn from_answer(name: &str, topic: &MetadataTopic<'_>) -> Result<Self> {
        answer::check(topic.error_code, None, format!("asking about topic {name}"))?;
        let mut partitions = vec![None; topic.partitions.len()];
        for partition in &topic.partitions {
            let place = usize::try_from(partition.partition_index).ok();
            let Some(place) = place.and_then(|index| partitions.get_mut(index)) else {
                return Err(Error::new(
                    ErrorKind::Network,
                    format!("the broker left out partitions of topic {name}"),
                ));
            };
            *place = (partition.leader_id >= 0).then_some(partition.leader_id);
        }
        Ok(Self { name: name.into(), id: topic.topic_id, partitions })
    }
}

/// Whether a topic's error goes away by itself.
pub(super) fn retry_topic(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotLeader | ErrorKind::Timeout)
}

pub(super) fn unknown(name: &str) -> Error {
    Error::new(ErrorKind::UnknownTopicOrPartition, format!("the broker knows no topic {name}"))
}
