//! The members of queue groups that wait for records, and how they learn of new ones.
//!
//! A group watches the partitions that its waiting members want with one bell. The bell may ring
//! under any lock, so it only notes that it has; [`Shared::answer_bells`], which whoever made
//! records visible calls without those locks, has the members called whose turn it is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use super::Shared;
use super::partition::Partition;
use super::wake::{Waiter, Wake};
use crate::state::queues::Bounds;

/// The bells that have rung, by group and partition.
#[derive(Debug, Default)]
pub(super) struct Bells {
    any: AtomicBool,
    rung: Mutex<Vec<(Arc<str>, u32)>>,
}

/// A group's bell; the token is the partition's number.
#[derive(Debug)]
struct Bell {
    group: Arc<str>,
    bells: Arc<Bells>,
}

impl Wake for Bell {
    fn wake(&self, partition: usize) {
        let partition = u32::try_from(partition).unwrap_or(u32::MAX);
        let mut rung = self.bells.rung.lock().unwrap_or_else(PoisonError::into_inner);
        rung.push((self.group.clone(), partition));
        // SYNC: set under the lock, so that who sees it finds the bell.
        self.bells.any.store(true, Ordering::SeqCst);
    }
}

impl Bells {
    fn take(&self) -> Vec<(Arc<str>, u32)> {
        if !self.any.load(Ordering::SeqCst) {
            return Vec::new();
        }
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        self.any.store(false, Ordering::SeqCst);
        std::mem::take(&mut *rung)
    }
}

/// Who of a group waits, and what the group watches for them.
#[derive(Debug)]
pub(super) struct WaitingRoom {
    bell: Arc<dyn Wake>,
    /// The partitions, with the offset behind what the members have been offered.
    watched: HashMap<u32, (Arc<Partition>, u64)>,
    waiters: HashMap<String, Waiter>,
}

impl WaitingRoom {
    pub(super) fn new(group: &str, bells: &Arc<Bells>) -> Self {
        let bell = Bell { group: group.into(), bells: bells.clone() };
        Self { bell: Arc::new(bell), watched: HashMap::new(), waiters: HashMap::new() }
    }

    /// Lets a member in that has found nothing in these partitions. `false` if there is something
    /// to find meanwhile: then it should look again.
    pub(super) fn enter(
        &mut self,
        member: &str,
        waiter: Waiter,
        partitions: &[&Arc<Partition>],
        seen: &[(u32, Bounds)],
    ) -> bool {
        self.waiters.insert(member.to_owned(), waiter);
        let mut nothing_new = true;
        for (partition, (number, bounds)) in partitions.iter().zip(seen) {
            if let Some((_, offered)) = self.watched.get(number) {
                // Others have been offered more than this member knew of.
                nothing_new &= *offered <= bounds.end;
            } else if partition.watch(bounds.end, &self.bell, *number as usize) {
                self.watched.insert(*number, (Arc::clone(partition), bounds.end));
            } else {
                nothing_new &= partition.is_deleted();
            }
        }
        nothing_new
    }

    pub(super) fn leave(&mut self, member: &str) {
        self.waiters.remove(member);
    }

    /// Whether nobody waits in it, and nothing will ring its bell.
    pub(super) fn is_empty(&self) -> bool {
        self.waiters.is_empty() && self.watched.is_empty()
    }

    pub(super) fn wake_all(&self) {
        self.waiters.values().for_each(Waiter::wake);
    }

    /// There is more in a partition: `call` says whose turn it is, for so many records.
    fn rung(&mut self, number: u32, mut call: impl FnMut(u64) -> Vec<Arc<str>>) {
        let Some((partition, mut seen)) = self.watched.remove(&number) else {
            return;
        };
        if partition.is_deleted() {
            self.wake_all();
            return;
        }
        loop {
            let end = partition.high_watermark();
            for member in call(end.saturating_sub(seen)) {
                if let Some(waiter) = self.waiters.get(&*member) {
                    waiter.wake();
                }
            }
            seen = end;
            if self.waiters.is_empty() {
                return;
            }
            if partition.watch(end, &self.bell, number as usize) {
                self.watched.insert(number, (partition, seen));
                return;
            }
            if partition.is_deleted() {
                return;
            }
        }
    }
}

impl Shared {
    /// Calls the members whose turn it is after something became visible. Whoever holds the lock
    /// of the queue groups does so when it has given it back.
    pub(super) fn answer_bells(&self) {
        while self.bells.any.load(Ordering::SeqCst) {
            let mut queues = match self.queues.try_lock() {
                Ok(queues) => queues,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            let now = self.now();
            for (group, partition) in self.bells.take() {
                let queues = &mut *queues;
                if let Some(room) = queues.rooms.get_mut(&*group) {
                    room.rung(partition, |records| {
                        queues.queues.call_waiting(&group, partition, records, now)
                    });
                    if room.is_empty() {
                        queues.rooms.remove(&*group);
                    }
                }
            }
            let deadline = queues.queues.next_deadline();
            drop(queues);
            self.timer.moved(deadline);
        }
    }
}
