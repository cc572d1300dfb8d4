//! `consumer` and `minka consume`: print the messages that a member of a group gets.

mod line;
mod receiving;

use std::process::ExitCode;

use clap::{Args, Parser};
use minka::client::{ConsumerConfig, Group, Start};

use crate::exit::{self, Outcome};
use crate::reach::BrokerOption;

const HELP: &str = "\
Examples:
  consumer                          print what arrives in the topic mensajes; Ctrl-C ends it
  consumer --group audit            another group: it gets every message too
  consumer --topic orders --from-beginning --count 10
                                    the ten oldest messages of a topic, for a new group
  consumer --json | jq .value       a JSON object for each message

Every group gets every message, and one consumer of the group handles it. Start several with the
same --group: they share the work, message by message (a queue group). A message is accepted once
it is printed. If a consumer is killed before that, another one of the group gets its messages.

With --partitions the members of the group share the topic's partitions instead, as in Kafka's
consumer groups: the messages of one partition, and so those of one key, stay in their order.

Where a group begins is decided when its first consumer comes: with the messages that arrive from
then on, or with the oldest ones (--from-beginning).

In a pipe each line is the message's value. On a terminal, and with --verbose, it begins with
topic/partition@offset and the key.

Exit codes: 0 if it was ended by Ctrl-C, by --count or by a closed pipe, 1 if it failed, 2 if an
option is wrong.";

/// Prints the messages that a member of a group gets, one line each.
#[derive(Debug, Parser)]
#[command(name = "consumer", version, max_term_width = 100)]
struct Program {
    #[command(flatten)]
    options: Options,
}

/// Print the messages that a member of a group gets
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Options {
    #[command(flatten)]
    broker: BrokerOption,

    /// The topic; may be given several times
    #[arg(long, short, value_name = "NAME", default_value = "mensajes")]
    topic: Vec<String>,

    /// The group that this consumer belongs to
    #[arg(long, short, value_name = "NAME", default_value = "grupo",
        value_parser = clap::builder::NonEmptyStringValueParser::new())]
    group: String,

    /// Share the topic's partitions in the group, not its messages
    #[arg(long)]
    partitions: bool,

    /// If the group is new, begin with the oldest messages
    #[arg(long)]
    from_beginning: bool,

    /// End after so many messages
    #[arg(long, short = 'n', value_name = "N")]
    count: Option<u64>,

    /// Print topic/partition@offset and the key before each message
    #[arg(long, short)]
    verbose: bool,

    /// Print each message as a JSON object on a line
    #[arg(long, conflicts_with = "verbose")]
    json: bool,
}

/// The whole program.
pub fn main() -> ExitCode {
    exit::conclude(run(&Program::parse().options))
}

/// Prints what the options say.
pub(crate) fn run(options: &Options) -> Outcome {
    receiving::run(options)
}

impl Options {
    fn config(&self) -> ConsumerConfig {
        let group = self.group.clone();
        let defaults = ConsumerConfig::default();
        let most = defaults.records_max as u64;
        let count = self.count.unwrap_or(most).clamp(1, most);
        ConsumerConfig {
            client_id: "minka-consumer".to_owned(),
            group: Some(match self.partitions {
                true => Group::Partitions(group),
                false => Group::Queue(group),
            }),
            start: if self.from_beginning { Start::Earliest } else { Start::Latest },
            // What a queue group hands out beyond the count would only come back to it.
            records_max: usize::try_from(count).unwrap_or(defaults.records_max),
            // What was not printed must not count as handled.
            auto_commit: false,
            ..defaults
        }
    }
}
