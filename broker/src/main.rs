//! The program `broker`: options, signals and exit codes around minka's engine.

#![forbid(unsafe_code)]

mod options;
mod settings_file;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use minka::sys::dir_lock::DirLock;
use minka::sys::event_log::{EventLog, FILE_BYTES_DEFAULT, KEPT_FILES_DEFAULT, Level};
use minka::{Broker, Error, ErrorKind, Result, Server};

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
    std::fs::create_dir_all(&options.data).map_err(|error| {
        Error::storage(
            format_args!("creating the data directory {}", options.data.display()),
            error,
        )
    })?;
    // Before the log is opened: the one that is there belongs to whoever has the directory.
    let lock = DirLock::acquire(&options.data)?;
    let log = Arc::new(EventLog::open(
        &options.data,
        options.log_level,
        FILE_BYTES_DEFAULT,
        KEPT_FILES_DEFAULT,
    )?);
    let version = env!("CARGO_PKG_VERSION");
    log.log(Level::Info, format_args!("minka {version} starts: {options}"));
    let result = serve(options, lock, &log, &stop);
    match &result {
        Ok(()) => log.log(Level::Info, format_args!("minka {version} has ended")),
        Err(error) => log.log(Level::Error, format_args!("minka {version} fails: {error}")),
    }
    result
}

/// Opens the engine and its doors, says where they are, waits for `stop`, and closes them.
fn serve(
    options: &Options,
    lock: DirLock,
    log: &Arc<EventLog>,
    stop: &Receiver<i32>,
) -> Result<()> {
    if let Err(error) = open_files::raise() {
        let text = format_args!("the limit of open files could not be raised: {error}");
        log.log(Level::Warn, text);
    }
    let config = options.engine.config();
    let broker = Broker::open_locked(&options.data, lock, config, log.clone())?;
    let broker = Arc::new(broker);
    let server = Server::start(broker.clone(), options.server())?;
    say_ready(&server, options)?;
    let signal = stop.recv().map_err(|_| {
        Error::new(ErrorKind::Internal, "the thread that watches for signals has gone")
    })?;
    log.log(Level::Info, format_args!("ending because of {}", signals::name(signal)));
    server.close();
    broker.close()
}

/// Tells who started the program that clients may come now, and where.
fn say_ready(server: &Server, options: &Options) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let (kafka, data) = (server.kafka_address(), options.data.display());
    writeln!(out, "ready kafka={kafka} data={data}")
        .and_then(|()| out.flush())
        .map_err(|error| Error::storage("writing to standard output", error))
}
