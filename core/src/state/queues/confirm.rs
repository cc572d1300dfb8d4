//! After an acquisition: which of its records were really delivered.

use crate::clock::Millis;
use crate::state::queues::partition::{Partition, Step};
use crate::state::queues::record::{MemberNumber, Record};
use crate::state::queues::types::{Acquisition, Delivery};

impl Partition {
    /// Counts a member's delivery, settles the holes, and takes back what else the member has
    /// acquired. Says what the member has now.
    pub(super) fn confirm(
        &mut self,
        member: MemberNumber,
        delivery: &Delivery<'_>,
        step: &mut Step,
    ) -> Vec<Acquisition> {
        let mut out = Vec::new();
        for &(first, last) in delivery.kept {
            self.keep(member, first, last, step, &mut out);
        }
        for &(first, last) in delivery.gone {
            self.settle_hole(member, first, last, step);
        }
        self.give_back(member, step);
        out
    }

    /// Counts the delivery of what the member has acquired between two offsets, and of what lies
    /// right behind that and is nobody's.
    fn keep(
        &mut self,
        member: MemberNumber,
        first: u64,
        last: u64,
        step: &mut Step,
        out: &mut Vec<Acquisition>,
    ) {
        let mut ours = false;
        let pieces: Vec<_> = self.ranges.pieces(first, last).collect();
        for (first, last, record) in pieces {
            let count = match record {
                Record::Acquired { member: holder, count, confirmed: false, .. }
                    if holder == member =>
                {
                    count
                }
                Record::Available { count, rests_until: None, avoid }
                    if ours && avoid != member && !step.config.is_last(count) =>
                {
                    count + 1
                }
                _ => {
                    ours = false;
                    continue;
                }
            };
            ours = true;
            self.deliver(member, (first, last), count, step, out);
        }
        let next = self.ranges.next();
        if ours && next <= last {
            self.deliver(member, (next, last), 1, step, out);
        }
    }

    fn deliver(
        &mut self,
        member: MemberNumber,
        (first, last): (u64, u64),
        count: u16,
        step: &mut Step,
        out: &mut Vec<Acquisition>,
    ) {
        let deadline = step.now + Millis::from(step.config.lock_duration_ms);
        let record = Record::Acquired { member, deadline, count, confirmed: true };
        self.conclude(first, last, record, step);
        match out.last_mut() {
            Some(before) if before.last + 1 == first && before.delivery_count == count => {
                before.last = last;
            }
            _ => {
                out.push(Acquisition { partition: self.number, first, last, delivery_count: count })
            }
        }
    }

    /// Settles offsets that have no record, as far as no other member has them.
    fn settle_hole(&mut self, member: MemberNumber, first: u64, last: u64, step: &mut Step) {
        let pieces: Vec<_> = self.ranges.pieces(first, last).collect();
        let next = self.ranges.next();
        for (first, last, record) in pieces {
            let settle = match record {
                Record::Available { .. } => true,
                Record::Acquired { member: holder, confirmed, .. } => {
                    holder == member && !confirmed
                }
                Record::Settled | Record::Burying { .. } => false,
            };
            if settle {
                self.conclude(first, last, Record::Settled, step);
            }
        }
        let first = first.max(next);
        if first <= last {
            self.conclude(first, last, Record::Settled, step);
        }
    }
}
