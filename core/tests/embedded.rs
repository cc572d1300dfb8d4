//! A broker that is opened by settings, as a program or a binding opens it.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::time::Duration;

use minka::client::{Admin, AdminConfig, Message, Producer, ProducerConfig, Target};
use minka::engine::Hooks;
use minka::{Embedded, ErrorKind, Result};

const PATIENCE: Duration = Duration::from_secs(30);

fn open(settings: &[(&str, &str)]) -> Result<Embedded> {
    Embedded::open(settings, Hooks::default())
}

/// Sends one record and returns its offset.
fn send(target: impl Into<Target>) -> Option<u64> {
    let producer = Producer::open(target, ProducerConfig::default()).unwrap();
    let delivery = producer.send(Message::new("orders", b"one")).unwrap();
    let offset = delivery.wait(PATIENCE).unwrap().offset;
    producer.close(PATIENCE).unwrap();
    offset
}

#[test]
fn in_memory_there_is_one_broker_behind_both_doors_and_nothing_after_it() {
    for _ in 0..2 {
        let embedded = open(&[("kafka", "127.0.0.1:0"), ("num.partitions", "3")]).unwrap();
        let address = embedded.bootstrap_servers().unwrap();
        let admin = Admin::open(&*address, AdminConfig::default()).unwrap();
        assert_eq!(admin.topics().unwrap().len(), 0);
        send(embedded.broker());
        send(&*address);
        let topic = admin.describe_topic("orders").unwrap();
        assert_eq!(topic.partitions.len(), 3);
        let records: u64 = topic.partitions.iter().map(|partition| partition.end).sum();
        assert_eq!(records, 2);
        embedded.close().unwrap();
        embedded.close().unwrap();
        assert_eq!(embedded.bootstrap_servers(), None);
        assert_eq!(embedded.listen("127.0.0.1:0").unwrap_err().kind(), ErrorKind::Closed);
    }
}

#[test]
fn a_data_directory_outlives_the_broker_and_has_one_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("new").to_str().unwrap().to_owned();
    for offset in 0..3 {
        let embedded = open(&[("data", &data), ("log-level", "warn")]).unwrap();
        assert_eq!(send(embedded.broker()), Some(offset));
        let error = open(&[("data", &data)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DirectoryLocked);
        embedded.close().unwrap();
    }
    let log = std::fs::read_to_string(directory.path().join("new/broker.log")).unwrap();
    assert_eq!(log, "", "nothing to warn of");
    drop(open(&[("data", &data)]).unwrap());
    let log = std::fs::read_to_string(directory.path().join("new/broker.log")).unwrap();
    assert!(log.contains(&format!("starts: data={data} log-level=info")), "{log}");
}

#[test]
fn the_kafka_door_is_opened_once_and_later_if_need_be() {
    let embedded = open(&[("advertise", "localhost:0")]).unwrap();
    assert_eq!(embedded.bootstrap_servers(), None);
    for address in ["9092", "127.0.0.1:http"] {
        let error = embedded.listen(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    }
    let address = embedded.listen("127.0.0.1:0").unwrap();
    let told = embedded.bootstrap_servers().unwrap();
    assert_eq!(told, format!("localhost:{}", address.port()));
    assert_eq!(send(told), Some(0));
    let error = embedded.listen("127.0.0.1:0").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[test]
fn what_cannot_be_says_which_setting_it_is_and_leaves_nothing() {
    for (settings, says) in [
        (&[("num.partitons", "3")][..], "did you mean num.partitions?"),
        (&[("num.partitions", "none")], "num.partitions: \"none\" is not a whole number from 1"),
        (&[("group.consumer.session.timeout.ms", "1")], "group.consumer.heartbeat.interval.ms"),
        (&[("kafka", "0.0.0.0:0")], "advertise"),
    ] {
        let error = open(settings).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let error = open(&[("kafka", "192.0.2.1:1")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
}
