//! What a consumer has given to the application, and how far that has got.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minka::client::{self, Acknowledgement, StartAt};

use crate::error::closed;
use crate::record::Record;
use crate::records::Batch;

/// What only the thread in a call touches, and whoever closes.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) consumer: Option<client::Consumer>,
    /// What the last poll returned.
    pub(crate) last: Option<Arc<Batch>>,
    /// How many of it the application has been given.
    pub(crate) given: usize,
    /// Whether it was given one by one, so that it is known how far it got.
    pub(crate) singly: bool,
    /// What was said of single records of it.
    pub(crate) settled: BTreeSet<(String, u32, u64)>,
}

impl Reading {
    pub(crate) fn new(consumer: client::Consumer) -> Self {
        let consumer = Some(consumer);
        Self { consumer, last: None, given: 0, singly: false, settled: BTreeSet::new() }
    }

    pub(crate) fn open(&mut self) -> minka::Result<&mut client::Consumer> {
        self.consumer.as_mut().ok_or_else(|| closed("consumer"))
    }

    /// The next record that is to be given.
    pub(crate) fn next(&mut self) -> Option<Record> {
        let record = self.last.as_ref().and_then(|batch| batch.record(self.given))?;
        self.given += 1;
        self.singly = true;
        Some(record)
    }

    pub(crate) fn replace(&mut self, batch: Option<Arc<Batch>>) {
        (self.last, self.given, self.singly) = (batch, 0, false);
        self.settled.clear();
    }

    /// Before a partition is read from elsewhere: what was not given yet is dropped, and other
    /// partitions that have a part in it go back to that.
    pub(crate) fn forget(&mut self, topic: &str, partition: u32) {
        let (Some(batch), Some(consumer)) = (&self.last, &mut self.consumer) else { return };
        let left: Vec<client::Record<'_>> = batch.iter().skip(self.given).collect();
        if !left.iter().any(|record| record.topic == topic && record.partition == partition) {
            return;
        }
        for record in left.iter().rev() {
            // From the last to the first: that is where each is in the end. It fails for what
            // belongs to others by now.
            let at = StartAt::Offset(record.offset);
            let _ = consumer.seek(record.topic, record.partition, at);
        }
        self.given = batch.len();
    }

    /// Says of what was not given, and with `failed` of what was given last, that it is not done.
    pub(crate) fn take_back(&mut self, failed: bool) {
        let (Some(batch), Some(consumer)) = (&self.last, &mut self.consumer) else { return };
        let done = match (failed, self.singly) {
            (false, _) => self.given,
            // The one that was given last is what failed.
            (true, true) => self.given.saturating_sub(1),
            (true, false) => 0,
        };
        let mut firsts: BTreeMap<(String, u32), u64> = BTreeMap::new();
        for record in batch.iter().skip(done) {
            let place = (record.topic.to_owned(), record.partition, record.offset);
            if self.settled.contains(&place) {
                continue;
            }
            let (topic, partition, offset) = place;
            // Only members of queue groups can release, only others can seek; either fails for
            // what this consumer does not have any more.
            let release = Acknowledgement::Release;
            if consumer.acknowledge(&topic, partition, offset, release).is_err() {
                firsts.entry((topic, partition)).or_insert(offset);
            }
        }
        for ((topic, partition), offset) in firsts {
            let _ = consumer.seek(&topic, partition, StartAt::Offset(offset));
        }
    }
}
