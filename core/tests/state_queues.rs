//! Queue groups, scene by scene: who is handed which records.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::BTreeMap;

use minka::ErrorKind;
use minka::state::durable::DurableState;
use minka::state::event::Event;
use minka::state::groups::{GroupDeletion, GroupState, Now};
use minka::state::queues::{
    AckBatch, AckKind, AcquireRequest, Acquisition, Action, AssignedTopic, Bounds, DeadLetter,
    DeadLetterReason, Delivery, HeartbeatAnswer, HeartbeatRequest, QueueConfig, QueueOffsets,
    Queues, SessionEnd, StartAt,
};
use minka::state::topic_config::TopicConfig;

use AckKind::{Accept, Gap, Reject, Release, Renew};

const LOCK: i64 = 30_000;
const SESSION: i64 = 45_000;
const BACKOFF: i64 = 100;

/// First offset, last offset, delivery count.
type Got = (u64, u64, u16);

/// The queue groups with their clock, their log, and the records that there are. All is about the
/// group `g`.
struct Scene {
    queues: Queues,
    config: QueueConfig,
    now: Now,
    log: DurableState,
    /// Log start offset and high watermark, by partition.
    bounds: BTreeMap<u32, Bounds>,
    epochs: BTreeMap<String, i32>,
    sessions: BTreeMap<String, u64>,
    letters: Vec<DeadLetter>,
    asked: Vec<(Vec<u32>, StartAt)>,
    persisted: usize,
    called: usize,
}

impl Scene {
    /// Topic `t` with one partition, in which there are `records`; the group reads from 0.
    fn new(records: u64) -> Self {
        Self::with(records, QueueConfig { start: StartAt::Earliest, ..QueueConfig::default() })
    }

    fn with(records: u64, config: QueueConfig) -> Self {
        let now = Now { steady: 1000, wall: 1_000_000 };
        let mut scene = Self {
            queues: Queues::restore(config, [], now),
            config,
            now,
            log: DurableState::default(),
            bounds: BTreeMap::new(),
            epochs: BTreeMap::new(),
            sessions: BTreeMap::new(),
            letters: Vec::new(),
            asked: Vec::new(),
            persisted: 0,
            called: 0,
        };
        scene.create("t", 1, 1);
        scene.produce(records);
        scene
    }

    fn create(&mut self, name: &str, id: u8, partitions: u32) {
        let config = TopicConfig::default();
        let event = self.log.catalog.plan_create(name, [id; 16], partitions, &config, 0);
        self.log.apply(&event.unwrap());
        self.find_partitions();
    }

    fn grow(&mut self, name: &str, partitions: u32) {
        let event = self.log.catalog.plan_add_partitions(name, partitions).unwrap();
        self.log.apply(&event);
        self.find_partitions();
    }

    fn find_partitions(&mut self) {
        for topic in self.log.catalog.topics() {
            for number in topic.partition_numbers() {
                self.bounds.entry(number).or_insert(Bounds { log_start: 0, end: 0 });
            }
        }
    }

    /// There are more records in partition 0.
    fn produce(&mut self, records: u64) {
        self.produce_to(0, records);
    }

    fn produce_to(&mut self, partition: u32, records: u64) {
        self.bounds.get_mut(&partition).unwrap().end += records;
    }

    fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Persist(event) => {
                    self.log.apply(&Event::decode(&event.encode()).unwrap());
                    self.persisted += 1;
                }
                Action::FindStart { group, partitions, start } => {
                    let offset = |number| match start {
                        StartAt::Earliest => self.bounds[number].log_start,
                        _ => self.bounds[number].end,
                    };
                    let offsets: Vec<_> = partitions.iter().map(|n| (*n, offset(n))).collect();
                    self.asked.push((partitions, start));
                    let mut actions = Vec::new();
                    self.queues.started(&group, &offsets, self.now, &mut actions);
                    self.take(actions);
                }
                Action::Available { .. } => self.called += 1,
                Action::DeadLetter { letter, .. } => self.letters.push(letter),
            }
        }
        assert_eq!(self.queues.durable(), self.log.queues);
    }

    fn call<T>(&mut self, call: impl FnOnce(&mut Queues, Now, &mut Vec<Action>) -> T) -> T {
        let mut actions = Vec::new();
        let result = call(&mut self.queues, self.now, &mut actions);
        self.take(actions);
        result
    }

    /// Lets time pass, with a tick at every deadline.
    fn pass(&mut self, ms: i64) {
        let end = self.now.steady + ms;
        loop {
            let next = self.queues.next_deadline().filter(|at| *at <= end);
            self.now.steady = next.unwrap_or(end).max(self.now.steady);
            self.call(Queues::tick);
            if next.is_none() {
                return;
            }
        }
    }

    /// The broker's process ends and another one starts. Members have to join again.
    fn restart(&mut self) {
        self.now.steady = 7;
        self.queues = Queues::restore(self.config, self.log.queues.clone(), self.now);
        self.epochs.clear();
        self.sessions.clear();
        self.pass(0);
    }

    fn configure(&mut self, change: impl FnOnce(&mut QueueConfig)) {
        change(&mut self.config);
        self.queues.set_config("g", Some(self.config));
    }

    fn heartbeat(
        &mut self,
        member: &str,
        epoch: i32,
        topics: Option<&[&str]>,
    ) -> minka::Result<HeartbeatAnswer> {
        let request = HeartbeatRequest {
            group: "g".into(),
            member_id: member.into(),
            member_epoch: epoch,
            topics: topics.map(|topics| topics.iter().map(ToString::to_string).collect()),
            client_id: "c".into(),
            client_host: "/127.0.0.1".into(),
            rack_id: None,
        };
        let catalog = self.log.catalog.clone();
        let answer =
            self.call(|queues, now, out| queues.heartbeat(&request, &catalog, now, out))?;
        self.epochs.insert(member.into(), answer.member_epoch);
        Ok(answer)
    }

    /// The member joins for topic `t`.
    fn join(&mut self, member: &str) {
        self.heartbeat(member, 0, Some(&["t"])).unwrap();
        let session = self.queues.open_session("g", member).unwrap();
        self.sessions.insert(member.into(), session);
    }

    fn beat(&mut self, member: &str) -> HeartbeatAnswer {
        self.heartbeat(member, self.epochs[member], None).unwrap()
    }

    fn leave(&mut self, member: &str) {
        self.heartbeat(member, -1, None).unwrap();
    }

    fn close(&mut self, member: &str, end: SessionEnd) {
        let session = self.sessions[member];
        self.call(|queues, now, out| queues.close_session("g", member, session, end, now, out));
    }

    fn acquire(&mut self, member: &str, max: u64, wait: bool) -> Vec<Acquisition> {
        let partitions: Vec<_> = self.bounds.iter().map(|(n, bounds)| (*n, *bounds)).collect();
        let request =
            AcquireRequest { group: "g", member, partitions: &partitions, records_max: max, wait };
        self.call(|queues, now, out| queues.acquire(&request, now, out)).unwrap()
    }

    fn confirm(&mut self, member: &str, kept: &[(u64, u64)], gone: &[(u64, u64)]) -> Vec<Got> {
        let delivery = Delivery { partition: 0, kept, gone };
        let got = self.call(|queues, now, out| queues.confirm("g", member, &delivery, now, out));
        got.unwrap().into_iter().map(|got| (got.first, got.last, got.delivery_count)).collect()
    }

    fn confirm_all(&mut self, member: &str, acquired: &[Acquisition]) {
        for acquisition in acquired {
            let kept = [(acquisition.first, acquisition.last)];
            let delivery = Delivery { partition: acquisition.partition, kept: &kept, gone: &[] };
            let others = acquired.iter().filter(|other| other.partition == acquisition.partition);
            assert_eq!(others.count(), 1, "what is not confirmed would be given back");
            self.call(|queues, now, out| queues.confirm("g", member, &delivery, now, out)).unwrap();
        }
    }

    /// The member is delivered up to `max` records of partition 0.
    fn fetch(&mut self, member: &str, max: u64, wait: bool) -> Vec<Got> {
        let acquired = self.acquire(member, max, wait);
        let kept: Vec<_> = acquired.iter().map(|got| (got.first, got.last)).collect();
        self.confirm(member, &kept, &[])
    }

    fn get(&mut self, member: &str, max: u64) -> Vec<Got> {
        self.fetch(member, max, false)
    }

    fn wait(&mut self, member: &str) {
        assert_eq!(self.fetch(member, 100, true), []);
    }

    fn try_ack(&mut self, member: &str, batches: &[AckBatch<'_>]) -> minka::Result<()> {
        self.call(|queues, now, out| queues.acknowledge("g", member, 0, batches, now, out))
    }

    fn ack(&mut self, member: &str, first: u64, last: u64, kind: AckKind) {
        self.try_ack(member, &[AckBatch { first, last, kinds: &[kind] }]).unwrap();
    }

    fn refused(&mut self, member: &str, first: u64, last: u64, kinds: &[AckKind]) -> ErrorKind {
        self.try_ack(member, &[AckBatch { first, last, kinds }]).unwrap_err().kind()
    }

    fn offsets(&self) -> QueueOffsets {
        self.queues.offsets("g").unwrap()[0]
    }
}

fn range(first: u64, last: u64) -> Got {
    (first, last, 1)
}

#[test]
fn records_are_handed_out_acknowledged_and_done() {
    let mut scene = Scene::new(10);
    scene.join("a");
    assert_eq!(scene.get("a", 4), [range(0, 3)]);
    assert_eq!(scene.get("a", 100), [range(4, 9)]);
    assert_eq!(scene.get("a", 100), []);
    scene.ack("a", 0, 9, Accept);
    let done = QueueOffsets {
        partition: 0,
        start: 10,
        next: 10,
        in_flight: 0,
        redelivered: 0,
        settled: 0,
    };
    assert_eq!(scene.offsets(), done);
    scene.restart();
    assert_eq!(scene.offsets(), done);
}

#[test]
fn one_record_that_is_stuck_holds_back_only_itself() {
    let mut scene = Scene::new(1_000_000);
    scene.join("a");
    assert_eq!(scene.get("a", 1), [range(0, 0)]);
    for _ in 0..1999 {
        let (first, last, _) = scene.get("a", 500)[0];
        scene.ack("a", first, last, Accept);
    }
    let offsets = scene.offsets();
    assert_eq!((offsets.start, offsets.in_flight, offsets.settled), (0, 1, 999_500));
    assert!(scene.log.to_bytes().len() < 200, "two ranges are what the log has");
    scene.ack("a", 0, 0, Accept);
    assert_eq!(scene.offsets().start, 999_501);
}

#[test]
fn a_member_needs_a_group_an_id_and_topics() {
    let mut scene = Scene::new(0);
    let mut kind =
        |member, epoch, topics| scene.heartbeat(member, epoch, topics).unwrap_err().kind();
    assert_eq!(kind("", 0, Some(&["t"][..])), ErrorKind::InvalidRequest);
    assert_eq!(kind("a", 0, None), ErrorKind::InvalidRequest);
    assert_eq!(kind("a", 0, Some(&[])), ErrorKind::InvalidRequest);
    assert_eq!(kind("a", -2, None), ErrorKind::InvalidRequest);
    assert_eq!(kind("a", 1, None), ErrorKind::UnknownMember);
    assert_eq!(kind("a", -1, None), ErrorKind::UnknownMember);
    assert_eq!(scene.queues.list().count(), 0);
    assert_eq!(scene.queues.describe("g").state, GroupState::Dead);
}

#[test]
fn a_wrong_epoch_is_fenced_and_the_one_before_is_not() {
    let mut scene = Scene::new(0);
    scene.join("a");
    scene.join("b");
    let epoch = scene.epochs["a"];
    let moved = scene.heartbeat("a", epoch, None).unwrap();
    assert_eq!(moved.member_epoch, epoch + 1, "b has joined since");
    assert_eq!(moved.assignment, None, "what a may fetch is still the same");
    let again = scene.heartbeat("a", epoch, None).unwrap();
    assert_eq!(again.member_epoch, epoch + 1);
    assert!(again.assignment.is_some(), "the answer before may be lost");
    for wrong in [epoch + 2, 77] {
        let refused = scene.heartbeat("a", wrong, None).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::FencedMemberEpoch);
    }
}

#[test]
fn every_member_is_assigned_everything_that_it_wants() {
    let mut scene = Scene::new(0);
    scene.grow("t", 3);
    let all = Some(vec![AssignedTopic { topic: [1; 16], partitions: 3 }]);
    for member in ["a", "b"] {
        let answer = scene.heartbeat(member, 0, Some(&["t", "later"])).unwrap();
        assert_eq!(answer.assignment, all);
        assert_eq!(answer.heartbeat_interval_ms, 5000);
    }
    let epoch = scene.queues.describe("g").epoch;
    scene.create("later", 2, 2);
    for member in ["a", "b"] {
        let assignment = scene.beat(member).assignment.unwrap();
        let later = AssignedTopic { topic: [2; 16], partitions: 2 };
        assert!(assignment.contains(&later) && assignment.len() == 2);
        assert_eq!(scene.beat(member).assignment, None);
    }
    assert_eq!(scene.queues.describe("g").epoch, epoch + 1);
    scene.grow("later", 5);
    let assignment = scene.beat("a").assignment.unwrap();
    assert!(assignment.contains(&AssignedTopic { topic: [2; 16], partitions: 5 }));
    let only = scene.heartbeat("b", scene.epochs["b"], Some(&["later"])).unwrap();
    assert_eq!(only.assignment.unwrap().len(), 1);
    let described = scene.queues.describe("g");
    assert_eq!(described.state, GroupState::Stable);
    let topics: Vec<_> = described.members.iter().map(|member| member.topics.clone()).collect();
    assert_eq!(topics, [vec!["later".to_owned(), "t".into()], vec!["later".into()]]);
}

#[test]
fn a_group_begins_at_the_end_and_reads_what_comes_into_being_from_its_beginning() {
    let mut scene = Scene::with(10, QueueConfig::default());
    scene.join("a");
    assert_eq!(scene.get("a", 100), []);
    scene.grow("t", 2);
    scene.produce_to(0, 1);
    scene.produce_to(1, 5);
    scene.beat("a");
    assert_eq!(scene.asked, [(vec![0], StartAt::Latest), (vec![1], StartAt::Earliest)]);
    let got: Vec<_> =
        scene.acquire("a", 100, false).iter().map(|a| (a.partition, a.first)).collect();
    assert_eq!(got, [(0, 10), (1, 0)]);
}

#[test]
fn nothing_is_handed_out_before_it_is_known_where_to_begin() {
    let mut scene = Scene::new(10);
    let mut out = Vec::new();
    let request = HeartbeatRequest {
        group: "g".into(),
        member_id: "a".into(),
        member_epoch: 0,
        topics: Some(vec!["t".into()]),
        client_id: String::new(),
        client_host: String::new(),
        rack_id: None,
    };
    scene.queues.heartbeat(&request, &scene.log.catalog, scene.now, &mut out).unwrap();
    let asks =
        Action::FindStart { group: "g".into(), partitions: vec![0], start: StartAt::Earliest };
    assert_eq!(std::mem::take(&mut out), std::slice::from_ref(&asks));
    let fetch = |queues: &mut Queues, out: &mut Vec<Action>| {
        let request = AcquireRequest {
            group: "g",
            member: "a",
            partitions: &[(0, Bounds { log_start: 0, end: 10 })],
            records_max: 100,
            wait: true,
        };
        queues.acquire(&request, Now { steady: 1000, wall: 0 }, out).unwrap().len()
    };
    assert_eq!(fetch(&mut scene.queues, &mut out), 0);
    assert_eq!(out, [], "it has asked already");
    scene.queues.not_started("g", &[0]);
    assert_eq!(fetch(&mut scene.queues, &mut out), 0);
    assert_eq!(std::mem::take(&mut out), [asks]);
    scene.queues.started("g", &[(0, 4), (1, 4)], scene.now, &mut out);
    assert!(matches!(&out[0], Action::Persist(Event::QueueStarted { offsets, .. })
        if *offsets == [(0, 4)]));
    assert_eq!(out[1..], [Action::Available { group: "g".into() }]);
    assert_eq!(fetch(&mut scene.queues, &mut out), 1);
}

#[test]
fn a_group_takes_as_many_members_as_it_may_have() {
    let mut scene = Scene::new(0);
    scene.configure(|config| config.members_max = 1);
    scene.join("a");
    let refused = scene.heartbeat("b", 0, Some(&["t"])).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::GroupFull);
    scene.join("a");
    scene.leave("a");
    scene.join("b");
}

#[test]
fn a_silent_member_goes_and_its_records_are_for_others() {
    let mut scene = Scene::new(4);
    scene.configure(|config| config.lock_duration_ms = 1_000_000);
    scene.join("a");
    scene.join("b");
    assert_eq!(scene.get("a", 1), [range(0, 0)]);
    scene.pass(SESSION - 1);
    scene.beat("b");
    assert_eq!(scene.queues.describe("g").members.len(), 2);
    scene.pass(1);
    assert_eq!(scene.queues.describe("g").members.len(), 1);
    assert_eq!(scene.get("b", 100), [range(1, 3)], "the failed one rests");
    scene.pass(BACKOFF);
    assert_eq!(scene.get("b", 100), [(0, 0, 2)]);
    assert_eq!(scene.refused("a", 0, 0, &[Accept]), ErrorKind::UnknownMember);
}

#[test]
fn a_member_that_leaves_gives_its_records_back_at_once() {
    let mut scene = Scene::new(4);
    scene.join("a");
    scene.get("a", 2);
    scene.acquire("a", 1, false);
    scene.join("b");
    scene.leave("a");
    assert_eq!(scene.get("b", 100), [(0, 1, 2), (2, 3, 1)], "the third was never delivered");
}

#[test]
fn only_the_present_session_frees_records() {
    let mut scene = Scene::new(4);
    scene.join("a");
    scene.get("a", 2);
    let old = scene.sessions["a"];
    let new = scene.queues.open_session("g", "a").unwrap();
    assert!(new > old);
    scene.close("a", SessionEnd::Lost);
    scene.pass(BACKOFF);
    assert_eq!(scene.offsets().in_flight, 2);
    scene.sessions.insert("a".into(), new);
    scene.close("a", SessionEnd::Lost);
    assert_eq!(scene.offsets().in_flight, 0);
    assert_eq!(scene.get("a", 1), [range(2, 2)], "the others rest");
    let third = scene.queues.open_session("g", "a").unwrap();
    scene.sessions.insert("a".into(), third);
    scene.close("a", SessionEnd::Closed);
    assert_eq!(scene.get("a", 1), [(2, 2, 2)]);
    let unknown = scene.queues.open_session("g", "x").unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::UnknownMember);
}

#[test]
fn what_is_released_rests_longer_each_time_and_is_given_up_in_the_end() {
    let mut scene = Scene::new(1);
    scene.join("a");
    for count in 1..5 {
        assert_eq!(scene.get("a", 1), [(0, 0, count)]);
        scene.ack("a", 0, 0, Release);
        let rest = BACKOFF << (count - 1);
        scene.pass(rest - 1);
        assert_eq!(scene.get("a", 1), []);
        assert_eq!(scene.offsets().redelivered, 1);
        scene.pass(1);
    }
    assert_eq!(scene.get("a", 1), [(0, 0, 5)]);
    scene.ack("a", 0, 0, Release);
    assert_eq!((scene.offsets().start, scene.letters.len()), (1, 0));
}

#[test]
fn the_rest_has_a_limit_and_may_be_none() {
    let mut scene = Scene::new(2);
    scene.configure(|config| {
        (config.retry_backoff_max_ms, config.delivery_count_limit) = (150, u16::MAX);
    });
    scene.join("a");
    for _ in 0..100 {
        assert_eq!(scene.get("a", 1).len(), 1);
        scene.ack("a", 0, 0, Release);
        scene.pass(150);
    }
    scene.configure(|config| config.retry_backoff_ms = 0);
    for _ in 0..10 {
        assert_eq!(scene.get("a", 1)[0].0, 0);
        scene.ack("a", 0, 0, Release);
    }
}

#[test]
fn a_lock_times_out_and_another_member_goes_first() {
    let mut scene = Scene::new(1);
    scene.join("a");
    scene.join("b");
    assert_eq!(scene.get("a", 1), [range(0, 0)]);
    scene.wait("a");
    scene.wait("b");
    scene.pass(LOCK - 1);
    assert_eq!(scene.called, 0);
    assert_eq!(scene.offsets().in_flight, 1);
    scene.pass(1);
    assert_eq!(scene.refused("a", 0, 0, &[Accept]), ErrorKind::InvalidRecordState);
    scene.pass(BACKOFF);
    assert_eq!(scene.called, 1);
    assert_eq!(scene.fetch("a", 1, true), [], "b waits, and a has failed with it");
    assert_eq!(scene.fetch("b", 1, true), [(0, 0, 2)]);
}

#[test]
fn a_lock_is_over_when_its_time_is_and_not_when_the_timer_comes() {
    let mut scene = Scene::new(1);
    scene.join("a");
    scene.get("a", 1);
    scene.now.steady += LOCK;
    assert_eq!(scene.refused("a", 0, 0, &[Accept]), ErrorKind::InvalidRecordState);
}

#[test]
fn a_renewed_lock_begins_again() {
    let mut scene = Scene::new(2);
    scene.join("a");
    scene.get("a", 2);
    scene.pass(LOCK - 1);
    scene.ack("a", 0, 0, Renew);
    scene.beat("a");
    scene.pass(LOCK - 1);
    assert_eq!(scene.refused("a", 1, 1, &[Accept]), ErrorKind::InvalidRecordState);
    scene.ack("a", 0, 0, Accept);
    assert_eq!(scene.offsets().start, 1);
}

#[test]
fn acknowledgements_are_for_each_record() {
    let mut scene = Scene::new(6);
    scene.join("a");
    scene.get("a", 6);
    let kinds = [Accept, Release, Gap, Reject, Renew, Accept];
    scene.try_ack("a", &[AckBatch { first: 0, last: 5, kinds: &kinds }]).unwrap();
    let offsets = scene.offsets();
    assert_eq!((offsets.start, offsets.in_flight, offsets.settled), (1, 1, 3));
    scene.pass(BACKOFF);
    assert_eq!(scene.get("a", 10), [(1, 1, 2)]);
}

#[test]
fn acknowledgements_hold_all_together_or_not_at_all() {
    let mut scene = Scene::new(9);
    scene.join("a");
    scene.join("b");
    scene.get("a", 3);
    scene.get("b", 3);
    let before = scene.persisted;
    let good = AckBatch { first: 0, last: 1, kinds: &[Accept] };
    for bad in [(3, 3), (2, 3), (6, 6), (8, 20), (2, u64::MAX)] {
        let bad = AckBatch { first: bad.0, last: bad.1, kinds: &[Accept] };
        let refused = scene.try_ack("a", &[good, bad]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidRecordState);
    }
    assert_eq!((scene.offsets().start, scene.persisted), (0, before));
    scene.try_ack("a", &[good]).unwrap();
    assert_eq!(scene.refused("a", 0, 1, &[Accept]), ErrorKind::InvalidRecordState, "twice");
    assert_eq!(scene.refused("x", 2, 2, &[Accept]), ErrorKind::UnknownMember);
}

#[test]
fn acknowledgements_that_contradict_themselves_are_refused() {
    let mut scene = Scene::new(9);
    scene.join("a");
    scene.get("a", 9);
    for (first, last, kinds) in [
        (1, 0, &[Accept][..]),
        (0, 0, &[]),
        (0, 2, &[Accept, Accept]),
        (0, 0, &[Accept, Accept]),
        (0, u64::MAX, &[Accept, Accept]),
    ] {
        assert_eq!(scene.refused("a", first, last, kinds), ErrorKind::InvalidRequest);
    }
    for second in [(2, 3), (0, 1), (1, 1)] {
        let batch = |(first, last)| AckBatch { first, last, kinds: &[Accept] };
        let refused = scene.try_ack("a", &[batch((0, 2)), batch(second)]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidRequest);
    }
    scene.ack("a", 0, 8, Accept);
}

#[test]
fn what_is_not_delivered_is_given_back_uncounted() {
    let mut scene = Scene::new(10);
    scene.join("a");
    scene.acquire("a", 10, false);
    assert_eq!(scene.refused("a", 0, 0, &[Accept]), ErrorKind::InvalidRecordState);
    assert_eq!(scene.confirm("a", &[(0, 3)], &[]), [range(0, 3)]);
    assert_eq!(scene.offsets().next, 4);
    assert_eq!(scene.get("a", 10), [range(4, 9)]);
}

#[test]
fn holes_are_settled_in_silence() {
    let mut scene = Scene::new(10_000_000);
    scene.join("a");
    scene.acquire("a", 10, false);
    let got = scene.confirm("a", &[(0, 3), (6, 7)], &[(4, 5), (8, 5_000_000)]);
    assert_eq!(got, [range(0, 3), range(6, 7)]);
    assert_eq!(scene.get("a", 1), [range(5_000_001, 5_000_001)]);
    scene.ack("a", 0, 3, Accept);
    scene.ack("a", 6, 7, Accept);
    assert_eq!(scene.offsets().start, 5_000_001);
}

#[test]
fn a_delivery_goes_on_to_the_end_of_a_batch_as_far_as_nobody_has_it() {
    let mut scene = Scene::new(100);
    scene.join("a");
    scene.join("b");
    assert_eq!(scene.acquire("a", 5, false)[0].last, 4);
    assert_eq!(scene.confirm("a", &[(0, 9)], &[]), [range(0, 9)]);
    assert_eq!(scene.acquire("a", 5, false)[0].first, 10);
    assert_eq!(scene.get("b", 5), [range(15, 19)]);
    assert_eq!(scene.confirm("a", &[(10, 29)], &[]), [range(10, 14)]);
    assert_eq!(scene.confirm("a", &[(50, 60)], &[]), [], "nothing was acquired there");
    scene.ack("a", 0, 14, Accept);
}

#[test]
fn a_confirmation_that_comes_too_late_keeps_nothing() {
    let mut scene = Scene::new(10);
    scene.join("a");
    scene.acquire("a", 5, false);
    scene.close("a", SessionEnd::Lost);
    scene.join("b");
    assert_eq!(scene.get("b", 3), [range(0, 2)]);
    assert_eq!(scene.confirm("a", &[(0, 4)], &[]), []);
}

#[test]
fn a_delivery_counts_even_if_the_process_dies_of_it() {
    let mut scene = Scene::new(1);
    scene.join("a");
    for count in 1..=5 {
        assert_eq!(scene.get("a", 1), [(0, 0, count)]);
        scene.restart();
        scene.join("a");
    }
    assert_eq!(scene.get("a", 1), []);
    assert_eq!(scene.offsets().start, 1);
    scene.produce(1);
    scene.acquire("a", 1, false);
    scene.restart();
    scene.join("a");
    assert_eq!(scene.get("a", 1), [(1, 1, 1)], "it was never delivered");
}

#[test]
fn dead_letters_are_asked_for_until_they_are_buried() {
    let mut scene = Scene::new(3);
    scene.configure(|config| (config.dead_letter, config.delivery_count_limit) = (true, 1));
    scene.join("a");
    scene.get("a", 3);
    scene.ack("a", 0, 1, Reject);
    scene.ack("a", 2, 2, Release);
    let rejected = DeadLetter {
        partition: 0,
        first: 0,
        last: 1,
        delivery_count: 1,
        reason: DeadLetterReason::Rejected,
    };
    let limit =
        DeadLetter { first: 2, last: 2, reason: DeadLetterReason::LimitReached, ..rejected };
    assert_eq!(std::mem::take(&mut scene.letters), [rejected, limit]);
    assert_eq!(scene.get("a", 3), []);
    scene.call(|queues, now, out| queues.not_buried("g", &limit, now, out));
    scene.pass(999);
    assert_eq!(scene.letters, []);
    scene.pass(1);
    assert_eq!(std::mem::take(&mut scene.letters), [limit]);
    scene.call(|queues, now, out| queues.buried("g", &limit, now, out));
    assert_eq!(scene.offsets().settled, 1);
    scene.now.steady = 7;
    scene.queues = Queues::restore(scene.config, scene.log.queues.clone(), scene.now);
    scene.pass(0);
    assert_eq!(std::mem::take(&mut scene.letters), [rejected], "after a start as well");
    scene.call(|queues, now, out| queues.buried("g", &rejected, now, out));
    scene.call(|queues, now, out| queues.buried("g", &rejected, now, out));
    assert_eq!(scene.offsets().start, 3);
    scene.pass(100_000);
    assert_eq!(scene.letters, []);
}

#[test]
fn a_lower_limit_holds_for_what_was_delivered_before() {
    let mut scene = Scene::new(2);
    scene.join("a");
    scene.get("a", 1);
    scene.ack("a", 0, 0, Release);
    scene.pass(BACKOFF);
    scene.configure(|config| config.delivery_count_limit = 1);
    assert_eq!(scene.get("a", 2), [range(1, 1)]);
    assert_eq!(scene.offsets().start, 1);
}

#[test]
fn retention_takes_records_from_whoever_has_them() {
    let mut scene = Scene::new(10);
    scene.join("a");
    scene.get("a", 6);
    scene.bounds.get_mut(&0).unwrap().log_start = 4;
    assert_eq!(scene.get("a", 100), [range(6, 9)]);
    assert_eq!((scene.offsets().start, scene.offsets().in_flight), (4, 6));
    scene.ack("a", 2, 5, Accept);
    scene.ack("a", 0, 1, Accept);
    scene.bounds.insert(0, Bounds { log_start: 50, end: 60 });
    assert_eq!(scene.get("a", 1), [range(50, 50)]);
    assert_eq!(scene.offsets().start, 50);
}

#[test]
fn those_that_wait_share_what_comes_evenly() {
    for (records, shares) in [(7, [3, 2, 2]), (3, [1, 1, 1]), (2, [1, 1, 0]), (9, [3, 3, 3])] {
        for order in [["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"]] {
            let mut scene = Scene::new(0);
            let members = ["a", "b", "c"];
            members.iter().for_each(|member| scene.join(member));
            members.iter().for_each(|member| scene.wait(member));
            scene.produce(records);
            for member in order {
                let got = scene.fetch(member, 100, true);
                let got: u64 = got.iter().map(|(first, last, _)| last - first + 1).sum();
                let place = members.iter().position(|other| *other == member).unwrap();
                assert_eq!(got, shares[place], "{records} records, {member} of {order:?}");
            }
        }
    }
}

#[test]
fn single_records_go_round() {
    let mut scene = Scene::new(0);
    let members = ["a", "b", "c"];
    members.iter().for_each(|member| scene.join(member));
    members.iter().for_each(|member| scene.wait(member));
    let mut got = Vec::new();
    for offset in 0..9 {
        scene.produce(1);
        // All of them come; who has had its turn waits again.
        for member in ["c", "b", "a"] {
            if !scene.fetch(member, 100, true).is_empty() {
                scene.ack(member, offset, offset, Accept);
                scene.wait(member);
                got.push(member);
            }
        }
    }
    assert_eq!(got, [members, members, members].concat());
}

#[test]
fn who_does_not_wait_comes_behind_those_who_do() {
    let mut scene = Scene::new(0);
    ["a", "b"].iter().for_each(|member| scene.join(member));
    scene.wait("a");
    scene.produce(1);
    assert_eq!(scene.get("b", 100), []);
    assert_eq!(scene.fetch("a", 100, true), [range(0, 0)]);
}

#[test]
fn a_small_backlog_is_not_swallowed_by_who_comes_first() {
    let mut scene = Scene::new(8);
    let members = ["a", "b", "c", "d"];
    members.iter().for_each(|member| scene.join(member));
    let first = [range(0, 1), range(2, 3), range(4, 5), range(6, 7)];
    for (member, expected) in members.into_iter().zip(first) {
        assert_eq!(scene.get(member, 500), [expected]);
    }
}

#[test]
fn a_member_alone_gets_all_of_a_large_backlog() {
    let mut scene = Scene::new(10_000);
    ["a", "b"].iter().for_each(|member| scene.join(member));
    assert_eq!(scene.get("a", 500), [range(0, 499)]);
    scene.pass(5000);
    assert_eq!(scene.get("a", 100_000), [range(500, 9_999)], "b does nothing");
}

#[test]
fn a_member_that_is_called_and_does_not_come_is_passed() {
    let mut scene = Scene::new(0);
    ["dead", "b"].iter().for_each(|member| scene.join(member));
    scene.wait("dead");
    scene.wait("b");
    scene.produce(1);
    assert_eq!(scene.fetch("b", 100, true), []);
    assert!(scene.queues.next_deadline().unwrap() <= scene.now.steady + 100);
    scene.pass(100);
    assert_eq!(scene.called, 1);
    assert_eq!(scene.fetch("b", 100, true), [range(0, 0)]);
}

#[test]
fn those_that_wait_longest_are_called_for_new_records() {
    let mut scene = Scene::new(0);
    let members = ["a", "b", "c"];
    members.iter().for_each(|member| scene.join(member));
    members.iter().for_each(|member| scene.wait(member));
    let called = |scene: &mut Scene, records| {
        scene.produce(records);
        let called = scene.queues.call_waiting("g", 0, records, scene.now);
        called.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(called(&mut scene, 2), ["a", "b"]);
    assert_eq!(scene.fetch("b", 9, true), [range(0, 0)]);
    assert_eq!(scene.queues.call_waiting("g", 7, 1, scene.now), []);
    // Nobody came for the second record in time.
    scene.pass(100);
    assert_eq!(scene.called, 1);
    assert_eq!(scene.fetch("c", 9, true), [range(1, 1)]);
    scene.wait("a");
    assert_eq!(called(&mut scene, 5), ["a"]);
    assert_eq!(scene.queues.call_waiting("x", 0, 1, scene.now), []);
}

#[test]
fn who_waits_for_another_topic_holds_nobody_up() {
    let mut scene = Scene::new(0);
    scene.create("u", 2, 1);
    scene.heartbeat("u", 0, Some(&["u"])).unwrap();
    scene.join("a");
    let request = AcquireRequest {
        group: "g",
        member: "u",
        partitions: &[(1, Bounds { log_start: 0, end: 0 })],
        records_max: 9,
        wait: true,
    };
    assert_eq!(scene.call(|queues, now, out| queues.acquire(&request, now, out)).unwrap(), []);
    scene.wait("a");
    scene.produce(1);
    assert_eq!(scene.fetch("a", 9, true), [range(0, 0)]);
}

#[test]
fn who_stops_waiting_or_closes_its_session_holds_nobody_up() {
    let mut scene = Scene::new(0);
    ["a", "b", "c"].iter().for_each(|member| scene.join(member));
    ["a", "b", "c"].iter().for_each(|member| scene.wait(member));
    scene.call(|queues, now, out| queues.stop_waiting("g", "a", now, out));
    scene.close("b", SessionEnd::Closed);
    scene.produce(1);
    assert_eq!(scene.called, 2);
    assert_eq!(scene.fetch("c", 9, true), [range(0, 0)]);
}

#[test]
fn partitions_take_turns() {
    let mut scene = Scene::new(100);
    scene.grow("t", 3);
    scene.produce_to(1, 100);
    scene.produce_to(2, 100);
    scene.join("a");
    let mut partitions = Vec::new();
    for _ in 0..6 {
        let acquired = scene.acquire("a", 10, false);
        partitions.push(acquired[0].partition);
        scene.confirm_all("a", &acquired);
    }
    assert_eq!(partitions, [1, 2, 0, 1, 2, 0]);
}

#[test]
fn what_was_handed_out_before_goes_before_what_is_new() {
    let mut scene = Scene::new(10);
    scene.join("a");
    scene.get("a", 3);
    scene.ack("a", 1, 1, Release);
    scene.pass(BACKOFF);
    assert_eq!(scene.get("a", 2), [(1, 1, 2), (3, 3, 1)]);
}

#[test]
fn a_partition_has_no_more_locks_than_it_may() {
    let mut scene = Scene::new(10);
    scene.configure(|config| config.record_locks_max = 4);
    scene.join("a");
    assert_eq!(scene.get("a", 100), [range(0, 3)]);
    scene.join("b");
    scene.wait("b");
    scene.ack("a", 1, 1, Accept);
    assert_eq!(scene.called, 1);
    assert_eq!(scene.fetch("b", 100, true), [range(4, 4)]);
}

#[test]
fn with_too_many_ranges_only_redeliveries_go_on() {
    let mut scene = Scene::new(1000);
    scene.configure(|config| config.ranges_max = 10);
    scene.join("a");
    scene.get("a", 20);
    let kinds: Vec<_> = (0..20).map(|n| if n % 2 == 0 { Release } else { Accept }).collect();
    scene.try_ack("a", &[AckBatch { first: 0, last: 19, kinds: &kinds }]).unwrap();
    assert_eq!(scene.get("a", 1000), []);
    scene.pass(BACKOFF);
    let got = scene.get("a", 1000);
    assert_eq!((got.len(), got[9]), (10, (18, 18, 2)));
    for (first, last, _) in got {
        scene.ack("a", first, last, Accept);
    }
    assert_eq!(scene.get("a", 1000), [range(20, 999)]);
}

#[test]
fn a_group_is_deleted_when_nobody_is_in_it() {
    let mut scene = Scene::new(1);
    let delete = |scene: &mut Scene| scene.call(|queues, _, out| queues.delete("g", out));
    assert_eq!(delete(&mut scene), GroupDeletion::NotFound);
    scene.join("a");
    assert_eq!(delete(&mut scene), GroupDeletion::NotEmpty);
    scene.leave("a");
    assert_eq!(scene.queues.describe("g").state, GroupState::Empty);
    assert_eq!(delete(&mut scene), GroupDeletion::Deleted);
    assert_eq!((scene.queues.list().count(), scene.log.queues.len()), (0, 0));
    assert_eq!(scene.queues.offsets("g"), None);
}

#[test]
fn offsets_are_set_and_forgotten_while_nobody_is_in_the_group() {
    let mut scene = Scene::new(10);
    scene.join("a");
    scene.get("a", 5);
    let reset = |scene: &mut Scene, offset| {
        scene.call(|queues, now, out| queues.reset_offsets("g", &[(0, offset)], now, out))
    };
    let forget = |scene: &mut Scene| {
        scene.call(|queues, now, out| queues.forget_offsets("g", &[0], now, out))
    };
    assert_eq!(reset(&mut scene, 7).unwrap_err().kind(), ErrorKind::NonEmptyGroup);
    assert_eq!(forget(&mut scene).unwrap_err().kind(), ErrorKind::NonEmptyGroup);
    scene.leave("a");
    reset(&mut scene, 7).unwrap();
    scene.join("a");
    assert_eq!(scene.get("a", 100), [range(7, 9)]);
    scene.leave("a");
    forget(&mut scene).unwrap();
    assert_eq!(scene.queues.offsets("g").unwrap(), []);
    scene.join("a");
    assert_eq!(scene.get("a", 100), [range(0, 9)]);
}

#[test]
fn a_deleted_topic_takes_its_partitions_along() {
    let mut scene = Scene::new(10);
    scene.join("a");
    scene.get("a", 5);
    let topic = scene.log.catalog.topic("t").unwrap().clone();
    let event = scene.log.catalog.plan_delete("t").unwrap();
    scene.log.apply(&event);
    scene.queues.topic_deleted(&topic);
    scene.bounds.clear();
    scene.pass(LOCK);
    assert_eq!(scene.refused("a", 0, 0, &[Accept]), ErrorKind::InvalidRecordState);
    assert_eq!(scene.queues.offsets("g").unwrap(), []);
    scene.create("t", 2, 1);
    scene.produce_to(1, 1);
    let assignment = scene.beat("a").assignment.unwrap();
    assert_eq!(assignment, [AssignedTopic { topic: [2; 16], partitions: 1 }]);
    assert_eq!(scene.acquire("a", 9, false).len(), 1);
}

#[test]
fn a_group_that_has_read_nothing_leaves_nothing_behind() {
    let mut scene = Scene::new(0);
    scene.heartbeat("a", 0, Some(&["missing"])).unwrap();
    assert_eq!(scene.queues.list().count(), 1);
    scene.pass(SESSION);
    assert_eq!((scene.queues.list().count(), scene.queues.next_deadline()), (0, None));
}
