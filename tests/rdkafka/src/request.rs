//! Requests and records as they stand in the JSON lines.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rdkafka::ClientConfig;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use serde::Deserialize;
use serde_json::{Value, json};

/// One request; each operation uses some of the fields.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Request {
    pub(crate) op: String,
    pub(crate) servers: String,
    pub(crate) timeout: f64,
    pub(crate) topic: String,
    pub(crate) group: String,
    pub(crate) acks: String,
    pub(crate) codec: String,
    pub(crate) idempotent: bool,
    pub(crate) records: Vec<Record>,
    /// First offset to read by partition; `None` is the beginning.
    pub(crate) starts: BTreeMap<i32, Option<i64>>,
    pub(crate) count: usize,
    pub(crate) max_wait_ms: u32,
    pub(crate) partitions: i32,
    pub(crate) partition: i32,
    pub(crate) timestamp: i64,
}

/// A record to be sent; bytes are base64.
#[derive(Debug, Deserialize)]
pub(crate) struct Record {
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) headers: Vec<(String, Option<String>)>,
    pub(crate) partition: Option<i32>,
    pub(crate) timestamp: Option<i64>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            op: String::new(),
            servers: String::new(),
            timeout: 30.0,
            topic: String::new(),
            group: "none".to_owned(),
            acks: "all".to_owned(),
            codec: "none".to_owned(),
            idempotent: false,
            records: Vec::new(),
            starts: BTreeMap::new(),
            count: 0,
            max_wait_ms: 500,
            partitions: 1,
            partition: 0,
            timestamp: 0,
        }
    }
}

impl Request {
    /// How long the operation may take.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs_f64(self.timeout)
    }

    /// The settings that every client starts from.
    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.servers);
        config
    }

    /// The settings of a consumer that commits nothing by itself.
    pub(crate) fn consumer_config(&self) -> ClientConfig {
        let mut config = self.config();
        config
            .set("group.id", &self.group)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest");
        config
    }
}

/// Bytes from what JSON holds.
pub(crate) fn decode(text: Option<&String>) -> Option<Vec<u8>> {
    text.map(|text| STANDARD.decode(text).expect("tests write valid base64"))
}

/// A record that a consumer got, in the form the tests read.
pub(crate) fn received(message: &BorrowedMessage<'_>) -> Value {
    let headers: Vec<Value> = message
        .headers()
        .map(|headers| headers.iter().map(|h| json!([h.key, encode(h.value)])).collect())
        .unwrap_or_default();
    json!({
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": message.timestamp().to_millis().unwrap_or(-1),
        "key": encode(message.key()),
        "value": encode(message.payload()),
        "headers": headers,
    })
}

fn encode(data: Option<&[u8]>) -> Option<String> {
    data.map(|data| STANDARD.encode(data))
}
