//! Handing out records: who gets how many of what there is.
//!
//! Members that wait share what there is evenly, and where it does not come out even, who waits
//! longer has one more. Who does not wait comes behind them, and leaves something for those that
//! may come in a moment. A member that waits and does not come when it is called loses its place.

use crate::clock::Millis;
use crate::error::Result;
use crate::state::queues::group::{Group, Slot, Turn, unknown_member};
use crate::state::queues::partition::Partition;
use crate::state::queues::record::MemberNumber;
use crate::state::queues::types::{AcquireRequest, Acquisition};

/// A partition that has something for a member.
#[derive(Debug, Clone, Copy)]
struct Open {
    number: u32,
    /// The high watermark.
    end: u64,
}

/// How much a member may take.
struct Share {
    records: u64,
    /// Whether it may take what others who wait should rather have.
    own: bool,
}

impl Group {
    /// See [`Queues::acquire`](super::Queues::acquire).
    pub(super) fn acquire(
        &mut self,
        request: &AcquireRequest<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Vec<Acquisition>> {
        let Some(member) = self.members.get_mut(request.member) else {
            return Err(unknown_member(&self.id, request.member));
        };
        member.active = turn.now;
        let member = member.number;
        self.sweep(turn);
        turn.late |= self.waiting.drop_late(turn.now);
        let open = self.open(request, turn);
        let share = self.share(member, request.records_max, &open, turn);
        let taken = self.take(member, &share, &open, turn);
        if !taken.is_empty() || !request.wait {
            self.waiting.stop(member);
        } else if let Some((id, _)) = self.members.get_key_value(request.member) {
            let partitions = request.partitions.iter().map(|(number, _)| *number).collect();
            self.waiting.wait(member, id, partitions);
        }
        if let Some(member) = self.members.get_mut(request.member) {
            member.touched.extend(taken.iter().map(|acquisition| acquisition.partition));
        }
        Ok(taken)
    }

    /// The partitions that have something to hand out, the one whose turn it is first. Asks where
    /// to begin with those that are not known yet.
    fn open(&mut self, request: &AcquireRequest<'_>, turn: &mut Turn<'_>) -> Vec<Open> {
        let mut open = Vec::new();
        let mut to_ask = Vec::new();
        for &(number, bounds) in request.partitions {
            let available = match self.partitions.get(&number) {
                None => {
                    to_ask.push((number, turn.config.start));
                    continue;
                }
                Some(&Slot::Unknown { start, asked }) => {
                    to_ask.extend((!asked).then_some((number, start)));
                    continue;
                }
                Some(Slot::Started(slot)) if slot.is_quiet(bounds, turn.now) => {
                    slot.available(bounds.end, 0, &turn.config)
                }
                Some(Slot::Started(_)) => {
                    let available = self.step(number, turn, |partition, step| {
                        partition.expire(step);
                        partition.trim(bounds, step);
                        partition.available(bounds.end, 0, &step.config)
                    });
                    available.unwrap_or_default()
                }
            };
            if available > 0 {
                open.push(Open { number, end: bounds.end });
            }
        }
        while let Some(&(_, start)) = to_ask.first() {
            let numbers = to_ask.extract_if(.., |(_, other)| *other == start);
            let mut numbers: Vec<u32> = numbers.map(|(number, _)| number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            self.ask(numbers, start, turn);
        }
        let served = self.served;
        open.sort_unstable_by_key(|open| (open.number <= served, open.number));
        open
    }

    fn share(
        &mut self,
        member: MemberNumber,
        records_max: u64,
        open: &[Open],
        turn: &Turn<'_>,
    ) -> Share {
        let own = !self.call_others(member, open, turn);
        let total: u64 = open.iter().map(|open| self.available(open, member, own, turn)).sum();
        let wanted = total.min(records_max);
        if wanted == 0 {
            return Share { records: 0, own };
        }
        let mut rivals = Vec::new();
        let mut place = None;
        for waiter in self.waiting.iter() {
            if waiter.member == member {
                place = Some(rivals.len() as u64);
            } else if open.iter().any(|open| {
                waiter.wants(open.number) && self.available(open, waiter.member, false, turn) > 0
            }) {
                rivals.push(waiter.member);
            }
            if place.is_none() && rivals.len() as u64 >= total {
                break;
            }
        }
        let before = rivals.len() as u64;
        // Those that come later matter only where there is something left, and not enough for all.
        let plenty = total >= records_max.saturating_mul(self.members.len() as u64);
        let heads = match place {
            None if before < total && !plenty => before + 1 + self.idle(member, open, turn),
            _ => before + 1,
        };
        let place = place.unwrap_or(before);
        let fair = total / heads + u64::from(place < total % heads);
        if fair < wanted {
            // The records that this member leaves are for the first of the others.
            let left = usize::try_from(total - fair).unwrap_or(usize::MAX);
            self.waiting.call(&rivals[..left.min(rivals.len())], turn.now);
        }
        Share { records: fair.min(wanted), own }
    }

    /// Calls the others that wait for records that should rather not go to this member. Says
    /// whether there are any.
    fn call_others(&mut self, member: MemberNumber, open: &[Open], turn: &Turn<'_>) -> bool {
        let avoiding = |open: &&Open| {
            let partition = self.partition(open.number);
            partition.is_some_and(|partition| partition.index.avoided(member) > 0)
        };
        let avoiding: Vec<_> = open.iter().filter(avoiding).collect();
        if avoiding.is_empty() {
            return false;
        }
        let others = self.waiting.iter().filter(|waiter| {
            waiter.member != member && avoiding.iter().any(|open| waiter.wants(open.number))
        });
        let others: Vec<_> = others.map(|waiter| waiter.member).collect();
        self.waiting.call(&others, turn.now);
        !others.is_empty()
    }

    /// How many records of a partition a member could take.
    fn available(&self, open: &Open, member: MemberNumber, own: bool, turn: &Turn<'_>) -> u64 {
        let Some(partition) = self.partition(open.number) else {
            return 0;
        };
        let excluded = if own { 0 } else { partition.index.avoided(member) };
        partition.available(open.end, excluded, &turn.config)
    }

    /// How many other members may come for records of these partitions in a moment: they have
    /// nothing to do, do not wait, and were heard of a short time ago.
    fn idle(&mut self, member: MemberNumber, open: &[Open], turn: &Turn<'_>) -> u64 {
        let since = turn.now - Millis::from(turn.config.heartbeat_interval_ms);
        let (partitions, waiting) = (&self.partitions, &self.waiting);
        let mut idle = 0;
        for other in self.members.values_mut() {
            let comes = other.number != member
                && other.active > since
                && open.iter().any(|open| other.may_fetch(open.number))
                && !waiting.contains(other.number)
                && !other.holds_any(partitions);
            idle += u64::from(comes);
        }
        idle
    }

    /// Takes a share: what was handed out before first, then what is new.
    fn take(
        &mut self,
        member: MemberNumber,
        share: &Share,
        open: &[Open],
        turn: &mut Turn<'_>,
    ) -> Vec<Acquisition> {
        let mut taken = Vec::new();
        let mut left = share.records;
        for new in [false, true] {
            for open in open {
                if left == 0 {
                    break;
                }
                let records = self.step(open.number, turn, |partition, step| match new {
                    true => partition.take_fresh(member, open.end, left, step, &mut taken),
                    false => partition.take_ready(member, share.own, left, step, &mut taken),
                });
                left -= records.unwrap_or_default();
                if records.is_some_and(|records| records > 0) {
                    self.served = open.number;
                }
            }
        }
        merge(taken)
    }

    fn partition(&self, number: u32) -> Option<&Partition> {
        match self.partitions.get(&number) {
            Some(Slot::Started(slot)) => Some(&**slot),
            _ => None,
        }
    }
}

/// Puts acquisitions in order and joins neighbours.
fn merge(mut taken: Vec<Acquisition>) -> Vec<Acquisition> {
    taken.sort_unstable_by_key(|acquisition| (acquisition.partition, acquisition.first));
    taken.dedup_by(|next, before| {
        let follows = before.partition == next.partition
            && before.last + 1 == next.first
            && before.delivery_count == next.delivery_count;
        if follows {
            before.last = next.last;
        }
        follows
    });
    taken
}
