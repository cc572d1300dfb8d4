//! Sending records.

use std::sync::{Arc, Mutex};

use rdkafka::ClientContext;
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use serde_json::json;

use crate::Outcome;
use crate::request::{Record, Request, decode};

/// The place of each record, once it is known; the opaque value of a delivery is its index.
type Places = Arc<Mutex<Vec<Option<(i32, i64)>>>>;

/// Sends the records; answers with their places in the order they were given.
pub(crate) fn produce(request: &Request) -> Outcome {
    let places = Arc::new(Mutex::new(vec![None; request.records.len()]));
    let mut config = request.config();
    config
        .set("acks", &request.acks)
        .set("compression.type", &request.codec)
        .set("enable.idempotence", request.idempotent.to_string())
        .set("message.max.bytes", "2000000")
        .set("linger.ms", "20");
    let producer: ThreadedProducer<Reports> =
        config.create_with_context(Reports(Arc::clone(&places)))?;
    for (index, record) in request.records.iter().enumerate() {
        send(&producer, &request.topic, record, index)?;
    }
    producer.flush(request.timeout())?;
    let places = places.lock().expect("no holder panics");
    let known: Option<Vec<_>> = places.iter().copied().collect();
    Ok(json!(known.ok_or("not all records were delivered")?))
}

fn send(
    producer: &ThreadedProducer<Reports>,
    topic: &str,
    record: &Record,
    index: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let (key, value) = (decode(record.key.as_ref()), decode(record.value.as_ref()));
    let mut message: BaseRecord<'_, [u8], [u8], usize> = BaseRecord::with_opaque_to(topic, index);
    message.key = key.as_deref();
    message.payload = value.as_deref();
    message.partition = record.partition;
    message.timestamp = record.timestamp;
    if !record.headers.is_empty() {
        let headers = record.headers.iter().fold(OwnedHeaders::new(), |all, (name, value)| {
            let value = decode(value.as_ref());
            all.insert(Header { key: name, value: value.as_deref() })
        });
        message = message.headers(headers);
    }
    producer.send(message).map_err(|(error, _)| error.into())
}

/// Notes where each record went.
struct Reports(Places);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        if let Ok(message) = result {
            let mut places = self.0.lock().expect("no holder panics");
            places[index] = Some((message.partition(), message.offset()));
        }
    }
}
