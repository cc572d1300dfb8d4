//! A member of a queue group.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Millis;
use crate::state::queues::group::Slot;
use crate::state::queues::record::MemberNumber;
use crate::state::queues::types::{AssignedTopic, HeartbeatRequest, QueueMember};
use crate::state::topic::Run;

#[derive(Debug)]
pub(super) struct Member {
    pub(super) number: MemberNumber,
    pub(super) epoch: i32,
    /// The epoch before, which the member goes on with where an answer was lost.
    pub(super) previous_epoch: i32,
    pub(super) client_id: String,
    client_host: String,
    rack_id: Option<String>,
    /// What it wants records of.
    pub(super) topics: BTreeSet<String>,
    /// What it was told that it may fetch.
    pub(super) told: Vec<AssignedTopic>,
    /// The partitions of that, in order.
    pub(super) runs: Vec<Run>,
    /// Its connection, as far as the group knows one.
    pub(super) session: Option<u64>,
    /// When its session times out, in steady milliseconds.
    pub(super) deadline: Millis,
    /// Its entry among the group's session timers; not behind `deadline`.
    pub(super) timer: Millis,
    /// When it joined or asked for records last, in steady milliseconds.
    pub(super) active: Millis,
    /// Where it may hold records.
    pub(super) touched: BTreeSet<u32>,
}

impl Member {
    pub(super) fn new(number: MemberNumber, request: &HeartbeatRequest, now: Millis) -> Self {
        Self {
            number,
            epoch: 0,
            previous_epoch: 0,
            client_id: request.client_id.clone(),
            client_host: request.client_host.clone(),
            rack_id: request.rack_id.clone(),
            topics: BTreeSet::new(),
            told: Vec::new(),
            runs: Vec::new(),
            session: None,
            deadline: now,
            timer: now,
            active: now,
            touched: BTreeSet::new(),
        }
    }

    /// Whether the member may fetch a partition.
    pub(super) fn may_fetch(&self, partition: u32) -> bool {
        let behind = self.runs.partition_point(|run| run.first <= partition);
        behind > 0 && partition - self.runs[behind - 1].first < self.runs[behind - 1].count
    }

    /// Whether the member holds any records. Forgets where it does not hold any more.
    pub(super) fn holds_any(&mut self, partitions: &BTreeMap<u32, Slot>) -> bool {
        while let Some(&number) = self.touched.first() {
            if let Some(Slot::Started(slot)) = partitions.get(&number)
                && slot.holds(self.number)
            {
                return true;
            }
            self.touched.remove(&number);
        }
        false
    }

    pub(super) fn describe(&self, id: &str) -> QueueMember {
        QueueMember {
            member_id: id.to_owned(),
            member_epoch: self.epoch,
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            rack_id: self.rack_id.clone(),
            topics: self.topics.iter().cloned().collect(),
            assignment: self.told.clone(),
        }
    }
}
