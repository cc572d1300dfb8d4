//! A broker with its doors, opened by settings that have names: what every binding stands on.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::{Broker, Hooks};
use crate::error::{Error, ErrorKind, Result};
use crate::server::Server;

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
#[derive(Debug)]
pub struct Embedded {
    broker: Arc<Broker>,
    server: Mutex<Option<Server>>,
}

impl Embedded {
    /// Opens a broker.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] names the setting; those of [`Broker::open`] and
    /// [`Server::start`].
    pub fn open(settings: &[(&str, &str)], hooks: Hooks) -> Result<Self> {
        let _ = (settings, hooks);
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }

    /// The broker, as clients in this process are opened on it.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.broker
    }

    /// Opens the Kafka door of a broker that has none.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] if it is open; those of [`Server::start`].
    pub fn listen(&self, address: &str) -> Result<SocketAddr> {
        let _ = address;
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }

    /// Where Kafka clients connect to, as `HOST:PORT`; `None` without a Kafka door.
    pub fn bootstrap_servers(&self) -> Option<String> {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.as_ref().map(|server| server.kafka_address().to_string())
    }

    /// Ends all connections of the Kafka door; it goes on accepting new ones.
    pub fn drop_connections(&self) {}

    /// Closes the doors, then the broker; the second time nothing is left to do.
    ///
    /// # Errors
    /// Those of [`Broker::close`].
    pub fn close(&self) -> Result<()> {
        if let Some(server) = self.server.lock().unwrap_or_else(PoisonError::into_inner).take() {
            server.close();
        }
        self.broker.close()
    }
}
