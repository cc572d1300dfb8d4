//! Asking the delivery hook about what consumers are to get.

use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;

use super::Broker;
use super::asking::{Asking, Fate, rewrite};
use super::hooks::{Peer, Verdict};
use super::queue_fetch::{QueueFetch, QueueRecords};
use super::wake::Wake;
use crate::batch::header::BatchHeader;
use crate::error::{Error, ErrorKind, Result};
use crate::log::reader::Piece;
use crate::state::queues::{AckBatch, AckKind, Acquisition};

/// So many times a member of a queue group is looked for records that it may have, before others
/// get their turn.
const ROUNDS_MAX: usize = 16;

/// Batches that have been asked about.
#[derive(Debug, Default)]
pub struct Passed {
    /// The batches, of which some may have changed or have fewer records, or nothing that is for
    /// programs: they still cover all of their offsets.
    pub batches: Vec<Bytes>,
    /// Offsets of records that were wanted and left out.
    pub left_out: Vec<RangeInclusive<u64>>,
    /// Why nothing is behind these batches, if that cannot be read.
    pub error: Option<Error>,
}

impl Passed {
    /// How many bytes of batches.
    pub fn bytes(&self) -> usize {
        self.batches.iter().map(Bytes::len).sum()
    }
}

impl Broker {
    /// Whether a delivery hook has to be asked about each record that leaves.
    pub fn asks_at_delivery(&self) -> bool {
        self.config().hooks.delivery.is_some()
    }

    /// Asks the delivery hook about the records of `pieces` whose offsets are `wanted`, which is
    /// in order, for `peer`. What is not wanted does not leave, and nobody is asked about it.
    /// Without a hook nothing passes.
    pub fn pass(
        &self,
        peer: Peer<'_>,
        (topic, partition): (&str, u32),
        wanted: &[RangeInclusive<u64>],
        pieces: &[Piece],
    ) -> Passed {
        self.pass_some(peer, (topic, partition), wanted, pieces, true)
    }

    /// As [`Broker::pass`]; a batch of which nothing is left stays if `all_stay`.
    fn pass_some(
        &self,
        peer: Peer<'_>,
        (topic, partition): (&str, u32),
        wanted: &[RangeInclusive<u64>],
        pieces: &[Piece],
        all_stay: bool,
    ) -> Passed {
        let mut passed = Passed::default();
        let Some(hook) = &self.config().hooks.delivery else { return passed };
        let events = self.events();
        let asking = Asking { hook: &**hook, name: "delivery", events, peer, topic, partition };
        for piece in pieces {
            let read = piece.read().and_then(|bytes| passed.pass(&asking, wanted, bytes, all_stay));
            if let Err(error) = read {
                passed.error = Some(error);
                break;
            }
        }
        passed
    }

    /// As [`Broker::fetch_queue`], but asks the delivery hook, if there is one. What it leaves
    /// out is accepted in the member's name.
    ///
    /// # Errors
    /// `UnknownMember`.
    pub fn fetch_queue_for(
        &self,
        peer: Peer<'_>,
        fetch: &QueueFetch<'_>,
        wait: Option<(&Arc<dyn Wake>, usize)>,
        pieces: &mut Vec<Piece>,
    ) -> Result<Vec<QueueRecords>> {
        if !self.asks_at_delivery() {
            return self.fetch_queue(fetch, wait, pieces);
        }
        for _ in 0..ROUNDS_MAX {
            let mut raw = Vec::new();
            let mut found = self.fetch_queue(fetch, wait, &mut raw)?;
            if found.is_empty() {
                return Ok(found);
            }
            for records in &mut found {
                self.pass_queue(peer, fetch, records, &raw, pieces);
            }
            found.retain(|records| !records.acquired.is_empty() || records.error.is_some());
            if !found.is_empty() {
                return Ok(found);
            }
        }
        // There may be more; it is looked for after others have had their turn.
        if let Some((wake, token)) = wait {
            wake.wake(token);
        }
        Ok(Vec::new())
    }

    /// Asks about what a member has of one partition, and leaves it what passes.
    fn pass_queue(
        &self,
        peer: Peer<'_>,
        fetch: &QueueFetch<'_>,
        records: &mut QueueRecords,
        raw: &[Piece],
        pieces: &mut Vec<Piece>,
    ) {
        let first = pieces.len();
        let number = fetch.partitions[records.partition].number();
        let wanted = records.acquired.iter().map(|range| range.first..=range.last);
        let wanted: Vec<RangeInclusive<u64>> = wanted.collect();
        let passed = match self.locate_partition(number) {
            Some((topic, index)) => {
                let place = (&topic.name[..], index);
                self.pass_some(peer, place, &wanted, &raw[records.pieces.clone()], false)
            }
            // The topic was deleted meanwhile, and its records with it.
            None => Passed { left_out: wanted, ..Passed::default() },
        };
        self.settle_queue(fetch, number, &passed.left_out, AckKind::Accept);
        records.acquired = without(&records.acquired, &passed.left_out);
        if let Some(error) = passed.error {
            // What cannot be read is given back.
            let read = passed.batches.last().map_or(0, end_of);
            let unread = records.acquired.iter().filter(|range| range.last >= read);
            let unread: Vec<_> = unread.map(|range| range.first.max(read)..=range.last).collect();
            self.settle_queue(fetch, number, &unread, AckKind::Release);
            records.acquired = without(&records.acquired, &unread);
            // With an error, clients overlook the records beside it. It comes again.
            if records.acquired.is_empty() {
                records.error.get_or_insert(error);
            }
        }
        if !records.acquired.is_empty() {
            pieces.extend(passed.batches.into_iter().map(Piece::Bytes));
        }
        records.pieces = first..pieces.len();
    }

    /// Says of records, in the name of the member that holds them, what becomes of them. Nobody
    /// waits for the disk: what a power cut takes back is looked at again.
    fn settle_queue(
        &self,
        fetch: &QueueFetch<'_>,
        number: u32,
        offsets: &[RangeInclusive<u64>],
        kind: AckKind,
    ) {
        if offsets.is_empty() {
            return;
        }
        let batch = |range: &RangeInclusive<u64>| AckBatch {
            first: *range.start(),
            last: *range.end(),
            kinds: std::slice::from_ref(&kind),
        };
        let batches: Vec<AckBatch<'_>> = offsets.iter().map(batch).collect();
        // The member may have lost them meanwhile: then the next one is asked about.
        let _ = self.acknowledge_queue(fetch.group, fetch.member, &[(number, batches)], None);
        self.drain();
    }
}

impl Passed {
    /// Takes the batches of a piece in.
    fn pass(
        &mut self,
        asking: &Asking<'_>,
        wanted: &[RangeInclusive<u64>],
        bytes: Bytes,
        all_stay: bool,
    ) -> Result<()> {
        let mut rest = bytes.clone();
        let mut batches = Vec::new();
        let mut is_changed = false;
        let mut failed = Ok(());
        while !rest.is_empty() && failed.is_ok() {
            let before = self.left_out.len();
            match self.pass_first(asking, wanted, &mut rest) {
                Ok((batch, changed)) => {
                    is_changed |= changed;
                    if all_stay || !BatchHeader::parse(&batch)?.is_control() {
                        batches.push(batch);
                    }
                }
                Err(error) => {
                    self.left_out.truncate(before);
                    failed = Err(error);
                }
            }
        }
        if failed.is_ok() && !is_changed {
            self.batches.push(bytes);
        } else if !batches.is_empty() {
            self.batches.push(batches.concat().into());
        }
        failed
    }

    /// Takes the first batch of `rest` out and asks about it. Returns it, and whether it has
    /// changed.
    fn pass_first(
        &mut self,
        asking: &Asking<'_>,
        wanted: &[RangeInclusive<u64>],
        rest: &mut Bytes,
    ) -> Result<(Bytes, bool)> {
        let header = BatchHeader::parse(rest)?;
        if header.size() > rest.len() {
            let text = "a record batch ends behind what was read";
            return Err(Error::new(ErrorKind::Damaged, text));
        }
        let batch = rest.split_to(header.size());
        if header.is_control() || header.record_count <= 0 {
            return Ok((batch, false));
        }
        let base = header.base_offset.cast_unsigned();
        let left_out = &mut self.left_out;
        let changed = rewrite(&batch, &header, |record| {
            let offset = base.saturating_add_signed(record.offset_delta.into());
            let behind = wanted.partition_point(|range| *range.end() < offset);
            if !wanted.get(behind).is_some_and(|range| range.contains(&offset)) {
                return Fate::LeaveOut;
            }
            match asking.ask(record, &header, Some(offset)) {
                Verdict::Pass => Fate::Keep,
                Verdict::Change(changed) => Fate::Change(changed),
                Verdict::Refuse(_) => {
                    add(left_out, offset);
                    Fate::LeaveOut
                }
                Verdict::Fail(reason) => {
                    let text = format!("the delivery hook failed at offset {offset}: {reason}");
                    Fate::Fail(Error::new(ErrorKind::HookFailed, text))
                }
            }
        })?;
        Ok(match changed {
            Some(changed) => (changed, true),
            None => (batch, false),
        })
    }
}

/// Adds an offset behind all others.
fn add(offsets: &mut Vec<RangeInclusive<u64>>, offset: u64) {
    match offsets.last_mut() {
        Some(last) if last.end().checked_add(1) == Some(offset) => *last = *last.start()..=offset,
        _ => offsets.push(offset..=offset),
    }
}

/// What is left of `acquired` without some offsets; both are in order.
fn without(acquired: &[Acquisition], offsets: &[RangeInclusive<u64>]) -> Vec<Acquisition> {
    let mut left = Vec::new();
    for range in acquired {
        let mut first = range.first;
        let behind = offsets.partition_point(|gone| *gone.end() < range.first);
        for gone in offsets[behind..].iter().take_while(|gone| *gone.start() <= range.last) {
            if *gone.start() > first {
                left.push(Acquisition { first, last: gone.start() - 1, ..*range });
            }
            first = gone.end().saturating_add(1);
        }
        if first <= range.last {
            left.push(Acquisition { first, ..*range });
        }
    }
    left
}

/// The offset behind the last of these batches.
fn end_of(bytes: &Bytes) -> u64 {
    let (mut rest, mut end) = (&bytes[..], 0);
    while let Ok(header) = BatchHeader::parse(rest) {
        end = header.last_offset().cast_unsigned().saturating_add(1);
        rest = rest.get(header.size()..).unwrap_or_default();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_cut_off_the_ranges() {
        let range = |first, last| Acquisition { partition: 1, first, last, delivery_count: 2 };
        let acquired = [range(0, 4), range(6, 6), range(8, 12)];
        let left = without(&acquired, &[0..=0, 2..=3, 6..=6, 12..=12]);
        assert_eq!(left, [range(1, 1), range(4, 4), range(8, 11)]);
        assert_eq!(without(&acquired, &[]), acquired);
        assert_eq!(without(&acquired, &[0..=4, 6..=6, 8..=12]), []);
        let neighbours = [range(0, 4), range(5, 9)];
        assert_eq!(without(&neighbours, &[3..=6]), [range(0, 2), range(7, 9)]);
        let mut offsets = Vec::new();
        [1, 2, 4, 5, 7].into_iter().for_each(|offset| add(&mut offsets, offset));
        assert_eq!(offsets, [1..=2, 4..=5, 7..=7]);
    }
}
