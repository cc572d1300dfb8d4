//! One partition as a queue group sees it: which record is with whom.

use crate::clock::Millis;
use crate::state::event::{QueueRange, QueueState};
use crate::state::queues::durable::{DurablePartition, OFFSET_MAX};
use crate::state::queues::ranges::{RangeState, Ranges};
use crate::state::queues::record::{Index, MemberNumber, NOBODY, Record};
use crate::state::queues::types::{
    Acquisition, Bounds, DeadLetter, DeadLetterReason, QueueConfig, QueueOffsets,
};

/// How long the caller is left alone after it could not bury records, in milliseconds.
const BURY_PAUSE_MS: Millis = 1000;

/// What a step in a partition may look at, and what comes out of it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) config: QueueConfig,
    /// Steady milliseconds.
    pub(super) now: Millis,
    /// What has to be in the log.
    pub(super) changes: Vec<QueueRange>,
    pub(super) letters: Vec<DeadLetter>,
    /// Whether there are records that were not ready before.
    pub(super) freed: bool,
}

#[derive(Debug)]
pub(super) struct Partition {
    pub(super) number: u32,
    pub(super) ranges: Ranges<Record>,
    pub(super) index: Index,
    /// The highest log start offset that was seen: what is acknowledged before it is of no
    /// interest to anybody.
    pub(super) log_start: u64,
}

/// What becomes of a record that its member did not settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Return {
    /// It is for others, at once.
    AtOnce,
    /// It rests first, and others who wait have it before its member.
    AfterRest,
    /// It rests first; its member is no more.
    OfMemberGone,
}

impl Step {
    pub(super) fn new(config: &QueueConfig, now: Millis) -> Self {
        Self { config: *config, now, changes: Vec::new(), letters: Vec::new(), freed: false }
    }

    /// Notes what the log has to know of a range; those behind each other become one.
    fn note(&mut self, first: u64, last: u64, state: QueueState) {
        if let Some(before) = self.changes.last_mut()
            && before.state == state
            && before.first + before.more + 1 == first
        {
            before.more += last - first + 1;
            return;
        }
        self.changes.push(QueueRange { first, more: last - first, state });
    }
}

impl Partition {
    pub(super) fn new(number: u32, start: u64) -> Self {
        let ranges = Ranges::new(start.min(OFFSET_MAX));
        Self { number, ranges, index: Index::default(), log_start: 0 }
    }

    pub(super) fn restored(number: u32, durable: &DurablePartition, now: Millis) -> Self {
        let mut partition = Self::new(number, durable.ranges.start());
        for (first, last, state) in durable.ranges.iter() {
            if state != QueueState::FRESH {
                partition.put(first, last, Record::restored(state, now));
            }
        }
        partition
    }

    pub(super) fn durable(&self) -> DurablePartition {
        let mut durable = DurablePartition::new(self.ranges.start());
        for (first, last, record) in self.ranges.iter() {
            let state = record.durable();
            if state != QueueState::FRESH {
                durable.ranges.set(first, last, state, &mut ());
            }
        }
        durable
    }

    pub(super) fn offsets(&self) -> QueueOffsets {
        QueueOffsets {
            partition: self.number,
            start: self.ranges.start(),
            next: self.ranges.next(),
            in_flight: self.index.locked,
            redelivered: self.index.redelivered,
            settled: self.index.settled,
        }
    }

    /// When [`Partition::expire`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Millis> {
        self.index.timers.first().map(|(deadline, _)| *deadline)
    }

    pub(super) fn holds(&self, member: MemberNumber) -> bool {
        let all = (member, false, 0)..=(member, true, u64::MAX);
        self.index.held.range(all).next().is_some()
    }

    /// Whether a limit keeps records from being handed out.
    pub(super) fn is_blocked(&self, config: &QueueConfig) -> bool {
        self.index.locked >= config.record_locks_max || self.ranges.len() >= config.ranges_max
    }

    /// How many records can be handed out now, leaving `excluded` ready ones out.
    pub(super) fn available(&self, end: u64, excluded: u64, config: &QueueConfig) -> u64 {
        let room = config.record_locks_max.saturating_sub(self.index.locked);
        room.min(self.index.ready_records - excluded + self.fresh(end, config))
    }

    fn fresh(&self, end: u64, config: &QueueConfig) -> u64 {
        match self.ranges.len() < config.ranges_max {
            true => end.saturating_sub(self.ranges.next()),
            false => 0,
        }
    }

    /// Whether neither [`Partition::expire`] nor [`Partition::trim`] has anything to do.
    pub(super) fn is_quiet(&self, bounds: Bounds, now: Millis) -> bool {
        bounds.log_start <= self.log_start && self.next_deadline().is_none_or(|due| due > now)
    }

    /// Settles what retention took, with whoever held it.
    pub(super) fn trim(&mut self, bounds: Bounds, step: &mut Step) {
        let log_start = bounds.log_start;
        self.log_start = self.log_start.max(log_start);
        if log_start > self.ranges.start() {
            self.conclude(self.ranges.start(), log_start - 1, Record::Settled, step);
        }
    }

    /// Hands out up to `most` records that are ready, those that avoid the member only if `own`.
    pub(super) fn take_ready(
        &mut self,
        member: MemberNumber,
        own: bool,
        most: u64,
        step: &Step,
        out: &mut Vec<Acquisition>,
    ) -> u64 {
        let mut left = most.min(step.config.record_locks_max.saturating_sub(self.index.locked));
        let wanted = left;
        while left > 0
            && let Some(first) = self.next_ready(member, own)
            && let Some((last, Record::Available { count, .. })) = self.ranges.starting_at(first)
        {
            let records = left.min(last - first + 1);
            self.acquire(member, first, first + records - 1, count + 1, step, out);
            left -= records;
        }
        wanted - left
    }

    /// Hands out up to `most` records that nobody had yet.
    pub(super) fn take_fresh(
        &mut self,
        member: MemberNumber,
        end: u64,
        most: u64,
        step: &Step,
        out: &mut Vec<Acquisition>,
    ) -> u64 {
        let room = step.config.record_locks_max.saturating_sub(self.index.locked);
        let records = most.min(room).min(self.fresh(end, &step.config));
        if records > 0 {
            let first = self.ranges.next();
            self.acquire(member, first, first + records - 1, 1, step, out);
        }
        records
    }

    /// Where the next range begins that is ready for a member.
    fn next_ready(&self, member: MemberNumber, own: bool) -> Option<u64> {
        let ready = &self.index.ready;
        let before = ready.range(..(member, 0)).next();
        let behind = || ready.range((member + 1, 0)..).next();
        let own = || ready.range((member, 0)..).next().filter(|_| own);
        before.or_else(behind).or_else(own).map(|(_, first)| *first)
    }

    fn acquire(
        &mut self,
        member: MemberNumber,
        first: u64,
        last: u64,
        count: u16,
        step: &Step,
        out: &mut Vec<Acquisition>,
    ) {
        let deadline = step.now + Millis::from(step.config.lock_duration_ms);
        self.put(first, last, Record::Acquired { member, deadline, count, confirmed: false });
        out.push(Acquisition { partition: self.number, first, last, delivery_count: count });
    }

    /// Frees all that a member has.
    pub(super) fn free(&mut self, member: MemberNumber, how: Return, step: &mut Step) {
        let all = (member, false, 0)..=(member, true, u64::MAX);
        self.free_held(member, all, how, step);
    }

    /// Frees what a member has acquired and not confirmed.
    pub(super) fn give_back(&mut self, member: MemberNumber, step: &mut Step) {
        let unconfirmed = (member, false, 0)..=(member, false, u64::MAX);
        self.free_held(member, unconfirmed, Return::AtOnce, step);
    }

    fn free_held(
        &mut self,
        member: MemberNumber,
        which: std::ops::RangeInclusive<(MemberNumber, bool, u64)>,
        how: Return,
        step: &mut Step,
    ) {
        while let Some(&(_, _, first)) = self.index.held.range(which.clone()).next()
            && let Some((last, Record::Acquired { count, confirmed, .. })) =
                self.ranges.starting_at(first)
        {
            self.hand_back(member, (first, last), (count, confirmed), how, step);
        }
    }

    /// Takes records from the member that has them: for another delivery, if there is one.
    pub(super) fn hand_back(
        &mut self,
        member: MemberNumber,
        (first, last): (u64, u64),
        (count, confirmed): (u16, bool),
        how: Return,
        step: &mut Step,
    ) {
        let count = if confirmed { count } else { count - 1 };
        if step.config.is_last(count) {
            return self.give_up(first, last, count, DeadLetterReason::LimitReached, step);
        }
        let rests = confirmed && how != Return::AtOnce;
        let rest = if rests { step.config.backoff(count) } else { 0 };
        let avoid = if confirmed && how == Return::AfterRest { member } else { NOBODY };
        let rests_until = (rest > 0).then(|| step.now + rest);
        step.freed |= rests_until.is_none();
        self.put(first, last, Record::Available { count, rests_until, avoid });
    }

    /// Sees to it that nobody gets the records again.
    pub(super) fn give_up(
        &mut self,
        first: u64,
        last: u64,
        count: u16,
        reason: DeadLetterReason,
        step: &mut Step,
    ) {
        if !step.config.dead_letter {
            return self.conclude(first, last, Record::Settled, step);
        }
        self.conclude(first, last, Record::Burying { count, reason, retry: None }, step);
        let letter =
            DeadLetter { partition: self.number, first, last, delivery_count: count, reason };
        step.letters.push(letter);
    }

    /// Does what is due: takes back what was held for too long, wakes what has rested, and asks
    /// again for what was not buried.
    pub(super) fn expire(&mut self, step: &mut Step) {
        while let Some(&(due, first)) = self.index.timers.first()
            && due <= step.now
            && let Some((last, record)) = self.ranges.starting_at(first)
        {
            match record {
                Record::Available { count, avoid, .. } => {
                    step.freed = true;
                    self.put(first, last, Record::Available { count, rests_until: None, avoid });
                }
                Record::Acquired { member, count, confirmed, .. } => {
                    let counts = (count, confirmed);
                    self.hand_back(member, (first, last), counts, Return::AfterRest, step);
                }
                Record::Burying { count, reason, .. } => {
                    self.give_up(first, last, count, reason, step);
                }
                Record::Settled => {}
            }
        }
    }

    /// Gives up what was delivered as often as the settings allow by now.
    pub(super) fn sweep(&mut self, step: &mut Step) {
        let over = |record| match record {
            Record::Available { count, .. } if step.config.is_last(count) => Some(count),
            _ => None,
        };
        let found = self.ranges.iter();
        let found = found.filter_map(|(first, last, record)| Some((first, last, over(record)?)));
        for (first, last, count) in found.collect::<Vec<_>>() {
            self.give_up(first, last, count, DeadLetterReason::LimitReached, step);
        }
    }

    /// Settles what was buried.
    pub(super) fn buried(&mut self, letter: &DeadLetter, step: &mut Step) {
        for (first, last, _) in self.burying(letter) {
            self.conclude(first, last, Record::Settled, step);
        }
    }

    /// Remembers to ask again for what was not buried.
    pub(super) fn not_buried(&mut self, letter: &DeadLetter, step: &Step) {
        for (first, last, record) in self.burying(letter) {
            if let Record::Burying { count, reason, .. } = record {
                let retry = Some(step.now + BURY_PAUSE_MS);
                self.put(first, last, Record::Burying { count, reason, retry });
            }
        }
    }

    fn burying(&self, letter: &DeadLetter) -> Vec<(u64, u64, Record)> {
        let pieces = self.ranges.pieces(letter.first, letter.last);
        pieces.filter(|(_, _, record)| matches!(record, Record::Burying { .. })).collect()
    }

    /// Gives records a state that the log has to know.
    pub(super) fn conclude(&mut self, first: u64, last: u64, record: Record, step: &mut Step) {
        step.note(first, last, record.durable());
        self.put(first, last, record);
    }

    fn put(&mut self, first: u64, last: u64, record: Record) {
        self.ranges.set(first, last, record, &mut self.index);
    }

    /// Moves the end of a lock.
    pub(super) fn renew(
        &mut self,
        member: MemberNumber,
        first: u64,
        last: u64,
        count: u16,
        step: &Step,
    ) {
        let deadline = step.now + Millis::from(step.config.lock_duration_ms);
        self.put(first, last, Record::Acquired { member, deadline, count, confirmed: true });
    }
}
