//! Asks a hook about the records of a batch, and writes the batch anew if need be.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;

use super::hooks::{Changed, Passing, Peer, RecordHook, Verdict};
use crate::batch::header::{BatchHeader, HEADER_BYTES};
use crate::batch::records::{Header, Record, Records, unpack};
use crate::batch::rewrite::Rewrite;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::event_log::{EventLog, Level};

/// A hook, and what all records have in common that it is asked about.
pub(super) struct Asking<'a> {
    pub(super) hook: &'a RecordHook,
    /// What the hook is called.
    pub(super) name: &'static str,
    pub(super) events: &'a EventLog,
    pub(super) peer: Peer<'a>,
    pub(super) topic: &'a str,
    pub(super) partition: u32,
}

/// What becomes of a record.
pub(super) enum Fate {
    /// It stays as it is.
    Keep,
    /// It is changed.
    Change(Changed),
    /// It is not there any more.
    LeaveOut,
    /// Nothing is known, so the batch stays where it is.
    Fail(Error),
}

impl Asking<'_> {
    /// Asks about one record. A panic of the hook is a failure.
    pub(super) fn ask(
        &self,
        record: &Record<'_>,
        header: &BatchHeader,
        offset: Option<u64>,
    ) -> Verdict {
        let timestamp = header.timestamp_of(record.timestamp_delta);
        let passing = Passing {
            peer: self.peer,
            topic: self.topic,
            partition: self.partition,
            offset,
            timestamp,
            key: record.key,
            value: record.value,
            headers: record.headers,
        };
        // What a hook leaves half done in itself is its own.
        catch_unwind(AssertUnwindSafe(|| (self.hook)(&passing))).unwrap_or_else(|_| {
            let Self { name, topic, partition, .. } = self;
            let text = format_args!(
                "the {name} hook panicked at a record of partition {partition} of topic {topic}"
            );
            self.events.log_limited(Level::Error, "panics of hooks", text);
            Verdict::Fail(format!("the {name} hook failed"))
        })
    }
}

/// Decides on each record of a whole batch. `None` where all of it stays as it is.
///
/// Fails where the batch cannot be unpacked, contradicts itself, or `decide` fails.
pub(super) fn rewrite(
    batch: &Bytes,
    header: &BatchHeader,
    mut decide: impl FnMut(&Record<'_>) -> Fate,
) -> Result<Option<Bytes>> {
    let records = unpack(header, &batch.slice(HEADER_BYTES..))?;
    let mut walk = Records::new(&records, header.record_count);
    let mut changed: Option<Rewrite> = None;
    // What stays is taken over in runs.
    let (mut run, mut run_count) = (0, 0);
    let (mut at, mut delta_min) = (0, 0);
    while let Some(record) = walk.next() {
        let record = record?;
        if !(delta_min..=header.last_offset_delta).contains(&record.offset_delta) {
            let text = "the offsets in a record batch contradict each other";
            return Err(Error::new(ErrorKind::CorruptBatch, text));
        }
        delta_min = record.offset_delta.saturating_add(1);
        let end = records.len() - walk.rest().len();
        let new = match decide(&record) {
            Fate::Keep => {
                run_count += 1;
                at = end;
                continue;
            }
            Fate::Change(new) => Some(new),
            Fate::LeaveOut => None,
            Fate::Fail(error) => return Err(error),
        };
        let changed = changed.get_or_insert_with(|| Rewrite::new(*header));
        changed.keep(&records[run..at], run_count);
        (run, run_count) = (end, 0);
        if let Some(new) = new {
            let headers = new.headers.iter();
            let headers = headers.map(|(key, value)| Header { key, value: value.as_deref() });
            let headers: Vec<Header<'_>> = headers.collect();
            changed.change(&record, new.key.as_deref(), new.value.as_deref(), &headers)?;
        }
        at = end;
    }
    let Some(mut changed) = changed else { return Ok(None) };
    changed.keep(&records[run..], run_count);
    Ok(Some(changed.finish()?.into()))
}
