//! Where a queue group's messages come from, and where their acknowledgements go.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::held::Marks;
use crate::client::consumer::group::{Assigned, Reply};
use crate::client::consumer::unpack::Window;
use crate::error::{Error, Result};
use crate::wire::kafka::Uuid;

/// Acquires messages for a member. Only what a [`Reply`] stands for is waited for; when there is
/// news, the consumer's signal is notified.
pub(in crate::client::consumer) trait QueueSource:
    Send + fmt::Debug
{
    /// Takes messages from these partitions, and from no others.
    fn assign(&mut self, partitions: &[Assigned]);

    /// Takes note that the member is not in its group any more, and holds nothing.
    fn lose(&mut self);

    /// Asks every broker once for up to `records` messages, unless it is being asked already. The
    /// acknowledgements go along.
    fn want(&mut self, records: usize, marks: Vec<Marks>);

    /// Wants no messages for a while.
    fn rest(&mut self);

    /// The next news, if there is any.
    fn take(&mut self) -> Option<QueueNews>;

    /// Sends acknowledgements soon, since no messages are wanted at present.
    fn acknowledge(&mut self, marks: Vec<Marks>);

    /// Sends these and all other acknowledgements now; what became of them is in the replies. The
    /// `last` ones give back everything else, too.
    fn flush(&mut self, marks: Vec<Marks>, last: bool, deadline: Instant)
    -> Vec<Reply<Result<()>>>;

    /// What became of acknowledgements that were no good, since this was last asked.
    fn take_refused(&mut self) -> Refused;
}

/// What there is to say.
#[derive(Debug)]
pub(in crate::client::consumer) enum QueueNews {
    /// Messages of a partition.
    Acquired(Acquired),
    /// Nothing that this source handed out is held any more.
    Lost(i32),
    /// Something that will not work.
    Failed(Error),
}

/// Acknowledgements that came too late, or over a connection that was lost.
#[derive(Debug, Default)]
pub(in crate::client::consumer) struct Refused {
    /// How many.
    pub(in crate::client::consumer) count: u64,
    /// The first error that no reply told.
    pub(in crate::client::consumer) error: Option<Error>,
}

impl Refused {
    /// Counts more of them.
    pub(in crate::client::consumer) fn add(&mut self, count: u64, error: Option<&Error>) {
        self.count += count;
        if self.error.is_none() {
            self.error = error.cloned();
        }
    }
}

/// Messages of one partition.
#[derive(Debug)]
pub(in crate::client::consumer) struct Acquired {
    /// The broker that handed them out.
    pub(in crate::client::consumer) node: i32,
    pub(in crate::client::consumer) topic_id: Uuid,
    pub(in crate::client::consumer) topic: Arc<str>,
    pub(in crate::client::consumer) partition: u32,
    /// Whole batches, with records that were not acquired among them.
    pub(in crate::client::consumer) batches: Vec<Bytes>,
    /// The offsets that were acquired, in order.
    pub(in crate::client::consumer) windows: Vec<Window>,
    /// How long they are locked for this member.
    pub(in crate::client::consumer) lock: Duration,
    /// Whether the lock can be renewed.
    pub(in crate::client::consumer) renewable: bool,
}
