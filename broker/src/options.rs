//! What the user asks for: flags, then the environment, then the settings file, then defaults.

use std::path::PathBuf;

use clap::Parser;
use minka::sys::event_log::Level;
use minka::{Address, EmbeddedConfig};

use crate::settings_file;

const DATA_DEFAULT: &str = "./data";
const KAFKA_DEFAULT: &str = "127.0.0.1:9092";

const HELP: &str = "\
Examples:
  broker                                     serve 127.0.0.1:9092, keep the data in ./data
  broker --data /var/lib/minka --kafka 0.0.0.0:9092 --advertise broker1.example:9092
                                             serve the network under a name it knows
  broker --data \"$(mktemp -d)\" --kafka 127.0.0.1:0
                                             a broker for one test, on a free port
  broker --config minka.toml                 take the settings from a file

The settings file is TOML. It has the options above by the same names (data, kafka, advertise,
log-level), and Kafka's names for what the engine does; these are the defaults:
  auto.create.topics.enable = true               a topic is created when it is first used
  num.partitions = 1                             how many partitions such a topic has
  group.initial.rebalance.delay.ms = 3000        how long a new group waits for more members
  group.consumer.heartbeat.interval.ms = 5000    how often members of KIP-848 groups are heard of
  group.consumer.session.timeout.ms = 45000      how long they may be silent
  flush.interval.ms = 1000                       how often what acks=1 promised goes to the disk
  log.segment.bytes = 67108864                   how large mensajes.log grows before the next one
  log.retention.check.interval.ms = 300000       how often expired records are looked for
  num.network.threads = 4                        how many threads serve connections (default: one
                                                 for each core, up to 4)
There are more, for other needs: docs/settings.md has them all.

A flag wins over its environment variable, that over the file, and the file over the default.

The data directory holds:
  mensajes.log, mensajes-<id>.log            all records of all topics, and the broker's state
  mensajes-<id>.idx                          where each partition's records are
  estado-<id>.snapshot                       the state, for a quick start
  broker.log, broker.log.1 ...               what the broker did, for people; 4 MiB at most
  LOCK                                       keeps a second broker out

SIGTERM or Ctrl-C ends the broker cleanly; a second one ends it at once. No acknowledged record
is lost either way.

Exit codes:
  0     ended cleanly
  1     could not start, or failed later: the last lines of broker.log say why
  2     an option, an environment variable or the settings file is wrong
  130, 143   ended at once by a second Ctrl-C or SIGTERM";

/// A durable message broker that speaks the Kafka protocol.
///
/// Any Kafka client can use it. An acknowledged message (acks=all) is on the disk.
#[derive(Debug, Parser)]
#[command(name = "broker", version, after_long_help = HELP, max_term_width = 100)]
struct Flags {
    /// Where the data is kept; created if need be [default: ./data]
    #[arg(long, value_name = "DIR", env = "MINKA_DATA")]
    data: Option<PathBuf>,

    /// Where Kafka clients are served; port 0 takes a free one [default: 127.0.0.1:9092]
    #[arg(long, value_name = "HOST:PORT", env = "MINKA_KAFKA")]
    kafka: Option<Address>,

    /// Where clients are told to connect; port 0 is that of --kafka [default: as --kafka]
    #[arg(long, value_name = "HOST:PORT", env = "MINKA_ADVERTISE")]
    advertise: Option<Address>,

    /// A settings file in TOML; see --help
    #[arg(long, value_name = "FILE", env = "MINKA_CONFIG")]
    config: Option<PathBuf>,

    /// What broker.log tells: error, warn, info or debug [default: info]
    #[arg(long, value_name = "LEVEL", env = "MINKA_LOG_LEVEL")]
    log_level: Option<Level>,
}

/// What the broker runs with.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) data: PathBuf,
    pub(crate) config: EmbeddedConfig,
}

impl Options {
    /// Reads the command line, the environment and the settings file they name.
    ///
    /// Ends the process where `--help` or `--version` is asked for, or a flag or variable is
    /// wrong; the error is one for people, about the settings file or what the options add up to.
    pub(crate) fn read() -> Result<Self, String> {
        let flags = Flags::parse();
        let mut config = EmbeddedConfig::default();
        if let Some(path) = &flags.config {
            settings_file::read(path, &mut config)?;
        }
        Self::combine(flags, config)
    }

    fn combine(flags: Flags, file: EmbeddedConfig) -> Result<Self, String> {
        if file.copy_of.is_some() {
            return Err(
                "copy-of: this program keeps its data on the disk; copy the directory of a \
                        broker that has ended, and name the copy with --data"
                    .to_owned(),
            );
        }
        let known = |text: &str| text.parse().expect("the default address is well formed");
        let mut config = file;
        let data = flags.data.or(config.data).unwrap_or_else(|| DATA_DEFAULT.into());
        config.data = Some(data.clone());
        config.kafka = flags.kafka.or(config.kafka).or_else(|| Some(known(KAFKA_DEFAULT)));
        config.advertise = flags.advertise.or(config.advertise);
        config.log_level = flags.log_level.unwrap_or(config.log_level);
        config.check().map_err(|error| error.to_string())?;
        Ok(Self { data, config })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent_and_its_help_fits_a_terminal() {
        let mut command = Flags::command();
        command.clone().debug_assert();
        let help = command.render_long_help().to_string();
        for line in help.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }

    #[test]
    fn what_the_help_says_are_the_defaults_are_the_defaults() {
        let lines = HELP.lines().skip_while(|line| !line.contains("these are the defaults"));
        let lines = lines.skip(1).take(9);
        let text: String = lines.map(|line| format!("{}\n", &line[..47])).collect();
        let mut said = EmbeddedConfig::default();
        settings_file::parse(&text, &mut said).unwrap();
        let defaults = EmbeddedConfig::default();
        said.server.threads = defaults.server.threads;
        assert_eq!(format!("{:?}", said.broker), format!("{:?}", defaults.broker));
        assert_eq!(said.server, defaults.server);
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let options = |flags: &[&str], file: &str| {
            let flags = Flags::parse_from([&["broker"], flags].concat());
            let mut config = EmbeddedConfig::default();
            settings_file::parse(file, &mut config)?;
            Options::combine(flags, config)
        };
        let plain = options(&[], "").unwrap();
        assert_eq!(plain.data, PathBuf::from(DATA_DEFAULT));
        assert_eq!(plain.config.to_string(), "data=./data kafka=127.0.0.1:9092 log-level=info");
        let file = "data = 'a'\nkafka = '[::1]:1'\nlog-level = 'warn'\nnum.partitions = 3";
        assert_eq!(
            options(&[], file).unwrap().config.to_string(),
            "data=a kafka=[::1]:1 log-level=warn num.partitions=3"
        );
        let flags = ["--data", "b", "--kafka", "0.0.0.0:2", "--advertise", "c:3"];
        assert_eq!(
            options(&flags, file).unwrap().config.to_string(),
            "data=b kafka=0.0.0.0:2 advertise=c:3 log-level=warn num.partitions=3"
        );
        let error = options(&["--kafka", "0.0.0.0:2"], "").unwrap_err();
        assert!(error.contains("advertise"), "{error}");
        let error = options(&[], "copy-of = 'x'").unwrap_err();
        assert!(error.starts_with("copy-of: "), "{error}");
    }
}
