//! Queue groups in the engine: what members are handed, and what becomes of it over restarts.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use minka::batch::builder::BatchBuilder;
use minka::batch::compression::Codec;
use minka::batch::records::Header;
use minka::clock::{Clock, Millis};
use minka::engine::{Acks, Broker, Config, Partition, QueueFetch, Wake};
use minka::log::Piece;
use minka::state::groups::{GroupDeletion, GroupKind, GroupState};
use minka::state::queues::{AckBatch, AckKind, HeartbeatRequest, QueueOffsets, SessionEnd};
use minka::state::setting::ConfigChange;
use minka::state::topic_config::TopicConfig;
use minka::sys::event_log::EventLog;
use minka::{Error, ErrorKind};
use support::log;
use support::sim_disk::SimDisk;

use AckKind::{Accept, Reject, Release, Renew};

/// Nothing takes that long; a test that waits longer fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(30);
const SESSION_MS: i64 = 45_000;
const START: Millis = 1_800_000_000_000;

/// A clock that only a test moves.
#[derive(Debug, Default)]
struct TestClock {
    passed: AtomicI64,
}

impl Clock for TestClock {
    fn wall(&self) -> Millis {
        START + self.steady()
    }

    fn steady(&self) -> Millis {
        self.passed.load(Ordering::SeqCst)
    }
}

/// Counts how often it is woken.
#[derive(Debug, Default)]
struct Calls {
    count: Mutex<usize>,
    changed: Condvar,
}

impl Wake for Calls {
    fn wake(&self, _: usize) {
        *self.count.lock().unwrap() += 1;
        self.changed.notify_all();
    }
}

impl Calls {
    fn so_far(&self) -> usize {
        *self.count.lock().unwrap()
    }

    /// Waits for a call behind the first `seen`.
    fn wait(&self, seen: usize) {
        let count = self.count.lock().unwrap();
        let waited = self.changed.wait_timeout_while(count, PATIENCE, |count| *count <= seen);
        assert!(!waited.unwrap().1.timed_out(), "nobody was woken");
    }
}

/// First offset, last offset, delivery count.
type Got = (u64, u64, u16);

/// A broker on a simulated disk, with topic `t`, and group `g` which reads from its beginning.
struct Scene {
    disk: Arc<SimDisk>,
    clock: Arc<TestClock>,
    broker: Arc<Broker>,
    config: Config,
}

/// What a fetch brought: the acquired ranges of each partition, and the records in them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fetched {
    ranges: BTreeMap<u32, Vec<Got>>,
    values: Vec<String>,
}

fn open(disk: &Arc<SimDisk>, clock: &Arc<TestClock>, config: &Config) -> Arc<Broker> {
    let events = Arc::new(EventLog::none());
    Arc::new(Broker::open_on(disk.clone(), clock.clone(), config.clone(), events).unwrap())
}

impl Scene {
    fn new() -> Self {
        Self::with(1)
    }

    fn with(partitions: u32) -> Self {
        Self::with_config(partitions, Config::default())
    }

    fn with_config(partitions: u32, config: Config) -> Self {
        let (disk, clock) = (Arc::new(SimDisk::new()), Arc::new(TestClock::default()));
        let broker = open(&disk, &clock, &config);
        log::create(&broker, "t", partitions).unwrap();
        let scene = Self { disk, clock, broker, config };
        scene.set("g", "share.auto.offset.reset", "earliest");
        scene
    }

    fn set(&self, group: &str, name: &str, value: &str) {
        self.broker.configure_group(group, &[ConfigChange::Set(name, value)], false).unwrap();
    }

    fn pass(&self, millis: i64) {
        self.clock.passed.fetch_add(millis, Ordering::SeqCst);
    }

    /// Lets time pass, so that the timer's thread notices.
    fn pass_for_timers(&self, millis: i64) {
        // Its thread sleeps by the machine's clock: it has to have a reason to look soon.
        self.set("timer", "share.heartbeat.interval.ms", "1");
        self.set("timer", "share.session.timeout.ms", "2");
        self.beat("timer", "one", 0, &["none"]).unwrap();
        self.pass(millis);
        self.until("the timer", || {
            self.pass(1);
            self.broker.describe_queue("timer").members.is_empty()
        });
    }

    /// Closes the broker, or lets it die with what was not synced, and opens it again.
    fn restart(&mut self, crash: bool) {
        if crash {
            self.disk.stop();
            self.disk = Arc::new(self.disk.after_power_cut(7));
        } else {
            self.broker.close().unwrap();
            self.disk = Arc::new(self.disk.next_process());
        }
        self.broker = open(&self.disk, &self.clock, &self.config);
    }

    fn partition(&self, topic: &str, index: i32) -> Arc<Partition> {
        self.broker.topic(topic).unwrap().partition(index).unwrap().clone()
    }

    fn number(&self) -> u32 {
        self.partition("t", 0).number()
    }

    /// Appends a batch of records `from..to` to partition 0 of `t`.
    fn produce(&self, from: u64, to: u64) {
        self.produce_to(0, from, to);
    }

    fn produce_to(&self, index: i32, from: u64, to: u64) {
        let values: Vec<String> = (from..to).map(|n| format!("v{n}")).collect();
        self.append("t", index, log::batch_at(self.clock.wall(), &values));
    }

    fn append(&self, topic: &str, index: i32, batch: Bytes) {
        let live = self.broker.topic(topic).unwrap();
        log::produce(&self.broker, &live, index, batch, Acks::Synced).unwrap();
    }

    fn beat(&self, group: &str, member: &str, epoch: i32, topics: &[&str]) -> minka::Result<i32> {
        let topics = topics.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let request = HeartbeatRequest {
            group: group.to_owned(),
            member_id: member.to_owned(),
            member_epoch: epoch,
            topics: (!topics.is_empty()).then_some(topics),
            client_id: "test".to_owned(),
            client_host: "/here".to_owned(),
            rack_id: None,
        };
        self.broker.heartbeat_queue(&request).map(|answer| answer.member_epoch)
    }

    fn join(&self, member: &str) {
        assert!(self.beat("g", member, 0, &["t"]).unwrap() > 0);
    }

    fn leave(&self, member: &str) {
        assert_eq!(self.beat("g", member, -1, &[]).unwrap(), -1);
    }

    fn partitions(&self) -> Vec<Arc<Partition>> {
        self.broker.topic("t").map(|topic| topic.partitions.clone()).unwrap_or_default()
    }

    fn try_fetch(&self, group: &str, member: &str, most: usize) -> minka::Result<Fetched> {
        self.fetch_as(group, member, most, (1 << 20, false), None)
    }

    fn fetch(&self, member: &str, most: usize) -> Fetched {
        self.try_fetch("g", member, most).unwrap()
    }

    /// All ranges that a member gets of the first partition when it asks again and again.
    fn take(&self, member: &str, most: usize) -> Vec<Got> {
        let mut all: Vec<Got> = Vec::new();
        let mut left = most;
        while let Some(ranges) = self.fetch(member, left).ranges.remove(&self.number()) {
            for (first, last, count) in ranges {
                left -= (last - first + 1) as usize;
                match all.last_mut() {
                    Some(before) if before.1 + 1 == first && before.2 == count => before.1 = last,
                    _ => all.push((first, last, count)),
                }
            }
            if left == 0 {
                break;
            }
        }
        all.sort_unstable();
        all
    }

    /// Asks for records; a member that gets none waits for `calls`.
    fn wait_for(&self, member: &str, most: usize, calls: &Arc<Calls>) -> Vec<Got> {
        let wake: Arc<dyn Wake> = calls.clone();
        let got = self.fetch_as("g", member, most, (1 << 20, false), Some((&wake, 0)));
        got.unwrap().ranges.into_values().flatten().collect()
    }

    fn fetch_as(
        &self,
        group: &str,
        member: &str,
        records_max: usize,
        (bytes_max, whole_batches): (usize, bool),
        wait: Option<(&Arc<dyn Wake>, usize)>,
    ) -> minka::Result<Fetched> {
        let partitions = self.partitions();
        let partitions = &partitions[..];
        let fetch = QueueFetch { group, member, partitions, records_max, bytes_max, whole_batches };
        let mut pieces = Vec::new();
        let mut fetched = Fetched::default();
        for found in self.broker.fetch_queue(&fetch, wait, &mut pieces)? {
            if let Some(error) = found.error {
                return Err(error);
            }
            let number = partitions[found.partition].number();
            let held = contents(&pieces[found.pieces]);
            for range in &found.acquired {
                assert_eq!(range.partition, number);
                let got = (range.first, range.last, range.delivery_count);
                fetched.ranges.entry(number).or_default().push(got);
                for offset in range.first..=range.last {
                    fetched.values.push(held.get(&offset).expect("it is in the answer").clone());
                }
            }
        }
        Ok(fetched)
    }

    /// Acknowledges records of the first partition; when this returns, that is on the disk.
    fn ack(&self, member: &str, batches: &[(u64, u64, &[AckKind])]) -> minka::Result<()> {
        self.ack_in("g", member, self.number(), batches)
    }

    fn ack_in(
        &self,
        group: &str,
        member: &str,
        number: u32,
        batches: &[(u64, u64, &[AckKind])],
    ) -> minka::Result<()> {
        let batches = batches.iter().map(|&(first, last, kinds)| AckBatch { first, last, kinds });
        let asked = [(number, batches.collect())];
        let (mut results, ticket) = self.broker.acknowledge_queue(group, member, &asked, None);
        self.broker.wait(&ticket).into_iter().try_for_each(|result| result.map(drop))?;
        results.remove(0)
    }

    fn offsets(&self) -> QueueOffsets {
        self.broker.queue_offsets("g").unwrap()[0]
    }

    /// Takes all there is and accepts it; says what it was.
    fn drain(&self, member: &str) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let fetched = self.fetch(member, 100);
            if fetched.values.is_empty() {
                return all;
            }
            all.extend(fetched.values);
            for (number, ranges) in fetched.ranges {
                for (first, last, _) in ranges {
                    self.ack_in("g", member, number, &[(first, last, &[Accept])]).unwrap();
                }
            }
        }
    }

    /// Waits for a topic to have so many records and returns them with their headers.
    fn letters(&self, topic: &str, count: usize) -> Vec<Letter> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.broker.topic(topic).map(|live| all_letters(&self.broker, &live));
            if let Some(found) = found.filter(|found| found.len() >= count) {
                assert_eq!(found.len(), count, "{found:?}");
                return found;
            }
            assert!(Instant::now() < deadline, "{count} dead letters do not come");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until something is so that a thread of the broker sees to.
    fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < deadline, "this does not come: {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The values in these pieces, by offset.
fn contents(pieces: &[Piece]) -> BTreeMap<u64, String> {
    let text = |(offset, value)| (offset, String::from_utf8(value).unwrap());
    log::contents(pieces).unwrap().into_iter().map(text).collect()
}

/// A record of a dead-letter topic.
#[derive(Debug)]
struct Letter {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, String)>,
}

impl Letter {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        &found.unwrap_or_else(|| panic!("{name} is not in {self:?}")).1
    }
}

fn all_letters(broker: &Broker, live: &minka::engine::LiveTopic) -> Vec<Letter> {
    let mut letters = Vec::new();
    for partition in &live.partitions {
        let mut offset = partition.log_start();
        while offset < partition.high_watermark() {
            let mut pieces = Vec::new();
            broker.read(partition, offset, 1 << 24, true, &mut pieces).unwrap();
            log::each_record(&pieces, |at, record| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let headers = record.headers;
                let headers = headers
                    .map(|header| (text(header.key), text(header.value.unwrap_or_default())));
                letters.push(Letter {
                    key: record.key.map(<[u8]>::to_vec),
                    value: record.value.map(<[u8]>::to_vec),
                    headers: headers.collect(),
                });
                offset = at + 1;
            })
            .unwrap();
        }
    }
    letters
}

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn values(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|n| format!("v{n}")).collect()
}

#[test]
fn each_record_goes_to_one_member_and_is_acknowledged_by_itself() {
    let scene = Scene::new();
    scene.join("a");
    scene.join("b");
    scene.produce(0, 10);
    assert_eq!(kind(scene.try_fetch("g", "nobody", 5)), ErrorKind::UnknownMember);
    assert_eq!(kind(scene.try_fetch("none", "a", 5)), ErrorKind::UnknownMember);
    let first = scene.fetch("a", 4);
    assert_eq!(first.values, values(0..4));
    assert_eq!(first.ranges[&scene.number()], [(0, 3, 1)]);
    let second = scene.fetch("b", 4);
    assert_eq!(second.values, values(4..8));
    assert_eq!(scene.fetch("a", 4).values, values(8..10));
    assert_eq!(scene.fetch("b", 4), Fetched::default());

    scene.ack("a", &[(0, 1, &[Accept]), (3, 3, &[Reject])]).unwrap();
    scene.ack("a", &[(2, 2, &[Release]), (8, 9, &[Renew, Accept])]).unwrap();
    scene.ack("b", &[(4, 7, &[Accept, Accept, Release, Accept])]).unwrap();
    assert_eq!(scene.take("b", 9), [], "what was released rests first");
    scene.pass(100);
    assert_eq!(scene.take("b", 9), [(2, 2, 2), (6, 6, 2)]);
    let offsets = scene.offsets();
    assert_eq!((offsets.start, offsets.next, offsets.in_flight), (2, 10, 3));

    let again = scene.ack("a", &[(0, 0, &[Accept])]);
    assert_eq!(kind(again), ErrorKind::InvalidRecordState);
    let of_another = scene.ack("a", &[(2, 2, &[Accept])]);
    assert_eq!(kind(of_another), ErrorKind::InvalidRecordState);
    let order = scene.ack("b", &[(6, 6, &[Accept]), (2, 2, &[Accept])]);
    assert_eq!(kind(order), ErrorKind::InvalidRequest);
    assert_eq!(kind(scene.ack("x", &[(2, 2, &[Accept])])), ErrorKind::UnknownMember);
    scene.ack("b", &[(2, 2, &[Accept]), (6, 6, &[Accept])]).unwrap();
    scene.ack("a", &[(8, 8, &[Accept])]).unwrap();
    let offsets = scene.offsets();
    assert_eq!((offsets.start, offsets.settled, offsets.lag(10)), (10, 0, 0));
}

#[test]
fn a_group_begins_where_its_settings_say() {
    let scene = Scene::new();
    scene.produce(0, 3);
    scene.pass(3_600_000);
    scene.produce(3, 6);
    scene.set("hour", "share.auto.offset.reset", "by_duration:PT10M");
    scene.set("old", "share.auto.offset.reset", "by_duration:P1D");
    let joined = |group| scene.beat(group, "a", 0, &["t"]).unwrap();
    for group in ["latest", "hour", "old", "g"] {
        joined(group);
    }
    scene.produce(6, 8);
    let all = |group| scene.try_fetch(group, "a", 100).unwrap().values;
    assert_eq!(all("latest"), values(6..8));
    assert_eq!(all("hour"), values(3..8));
    assert_eq!(all("old"), values(0..8));
    assert_eq!(all("g"), values(0..8));

    // A topic that the group has waited for, and partitions that come, are read from their start.
    scene.beat("latest", "b", 0, &["later"]).unwrap();
    let live = log::create(&scene.broker, "later", 1).unwrap();
    log::produce(&scene.broker, &live, 0, log::batch(&["x"]), Acks::Synced).unwrap();
    let epoch = scene.beat("latest", "b", 2, &[]).unwrap();
    assert_eq!(epoch, 3, "there is a topic to fetch from");
    let number = live.partitions[0].number();
    let offsets = scene.broker.queue_offsets("latest").unwrap();
    let begun = offsets.iter().find(|offsets| offsets.partition == number).unwrap();
    assert_eq!(begun.start, 0);
}

#[test]
fn what_is_held_for_too_long_is_for_others() {
    let scene = Scene::new();
    scene.set("g", "share.record.lock.duration.ms", "10000");
    scene.join("a");
    scene.join("b");
    scene.produce(0, 3);
    assert_eq!(scene.take("a", 3), [(0, 2, 1)]);
    scene.pass(9_000);
    scene.ack("a", &[(1, 1, &[Renew])]).unwrap();
    scene.pass(1_000);
    assert_eq!(kind(scene.ack("a", &[(0, 0, &[Accept])])), ErrorKind::InvalidRecordState);
    assert_eq!(scene.take("b", 3), [], "it rests before its next delivery");
    scene.pass(100);
    assert_eq!(scene.take("b", 3), [(0, 0, 2), (2, 2, 2)]);
    scene.ack("a", &[(1, 1, &[Accept])]).unwrap();
    scene.ack("b", &[(0, 0, &[Accept]), (2, 2, &[Accept])]).unwrap();
    assert_eq!(scene.offsets().start, 3);
}

#[test]
fn a_silent_member_and_one_that_leaves_lose_their_records() {
    let scene = Scene::new();
    scene.set("g", "share.record.lock.duration.ms", "3600000");
    scene.join("a");
    scene.produce(0, 4);
    assert_eq!(scene.take("a", 2), [(0, 1, 1)]);
    scene.pass(SESSION_MS - 100);
    scene.join("b");
    assert_eq!(scene.take("b", 2), [(2, 3, 1)]);
    scene.pass_for_timers(100);
    assert_eq!(scene.broker.describe_queue("g").members.len(), 1);
    assert_eq!(scene.take("b", 9), [], "they rest");
    scene.pass(100);
    assert_eq!(scene.take("b", 9), [(0, 1, 2)]);
    scene.leave("b");
    assert_eq!(scene.broker.describe_queue("g").state, GroupState::Empty);
    scene.join("c");
    assert_eq!(scene.take("c", 9), [(0, 1, 3), (2, 3, 2)], "at once");
}

#[test]
fn a_connection_that_ends_frees_what_its_member_holds() {
    let scene = Scene::new();
    scene.join("a");
    scene.join("b");
    scene.produce(0, 4);
    let broker = &scene.broker;
    assert_eq!(kind(broker.open_queue_session("g", "x")), ErrorKind::UnknownMember);
    let old = broker.open_queue_session("g", "a").unwrap();
    let session = broker.open_queue_session("g", "a").unwrap();
    assert_eq!(scene.take("a", 2), [(0, 1, 1)]);
    broker.close_queue_session("g", "a", old, SessionEnd::Lost);
    assert_eq!(scene.take("b", 9), [(2, 3, 1)], "the old connection does not matter");
    broker.close_queue_session("g", "a", session, SessionEnd::Closed);
    assert_eq!(scene.take("b", 9), [(0, 1, 2)]);
    let session = broker.open_queue_session("g", "b").unwrap();
    broker.close_queue_session("g", "b", session, SessionEnd::Lost);
    assert_eq!(scene.take("a", 9), [], "what may be the reason rests");
    scene.pass(200);
    assert_eq!(scene.take("a", 9), [(0, 1, 3), (2, 3, 2)]);
}

#[test]
fn a_record_that_fails_rests_longer_each_time_and_is_given_up_at_the_limit() {
    let scene = Scene::new();
    scene.set("g", "minka.retry.backoff.ms", "1000");
    scene.set("g", "minka.retry.backoff.max.ms", "3000");
    scene.join("a");
    scene.produce(0, 2);
    for (count, rest) in [(1, 1000), (2, 2000), (3, 3000), (4, 3000)] {
        assert_eq!(scene.take("a", 1), [(0, 0, count)]);
        scene.ack("a", &[(0, 0, &[Release])]).unwrap();
        scene.pass(rest - 1);
        let other = scene.take("a", 1);
        assert_eq!(other, if count == 1 { vec![(1, 1, 1)] } else { Vec::new() });
        if count == 1 {
            scene.ack("a", &[(1, 1, &[Accept])]).unwrap();
        }
        scene.pass(1);
    }
    assert_eq!(scene.take("a", 1), [(0, 0, 5)]);
    scene.ack("a", &[(0, 0, &[Release])]).unwrap();
    scene.pass(100_000);
    scene.beat("g", "a", 0, &["t"]).unwrap();
    assert_eq!(scene.take("a", 1), [], "five deliveries are the limit");
    assert_eq!(scene.offsets().start, 2);

    // A smaller limit counts for what was delivered before, too.
    scene.produce(2, 3);
    assert_eq!(scene.take("a", 1), [(2, 2, 1)]);
    scene.ack("a", &[(2, 2, &[Release])]).unwrap();
    scene.set("g", "share.delivery.count.limit", "1");
    scene.pass(100_000);
    scene.beat("g", "a", 0, &["t"]).unwrap();
    assert_eq!(scene.take("a", 1), []);
    assert_eq!(scene.offsets().start, 3);
}

#[test]
fn what_is_given_up_goes_to_the_dead_letter_topic_with_all_that_it_had() {
    let scene = Scene::with(2);
    scene.set("g", "minka.dead.letter.enable", "true");
    scene.set("g", "share.delivery.count.limit", "2");
    scene.join("a");
    let mut builder = BatchBuilder::new();
    let own = Header { key: b"color", value: Some(b"red") };
    builder.append(START + 5, Some(b"key"), Some(b"zero"), &[own, own]).unwrap();
    builder.append(START + 6, None, None, &[]).unwrap();
    builder.append(START + 7, Some(b"k2"), Some(b"two"), &[]).unwrap();
    for codec in [Codec::None, Codec::Zstd, Codec::Gzip, Codec::Snappy, Codec::Lz4] {
        let batch = Bytes::copy_from_slice(builder.finish(codec).unwrap());
        scene.append("t", 1, batch);
    }
    let number = scene.partition("t", 1).number();
    let partitions = scene.partitions();
    let take = |most: usize| {
        let fetch = QueueFetch {
            group: "g",
            member: "a",
            partitions: &partitions,
            records_max: most,
            bytes_max: 1 << 20,
            whole_batches: false,
        };
        let found = scene.broker.fetch_queue(&fetch, None, &mut Vec::new()).unwrap();
        found.iter().flat_map(|records| records.acquired.clone()).collect::<Vec<_>>()
    };
    assert_eq!(take(3).len(), 1);
    scene.ack_in("g", "a", number, &[(0, 2, &[Reject, Release, Accept])]).unwrap();
    let letters = scene.letters("t.dlq", 1);
    assert_eq!(letters[0].key.as_deref(), Some(&b"key"[..]));
    assert_eq!(letters[0].value.as_deref(), Some(&b"zero"[..]));
    let names: Vec<_> = letters[0].headers.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(
        names,
        [
            "color",
            "color",
            "__dlq.errors.topic",
            "__dlq.errors.partition",
            "__dlq.errors.offset",
            "__dlq.errors.group",
            "__dlq.errors.delivery.count",
            "__dlq.errors.message",
            "minka.dlq.id",
            "minka.dlq.timestamp"
        ]
    );
    for (name, value) in [
        ("color", "red"),
        ("__dlq.errors.topic", "t"),
        ("__dlq.errors.partition", "1"),
        ("__dlq.errors.offset", "0"),
        ("__dlq.errors.group", "g"),
        ("__dlq.errors.delivery.count", "1"),
        ("__dlq.errors.message", "a member rejected it"),
        ("minka.dlq.timestamp", "1800000000005"),
    ] {
        assert_eq!(letters[0].header(name), value, "{name}");
    }
    assert!(letters[0].header("minka.dlq.id").parse::<u64>().unwrap() > 0);

    scene.pass(1000);
    let second = take(1);
    assert_eq!((second[0].first, second[0].delivery_count), (1, 2));
    scene.ack_in("g", "a", number, &[(1, 1, &[Release])]).unwrap();
    let letters = scene.letters("t.dlq", 2);
    assert_eq!((&letters[1].key, &letters[1].value), (&None, &None));
    assert_eq!(letters[1].header("__dlq.errors.offset"), "1");
    assert_eq!(letters[1].header("__dlq.errors.delivery.count"), "2");
    let says = "it was delivered 2 times and never accepted";
    assert_eq!(letters[1].header("__dlq.errors.message"), says);

    // The same records from batches of every codec.
    assert_eq!(take(100).iter().map(|range| range.last - range.first + 1).sum::<u64>(), 12);
    scene.ack_in("g", "a", number, &[(3, 14, &[Reject])]).unwrap();
    let letters = scene.letters("t.dlq", 14);
    let zeros = letters.iter().filter(|letter| letter.value.as_deref() == Some(b"zero"));
    assert_eq!(zeros.count(), 5);
    let live = scene.broker.topic("t.dlq").unwrap();
    assert_eq!(live.partitions[0].high_watermark(), 0, "each partition has its own");
    scene.until("the group being told", || scene.broker.queue_offsets("g").unwrap()[1].start == 15);
}

#[test]
fn dead_letters_go_where_kafkas_setting_says() {
    let scene = Scene::new();
    scene.set("g", "errors.deadletterqueue.topic.name", "grave");
    scene.join("a");
    scene.produce(0, 2);
    assert_eq!(scene.take("a", 2), [(0, 1, 1)]);
    scene.ack("a", &[(0, 0, &[Reject])]).unwrap();
    let letter = scene.letters("grave", 1).remove(0);
    assert_eq!((letter.key.as_ref(), letter.value.as_ref()), (None, None), "only what it was");
    assert_eq!(letter.header("__dlq.errors.offset"), "0");
    scene.set("g", "errors.deadletterqueue.copy.record.enable", "true");
    scene.ack("a", &[(1, 1, &[Reject])]).unwrap();
    let letters = scene.letters("grave", 2);
    assert_eq!(letters[1].value.as_deref(), Some(&b"v1"[..]));
    assert!(scene.broker.topic("t.dlq").is_none());
}

#[test]
fn dead_letters_fit_into_their_topic() {
    let scene = Scene::new();
    scene.set("g", "minka.dead.letter.enable", "true");
    let small = TopicConfig::parse([("max.message.bytes", "2000")]).unwrap();
    log::create_with(&scene.broker, "small", 1, small).unwrap();
    scene.beat("g", "a", 0, &["t", "small"]).unwrap();
    // A large record behind small ones, and more than a batch of letters.
    let sizes = [100_000, 100_000, 900_000, 10, 400_000, 400_000];
    for size in sizes {
        scene.append("t", 0, log::batch(&["x".repeat(size)]));
    }
    assert_eq!(scene.take("a", 6).len(), 1);
    scene.ack("a", &[(0, 5, &[Reject])]).unwrap();
    let letters = scene.letters("t.dlq", 6);
    let found: Vec<_> = letters.iter().map(|one| one.value.as_ref().unwrap().len()).collect();
    assert_eq!(found, sizes);
    // What only fits compressed.
    let mut builder = BatchBuilder::new();
    builder.append(START, None, Some(&vec![b'z'; 3 << 20]), &[]).unwrap();
    let packed = Bytes::copy_from_slice(builder.finish(Codec::Zstd).unwrap());
    scene.append("t", 0, packed);
    assert_eq!(scene.take("a", 6), [(6, 6, 1)]);
    scene.ack("a", &[(6, 6, &[Reject])]).unwrap();
    assert_eq!(scene.letters("t.dlq", 7)[6].value.as_ref().unwrap().len(), 3 << 20);
    // Many letters from a topic with a small limit.
    let live = scene.broker.topic("small").unwrap();
    for _ in 0..40 {
        scene.append("small", 0, log::batch(&["y"; 20]));
    }
    let fetch = QueueFetch {
        group: "g",
        member: "a",
        partitions: &live.partitions,
        records_max: 800,
        bytes_max: 1 << 20,
        whole_batches: false,
    };
    let found = scene.broker.fetch_queue(&fetch, None, &mut Vec::new()).unwrap();
    assert_eq!((found[0].acquired[0].first, found[0].acquired[0].last), (0, 799));
    let number = live.partitions[0].number();
    scene.ack_in("g", "a", number, &[(0, 799, &[Reject])]).unwrap();
    scene.letters("small.dlq", 800);
}

#[test]
fn dead_letters_that_a_crash_interrupts_come_after_it() {
    let mut scene = Scene::new();
    scene.set("g", "minka.dead.letter.enable", "true");
    scene.join("a");
    scene.produce(0, 3);
    assert_eq!(scene.take("a", 3), [(0, 2, 1)]);
    scene.ack("a", &[(0, 2, &[Reject])]).unwrap();
    scene.restart(true);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = scene.broker.topic("t.dlq").map(|live| all_letters(&scene.broker, &live));
        let found = found.unwrap_or_default();
        let offsets = found.iter().map(|letter| letter.header("__dlq.errors.offset").to_owned());
        let offsets: std::collections::BTreeSet<_> = offsets.collect();
        if offsets.len() == 3 {
            break;
        }
        assert!(Instant::now() < deadline, "{found:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
    scene.until("the group being told", || scene.offsets().start == 3);
    scene.join("a");
    assert_eq!(scene.take("a", 3), []);
}

#[test]
fn an_answer_has_whole_batches_and_ends_where_there_is_no_room() {
    let scene = Scene::new();
    scene.join("a");
    scene.produce(0, 10);
    scene.produce(10, 20);
    let most = |records, bytes, whole| {
        let fetched = scene.fetch_as("g", "a", records, (bytes, whole), None).unwrap();
        fetched.ranges.into_values().flatten().collect::<Vec<_>>()
    };
    assert_eq!(most(3, 1 << 20, false), [(0, 2, 1)]);
    assert_eq!(most(3, 1 << 20, true), [(3, 9, 1)], "to the end of the batch");
    assert_eq!(most(100, 1, true), [(10, 19, 1)], "the first batch comes whatever its size");
    scene.produce(20, 30);
    scene.produce(30, 40);
    assert_eq!(most(100, 300, false), [(20, 29, 1)], "the second has no room");
    assert_eq!(most(100, 300, false), [(30, 39, 1)], "and is not lost");
    // One batch that is larger than what the member takes at once.
    let large: Vec<String> = (0..5).map(|n| format!("{n}").repeat(100_000)).collect();
    scene.append("t", 0, log::batch_at(START, &large));
    assert_eq!(most(2, 0, false), [(40, 41, 1)]);
    assert_eq!(most(1, 1000, false), [(42, 42, 1)]);
    assert_eq!(most(1, 1000, true), [(43, 44, 1)]);

    // The caller's pieces may hold something already.
    scene.append("t", 0, log::batch_at(START, &large));
    let partitions = scene.partitions();
    let fetch = QueueFetch {
        group: "g",
        member: "a",
        partitions: &partitions,
        records_max: 5,
        bytes_max: 10,
        whole_batches: false,
    };
    let mut pieces = vec![Piece::Bytes(log::batch(&["other"]))];
    let found = scene.broker.fetch_queue(&fetch, None, &mut pieces).unwrap();
    assert_eq!((found[0].pieces.clone(), found[0].acquired[0].last), (1..2, 49));
}

#[test]
fn compressed_batches_are_handed_out_as_they_are() {
    let scene = Scene::new();
    scene.join("a");
    let mut builder = BatchBuilder::new();
    for n in 0..6 {
        builder.append(START, None, Some(format!("v{n}").as_bytes()), &[]).unwrap();
    }
    let batch = Bytes::copy_from_slice(builder.finish(Codec::Zstd).unwrap());
    scene.append("t", 0, batch);
    assert_eq!(scene.fetch("a", 2).values, values(0..2));
    let rest = scene.fetch("a", 9);
    assert_eq!((rest.values, &rest.ranges[&scene.number()][..]), (values(2..6), &[(2, 5, 1)][..]));
}

#[test]
fn a_member_that_waits_is_woken_by_a_record() {
    let scene = Scene::with(3);
    let (a, b) = (Arc::new(Calls::default()), Arc::new(Calls::default()));
    scene.join("a");
    scene.join("b");
    assert_eq!(scene.wait_for("a", 10, &a), []);
    assert_eq!(scene.wait_for("b", 10, &b), []);
    let (seen_a, seen_b) = (a.so_far(), b.so_far());
    scene.produce_to(2, 0, 1);
    a.wait(seen_a);
    assert_eq!(b.so_far(), seen_b, "one record is for one member: the one that waits longest");
    assert_eq!(scene.wait_for("a", 10, &a), [(0, 0, 1)]);
    let seen_b = b.so_far();
    scene.produce_to(1, 0, 1);
    b.wait(seen_b);
    assert_eq!(scene.wait_for("b", 10, &b), [(0, 0, 1)]);

    // More of a partition, for those who wait again.
    assert_eq!(scene.wait_for("b", 10, &b), []);
    assert_eq!(scene.wait_for("a", 10, &a), []);
    let (seen_a, seen_b) = (a.so_far(), b.so_far());
    scene.produce_to(1, 1, 5);
    a.wait(seen_a);
    b.wait(seen_b);
    assert_eq!(scene.wait_for("a", 10, &a).len(), 1, "both have a share");
    assert_eq!(scene.wait_for("b", 10, &b).len(), 1);
    // What one gives back wakes the other.
    assert_eq!(scene.wait_for("b", 10, &b), []);
    let seen_b = b.so_far();
    scene.leave("a");
    b.wait(seen_b);
    assert_eq!(scene.wait_for("b", 10, &b).len(), 2);
    scene.broker.stop_waiting_for_queue("g", "b");
}

#[test]
fn a_member_that_waits_sees_records_that_have_rested_and_topics_that_go() {
    let scene = Scene::with(2);
    scene.set("g", "minka.retry.backoff.ms", "1");
    let calls = Arc::new(Calls::default());
    scene.join("a");
    scene.produce(0, 1);
    assert_eq!(scene.wait_for("a", 10, &calls), [(0, 0, 1)]);
    scene.ack("a", &[(0, 0, &[Release])]).unwrap();
    assert_eq!(scene.wait_for("a", 10, &calls), []);
    let seen = calls.so_far();
    // The timer's thread sleeps by the machine's clock and looks at the test's.
    scene.pass(1000);
    calls.wait(seen);
    assert_eq!(scene.wait_for("a", 10, &calls), [(0, 0, 2)]);
    assert_eq!(scene.wait_for("a", 10, &calls), []);
    let seen = calls.so_far();
    scene.broker.delete_topic("t").unwrap();
    calls.wait(seen);
    assert_eq!(scene.broker.queue_offsets("g"), Some(Vec::new()));
}

#[test]
fn a_deleted_partition_does_not_keep_a_member_from_waiting_for_others() {
    let scene = Scene::new();
    log::create(&scene.broker, "gone", 1).unwrap();
    scene.beat("g", "a", 0, &["t", "gone"]).unwrap();
    let partitions = [scene.partition("gone", 0), scene.partition("t", 0)];
    scene.broker.delete_topic("gone").unwrap();
    let calls = Arc::new(Calls::default());
    let wake: Arc<dyn Wake> = calls.clone();
    let fetch = QueueFetch {
        group: "g",
        member: "a",
        partitions: &partitions,
        records_max: 10,
        bytes_max: 1000,
        whole_batches: false,
    };
    let found = scene.broker.fetch_queue(&fetch, Some((&wake, 0)), &mut Vec::new()).unwrap();
    assert!(found.is_empty());
    let seen = calls.so_far();
    scene.produce(0, 1);
    calls.wait(seen);
    let found = scene.broker.fetch_queue(&fetch, Some((&wake, 0)), &mut Vec::new()).unwrap();
    assert_eq!((found[0].partition, found[0].acquired[0].last), (1, 0));
    assert_eq!(scene.broker.queue_offsets("g").unwrap().len(), 1);
}

#[test]
fn what_was_deleted_is_passed_over() {
    let scene = Scene::new();
    scene.join("a");
    for n in 0..5 {
        scene.produce(n * 10, n * 10 + 10);
    }
    assert_eq!(scene.take("a", 25), [(0, 24, 1)]);
    let partition = scene.partition("t", 0);
    scene.broker.delete_records(&[(partition, Some(35))]).remove(0).unwrap();
    // What is gone is done, whoever held it.
    scene.ack("a", &[(0, 24, &[Accept])]).unwrap();
    assert_eq!(scene.fetch("a", 3).values, values(35..38));
    assert_eq!(scene.offsets().start, 35);
    scene.ack("a", &[(20, 36, &[Accept])]).unwrap();
    assert_eq!(scene.offsets().start, 37);
    scene.broker.delete_records(&[(scene.partition("t", 0), None)]).remove(0).unwrap();
    assert_eq!(scene.take("a", 9), []);
    scene.produce(50, 52);
    assert_eq!(scene.fetch("a", 9).values, values(50..52));
}

#[test]
fn a_restart_keeps_what_was_accepted_and_how_often_the_rest_was_delivered() {
    for crash in [false, true] {
        let mut scene = Scene::new();
        scene.join("a");
        scene.produce(0, 10);
        assert_eq!(scene.take("a", 8), [(0, 7, 1)]);
        let kinds = [Accept, Release, Reject, Accept];
        scene.ack("a", &[(0, 3, &kinds), (5, 5, &[Accept])]).unwrap();
        scene.restart(crash);
        assert_eq!(kind(scene.try_fetch("g", "a", 9)), ErrorKind::UnknownMember);
        assert_eq!(scene.broker.describe_queue("g").state, GroupState::Empty);
        scene.join("a");
        // The deliveries were on the disk as well, with what was accepted behind them.
        let got = scene.take("a", 9);
        assert_eq!(got, [(1, 1, 2), (4, 4, 2), (6, 7, 2), (8, 9, 1)]);
        scene.ack("a", &[(4, 4, &[Accept]), (6, 9, &[Accept])]).unwrap();
        scene.restart(crash);
        let offsets = scene.offsets();
        assert_eq!((offsets.start, offsets.next, offsets.settled), (1, 10, 8));
        scene.join("b");
        assert_eq!(scene.take("b", 9), [(1, 1, 3)]);
        scene.restart(crash);
        let settings = scene.broker.group_settings("g");
        assert_eq!(settings.overrides().len(), 1, "settings survive, too");
    }
}

#[test]
fn state_survives_segments_and_snapshots() {
    let config = Config {
        segment_bytes: 64 << 10,
        retention_check_interval: Duration::from_millis(5),
        ..Config::default()
    };
    let mut scene = Scene::with_config(2, config);
    scene.set("g", "share.delivery.count.limit", "100");
    let mut accepted = std::collections::BTreeSet::new();
    for round in 0..5_u64 {
        scene.join("a");
        for n in 0..60 {
            let value = format!("{round}-{n}-{}", "x".repeat(2000));
            scene.append("t", n % 2, log::batch_at(START, &[value]));
        }
        for _ in 0..20 {
            let fetched = scene.fetch("a", 4);
            for (number, ranges) in fetched.ranges {
                for (first, last, _) in ranges {
                    for offset in first..=last {
                        assert!(!accepted.contains(&(number, offset)), "{number}@{offset} again");
                        let answer = if offset % 7 == 3 { Release } else { Accept };
                        scene.ack_in("g", "a", number, &[(offset, offset, &[answer])]).unwrap();
                        if answer == Accept {
                            accepted.insert((number, offset));
                        }
                    }
                }
            }
        }
        scene.restart(round % 2 == 0);
    }
    scene.join("a");
    let left = scene.drain("a").len();
    assert_eq!(left + accepted.len(), 300, "nothing is lost and nothing comes twice");
}

#[test]
fn idle_members_share_what_there_is() {
    let scene = Scene::with(4);
    let members = ["a", "b", "c", "d"];
    members.iter().for_each(|member| scene.join(member));
    let calls: Vec<_> = members.iter().map(|_| Arc::new(Calls::default())).collect();
    let mut had = [0_u64; 4];
    for round in 0..50 {
        for at in 0..4 {
            let at = (at + round as usize) % 4;
            assert_eq!(scene.wait_for(members[at], 500, &calls[at]), []);
        }
        let seen: Vec<_> = calls.iter().map(|calls| calls.so_far()).collect();
        scene.produce_to(round % 4, 0, 1 + (round as u64 % 7));
        let mut left = 1 + (round as u64 % 7);
        // Another thread may call them after the record is acknowledged.
        let called = || (0..4).filter(|at| calls[*at].so_far() > seen[*at]).count() as u64;
        scene.until("their call", || called() == left.min(4));
        for (at, member) in members.iter().enumerate() {
            if calls[at].so_far() == seen[at] {
                continue;
            }
            for (first, last, _) in scene.wait_for(member, 500, &calls[at]) {
                had[at] += last - first + 1;
                left -= last - first + 1;
                let number = scene.partition("t", round % 4).number();
                scene.ack_in("g", member, number, &[(first, last, &[Accept])]).unwrap();
            }
        }
        assert_eq!(left, 0, "round {round}");
    }
    let (least, most) = (had.iter().min().unwrap(), had.iter().max().unwrap());
    assert!(most - least <= 10, "{had:?}");
}

#[test]
fn topics_groups_and_kinds_come_and_go() {
    let scene = Scene::new();
    scene.join("a");
    scene.produce(0, 3);
    assert_eq!(scene.take("a", 2), [(0, 1, 1)]);
    assert_eq!(scene.broker.delete_group("g"), GroupDeletion::NotEmpty);
    let listed = scene.broker.groups();
    assert_eq!((listed.len(), listed[0].kind), (1, GroupKind::Share));
    scene.broker.delete_topic("t").unwrap();
    assert_eq!(
        kind(scene.ack_in("g", "a", 1, &[(0, 0, &[Accept])])),
        ErrorKind::InvalidRecordState
    );
    log::create(&scene.broker, "t", 1).unwrap();
    scene.join("a");
    scene.produce(0, 1);
    assert_eq!(scene.take("a", 2), [(0, 0, 1)], "a new topic, from its beginning");
    scene.leave("a");
    assert_eq!(scene.broker.delete_group("g"), GroupDeletion::Deleted);
    assert_eq!(scene.broker.delete_group("g"), GroupDeletion::NotFound);
    assert_eq!(scene.broker.queue_offsets("g"), None);
    scene.join("a");
    assert_eq!(scene.take("a", 2), [(0, 0, 1)], "the group begins anew, its settings stay");
    scene.leave("a");

    let entry = minka::state::event::CommitEntry {
        partition: scene.number(),
        offset: 1,
        leader_epoch: -1,
        metadata: None,
    };
    let commit = |group| {
        let member = minka::state::groups::MemberKey { member_id: "", instance_id: None };
        let entries = [entry.clone()];
        let request = minka::state::groups::CommitRequest {
            group,
            member,
            generation: -1,
            entries: &entries,
            retention_ms: None,
        };
        let (results, ticket) = scene.broker.commit_offsets(&request, None)?;
        scene.broker.wait(&ticket);
        results.into_iter().collect::<minka::Result<Vec<()>>>()
    };
    assert_eq!(kind(commit("g")), ErrorKind::GroupNotFound);
    commit("classic").unwrap();
    assert_eq!(kind(scene.beat("classic", "a", 0, &["t"])), ErrorKind::GroupNotFound);
    assert_eq!(kind(scene.broker.reset_queue("classic", &[])), ErrorKind::GroupNotFound);
    assert_eq!(scene.broker.describe_queue("classic").state, GroupState::Dead);
}

#[test]
fn an_empty_group_can_be_sent_elsewhere() {
    let mut scene = Scene::new();
    scene.join("a");
    scene.produce(0, 10);
    assert_eq!(scene.drain("a"), values(0..10));
    let reset = |scene: &Scene, offset| scene.broker.reset_queue("g", &[(scene.number(), offset)]);
    assert_eq!(kind(reset(&scene, 4)), ErrorKind::NonEmptyGroup);
    let number = scene.number();
    assert_eq!(kind(scene.broker.forget_queue_offsets("g", &[number])), ErrorKind::NonEmptyGroup);
    scene.leave("a");
    reset(&scene, 4).unwrap();
    scene.restart(false);
    scene.join("a");
    assert_eq!(scene.drain("a"), values(4..10));
    scene.leave("a");
    scene.broker.forget_queue_offsets("g", &[number]).unwrap();
    scene.restart(true);
    scene.join("a");
    assert_eq!(scene.drain("a"), values(0..10), "as a group that was never here");
}

#[test]
fn members_in_threads_get_everything_once() {
    const RECORDS: u64 = 4000;
    // The clock stands: nobody is helped by a timeout.
    let scene = Scene::with(3);
    let members = 4;
    let seen = Mutex::new(BTreeMap::<String, usize>::new());
    (0..members).for_each(|n| scene.join(&format!("m{n}")));
    std::thread::scope(|scope| {
        for n in 0..members {
            let (scene, seen) = (&scene, &seen);
            scope.spawn(move || {
                let member = format!("m{n}");
                let calls = Arc::new(Calls::default());
                let wake: Arc<dyn Wake> = calls.clone();
                let deadline = Instant::now() + PATIENCE;
                while seen.lock().unwrap().len() < RECORDS as usize {
                    assert!(Instant::now() < deadline, "{member}: not everything comes");
                    let before = calls.so_far();
                    let wait = Some((&wake, 0));
                    let got = scene.fetch_as("g", &member, 7, (1 << 20, false), wait).unwrap();
                    if got.values.is_empty() {
                        // A wake that is lost is seen by the whole test taking too long.
                        let count = calls.count.lock().unwrap();
                        let done = || seen.lock().unwrap().len() >= RECORDS as usize;
                        let tick = Duration::from_millis(500);
                        let mut count = count;
                        while *count <= before && !done() {
                            assert!(Instant::now() < deadline, "{member}: nobody woke it");
                            count = calls.changed.wait_timeout(count, tick).unwrap().0;
                        }
                        continue;
                    }
                    for (number, ranges) in &got.ranges {
                        for &(first, last, _) in ranges {
                            let batch: &[(u64, u64, &[AckKind])] = &[(first, last, &[Accept])];
                            scene.ack_in("g", &member, *number, batch).unwrap();
                        }
                    }
                    let mut seen = seen.lock().unwrap();
                    for value in got.values {
                        *seen.entry(value).or_default() += 1;
                    }
                }
            });
        }
        scope.spawn(|| {
            for n in 0..RECORDS / 4 {
                scene.produce_to((n % 3) as i32, n * 4, n * 4 + 4);
                scene.broker.describe_queue("g");
            }
        });
    });
    let seen = seen.into_inner().unwrap();
    assert!(seen.values().all(|times| *times == 1));
    assert_eq!(seen.len() as u64, RECORDS);
}
