//! The program `broker`: options, signals and exit codes around minka's engine.

#![forbid(unsafe_code)]

mod options;
mod settings_file;

use std::io::Write;
use std::process::ExitCode;

use minka::sys::event_log::Level;
use minka::{Embedded, Error, ErrorKind, Result};

use minka_broker::{open_files, signals};

use crate::options::Options;

/// The exit code where the user's options are wrong; clap's is the same.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("error: {error}\n\nFor more information, try '--help'.");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// From the options to a clean end.
fn run(options: &Options) -> Result<()> {
    let stop = signals::watch().map_err(|error| {
        Error::new(ErrorKind::Internal, format!("watching for signals failed: {error}"))
    })?;
    let raised = open_files::raise();
    let embedded = Embedded::open_with(options.config.clone())?;
    let log = embedded.broker().events();
    if let Err(error) = raised {
        let text = format_args!("the limit of open files could not be raised: {error}");
        log.log(Level::Warn, text);
    }
    say_ready(&embedded, options)?;
    let signal = stop.recv().map_err(|_| {
        Error::new(ErrorKind::Internal, "the thread that watches for signals has gone")
    })?;
    log.log(Level::Info, format_args!("ending because of {}", signals::name(signal)));
    embedded.close()
}

/// Tells who started the program that clients may come now, and where.
fn say_ready(embedded: &Embedded, options: &Options) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let closed = || Error::new(ErrorKind::Internal, "the Kafka door is not open");
    let (kafka, data) = (embedded.kafka_address().ok_or_else(closed)?, options.data.display());
    writeln!(out, "ready kafka={kafka} data={data}")
        .and_then(|()| out.flush())
        .map_err(|error| Error::storage("writing to standard output", error))
}
