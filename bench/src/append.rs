//! Whole batches appended in this process, against `pwrite` of the same bytes.

use std::fs::File;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use minka::engine::{Acks, Config};

use crate::Outcome;
use crate::batches;
use crate::cpu::Stopwatch;
use crate::engine;
use crate::options::Options;
use crate::row::{Goal, Row, Unit};
use crate::turns;

const BATCH_BYTES: usize = 64 << 10;
const VALUE_BYTES: usize = 1 << 10;
/// 128 MiB a turn: what is still only in memory when its file goes away costs the disk nothing.
const BATCHES: usize = 2048;
/// Turns are short: many of them say more than few.
const SHORT_TURNS: usize = 3;

pub(crate) fn measure(options: &Options) -> Outcome<Vec<Row>> {
    let batch = batches::batch_of_bytes(BATCH_BYTES, VALUE_BYTES)?;
    let count = options.amount(BATCHES);
    let one_segment = Config { segment_bytes: 2 << 30, ..Config::default() };
    let mut rows = Vec::new();
    for (config, goal, more) in
        [(Config::default(), Goal::Share(0.8), ""), (one_segment, Goal::None, ", one segment")]
    {
        let [clock, cpu] = turns::take(
            options.turns() * SHORT_TURNS,
            || minka(options, &config, &batch, count),
            || pwrite(options, &batch, count),
        )?;
        let name = format!("append 64 KiB of 1 KiB, acks=1{more}");
        let by_cpu = format!("{name}, by CPU");
        rows.push(Row::new(name, Unit::BytesPerSecond, clock, goal));
        rows.push(Row::new(by_cpu, Unit::BytesPerSecond, cpu, Goal::None));
    }
    Ok(rows)
}

fn minka(options: &Options, config: &Config, batch: &Bytes, count: usize) -> Outcome<[f64; 2]> {
    let directory = options.scratch()?;
    let broker = engine::open_with(directory.path(), config.clone())?;
    let topic = engine::create(&broker, "append", 1)?;
    let watch = Stopwatch::start()?;
    for _ in 0..count {
        broker.produce(engine::to(&topic, 0, batch.clone(), Acks::Written))?;
    }
    let speed = speed(&watch, batch.len() * count)?;
    broker.close()?;
    Ok(speed)
}

fn pwrite(options: &Options, batch: &Bytes, count: usize) -> Outcome<[f64; 2]> {
    let directory = options.scratch()?;
    let file = File::create(directory.path().join("log"))?;
    let watch = Stopwatch::start()?;
    for at in 0..count {
        file.write_all_at(batch, (at * batch.len()) as u64)?;
    }
    let speed = speed(&watch, batch.len() * count)?;
    Ok(speed)
}

/// Bytes in a second of clock, and of processor.
fn speed(watch: &Stopwatch, bytes: usize) -> Outcome<[f64; 2]> {
    let (clock, cpu) = watch.seconds()?;
    Ok([bytes as f64 / clock, bytes as f64 / cpu])
}
