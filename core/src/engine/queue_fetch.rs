//! Fetching from a queue group: records are acquired, read, and then the delivery is counted.

use std::ops::Range;
use std::sync::Arc;

use super::partition::Partition;
use super::wake::{Waiter, Wake};
use super::{Broker, Shared};
use crate::error::{Error, ErrorKind, Result};
use crate::log::reader::Piece;
use crate::state::queues::{AcquireRequest, Acquisition, Bounds, Delivery};

/// What a member of a queue group asks for.
#[derive(Debug, Clone, Copy)]
pub struct QueueFetch<'a> {
    /// The group.
    pub group: &'a str,
    /// The member.
    pub member: &'a str,
    /// What it reads, each partition once.
    pub partitions: &'a [Arc<Partition>],
    /// The most records it takes.
    pub records_max: usize,
    /// The most bytes of batches; the first batch comes whatever its size.
    pub bytes_max: usize,
    /// Whether it takes more records than that, to the end of a batch, where there are plenty.
    pub whole_batches: bool,
}

/// A member's records of one partition.
#[derive(Debug)]
pub struct QueueRecords {
    /// Which of the partitions that were asked for.
    pub partition: usize,
    /// The records that the member has now, in order of their offsets. The pieces may hold others
    /// as well.
    pub acquired: Vec<Acquisition>,
    /// Which of the pieces.
    pub pieces: Range<usize>,
    /// Why there are no more, if they cannot be read.
    pub error: Option<Error>,
}

/// How much more fits.
struct Room {
    bytes: usize,
    whole_batches: bool,
    /// How many pieces there were before: the first batch behind them fits always.
    pieces: usize,
}

/// What of an acquisition could be read.
#[derive(Debug, Default)]
struct Readable {
    kept: Vec<(u64, u64)>,
    gone: Vec<(u64, u64)>,
    error: Option<Error>,
}

impl Broker {
    /// Takes records for a member and appends the batches that hold them to `pieces`. With `wait`,
    /// a member that gets nothing is in line: it is woken when it should ask again, until it gets
    /// something, asks without waiting, or [stops](Broker::stop_waiting_for_queue).
    ///
    /// # Errors
    /// `UnknownMember`.
    pub fn fetch_queue(
        &self,
        fetch: &QueueFetch<'_>,
        wait: Option<(&Arc<dyn Wake>, usize)>,
        pieces: &mut Vec<Piece>,
    ) -> Result<Vec<QueueRecords>> {
        loop {
            let there = fetch.partitions.iter().filter(|partition| !partition.is_deleted());
            let there: Vec<&Arc<Partition>> = there.collect();
            let bounds = there.iter().map(|partition| {
                let end = partition.high_watermark();
                (partition.number(), Bounds { log_start: partition.log_start(), end })
            });
            let bounds: Vec<(u32, Bounds)> = bounds.collect();
            let request = AcquireRequest {
                group: fetch.group,
                member: fetch.member,
                partitions: &bounds,
                records_max: fetch.records_max as u64,
                wait: wait.is_some(),
            };
            let mut again = false;
            let acquired = self.shared.with_queues(|queues, now, out| {
                let acquired = queues.queues.acquire(&request, now, out)?;
                match wait {
                    Some((wake, token)) if acquired.is_empty() => {
                        let room = queues.room(fetch.group, &self.shared.bells);
                        let waiter = Waiter::new(wake, token);
                        again = !room.enter(fetch.member, waiter, &there, &bounds);
                    }
                    _ => queues.leave_room(fetch.group, fetch.member),
                }
                Ok::<_, Error>(acquired)
            })?;
            if !acquired.is_empty() {
                let found = self.deliver(fetch, acquired, pieces)?;
                if !found.is_empty() {
                    return Ok(found);
                }
                // There was a hole in the offsets, which is settled now.
            } else if !again {
                return Ok(Vec::new());
            }
        }
    }

    /// A member does not wait any more.
    pub fn stop_waiting_for_queue(&self, group: &str, member: &str) {
        self.shared.with_queues(|queues, now, out| {
            queues.leave_room(group, member);
            queues.queues.stop_waiting(group, member, now, out);
        });
    }

    /// Reads what was acquired, without the lock, and confirms what could be read.
    fn deliver(
        &self,
        fetch: &QueueFetch<'_>,
        mut acquired: Vec<Acquisition>,
        pieces: &mut Vec<Piece>,
    ) -> Result<Vec<QueueRecords>> {
        acquired.sort_unstable_by_key(|range| (range.partition, range.first));
        let taken: u64 = acquired.iter().map(|range| range.last - range.first + 1).sum();
        let mut room = Room {
            bytes: fetch.bytes_max,
            whole_batches: fetch.whole_batches && taken >= fetch.records_max as u64,
            pieces: pieces.len(),
        };
        let mut found = Vec::new();
        for ranges in acquired.chunk_by(|a, b| a.partition == b.partition) {
            let number = ranges[0].partition;
            let at = fetch.partitions.iter().position(|p| p.number() == number);
            let Some(at) = at else { continue };
            let first = pieces.len();
            let partition = &fetch.partitions[at];
            let readable = self.shared.read_acquired(partition, ranges, &mut room, pieces);
            let delivery =
                Delivery { partition: number, kept: &readable.kept, gone: &readable.gone };
            let acquired = self.shared.with_queues(|queues, now, out| {
                queues.queues.confirm(fetch.group, fetch.member, &delivery, now, out)
            })?;
            if acquired.is_empty() {
                pieces.truncate(first);
            }
            if !acquired.is_empty() || readable.error.is_some() {
                let pieces = first..pieces.len();
                found.push(QueueRecords { partition: at, acquired, pieces, error: readable.error });
            }
        }
        Ok(found)
    }
}

impl Shared {
    /// Reads the batches that hold `ranges`, which are in order, as far as there is room.
    fn read_acquired(
        &self,
        partition: &Partition,
        ranges: &[Acquisition],
        room: &mut Room,
        pieces: &mut Vec<Piece>,
    ) -> Readable {
        let mut readable = Readable::default();
        // Where the batches that were read begin and end.
        let mut read = 0..0;
        for (at, range) in ranges.iter().enumerate() {
            let whole = room.whole_batches && at + 1 == ranges.len();
            let mut next = range.first;
            while next <= range.last {
                if !read.contains(&next) {
                    let at_least_one = pieces.len() == room.pieces;
                    match self.read_batch(partition, next..range.last + 1, room, pieces) {
                        Ok(Some(batch)) => read = batch,
                        Ok(None) if at_least_one => match self.hole_end(partition, next) {
                            Ok(end) if end > next => read = end..end,
                            Ok(_) => return readable,
                            Err(error) => {
                                readable.error = Some(error);
                                return readable;
                            }
                        },
                        Ok(None) => return readable,
                        Err(error) if error.kind() == ErrorKind::OffsetOutOfRange => {
                            let start = partition.log_start().max(next + 1);
                            read = start..start;
                        }
                        Err(error) => {
                            readable.error = Some(error);
                            return readable;
                        }
                    }
                }
                if read.start > next {
                    readable.gone.push((next, read.start - 1));
                    next = read.start;
                }
                if next < read.end && next <= range.last {
                    let last = read.end - 1;
                    readable.kept.push((next, if whole { last } else { last.min(range.last) }));
                    next = read.end;
                }
            }
        }
        readable
    }

    /// Where the next batch begins, or the partition ends, behind offsets that have no records:
    /// after a power cut there may be millions of those.
    fn hole_end(&self, partition: &Partition, offset: u64) -> Result<u64> {
        let mut pieces = Vec::new();
        let outcome = self.read_range(partition, offset..u64::MAX, 1, true, &mut pieces)?;
        match pieces.first() {
            Some(piece) => Ok(piece.offsets()?.start),
            None => Ok(outcome.high_watermark),
        }
    }

    /// Reads batches from the start of `offsets` on and says which offsets they hold; nothing
    /// where there is no room for the first one, or none.
    fn read_batch(
        &self,
        partition: &Partition,
        offsets: Range<u64>,
        room: &mut Room,
        pieces: &mut Vec<Piece>,
    ) -> Result<Option<Range<u64>>> {
        let first = pieces.len();
        let at_least_one = first == room.pieces;
        let bytes_max = room.bytes.max(usize::from(at_least_one));
        self.read_range(partition, offsets, bytes_max, at_least_one, pieces)?;
        let mut held: Option<Range<u64>> = None;
        let mut kept = first;
        for piece in &pieces[first..] {
            let offsets = piece.offsets()?;
            match &mut held {
                // A hole: what is behind it is read by itself.
                Some(held) if held.end != offsets.start => break,
                Some(held) => held.end = offsets.end,
                None => held = Some(offsets),
            }
            room.bytes = room.bytes.saturating_sub(piece.len());
            kept += 1;
        }
        pieces.truncate(kept);
        Ok(held)
    }
}
