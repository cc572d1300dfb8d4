//! Who waits for records, in the order in which they came.

use std::collections::VecDeque;

use crate::clock::Millis;
use crate::state::queues::record::MemberNumber;

/// How long records are kept for a member that waits and was called, in milliseconds. Who does
/// not come by then does not wait: it is slow, or dead.
const GRACE_MS: Millis = 50;

/// The members that wait, longest first.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    queue: VecDeque<Waiter>,
}

#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) member: MemberNumber,
    /// What it asked for, in order.
    partitions: Vec<u32>,
    /// Since when records are kept for it while another one wants them, in steady milliseconds.
    called: Option<Millis>,
}

impl Waiter {
    /// Whether the member asked for records of this partition.
    pub(super) fn wants(&self, partition: u32) -> bool {
        self.partitions.binary_search(&partition).is_ok()
    }
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiter> {
        self.queue.iter()
    }

    pub(super) fn contains(&self, member: MemberNumber) -> bool {
        self.queue.iter().any(|waiter| waiter.member == member)
    }

    /// Puts a member at the end, or leaves it where it waits.
    pub(super) fn wait(&mut self, member: MemberNumber, partitions: impl Iterator<Item = u32>) {
        let mut partitions: Vec<u32> = partitions.collect();
        partitions.sort_unstable();
        match self.queue.iter_mut().find(|waiter| waiter.member == member) {
            Some(waiter) => {
                waiter.partitions = partitions;
                waiter.called = None;
            }
            None => self.queue.push_back(Waiter { member, partitions, called: None }),
        }
    }

    pub(super) fn stop(&mut self, member: MemberNumber) {
        self.queue.retain(|waiter| waiter.member != member);
    }

    /// Another member went without records for the sake of these.
    pub(super) fn call(&mut self, members: &[MemberNumber], now: Millis) {
        for waiter in self.queue.iter_mut().filter(|waiter| members.contains(&waiter.member)) {
            waiter.called.get_or_insert(now);
        }
    }

    /// Drops those who were called and did not come. Says whether there were any.
    pub(super) fn drop_late(&mut self, now: Millis) -> bool {
        let before = self.queue.len();
        self.queue.retain(|waiter| waiter.called.is_none_or(|called| called + GRACE_MS > now));
        self.queue.len() < before
    }

    /// When [`Waiting::drop_late`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Millis> {
        self.queue.iter().filter_map(|waiter| waiter.called).min().map(|called| called + GRACE_MS)
    }
}
