//! The settings file: TOML, with Kafka's dotted names as they are.
//!
//! TOML reads `num.partitions = 3` as a table in a table. Here it is one name: tables are
//! unfolded, so that every way to write a name means the same.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use minka::limits::PARTITIONS_PER_TOPIC_MAX;
use minka::sys::event_log::Level;
use serde::{Deserialize, Deserializer};

use crate::options::EngineOptions;
use minka::Address;

const MIB: u64 = 1024 * 1024;
const DAY_MS: u64 = 24 * 3_600_000;
/// More threads than that do not make a broker of one machine faster by default.
const THREADS_DEFAULT_MAX: usize = 4;

/// The settings that a file names; the others are `None`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsFile {
    pub(crate) data: Option<PathBuf>,
    #[serde(default, deserialize_with = "from_text")]
    pub(crate) kafka: Option<Address>,
    #[serde(default, deserialize_with = "from_text")]
    pub(crate) advertise: Option<Address>,
    #[serde(default, rename = "log-level", deserialize_with = "from_text")]
    pub(crate) log_level: Option<Level>,
    #[serde(rename = "auto.create.topics.enable")]
    auto_create_topics: Option<bool>,
    #[serde(rename = "num.partitions")]
    partitions_default: Option<u64>,
    #[serde(rename = "group.initial.rebalance.delay.ms")]
    initial_rebalance_delay_ms: Option<u64>,
    #[serde(rename = "group.consumer.heartbeat.interval.ms")]
    consumer_heartbeat_interval_ms: Option<u64>,
    #[serde(rename = "group.consumer.session.timeout.ms")]
    consumer_session_timeout_ms: Option<u64>,
    #[serde(rename = "flush.interval.ms")]
    flush_interval_ms: Option<u64>,
    #[serde(rename = "log.segment.bytes")]
    segment_bytes: Option<u64>,
    #[serde(rename = "log.retention.check.interval.ms")]
    retention_check_interval_ms: Option<u64>,
    #[serde(rename = "num.network.threads")]
    network_threads: Option<u64>,
}

impl SettingsFile {
    /// Reads a file. Errors are for people and name the file.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let in_file = |error: &dyn Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| in_file(&error))?;
        let file = Self::parse(&text).map_err(|error| in_file(&error))?;
        // The values are checked here too, so that the error names the file.
        file.engine().map_err(|error| in_file(&error))?;
        Ok(file)
    }

    /// Reads the text of a file.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let table: toml::Table = text.parse().map_err(|error| format!("{error}"))?;
        let mut flat = toml::Table::new();
        unfold("", table, &mut flat);
        flat.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
    }

    /// The engine's settings, with the defaults for those that are not named.
    pub(crate) fn engine(&self) -> Result<EngineOptions, String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = cores.min(THREADS_DEFAULT_MAX) as u64;
        let partitions = 1..=u64::from(PARTITIONS_PER_TOPIC_MAX);
        Ok(EngineOptions {
            auto_create_topics: self.auto_create_topics.unwrap_or(true),
            partitions_default: within("num.partitions", self.partitions_default, 1, partitions)?,
            initial_rebalance_delay_ms: within(
                "group.initial.rebalance.delay.ms",
                self.initial_rebalance_delay_ms,
                3_000,
                0..=DAY_MS,
            )?,
            consumer_heartbeat_interval_ms: within(
                "group.consumer.heartbeat.interval.ms",
                self.consumer_heartbeat_interval_ms,
                5_000,
                1..=DAY_MS,
            )?,
            consumer_session_timeout_ms: within(
                "group.consumer.session.timeout.ms",
                self.consumer_session_timeout_ms,
                45_000,
                1..=DAY_MS,
            )?,
            flush_interval_ms: within(
                "flush.interval.ms",
                self.flush_interval_ms,
                1_000,
                1..=DAY_MS,
            )?,
            segment_bytes: within(
                "log.segment.bytes",
                self.segment_bytes,
                64 * MIB,
                64 * 1024..=2048 * MIB,
            )?,
            retention_check_interval_ms: within(
                "log.retention.check.interval.ms",
                self.retention_check_interval_ms,
                300_000,
                1..=DAY_MS,
            )?,
            network_threads: within("num.network.threads", self.network_threads, threads, 1..=256)?,
        })
    }
}

/// The value or its default, in the type that the engine takes, if it is in range.
fn within<T: TryFrom<u64>>(
    name: &str,
    value: Option<u64>,
    default: u64,
    range: RangeInclusive<u64>,
) -> Result<T, String> {
    let value = value.unwrap_or(default);
    let (from, to) = (*range.start(), *range.end());
    let fits = Some(value).filter(|value| range.contains(value));
    fits.and_then(|value| T::try_from(value).ok())
        .ok_or_else(|| format!("{name}: {value} is not between {from} and {to}"))
}

/// Puts the tables' values under their dotted names.
fn unfold(prefix: &str, table: toml::Table, flat: &mut toml::Table) {
    for (name, value) in table {
        let name = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::Table(inner) => unfold(&name, inner, flat),
            value => drop(flat.insert(name, value)),
        }
    }
}

/// Reads a value that has a notation of its own.
fn from_text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_read_however_its_name_is_written() {
        let file = SettingsFile::parse(
            r#"
            data = "/var/lib/minka"
            kafka = "0.0.0.0:9092"
            advertise = "broker1.example:9092"
            log-level = "debug"
            auto.create.topics.enable = false
            num = { partitions = 12 }
            "num.network.threads" = 3
            [flush]
            interval.ms = 50
            [group.initial.rebalance.delay]
            ms = 0
            [group.consumer]
            heartbeat.interval.ms = 8
            session.timeout.ms = 9
            [log]
            segment.bytes = 1048576
            retention.check.interval.ms = 7
            "#,
        )
        .unwrap();
        assert_eq!(file.data.as_deref(), Some(Path::new("/var/lib/minka")));
        assert_eq!(file.kafka, Some("0.0.0.0:9092".parse().unwrap()));
        assert_eq!(file.advertise, Some("broker1.example:9092".parse().unwrap()));
        assert_eq!(file.log_level, Some(Level::Debug));
        let expected = EngineOptions {
            auto_create_topics: false,
            partitions_default: 12,
            initial_rebalance_delay_ms: 0,
            consumer_heartbeat_interval_ms: 8,
            consumer_session_timeout_ms: 9,
            flush_interval_ms: 50,
            segment_bytes: 1_048_576,
            retention_check_interval_ms: 7,
            network_threads: 3,
        };
        assert_eq!(file.engine().unwrap(), expected);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            ("num.partitons = 3", "num.partitons"),
            ("num = 3", "num"),
            ("kafka = 9092", "string"),
            ("kafka = '9092'", "HOST:PORT"),
            ("log-level = 'loud'", "error, warn, info or debug"),
            ("data = ", "line 1"),
            ("num.partitions = -1", "-1"),
            ("num.partitions = 0", "num.partitions: 0 is not between 1 and 100000"),
            ("flush.interval.ms = 86400001", "not between 1 and 86400000"),
            ("log.segment.bytes = 100", "not between 65536"),
            ("num.network.threads = 1000", "not between 1 and 256"),
        ] {
            let error = SettingsFile::parse(text).and_then(|file| file.engine()).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
