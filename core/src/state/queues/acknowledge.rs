//! Acknowledgements: what members say of the records that they hold.

use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::state::queues::partition::{Partition, Return, Step};
use crate::state::queues::record::{MemberNumber, Record};
use crate::state::queues::types::{AckBatch, AckKind, DeadLetterReason};

impl Partition {
    /// Does what a member says, all of it or nothing. The cost grows with the kinds and with the
    /// ranges that the member holds, not with the offsets that it names.
    ///
    /// # Errors
    /// `InvalidRequest` for batches that contradict themselves, `InvalidRecordState` where the
    /// member does not hold a record. Records that retention took are passed over.
    pub(super) fn acknowledge(
        &mut self,
        member: MemberNumber,
        batches: &[AckBatch<'_>],
        step: &mut Step,
    ) -> Result<()> {
        check_shape(batches)?;
        for batch in batches {
            self.check_held(member, batch, step.now)?;
        }
        for batch in batches {
            for (first, last, kind) in runs(batch) {
                self.acknowledge_run(member, first, last, kind, step);
            }
        }
        Ok(())
    }

    /// Checks that a member holds all records of a batch.
    fn check_held(&self, member: MemberNumber, batch: &AckBatch<'_>, now: Millis) -> Result<()> {
        let mut expected = batch.first.max(self.log_start);
        if expected > batch.last {
            return Ok(());
        }
        for (first, last, record) in self.ranges.pieces(expected, batch.last) {
            let held = matches!(
                record,
                Record::Acquired { member: holder, deadline, confirmed: true, .. }
                    if holder == member && deadline > now
            );
            if !held || first > expected {
                return Err(self.not_held(expected));
            }
            expected = last + 1;
        }
        if expected > batch.last { Ok(()) } else { Err(self.not_held(expected)) }
    }

    fn not_held(&self, offset: u64) -> Error {
        let text = format!(
            "the member does not hold the record at offset {offset}: it was acknowledged before, \
             or it was held for too long and is for another member now"
        );
        Error::new(ErrorKind::InvalidRecordState, text)
    }

    fn acknowledge_run(
        &mut self,
        member: MemberNumber,
        first: u64,
        last: u64,
        kind: AckKind,
        step: &mut Step,
    ) {
        let first = first.max(self.log_start);
        if first > last {
            return;
        }
        if matches!(kind, AckKind::Gap | AckKind::Accept) {
            return self.conclude(first, last, Record::Settled, step);
        }
        let pieces: Vec<_> = self.ranges.pieces(first, last).collect();
        for (first, last, record) in pieces {
            let Record::Acquired { count, .. } = record else {
                continue;
            };
            match kind {
                AckKind::Release => {
                    self.hand_back(member, (first, last), (count, true), Return::AfterRest, step);
                }
                AckKind::Reject => {
                    self.give_up(first, last, count, DeadLetterReason::Rejected, step);
                }
                AckKind::Renew => self.renew(member, first, last, count, step),
                AckKind::Gap | AckKind::Accept => {}
            }
        }
    }
}

/// Checks that batches follow each other, with a kind for each record or one for all.
fn check_shape(batches: &[AckBatch<'_>]) -> Result<()> {
    let mut free_from = Some(0);
    for &AckBatch { first, last, kinds } in batches {
        let problem = if first > last {
            format!("offset {first} is behind offset {last}")
        } else if free_from.is_none_or(|free| first < free) {
            format!("offset {first} comes twice, or not in order")
        } else if kinds.len() != 1 && kinds.len() as u64 != (last - first).saturating_add(1) {
            let kinds = kinds.len();
            format!("there are {kinds} acknowledgements for the offsets {first} to {last}")
        } else {
            free_from = last.checked_add(1);
            continue;
        };
        let text = format!("the acknowledgement contradicts itself: {problem}");
        return Err(Error::new(ErrorKind::InvalidRequest, text));
    }
    Ok(())
}

/// The batch as runs of records with the same kind.
fn runs<'a>(batch: &AckBatch<'a>) -> impl Iterator<Item = (u64, u64, AckKind)> + 'a {
    let &AckBatch { first, last, kinds } = batch;
    let for_all = kinds.len() == 1;
    let mut next = first;
    kinds.chunk_by(|a, b| a == b).map(move |run| {
        let from = next;
        let to = if for_all { last } else { from + (run.len() as u64 - 1) };
        next = to.saturating_add(1);
        (from, to, run[0])
    })
}
