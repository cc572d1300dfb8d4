//! Waiting until groups have nothing left to do.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Broker, Partition};
use crate::error::{Error, ErrorKind, Result};
use crate::state::groups::{GroupKind, assigned_partitions};

/// Longer than anybody waits: what a timeout is that no clock can add up.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Who waits until groups are idle, and how they learn that one got on.
#[derive(Debug, Default)]
pub(super) struct Idle {
    waiting: AtomicUsize,
    /// How often the bell has rung while somebody waited.
    rung: Mutex<u64>,
    changed: Condvar,
}

/// What keeps a group from being idle.
struct Behind {
    group: String,
    topic: String,
    index: u32,
    records: u64,
}

impl Idle {
    /// A group may have got on; to be called behind the change, under no lock of the groups.
    /// Costs one load unless somebody waits.
    pub(super) fn ring(&self) {
        // SYNC: who waits counts himself before he looks at the groups under their locks: what he
        // did not see there comes behind that, and finds him here.
        if self.waiting.load(Ordering::SeqCst) > 0 {
            *self.rung() += 1;
            self.changed.notify_all();
        }
    }

    /// Calls `look` until it finds nothing, whenever the bell has rung.
    fn wait<T>(
        &self,
        deadline: Instant,
        mut look: impl FnMut() -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let found = loop {
            let seen = *self.rung();
            let found = look();
            let left = deadline.saturating_duration_since(Instant::now());
            if !matches!(found, Ok(Some(_))) || left.is_zero() {
                break found;
            }
            let silent = |rung: &mut u64| *rung == seen;
            let waited = self.changed.wait_timeout_while(self.rung(), left, silent);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        };
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        found
    }

    fn rung(&self) -> MutexGuard<'_, u64> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Broker {
    /// Waits until the lag of `group`, or of all groups, is zero: everything that is visible is
    /// committed, or settled in a queue group. A partition that a member has been given and of
    /// which nothing is committed counts from its log start offset. The timeout is real time,
    /// whatever the broker's clock is.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], which says what is left; [`ErrorKind::GroupNotFound`];
    /// [`ErrorKind::Closed`].
    pub fn wait_until_idle(&self, group: Option<&str>, timeout: Duration) -> Result<()> {
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now + FOR_EVER);
        let left = self.shared.idle.wait(deadline, || {
            self.shared.check_open()?;
            match group {
                Some(group) => self.behind(group, self.kind_of(group)?),
                None => {
                    let mut all = self.groups().into_iter();
                    all.find_map(|one| self.behind(&one.group, one.kind).transpose()).transpose()
                }
            }
        })?;
        match left {
            None => Ok(()),
            Some(behind) => Err(Error::new(ErrorKind::Timeout, behind.to_string())),
        }
    }

    fn kind_of(&self, group: &str) -> Result<GroupKind> {
        if self.shared.is_queue(group) {
            return Ok(GroupKind::Share);
        }
        if self.shared.is_consumers(group) {
            return Ok(GroupKind::Consumer);
        }
        Err(Error::new(ErrorKind::GroupNotFound, format!("there is no group {group:?}")))
    }

    /// A partition in which the group is behind, if there is one.
    fn behind(&self, group: &str, kind: GroupKind) -> Result<Option<Behind>> {
        let lags = match kind {
            GroupKind::Share => self.lags_of_queue(group),
            _ => self.lags(group),
        };
        let behind = lags.into_iter().find(|(_, records)| *records > 0);
        Ok(behind.map(|((topic, index), records)| Behind {
            group: group.to_owned(),
            topic,
            index,
            records,
        }))
    }

    /// How many records of each partition a queue group has not settled.
    fn lags_of_queue(&self, group: &str) -> BTreeMap<(String, u32), u64> {
        let offsets = self.queue_offsets(group).unwrap_or_default();
        let lags = offsets.into_iter().filter_map(|offsets| {
            let (topic, index) = self.locate_partition(offsets.partition)?;
            let partition = self.partition_of(&topic.name, index)?;
            let end = partition.high_watermark();
            let there = end.saturating_sub(partition.log_start());
            Some(((topic.name.clone(), index), offsets.lag(end).min(there)))
        });
        lags.collect()
    }

    /// How many records of each partition a group of consumers has not committed.
    fn lags(&self, group: &str) -> BTreeMap<(String, u32), u64> {
        let mut places: BTreeMap<(String, u32), u64> = BTreeMap::new();
        for assigned in self.assigned(group) {
            places.insert(assigned, 0);
        }
        for (number, committed) in self.committed_offsets(group) {
            if let Some((topic, index)) = self.locate_partition(number) {
                let offset = u64::try_from(committed.offset).unwrap_or(0);
                places.insert((topic.name.clone(), index), offset);
            }
        }
        let lag = |(place, committed): ((String, u32), u64)| {
            let partition = self.partition_of(&place.0, place.1)?;
            let from = partition.log_start().max(committed);
            Some((place, partition.high_watermark().saturating_sub(from)))
        };
        places.into_iter().filter_map(lag).collect()
    }

    /// The partitions that a group's members have been given.
    fn assigned(&self, group: &str) -> Vec<(String, u32)> {
        if let Ok(group) = self.describe_consumer_group(group) {
            let shares = group.members.into_iter().flat_map(|member| member.target);
            let partitions = shares.flat_map(|share| {
                let name = share.topic.name.clone();
                share.partitions.into_iter().map(move |index| (name.clone(), index))
            });
            return partitions.collect();
        }
        let members = self.describe_group(group).members;
        members.iter().flat_map(|member| assigned_partitions(&member.assignment)).collect()
    }

    fn partition_of(&self, topic: &str, index: u32) -> Option<Arc<Partition>> {
        self.topic(topic)?.partitions.get(index as usize).cloned()
    }
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, topic, index, records } = self;
        let noun = if *records == 1 { "record" } else { "records" };
        write!(f, "group {group:?} is {records} {noun} behind in {topic}[{index}]")
    }
}
