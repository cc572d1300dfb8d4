//! `minka log`: prints or checks `mensajes.log`, straight from a data directory.

mod check;
mod lines;
mod names;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use minka::log::follow::Follower;
use minka::log::segment;
use minka::sys::disk::Disk;
use minka::sys::storage::Storage as _;

use self::check::Check;
use self::lines::Lines;
use self::names::Names;
use crate::exit::{Failure, Outcome};
use crate::open_files;
use crate::terminal::Terminal;

/// How long to wait before looking again whether the log has grown.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

const HELP: &str = "\
Examples:
  minka log                            everything in ./data/mensajes.log and the older parts
  minka log --topic mensajes --last 10 the newest ten messages of one topic
  minka log --follow                   go on as messages arrive, also of a running broker
  minka log --state                    topics, groups and commits too, not messages alone
  minka log --check                    verify every entry, and say what is damaged

A line is: ID, time, topic/partition@offset, key, value. A missing key or value is -.
The broker may be running: nothing is changed, nothing is locked. The files are read in their
order, and in parts that the cleaner has rewritten messages stand partition by partition.

Exit codes of --check: 0 if everything is as it was written, 1 if something is damaged.";

/// Print mensajes.log for people, also of a running broker
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(super) struct Options {
    /// The data directory of the broker
    #[arg(long, short, value_name = "DIR", env = "MINKA_DATA", default_value = "./data")]
    data: PathBuf,

    /// Only messages of this topic; may be given several times
    #[arg(long, short, value_name = "NAME", conflicts_with = "check")]
    topic: Vec<String>,

    /// Only the newest N lines of what is there
    #[arg(long, value_name = "N", conflicts_with = "check")]
    last: Option<usize>,

    /// Go on as messages arrive; Ctrl-C ends it
    #[arg(long, short, conflicts_with = "check")]
    follow: bool,

    /// Changes of the broker's state too: topics, groups, commits
    #[arg(long, conflicts_with_all = ["check", "topic"])]
    state: bool,

    /// Verify every entry and say what is damaged; print no messages
    #[arg(long)]
    check: bool,

    /// One JSON object on each line
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(options: &Options) -> Outcome {
    // The reader opens all segments at once. If it may not, it says so itself.
    let _ = open_files::raise();
    let (mut follower, names) = open(&options.data)?;
    let terminal = Terminal::stdout();
    if options.check {
        let mut check = Check::new(names);
        let torn = follower.advance(&mut check)?;
        let text = if options.json { check.json(torn) } else { check.text(torn, terminal) };
        print(&text)?;
        return Ok(if check.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let style = if options.json { lines::Style::Json } else { lines::Style::Text(terminal) };
    let filter = lines::Filter { topics: options.topic.clone(), state: options.state };
    let mut lines = Lines::new(io::stdout().lock(), names, filter, style, options.last);
    loop {
        let advanced = follower.advance(&mut lines);
        let written = lines.flush();
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(error) => return Err(Failure::output(&error)),
            Ok(()) => advanced?,
        };
        if !options.follow {
            break;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    Ok(ExitCode::SUCCESS)
}

/// A reader of the log, and the names of the topics that there were.
fn open(directory: &Path) -> Result<(Follower, Names), Failure> {
    let shown = directory.display();
    let storage = Arc::new(Disk::read_only(directory));
    let files = storage.list().map_err(|error| {
        Failure::new(format_args!(
            "{shown} cannot be read: {error}. Name the broker's data directory with --data DIR."
        ))
    })?;
    if !files.iter().any(|name| segment::is_segment_name(name)) {
        return Err(Failure::new(format_args!(
            "there is no {} in {shown}. Name the broker's data directory with --data DIR.",
            segment::ACTIVE
        )));
    }
    let (names, known) = Names::of_snapshots(&*storage)?;
    Ok((Follower::new(storage, known), names))
}

/// Writes the text; who closed the pipe does not want it.
fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::output(&error)),
        _ => Ok(()),
    }
}
