//! How a consumer behaves: every setting, with its default.

use std::time::Duration;

use crate::client::common_settings;
use crate::client::config::{Credentials, check_credentials};
use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::setting::{self, MS_MAX, Setting, SettingDescription, Takes};

/// The longest group ID, in bytes: what a string of the protocol can be at most in a name.
const GROUP_BYTES_MAX: usize = 249;

/// The settings of a [`Consumer`](super::Consumer).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerConfig {
    /// What the consumer calls itself in the broker's log (`client.id`).
    pub client_id: String,
    /// The group that [`subscribe`](super::Consumer::subscribe) joins. Without one, partitions
    /// are assigned by hand.
    pub group: Option<Group>,
    /// Where to begin in a partition for which the group has committed nothing, or whose position
    /// no longer exists (`auto.offset.reset`). A queue group has a start of its own.
    pub start: Start,
    /// How many records a poll returns at most (`max.poll.records`).
    pub records_max: usize,
    /// How many bytes are fetched ahead of the application at most, beside one batch if that
    /// alone is larger.
    pub bytes_max: usize,
    /// How many bytes of one partition an answer of the broker has at most
    /// (`max.partition.fetch.bytes`).
    pub partition_bytes_max: usize,
    /// How long the broker may hold back a fetch for which it has nothing (`fetch.max.wait.ms`).
    pub fetch_wait: Duration,
    /// Whether what a poll returned counts as done when the next one is called: its positions
    /// are committed every [`auto_commit_interval`](Self::auto_commit_interval), its records are
    /// accepted in a queue group (`enable.auto.commit`).
    pub auto_commit: bool,
    /// How often positions are committed on their own (`auto.commit.interval.ms`).
    pub auto_commit_interval: Duration,
    /// How long a member may go without polling before it gives its partitions to others
    /// (`max.poll.interval.ms`).
    pub poll_interval_max: Duration,
    /// How long to wait for an answer of the broker (`request.timeout.ms`).
    pub request_timeout: Duration,
    /// How long to wait before the first attempt is repeated (`retry.backoff.ms`).
    pub retry_backoff_min: Duration,
    /// How long to wait at most between two attempts (`retry.backoff.max.ms`).
    pub retry_backoff_max: Duration,
    /// Who to log in as behind an address; `None` does not log in.
    pub credentials: Option<Credentials>,
}

/// The group that a consumer belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group {
    /// Each message goes to one member, which acknowledges it (a share group, KIP-932).
    Queue(String),
    /// Each partition belongs to one member (a consumer group, KIP-848).
    Partitions(String),
}

/// Where to begin in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the first record that is there.
    Earliest,
    /// With the next record that comes.
    Latest,
    /// With the first record of this time or later, in ms since 1970; where there is none, with
    /// the next that comes.
    Time(Millis),
}

/// Where to begin in a partition that is assigned by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAt {
    /// With the first record that is there.
    Earliest,
    /// With the next record that comes.
    Latest,
    /// As [`Start::Time`].
    Time(Millis),
    /// With the record of this offset, or the first one behind it.
    Offset(u64),
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        Self {
            client_id: "minka".to_owned(),
            group: None,
            start: Start::Earliest,
            records_max: 500,
            bytes_max: 16 << 20,
            partition_bytes_max: 1 << 20,
            fetch_wait: Duration::from_millis(500),
            auto_commit: true,
            auto_commit_interval: Duration::from_secs(5),
            poll_interval_max: Duration::from_secs(300),
            request_timeout: Duration::from_secs(30),
            retry_backoff_min: Duration::from_millis(100),
            retry_backoff_max: Duration::from_secs(1),
            credentials: None,
        }
    }
}

impl ConsumerConfig {
    /// Sets one setting by its Kafka name, such as `group.id`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a name that is none, or a value that it cannot have.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        setting::set(self, "consumer", SETTINGS, name, value)
    }

    /// All settings that have a name, in order.
    pub fn settings() -> Vec<SettingDescription> {
        setting::describe(SETTINGS)
    }

    /// Refuses what cannot work ([`ErrorKind::InvalidConfig`], [`ErrorKind::InvalidGroupId`]).
    pub fn check(&self) -> Result<()> {
        let refuse = |text: &str| Err(Error::new(ErrorKind::InvalidConfig, text));
        if self.records_max == 0 || self.bytes_max == 0 || self.partition_bytes_max == 0 {
            return refuse(
                "max.poll.records, fetch.max.bytes and max.partition.fetch.bytes must be above 0",
            );
        }
        if self.request_timeout.is_zero() || self.poll_interval_max.is_zero() {
            return refuse("request.timeout.ms and max.poll.interval.ms must be above 0");
        }
        if self.retry_backoff_min.is_zero() || self.retry_backoff_min > self.retry_backoff_max {
            return refuse("retry.backoff.ms must be above 0 and not above retry.backoff.max.ms");
        }
        let times = [
            self.fetch_wait,
            self.auto_commit_interval,
            self.poll_interval_max,
            self.request_timeout,
            self.retry_backoff_max,
        ];
        if times.iter().any(|time| time.as_millis() > u128::from(MS_MAX)) {
            return refuse("no time may be longer than 2147483647 ms, about 24 days");
        }
        check_credentials(self.credentials.as_ref())?;
        match &self.group {
            Some(Group::Queue(name) | Group::Partitions(name)) => check_group(name),
            None => Ok(()),
        }
    }
}

impl From<Start> for StartAt {
    fn from(start: Start) -> Self {
        match start {
            Start::Earliest => Self::Earliest,
            Start::Latest => Self::Latest,
            Start::Time(time) => Self::Time(time),
        }
    }
}

/// A group's ID is not empty and not longer than a topic's name may be.
fn check_group(name: &str) -> Result<()> {
    if (1..=GROUP_BYTES_MAX).contains(&name.len()) {
        return Ok(());
    }
    if name.is_empty() {
        let text = "the group has no ID: give it one (group.id)";
        return Err(Error::new(ErrorKind::InvalidGroupId, text));
    }
    let text =
        format!("a group's ID has 1 to {GROUP_BYTES_MAX} bytes; this one has {}", name.len());
    Err(Error::new(ErrorKind::InvalidGroupId, text))
}

fn set_group_id(config: &mut ConsumerConfig, name: &str) -> std::result::Result<(), String> {
    check_group(name).map_err(|error| error.to_string())?;
    config.group = Some(match config.group {
        Some(Group::Partitions(_)) => Group::Partitions(name.to_owned()),
        _ => Group::Queue(name.to_owned()),
    });
    Ok(())
}

/// May come before the ID.
fn set_group_type(config: &mut ConsumerConfig, word: &str) {
    let name = match config.group.take() {
        Some(Group::Queue(name) | Group::Partitions(name)) => name,
        None => String::new(),
    };
    let is_queue = word == "queue";
    config.group = Some(if is_queue { Group::Queue(name) } else { Group::Partitions(name) });
}

fn set_start(config: &mut ConsumerConfig, text: &str) -> std::result::Result<(), String> {
    let time = text.strip_prefix("time:").and_then(|time| time.parse().ok());
    config.start = match (text, time) {
        ("earliest", _) => Start::Earliest,
        ("latest", _) => Start::Latest,
        (_, Some(time)) if time >= 0 => Start::Time(time),
        _ => {
            return Err(format!(
                "{text:?} is not earliest, latest or a time such as time:1700000000000, in ms \
                 since 1970"
            ));
        }
    };
    Ok(())
}

/// The settings by name, in order.
const SETTINGS: &[Setting<ConsumerConfig>] = &[
    Setting {
        name: "auto.commit.interval.ms",
        default: "5000",
        takes: Takes::Millis(0, MS_MAX, |config, time| config.auto_commit_interval = time),
        meaning: "How often positions are committed on their own.",
    },
    Setting {
        name: "auto.offset.reset",
        default: "earliest",
        takes: Takes::Text("earliest, latest, time: and ms since 1970", set_start),
        meaning: "Where to begin in a partition for which the group has committed nothing.",
    },
    common_settings::client_id(),
    Setting {
        name: "enable.auto.commit",
        default: "true",
        takes: Takes::Bool(|config, on| config.auto_commit = on),
        meaning: "Whether what a poll returned counts as done when the next one is called.",
    },
    Setting {
        name: "fetch.max.bytes",
        default: "16777216",
        takes: Takes::Number(1, MS_MAX, |config, number| config.bytes_max = number as usize),
        meaning: "How many bytes are fetched ahead of the application, beside one batch if \
                  that alone is larger.",
    },
    Setting {
        name: "fetch.max.wait.ms",
        default: "500",
        takes: Takes::Millis(0, MS_MAX, |config, time| config.fetch_wait = time),
        meaning: "How long the broker may hold back a fetch for which it has nothing.",
    },
    Setting {
        name: "group.id",
        default: "",
        takes: Takes::Text("1 to 249 bytes", set_group_id),
        meaning: "The group that subscribing joins; without one, partitions are assigned by hand.",
    },
    Setting {
        name: "group.type",
        default: "queue",
        takes: Takes::Word(&["queue", "partitions"], set_group_type),
        meaning: "queue: each message goes to one member, which acknowledges it (KIP-932). \
                  partitions: each partition belongs to one member (KIP-848).",
    },
    Setting {
        name: "max.partition.fetch.bytes",
        default: "1048576",
        takes: Takes::Number(1, MS_MAX, |config, number| {
            config.partition_bytes_max = number as usize
        }),
        meaning: "How many bytes of one partition an answer of the broker has at most.",
    },
    Setting {
        name: "max.poll.interval.ms",
        default: "300000",
        takes: Takes::Millis(1, MS_MAX, |config, time| config.poll_interval_max = time),
        meaning: "How long a member may go without polling before others get its partitions.",
    },
    Setting {
        name: "max.poll.records",
        default: "500",
        takes: Takes::Number(1, MS_MAX, |config, number| config.records_max = number as usize),
        meaning: "How many records a poll returns at most.",
    },
    common_settings::request_timeout(),
    common_settings::retry_backoff_max(),
    common_settings::retry_backoff(),
    common_settings::sasl_mechanism(),
    common_settings::sasl_password(),
    common_settings::sasl_username(),
    common_settings::security_protocol(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_accepts_its_default_and_is_in_the_document() {
        // A type alone makes a group without an ID.
        let names = |entry: &&Setting<ConsumerConfig>| entry.name != "group.type";
        for entry in SETTINGS.iter().filter(names) {
            let mut config = ConsumerConfig::default();
            if !entry.default.is_empty() && !entry.default.contains(' ') {
                config.set(entry.name, entry.default).unwrap();
            }
            assert_eq!(config, ConsumerConfig::default(), "{}", entry.name);
        }
        setting::check_document("Consumer", SETTINGS);
    }

    #[test]
    fn every_setting_gets_to_its_field() {
        let mut config = ConsumerConfig::default();
        for entry in SETTINGS {
            let value = match entry.name {
                "auto.offset.reset" => "time:1700000000000",
                "client.id" | "group.id" | "sasl.username" | "sasl.password" => "abc",
                "enable.auto.commit" => "false",
                "group.type" => "partitions",
                "sasl.mechanism" => "PLAIN",
                "security.protocol" => "PLAINTEXT",
                _ => "7",
            };
            config.set(entry.name, value).unwrap();
        }
        let time = Duration::from_millis(7);
        let abc = || "abc".to_owned();
        let expected = ConsumerConfig {
            client_id: abc(),
            group: Some(Group::Partitions(abc())),
            start: Start::Time(1_700_000_000_000),
            records_max: 7,
            bytes_max: 7,
            partition_bytes_max: 7,
            fetch_wait: time,
            auto_commit: false,
            auto_commit_interval: time,
            poll_interval_max: time,
            request_timeout: time,
            retry_backoff_min: time,
            retry_backoff_max: time,
            credentials: Some(Credentials { user: abc(), password: abc() }),
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn a_group_is_told_in_any_order() {
        let group = |settings: &[(&str, &str)]| {
            let mut config = ConsumerConfig::default();
            for (name, value) in settings {
                config.set(name, value).unwrap();
            }
            config.check().map(|()| config.group)
        };
        let (id, kind) = (("group.id", "g"), ("group.type", "partitions"));
        assert_eq!(group(&[id]).unwrap(), Some(Group::Queue("g".to_owned())));
        assert_eq!(group(&[id, kind]).unwrap(), Some(Group::Partitions("g".to_owned())));
        assert_eq!(group(&[kind, id]).unwrap(), Some(Group::Partitions("g".to_owned())));
        assert!(group(&[kind]).unwrap_err().to_string().contains("group.id"));
        let mut config = ConsumerConfig::default();
        for (name, value) in [
            ("group.id", ""),
            ("group.type", "share"),
            ("auto.offset.reset", "time:"),
            ("auto.offset.reset", "time:-5"),
            ("auto.offset.reset", "none"),
        ] {
            let error = config.set(name, value).unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }
}
