//! Small records appended one by one in this process, against one `write` for each.

use std::fs::File;
use std::io::Write as _;

use minka::engine::{Acks, Ticket};

use crate::Outcome;
use crate::cpu::Stopwatch;
use crate::engine;
use crate::options::Options;
use crate::row::{Goal, Row, Unit};
use crate::turns;

const RECORD: [u8; 100] = [b'm'; 100];
const RECORDS: usize = 1_000_000;
/// After how many records the producer looks at what became of them.
const RECORDS_AT_ONCE: usize = 1000;

pub(crate) fn measure(options: &Options) -> Outcome<Vec<Row>> {
    let rounds = options.amount(RECORDS / RECORDS_AT_ONCE);
    let [clock, cpu] =
        turns::take(options.turns(), || minka(options, rounds), || write(options, rounds))?;
    let name = "single 100 B records, one thread, acks=1";
    Ok(vec![
        Row::new(name, Unit::PerSecond, clock, Goal::Share(1.0)),
        Row::new(format!("{name}, by CPU"), Unit::PerSecond, cpu, Goal::None),
    ])
}

fn minka(options: &Options, rounds: usize) -> Outcome<[f64; 2]> {
    let directory = options.scratch()?;
    let broker = engine::open(directory.path())?;
    let topic = engine::create(&broker, "single", 1)?;
    let partition = &topic.partitions[0];
    let watch = Stopwatch::start()?;
    for _ in 0..rounds {
        let ticket = Ticket::new(RECORDS_AT_ONCE, None);
        for slot in (0..).take(RECORDS_AT_ONCE) {
            let record = (None, Some(&RECORD[..]));
            let ticket = Some((&ticket, slot));
            broker.submit_record(&topic, partition, record, Acks::Written, ticket)?;
        }
        for result in broker.wait(&ticket) {
            result?;
        }
    }
    let speed = speed(&watch, rounds)?;
    broker.close()?;
    Ok(speed)
}

fn write(options: &Options, rounds: usize) -> Outcome<[f64; 2]> {
    let directory = options.scratch()?;
    let mut file = File::create(directory.path().join("log"))?;
    let watch = Stopwatch::start()?;
    for _ in 0..rounds * RECORDS_AT_ONCE {
        file.write_all(&RECORD)?;
    }
    let speed = speed(&watch, rounds)?;
    Ok(speed)
}

/// Records in a second of clock, and of processor.
fn speed(watch: &Stopwatch, rounds: usize) -> Outcome<[f64; 2]> {
    let (clock, cpu) = watch.seconds()?;
    let records = (rounds * RECORDS_AT_ONCE) as f64;
    Ok([records / clock, records / cpu])
}
