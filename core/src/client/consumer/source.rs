//! Where a consumer reads partitions: what it needs, and nothing else. One kind of source calls a
//! broker in this process, the other asks brokers behind addresses.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::config::StartAt;
use crate::error::Error;

/// Reads partitions for a consumer. No call waits: when there is news again, the source notifies
/// the consumer's [`Signal`](super::signal::Signal).
pub(super) trait Source: Send + fmt::Debug {
    /// Reads these partitions, too. A topic that does not exist is waited for.
    fn follow(&mut self, wants: Vec<Want>);

    /// Reads a partition no more. What was fetched for it may still come, under its old ticket.
    fn unfollow(&mut self, ticket: Ticket);

    /// The next news, if there is any.
    fn take(&mut self) -> Option<News>;

    /// When to look for news in any case.
    fn look_again_at(&self) -> Option<Instant>;
}

/// Tells one reading of a partition from another, so that what was fetched before a seek is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    /// The partition's number in the consumer.
    pub(super) slot: u64,
    /// Which reading of it this is.
    pub(super) reading: u64,
}

/// A partition to be read, and from where.
#[derive(Debug, Clone)]
pub(super) struct Want {
    pub(super) ticket: Ticket,
    pub(super) topic: Arc<str>,
    pub(super) partition: u32,
    pub(super) at: StartAt,
}

/// What there is to say of a partition.
#[derive(Debug)]
pub(super) struct News {
    pub(super) ticket: Ticket,
    pub(super) what: What,
}

/// See [`News`].
#[derive(Debug)]
pub(super) enum What {
    /// The offset at which it begins, where that was not given as one.
    Start(u64),
    /// Whole batches that follow on what came before. The first may begin before what is wanted.
    Batches(Bytes),
    /// It cannot be read; the source has stopped reading it.
    Failed(Error),
}
