//! Faults that a test asks for: the n-th call of an API fails, is late, or its connection ends.

use std::time::Duration;

use super::Broker;
use crate::error::{ErrorKind, Result};

/// A fault to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it happens to: an API by its Kafka name (`Produce`, `Fetch`, `OffsetCommit`, ...), or
    /// the disk: `disk.write`, `disk.sync`, `disk.read`.
    pub at: String,
    /// The call from now on with which it begins: 1 is the next.
    pub nth: u64,
    /// How many calls it happens to from there on; `u64::MAX` for all.
    pub times: u64,
    /// What happens.
    pub effect: Effect,
}

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The call does nothing and fails with this error. On the disk this is an I/O error whatever
    /// the kind.
    Error(ErrorKind),
    /// The call takes this much longer.
    Delay(Duration),
    /// The connection ends before the request is looked at. In this process: `Network`.
    DropRequest,
    /// The request is handled, and the connection ends in place of the answer.
    DropAnswer,
}

impl Broker {
    /// Has a fault happen. Clients on the Kafka door and in this process see it alike.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for a name that is none, or an effect that it cannot have.
    pub fn inject(&self, fault: Fault) -> Result<()> {
        let _ = fault;
        Err(crate::error::Error::new(ErrorKind::Unsupported, "not yet"))
    }

    /// Takes back all faults that are to come.
    pub fn clear_faults(&self) {}
}
