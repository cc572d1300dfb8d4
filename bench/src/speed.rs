//! How fast Rust is with minka: what the programs in `bench/bindings` do in their languages.

use std::time::{Duration, Instant};

use minka::Embedded;
use minka::client::{Consumer, ConsumerConfig, Message, Producer, ProducerConfig, StartAt};
use minka::engine::Hooks;

use crate::Outcome;

const VALUE: [u8; 100] = [b'm'; 100];
/// So many are sent, and then waited for.
const BATCH: usize = 100_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// Prints the seconds of sending so many records to a broker in memory and of reading them.
pub(crate) fn run(records: usize) -> Outcome<()> {
    let embedded = Embedded::open(&[], Hooks::default())?;
    let produced = produce(&embedded, records)?;
    let consumed = consume(&embedded, records)?;
    println!("produced={produced} consumed={consumed}");
    Ok(embedded.close()?)
}

fn produce(embedded: &Embedded, records: usize) -> Outcome<f64> {
    let producer = Producer::open(embedded.broker(), ProducerConfig::default())?;
    let message = Message::new("speed", &VALUE);
    producer.send(message)?.wait(PATIENCE)?;
    let batch = records.min(BATCH);
    let mut deliveries = Vec::with_capacity(batch);
    let since = Instant::now();
    for _ in 0..records / batch {
        for _ in 0..batch {
            deliveries.push(producer.send(message)?);
        }
        for delivery in deliveries.drain(..) {
            delivery.wait(PATIENCE)?;
        }
    }
    Ok(since.elapsed().as_secs_f64())
}

fn consume(embedded: &Embedded, records: usize) -> Outcome<f64> {
    let config = ConsumerConfig { records_max: 10_000, ..ConsumerConfig::default() };
    let mut consumer = Consumer::open(embedded.broker(), config)?;
    let since = Instant::now();
    consumer.assign(&[("speed", 0, StartAt::Earliest)])?;
    let (mut count, mut size) = (0, 0);
    while count < records {
        for record in &consumer.poll(PATIENCE)? {
            count += 1;
            size += record.value.map_or(0, <[u8]>::len);
        }
    }
    let seconds = since.elapsed().as_secs_f64();
    if size < records * VALUE.len() {
        return Err(format!("only {size} bytes came").into());
    }
    Ok(seconds)
}
