//! A member of a queue group: what it is given, and what it says of it.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::held::Held;
use super::source::{Acquired, QueueNews, QueueSource};
use crate::client::consumer::config::ConsumerConfig;
use crate::client::consumer::group::{Assigned, Membership};
use crate::client::consumer::records::Records;
use crate::client::consumer::unpack::Unpacker;
use crate::error::{Error, ErrorKind, Result};

/// Reads the messages that a queue group hands to this member.
#[derive(Debug)]
pub(in crate::client::consumer) struct QueueMember {
    membership: Membership,
    source: Box<dyn QueueSource>,
    config: ConsumerConfig,
    assigned: Vec<Assigned>,
    held: Held,
    current: Option<Current>,
    /// What went wrong while there were records to return.
    setback: Option<Error>,
    /// What went wrong with acknowledgements since the last commit.
    failure: Option<Error>,
    /// How many acknowledgements came too late.
    too_late: u64,
}

/// Messages of which a part has been returned.
#[derive(Debug)]
struct Current {
    topic: Arc<str>,
    partition: u32,
    offsets: Range<u64>,
    node: i32,
    unpacker: Unpacker,
}

impl QueueMember {
    pub(in crate::client::consumer) fn new(
        membership: Membership,
        source: Box<dyn QueueSource>,
        config: ConsumerConfig,
    ) -> Self {
        Self {
            membership,
            source,
            config,
            assigned: Vec::new(),
            held: Held::default(),
            current: None,
            setback: None,
            failure: None,
            too_late: 0,
        }
    }

    /// Says that a poll begins or ends.
    pub(in crate::client::consumer) fn polling(&mut self, is_polling: bool) -> Result<()> {
        if !is_polling {
            self.source.rest();
        }
        self.membership.polling(is_polling)
    }

    /// Takes what there is, after sending what is to be said of what was returned before.
    pub(in crate::client::consumer) fn fill(&mut self, records: &mut Records) -> Result<()> {
        self.polling(true)?;
        self.update();
        let refused = self.source.take_refused();
        self.too_late += refused.count;
        if !self.config.auto_commit {
            self.failure = self.failure.take().or(refused.error);
        }
        let marks = self.held.collect(self.config.auto_commit);
        let filled = match self.setback.take() {
            Some(setback) => Err(setback),
            None => self.fill_until(records),
        };
        if records.is_empty() {
            self.source.want(self.config.records_max, marks);
            return filled;
        }
        if !marks.is_empty() {
            self.source.acknowledge(marks);
        }
        self.setback = filled.err();
        Ok(())
    }

    /// Says what becomes of a message, with the next poll or commit.
    pub(in crate::client::consumer) fn mark(
        &mut self,
        (topic, partition, offset): (&str, u32, u64),
        kind: i8,
    ) -> Result<()> {
        self.held.mark(topic, partition, offset, kind)
    }

    /// Sends what is to be said, and waits until the broker has confirmed it.
    pub(in crate::client::consumer) fn commit(&mut self, patience: Duration) -> Result<()> {
        self.flush(false, patience)
    }

    /// How many acknowledgements came too late so far.
    pub(in crate::client::consumer) fn too_late(&self) -> u64 {
        self.too_late
    }

    /// Wants other topics.
    pub(in crate::client::consumer) fn subscribe(&self, topics: Vec<Arc<str>>) {
        self.membership.subscribe(topics);
    }

    pub(in crate::client::consumer) fn assignment(&self) -> &[Assigned] {
        &self.assigned
    }

    /// Sends what is to be said, gives back the rest, and leaves the group.
    pub(in crate::client::consumer) fn close(&mut self, patience: Duration) -> Result<()> {
        let flushed = self.flush(true, patience);
        self.membership.leave();
        match flushed {
            // Who assumes that all goes well is not told that something came too late.
            Err(error)
                if self.config.auto_commit && error.kind() == ErrorKind::InvalidRecordState =>
            {
                Ok(())
            }
            result => result,
        }
    }

    /// Does what the group wants.
    fn update(&mut self) {
        let Some(update) = self.membership.take_update() else { return };
        if update.lost {
            self.held.clear();
            self.current = None;
            self.assigned.clear();
            self.source.lose();
        }
        if let Some(target) = update.target {
            self.assigned = target;
        }
        self.source.assign(&self.assigned);
    }

    fn flush(&mut self, last: bool, patience: Duration) -> Result<()> {
        let marks = self.held.collect(self.config.auto_commit);
        let deadline = Instant::now() + patience;
        let mut result = Ok(());
        for reply in self.source.flush(marks, last, deadline) {
            let answer = reply.wait(deadline).unwrap_or_else(|| {
                let text = "a broker did not confirm acknowledgements in time";
                Err(Error::new(ErrorKind::Timeout, text))
            });
            result = result.and(answer);
        }
        let refused = self.source.take_refused();
        self.too_late += refused.count;
        let failure = self.failure.take().or(refused.error);
        result.and(failure.map_or(Ok(()), Err))
    }

    fn fill_until(&mut self, records: &mut Records) -> Result<()> {
        while records.len() < self.config.records_max {
            if self.current.is_some() {
                self.unpack(records)?;
                continue;
            }
            match self.source.take() {
                None => return Ok(()),
                Some(QueueNews::Acquired(acquired)) => self.begin(acquired),
                Some(QueueNews::Lost(node)) => {
                    self.held.lose(node);
                    self.current.take_if(|current| current.node == node);
                }
                Some(QueueNews::Failed(error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn begin(&mut self, acquired: Acquired) {
        let (Some(first), Some(last)) = (acquired.windows.first(), acquired.windows.last()) else {
            return;
        };
        let offsets = first.first..last.last.saturating_add(1);
        self.held.acquire(&acquired);
        let Acquired { node, topic, partition, batches, windows, .. } = acquired;
        let unpacker = Unpacker::within(topic.clone(), partition, batches, windows);
        self.current = Some(Current { topic, partition, offsets, node, unpacker });
    }

    /// Returns messages of what was acquired last.
    fn unpack(&mut self, records: &mut Records) -> Result<()> {
        let Some(mut current) = self.current.take() else { return Ok(()) };
        let before = current.unpacker.position();
        let room = self.config.records_max - records.len();
        let taken = current.unpacker.take(room, records);
        let gaps = current.unpacker.take_gaps();
        let (topic, partition) = (&*current.topic, current.partition);
        self.held.returned(topic, partition, before..current.unpacker.position(), &gaps);
        match taken {
            Ok((_, false)) => {
                self.current = Some(current);
                Ok(())
            }
            Ok((_, true)) => {
                // The broker did not send these, though it says that they are ours.
                self.held.release_ahead(topic, partition, current.offsets);
                Ok(())
            }
            Err(error) => {
                self.held.release_ahead(topic, partition, current.offsets);
                let doing = format!("reading partition {partition} of topic {topic}");
                Err(error.context(doing))
            }
        }
    }
}
