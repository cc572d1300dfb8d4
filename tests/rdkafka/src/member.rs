//! A consumer in a group that commits only when told to.

use std::error::Error;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use serde_json::json;

use crate::request::{Request, received};
use crate::say;

/// Reports records and changes of assignment until told to leave; commits when told to.
pub(crate) fn run(request: &Request, requests: &Receiver<Request>) -> Result<(), Box<dyn Error>> {
    let mut config = request.consumer_config();
    config.set("session.timeout.ms", "6000").set("heartbeat.interval.ms", "300");
    let consumer: BaseConsumer = config.create()?;
    consumer.subscribe(&[&request.topic])?;
    let mut known: Option<Vec<i32>> = None;
    loop {
        for _ in 0..100 {
            let Some(message) = consumer.poll(Duration::from_millis(20)) else {
                break;
            };
            say(&json!({ "record": received(&message?) }));
        }
        let now = assignment(&consumer)?;
        if known.as_ref() != Some(&now) {
            say(&json!({ "assigned": now }));
            known = Some(now);
        }
        match requests.try_recv() {
            Ok(asked) if asked.op == "commit" => {
                commit(&consumer)?;
                say(&json!({ "committed": true }));
            }
            Ok(_) | Err(TryRecvError::Disconnected) => {
                drop(consumer);
                say(&json!({ "left": true }));
                return Ok(());
            }
            Err(TryRecvError::Empty) => {}
        }
    }
}

fn assignment(consumer: &BaseConsumer) -> Result<Vec<i32>, Box<dyn Error>> {
    let places = consumer.assignment()?;
    let mut partitions: Vec<i32> = places.elements().iter().map(|p| p.partition()).collect();
    partitions.sort_unstable();
    Ok(partitions)
}

/// Commits the position of every partition that has one.
fn commit(consumer: &BaseConsumer) -> Result<(), Box<dyn Error>> {
    let positions = consumer.position()?;
    let mut places = rdkafka::TopicPartitionList::new();
    for place in positions.elements() {
        if matches!(place.offset(), Offset::Offset(_)) {
            places.add_partition_offset(place.topic(), place.partition(), place.offset())?;
        }
    }
    if places.count() > 0 {
        consumer.commit(&places, CommitMode::Sync)?;
    }
    Ok(())
}
