//! The program `minka`: topics, groups, messages, the log, load and a live view.

mod bench;
mod group;
mod latency;
mod log;
mod output;
mod setting;
mod top;
mod topic;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::consumer;
use crate::exit::{self, Outcome};
use crate::producer;

const HELP: &str = "\
Examples:
  minka topic create orders --partitions 4
  minka produce --topic orders --file orders.txt
  minka consume --topic orders --from-beginning
  minka group describe grupo
  minka log --follow
  minka top

Each command has examples of its own: minka help COMMAND.

Exit codes: 0 if it worked, 1 if it failed (standard error says why), 2 if an option is wrong.
NO_COLOR in the environment turns colours off.";

/// Looks after a minka broker, and shows what is in it.
#[derive(Debug, Parser)]
#[command(name = "minka", version, after_help = HELP, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Topic(topic::Options),
    Group(group::Options),
    Produce(producer::Options),
    Consume(consumer::Options),
    Log(log::Options),
    Bench(bench::Options),
    Top(top::Options),
}

/// The whole program.
pub fn main() -> ExitCode {
    exit::conclude(Cli::parse().command.run())
}

impl Command {
    fn run(&self) -> Outcome {
        match self {
            Self::Topic(options) => topic::run(options),
            Self::Group(options) => group::run(options),
            Self::Produce(options) => producer::run(options),
            Self::Consume(options) => consumer::run(options),
            Self::Log(options) => log::run(options),
            Self::Bench(options) => bench::run(options),
            Self::Top(options) => top::run(options),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent_and_every_help_fits_a_terminal() {
        let mut all = vec![Cli::command()];
        all[0].clone().debug_assert();
        while let Some(mut command) = all.pop() {
            let help = command.render_long_help().to_string();
            for line in help.lines() {
                assert!(line.chars().count() <= 100, "{line}");
            }
            all.extend(command.get_subcommands().cloned());
        }
    }
}
