//! What is sent, and what is known of it once it is stored.

use std::sync::Arc;

use crate::batch::records::Header;
use crate::clock::Millis;

/// A record to be sent. Everything is borrowed for the time of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition; `None` to choose it by the key.
    pub partition: Option<u32>,
    /// The key. Records with the same key go to the same partition.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone where the topic is compacted.
    pub value: Option<&'a [u8]>,
    /// The headers, in order; a key may occur more than once.
    pub headers: &'a [Header<'a>],
    /// Milliseconds since 1970-01-01 UTC; `None` for now.
    pub timestamp: Option<Millis>,
}

impl<'a> Message<'a> {
    /// A record with a value and no key.
    pub fn new(topic: &'a str, value: &'a [u8]) -> Self {
        Self {
            topic,
            partition: None,
            key: None,
            value: Some(value),
            headers: &[],
            timestamp: None,
        }
    }

    /// The record, with a key.
    #[must_use]
    pub fn with_key(self, key: &'a [u8]) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The record, for this partition.
    #[must_use]
    pub fn with_partition(self, partition: u32) -> Self {
        Self { partition: Some(partition), ..self }
    }

    /// The record, with headers.
    #[must_use]
    pub fn with_headers(self, headers: &'a [Header<'a>]) -> Self {
        Self { headers, ..self }
    }

    /// The record, with a timestamp in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn with_timestamp(self, timestamp: Millis) -> Self {
        Self { timestamp: Some(timestamp), ..self }
    }

    /// About how many bytes it takes in a batch.
    pub(super) fn size(&self) -> usize {
        /// Lengths, deltas and the like, at their longest.
        const OVERHEAD: usize = 32;
        let headers = self.headers.iter();
        let headers = headers.map(|h| 10 + h.key.len() + h.value.map_or(0, <[u8]>::len));
        OVERHEAD
            + self.key.map_or(0, <[u8]>::len)
            + self.value.map_or(0, <[u8]>::len)
            + headers.sum::<usize>()
    }
}

/// Where a record ended up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: u32,
    /// The offset in the partition; `None` where the broker did not tell it: with `acks` 0, and
    /// for a record that it knew already and has no place of any more.
    pub offset: Option<u64>,
    /// The record's unique ID in minka's log, where the broker tells it.
    pub id: Option<u64>,
    /// The record's timestamp as it is stored: its own, or the time of the append where the topic
    /// keeps that.
    pub timestamp: Millis,
}
