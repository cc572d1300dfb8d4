//! The program `broker`: options, signals and exit codes around minka's engine.

#![forbid(unsafe_code)]

mod address;
mod options;
mod settings_file;
mod signals;

use std::process::ExitCode;
use std::sync::mpsc::Receiver;

use minka::sys::event_log::{EventLog, FILE_BYTES_DEFAULT, KEPT_FILES_DEFAULT, Level};
use minka::{Error, ErrorKind, Result};

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
        Error::new(
            ErrorKind::Internal,
            format!("watching for signals failed: {error}"),
        )
    })?;
    std::fs::create_dir_all(&options.data).map_err(|error| {
        Error::storage(
            format_args!("creating the data directory {}", options.data.display()),
            error,
        )
    })?;
    let log = EventLog::open(
        &options.data,
        options.log_level,
        FILE_BYTES_DEFAULT,
        KEPT_FILES_DEFAULT,
    )?;
    let version = env!("CARGO_PKG_VERSION");
    log.log(
        Level::Info,
        format_args!("minka {version} starts: {options}"),
    );
    let result = serve(options, &log, &stop);
    match &result {
        Ok(()) => log.log(Level::Info, format_args!("minka {version} has ended")),
        Err(error) => log.log(Level::Error, format_args!("minka {version} fails: {error}")),
    }
    result
}

/// Opens the engine and its doors, says where they are, waits for `stop`, and closes them.
///
/// The engine and its server come here; until then there is nothing but the waiting.
fn serve(options: &Options, log: &EventLog, stop: &Receiver<i32>) -> Result<()> {
    println!("minka: data in {}", options.data.display());
    let signal = stop.recv().map_err(|_| {
        Error::new(
            ErrorKind::Internal,
            "the thread that watches for signals has gone",
        )
    })?;
    log.log(
        Level::Info,
        format_args!("ending because of {}", signals::name(signal)),
    );
    Ok(())
}
