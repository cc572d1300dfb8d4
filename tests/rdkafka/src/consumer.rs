//! Reading without a group, and looking up offsets.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::Outcome;
use crate::request::{Request, received};

/// Reads `count` records from the given starts.
pub(crate) fn consume(request: &Request) -> Outcome {
    let mut config = request.consumer_config();
    config.set("fetch.wait.max.ms", request.max_wait_ms.to_string());
    let consumer: BaseConsumer = config.create()?;
    let mut places = TopicPartitionList::new();
    for (&partition, start) in &request.starts {
        let offset = start.map_or(Offset::Beginning, Offset::Offset);
        places.add_partition_offset(&request.topic, partition, offset)?;
    }
    consumer.assign(&places)?;
    let deadline = Instant::now() + request.timeout();
    let mut records: Vec<Value> = Vec::new();
    while records.len() < request.count {
        if Instant::now() > deadline {
            return Err(format!("only {} records in time", records.len()).into());
        }
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            records.push(received(&message?));
        }
    }
    Ok(json!(records))
}

/// The first offset whose timestamp is at or after the given one; null if there is none.
pub(crate) fn offset_for_time(request: &Request) -> Outcome {
    let consumer: BaseConsumer = request.consumer_config().create()?;
    let mut asked = TopicPartitionList::new();
    let timestamp = Offset::Offset(request.timestamp);
    asked.add_partition_offset(&request.topic, request.partition, timestamp)?;
    let found = consumer.offsets_for_times(asked, request.timeout())?;
    Ok(json!(found.elements().first().and_then(|place| plain(place.offset()))))
}

/// The group's committed offsets.
pub(crate) fn committed(request: &Request) -> Outcome {
    let consumer: BaseConsumer = request.consumer_config().create()?;
    let mut asked = TopicPartitionList::new();
    for partition in 0..request.partitions {
        asked.add_partition(&request.topic, partition);
    }
    let found = consumer.committed_offsets(asked, request.timeout())?;
    let known = found.elements();
    let offsets = known.iter().filter_map(|place| {
        plain(place.offset()).map(|offset| (place.partition().to_string(), json!(offset)))
    });
    Ok(Value::Object(offsets.collect()))
}

/// What the client says of a topic that does not exist and must not be created.
pub(crate) fn unknown_topic(request: &Request) -> Outcome {
    let mut config = request.consumer_config();
    // The second setting is how long librdkafka hopes that a missing topic is only new.
    config.set("allow.auto.create.topics", "false").set("topic.metadata.propagation.max.ms", "500");
    let consumer: BaseConsumer = config.create()?;
    let mut places = TopicPartitionList::new();
    places.add_partition(&request.topic, 0);
    consumer.assign(&places)?;
    let deadline = Instant::now() + request.timeout();
    while Instant::now() < deadline {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Err(KafkaError::MessageConsumption(code))) => {
                let name = format!("{code:?}");
                let unknown = name.contains("UnknownTopicOrPartition");
                return Ok(json!(if unknown { "UNKNOWN_TOPIC_OR_PART" } else { &name }));
            }
            Some(other) => return Err(format!("not an unknown topic: {other:?}").into()),
            None => {}
        }
    }
    Err("the client said nothing of the unknown topic".into())
}

/// An offset that is a number, and not one of the marks for "none".
fn plain(offset: Offset) -> Option<i64> {
    match offset {
        Offset::Offset(offset) if offset >= 0 => Some(offset),
        _ => None,
    }
}
