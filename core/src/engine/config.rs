//! How a broker behaves: every setting, with its default.

use std::time::Duration;

use super::hooks::Hooks;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::PARTITIONS_PER_TOPIC_MAX;
use crate::setting::{self, MS_MAX, Setting, Takes};

const DAY_MS: u64 = 24 * 3_600_000;
const SEGMENT_BYTES_MIN: u64 = 64 << 10;
const SEGMENT_BYTES_MAX: u64 = 2 << 30;

/// The settings of a broker.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whether a topic that a client names is created if it does not exist
    /// (`auto.create.topics.enable`).
    pub auto_create_topics: bool,
    /// How many partitions a topic gets that does not say (`num.partitions`).
    pub default_partitions: u32,
    /// How long records that nobody waits for may stay unsynced (`flush.interval.ms`).
    pub flush_interval: Duration,
    /// The size at which a segment is sealed, in bytes (`log.segment.bytes`).
    pub segment_bytes: u64,
    /// How often retention is looked at and space given back
    /// (`log.retention.check.interval.ms`).
    pub retention_check_interval: Duration,
    /// How long committed offsets of an empty group are kept (`offsets.retention.minutes`).
    pub offsets_retention: Duration,
    /// How long an idempotent producer is remembered (`producer.id.expiration.ms`).
    pub producer_expiration: Duration,
    /// How long a new group waits for more members (`group.initial.rebalance.delay.ms`).
    pub group_initial_rebalance_delay: Duration,
    /// The shortest session timeout of a member (`group.min.session.timeout.ms`).
    pub group_session_timeout_min: Duration,
    /// The longest session timeout of a member (`group.max.session.timeout.ms`).
    pub group_session_timeout_max: Duration,
    /// How long a member of a consumer group may be silent
    /// (`group.consumer.session.timeout.ms`).
    pub group_consumer_session_timeout: Duration,
    /// How often a member of a consumer group is to heartbeat
    /// (`group.consumer.heartbeat.interval.ms`).
    pub group_consumer_heartbeat_interval: Duration,
    /// How many members a group may have (`group.max.size`).
    pub group_size_max: usize,
    /// How many cells the circular queue has.
    pub queue_cells: usize,
    /// How long a producer waits for room in the queue before it gets `QUEUE_FULL`.
    pub queue_timeout: Duration,
    /// What the embedding program has a say in.
    pub hooks: Hooks,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            auto_create_topics: true,
            default_partitions: 1,
            flush_interval: Duration::from_secs(1),
            segment_bytes: 64 << 20,
            retention_check_interval: Duration::from_secs(300),
            offsets_retention: Duration::from_secs(7 * 24 * 3600),
            producer_expiration: Duration::from_secs(24 * 3600),
            group_initial_rebalance_delay: Duration::from_secs(3),
            group_session_timeout_min: Duration::from_secs(6),
            group_session_timeout_max: Duration::from_secs(1800),
            group_consumer_session_timeout: Duration::from_secs(45),
            group_consumer_heartbeat_interval: Duration::from_secs(5),
            group_size_max: 10_000,
            queue_cells: 4096,
            queue_timeout: Duration::from_secs(10),
            hooks: Hooks::default(),
        }
    }
}

impl Config {
    /// Sets one setting by its Kafka name, such as `num.partitions`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a name that is none, or a value that it cannot have.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        setting::set(self, "broker", SETTINGS, name, value)
    }

    /// Refuses what cannot work ([`ErrorKind::InvalidConfig`]).
    pub fn check(&self) -> Result<()> {
        let refuse = |text: &str| Err(Error::new(ErrorKind::InvalidConfig, text));
        if !(1..=PARTITIONS_PER_TOPIC_MAX).contains(&self.default_partitions) {
            return refuse("num.partitions must be from 1 to 100000");
        }
        if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&self.segment_bytes) {
            return refuse("log.segment.bytes must be from 65536 (64 KiB) to 2147483648 (2 GiB)");
        }
        if self.flush_interval.is_zero() || self.retention_check_interval.is_zero() {
            return refuse("flush.interval.ms and log.retention.check.interval.ms must be above 0");
        }
        if self.queue_cells == 0 {
            return refuse("the queue must have at least one cell");
        }
        if self.group_session_timeout_min > self.group_session_timeout_max {
            return refuse("group.min.session.timeout.ms is above group.max.session.timeout.ms");
        }
        if self.group_consumer_heartbeat_interval.is_zero()
            || self.group_consumer_heartbeat_interval >= self.group_consumer_session_timeout
        {
            return refuse(
                "group.consumer.heartbeat.interval.ms must be above 0 and below \
                 group.consumer.session.timeout.ms",
            );
        }
        Ok(())
    }
}

/// The settings by name, in order.
pub(crate) const SETTINGS: &[Setting<Config>] = &[
    Setting {
        name: "auto.create.topics.enable",
        default: "true",
        takes: Takes::Bool(|config, on| config.auto_create_topics = on),
        meaning: "Whether a topic that a client names is created if it does not exist.",
    },
    Setting {
        name: "flush.interval.ms",
        default: "1000",
        takes: Takes::Millis(1, DAY_MS, |config, time| config.flush_interval = time),
        meaning: "How long records that nobody waits for (acks below all) may stay off the disk.",
    },
    Setting {
        name: "group.consumer.heartbeat.interval.ms",
        default: "5000",
        takes: Takes::Millis(1, DAY_MS, |config, time| {
            config.group_consumer_heartbeat_interval = time
        }),
        meaning: "How often a member of a consumer group (KIP-848) is to be heard of.",
    },
    Setting {
        name: "group.consumer.session.timeout.ms",
        default: "45000",
        takes: Takes::Millis(1, DAY_MS, |config, time| {
            config.group_consumer_session_timeout = time
        }),
        meaning: "How long a member of a consumer group (KIP-848) may be silent.",
    },
    Setting {
        name: "group.initial.rebalance.delay.ms",
        default: "3000",
        takes: Takes::Millis(0, DAY_MS, |config, time| config.group_initial_rebalance_delay = time),
        meaning: "How long a new group waits for more members; a broker in memory does not.",
    },
    Setting {
        name: "group.max.session.timeout.ms",
        default: "1800000",
        takes: Takes::Millis(1, MS_MAX, |config, time| config.group_session_timeout_max = time),
        meaning: "The longest session timeout that a member may ask for.",
    },
    Setting {
        name: "group.max.size",
        default: "10000",
        takes: Takes::Number(1, MS_MAX, |config, number| config.group_size_max = number as usize),
        meaning: "How many members a group may have.",
    },
    Setting {
        name: "group.min.session.timeout.ms",
        default: "6000",
        takes: Takes::Millis(1, MS_MAX, |config, time| config.group_session_timeout_min = time),
        meaning: "The shortest session timeout that a member may ask for.",
    },
    Setting {
        name: "log.retention.check.interval.ms",
        default: "300000",
        takes: Takes::Millis(1, DAY_MS, |config, time| config.retention_check_interval = time),
        meaning: "How often expired records are looked for, and space is given back.",
    },
    Setting {
        name: "log.segment.bytes",
        default: "67108864",
        takes: Takes::Number(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX, |config, number| {
            config.segment_bytes = number
        }),
        meaning: "How large mensajes.log grows before the next one is begun.",
    },
    Setting {
        name: "num.partitions",
        default: "1",
        takes: Takes::Number(1, PARTITIONS_PER_TOPIC_MAX as u64, |config, number| {
            config.default_partitions = number as u32
        }),
        meaning: "How many partitions a topic gets that does not say.",
    },
    Setting {
        name: "offsets.retention.minutes",
        default: "10080",
        takes: Takes::Number(1, MS_MAX, |config, minutes| {
            config.offsets_retention = Duration::from_secs(60 * minutes);
        }),
        meaning: "How long committed offsets of a group without members are kept.",
    },
    Setting {
        name: "producer.id.expiration.ms",
        default: "86400000",
        takes: Takes::Millis(1, MS_MAX, |config, time| config.producer_expiration = time),
        meaning: "How long an idempotent producer that is silent is remembered.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_accepts_its_default_and_is_in_the_document() {
        setting::check_defaults(SETTINGS);
        setting::check_document("Broker", SETTINGS);
    }

    #[test]
    fn every_setting_gets_to_its_field() {
        let mut config = Config::default();
        for entry in SETTINGS {
            let value = match entry.takes {
                Takes::Bool(_) => "false",
                Takes::Number(min, ..) if min > 1 => "65536",
                _ => "7",
            };
            config.set(entry.name, value).unwrap();
        }
        let time = Duration::from_millis(7);
        let expected = Config {
            auto_create_topics: false,
            default_partitions: 7,
            flush_interval: time,
            segment_bytes: 65_536,
            retention_check_interval: time,
            offsets_retention: Duration::from_secs(420),
            producer_expiration: time,
            group_initial_rebalance_delay: time,
            group_session_timeout_min: time,
            group_session_timeout_max: time,
            group_consumer_session_timeout: time,
            group_consumer_heartbeat_interval: time,
            group_size_max: 7,
            ..Config::default()
        };
        assert_eq!(format!("{config:?}"), format!("{expected:?}"));
    }
}
