//! Partitions of a broker in this process: plain calls, no thread.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::config::StartAt;
use super::signal::Signal;
use super::source::{News, Source, Ticket, Want, What};
use crate::batch::header::BatchHeader;
use crate::engine::{Broker, Effect, OffsetSpec, Partition, Peer, Wake, asked_for};
use crate::error::{Error, ErrorKind, Result};

/// How long until a topic that does not exist is looked for again.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);
/// Nothing else is waited for under the consumer's signal.
const TOKEN: usize = 0;

/// Reads the partitions of a broker in this process.
pub(super) struct Local {
    broker: Arc<Broker>,
    wake: Arc<dyn Wake>,
    client_id: String,
    partition_bytes_max: usize,
    follows: BTreeMap<u64, Follow>,
    ready: VecDeque<News>,
    /// The slot after the one that was read last, so that all get their turn.
    turn: u64,
    look_again_at: Option<Instant>,
    /// Until when a test wants that nothing is read.
    held_until: Option<Instant>,
}

#[derive(Debug)]
struct Follow {
    want: Want,
    /// Once its topic exists.
    partition: Option<Arc<Partition>>,
    /// Whether it has to be tried again without anybody saying when.
    retry: bool,
}

impl Local {
    pub(super) fn new(
        broker: Arc<Broker>,
        signal: Arc<Signal>,
        client_id: String,
        partition_bytes_max: usize,
    ) -> Self {
        Self {
            broker,
            wake: signal,
            client_id,
            partition_bytes_max,
            follows: BTreeMap::new(),
            ready: VecDeque::new(),
            turn: 0,
            look_again_at: None,
            held_until: None,
        }
    }

    /// Reads the first partition that has something, beginning with the next in turn.
    fn look(&mut self) {
        self.look_again_at = None;
        if self.is_held_up() {
            return;
        }
        let after = self.follows.range(self.turn..).map(|(&slot, _)| slot);
        let before = self.follows.range(..self.turn).map(|(&slot, _)| slot);
        let slots: Vec<u64> = after.chain(before).collect();
        for slot in slots {
            let Some(follow) = self.follows.get_mut(&slot) else { continue };
            let reader = (&*self.broker, &self.client_id[..]);
            match follow.read(reader, self.partition_bytes_max, &mut self.ready) {
                Ok(good) => {
                    follow.retry = !good;
                    if follow.retry {
                        self.look_again_at = Some(Instant::now() + RETRY_INTERVAL);
                    }
                }
                Err(error) => {
                    let ticket = follow.want.ticket;
                    self.unfollow(ticket);
                    self.ready.push_back(News { ticket, what: What::Failed(error) });
                }
            }
            if !self.ready.is_empty() {
                self.turn = slot + 1;
                return;
            }
        }
    }

    /// Whether a fault keeps this look from being taken. What can be tried again is, as over a
    /// connection.
    fn is_held_up(&mut self) -> bool {
        let now = Instant::now();
        if let Some(until) = self.held_until {
            let is_over = until <= now;
            self.held_until = self.held_until.filter(|_| !is_over);
            self.look_again_at = self.held_until;
            return !is_over;
        }
        if self.follows.is_empty() {
            return false;
        }
        let pause = match self.broker.strike(|| "Fetch") {
            None => return false,
            Some(Effect::Error(kind)) if !kind.is_retriable() => {
                let ticket = self.follows.values().next().map(|follow| follow.want.ticket);
                if let Some(ticket) = ticket {
                    self.unfollow(ticket);
                    let what = What::Failed(asked_for(kind, "Fetch"));
                    self.ready.push_back(News { ticket, what });
                }
                return true;
            }
            Some(Effect::Delay(delay)) => delay,
            Some(_) => RETRY_INTERVAL,
        };
        self.held_until = now.checked_add(pause);
        self.look_again_at = self.held_until;
        true
    }

    /// Asks to be woken by every partition. `false` if one has something now.
    fn watch(&self) -> bool {
        self.follows.values().all(|follow| match (&follow.partition, follow.want.at) {
            (Some(partition), StartAt::Offset(offset)) if !follow.retry => {
                partition.watch(offset, &self.wake, TOKEN)
            }
            _ => true,
        })
    }
}

impl Source for Local {
    fn follow(&mut self, wants: Vec<Want>) {
        for want in wants {
            self.follows.insert(want.ticket.slot, Follow { want, partition: None, retry: false });
        }
    }

    fn unfollow(&mut self, ticket: Ticket) {
        let is_it = |follow: &Follow| follow.want.ticket == ticket;
        if self.follows.get(&ticket.slot).is_some_and(is_it)
            && let Some(Follow { partition: Some(partition), .. }) =
                self.follows.remove(&ticket.slot)
        {
            partition.unwatch(&self.wake, TOKEN);
        }
    }

    fn take(&mut self) -> Option<News> {
        loop {
            if let Some(news) = self.ready.pop_front() {
                return Some(news);
            }
            self.look();
            if self.ready.is_empty() && (self.held_until.is_some() || self.watch()) {
                return None;
            }
        }
    }

    fn look_again_at(&self) -> Option<Instant> {
        self.look_again_at
    }
}

impl Follow {
    /// Reads what there is. `false` if it has to be tried again, without anybody saying when.
    fn read(
        &mut self,
        (broker, client_id): (&Broker, &str),
        bytes_max: usize,
        ready: &mut VecDeque<News>,
    ) -> Result<bool> {
        let Some(partition) = self.partition(broker) else { return Ok(false) };
        let ticket = self.want.ticket;
        let offset = match start(broker, &partition, self.want.at) {
            Err(error) if error.kind().is_retriable() => return Ok(false),
            Err(error) => return Err(error),
            Ok(Start::Given(offset)) => offset,
            Ok(Start::Found(offset)) => {
                self.want.at = StartAt::Offset(offset);
                ready.push_back(News { ticket, what: What::Start(offset) });
                offset
            }
        };
        if partition.high_watermark() == offset {
            return Ok(true);
        }
        let mut pieces = Vec::new();
        match broker.read(&partition, offset, bytes_max, true, &mut pieces) {
            Ok(outcome) if pieces.is_empty() => return Ok(outcome.high_watermark <= offset),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::UnknownTopicOrPartition => {
                self.partition = None;
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        let mut next = offset;
        let mut take = |bytes: Bytes| {
            next = next.max(end_offset(&bytes)?);
            ready.push_back(News { ticket, what: What::Batches(bytes) });
            Ok::<_, Error>(())
        };
        if broker.asks_at_delivery() {
            let place = (&self.want.topic[..], self.want.partition);
            let peer = Peer { client_id, ..Peer::default() };
            let passed = broker.pass(peer, place, &[offset..=u64::MAX], &pieces);
            if let (Some(error), true) = (passed.error, passed.batches.is_empty()) {
                return Err(error);
            }
            passed.batches.into_iter().try_for_each(take)?;
        } else {
            pieces.iter().try_for_each(|piece| take(piece.read()?))?;
        }
        self.want.at = StartAt::Offset(next);
        Ok(true)
    }

    fn partition(&mut self, broker: &Broker) -> Option<Arc<Partition>> {
        if self.partition.as_ref().is_none_or(|partition| partition.is_deleted()) {
            let live = broker.topic(&self.want.topic);
            let find = |live: &crate::engine::LiveTopic| {
                live.partitions.get(self.want.partition as usize).cloned()
            };
            self.partition = live.as_deref().and_then(find);
        }
        self.partition.clone()
    }
}

/// Where a partition is read.
enum Start {
    Given(u64),
    Found(u64),
}

fn start(broker: &Broker, partition: &Partition, at: StartAt) -> Result<Start> {
    let spec = match at {
        StartAt::Offset(offset) => return Ok(Start::Given(offset)),
        StartAt::Earliest => OffsetSpec::Earliest,
        StartAt::Latest => OffsetSpec::Latest,
        StartAt::Time(time) => OffsetSpec::At(time),
    };
    let found = broker.call_as("ListOffsets", || broker.find_offset(partition, spec))?;
    Ok(Start::Found(found.map_or_else(|| partition.high_watermark(), |(offset, _)| offset)))
}

/// The offset behind the last of these batches.
fn end_offset(bytes: &Bytes) -> Result<u64> {
    let (mut rest, mut end) = (&bytes[..], 0);
    while !rest.is_empty() {
        let header = BatchHeader::parse(rest)?;
        end = u64::try_from(header.last_offset().saturating_add(1)).unwrap_or(end);
        rest = rest.get(header.size()..).ok_or_else(|| {
            Error::new(ErrorKind::Damaged, "a record batch ends behind what was read")
        })?;
    }
    Ok(end)
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("follows", &self.follows).finish_non_exhaustive()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        for partition in self.follows.values().filter_map(|follow| follow.partition.as_ref()) {
            partition.unwatch(&self.wake, TOKEN);
        }
    }
}
