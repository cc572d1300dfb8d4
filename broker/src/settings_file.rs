//! The settings file: TOML, with Kafka's dotted names as they are.
//!
//! TOML reads `num.partitions = 3` as a table in a table. Here it is one name: tables are
//! unfolded, so that every way to write a name means the same.

use std::fmt::Display;
use std::path::Path;

use minka::EmbeddedConfig;

/// Takes in what a file says. Errors are for people and name the file.
pub(crate) fn read(path: &Path, config: &mut EmbeddedConfig) -> Result<(), String> {
    let in_file = |error: &dyn Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| in_file(&error))?;
    parse(&text, config).map_err(|error| in_file(&error))
}

/// Takes in what the text of a file says.
pub(crate) fn parse(text: &str, config: &mut EmbeddedConfig) -> Result<(), String> {
    let table: toml::Table = text.parse().map_err(|error| format!("{error}"))?;
    unfold("", table, &mut |name, value| {
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(on) => on.to_string(),
            other => {
                let kind = other.type_str();
                return Err(format!("{name}: it cannot be a value of type {kind}"));
            }
        };
        config.set(name, &value).map_err(|error| error.to_string())
    })
}

/// Calls `set` with each value and its dotted name.
fn unfold(
    prefix: &str,
    table: toml::Table,
    set: &mut impl FnMut(&str, toml::Value) -> Result<(), String>,
) -> Result<(), String> {
    for (name, value) in table {
        let name = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::Table(inner) => unfold(&name, inner, set)?,
            value => set(&name, value)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::num::NonZeroUsize;
    use std::path::PathBuf;
    use std::time::Duration;

    use minka::sys::event_log::Level;
    use minka::{Config, ServerConfig};

    #[test]
    fn every_setting_is_read_however_its_name_is_written() {
        let mut config = EmbeddedConfig::default();
        parse(
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
            retention.check.interval.ms = "7"
            "#,
            &mut config,
        )
        .unwrap();
        assert_eq!(config.data, Some(PathBuf::from("/var/lib/minka")));
        assert_eq!(config.kafka, Some("0.0.0.0:9092".parse().unwrap()));
        assert_eq!(config.advertise, Some("broker1.example:9092".parse().unwrap()));
        assert_eq!(config.log_level, Level::Debug);
        let expected = Config {
            auto_create_topics: false,
            default_partitions: 12,
            group_initial_rebalance_delay: Duration::ZERO,
            group_consumer_heartbeat_interval: Duration::from_millis(8),
            group_consumer_session_timeout: Duration::from_millis(9),
            flush_interval: Duration::from_millis(50),
            segment_bytes: 1_048_576,
            retention_check_interval: Duration::from_millis(7),
            ..Config::default()
        };
        assert_eq!(format!("{:?}", config.broker), format!("{expected:?}"));
        let threads = NonZeroUsize::new(3).unwrap();
        assert_eq!(config.server, ServerConfig { threads, ..ServerConfig::default() });
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            ("num.partitons = 3", "num.partitons\"; did you mean num.partitions?"),
            ("num = 3", "\"num\""),
            ("kafka = 9092", "HOST:PORT"),
            ("kafka = '9092'", "HOST:PORT"),
            ("log-level = 'loud'", "error, warn, info or debug"),
            ("data = ", "line 1"),
            ("data = []", "data: it cannot be a value of type array"),
            ("num.partitions = 1.5", "it cannot be a value of type float"),
            ("num.partitions = -1", "-1"),
            ("num.partitions = 0", "num.partitions: \"0\" is not a whole number from 1 to 100000"),
            ("flush.interval.ms = 86400001", "milliseconds from 1 to 86400000"),
            ("log.segment.bytes = 100", "from 65536"),
            ("num.network.threads = 1000", "from 1 to 256"),
        ] {
            let error = parse(text, &mut EmbeddedConfig::default()).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
