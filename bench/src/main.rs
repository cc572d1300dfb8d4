//! minka's measurements. Each is taken beside its peer, in the same run and in turns, because
//! only the ratio of the two says something about minka rather than about the machine.

#![forbid(unsafe_code)]

mod append;
mod batches;
mod bindings;
mod client;
mod counting_disk;
mod cpu;
mod door_fetch;
mod door_produce;
mod door_queue;
mod echo;
mod engine;
mod fetcher;
mod first_record;
mod group_commit;
mod language;
mod memory;
mod nothing;
mod options;
mod process;
mod queue;
mod restart;
mod round_trip;
mod row;
mod sendfile;
mod sharer;
mod single_records;
mod speed;
mod topics;
mod turns;

use std::process::ExitCode;

use crate::options::{Options, Peer};
use crate::row::Row;

/// What a measurement returns; any error ends the run.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A measurement: its name, and what takes it.
type Measurement = (&'static str, fn(&Options) -> Outcome<Vec<Row>>);

const MEASUREMENTS: &[Measurement] = &[
    ("append", append::measure),
    ("single-records", single_records::measure),
    ("group-commit", group_commit::measure),
    ("first-record", first_record::measure),
    ("door-produce", door_produce::measure),
    ("door-fetch", door_fetch::measure),
    ("queue", queue::measure),
    ("door-queue", door_queue::measure),
    ("round-trip", round_trip::measure),
    ("restart", restart::measure),
    ("memory", memory::measure),
    ("bindings", bindings::measure),
];

fn main() -> ExitCode {
    let options = Options::read();
    let result = match &options.peer {
        Some(Peer::Nothing { file, keeping }) => nothing::serve(file, *keeping),
        Some(Peer::Sendfile { file }) => sendfile::serve(file),
        Some(Peer::Echo) => echo::serve(),
        Some(Peer::Speed { records }) => speed::run(*records),
        None => run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<()> {
    let mut chosen = MEASUREMENTS.iter().filter(|(name, _)| options.wants(name)).peekable();
    if chosen.peek().is_none() {
        let names: Vec<_> = MEASUREMENTS.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no such measurement; there are {}", names.join(", ")).into());
    }
    println!("{}", row::HEADINGS);
    for (name, measure) in chosen {
        let rows = measure(options).map_err(|error| format!("{name}: {error}"))?;
        rows.iter().for_each(|row| println!("{row}"));
    }
    Ok(())
}
