//! Producer IDs: handed out from blocks that are set aside in the log, so that none repeats.

use std::sync::PoisonError;

use super::Broker;
use crate::error::Result;
use crate::state::event::Event;

/// How many IDs one event sets aside.
const BLOCK: i64 = 1000;

/// The IDs that may be handed out without asking the log.
#[derive(Debug)]
pub(super) struct ProducerIds {
    next: i64,
    reserved_below: i64,
}

impl ProducerIds {
    /// After a start: everything that was set aside before may be in use.
    pub(super) fn new(used_below: i64) -> Self {
        Self { next: used_below, reserved_below: used_below }
    }
}

impl Broker {
    /// A producer ID that was never handed out before.
    pub fn next_producer_id(&self) -> Result<i64> {
        let ids = &self.shared.producer_ids;
        let mut ids = ids.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.next == ids.reserved_below {
            let below = ids.reserved_below + BLOCK;
            self.shared.append_events(&[Event::ProducerIdsReserved { below }])?;
            ids.reserved_below = below;
        }
        ids.next += 1;
        Ok(ids.next - 1)
    }
}
