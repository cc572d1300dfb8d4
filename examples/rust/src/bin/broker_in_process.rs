//! A broker inside this program: durable, and open to every Kafka client.

use std::path::Path;
use std::time::Duration;

use minka::Embedded;
use minka::client::{Consumer, ConsumerConfig, Group, Message, Producer, ProducerConfig, Target};
use minka::engine::Hooks;

const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> minka::Result<()> {
    let name = format!("minka-example-{}", std::process::id());
    let data = std::env::temp_dir().join(name);

    let broker = open(&data)?;
    // Without a socket, and through one: it is the same broker.
    send(broker.broker().into(), b"in process")?;
    send(broker.bootstrap_servers().unwrap_or_default().into(), b"over a socket")?;
    receive(&broker, 2)?;
    broker.close()?;

    // What was acknowledged is on the disk, and the group goes on behind what it has read.
    let broker = open(&data)?;
    send(broker.broker().into(), b"after a restart")?;
    receive(&broker, 1)?;
    broker.close()?;

    std::fs::remove_dir_all(&data).map_err(|error| minka::Error::storage("cleaning up", error))
}

fn open(data: &Path) -> minka::Result<Embedded> {
    let settings = [("data", &*data.to_string_lossy()), ("kafka", "127.0.0.1:0")];
    let broker = Embedded::open(&settings, Hooks::default())?;
    println!("ready: {}", broker.bootstrap_servers().unwrap_or_default());
    Ok(broker)
}

fn send(target: Target, value: &[u8]) -> minka::Result<()> {
    let producer = Producer::open(target, ProducerConfig::default())?;
    producer.send(Message::new("events", value))?.wait(PATIENCE)?;
    producer.close(PATIENCE)
}

/// Reads so many records as a member of the group `readers`. Closing commits them.
fn receive(broker: &Embedded, count: usize) -> minka::Result<()> {
    let group = Some(Group::Partitions("readers".to_owned()));
    let config = ConsumerConfig { group, ..ConsumerConfig::default() };
    let mut consumer = Consumer::open(broker.broker(), config)?;
    consumer.subscribe(&["events"])?;
    let mut received = 0;
    while received < count {
        for record in &consumer.poll(PATIENCE)? {
            println!("received: {}", String::from_utf8_lossy(record.value.unwrap_or_default()));
            received += 1;
        }
    }
    consumer.close()
}
