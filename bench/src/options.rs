//! What the user of the program may choose.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use tempfile::TempDir;

use crate::Outcome;
use crate::nothing::Keeping;

/// Measures minka beside its peers and prints a line for each ratio.
///
/// A missed goal is printed and is not a failure; the exit code is 1 only where a measurement
/// could not be taken.
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Options {
    /// Only try everything out: the figures mean nothing.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Take only the measurements whose names contain this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Of the measurements through the Kafka door, take only the cases whose names contain this.
    #[arg(long, value_name = "NAME")]
    case: Option<String>,
    /// Where the files go; on the disk that is to be measured.
    #[arg(long, value_name = "DIRECTORY", default_value_os_t = std::env::temp_dir())]
    directory: PathBuf,
    /// minka's broker, the program [default: the one beside this program]
    #[arg(long, value_name = "FILE")]
    broker: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) peer: Option<Peer>,
}

/// What this program does for itself in a process of its own.
#[derive(Debug, Subcommand)]
pub(crate) enum Peer {
    /// The broker that does nothing.
    #[command(hide = true)]
    Nothing {
        /// What comes is appended to this file.
        file: PathBuf,
        /// How that is done.
        keeping: Keeping,
    },
    /// Sends a file to whoever connects.
    #[command(hide = true)]
    Sendfile {
        /// The file.
        file: PathBuf,
    },
    /// Sends back what it is sent.
    #[command(hide = true)]
    Echo,
    /// Sends records to a broker in this process, and reads them.
    #[command(hide = true)]
    Speed {
        /// How many.
        records: usize,
    },
}

impl Options {
    /// Reads the command line; ends the program where it is wrong.
    pub(crate) fn read() -> Self {
        Self::parse()
    }

    /// Whether the measurement of this name is to be taken.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only))
    }

    /// The broker's program.
    pub(crate) fn broker(&self) -> Outcome<PathBuf> {
        match &self.broker {
            Some(program) => Ok(program.clone()),
            None => Ok(std::env::current_exe()?.with_file_name("broker")),
        }
    }

    /// Whether the case of this name is to be taken.
    pub(crate) fn wants_case(&self, name: &str) -> bool {
        self.case.as_ref().is_none_or(|case| name.contains(case))
    }

    /// How many turns minka and its peer take.
    pub(crate) fn turns(&self) -> usize {
        if self.quick { 1 } else { 5 }
    }

    /// `full`, or little enough for a try: a number of things to do.
    pub(crate) fn amount(&self, full: usize) -> usize {
        if self.quick { (full / 20).max(1) } else { full }
    }

    /// A new, empty directory, which goes away with the value.
    pub(crate) fn scratch(&self) -> Outcome<TempDir> {
        let make = |directory: &Path| {
            tempfile::Builder::new().prefix("minka-bench-").tempdir_in(directory)
        };
        make(&self.directory)
            .map_err(|error| format!("making a directory in {:?}: {error}", self.directory).into())
    }
}
