//! What a client is opened on.

use std::sync::Arc;

use crate::engine::Broker;

/// Where the broker is: in this process, or behind an address.
#[derive(Debug, Clone)]
pub enum Target {
    /// A broker in this process.
    Broker(Arc<Broker>),
    /// Addresses as `host:port`, separated by commas: any of them leads to the whole cluster. An
    /// IPv6 address stands in brackets.
    Address(String),
}

impl From<Arc<Broker>> for Target {
    fn from(broker: Arc<Broker>) -> Self {
        Self::Broker(broker)
    }
}

impl From<&Arc<Broker>> for Target {
    fn from(broker: &Arc<Broker>) -> Self {
        Self::Broker(broker.clone())
    }
}

impl From<&str> for Target {
    fn from(address: &str) -> Self {
        Self::Address(address.to_owned())
    }
}

impl From<String> for Target {
    fn from(address: String) -> Self {
        Self::Address(address)
    }
}
