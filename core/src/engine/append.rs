//! Submitting: into the queue, and waiting for what becomes of it.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;

use super::cell::{Acks, Cell, What, record_payload};
use super::partition::Partition;
use super::ticket::{Appended, Progress, Ticket};
use super::topics::LiveTopic;
use super::wake::{Waiter, Wake};
use super::{Broker, Shared};
use crate::batch::header::{set_log_append_time, set_max_timestamp};
use crate::batch::validate::{Checked, Rules, check};
use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::RECORDS_PER_BATCH_MAX;
use crate::queue::payload::Payload;
use crate::state::event::Event;
use crate::state::topic_config::TimestampType;

/// What a single record takes besides its key and value, at most: lengths and the batch's header.
const RECORD_OVERHEAD_BYTES: usize = 128;

/// A batch to be appended.
#[derive(Debug)]
pub struct Produce<'a> {
    /// Its topic.
    pub topic: &'a LiveTopic,
    /// Its partition in that topic.
    pub partition: &'a Arc<Partition>,
    /// Exactly one record batch, as a producer made it.
    pub batch: Bytes,
    /// What has to be true before it is acknowledged.
    pub acks: Acks,
    /// Whether the producer may use zstd.
    pub zstd_allowed: bool,
}

impl Broker {
    /// Checks a batch and puts it into the queue; `ticket` gets its result in `slot`. Whoever
    /// submits calls [`Broker::drain`] afterwards, once for any number of batches.
    ///
    /// Batches of one thread are appended in the order in which they were submitted. On an error
    /// nothing was submitted and the slot stays open.
    pub fn submit(&self, produce: Produce<'_>, ticket: &Arc<Ticket>, slot: u32) -> Result<()> {
        self.shared.submit(produce, ticket, slot)
    }

    /// Writes what is in the queue, unless another thread is doing so.
    pub fn drain(&self) {
        self.shared.drain();
    }

    /// The results of a ticket once they hold, `None` before.
    pub fn outcome(&self, ticket: &Ticket) -> Option<Vec<Result<Appended>>> {
        let gate = &self.shared.gate;
        match ticket.progress() {
            Progress::Queued => None,
            Progress::Written(id) if id <= gate.synced_below() => Some(ticket.take(None)),
            Progress::Written(_) => gate.failure().map(|failure| ticket.take(Some(&failure))),
        }
    }

    /// Asks for `wake` to be called with `token` once the results of the written `ticket` hold.
    /// `false` if they do already, in which case nobody is called.
    pub fn watch_outcome(&self, ticket: &Ticket, wake: &Arc<dyn Wake>, token: usize) -> bool {
        match ticket.progress() {
            Progress::Queued => true,
            Progress::Written(id) => self.shared.watch_synced(id, wake, token),
        }
    }

    /// Appends a batch and waits until its acknowledgement holds.
    pub fn produce(&self, produce: Produce<'_>) -> Result<Appended> {
        let ticket = Ticket::new(1, None);
        self.submit(produce, &ticket, 0)?;
        self.shared.wait(&ticket).pop().unwrap_or_else(|| Err(closed()))
    }

    /// Puts a single record into the queue; records that are queued together are written as one
    /// batch. Whoever wants it written calls [`Broker::drain`] or waits for `ticket`.
    pub fn submit_record(
        &self,
        topic: &LiveTopic,
        partition: &Arc<Partition>,
        record: (Option<&[u8]>, Option<&[u8]>),
        acks: Acks,
        ticket: Option<(&Arc<Ticket>, u32)>,
    ) -> Result<()> {
        let (key, value) = record;
        let length = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
        let most = topic.topic.config.max_message_bytes as usize;
        if length + RECORD_OVERHEAD_BYTES > most {
            return Err(Error::new(
                ErrorKind::MessageTooLarge,
                format!(
                    "a record of {length} bytes is above the topic's max.message.bytes of {most}"
                ),
            ));
        }
        let mut bytes = Vec::with_capacity(length + 8);
        record_payload(key, value, &mut bytes);
        self.shared.push(Cell {
            what: What::Record(partition.clone(), self.shared.clock.wall()),
            acks,
            payload: Payload::from(bytes),
            reply: ticket.map(|(ticket, _)| ticket.clone()),
            slot: ticket.map_or(0, |(_, slot)| slot),
        })
    }

    /// Writes what is queued and waits until the results of `ticket` hold.
    pub fn wait(&self, ticket: &Ticket) -> Vec<Result<Appended>> {
        self.shared.wait(ticket)
    }
}

impl Shared {
    /// See [`Broker::submit`].
    pub(super) fn submit(
        &self,
        produce: Produce<'_>,
        ticket: &Arc<Ticket>,
        slot: u32,
    ) -> Result<()> {
        let (batch, log_append_time) = admit(&produce, self.clock.wall())?;
        self.push(Cell {
            what: What::Batch(produce.partition.clone(), log_append_time),
            acks: produce.acks,
            payload: Payload::from(batch),
            reply: Some(ticket.clone()),
            slot,
        })
    }

    /// Puts a cell into the queue. When it is full, helps to empty it and waits; after the
    /// configured time that is [`ErrorKind::QueueFull`].
    pub(super) fn push(&self, cell: Cell) -> Result<()> {
        if let (Some(ticket), true) = (&cell.reply, cell.acks.wait_for_sync()) {
            ticket.expect_sync();
        }
        let Err(cell) = self.queue.try_push(cell) else {
            return Ok(());
        };
        if self.queue.is_closed() {
            return Err(closed());
        }
        self.drain();
        let Err(_) = self.queue.push_wait(cell, self.config.queue_timeout) else {
            return Ok(());
        };
        if self.queue.is_closed() {
            return Err(closed());
        }
        Err(Error::new(
            ErrorKind::QueueFull,
            "the broker's queue stayed full: the disk does not keep up; try again later",
        ))
    }

    /// Puts an event into the queue, to be synced at once.
    pub(super) fn submit_event(&self, event: &Event, reply: Option<(Arc<Ticket>, u32)>) {
        let (reply, slot) = reply.unzip();
        let cell = Cell {
            what: What::Event,
            acks: Acks::Synced,
            payload: Payload::copy_of(&event.encode()),
            reply: reply.clone(),
            slot: slot.unwrap_or(0),
        };
        if let (Err(error), Some(ticket)) = (self.push(cell), reply) {
            ticket.complete(slot.unwrap_or(0), Err(error), 0);
        }
    }

    /// Appends events and waits until they are on the disk.
    pub(super) fn append_events(&self, events: &[Event]) -> Result<()> {
        let ticket = Ticket::new(events.len(), None);
        for (slot, event) in (0..).zip(events) {
            self.submit_event(event, Some((ticket.clone(), slot)));
        }
        self.wait(&ticket).into_iter().try_for_each(|result| result.map(drop))
    }

    /// Writes what is queued and waits until the results of `ticket` hold.
    pub(super) fn wait(&self, ticket: &Ticket) -> Vec<Result<Appended>> {
        if ticket.may_join_sync() {
            // While the disk is busy, nothing is gained by writing this alone.
            self.gate.join_next();
        }
        loop {
            if let Progress::Written(id) = ticket.progress() {
                let failure = self.gate.wait_synced(id).err();
                return ticket.take(failure.as_ref());
            }
            self.drain();
            if ticket.progress() == Progress::Queued {
                // Another thread has our cells in its hands and holds the lock while it writes.
                drop(self.drain.lock().unwrap_or_else(PoisonError::into_inner));
            }
        }
    }

    /// Calls `wake` with `token` once all IDs below `id` are on the disk, or never will be.
    /// `false` if that is so already.
    pub(super) fn watch_synced(&self, id: u64, wake: &Arc<dyn Wake>, token: usize) -> bool {
        let mut watchers = self.sync_watchers.lock().unwrap_or_else(PoisonError::into_inner);
        // SYNC: the syncer moves `synced_below` before it takes this lock to look for watchers.
        if self.gate.synced_below() >= id || self.gate.failure().is_some() {
            return false;
        }
        watchers.push((id, Waiter::new(wake, token)));
        true
    }

    /// Wakes who waits for IDs below `id` to be on the disk.
    pub(super) fn wake_synced(&self, id: u64) {
        let mut watchers = self.sync_watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|(wanted, waiter)| {
            let due = *wanted <= id;
            if due {
                waiter.wake();
            }
            !due
        });
    }
}

/// Checks a batch against the rules of its topic.
pub(super) fn check_batch(produce: &Produce<'_>, now: Millis) -> Result<Checked> {
    let config = &produce.topic.topic.config;
    let rules = Rules {
        bytes_max: config.max_message_bytes,
        now,
        before_ms_max: config.timestamp_before_max_ms,
        after_ms_max: config.timestamp_after_max_ms,
        log_append_time: config.timestamp_type == TimestampType::LogAppendTime,
        zstd_allowed: produce.zstd_allowed,
        keys_required: false,
        unpack: false,
    };
    let checked = check(&produce.batch, &rules)?;
    if checked.header.last_offset_delta.cast_unsigned() >= RECORDS_PER_BATCH_MAX {
        return Err(Error::new(
            ErrorKind::InvalidRecord,
            format!("a batch may have at most {RECORDS_PER_BATCH_MAX} records"),
        ));
    }
    Ok(checked)
}

/// Checks a batch, and sets its timestamps where the topic wants the time of the append. Returns
/// that time, or -1.
fn admit(produce: &Produce<'_>, now: Millis) -> Result<(Bytes, Millis)> {
    let checked = check_batch(produce, now)?;
    if produce.topic.topic.config.timestamp_type == TimestampType::LogAppendTime {
        let mut batch = produce.batch.to_vec();
        set_log_append_time(&mut batch, now);
        return Ok((batch.into(), now));
    }
    if checked.max_timestamp != checked.header.max_timestamp {
        let mut batch = produce.batch.to_vec();
        set_max_timestamp(&mut batch, checked.max_timestamp);
        return Ok((batch.into(), -1));
    }
    Ok((produce.batch.clone(), -1))
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the broker is closed")
}
