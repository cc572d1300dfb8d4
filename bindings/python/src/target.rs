//! What a client is opened on: a broker of this process, or an address.

use std::sync::{Arc, Weak};

use minka::client;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::broker::{self, Broker};
use crate::convert::wrong_type;
use crate::error::{Raise, closed};

/// What a client is opened on.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    ground: client::Target,
    broker: Option<Arc<broker::Inner>>,
}

/// A client of a broker in this process, which may end before its clients do.
pub(crate) trait Client: Send + Sync {
    /// Ends what waits: the broker is closed.
    fn broker_closed(&self);
}

impl Target {
    /// A `Broker`, or a `str` of `HOST:PORT`, of which there may be several between commas.
    pub(crate) fn new(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(broker) = value.cast::<Broker>() {
            let inner = broker.get().inner().clone();
            inner.check().or_raise(value.py())?;
            let ground = client::Target::Broker(inner.embedded().broker().clone());
            return Ok(Self { ground, broker: Some(inner) });
        }
        if let Ok(address) = value.cast::<PyString>() {
            let ground = client::Target::Address(address.to_cow()?.into_owned());
            return Ok(Self { ground, broker: None });
        }
        Err(wrong_type("target", "a Broker or an address such as \"localhost:9092\"", value))
    }

    /// As core wants it.
    pub(crate) fn ground(&self) -> client::Target {
        self.ground.clone()
    }

    /// Whether the broker is behind an address.
    pub(crate) fn is_remote(&self) -> bool {
        self.broker.is_none()
    }

    /// Refuses a broker of this process that is closed.
    pub(crate) fn check(&self) -> minka::Result<()> {
        match &self.broker {
            Some(broker) if broker.is_closed() => Err(closed("broker")),
            _ => Ok(()),
        }
    }

    /// Has a client told when a broker of this process is closed.
    pub(crate) fn tell(&self, client: Weak<dyn Client>) {
        if let Some(broker) = &self.broker {
            broker.add_client(client);
        }
    }
}
