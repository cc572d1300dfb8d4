//! The partitions that a consumer reads, and how far it is in each.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::config::{Start, StartAt};
use super::records::Records;
use super::source::{News, Source, Ticket, Want, What};
use super::unpack::Unpacker;
use crate::error::{Error, ErrorKind, Result};

/// A set of partitions, each with its position: the offset of the next record to be returned.
pub(super) struct Partitions {
    source: Box<dyn Source>,
    /// Where to begin when a position no longer exists.
    start: Start,
    slots: BTreeMap<u64, Slot>,
    next_slot: u64,
    /// Batches that have been begun.
    current: Option<(Ticket, Unpacker)>,
    /// What went wrong while there were records to return.
    failure: Option<Error>,
}

#[derive(Debug)]
struct Slot {
    topic: Arc<str>,
    partition: u32,
    /// Where to begin while there is no position.
    at: StartAt,
    position: Option<u64>,
    paused: bool,
    reading: u64,
    /// Whether the source reads it.
    followed: bool,
}

impl Partitions {
    pub(super) fn new(source: Box<dyn Source>, start: Start) -> Self {
        Self { source, start, slots: BTreeMap::new(), next_slot: 0, current: None, failure: None }
    }

    /// Reads this partition from now on; it is not read yet.
    pub(super) fn add(&mut self, topic: Arc<str>, partition: u32, at: StartAt) {
        let slot = Slot {
            topic,
            partition,
            at,
            position: position_of(at),
            paused: false,
            reading: 0,
            followed: false,
        };
        self.slots.insert(self.next_slot, slot);
        self.next_slot += 1;
    }

    /// Stops reading the partitions of which `keep` says no.
    pub(super) fn retain(&mut self, keep: impl Fn(&str, u32) -> bool) {
        let source = &mut self.source;
        self.slots.retain(|&number, slot| {
            let keep = keep(&slot.topic, slot.partition);
            if !keep && slot.followed {
                source.unfollow(Ticket { slot: number, reading: slot.reading });
            }
            keep
        });
        self.drop_stale();
    }

    /// All of them, with their positions where they have one yet.
    pub(super) fn positions(&self) -> impl Iterator<Item = (&Arc<str>, u32, Option<u64>)> {
        self.slots.values().map(|slot| (&slot.topic, slot.partition, slot.position))
    }

    /// Whether this partition is among them.
    pub(super) fn contains(&self, topic: &str, partition: u32) -> bool {
        self.find(topic, partition).is_ok()
    }

    /// The position in a partition, if it has one yet.
    pub(super) fn position(&self, topic: &str, partition: u32) -> Result<Option<u64>> {
        let number = self.find(topic, partition)?;
        Ok(self.slots.get(&number).and_then(|slot| slot.position))
    }

    /// Goes on at another place, and drops what was fetched.
    pub(super) fn seek(&mut self, topic: &str, partition: u32, at: StartAt) -> Result<()> {
        self.change(topic, partition, |slot| {
            slot.at = at;
            slot.position = position_of(at);
        })
    }

    /// Stops reading a partition for a while, or goes on.
    pub(super) fn pause(&mut self, topic: &str, partition: u32, paused: bool) -> Result<()> {
        if self.slots.get(&self.find(topic, partition)?).is_some_and(|slot| slot.paused == paused) {
            return Ok(());
        }
        self.change(topic, partition, |slot| slot.paused = paused)
    }

    /// Appends what there is, up to `records_max`. Does not wait.
    pub(super) fn fill(&mut self, records: &mut Records, records_max: usize) -> Result<()> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.follow();
        match self.fill_until(records, records_max) {
            Err(error) if !records.is_empty() => {
                self.failure = Some(error);
                Ok(())
            }
            result => result,
        }
    }

    /// When to look again even if nobody says that there is something.
    pub(super) fn look_again_at(&self) -> Option<Instant> {
        self.source.look_again_at()
    }

    fn fill_until(&mut self, records: &mut Records, records_max: usize) -> Result<()> {
        while records.len() < records_max {
            match &mut self.current {
                Some((ticket, unpacker)) => {
                    let ticket = *ticket;
                    let taken = unpacker.take(records_max - records.len(), records);
                    if let Some(slot) = self.slots.get_mut(&ticket.slot) {
                        slot.position = Some(unpacker.position());
                    }
                    match taken {
                        Ok((_, true)) => self.current = None,
                        Ok((_, false)) => {}
                        Err(error) => return Err(self.fail(ticket, error)),
                    }
                }
                None => match self.source.take() {
                    Some(news) => self.note(news)?,
                    None => return Ok(()),
                },
            }
        }
        Ok(())
    }

    /// Asks the source for the partitions that it does not read and should.
    fn follow(&mut self) {
        let idle = self.slots.iter_mut().filter(|(_, slot)| !slot.followed && !slot.paused);
        let wants: Vec<Want> = idle.map(|(&number, slot)| slot.want(number)).collect();
        if !wants.is_empty() {
            self.source.follow(wants);
        }
    }

    fn note(&mut self, news: News) -> Result<()> {
        let ticket = news.ticket;
        let Some(slot) = self.slots.get_mut(&ticket.slot) else { return Ok(()) };
        if slot.reading != ticket.reading || !slot.followed {
            return Ok(());
        }
        match news.what {
            What::Start(offset) => slot.position = Some(offset),
            What::Batches(bytes) => {
                let position = slot.position.unwrap_or(0);
                let unpacker = Unpacker::from(slot.topic.clone(), slot.partition, bytes, position);
                self.current = Some((ticket, unpacker));
            }
            What::Failed(error) if error.kind() == ErrorKind::OffsetOutOfRange => {
                slot.at = self.start.into();
                slot.position = None;
                slot.followed = false;
                let want = slot.want(ticket.slot);
                self.source.follow(vec![want]);
            }
            What::Failed(error) => return Err(self.fail(ticket, error)),
        }
        Ok(())
    }

    /// The partition is read again, from its position on, by the next poll.
    fn fail(&mut self, ticket: Ticket, error: Error) -> Error {
        let Some(slot) = self.slots.get_mut(&ticket.slot) else { return error };
        self.source.unfollow(ticket);
        slot.followed = false;
        slot.reading += 1;
        let doing = format!("reading partition {} of topic {}", slot.partition, slot.topic);
        self.drop_stale();
        error.context(doing)
    }

    fn change(
        &mut self,
        topic: &str,
        partition: u32,
        change: impl FnOnce(&mut Slot),
    ) -> Result<()> {
        let number = self.find(topic, partition)?;
        if let Some(slot) = self.slots.get_mut(&number) {
            if std::mem::take(&mut slot.followed) {
                self.source.unfollow(Ticket { slot: number, reading: slot.reading });
            }
            slot.reading += 1;
            change(slot);
        }
        self.drop_stale();
        Ok(())
    }

    fn drop_stale(&mut self) {
        if let Some((ticket, _)) = &self.current
            && self.slots.get(&ticket.slot).is_none_or(|slot| slot.reading != ticket.reading)
        {
            self.current = None;
        }
    }

    fn find(&self, topic: &str, partition: u32) -> Result<u64> {
        let is_it = |slot: &Slot| slot.partition == partition && *slot.topic == *topic;
        let found = self.slots.iter().find(|(_, slot)| is_it(slot));
        found.map(|(&number, _)| number).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidRequest,
                format!("partition {partition} of topic {topic} is not assigned to this consumer"),
            )
        })
    }
}

impl Slot {
    /// What the source is asked for, as a new reading.
    fn want(&mut self, number: u64) -> Want {
        self.followed = true;
        self.reading += 1;
        Want {
            ticket: Ticket { slot: number, reading: self.reading },
            topic: self.topic.clone(),
            partition: self.partition,
            at: self.position.map_or(self.at, StartAt::Offset),
        }
    }
}

impl fmt::Debug for Partitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partitions").field("slots", &self.slots).finish_non_exhaustive()
    }
}

fn position_of(at: StartAt) -> Option<u64> {
    match at {
        StartAt::Offset(offset) => Some(offset),
        StartAt::Earliest | StartAt::Latest | StartAt::Time(_) => None,
    }
}
