//! A broker with its doors, opened by settings that have names: what every binding stands on.

mod address;
mod config;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::address::Address;
pub use self::config::EmbeddedConfig;
use crate::engine::{Broker, Hooks};
use crate::error::{Error, ErrorKind, Result};
use crate::server::Server;
use crate::sys::dir_lock::DirLock;
use crate::sys::event_log::{EventLog, FILE_BYTES_DEFAULT, KEPT_FILES_DEFAULT, Level};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A broker in this process, with its doors. May be used from any thread; [`Embedded::close`] or
/// dropping it ends it.
///
/// Its settings are those of the program `broker`, by the same names, and:
///
/// | name | |
/// |---|---|
/// | `data` | the data directory; without it everything is in memory, and gone when it is closed |
/// | `copy-of` | a data directory that a broker in memory begins with a copy of |
/// | `kafka` | `HOST:PORT` of the Kafka door; port 0 takes a free one; without it there is none |
/// | `advertise` | `HOST:PORT` that clients are told |
/// | `log-level` | what `broker.log` tells: `error`, `warn`, `info` or `debug` |
///
/// In memory there is no `broker.log`, and `group.initial.rebalance.delay.ms` is 0 by default.
///
/// ```
/// use minka::Embedded;
/// use minka::engine::Hooks;
///
/// # fn main() -> minka::Result<()> {
/// let settings = [("kafka", "127.0.0.1:0"), ("num.partitions", "3")];
/// let embedded = Embedded::open(&settings, Hooks::default())?;
/// assert!(embedded.bootstrap_servers().is_some());
/// embedded.close()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Embedded {
    broker: Arc<Broker>,
    config: EmbeddedConfig,
    doors: Mutex<Doors>,
}

#[derive(Debug, Default)]
struct Doors {
    kafka: Option<Server>,
    closed: bool,
}

impl Embedded {
    /// Opens a broker.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] names the setting; those of [`Broker::open`] and
    /// [`Server::start`].
    pub fn open(settings: &[(&str, &str)], hooks: Hooks) -> Result<Self> {
        let mut config = EmbeddedConfig::default();
        for (name, value) in settings {
            config.set(name, value)?;
        }
        config.broker.hooks = hooks;
        Self::open_with(config)
    }

    /// Opens a broker with settings that were set before.
    ///
    /// # Errors
    /// Those of [`Embedded::open`].
    pub fn open_with(config: EmbeddedConfig) -> Result<Self> {
        config.check()?;
        match &config.data {
            Some(directory) => Self::on_disk(directory, &config),
            None => Self::in_memory(config),
        }
    }

    /// The broker, as clients in this process are opened on it.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.broker
    }

    /// Opens the Kafka door of a broker that has none.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] if it is open, [`ErrorKind::Closed`] after
    /// [`Embedded::close`], [`ErrorKind::InvalidConfig`] for an address that is none; those of
    /// [`Server::start`].
    pub fn listen(&self, address: &str) -> Result<SocketAddr> {
        let invalid = |text| Error::new(ErrorKind::InvalidConfig, text);
        let address: Address = address.parse().map_err(invalid)?;
        let mut doors = self.doors();
        if doors.closed {
            return Err(Error::new(ErrorKind::Closed, "the broker has been closed"));
        }
        if let Some(server) = &doors.kafka {
            let text = format!("the broker listens on {} already", server.kafka_address());
            return Err(Error::new(ErrorKind::InvalidRequest, text));
        }
        let server = Server::start(self.broker.clone(), self.config.server_config(&address))?;
        Ok(doors.kafka.insert(server).kafka_address())
    }

    /// Where the Kafka door listens: the real port where port 0 was asked for; `None` without one.
    pub fn kafka_address(&self) -> Option<SocketAddr> {
        self.doors().kafka.as_ref().map(Server::kafka_address)
    }

    /// Where Kafka clients connect to, as `HOST:PORT`; `None` without a Kafka door.
    pub fn bootstrap_servers(&self) -> Option<String> {
        let doors = self.doors();
        let listening = doors.kafka.as_ref()?.kafka_address();
        let Some(mut address) = self.config.advertise.clone() else {
            return Some(listening.to_string());
        };
        if address.port == 0 {
            address.port = listening.port();
        }
        Some(address.to_string())
    }

    /// Ends all connections of the Kafka door; it goes on accepting new ones. Not to be called by
    /// a hook, which would wait for itself.
    pub fn drop_connections(&self) {
        if let Some(server) = &self.doors().kafka {
            server.drop_connections();
        }
    }

    /// Closes the doors, then the broker; the second time nothing is left to do.
    ///
    /// # Errors
    /// Those of [`Broker::close`].
    pub fn close(&self) -> Result<()> {
        let (server, before) = {
            let mut doors = self.doors();
            (doors.kafka.take(), std::mem::replace(&mut doors.closed, true))
        };
        if let Some(server) = server {
            server.close();
        }
        let closed = self.broker.close();
        match &closed {
            Ok(()) if before => {}
            Ok(()) => self.log(Level::Info, format_args!("minka {VERSION} has ended")),
            Err(error) => self.log(Level::Error, format_args!("minka {VERSION} fails: {error}")),
        }
        closed
    }

    fn log(&self, level: Level, text: std::fmt::Arguments<'_>) {
        self.broker.events().log(level, text);
    }

    fn on_disk(directory: &Path, config: &EmbeddedConfig) -> Result<Self> {
        std::fs::create_dir_all(directory).map_err(|error| {
            let doing = format_args!("creating the data directory {}", directory.display());
            Error::storage(doing, error)
        })?;
        // Before the log is opened: the one that is there belongs to whoever has the directory.
        let lock = DirLock::acquire(directory)?;
        let (bytes_max, kept) = (FILE_BYTES_DEFAULT, KEPT_FILES_DEFAULT);
        let log = Arc::new(EventLog::open(directory, config.log_level, bytes_max, kept)?);
        log.log(Level::Info, format_args!("minka {VERSION} starts: {config}"));
        Broker::open_locked(directory, lock, config.broker_config(), log.clone())
            .and_then(|broker| Self::open_doors(broker, config.clone()))
            .inspect_err(|error| {
                log.log(Level::Error, format_args!("minka {VERSION} fails: {error}"));
            })
    }

    fn in_memory(config: EmbeddedConfig) -> Result<Self> {
        let (settings, log) = (config.broker_config(), Arc::new(EventLog::none()));
        let broker = match &config.copy_of {
            Some(directory) => Broker::open_copy(directory, settings, log)?,
            None => Broker::ephemeral(settings, log)?,
        };
        Self::open_doors(broker, config)
    }

    fn open_doors(broker: Broker, config: EmbeddedConfig) -> Result<Self> {
        let broker = Arc::new(broker);
        let mut doors = Doors::default();
        if let Some(address) = &config.kafka {
            doors.kafka = Some(Server::start(broker.clone(), config.server_config(address))?);
        }
        Ok(Self { broker, config, doors: Mutex::new(doors) })
    }

    fn doors(&self) -> MutexGuard<'_, Doors> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // Whoever wants to know about a failure calls close() first.
        let _ = self.close();
    }
}
