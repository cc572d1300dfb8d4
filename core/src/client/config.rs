//! How clients behave: every setting, with its default.

use std::fmt;
use std::time::Duration;

use super::backoff::Backoff;
use super::settings::{ADMIN, PRODUCER};
use crate::batch::compression::Codec;
use crate::engine::Acks;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::BATCH_BYTES_MAX;
use crate::setting::{self, SettingDescription};

/// A user name and password, for brokers that ask for them (SASL/PLAIN).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name (`sasl.username`).
    pub user: String,
    /// The password (`sasl.password`). It is never shown.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// The settings of a [`Producer`](super::Producer).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducerConfig {
    /// What the client calls itself (`client.id`).
    pub client_id: String,
    /// What an acknowledgement promises (`acks`). With [`Acks::None`] nothing is known of a record
    /// but that it was sent.
    pub acks: Acks,
    /// Whether a record that has to be sent again is still stored exactly once, in order
    /// (`enable.idempotence`). Only with [`Acks::Synced`]; without it, one batch per partition is
    /// under way at a time, so that the order holds, and a record may be stored twice. In this
    /// process it is always so.
    pub idempotent: bool,
    /// How long a batch waits for more records (`linger.ms`). Zero waits for no clock: what is sent
    /// while nothing is under way leaves at once, and what is sent meanwhile gathers until an
    /// answer comes, so that batches grow with the load and a lone record waits for nobody.
    pub linger: Duration,
    /// The size at which a batch leaves in any case, in bytes before compression (`batch.size`).
    pub batch_bytes: usize,
    /// How batches are compressed (`compression.type`).
    pub compression: Codec,
    /// How many bytes of records may wait for their acknowledgement; more wait in `send`
    /// (`buffer.memory`).
    pub buffer_bytes: usize,
    /// How long `send` waits for room in the buffer, or to hear of a topic (`max.block.ms`).
    pub block_max: Duration,
    /// How long a record may take, with everything that has to be tried again
    /// (`delivery.timeout.ms`).
    pub delivery_timeout: Duration,
    /// How long a broker may take to answer one request (`request.timeout.ms`).
    pub request_timeout: Duration,
    /// The shortest delay before something is tried again (`retry.backoff.ms`).
    pub retry_backoff_min: Duration,
    /// The longest delay before something is tried again (`retry.backoff.max.ms`).
    pub retry_backoff_max: Duration,
    /// Who to log in as behind an address; `None` does not log in.
    pub credentials: Option<Credentials>,
}

impl Default for ProducerConfig {
    fn default() -> Self {
        Self {
            client_id: "minka".to_owned(),
            acks: Acks::Synced,
            idempotent: true,
            linger: Duration::ZERO,
            batch_bytes: 64 << 10,
            compression: Codec::None,
            buffer_bytes: 32 << 20,
            block_max: Duration::from_secs(60),
            delivery_timeout: Duration::from_secs(120),
            request_timeout: Duration::from_secs(30),
            retry_backoff_min: Duration::from_millis(100),
            retry_backoff_max: Duration::from_secs(1),
            credentials: None,
        }
    }
}

impl ProducerConfig {
    /// Sets one setting by its Kafka name, such as `linger.ms`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a name that is none, or a value that it cannot have.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        setting::set(self, "producer", PRODUCER, name, value)
    }

    /// All settings that have a name, in order.
    pub fn settings() -> Vec<SettingDescription> {
        setting::describe(PRODUCER)
    }

    /// Refuses what cannot work ([`ErrorKind::InvalidConfig`]).
    pub fn check(&self) -> Result<()> {
        if self.batch_bytes == 0 || self.batch_bytes > BATCH_BYTES_MAX as usize {
            return refuse(&format!("batch.size must be from 1 to {BATCH_BYTES_MAX}"));
        }
        if self.buffer_bytes < self.batch_bytes {
            return refuse("buffer.memory must be at least batch.size");
        }
        if self.delivery_timeout.is_zero() {
            return refuse("delivery.timeout.ms must be above 0");
        }
        check_credentials(self.credentials.as_ref())?;
        check_common(self.request_timeout, self.retry_backoff_min, self.retry_backoff_max)
    }

    /// Whether batches carry a producer ID and sequence numbers.
    pub(super) fn stamps(&self) -> bool {
        self.idempotent && self.acks == Acks::Synced
    }

    pub(super) fn backoff(&self) -> Backoff {
        Backoff::new(self.retry_backoff_min, self.retry_backoff_max)
    }
}

/// The settings of an [`Admin`](super::Admin).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminConfig {
    /// What the client calls itself (`client.id`).
    pub client_id: String,
    /// How long a call may take, with everything that has to be tried again
    /// (`default.api.timeout.ms`).
    pub timeout: Duration,
    /// How long a broker may take to answer one request (`request.timeout.ms`).
    pub request_timeout: Duration,
    /// The shortest delay before something is tried again (`retry.backoff.ms`).
    pub retry_backoff_min: Duration,
    /// The longest delay before something is tried again (`retry.backoff.max.ms`).
    pub retry_backoff_max: Duration,
    /// Who to log in as behind an address; `None` does not log in.
    pub credentials: Option<Credentials>,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self {
            client_id: "minka".to_owned(),
            timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(30),
            retry_backoff_min: Duration::from_millis(100),
            retry_backoff_max: Duration::from_secs(1),
            credentials: None,
        }
    }
}

impl AdminConfig {
    /// Sets one setting by its Kafka name, such as `request.timeout.ms`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a name that is none, or a value that it cannot have.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        setting::set(self, "admin", ADMIN, name, value)
    }

    /// All settings that have a name, in order.
    pub fn settings() -> Vec<SettingDescription> {
        setting::describe(ADMIN)
    }

    /// Refuses what cannot work ([`ErrorKind::InvalidConfig`]).
    pub fn check(&self) -> Result<()> {
        check_credentials(self.credentials.as_ref())?;
        check_common(self.request_timeout, self.retry_backoff_min, self.retry_backoff_max)
    }

    pub(super) fn backoff(&self) -> Backoff {
        Backoff::new(self.retry_backoff_min, self.retry_backoff_max)
    }
}

fn check_common(request: Duration, backoff_min: Duration, backoff_max: Duration) -> Result<()> {
    if request.is_zero() {
        return refuse("request.timeout.ms must be above 0");
    }
    if backoff_min.is_zero() || backoff_min > backoff_max {
        return refuse("retry.backoff.ms must be above 0 and not above retry.backoff.max.ms");
    }
    Ok(())
}

/// Refuses half a login.
pub(super) fn check_credentials(credentials: Option<&Credentials>) -> Result<()> {
    match credentials {
        Some(login) if login.user.is_empty() || login.password.is_empty() => {
            refuse("sasl.username and sasl.password go together: give both")
        }
        _ => Ok(()),
    }
}

fn refuse(text: &str) -> Result<()> {
    Err(Error::new(ErrorKind::InvalidConfig, text))
}
