//! How a consumer behaves: every setting, with its default.

use std::time::Duration;

use crate::client::config::Credentials;
use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};

/// The longest group ID, in bytes: what a string of the protocol can be at most in a name.
const GROUP_BYTES_MAX: usize = 249;

/// The longest time that the protocol can say, in ms.
const TIME_MS_MAX: u128 = i32::MAX as u128;

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
        let _ = value;
        Err(Error::new(ErrorKind::InvalidConfig, format!("there is no setting {name}")))
    }

    /// Refuses what cannot work ([`ErrorKind::InvalidConfig`], [`ErrorKind::InvalidGroupId`]).
    pub fn check(&self) -> Result<()> {
        let refuse = |text: &str| Err(Error::new(ErrorKind::InvalidConfig, text));
        if self.records_max == 0 || self.bytes_max == 0 || self.partition_bytes_max == 0 {
            return refuse("records_max, bytes_max and partition_bytes_max must be above 0");
        }
        if self.request_timeout.is_zero() || self.poll_interval_max.is_zero() {
            return refuse("request_timeout and poll_interval_max must be above 0");
        }
        if self.retry_backoff_min.is_zero() || self.retry_backoff_min > self.retry_backoff_max {
            return refuse("retry_backoff_min must be above 0 and not above retry_backoff_max");
        }
        let times = [
            self.fetch_wait,
            self.auto_commit_interval,
            self.poll_interval_max,
            self.request_timeout,
            self.retry_backoff_max,
        ];
        if times.iter().any(|time| time.as_millis() > TIME_MS_MAX) {
            return refuse("no time may be longer than 2147483647 ms, about 24 days");
        }
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
    let text =
        format!("a group's ID has 1 to {GROUP_BYTES_MAX} bytes; this one has {}", name.len());
    Err(Error::new(ErrorKind::InvalidGroupId, text))
}
