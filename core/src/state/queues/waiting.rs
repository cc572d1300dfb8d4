//! Who waits for records, in the order in which they came.

use std::collections::VecDeque;
use std::sync::Arc;

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
    id: Arc<str>,
    /// What it asked for, in order.
    partitions: Vec<u32>,
    /// Since when records are kept for it while another one wants them, in steady milliseconds.
    called: Option<Millis>,
    /// Whether the caller was told to wake it, since it waits.
    told: bool,
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
    pub(super) fn wait(&mut self, member: MemberNumber, id: &Arc<str>, mut partitions: Vec<u32>) {
        partitions.sort_unstable();
        match self.queue.iter_mut().find(|waiter| waiter.member == member) {
            Some(waiter) => {
                waiter.partitions = partitions;
                (waiter.called, waiter.told) = (None, false);
            }
            None => {
                let id = Arc::clone(id);
                self.queue.push_back(Waiter { member, id, partitions, called: None, told: false });
            }
        }
    }

    pub(super) fn stop(&mut self, member: MemberNumber) {
        self.queue.retain(|waiter| waiter.member != member);
    }

    /// Another member went without records for the sake of these, which are in order.
    pub(super) fn call(&mut self, members: &[MemberNumber], now: Millis) {
        let mut members = members.iter().peekable();
        for waiter in &mut self.queue {
            if members.next_if(|member| **member == waiter.member).is_some() {
                waiter.called.get_or_insert(now);
            } else if members.peek().is_none() {
                break;
            }
        }
    }

    /// Calls those that wait longest for records of a partition, as many as there are records, and
    /// says who they are.
    pub(super) fn call_for(&mut self, partition: u32, records: u64, now: Millis) -> Vec<Arc<str>> {
        let wanting = self.queue.iter_mut().filter(|waiter| waiter.wants(partition));
        // Records may be kept already for one that does not know of them yet.
        let idle = wanting.filter(|waiter| !waiter.told);
        let called = idle.take(usize::try_from(records).unwrap_or(usize::MAX));
        called
            .map(|waiter| {
                waiter.called.get_or_insert(now);
                waiter.told = true;
                Arc::clone(&waiter.id)
            })
            .collect()
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
