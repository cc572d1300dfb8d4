//! Sends a record and reads it back: on a broker in this process, or on the one whose address is
//! the first argument.

use std::time::Duration;

use minka::Embedded;
use minka::client::{Consumer, ConsumerConfig, Message, Producer, ProducerConfig, StartAt, Target};
use minka::engine::Hooks;

const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> minka::Result<()> {
    // Without a data directory everything is in memory.
    let broker = Embedded::open(&[], Hooks::default())?;
    let address = std::env::args().nth(1);
    let target = address.map_or_else(|| Target::from(broker.broker()), Target::from);

    let producer = Producer::open(target.clone(), ProducerConfig::default())?;
    let message = Message::new("greetings", b"hello from rust").with_key(b"rust");
    let receipt = producer.send(message)?.wait(PATIENCE)?;
    let offset = receipt.offset.unwrap_or_default();
    println!("sent: {}/{}@{offset}", receipt.topic, receipt.partition);

    let mut consumer = Consumer::open(target, ConsumerConfig::default())?;
    consumer.assign(&[("greetings", receipt.partition, StartAt::Offset(offset))])?;
    for record in consumer.poll(PATIENCE)?.iter().take(1) {
        println!("received: {}", String::from_utf8_lossy(record.value.unwrap_or_default()));
    }

    consumer.close()?;
    producer.close(PATIENCE)?;
    broker.close()
}
