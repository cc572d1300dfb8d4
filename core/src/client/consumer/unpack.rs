//! From fetched batches to records: skips what is not wanted, unpacks what is compressed, checks
//! every record once, and cuts where a poll has enough.

use std::collections::VecDeque;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use bytes::Bytes;

use super::records::{Records, Run};
use crate::batch::header::{BatchHeader, HEADER_BYTES};
use crate::batch::records;
use crate::error::{Error, ErrorKind, Result};

/// Batches of one partition, of which a part may have been taken.
#[derive(Debug)]
pub(super) struct Unpacker {
    topic: Arc<str>,
    partition: u32,
    /// Whole batches, in order.
    batches: Bytes,
    /// And those behind them.
    more: VecDeque<Bytes>,
    opened: Option<Opened>,
    /// What is wanted of them, in order.
    windows: VecDeque<Window>,
    /// Nothing before this offset is wanted any more.
    position: u64,
    /// Offsets in windows at which there is no record, unless nobody asks.
    gaps: Option<Vec<RangeInclusive<u64>>>,
}

/// Offsets that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) first: u64,
    pub(super) last: u64,
    /// What their records say of how often they were delivered.
    pub(super) delivery_count: u32,
}

/// A batch that is being read.
#[derive(Debug)]
struct Opened {
    header: BatchHeader,
    base_offset: u64,
    last_offset: u64,
    /// The records that are left, uncompressed.
    bytes: Bytes,
    left: i32,
    /// The smallest offset delta that the next record may have.
    delta_min: i32,
}

/// Neighbouring records that were cut off a batch.
struct Cut {
    bytes: Bytes,
    count: u32,
    /// The offset behind the last record that was looked at.
    position: u64,
}

impl Unpacker {
    /// The records of `batches` from offset `position` on. What follows the last whole batch is
    /// not looked at.
    pub(super) fn from(topic: Arc<str>, partition: u32, batches: Bytes, position: u64) -> Self {
        let all = Window { first: position, last: u64::MAX, delivery_count: 1 };
        Self { gaps: None, ..Self::within(topic, partition, vec![batches], vec![all]) }
    }

    /// The records of `batches` whose offsets lie in `windows`, which are in order.
    pub(super) fn within(
        topic: Arc<str>,
        partition: u32,
        batches: Vec<Bytes>,
        windows: Vec<Window>,
    ) -> Self {
        let position = windows.first().map_or(0, |window| window.first);
        let (windows, gaps) = (VecDeque::from(windows), Some(Vec::new()));
        let (batches, more) = (Bytes::new(), VecDeque::from(batches));
        Self { topic, partition, batches, more, opened: None, windows, position, gaps }
    }

    /// The offset of the next record wanted: behind everything that was taken or skipped.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The offsets at which there turned out to be no record, since this was last asked.
    pub(super) fn take_gaps(&mut self) -> Vec<RangeInclusive<u64>> {
        self.gaps.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Appends up to `room` records. Returns how many, and whether nothing is left.
    ///
    /// Fails where a batch is not sound, if nothing could be taken before it. It then fails
    /// again: the position stays at the batch.
    pub(super) fn take(&mut self, room: usize, records: &mut Records) -> Result<(usize, bool)> {
        let mut taken = 0;
        loop {
            match self.step(room - taken, records) {
                Ok(Some(count)) if taken + count < room => taken += count,
                Ok(Some(count)) => return Ok((taken + count, false)),
                Ok(None) => return Ok((taken, true)),
                Err(error) if taken == 0 => return Err(error),
                Err(_) => return Ok((taken, false)),
            }
        }
    }

    /// Takes some records, or goes on to where there may be some. `None` at the end.
    fn step(&mut self, room: usize, records: &mut Records) -> Result<Option<usize>> {
        let Some(window) = self.windows.front().copied() else {
            (self.batches, self.opened) = (Bytes::new(), None);
            self.more.clear();
            return Ok(None);
        };
        if self.opened.is_none() && !self.open_next()? {
            return Ok(None);
        }
        let Some(opened) = &mut self.opened else {
            return Ok(Some(0));
        };
        let gaps = self.gaps.as_mut();
        let cut = opened.cut(self.position.max(window.first), window.last, room, gaps)?;
        if cut.count > 0 {
            records.push(Run {
                topic: self.topic.clone(),
                partition: self.partition,
                bytes: cut.bytes,
                count: cut.count,
                base_offset: opened.base_offset,
                base_timestamp: opened.header.base_timestamp,
                append_time: opened
                    .header
                    .has_log_append_time()
                    .then_some(opened.header.max_timestamp),
                delivery_count: window.delivery_count,
            });
        }
        // What lacks up to here has been noted.
        self.position = self.position.max(cut.position);
        let mut behind = self.position;
        if opened.left == 0 {
            behind = opened.last_offset.saturating_add(1);
            self.opened = None;
        }
        self.pass(behind);
        Ok(Some(cut.count as usize))
    }

    /// Goes on to `position`: windows before it are done, and what they lack are gaps.
    fn pass(&mut self, position: u64) {
        let from = self.position;
        self.position = self.position.max(position);
        while let Some(window) = self.windows.front().copied() {
            let lacks = from.max(window.first)..=window.last.min(self.position.saturating_sub(1));
            if let Some(gaps) = self.gaps.as_mut().filter(|_| !lacks.is_empty()) {
                gaps.push(lacks);
            }
            if self.position <= window.last {
                return;
            }
            self.windows.pop_front();
        }
    }

    /// Goes to the next batch that has something that is wanted. `false` if there is none.
    fn open_next(&mut self) -> Result<bool> {
        while self.next_batches() {
            let header = BatchHeader::parse(&self.batches)?;
            let size = header.size();
            if size > self.batches.len() {
                self.batches = Bytes::new();
                continue;
            }
            let base_offset = u64::try_from(header.base_offset);
            let last_offset = u64::try_from(header.last_offset());
            let (Ok(base_offset), Ok(last_offset)) = (base_offset, last_offset) else {
                return Err(corrupt("a record batch has a negative offset"));
            };
            let wanted_from = self.windows.front().map_or(u64::MAX, |window| window.first);
            let wanted = last_offset >= self.position.max(wanted_from);
            if wanted && !header.is_control() && header.record_count > 0 {
                let bytes = records::unpack(&header, &self.batches.slice(HEADER_BYTES..size))?;
                self.batches = self.batches.slice(size..);
                let left = header.record_count;
                self.opened =
                    Some(Opened { header, base_offset, last_offset, bytes, left, delta_min: 0 });
                return Ok(true);
            }
            self.batches = self.batches.slice(size..);
            if wanted {
                self.pass(last_offset.saturating_add(1));
            }
        }
        Ok(false)
    }

    /// Whether there are bytes of batches left.
    fn next_batches(&mut self) -> bool {
        while self.batches.is_empty() {
            let Some(next) = self.more.pop_front() else { return false };
            self.batches = next;
        }
        true
    }
}

impl Opened {
    /// Cuts off up to `room` records with offsets from `first` to `last`; those before are dropped.
    fn cut(
        &mut self,
        first: u64,
        last: u64,
        room: usize,
        mut gaps: Option<&mut Vec<RangeInclusive<u64>>>,
    ) -> Result<Cut> {
        let mut walk = records::Records::new(&self.bytes, self.left);
        let at = |rest: &[u8]| self.bytes.len() - rest.len();
        let (mut start, mut end, mut count, mut looked) = (0, 0, 0u32, 0);
        let (mut position, mut delta_min) = (first, self.delta_min);
        while (count as usize) < room {
            let Some(record) = walk.next() else { break };
            let record = record?;
            let delta = record.offset_delta;
            if !(delta_min..=self.header.last_offset_delta).contains(&delta) {
                return Err(corrupt("the offsets in a record batch contradict each other"));
            }
            let offset = self.base_offset.saturating_add_signed(delta.into());
            if offset > last {
                if let Some(gaps) = gaps.filter(|_| position <= last) {
                    gaps.push(position..=last);
                }
                position = last.saturating_add(1).max(position);
                return self.split(start..end, count, looked, delta_min, position);
            }
            end = at(walk.rest());
            (delta_min, looked) = (delta.saturating_add(1), looked + 1);
            if offset < first {
                start = end;
                continue;
            }
            if let Some(gaps) = gaps.as_mut().filter(|_| offset > position) {
                gaps.push(position..=offset - 1);
            }
            position = offset.saturating_add(1);
            count += 1;
        }
        if looked == self.left && !walk.rest().is_empty() {
            return Err(corrupt("a record batch goes on after its last record"));
        }
        self.split(start..end, count, looked, delta_min, position)
    }

    /// Takes what was looked at off the front.
    fn split(
        &mut self,
        range: Range<usize>,
        count: u32,
        looked: i32,
        delta_min: i32,
        position: u64,
    ) -> Result<Cut> {
        let bytes = self.bytes.slice(range.clone());
        self.bytes = self.bytes.slice(range.end..);
        (self.left, self.delta_min) = (self.left - looked, delta_min);
        Ok(Cut { bytes, count, position })
    }
}

fn corrupt(text: &str) -> Error {
    Error::new(ErrorKind::CorruptBatch, text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::batch::builder::BatchBuilder;
    use crate::batch::compression::Codec;
    use crate::batch::header::{CONTROL, PATCH_BYTES, patch};

    /// A batch of so many records, of which offsets are all the values.
    fn batch(base: u64, count: u64, codec: Codec) -> Vec<u8> {
        let mut builder = BatchBuilder::new();
        for offset in base..base + count {
            builder.append(0, None, Some(offset.to_string().as_bytes()), &[]).unwrap();
        }
        let mut bytes = builder.finish(codec).unwrap().to_vec();
        patch(bytes.first_chunk_mut::<PATCH_BYTES>().unwrap(), base.cast_signed(), 0);
        bytes
    }

    /// The same as if compaction had taken everything up to `last` behind it.
    fn thinned(base: u64, count: u64, last: u64) -> Vec<u8> {
        let mut bytes = batch(base, count, Codec::None);
        bytes[23..27].copy_from_slice(&u32::try_from(last - base).unwrap().to_be_bytes());
        bytes
    }

    fn offsets(records: &Records) -> Vec<u64> {
        for record in records {
            assert_eq!(record.value, Some(record.offset.to_string().as_bytes()));
        }
        records.iter().map(|record| record.offset).collect()
    }

    fn windows(ranges: &[(u64, u64)]) -> Vec<Window> {
        let window = |&(first, last): &(u64, u64)| Window { first, last, delivery_count: 2 };
        ranges.iter().map(window).collect()
    }

    fn take(unpacker: &mut Unpacker, room: usize) -> (Vec<u64>, bool) {
        let mut records = Records::default();
        let (count, done) = unpacker.take(room, &mut records).unwrap();
        assert_eq!(count, records.len());
        (offsets(&records), done)
    }

    #[test]
    fn records_before_the_position_are_skipped_and_gaps_passed() {
        let mut control = batch(30, 1, Codec::None);
        control[22] |= CONTROL as u8;
        let parts = [
            batch(0, 5, Codec::None),
            batch(5, 5, Codec::Lz4),
            thinned(20, 2, 29),
            control,
            thinned(31, 0, 40),
            batch(50, 1, Codec::None),
        ];
        for step in 1..9 {
            let all = Bytes::from(parts.concat());
            let mut unpacker = Unpacker::from("t".into(), 0, all, 3);
            let (mut seen, mut done) = (Vec::new(), false);
            while !done {
                let (some, is_done) = take(&mut unpacker, step);
                seen.extend(some);
                done = is_done;
                let last = seen.last().copied().unwrap_or(2);
                assert!(unpacker.position() > last);
            }
            assert_eq!(seen, [3, 4, 5, 6, 7, 8, 9, 20, 21, 50], "{step} at once");
            assert_eq!(unpacker.position(), 51);
        }
        let behind = Bytes::from(parts[..5].concat());
        let mut unpacker = Unpacker::from("t".into(), 0, behind, 21);
        assert_eq!(take(&mut unpacker, 100), (vec![21], true));
        assert_eq!(unpacker.position(), 41, "what compaction left nothing of is behind us");
    }

    #[test]
    fn a_record_is_found_again_by_its_place() {
        let batches = [batch(0, 3, Codec::Lz4), batch(3, 2, Codec::None)].concat();
        let mut unpacker = Unpacker::from("t".into(), 0, Bytes::from(batches), 1);
        let mut records = Records::default();
        while !unpacker.take(2, &mut records).unwrap().1 {}
        let places = records.places();
        let found: Vec<_> = places.iter().filter_map(|&at| records.at(at)).collect();
        assert_eq!(found, records.iter().collect::<Vec<_>>());
        assert_eq!(found.len(), 4);
        assert_eq!(Records::default().at(places[0]), None);
    }

    #[test]
    fn only_what_was_acquired_comes_out_and_what_lacks_is_told() {
        let parts = [batch(0, 5, Codec::Zstd), thinned(5, 2, 9), batch(12, 3, Codec::None)];
        for step in 1..9 {
            let acquired = windows(&[(1, 2), (4, 7), (9, 12), (14, 14), (15, 20)]);
            let all = Bytes::from(parts.concat());
            let pieces = vec![all.slice(..parts[0].len()), all.slice(parts[0].len()..)];
            let mut unpacker = Unpacker::within("t".into(), 0, pieces, acquired);
            let (mut seen, mut gaps, mut done) = (Vec::new(), Vec::new(), false);
            while !done {
                let mut records = Records::default();
                done = unpacker.take(step, &mut records).unwrap().1;
                assert!(records.iter().all(|record| record.delivery_count == 2));
                seen.extend(offsets(&records));
                gaps.extend(unpacker.take_gaps().into_iter().flatten());
            }
            assert_eq!(seen, [1, 2, 4, 5, 6, 12, 14], "{step} at once");
            // The batches end at 14: nobody knows whether there is something behind it.
            assert_eq!(gaps, [7, 9, 10, 11], "{step} at once");
        }
    }

    #[test]
    fn a_batch_that_is_not_sound_is_an_error_behind_those_that_are() {
        let mut backwards = batch(5, 3, Codec::None);
        backwards[26] = 1;
        let mut unknown = batch(5, 3, Codec::None);
        unknown[22] |= 7;
        let mut negative = batch(5, 3, Codec::None);
        negative[0] = 0xff;
        let mut short = batch(5, 3, Codec::None);
        short[60] = 2;
        for bad in [backwards, unknown, negative, short] {
            let all = Bytes::from([batch(0, 5, Codec::None), bad].concat());
            let mut unpacker = Unpacker::from("t".into(), 0, all, 0);
            assert_eq!(take(&mut unpacker, 9).0, [0, 1, 2, 3, 4]);
            for _ in 0..2 {
                assert!(unpacker.take(9, &mut Records::default()).is_err());
                assert_eq!(unpacker.position(), 5);
            }
        }
        let cut = Bytes::from([batch(0, 5, Codec::None), batch(5, 1, Codec::None)].concat());
        let cut = cut.slice(..cut.len() - 1);
        let mut unpacker = Unpacker::from("t".into(), 0, cut, 0);
        assert_eq!(take(&mut unpacker, 9), (vec![0, 1, 2, 3, 4], true));
    }

    proptest! {
        #[test]
        fn arbitrary_changes_never_panic_and_never_loop(
            changes in proptest::collection::vec((0usize..400, any::<u8>()), 1..6),
            position in prop_oneof![0u64..12, any::<u64>()],
            ranges in proptest::collection::vec((0u64..20, 0u64..8), 0..4),
            room in 1usize..6,
        ) {
            let parts = [batch(0, 5, Codec::Snappy), batch(5, 5, Codec::None), thinned(10, 1, 12)];
            let mut bytes = parts.concat();
            for (at, value) in changes {
                let at = at % bytes.len();
                bytes[at] = value;
            }
            let mut next = 0;
            let ranges: Vec<_> = ranges
                .into_iter()
                .map(|(skip, length)| {
                    let first = next + skip;
                    next = first + length + 1;
                    (first, first + length)
                })
                .collect();
            let bytes = Bytes::from(bytes);
            for mut unpacker in [
                Unpacker::from("t".into(), 0, bytes.clone(), position),
                Unpacker::within("t".into(), 0, vec![bytes.clone()], windows(&ranges)),
            ] {
                for _ in 0..100 {
                    let mut records = Records::default();
                    match unpacker.take(room, &mut records) {
                        Ok((_, true)) | Err(_) => break,
                        Ok((count, false)) => prop_assert_eq!(count, records.len()),
                    }
                    prop_assert_eq!(records.iter().count(), records.len());
                }
            }
        }
    }
}
