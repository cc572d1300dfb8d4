//! What the user asks for: flags, then the environment, then the settings file, then defaults.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use minka::sys::event_log::Level;
use minka::{Config, ServerConfig};

use crate::settings_file::SettingsFile;
use minka::Address;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) data: PathBuf,
    pub(crate) kafka: Address,
    pub(crate) advertise: Address,
    pub(crate) log_level: Level,
    pub(crate) engine: EngineOptions,
}

/// What the engine runs with, by Kafka's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EngineOptions {
    pub(crate) auto_create_topics: bool,
    pub(crate) partitions_default: u32,
    pub(crate) initial_rebalance_delay_ms: u32,
    pub(crate) consumer_heartbeat_interval_ms: u32,
    pub(crate) consumer_session_timeout_ms: u32,
    pub(crate) flush_interval_ms: u32,
    pub(crate) segment_bytes: u64,
    pub(crate) retention_check_interval_ms: u32,
    pub(crate) network_threads: u32,
}

impl Options {
    /// Reads the command line, the environment and the settings file they name.
    ///
    /// Ends the process where `--help` or `--version` is asked for, or a flag or variable is
    /// wrong; the error is one for people, about the settings file or what the options add up to.
    pub(crate) fn read() -> Result<Self, String> {
        let flags = Flags::parse();
        let file = match &flags.config {
            Some(path) => SettingsFile::read(path)?,
            None => SettingsFile::default(),
        };
        Self::combine(flags, file)
    }

    fn combine(flags: Flags, file: SettingsFile) -> Result<Self, String> {
        let engine = file.engine()?;
        let known = |text: &str| text.parse().expect("the default address is well formed");
        let kafka = flags.kafka.or(file.kafka).unwrap_or_else(|| known(KAFKA_DEFAULT));
        let advertise = flags.advertise.or(file.advertise);
        let advertise = match advertise {
            Some(address) if address.is_every_address() => {
                return Err(format!(
                    "advertise: clients cannot connect to {address}; name an address or a host \
                     by which they reach this machine"
                ));
            }
            Some(address) => address,
            None if kafka.is_every_address() => {
                return Err(format!(
                    "kafka: {kafka} listens on every address of this machine; say with \
                     --advertise which of them clients are to use"
                ));
            }
            None => kafka.clone(),
        };
        Ok(Self {
            data: flags.data.or(file.data).unwrap_or_else(|| Path::new(DATA_DEFAULT).into()),
            kafka,
            advertise,
            log_level: flags.log_level.or(file.log_level).unwrap_or(Level::Info),
            engine,
        })
    }

    /// How the Kafka door is opened.
    pub(crate) fn server(&self) -> ServerConfig {
        let pair = |address: &Address| (address.host.clone(), address.port);
        let defaults = ServerConfig::default();
        let threads = usize::try_from(self.engine.network_threads).ok();
        ServerConfig {
            listen: pair(&self.kafka),
            advertised: Some(pair(&self.advertise)),
            threads: threads.and_then(NonZeroUsize::new).unwrap_or(defaults.threads),
            ..defaults
        }
    }
}

impl EngineOptions {
    /// As the engine takes them.
    pub(crate) fn config(&self) -> Config {
        let millis = Duration::from_millis;
        Config {
            auto_create_topics: self.auto_create_topics,
            default_partitions: self.partitions_default,
            group_initial_rebalance_delay: millis(self.initial_rebalance_delay_ms.into()),
            group_consumer_heartbeat_interval: millis(self.consumer_heartbeat_interval_ms.into()),
            group_consumer_session_timeout: millis(self.consumer_session_timeout_ms.into()),
            flush_interval: millis(self.flush_interval_ms.into()),
            segment_bytes: self.segment_bytes,
            retention_check_interval: millis(self.retention_check_interval_ms.into()),
            ..Config::default()
        }
    }
}

impl fmt::Display for Options {
    /// One line for broker.log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engine = &self.engine;
        write!(
            f,
            "data={} kafka={} advertise={} log-level={} auto.create.topics.enable={} \
             num.partitions={} group.initial.rebalance.delay.ms={} \
             group.consumer.heartbeat.interval.ms={} group.consumer.session.timeout.ms={} \
             flush.interval.ms={} log.segment.bytes={} log.retention.check.interval.ms={} \
             num.network.threads={}",
            self.data.display(),
            self.kafka,
            self.advertise,
            self.log_level.name().to_lowercase(),
            engine.auto_create_topics,
            engine.partitions_default,
            engine.initial_rebalance_delay_ms,
            engine.consumer_heartbeat_interval_ms,
            engine.consumer_session_timeout_ms,
            engine.flush_interval_ms,
            engine.segment_bytes,
            engine.retention_check_interval_ms,
            engine.network_threads
        )
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
        let mut said = SettingsFile::parse(&text).unwrap().engine().unwrap();
        let defaults = SettingsFile::default().engine().unwrap();
        said.network_threads = defaults.network_threads;
        assert_eq!(said, defaults);
    }
}
