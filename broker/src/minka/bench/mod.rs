//! `minka bench`: puts load on a broker and measures what it does with it.

mod consuming;
mod producing;
mod run;

use std::time::Duration;

use clap::Args;
use minka::batch::Codec;
use minka::client::Acks;

use crate::exit::Outcome;
use crate::producer::{parse_acks, parse_codec};
use crate::reach::BrokerOption;
use crate::text;

const HELP: &str = "\
Examples:
  minka bench                                  2 producers, 2 consumers, 100 bytes, 10 seconds
  minka bench --producers 8 --size 1k --acks 1
  minka bench --rate 1000 --duration 1m        latencies under a load that is not the most
  minka bench --consumers 0 --compression lz4  writing alone

Latencies are those of single messages: from handing them to the producer until they are
acknowledged, and until a consumer has them. Without --rate messages queue up in the producers, so
that the rates are the most that can be, and the latencies mostly waiting.

The messages go to a topic of their own, which is deleted at the end unless it was there before.

Exit codes: 0 if every message was acknowledged and received, 1 if not.";

/// Put load on a broker and measure rates and latencies
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(super) struct Options {
    #[command(flatten)]
    broker: BrokerOption,

    /// How many producers send, each on a connection of its own
    #[arg(long, value_name = "N", default_value_t = 2,
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    producers: u32,

    /// How many consumers share the partitions
    #[arg(long, value_name = "N", default_value_t = 2,
        value_parser = clap::value_parser!(u32).range(0..=1000))]
    consumers: u32,

    /// Bytes of a message, such as 100, 4k or 1M; at least 16
    #[arg(long, value_name = "BYTES", default_value = "100", value_parser = text::parse_bytes)]
    size: usize,

    /// For how long is sent
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = text::parse_duration)]
    duration: Duration,

    /// Messages a second, of all producers together [default: as many as can be]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,

    /// What is waited for: all (on the disk), 1 (with the operating system) or 0 (nothing)
    #[arg(long, value_name = "ACKS", default_value = "all", value_parser = parse_acks)]
    acks: Acks,

    /// How messages are compressed: none, gzip, snappy, lz4 or zstd
    #[arg(long, short = 'z', value_name = "CODEC", default_value = "none",
        value_parser = parse_codec)]
    compression: Codec,

    /// The topic; created if it does not exist
    #[arg(long, short, value_name = "NAME", default_value = "minka-bench")]
    topic: String,

    /// How many partitions the topic gets [default: one for each producer or consumer]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    partitions: Option<u32>,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(options: &Options) -> Outcome {
    run::run(options)
}
