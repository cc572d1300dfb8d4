//! A record, as the application sees it.

use crate::batch::records::Headers;
use crate::clock::Millis;

/// A record, borrowed from the [`Records`](super::Records) that a poll returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The topic's name.
    pub topic: &'a str,
    /// The partition's index in the topic.
    pub partition: u32,
    /// The offset in the partition.
    pub offset: u64,
    /// The producer's time or the time of the append, as the topic is set, in ms since 1970.
    pub timestamp: Millis,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value.
    pub value: Option<&'a [u8]>,
    /// The headers, in the order in which the producer gave them.
    pub headers: Headers<'a>,
    /// How often the record was delivered to a member of a queue group, this time included; 1
    /// without one.
    pub delivery_count: u32,
}
