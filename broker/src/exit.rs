//! How programs end: an exit code, and a sentence where something failed. Wrong options are
//! answered by clap, with 2.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use crate::terminal::{Paint, Terminal};

/// What a program or a command ends with.
pub(crate) type Outcome = Result<ExitCode, Failure>;

/// Why a program ends without having done what it was asked for.
#[derive(Debug)]
pub(crate) struct Failure {
    /// A sentence, or several lines, for people.
    message: String,
}

impl Failure {
    /// It was tried and did not work.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string() }
    }

    /// Standard output could not be written.
    pub(crate) fn output(error: &std::io::Error) -> Self {
        Self::new(format_args!("writing to standard output failed: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<minka::Error> for Failure {
    fn from(error: minka::Error) -> Self {
        Self::new(error)
    }
}

/// The process's exit code; what failed is said on standard error.
pub(crate) fn conclude(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            say("error", Paint::Bad, &failure);
            ExitCode::FAILURE
        }
    }
}

/// Says something beside the output that goes on.
pub(crate) fn warn(text: impl fmt::Display) {
    say("warning", Paint::Warning, &text);
}

fn say(label: &str, paint: Paint, text: &dyn fmt::Display) {
    let label = Terminal::stderr().paint(paint, &format!("{label}:"));
    // Who closed standard error does not want to know.
    let _ = writeln!(std::io::stderr(), "{label} {text}");
}
