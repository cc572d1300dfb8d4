//! What a queue group knows of a record while the broker runs, and the books on it.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Millis;
use crate::state::event::QueueState;
use crate::state::queues::ranges::{RangeState, Watch};
use crate::state::queues::types::DeadLetterReason;

/// A member as its group numbers it, from 1; a number is never used again.
pub(super) type MemberNumber = u64;

/// The number that no member has.
pub(super) const NOBODY: MemberNumber = 0;

/// What is known of a record. Times are steady milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    /// It can be handed out.
    Available {
        /// How often it was delivered.
        count: u16,
        /// Until when it rests; none where it is ready.
        rests_until: Option<Millis>,
        /// Who had it last and failed with it: others who wait go first.
        avoid: MemberNumber,
    },
    /// A member has it.
    Acquired {
        member: MemberNumber,
        /// Until when.
        deadline: Millis,
        /// How often it was delivered, this time included.
        count: u16,
        /// Whether it is known to be delivered; before that, the delivery does not count.
        confirmed: bool,
    },
    /// It is done.
    Settled,
    /// It is to go to the dead-letter topic.
    Burying {
        /// How often it was delivered.
        count: u16,
        /// Why it is not delivered again.
        reason: DeadLetterReason,
        /// When the caller is asked again; none while it is at it.
        retry: Option<Millis>,
    },
}

impl RangeState for Record {
    const FRESH: Self = Self::Available { count: 0, rests_until: None, avoid: NOBODY };
    const SETTLED: Self = Self::Settled;
}

impl Record {
    /// The record as a start of the broker finds it: nobody has it. What is to be buried is asked
    /// for at `now`.
    pub(super) fn restored(state: QueueState, now: Millis) -> Self {
        match state {
            QueueState::Available { count } => {
                Self::Available { count, rests_until: None, avoid: NOBODY }
            }
            QueueState::Settled => Self::Settled,
            QueueState::Burying { count, rejected } => {
                let reason = match rejected {
                    true => DeadLetterReason::Rejected,
                    false => DeadLetterReason::LimitReached,
                };
                Self::Burying { count, reason, retry: Some(now) }
            }
        }
    }

    /// What the log knows of it.
    pub(super) fn durable(self) -> QueueState {
        match self {
            Self::Available { count, .. } | Self::Acquired { count, confirmed: true, .. } => {
                QueueState::Available { count }
            }
            Self::Acquired { count, confirmed: false, .. } => {
                QueueState::Available { count: count - 1 }
            }
            Self::Settled => QueueState::Settled,
            Self::Burying { count, reason, .. } => {
                QueueState::Burying { count, rejected: reason == DeadLetterReason::Rejected }
            }
        }
    }

    /// When something has to be done about it.
    fn timer(self) -> Option<Millis> {
        match self {
            Self::Available { rests_until, .. } => rests_until,
            Self::Acquired { deadline, .. } => Some(deadline),
            Self::Settled => None,
            Self::Burying { retry, .. } => retry,
        }
    }
}

/// The books on the ranges of a partition.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// When something has to be done about the range that begins at an offset.
    pub(super) timers: BTreeSet<(Millis, u64)>,
    /// The ranges that are ready, by who is to be avoided.
    pub(super) ready: BTreeSet<(MemberNumber, u64)>,
    /// The ranges that members have, by whether they are confirmed.
    pub(super) held: BTreeSet<(MemberNumber, bool, u64)>,
    /// How many ready records are better handed to another than this member.
    avoided: BTreeMap<MemberNumber, u64>,
    /// How many records are ready.
    pub(super) ready_records: u64,
    /// How many records members have.
    pub(super) locked: u64,
    /// How many records wait for another delivery, ready or not.
    pub(super) redelivered: u64,
    /// How many records are settled.
    pub(super) settled: u64,
}

impl Index {
    /// How many ready records are better handed to another than this member.
    pub(super) fn avoided(&self, member: MemberNumber) -> u64 {
        self.avoided.get(&member).copied().unwrap_or_default()
    }
}

impl Watch<Record> for Index {
    fn added(&mut self, first: u64, last: u64, record: Record) {
        let records = last - first + 1;
        if let Some(timer) = record.timer() {
            self.timers.insert((timer, first));
        }
        match record {
            Record::Available { count, rests_until, avoid } => {
                if count > 0 {
                    self.redelivered += records;
                }
                if rests_until.is_none() {
                    self.ready.insert((avoid, first));
                    self.ready_records += records;
                    if avoid != NOBODY {
                        *self.avoided.entry(avoid).or_default() += records;
                    }
                }
            }
            Record::Acquired { member, confirmed, .. } => {
                self.held.insert((member, confirmed, first));
                self.locked += records;
            }
            Record::Settled => self.settled += records,
            Record::Burying { .. } => {}
        }
    }

    fn removed(&mut self, first: u64, last: u64, record: Record) {
        let records = last - first + 1;
        if let Some(timer) = record.timer() {
            self.timers.remove(&(timer, first));
        }
        match record {
            Record::Available { count, rests_until, avoid } => {
                if count > 0 {
                    self.redelivered -= records;
                }
                if rests_until.is_none() {
                    self.ready.remove(&(avoid, first));
                    self.ready_records -= records;
                    if let Some(avoided) = self.avoided.get_mut(&avoid) {
                        *avoided -= records;
                        if *avoided == 0 {
                            self.avoided.remove(&avoid);
                        }
                    }
                }
            }
            Record::Acquired { member, confirmed, .. } => {
                self.held.remove(&(member, confirmed, first));
                self.locked -= records;
            }
            Record::Settled => self.settled -= records,
            Record::Burying { .. } => {}
        }
    }
}
