//! What the tests of an embedded broker share: opening it, sending, and taking records.

#![allow(dead_code, reason = "each test uses a part")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use minka::client::{
    Admin, AdminConfig, Consumer, ConsumerConfig, Message, Producer, ProducerConfig, Target,
};
use minka::engine::Hooks;
use minka::{Broker, Embedded, Error, ErrorKind, Result};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn open(settings: &[(&str, &str)]) -> Embedded {
    let mut all = vec![("kafka", "127.0.0.1:0")];
    all.extend(settings);
    Embedded::open(&all, Hooks::default()).unwrap()
}

/// The broker in this process, and behind its address.
pub(crate) fn targets(embedded: &Embedded) -> [Target; 2] {
    [embedded.broker().into(), embedded.bootstrap_servers().unwrap().into()]
}

/// A topic for each door, named after what it is for.
pub(crate) fn topic_for(target: &Target, name: &str) -> String {
    match target {
        Target::Broker(_) => format!("{name}.in-process"),
        Target::Address(_) => format!("{name}.socket"),
    }
}

pub(crate) fn admin(target: &Target) -> Admin {
    Admin::open(target.clone(), AdminConfig::default()).unwrap()
}

pub(crate) fn producer(target: &Target, settings: &[(&str, &str)]) -> Producer {
    let mut config = ProducerConfig::default();
    for (name, value) in settings {
        config.set(name, value).unwrap();
    }
    Producer::open(target.clone(), config).unwrap()
}

/// Sends a record for each value and waits for all acknowledgements.
pub(crate) fn send(target: &Target, topic: &str, values: &[&str]) {
    let producer = producer(target, &[]);
    for value in values {
        send_one(&producer, topic, value).unwrap();
    }
    producer.close(PATIENCE).unwrap();
}

pub(crate) fn send_one(producer: &Producer, topic: &str, value: &str) -> Result<u64> {
    let delivery = producer.send(Message::new(topic, value.as_bytes()))?;
    delivery.wait(PATIENCE).map(|receipt| receipt.offset.unwrap())
}

pub(crate) fn consumer(target: &Target, topic: &str, settings: &[(&str, &str)]) -> Consumer {
    let mut config = ConsumerConfig::default();
    for (name, value) in settings {
        config.set(name, value).unwrap();
    }
    let mut consumer = Consumer::open(target.clone(), config).unwrap();
    consumer.subscribe(&[topic]).unwrap();
    consumer
}

/// Polls until so many values have come.
pub(crate) fn take(consumer: &mut Consumer, count: usize) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    let mut values = Vec::new();
    while values.len() < count {
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "only {values:?} of {count} have come");
        let records = consumer.poll(left).unwrap();
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        values.extend(records.iter().map(|record| text(record.value.unwrap())));
    }
    values
}

/// All values of a topic, by partition and offset.
pub(crate) fn values(broker: &Arc<Broker>, topic: &str) -> Vec<String> {
    let partitions = broker.topic(topic).map_or(Vec::new(), |live| live.partitions.clone());
    let mut consumer = Consumer::open(broker, ConsumerConfig::default()).unwrap();
    let places: Vec<_> = (0..partitions.len() as u32)
        .map(|index| (topic, index, minka::client::StartAt::Earliest))
        .collect();
    consumer.assign(&places).unwrap();
    let count = |partition: &Arc<minka::engine::Partition>| {
        partition.high_watermark() - partition.log_start()
    };
    let count: u64 = partitions.iter().map(count).sum();
    take(&mut consumer, count as usize)
}

/// Calls `done` until it is true, between which others get on.
pub(crate) fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "not {what} after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.as_ref().map_err(Error::kind).unwrap_err()
}
