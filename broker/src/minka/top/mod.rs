//! `minka top`: what a broker does, looked at every second.

mod look;
mod screen;

use std::process::ExitCode;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use clap::Args;

use self::look::Look;
use self::screen::Screen;
use crate::exit::{Failure, Outcome};
use crate::reach::BrokerOption;
use crate::signals;
use crate::text;

const HELP: &str = "\
Examples:
  minka top                        every second, until Ctrl-C
  minka top --interval 5s
  minka top | tee load.txt         a line each second
  minka top --json --times 1       everything once, for a program

A topic's rate is how many messages came since the look before. A group's lag is how many messages
it has still to handle; the ones in flight are with members that have not accepted them yet.";

/// Watch topics, rates and groups, refreshed each second
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(super) struct Options {
    #[command(flatten)]
    broker: BrokerOption,

    /// How often to look
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = text::parse_duration)]
    interval: Duration,

    /// End after so many looks
    #[arg(long, short = 'n', value_name = "N")]
    times: Option<u64>,

    /// Print each look as a JSON object on a line
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(options: &Options) -> Outcome {
    let signal = signals::watch()
        .map_err(|error| Failure::new(format_args!("watching for Ctrl-C failed: {error}")))?;
    let admin = options.broker.admin()?;
    let screen = Screen::open(options.json, options.broker.target());
    let mut before: Option<Look> = None;
    let mut left = options.times.unwrap_or(u64::MAX);
    let mut watched = true;
    while left > 0 && watched {
        match Look::at(&admin) {
            Ok(look) => {
                watched = screen.show(&look, before.as_ref())?;
                before = Some(look);
            }
            Err(error) if error.kind().is_retriable() => watched = screen.away(&error)?,
            Err(error) => return Err(error.into()),
        }
        left -= 1;
        if left == 0 || signal.recv_timeout(options.interval) != Err(RecvTimeoutError::Timeout) {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}
