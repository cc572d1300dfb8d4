//! What lies in a cell of the circular queue.

use std::sync::Arc;

use super::partition::Partition;
use super::ticket::{Appended, Ticket};
use crate::clock::Millis;
use crate::error::Result;
use crate::queue::payload::Payload;

/// What an acknowledgement promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// There is no acknowledgement.
    None,
    /// The bytes are with the operating system: they survive the end of the process.
    Written,
    /// The bytes are on the disk: they survive a power cut.
    Synced,
}

impl Acks {
    /// Whether records are visible only once they are on the disk.
    pub fn wait_for_sync(self) -> bool {
        self == Self::Synced
    }
}

/// One thing to be appended to the log.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) what: What,
    pub(super) acks: Acks,
    pub(super) payload: Payload,
    pub(super) reply: Option<Arc<Ticket>>,
    pub(super) slot: u32,
}

#[derive(Debug)]
pub(super) enum What {
    /// A change of state; the payload is the encoded event.
    Event,
    /// The payload is a whole, checked batch, with the time of the append or -1.
    Batch(Arc<Partition>, Millis),
    /// The payload is one record of a program in this process; see [`record_payload`].
    Record(Arc<Partition>, Millis),
}

impl Cell {
    pub(super) fn partition(&self) -> Option<&Arc<Partition>> {
        match &self.what {
            What::Event => None,
            What::Batch(partition, _) | What::Record(partition, _) => Some(partition),
        }
    }

    /// Tells who waits for the cell what became of it.
    pub(super) fn complete(&self, result: Result<Appended>, synced_id: u64) {
        if let Some(ticket) = &self.reply {
            ticket.complete(self.slot, result, synced_id);
        }
    }
}

/// A key and a value as one payload: for each its length plus one, or 0 for null, as 4 bytes
/// little-endian; then the bytes of both.
pub(super) fn record_payload(key: Option<&[u8]>, value: Option<&[u8]>, out: &mut Vec<u8>) {
    out.clear();
    for part in [key, value] {
        let length = part.map_or(0, |part| u32::try_from(part.len()).unwrap_or(u32::MAX - 1) + 1);
        out.extend_from_slice(&length.to_le_bytes());
    }
    for part in [key, value].into_iter().flatten() {
        out.extend_from_slice(part);
    }
}

/// The key and value of a [`record_payload`].
pub(super) fn record_parts(payload: &[u8]) -> (Option<&[u8]>, Option<&[u8]>) {
    let length = |at: usize| {
        let bytes = [payload[at], payload[at + 1], payload[at + 2], payload[at + 3]];
        (u32::from_le_bytes(bytes) as usize).checked_sub(1)
    };
    let (key, value) = (length(0), length(4));
    let middle = 8 + key.unwrap_or(0);
    (key.map(|_| &payload[8..middle]), value.map(|_| &payload[middle..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_survive_with_their_nulls() {
        let mut out = Vec::new();
        for key in [None, Some(&b""[..]), Some(b"key")] {
            for value in [None, Some(&b""[..]), Some(b"a value")] {
                record_payload(key, value, &mut out);
                assert_eq!(record_parts(&out), (key, value));
            }
        }
    }
}
