//! `producer` and `minka produce`: send lines, or made-up messages.

mod receipts;
mod sending;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser};
use minka::batch::Codec;
use minka::client::{Acks, ProducerConfig};

use crate::exit::{self, Outcome};
use crate::reach::BrokerOption;
use crate::text;

const HELP: &str = "\
Examples:
  producer                                 send what you type, line by line; Ctrl-D ends it
  producer < orders.txt                    send each line of a file
  producer --topic orders --key-separator : --file orders.txt
                                           a line key:value becomes a message with that key
  producer --count 1000 --size 200 --rate 100
                                           1000 made-up messages of 200 bytes, 100 a second

Each message gets an ID in the broker's log and an offset in its partition. They are printed on a
terminal where you type the messages, and with --verbose or --json. Messages with the same key go
to the same partition and stay in their order.

While the broker is away messages are kept and sent again, for as long as --timeout says.
Ctrl-C sends what is on its way and ends.

Exit codes: 0 if every message was acknowledged, 1 if one was not, 2 if an option is wrong.";

/// Sends messages to a topic: the lines of standard input, of a file, or made-up ones.
#[derive(Debug, Parser)]
#[command(name = "producer", version, max_term_width = 100)]
struct Program {
    #[command(flatten)]
    options: Options,
}

/// Send messages to a topic: lines, or made-up ones
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Options {
    #[command(flatten)]
    broker: BrokerOption,

    /// The topic; the broker creates it if it does not exist yet
    #[arg(long, short, value_name = "NAME", default_value = "mensajes")]
    topic: String,

    /// Send each line of this file instead of standard input
    #[arg(long, short, value_name = "FILE", conflicts_with = "count")]
    file: Option<PathBuf>,

    /// Send so many made-up messages, each with its number
    #[arg(long, short = 'n', value_name = "N")]
    count: Option<u64>,

    /// Bytes of a made-up message, such as 100, 4k or 1M; at least its number is sent
    #[arg(long, value_name = "BYTES", requires = "count", default_value = "100",
        value_parser = text::parse_bytes)]
    size: usize,

    /// Made-up messages a second [default: as many as can be]
    #[arg(long, value_name = "N", requires = "count",
        value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,

    /// Give all messages this key
    #[arg(long, short, value_name = "KEY")]
    key: Option<String>,

    /// What stands before this text in a line is the message's key
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["key", "count"],
        value_parser = clap::builder::NonEmptyStringValueParser::new())]
    key_separator: Option<String>,

    /// Send all to this partition, not to the one that the key gives
    #[arg(long, short, value_name = "N")]
    partition: Option<u32>,

    /// What is waited for: all (on the disk), 1 (with the operating system) or 0 (nothing)
    #[arg(long, value_name = "ACKS", default_value = "all", value_parser = parse_acks)]
    acks: Acks,

    /// How messages are compressed: none, gzip, snappy, lz4 or zstd
    #[arg(long, short = 'z', value_name = "CODEC", default_value = "none",
        value_parser = parse_codec)]
    compression: Codec,

    /// For how long a message is tried to be delivered
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = text::parse_duration)]
    timeout: Duration,

    /// Print ID, partition and offset of each message
    #[arg(long, short)]
    verbose: bool,

    /// Print each acknowledgement, and the summary, as a JSON object on a line
    #[arg(long)]
    json: bool,
}

/// The whole program.
pub fn main() -> ExitCode {
    exit::conclude(run(&Program::parse().options))
}

/// Sends what the options say.
pub(crate) fn run(options: &Options) -> Outcome {
    sending::run(options)
}

impl Options {
    fn config(&self) -> ProducerConfig {
        ProducerConfig {
            client_id: "minka-producer".to_owned(),
            acks: self.acks,
            compression: self.compression,
            delivery_timeout: self.timeout,
            block_max: self.timeout,
            ..ProducerConfig::default()
        }
    }
}

/// Reads `--acks`, as Kafka's `acks` is written.
pub(crate) fn parse_acks(text: &str) -> Result<Acks, String> {
    match text {
        "all" | "-1" => Ok(Acks::Synced),
        "1" => Ok(Acks::Written),
        "0" => Ok(Acks::None),
        other => Err(format!("{other:?} is not one of all, 1 and 0")),
    }
}

/// Reads `--compression`.
pub(crate) fn parse_codec(text: &str) -> Result<Codec, String> {
    [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd]
        .into_iter()
        .find(|codec| codec.name() == text)
        .ok_or_else(|| format!("{text:?} is not one of none, gzip, snappy, lz4 and zstd"))
}
