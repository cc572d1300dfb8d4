//! minka's measurements. Each is taken beside its peer, in the same run and in turns, because
//! only the ratio of the two says something about minka rather than about the machine.

#![forbid(unsafe_code)]

mod append;
mod batches;
mod counting_disk;
mod cpu;
mod engine;
mod first_record;
mod group_commit;
mod options;
mod row;
mod single_records;
mod turns;

use std::process::ExitCode;

use crate::options::Options;
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
];

fn main() -> ExitCode {
    let options = Options::read();
    match run(&options) {
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
