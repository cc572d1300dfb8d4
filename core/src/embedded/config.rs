//! What an embedded broker is told, by name: its own settings, the broker's and the Kafka door's.

use std::fmt;
use std::path::PathBuf;

use super::address::Address;
use crate::engine::{self, Config};
use crate::error::{Error, ErrorKind, Result};
use crate::server::{self, ServerConfig};
use crate::setting::{self, Setting, SettingDescription, Takes};
use crate::sys::event_log::Level;

/// The setting that has another default in memory, where nobody wants to wait.
const REBALANCE_DELAY: &str = "group.initial.rebalance.delay.ms";

/// The settings of an [`Embedded`](super::Embedded).
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// The data directory (`data`); without it everything is in memory, and gone when the broker
    /// is closed.
    pub data: Option<PathBuf>,
    /// A data directory that a broker in memory begins with a copy of (`copy-of`).
    pub copy_of: Option<PathBuf>,
    /// Where the Kafka door is (`kafka`); without it there is none.
    pub kafka: Option<Address>,
    /// Where clients are told to connect (`advertise`); port 0 is that of the door.
    pub advertise: Option<Address>,
    /// What `broker.log` tells (`log-level`).
    pub log_level: Level,
    /// The broker's settings.
    pub broker: Config,
    /// The Kafka door's settings, but for where it is.
    pub server: ServerConfig,
    /// What was set by name.
    given: Vec<(String, String)>,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self {
            data: None,
            copy_of: None,
            kafka: None,
            advertise: None,
            log_level: Level::Info,
            broker: Config::default(),
            server: ServerConfig::default(),
            given: Vec::new(),
        }
    }
}

impl EmbeddedConfig {
    /// Sets one setting by its name, such as `data`, `kafka` or `num.partitions`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a name that is none, or a value that it cannot have.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        if setting::find(SETTINGS, name).is_some() {
            setting::set(self, "broker", SETTINGS, name, value)?;
        } else if setting::find(engine::SETTINGS, name).is_some() {
            self.broker.set(name, value)?;
        } else if setting::find(server::SETTINGS, name).is_some() {
            self.server.set(name, value)?;
        } else {
            let names = Self::settings().into_iter().map(|setting| setting.name);
            return Err(setting::unknown("broker", name, names));
        }
        self.given.retain(|(other, _)| other != name);
        self.given.push((name.to_owned(), value.trim().to_owned()));
        Ok(())
    }

    /// All settings: first those that are not the broker's or the Kafka door's.
    pub fn settings() -> Vec<SettingDescription> {
        let (broker, door) =
            (setting::describe(engine::SETTINGS), setting::describe(server::SETTINGS));
        setting::describe(SETTINGS).into_iter().chain(broker).chain(door).collect()
    }

    /// Refuses what cannot work ([`ErrorKind::InvalidConfig`]).
    pub fn check(&self) -> Result<()> {
        let refuse = |text: String| Err(Error::new(ErrorKind::InvalidConfig, text));
        if self.data.is_some() && self.copy_of.is_some() {
            let text = "copy-of is for a broker in memory: leave out either data or copy-of";
            return refuse(text.to_owned());
        }
        match (&self.kafka, &self.advertise) {
            (_, Some(address)) if address.is_every_address() => {
                return refuse(format!(
                    "advertise: clients cannot connect to {address}; name an address or a host \
                     by which they reach this machine"
                ));
            }
            (Some(address), None) if address.is_every_address() => {
                return refuse(format!(
                    "kafka: {address} listens on every address of this machine; say with \
                     advertise which of them clients are to use"
                ));
            }
            _ => {}
        }
        self.broker.check()
    }

    /// The broker's settings, with the defaults that hold in memory.
    pub(super) fn broker_config(&self) -> Config {
        let mut config = self.broker.clone();
        let is_given = self.given.iter().any(|(name, _)| name == REBALANCE_DELAY);
        let default = Config::default().group_initial_rebalance_delay;
        if self.data.is_none() && !is_given && config.group_initial_rebalance_delay == default {
            config.group_initial_rebalance_delay = std::time::Duration::ZERO;
        }
        config
    }

    /// The Kafka door's settings where it listens on `address`.
    pub(super) fn server_config(&self, address: &Address) -> ServerConfig {
        let pair = |address: &Address| (address.host.clone(), address.port);
        ServerConfig {
            listen: pair(address),
            advertised: self.advertise.as_ref().map(pair),
            ..self.server.clone()
        }
    }
}

impl fmt::Display for EmbeddedConfig {
    /// What was set, in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Vec::new();
        let own = [
            ("data", self.data.as_ref().map(|path| path.display().to_string())),
            ("copy-of", self.copy_of.as_ref().map(|path| path.display().to_string())),
            ("kafka", self.kafka.as_ref().map(Address::to_string)),
            ("advertise", self.advertise.as_ref().map(Address::to_string)),
            ("log-level", Some(self.log_level.name().to_lowercase())),
        ];
        for (name, value) in own {
            line.extend(value.map(|value| format!("{name}={value}")));
        }
        let is_own = |name: &str| setting::find(SETTINGS, name).is_some();
        let others = self.given.iter().filter(|(name, _)| !is_own(name));
        line.extend(others.map(|(name, value)| format!("{name}={value}")));
        f.write_str(&line.join(" "))
    }
}

/// The settings that are not the broker's or the Kafka door's, by name in order.
const SETTINGS: &[Setting<EmbeddedConfig>] = &[
    Setting {
        name: "advertise",
        default: "as kafka",
        takes: Takes::Text("HOST:PORT", |config, text| {
            text.parse().map(|address| config.advertise = Some(address))
        }),
        meaning: "Where clients are told to connect; port 0 is that of kafka.",
    },
    Setting {
        name: "copy-of",
        default: "",
        takes: Takes::Text("a directory", |config, path| {
            directory(path).map(|path| config.copy_of = Some(path))
        }),
        meaning: "A data directory that a broker in memory begins with a copy of.",
    },
    Setting {
        name: "data",
        default: "",
        takes: Takes::Text("a directory", |config, path| {
            directory(path).map(|path| config.data = Some(path))
        }),
        meaning: "Where the data is kept; created if need be. Without it everything is in memory, \
                  and gone when the broker is closed. The program broker has ./data.",
    },
    Setting {
        name: "kafka",
        default: "",
        takes: Takes::Text("HOST:PORT", |config, text| {
            text.parse().map(|address| config.kafka = Some(address))
        }),
        meaning: "Where Kafka clients are served; port 0 takes a free one. Without it they are \
                  not. The program broker has 127.0.0.1:9092.",
    },
    Setting {
        name: "log-level",
        default: "info",
        takes: Takes::Text("error, warn, info, debug", |config, text| {
            let level = text.parse().map_err(|error: Error| error.to_string())?;
            config.log_level = level;
            Ok(())
        }),
        meaning: "What broker.log tells.",
    },
];

fn directory(path: &str) -> std::result::Result<PathBuf, String> {
    if path.is_empty() { Err("no directory is named".to_owned()) } else { Ok(path.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_setting_accepts_its_default_and_is_in_the_document() {
        setting::check_document("Where and what a broker is", SETTINGS);
        let mut config = EmbeddedConfig::default();
        config.set("log-level", "info").unwrap();
        assert_eq!(config.log_level, EmbeddedConfig::default().log_level);
    }

    #[test]
    fn settings_get_to_the_broker_the_door_and_here() {
        let mut config = EmbeddedConfig::default();
        for (name, value) in [
            ("data", "/var/lib/minka"),
            ("kafka", "0.0.0.0:9092"),
            ("advertise", "broker1.example:0"),
            ("log-level", "debug"),
            ("num.partitions", "3"),
            ("num.partitions", "12"),
            ("max.connections", "5"),
        ] {
            config.set(name, value).unwrap();
        }
        config.check().unwrap();
        assert_eq!(config.broker_config().default_partitions, 12);
        let server = config.server_config(&"[::1]:7".parse().unwrap());
        assert_eq!(server.listen, ("::1".to_owned(), 7));
        assert_eq!(server.advertised, Some(("broker1.example".to_owned(), 0)));
        assert_eq!(server.connections_max, 5);
        assert_eq!(
            config.to_string(),
            "data=/var/lib/minka kafka=0.0.0.0:9092 advertise=broker1.example:0 log-level=debug \
             num.partitions=12 max.connections=5"
        );
    }

    #[test]
    fn groups_wait_for_nobody_in_memory_unless_it_is_asked_for() {
        let mut config = EmbeddedConfig::default();
        assert_eq!(config.broker_config().group_initial_rebalance_delay, Duration::ZERO);
        config.set(REBALANCE_DELAY, "3000").unwrap();
        let asked = config.broker_config().group_initial_rebalance_delay;
        assert_eq!(asked, Duration::from_secs(3));
        let config = EmbeddedConfig { data: Some("d".into()), ..EmbeddedConfig::default() };
        let default = config.broker_config().group_initial_rebalance_delay;
        assert_eq!(default, Duration::from_secs(3));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (settings, says) in [
            (&[("dat", "d")][..], "there is no broker setting \"dat\"; did you mean data?"),
            (&[("data", "")], "data: no directory is named"),
            (&[("kafka", "9092")], "kafka: \"9092\" is not HOST:PORT"),
            (&[("log-level", "loud")], "log-level: \"loud\" is no log level"),
            (&[("max.connection", "1")], "did you mean max.connections"),
            (&[("data", "d"), ("copy-of", "e")], "copy-of is for a broker in memory"),
            (&[("kafka", "0.0.0.0:1")], "advertise"),
            (&[("advertise", "[::]:1")], "clients cannot connect to [::]:1"),
        ] {
            let mut config = EmbeddedConfig::default();
            let set = settings.iter().try_for_each(|(name, value)| config.set(name, value));
            let error = set.and_then(|()| config.check()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
