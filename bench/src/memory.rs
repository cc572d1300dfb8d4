//! What the broker's process takes of memory, and how long it takes to create topics.

use std::time::Instant;

use crate::Outcome;
use crate::client::Client;
use crate::options::Options;
use crate::process::Process;
use crate::row::{Goal, Row, Unit};
use crate::topics;
use crate::turns::Figures;

const PARTITIONS: usize = 100_000;
const TOPICS_OF_PARTITIONS: usize = 10;
const TOPICS: usize = 10_000;
const TOPICS_AT_ONCE: usize = 100;

pub(crate) fn measure(options: &Options) -> Outcome<Vec<Row>> {
    let alone =
        |name: &str, unit, value, goal| Row::new(name, unit, Figures::alone(vec![value]), goal);
    let directory = options.scratch()?;
    let process = Process::broker(options, directory.path())?;
    let idle = process.resident()?;
    let partitions = options.amount(PARTITIONS);
    let mut client = Client::connect(process.address())?;
    create(&mut client, "wide", TOPICS_OF_PARTITIONS, partitions / TOPICS_OF_PARTITIONS)?;
    let grown = (process.resident()? - idle) / partitions as f64;
    drop(process);
    let process = Process::broker(options, directory.path())?;
    let again = (process.resident()? - idle) / partitions as f64;
    drop(process);

    let directory = options.scratch()?;
    let process = Process::broker(options, directory.path())?;
    let mut client = Client::connect(process.address())?;
    let since = Instant::now();
    for request in 0..options.amount(TOPICS) / TOPICS_AT_ONCE {
        create(&mut client, &format!("topic-{request}"), TOPICS_AT_ONCE, 1)?;
    }
    let seconds = since.elapsed().as_secs_f64();
    let limit = Goal::AtMost(300.0);
    Ok(vec![
        alone("resident when idle", Unit::Bytes, idle, Goal::AtMost(10.0 * 1024.0 * 1024.0)),
        alone("resident for each of 100 000 partitions", Unit::Bytes, grown, limit),
        alone("  the same after a start", Unit::Bytes, again, limit),
        alone("10 000 topics created, 100 a request", Unit::Seconds, seconds, Goal::AtMost(1.0)),
    ])
}

/// Creates `count` topics with one request.
fn create(client: &mut Client, prefix: &str, count: usize, partitions: usize) -> Outcome<()> {
    let names: Vec<_> = (0..count).map(|at| format!("{prefix}-{at}")).collect();
    topics::create(client, &names, partitions)
}
