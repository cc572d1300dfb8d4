//! Records stay in the log: they can be read again, from the start, an offset or a time.

use std::time::Duration;

use minka::client::{
    Admin, AdminConfig, Consumer, ConsumerConfig, Message, NewTopic, Producer, ProducerConfig,
    StartAt, Target,
};
use minka::engine::Hooks;
use minka::{Embedded, ErrorKind};

const PATIENCE: Duration = Duration::from_secs(10);
/// When the first was taken, in ms since 1970; each one after it is a minute later.
const TIME: i64 = 1_700_000_000_000;
const TOPIC: &str = "temperatures";

fn main() -> minka::Result<()> {
    let broker = Embedded::open(&[], Hooks::default())?;
    let address = std::env::args().nth(1);
    let target = address.map_or_else(|| Target::from(broker.broker()), Target::from);

    let admin = Admin::open(target.clone(), AdminConfig::default())?;
    match admin.delete_topic(TOPIC) {
        Err(error) if error.kind() != ErrorKind::UnknownTopicOrPartition => return Err(error),
        _ => {}
    }
    admin.create_topic(&NewTopic::new(TOPIC).with_partitions(1))?;

    let producer = Producer::open(target.clone(), ProducerConfig::default())?;
    for (minute, degrees) in (0..).zip(["20", "21", "22", "23", "24"]) {
        let message = Message::new(TOPIC, degrees.as_bytes()).with_partition(0);
        producer.send(message.with_timestamp(TIME + 60_000 * minute))?.wait(PATIENCE)?;
    }

    let mut consumer = Consumer::open(target, ConsumerConfig::default())?;
    consumer.assign(&[(TOPIC, 0, StartAt::Earliest)])?;
    println!("from the start: {}", read_to_the_end(&mut consumer)?);
    consumer.seek(TOPIC, 0, StartAt::Offset(3))?;
    println!("from offset 3: {}", read_to_the_end(&mut consumer)?);
    let time = TIME + 120_000;
    consumer.seek(TOPIC, 0, StartAt::Time(time))?;
    println!("from time {time}: {}", read_to_the_end(&mut consumer)?);

    consumer.close()?;
    producer.close(PATIENCE)?;
    broker.close()
}

/// The values from where the consumer is to the last of the five records.
fn read_to_the_end(consumer: &mut Consumer) -> minka::Result<String> {
    let mut values = Vec::new();
    loop {
        for record in &consumer.poll(PATIENCE)? {
            values.push(String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned());
        }
        if consumer.position(TOPIC, 0)? == Some(5) {
            return Ok(values.join(" "));
        }
    }
}
