//! From nothing to a record that is on the disk, against the bare calls that it takes.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use minka::engine::Acks;

use crate::Outcome;
use crate::batches;
use crate::cpu::Stopwatch;
use crate::engine;
use crate::options::Options;
use crate::row::{Goal, Row, Unit};
use crate::turns;

pub(crate) fn measure(options: &Options) -> Outcome<Vec<Row>> {
    let [clock, cpu] = turns::take(
        options.turns() * 4,
        || minka(options.scratch()?.path()),
        || files(options.scratch()?.path()),
    )?;
    let name = "open, create a topic, first record, acks=all";
    Ok(vec![
        Row::new(name, Unit::Seconds, clock, Goal::AtMost(0.010)),
        Row::new(format!("{name}, CPU"), Unit::Seconds, cpu, Goal::None),
    ])
}

fn minka(directory: &Path) -> Outcome<[f64; 2]> {
    let batch = batches::batch(1, 100)?;
    let watch = Stopwatch::start()?;
    let broker = engine::open(&directory.join("data"))?;
    let topic = engine::create(&broker, "first", 1)?;
    broker.produce(engine::to(&topic, 0, batch, Acks::Synced))?;
    let (clock, cpu) = watch.seconds()?;
    broker.close()?;
    Ok([clock, cpu])
}

/// A directory, a file with its name, and three groups that follow each other: the session, the
/// topic, the record.
fn files(directory: &Path) -> Outcome<[f64; 2]> {
    let watch = Stopwatch::start()?;
    let directory = directory.join("data");
    fs::create_dir(&directory)?;
    let file = File::create(directory.join("log"))?;
    for group in 0..3 {
        file.write_all_at(&[b'p'; 200], group * 200)?;
        file.sync_data()?;
    }
    File::open(directory)?.sync_all()?;
    let (clock, cpu) = watch.seconds()?;
    Ok([clock, cpu])
}
