//! Random lives of a queue group, by seed, next to a slow and simple model: one slot per record.
//! Members come and go, acknowledge in every way, fall silent and lose their connections, and the
//! broker dies in between.
//!
//! `MINKA_SEEDS=N` runs more seeds than the default, `MINKA_SEED=N` a single one.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::{BTreeMap, BTreeSet};

use minka::ErrorKind;
use minka::state::durable::DurableState;
use minka::state::event::Event;
use minka::state::groups::Now;
use minka::state::queues::{
    AckBatch, AckKind, AcquireRequest, Action, Bounds, DeadLetter, DeadLetterReason, Delivery,
    HeartbeatRequest, QueueConfig, QueueOffsets, Queues, SessionEnd, StartAt,
};
use minka::state::topic_config::TopicConfig;
use proptest::prelude::*;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const PARTITIONS: u32 = 2;
const MEMBERS: usize = 4;
const KINDS: [AckKind; 5] =
    [AckKind::Gap, AckKind::Accept, AckKind::Release, AckKind::Reject, AckKind::Renew];

/// What the model knows of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Waiting {
        count: u16,
        rests_until: Option<i64>,
        /// The member that failed with it.
        avoid: Option<u64>,
    },
    Held {
        member: u64,
        deadline: i64,
        count: u16,
        confirmed: bool,
    },
    Done,
    Burying {
        count: u16,
        rejected: bool,
    },
}

const FRESH: Slot = Slot::Waiting { count: 0, rests_until: None, avoid: None };

/// How a record comes back from its member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Return {
    AtOnce,
    AfterRest,
    OfMemberGone,
}

/// A partition with its records, from offset 0 on.
#[derive(Debug, Default)]
struct Line {
    slots: Vec<Slot>,
    log_start: u64,
    /// The log start offset that the group has heard of.
    known_log_start: u64,
}

impl Line {
    fn start(&self) -> u64 {
        let undone = self.slots.iter().position(|slot| *slot != Slot::Done);
        undone.unwrap_or(self.slots.len()) as u64
    }

    fn next(&self) -> u64 {
        self.slots.iter().rposition(|slot| *slot != FRESH).map_or(0, |last| last as u64 + 1)
    }

    fn bounds(&self) -> Bounds {
        Bounds { log_start: self.log_start, end: self.slots.len() as u64 }
    }

    fn offsets(&self, partition: u32) -> QueueOffsets {
        let (start, next) = (self.start(), self.next());
        let count = |wanted: fn(&Slot) -> bool| {
            let slots = self.slots[start as usize..next.max(start) as usize].iter();
            slots.filter(|slot| wanted(slot)).count() as u64
        };
        QueueOffsets {
            partition,
            start,
            next: next.max(start),
            in_flight: count(|slot| matches!(slot, Slot::Held { .. })),
            redelivered: count(|slot| matches!(slot, Slot::Waiting { count: 1.., .. })),
            settled: count(|slot| *slot == Slot::Done),
        }
    }

    /// How many ranges of different fate the log has to tell apart.
    fn durable_ranges(&self) -> usize {
        let mut durable: Vec<_> = self.slots[self.start() as usize..]
            .iter()
            .map(|slot| match *slot {
                Slot::Waiting { count, .. } | Slot::Held { count, confirmed: true, .. } => {
                    (0, count)
                }
                Slot::Held { count, .. } => (0, count - 1),
                Slot::Done => (1, 0),
                Slot::Burying { count, rejected } => (2 + u8::from(rejected), count),
            })
            .collect();
        durable.dedup();
        durable.len()
    }
}

#[derive(Debug)]
struct Member {
    number: u64,
    epoch: i32,
    session: u64,
    deadline: i64,
}

struct World {
    queues: Queues,
    config: QueueConfig,
    now: Now,
    log: DurableState,
    lines: Vec<Line>,
    members: BTreeMap<usize, Member>,
    next_member: u64,
    /// Those that may be in line for records.
    waiting: BTreeSet<usize>,
    letters: Vec<DeadLetter>,
    /// Whether those that wait were told to look again.
    available: bool,
    random: SmallRng,
}

fn name(member: usize) -> String {
    format!("m{member}")
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let config = QueueConfig {
            lock_duration_ms: 100,
            session_timeout_ms: 400,
            delivery_count_limit: random.random_range(1..5),
            start: StartAt::Earliest,
            dead_letter: random.random(),
            retry_backoff_ms: [0, 10, 60][random.random_range(0..3)],
            retry_backoff_max_ms: 150,
            record_locks_max: [1000, 1000, 7][random.random_range(0..3)],
            ranges_max: [1000, 1000, 3][random.random_range(0..3)],
            ..QueueConfig::default()
        };
        let mut log = DurableState::default();
        let topic = TopicConfig::default();
        log.apply(&log.catalog.plan_create("t", [1; 16], PARTITIONS, &topic, 0).unwrap());
        let now = Now { steady: 5, wall: 0 };
        Self {
            queues: Queues::restore(config, [], now),
            config,
            now,
            log,
            lines: (0..PARTITIONS).map(|_| Line::default()).collect(),
            members: BTreeMap::new(),
            next_member: 1,
            waiting: BTreeSet::new(),
            letters: Vec::new(),
            available: false,
            random,
        }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.random.random_ratio(percent, 100)
    }

    /// Whether limits may keep records from being handed out.
    fn is_limited(&self) -> bool {
        self.config.record_locks_max < 1000 || self.config.ranges_max < 1000
    }

    fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Persist(event) => self.log.apply(&Event::decode(&event.encode()).unwrap()),
                Action::FindStart { group, partitions, .. } => {
                    let offsets: Vec<_> = partitions.iter().map(|number| (*number, 0)).collect();
                    let mut actions = Vec::new();
                    self.queues.started(&group, &offsets, self.now, &mut actions);
                    self.take(actions);
                }
                Action::Available { .. } => self.available = true,
                Action::DeadLetter { letter, .. } => self.letters.push(letter),
            }
        }
    }

    fn call<T>(&mut self, call: impl FnOnce(&mut Queues, Now, &mut Vec<Action>) -> T) -> T {
        let mut actions = Vec::new();
        let result = call(&mut self.queues, self.now, &mut actions);
        self.take(actions);
        result
    }

    /// Compares the state with the model.
    fn check(&self) {
        assert_eq!(self.queues.durable(), self.log.queues);
        if let Some(offsets) = self.queues.offsets("g") {
            for found in offsets {
                let expected = self.lines[found.partition as usize].offsets(found.partition);
                assert_eq!(found, expected);
            }
        }
        for letter in &self.letters {
            for offset in letter.first..=letter.last {
                let rejected = letter.reason == DeadLetterReason::Rejected;
                let buried = Slot::Burying { count: letter.delivery_count, rejected };
                assert_eq!(self.lines[letter.partition as usize].slots[offset as usize], buried);
            }
        }
    }

    fn step(&mut self) {
        let member = self.random.random_range(0..MEMBERS);
        let joined = self.members.contains_key(&member);
        match self.random.random_range(0..100) {
            0..10 => self.produce(),
            10..18 if !joined => self.join(member),
            10..14 => self.beat(member),
            14..16 => self.leave(member),
            16..20 => self.close_session(member),
            20..50 if joined => self.fetch(member),
            50..76 if joined => self.acknowledge(member),
            76..90 => {
                let ms = [0, 1, 20, 60, 150][self.random.random_range(0..5)];
                self.pass(ms);
            }
            90..92 => self.crash(),
            92..95 => self.bury(),
            95..96 => self.retain(),
            96..97 => self.change_limit(),
            97..100 => self.round(),
            _ => self.join(member),
        }
        self.check();
    }

    fn produce(&mut self) {
        let line = self.random.random_range(0..self.lines.len());
        let records = self.random.random_range(1..8);
        let line = &mut self.lines[line];
        line.slots.resize(line.slots.len() + records, FRESH);
    }

    fn heartbeat(&mut self, member: usize, member_epoch: i32) -> i32 {
        let request = HeartbeatRequest {
            group: "g".into(),
            member_id: name(member),
            member_epoch,
            topics: (member_epoch == 0).then(|| vec!["t".into()]),
            client_id: String::new(),
            client_host: String::new(),
            rack_id: None,
        };
        let catalog = self.log.catalog.clone();
        let answer = self.call(|queues, now, out| queues.heartbeat(&request, &catalog, now, out));
        answer.unwrap().member_epoch
    }

    fn join(&mut self, member: usize) {
        let epoch = self.heartbeat(member, 0);
        let session = self.queues.open_session("g", &name(member)).unwrap();
        let deadline = self.now.steady + i64::from(self.config.session_timeout_ms);
        let number = self.members.get(&member).map(|member| member.number);
        let number = number.unwrap_or_else(|| {
            self.next_member += 1;
            self.next_member
        });
        self.members.insert(member, Member { number, epoch, session, deadline });
    }

    fn beat(&mut self, member: usize) {
        let epoch = self.members[&member].epoch;
        let epoch = self.heartbeat(member, epoch);
        let deadline = self.now.steady + i64::from(self.config.session_timeout_ms);
        let member = self.members.get_mut(&member).unwrap();
        (member.epoch, member.deadline) = (epoch, deadline);
    }

    fn leave(&mut self, member: usize) {
        if let Some(gone) = self.members.remove(&member) {
            self.waiting.remove(&member);
            self.heartbeat(member, -1);
            self.free(gone.number, Return::AtOnce);
        }
    }

    fn close_session(&mut self, member: usize) {
        let Some(found) = self.members.get(&member) else {
            return;
        };
        let (number, session) = (found.number, found.session);
        let lost = self.random.random();
        let end = if lost { SessionEnd::Lost } else { SessionEnd::Closed };
        let id = name(member);
        self.call(|queues, now, out| queues.close_session("g", &id, session, end, now, out));
        self.free(number, if lost { Return::AfterRest } else { Return::AtOnce });
        self.waiting.remove(&member);
        let session = self.queues.open_session("g", &id).unwrap();
        self.members.get_mut(&member).unwrap().session = session;
    }

    fn free(&mut self, number: u64, how: Return) {
        for line in 0..self.lines.len() {
            for at in 0..self.lines[line].slots.len() {
                if let Slot::Held { member, .. } = self.lines[line].slots[at]
                    && member == number
                {
                    self.hand_back(line, at, how);
                }
            }
        }
    }

    fn hand_back(&mut self, line: usize, at: usize, how: Return) {
        let slot = &mut self.lines[line].slots[at];
        let Slot::Held { member, count, confirmed, .. } = *slot else {
            panic!("nobody has {slot:?}");
        };
        let count = if confirmed { count } else { count - 1 };
        if count >= self.config.delivery_count_limit {
            self.give_up(line, at, count, false);
        } else if !confirmed {
            *slot = Slot::Waiting { count, rests_until: None, avoid: None };
        } else {
            let doubled = i64::from(self.config.retry_backoff_ms) * 2_i64.pow(u32::from(count) - 1);
            let rest = doubled.min(i64::from(self.config.retry_backoff_max_ms));
            let rests_until = (how != Return::AtOnce && rest > 0).then_some(self.now.steady + rest);
            let avoid = (how == Return::AfterRest).then_some(member);
            *slot = Slot::Waiting { count, rests_until, avoid };
        }
    }

    fn give_up(&mut self, line: usize, at: usize, count: u16, rejected: bool) {
        self.lines[line].slots[at] = match self.config.dead_letter {
            true => Slot::Burying { count, rejected },
            false => Slot::Done,
        };
    }

    /// How many records of a partition the member could have, apart from what others should have
    /// first.
    fn takeable(&self, member: usize) -> usize {
        let number = self.members[&member].number;
        let others = self.waiting.iter().any(|other| *other != member);
        let takeable = |line: &Line| {
            let held = line.slots.iter().filter(|slot| matches!(slot, Slot::Held { .. })).count();
            let ready = line.slots.iter().filter(|slot| match slot {
                Slot::Waiting { rests_until: None, avoid, .. } => *avoid != Some(number) || !others,
                _ => false,
            });
            let room = usize::try_from(self.config.record_locks_max).unwrap().saturating_sub(held);
            ready.count().min(room)
        };
        self.lines.iter().map(takeable).sum()
    }

    /// The member acquires up to `max` records; the model takes what it gets.
    fn acquire(&mut self, member: usize, max: u64, wait: bool) -> BTreeMap<u32, Vec<(u64, u64)>> {
        let takeable = self.takeable(member);
        let alone = self.waiting.iter().all(|other| *other == member);
        let id = name(member);
        let mut partitions: Vec<_> = (0..).zip(self.lines.iter().map(Line::bounds)).collect();
        partitions.shuffle(&mut self.random);
        let request = AcquireRequest {
            group: "g",
            member: &id,
            partitions: &partitions,
            records_max: max,
            wait,
        };
        let acquired = self.call(|queues, now, out| queues.acquire(&request, now, out)).unwrap();
        self.lines.iter_mut().for_each(|line| line.known_log_start = line.log_start);
        let number = self.members[&member].number;
        let deadline = self.now.steady + i64::from(self.config.lock_duration_ms);
        let mut by_partition: BTreeMap<u32, Vec<_>> = BTreeMap::new();
        let mut records = 0;
        for found in acquired {
            records += found.last - found.first + 1;
            by_partition.entry(found.partition).or_default().push((found.first, found.last));
            for offset in found.first..=found.last {
                let slot = &mut self.lines[found.partition as usize].slots[offset as usize];
                let Slot::Waiting { count, rests_until: None, .. } = *slot else {
                    panic!("{slot:?} at {offset} was handed out");
                };
                assert!(count < self.config.delivery_count_limit, "delivered too often");
                assert_eq!(found.delivery_count, count + 1);
                let count = count + 1;
                *slot = Slot::Held { member: number, deadline, count, confirmed: false };
            }
        }
        assert!(records <= max);
        let limited = self.config.ranges_max < 1000;
        let blocked = alone && !limited && takeable > 0 && max > 0 && records == 0;
        assert!(!blocked, "{takeable} records, and nobody else to have them");
        match records == 0 && wait {
            true => self.waiting.insert(member),
            false => self.waiting.remove(&member),
        };
        by_partition
    }

    fn fetch(&mut self, member: usize) {
        let max = [1, 2, 5, 100][self.random.random_range(0..4)];
        let wait = self.random.random();
        let acquired = self.acquire(member, max, wait);
        for (partition, ranges) in acquired {
            // Sometimes the session ends before the records are read.
            if self.chance(95) {
                self.confirm_somehow(member, partition, &ranges);
            }
        }
    }

    fn confirm_somehow(&mut self, member: usize, partition: u32, ranges: &[(u64, u64)]) {
        let end = self.lines[partition as usize].slots.len() as u64;
        let (mut kept, mut gone) = (Vec::new(), Vec::new());
        for &(first, last) in ranges {
            match self.random.random_range(0..10) {
                0 => {}
                1 => gone.push((first, last)),
                2 => gone.push((first, self.random.random_range(last..end))),
                3 => {
                    let middle = self.random.random_range(first..=last);
                    kept.push((first, middle));
                    gone.extend((middle < last).then_some((middle + 1, last)));
                }
                4 => kept.push((self.random.random_range(first..=last), last)),
                5 => kept.push((first, self.random.random_range(last..end))),
                _ => kept.push((first, last)),
            }
        }
        self.confirm(member, partition, &kept, &gone);
    }

    fn confirm(&mut self, member: usize, partition: u32, kept: &[(u64, u64)], gone: &[(u64, u64)]) {
        let id = name(member);
        let delivery = Delivery { partition, kept, gone };
        let told = self.call(|queues, now, out| queues.confirm("g", &id, &delivery, now, out));
        let told: Vec<_> = told
            .unwrap()
            .into_iter()
            .flat_map(|told| (told.first..=told.last).map(move |at| (at, told.delivery_count)))
            .collect();
        let number = self.members[&member].number;
        let expected = self.model_confirm(number, partition as usize, kept, gone);
        assert_eq!(told, expected);
    }

    fn model_confirm(
        &mut self,
        number: u64,
        line: usize,
        kept: &[(u64, u64)],
        gone: &[(u64, u64)],
    ) -> Vec<(u64, u16)> {
        let limit = self.config.delivery_count_limit;
        let deadline = self.now.steady + i64::from(self.config.lock_duration_ms);
        let slots = &mut self.lines[line].slots;
        let mut delivered = Vec::new();
        for &(first, last) in kept {
            let mut ours = false;
            for offset in first..=last {
                let slot = &mut slots[offset as usize];
                let count = match *slot {
                    Slot::Held { member, count, confirmed: false, .. } if member == number => count,
                    Slot::Waiting { count, rests_until: None, avoid }
                        if ours && avoid != Some(number) && count < limit =>
                    {
                        count + 1
                    }
                    _ => {
                        ours = false;
                        continue;
                    }
                };
                ours = true;
                *slot = Slot::Held { member: number, deadline, count, confirmed: true };
                delivered.push((offset, count));
            }
        }
        for offset in gone.iter().flat_map(|(first, last)| *first..=*last) {
            let slot = &mut slots[offset as usize];
            let free = match *slot {
                Slot::Waiting { .. } => true,
                Slot::Held { member, confirmed, .. } => member == number && !confirmed,
                _ => false,
            };
            if free {
                *slot = Slot::Done;
            }
        }
        for at in 0..self.lines[line].slots.len() {
            if let Slot::Held { member, confirmed: false, .. } = self.lines[line].slots[at]
                && member == number
            {
                self.hand_back(line, at, Return::AtOnce);
            }
        }
        delivered
    }

    /// The member acknowledges something: mostly what it has, sometimes not.
    fn acknowledge(&mut self, member: usize) {
        let number = self.members[&member].number;
        let line = self.random.random_range(0..self.lines.len());
        let is_held = |slot: &Slot| matches!(*slot, Slot::Held { member, confirmed: true, .. } if member == number);
        let slots = &self.lines[line].slots;
        let held: Vec<usize> = (0..slots.len()).filter(|at| is_held(&slots[*at])).collect();
        let mut batches: Vec<(u64, u64, Vec<AckKind>)> = Vec::new();
        let mut at = 0;
        while at < held.len() && batches.len() < 3 {
            let first = held[at];
            let run = held[at..].iter().zip(first..).take_while(|(a, b)| **a == *b).count();
            let count = self.random.random_range(1..=run);
            let mut kind = || {
                let odd = self.random.random_range(0..3) == 0;
                if odd { KINDS[self.random.random_range(0..5)] } else { AckKind::Accept }
            };
            let kinds = match count % 2 {
                0 => vec![kind()],
                _ => (0..count).map(|_| kind()).collect(),
            };
            batches.push((first as u64, (first + count - 1) as u64, kinds));
            at += run;
        }
        if batches.is_empty() || self.chance(10) {
            let first = self.random.random_range(0..20);
            batches.push((first, first + self.random.random_range(0..3), vec![AckKind::Accept]));
        }
        let wrong = batches.iter().any(|(first, last, _)| {
            (*first..=*last).any(|offset| {
                offset >= self.lines[line].known_log_start
                    && self.lines[line].slots.get(offset as usize).is_none_or(|slot| !is_held(slot))
            })
        });
        let out_of_order = batches.windows(2).any(|two| two[1].0 <= two[0].1);
        let refs: Vec<_> = batches
            .iter()
            .map(|(first, last, kinds)| AckBatch { first: *first, last: *last, kinds })
            .collect();
        let (id, partition) = (name(member), line as u32);
        let result =
            self.call(|queues, now, out| queues.acknowledge("g", &id, partition, &refs, now, out));
        match result {
            Err(error) if out_of_order => assert_eq!(error.kind(), ErrorKind::InvalidRequest),
            Err(error) => {
                assert!(wrong, "{error}");
                assert_eq!(error.kind(), ErrorKind::InvalidRecordState);
            }
            Ok(()) => {
                assert!(!wrong && !out_of_order);
                for (first, last, kinds) in batches {
                    for offset in first..=last {
                        let kind = kinds[((offset - first) as usize).min(kinds.len() - 1)];
                        self.model_acknowledge(line, offset, kind);
                    }
                }
            }
        }
    }

    fn model_acknowledge(&mut self, line: usize, offset: u64, kind: AckKind) {
        if offset < self.lines[line].known_log_start {
            return;
        }
        let at = offset as usize;
        let Slot::Held { member, count, .. } = self.lines[line].slots[at] else {
            panic!("{offset} was acknowledged, and nobody has it");
        };
        let deadline = self.now.steady + i64::from(self.config.lock_duration_ms);
        match kind {
            AckKind::Gap | AckKind::Accept => self.lines[line].slots[at] = Slot::Done,
            AckKind::Release => self.hand_back(line, at, Return::AfterRest),
            AckKind::Reject => self.give_up(line, at, count, true),
            AckKind::Renew => {
                let renewed = Slot::Held { member, deadline, count, confirmed: true };
                self.lines[line].slots[at] = renewed;
            }
        }
    }

    fn pass(&mut self, ms: i64) {
        let end = self.now.steady + ms;
        loop {
            let next = self.queues.next_deadline().filter(|at| *at <= end);
            self.now.steady = next.unwrap_or(end).max(self.now.steady);
            self.call(Queues::tick);
            self.model_tick();
            if next.is_none() {
                return;
            }
        }
    }

    fn model_tick(&mut self) {
        let now = self.now.steady;
        let silent = self.members.iter().filter(|(_, member)| member.deadline <= now);
        let silent: Vec<_> = silent.map(|(member, found)| (*member, found.number)).collect();
        for (member, number) in silent {
            self.members.remove(&member);
            self.waiting.remove(&member);
            self.free(number, Return::OfMemberGone);
        }
        for line in 0..self.lines.len() {
            for at in 0..self.lines[line].slots.len() {
                match &mut self.lines[line].slots[at] {
                    Slot::Held { deadline, .. } if *deadline <= now => {
                        self.hand_back(line, at, Return::AfterRest);
                    }
                    Slot::Waiting { rests_until, .. }
                        if rests_until.is_some_and(|at| at <= now) =>
                    {
                        *rests_until = None;
                    }
                    _ => {}
                }
            }
        }
    }

    /// The process ends, and another one finds what is in the log.
    fn crash(&mut self) {
        let bytes = self.log.to_bytes();
        let ranges: usize = self.lines.iter().map(Line::durable_ranges).sum();
        assert!(bytes.len() <= 70 + 6 * ranges, "{} bytes for {ranges} ranges", bytes.len());
        self.log = DurableState::from_bytes(&bytes).unwrap();
        self.queues = Queues::restore(self.config, self.log.queues.clone(), self.now);
        self.members.clear();
        self.waiting.clear();
        self.letters.clear();
        self.lines.iter_mut().for_each(|line| line.known_log_start = 0);
        for slot in self.lines.iter_mut().flat_map(|line| &mut line.slots) {
            *slot = match *slot {
                Slot::Waiting { count, .. } | Slot::Held { count, confirmed: true, .. } => {
                    Slot::Waiting { count, rests_until: None, avoid: None }
                }
                Slot::Held { count, .. } => {
                    Slot::Waiting { count: count - 1, rests_until: None, avoid: None }
                }
                done => done,
            };
        }
        self.model_sweep();
        self.pass(0);
        let burying = self.lines.iter().flat_map(|line| &line.slots);
        let burying = burying.filter(|slot| matches!(slot, Slot::Burying { .. })).count() as u64;
        let asked = self.letters.iter().map(|letter| letter.last - letter.first + 1).sum::<u64>();
        assert_eq!(asked, burying, "what is to be buried is asked for again");
    }

    fn model_sweep(&mut self) {
        for line in 0..self.lines.len() {
            for at in 0..self.lines[line].slots.len() {
                if let Slot::Waiting { count, .. } = self.lines[line].slots[at]
                    && count >= self.config.delivery_count_limit
                {
                    self.give_up(line, at, count, false);
                }
            }
        }
    }

    fn change_limit(&mut self) {
        self.config.delivery_count_limit = self.random.random_range(1..6);
        self.queues.set_config("g", Some(self.config));
        self.pass(0);
        self.model_sweep();
    }

    fn bury(&mut self) {
        let Some(letter) = self.letters.pop() else {
            return;
        };
        if self.chance(30) {
            self.call(|queues, now, out| queues.not_buried("g", &letter, now, out));
            return;
        }
        self.call(|queues, now, out| queues.buried("g", &letter, now, out));
        for offset in letter.first..=letter.last {
            self.lines[letter.partition as usize].slots[offset as usize] = Slot::Done;
        }
    }

    /// Retention takes the oldest records; a member sees to it that the group knows.
    fn retain(&mut self) {
        let Some(&member) = self.members.keys().next() else {
            return;
        };
        let at = self.random.random_range(0..self.lines.len());
        let more = self.random.random_range(0..4);
        let line = &mut self.lines[at];
        let log_start = (line.start() + more).min(line.bounds().end);
        line.log_start = line.log_start.max(log_start);
        line.slots[..log_start as usize].fill(Slot::Done);
        for letter in self.letters.iter_mut().filter(|letter| letter.partition as usize == at) {
            letter.first = letter.first.max(log_start);
        }
        self.letters.retain(|letter| letter.first <= letter.last);
        self.acquire(member, 0, false);
    }

    /// All members wait, and then there are some records: they are shared evenly.
    fn round(&mut self) {
        let mut members: Vec<usize> = self.members.keys().copied().collect();
        if members.is_empty() || self.is_limited() {
            return;
        }
        for member in &members {
            (0..PARTITIONS).for_each(|partition| self.confirm(*member, partition, &[], &[]));
        }
        let drained = |line: &Line| {
            line.slots.iter().all(|slot| !matches!(slot, Slot::Waiting { rests_until: None, .. }))
        };
        if !self.lines.iter().all(drained) {
            return;
        }
        for member in &members {
            assert!(self.acquire(*member, 100, true).is_empty());
        }
        let records = self.random.random_range(1..30);
        for _ in 0..records {
            let line = self.random.random_range(0..self.lines.len());
            self.lines[line].slots.push(FRESH);
        }
        members.shuffle(&mut self.random);
        let heads = members.len();
        let mut handed_out = 0;
        for member in &members {
            let acquired = self.acquire(*member, 100, true);
            let ranges = acquired.values().flatten();
            let got = ranges.map(|(first, last)| last - first + 1).sum::<u64>() as usize;
            assert!((records / heads..=records.div_ceil(heads)).contains(&got), "{got} for one");
            handed_out += got;
            for (partition, ranges) in acquired {
                self.confirm(*member, partition, &ranges, &[]);
            }
        }
        assert_eq!(handed_out, records, "all of them");
    }

    /// A good member does what is left: in the end everything is done.
    fn finish(&mut self) {
        for member in 0..MEMBERS {
            self.leave(member);
        }
        self.join(0);
        for _ in 0..10_000 {
            if self.lines.iter().all(|line| line.slots.iter().all(|slot| *slot == Slot::Done)) {
                return;
            }
            self.beat(0);
            let acquired = self.acquire(0, 100, false);
            for (partition, ranges) in acquired {
                self.confirm(0, partition, &ranges, &[]);
                for (first, last) in ranges {
                    let batch = AckBatch { first, last, kinds: &[AckKind::Accept] };
                    self.call(|queues, now, out| {
                        queues.acknowledge("g", "m0", partition, &[batch], now, out)
                    })
                    .unwrap();
                    self.lines[partition as usize].slots[first as usize..=last as usize]
                        .fill(Slot::Done);
                }
            }
            self.bury();
            self.pass(20);
            self.check();
        }
        panic!("there are records that nobody gets");
    }
}

/// Members that come only when they are called, one of which may be dead.
struct Sleepers {
    world: World,
    alive: Vec<usize>,
    called: BTreeSet<usize>,
    /// Whether all that is left is accepted.
    at_the_end: bool,
}

impl Sleepers {
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        (world.config.record_locks_max, world.config.ranges_max) = (1000, 1000);
        world.config.session_timeout_ms = 1_000_000;
        world.queues.set_config("g", Some(world.config));
        let members = world.random.random_range(1..=MEMBERS);
        for member in 0..members {
            world.join(member);
            world.acquire(member, 100, true);
        }
        let dead = usize::from(members > 1 && world.random.random());
        Self { world, alive: (dead..members).collect(), called: BTreeSet::new(), at_the_end: false }
    }

    fn produce(&mut self) {
        let line = self.world.random.random_range(0..PARTITIONS);
        let records = self.world.random.random_range(1..5);
        let slots = &mut self.world.lines[line as usize].slots;
        slots.resize(slots.len() + records, FRESH);
        let called = self.world.queues.call_waiting("g", line, records as u64, self.world.now);
        self.called.extend(called.iter().map(|id| id[1..].parse::<usize>().unwrap()));
    }

    /// All that are called come, and work until they have to wait again.
    fn work(&mut self) {
        loop {
            if std::mem::take(&mut self.world.available) {
                self.called.extend(&self.alive);
            }
            let mut called: Vec<_> = std::mem::take(&mut self.called).into_iter().collect();
            called.retain(|member| self.alive.contains(member));
            if called.is_empty() {
                return;
            }
            called.shuffle(&mut self.world.random);
            for member in called {
                while self.work_once(member) {}
            }
        }
    }

    fn work_once(&mut self, member: usize) -> bool {
        let max = [1, 100][self.world.random.random_range(0..2)];
        let acquired = self.world.acquire(member, max, true);
        for (partition, ranges) in &acquired {
            self.world.confirm(member, *partition, ranges, &[]);
            for &(first, last) in ranges {
                let kind = match self.world.random.random_range(0..10) {
                    _ if self.at_the_end => AckKind::Accept,
                    0..7 => AckKind::Accept,
                    7..9 => AckKind::Release,
                    // It forgets them, until the lock times out.
                    _ => continue,
                };
                let batch = AckBatch { first, last, kinds: &[kind] };
                let id = name(member);
                let done = self.world.call(|queues, now, out| {
                    queues.acknowledge("g", &id, *partition, &[batch], now, out)
                });
                done.unwrap();
                for offset in first..=last {
                    self.world.model_acknowledge(*partition as usize, offset, kind);
                }
            }
        }
        !acquired.is_empty()
    }
}

fn run_sleepers(seed: u64) {
    let mut sleepers = Sleepers::new(seed);
    for _ in 0..30 {
        if sleepers.world.chance(60) {
            sleepers.produce();
        }
        if sleepers.world.chance(80) {
            sleepers.work();
        }
        let ms = [0, 0, 10, 60, 120][sleepers.world.random.random_range(0..5)];
        sleepers.world.pass(ms);
    }
    // Enough for all locks to time out, for all rests, and for the dead to be passed.
    sleepers.at_the_end = true;
    sleepers.work();
    for _ in 0..8 {
        sleepers.world.pass(60);
        sleepers.work();
    }
    let slots = sleepers.world.lines.iter().flat_map(|line| &line.slots);
    let left = slots.filter(|slot| matches!(slot, Slot::Waiting { .. } | Slot::Held { .. }));
    assert_eq!(left.count(), 0, "records that nobody was called for");
    sleepers.world.check();
}

fn run(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..world.random.random_range(10..150) {
        world.step();
    }
    world.finish();
}

#[test]
fn every_record_is_done_once_whatever_happens() {
    run_all(3000, run);
}

#[test]
fn nobody_sleeps_while_there_is_something_to_do() {
    run_all(2000, run_sleepers);
}

fn run_all(seeds: u64, run: fn(u64)) {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    if let Some(seed) = number("MINKA_SEED") {
        return run(seed);
    }
    let seeds = number("MINKA_SEEDS").unwrap_or(seeds);
    let threads = 2;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for seed in (thread..seeds).step_by(threads as usize) {
                    let outcome = std::panic::catch_unwind(|| run(seed));
                    assert!(outcome.is_ok(), "seed {seed} failed; MINKA_SEED={seed} runs it alone");
                }
            });
        }
    });
}

fn numbers() -> impl Strategy<Value = u64> {
    prop_oneof![0..30_u64, any::<u64>(), (0..3_u64).prop_map(|n| u64::MAX - n)]
}

type Batches = Vec<(u64, u64, Vec<usize>)>;

fn batches() -> impl Strategy<Value = Batches> {
    let kinds = prop::collection::vec(0..KINDS.len(), 0..6);
    prop::collection::vec((numbers(), numbers(), kinds), 0..5)
}

proptest! {
    #[test]
    fn hostile_acknowledgements_do_no_harm(batches in batches(), log_start in 0..5_u64) {
        let mut world = World::new(1);
        (world.config.delivery_count_limit, world.config.record_locks_max) = (3, 1000);
        world.queues.set_config("g", Some(world.config));
        world.lines[0].slots.resize(20, FRESH);
        world.join(0);
        world.join(1);
        for member in [0, 1, 0] {
            let acquired = world.acquire(member, 5, false);
            world.confirm(member, 0, &acquired[&0], &[]);
        }
        world.lines[0].log_start = log_start;
        world.acquire(0, 0, false);
        let before = world.queues.offsets("g");
        let kinds: Vec<Vec<_>> = batches
            .iter()
            .map(|(_, _, kinds)| kinds.iter().map(|kind| KINDS[*kind]).collect())
            .collect();
        let batches: Vec<_> = batches
            .iter()
            .zip(&kinds)
            .map(|((first, last, _), kinds)| AckBatch { first: *first, last: *last, kinds })
            .collect();
        let mut out = Vec::new();
        let result = world.queues.acknowledge("g", "m0", 0, &batches, world.now, &mut out);
        if result.is_err() {
            prop_assert!(out.is_empty());
            prop_assert_eq!(world.queues.offsets("g"), before);
        }
        world.take(out);
        prop_assert_eq!(world.queues.durable(), world.log.queues);
    }
}
