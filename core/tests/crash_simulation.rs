//! Power cuts, ended processes, failing syncs and full disks at any moment, by seed: whatever
//! happens, what was acknowledged is there, and nothing is there that was never sent. A queue group
//! gets nothing again that it has accepted, and misses nothing else.
//!
//! `MINKA_SEEDS=N` runs more seeds than the default, `MINKA_SEED=N` a single one.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use minka::clock::SystemClock;
use minka::engine::{Acks, Broker, Config, QueueFetch};
use minka::state::event::CommitEntry;
use minka::state::groups::{CommitRequest, MemberKey};
use minka::state::queues::{AckBatch, AckKind, HeartbeatRequest};
use minka::state::setting::ConfigChange;
use minka::state::topic_config::TopicConfig;
use minka::sys::event_log::EventLog;
use minka::{Error, ErrorKind};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use support::log;
use support::sim_disk::{Faults, SimDisk, next_number};

const PARTITIONS: i32 = 3;

/// A record that a member of the queue group has: the partition's number, offset and value.
type Taken = (u32, u64, Vec<u8>);

/// What must hold, collected over all sessions of a seed.
#[derive(Default)]
struct Model {
    /// All values ever sent, by partition.
    sent: HashSet<(String, i32, Vec<u8>)>,
    /// Offsets that somebody was told of, with their values: they never get another value.
    seen: HashMap<(String, i32, u64), Vec<u8>>,
    /// Acknowledged at `all`: must be there.
    synced: BTreeMap<(String, i32), BTreeMap<u64, Vec<u8>>>,
    /// Acknowledged when written: must be there unless the power was cut.
    written: BTreeMap<(String, i32), BTreeMap<u64, Vec<u8>>>,
    /// IDs that were given out.
    ids: HashSet<u64>,
    /// The smallest and largest offset that may be committed now.
    committed: (i64, i64),
    /// Topics that exist for sure.
    topics: HashSet<String>,
    /// Values that the queue group has accepted for sure.
    accepted: HashSet<Vec<u8>>,
    /// Values that it may have accepted.
    touched: HashSet<Vec<u8>>,
}

fn open(disk: &Arc<SimDisk>) -> minka::Result<Broker> {
    let config = Config {
        segment_bytes: 64 << 10,
        flush_interval: std::time::Duration::from_millis(3),
        retention_check_interval: std::time::Duration::from_millis(2),
        ..Config::default()
    };
    let clock = Arc::new(SystemClock::default());
    Broker::open_on(disk.clone(), clock, config, Arc::new(EventLog::none()))
}

impl Model {
    /// Reads everything and compares.
    fn check(&mut self, broker: &Broker) -> minka::Result<()> {
        for name in &self.topics {
            assert!(broker.topic(name).is_some(), "topic {name} is lost");
        }
        for live in broker.topics() {
            let name = &live.topic.name;
            for index in 0..PARTITIONS {
                let key = (name.clone(), index);
                let partition = live.partition(index).unwrap();
                let found = loop {
                    match log::read(broker, partition, partition.log_start()) {
                        // Retention may overtake a reader.
                        Err(error) if error.kind() == ErrorKind::OffsetOutOfRange => {}
                        found => break found?,
                    }
                };
                assert!(found.is_sorted_by(|a, b| a.0 < b.0), "{key:?} is out of order");
                for (offset, value) in &found {
                    let sent = self.sent.contains(&(name.clone(), index, value.clone()));
                    assert!(sent, "{key:?}@{offset} was never sent");
                    let told = self.seen.insert((name.clone(), index, *offset), value.clone());
                    assert!(told.is_none_or(|told| told == *value), "{key:?}@{offset} has changed");
                }
                let distinct: HashSet<_> = found.iter().map(|(_, value)| value).collect();
                assert_eq!(distinct.len(), found.len(), "{key:?} holds a value twice");
                let found: BTreeMap<u64, Vec<u8>> = found.into_iter().collect();
                for must in [&self.synced, &self.written] {
                    let start = partition.log_start();
                    for (offset, value) in
                        must.get(&key).into_iter().flatten().filter(|(at, _)| **at >= start)
                    {
                        assert_eq!(found.get(offset), Some(value), "{key:?}@{offset} is lost");
                    }
                }
            }
        }
        let committed = broker.committed_offsets("g").first().map_or(0, |(_, c)| c.offset);
        let (least, most) = self.committed;
        assert!((least..=most).contains(&committed), "commit {committed}, not {least}..={most}");
        self.committed = (committed, committed);
        Ok(())
    }

    /// Does random things until the disk fails or there is nothing left to do.
    fn work(&mut self, broker: &Broker, random: &mut SmallRng, steps: u32) -> minka::Result<()> {
        let producer = broker.next_producer_id()?;
        let mut sequences: HashMap<(String, i32), i32> = HashMap::new();
        for _ in 0..steps {
            let names: Vec<String> = self.topics.iter().cloned().collect();
            match random.random_range(0..100) {
                0..4 if names.len() < 3 => self.create(broker, random)?,
                4..5 if !names.is_empty() => {
                    let name = &names[random.random_range(0..names.len())];
                    self.topics.remove(name);
                    broker.delete_topic(name)?;
                }
                5..12 => self.commit(broker)?,
                12..20 => self.look(broker)?,
                20..35 if !names.is_empty() => {
                    self.join(broker)?;
                    let most = random.random_range(1..20);
                    let taken = self.take(broker, most)?;
                    self.settle(broker, random, &taken)?;
                }
                _ if names.is_empty() => self.create(broker, random)?,
                _ => {
                    let name = names[random.random_range(0..names.len())].clone();
                    self.produce(broker, random, &name, producer, &mut sequences)?;
                }
            }
        }
        Ok(())
    }

    fn create(&mut self, broker: &Broker, random: &mut SmallRng) -> minka::Result<()> {
        let name = format!("t{}", next_number());
        let config = match random.random_range(0..3) {
            0 => TopicConfig::parse([("retention.bytes", "60000")]).unwrap(),
            _ => TopicConfig::parse([("retention.ms", "-1")]).unwrap(),
        };
        log::create_with(broker, &name, PARTITIONS as u32, config)?;
        self.topics.insert(name);
        Ok(())
    }

    fn commit(&mut self, broker: &Broker) -> minka::Result<()> {
        let Some(topic) = broker.topics().into_iter().next() else {
            return Ok(());
        };
        // One partition for all: the offsets of deleted topics are forgotten, which is checked
        // elsewhere.
        let _ = topic;
        self.committed.1 += 1;
        let entry = CommitEntry {
            partition: u32::MAX - 1,
            offset: self.committed.1,
            leader_epoch: -1,
            metadata: None,
        };
        let member = MemberKey { member_id: "", instance_id: None };
        let request = CommitRequest {
            group: "g",
            member,
            generation: -1,
            entries: &[entry],
            retention_ms: None,
        };
        let (results, ticket) = broker.commit_offsets(&request, None)?;
        results.into_iter().collect::<minka::Result<()>>()?;
        for result in broker.wait(&ticket) {
            result?;
        }
        self.committed.0 = self.committed.1;
        Ok(())
    }

    /// Lets a member of the queue group join, with its settings: all is read from the beginning,
    /// and nothing is given up.
    fn join(&self, broker: &Broker) -> minka::Result<()> {
        let settings = [
            ConfigChange::Set("share.auto.offset.reset", "earliest"),
            ConfigChange::Set("share.delivery.count.limit", "32767"),
            ConfigChange::Set("minka.retry.backoff.ms", "0"),
        ];
        broker.configure_group("q", &settings, false)?;
        let request = HeartbeatRequest {
            group: "q".to_owned(),
            member_id: "m".to_owned(),
            member_epoch: 0,
            topics: Some(self.topics.iter().cloned().collect()),
            client_id: String::new(),
            client_host: String::new(),
            rack_id: None,
        };
        broker.heartbeat_queue(&request).map(drop)
    }

    /// Takes records for the queue group's member: none that it has accepted.
    fn take(&self, broker: &Broker, most: usize) -> minka::Result<Vec<Taken>> {
        let partitions: Vec<_> = self
            .topics
            .iter()
            .flat_map(|name| broker.topic(name).unwrap().partitions.clone())
            .collect();
        let fetch = QueueFetch {
            group: "q",
            member: "m",
            partitions: &partitions,
            records_max: most,
            bytes_max: 100_000,
            whole_batches: false,
        };
        let mut pieces = Vec::new();
        let mut taken = Vec::new();
        for found in broker.fetch_queue(&fetch, None, &mut pieces)? {
            if let Some(error) = found.error {
                return Err(error);
            }
            let held: BTreeMap<u64, Vec<u8>> =
                log::contents(&pieces[found.pieces])?.into_iter().collect();
            for range in found.acquired {
                for offset in range.first..=range.last {
                    let value = held.get(&offset).expect("what was acquired is there").clone();
                    let accepted = self.accepted.contains(&value);
                    assert!(!accepted, "{}@{offset} was accepted before", range.partition);
                    taken.push((range.partition, offset, value));
                }
            }
        }
        Ok(taken)
    }

    /// Accepts some records, releases others, and keeps the rest.
    fn settle(
        &mut self,
        broker: &Broker,
        random: &mut SmallRng,
        taken: &[Taken],
    ) -> minka::Result<()> {
        let mut asked: BTreeMap<u32, Vec<AckBatch<'_>>> = BTreeMap::new();
        let mut wanted = Vec::new();
        for (partition, offset, value) in taken {
            let kinds: &[AckKind] = match random.random_range(0..10) {
                0..6 => &[AckKind::Accept],
                6..8 => &[AckKind::Release],
                _ => continue,
            };
            if kinds == [AckKind::Accept] {
                self.touched.insert(value.clone());
                wanted.push(value.clone());
            }
            let batch = AckBatch { first: *offset, last: *offset, kinds };
            asked.entry(*partition).or_default().push(batch);
        }
        let asked: Vec<_> = asked.into_iter().collect();
        let (results, ticket) = broker.acknowledge_queue("q", "m", &asked, None);
        for result in broker.wait(&ticket) {
            result?;
        }
        match results.into_iter().collect::<minka::Result<()>>() {
            Ok(()) => self.accepted.extend(wanted),
            // Retention may overtake a member; then nothing of that partition is taken.
            Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidRecordState, "{error}"),
        }
        Ok(())
    }

    /// Gives the queue group all that there is: nothing is missing that it may not have accepted.
    fn check_queue(&mut self, broker: &Broker) -> minka::Result<()> {
        if self.topics.is_empty() {
            return Ok(());
        }
        self.join(broker)?;
        let mut found = HashSet::new();
        loop {
            let taken = self.take(broker, 1000)?;
            if taken.is_empty() {
                break;
            }
            found.extend(taken.into_iter().map(|(_, _, value)| value));
        }
        for name in &self.topics {
            for partition in &broker.topic(name).unwrap().partitions {
                let there = match log::read(broker, partition, partition.log_start()) {
                    Err(error) if error.kind() == ErrorKind::OffsetOutOfRange => continue,
                    there => there?,
                };
                for (offset, value) in there {
                    let is_there = self.touched.contains(&value) || found.contains(&value);
                    assert!(is_there, "{name} {}@{offset} is lost", partition.number());
                }
            }
        }
        Ok(())
    }

    /// Reads what is visible: nobody may be shown another value at these offsets later.
    fn look(&mut self, broker: &Broker) -> minka::Result<()> {
        for live in broker.topics() {
            for index in 0..PARTITIONS {
                let partition = live.partition(index)?;
                let from = partition.high_watermark().saturating_sub(5);
                let found = match log::read(broker, partition, from.max(partition.log_start())) {
                    // Retention may overtake a reader.
                    Err(error) if error.kind() == ErrorKind::OffsetOutOfRange => continue,
                    found => found?,
                };
                for (offset, value) in found {
                    let key = (live.topic.name.clone(), index, offset);
                    let told = self.seen.insert(key.clone(), value.clone());
                    assert!(told.is_none_or(|told| told == value), "{key:?} has changed");
                }
            }
        }
        Ok(())
    }

    fn produce(
        &mut self,
        broker: &Broker,
        random: &mut SmallRng,
        name: &str,
        producer: i64,
        sequences: &mut HashMap<(String, i32), i32>,
    ) -> minka::Result<()> {
        let index = random.random_range(0..PARTITIONS);
        let count = random.random_range(1..5);
        let values: Vec<Vec<u8>> = (0..count)
            .map(|_| {
                let mut value = format!("{} ", next_number()).into_bytes();
                value.resize(value.len() + random.random_range(0..3000), b'.');
                value
            })
            .collect();
        for value in &values {
            self.sent.insert((name.to_owned(), index, value.clone()));
        }
        let sequence = sequences.entry((name.to_owned(), index)).or_default();
        let stamp = random.random_bool(0.5).then_some((producer, 0, *sequence));
        let batch = log::batch_of(&values, stamp);
        let acks =
            [Acks::Synced, Acks::Synced, Acks::Written, Acks::None][random.random_range(0..4)];
        let live = broker.topic(name).unwrap();
        let appended = log::produce(broker, &live, index, batch.clone(), acks)?;
        if stamp.is_some() {
            *sequence += count;
            if random.random_bool(0.2) {
                let again = log::produce(broker, &live, index, batch, acks)?;
                assert_eq!(again.base_offset, appended.base_offset, "a repeated batch");
            }
        }
        for (at, value) in (0..).zip(values) {
            assert!(self.ids.insert(appended.first_id + at), "an ID was given out twice");
            let offset = appended.base_offset + at;
            let key = (name.to_owned(), index);
            if acks != Acks::None {
                // Another thread may have read it already.
                let told = self.seen.insert((name.to_owned(), index, offset), value.clone());
                assert!(told.is_none_or(|told| told == value), "{key:?}@{offset} was used before");
            }
            match acks {
                Acks::Synced => self.synced.entry(key).or_default().insert(offset, value),
                Acks::Written => self.written.entry(key).or_default().insert(offset, value),
                Acks::None => None,
            };
        }
        Ok(())
    }
}

fn faults(random: &mut SmallRng) -> Faults {
    let mut faults = Faults::default();
    match random.random_range(0..10) {
        0..6 => faults.power_off_after = Some(random.random_range(0..400)),
        6 => faults.fail_sync = Some(random.random_range(1..60)),
        7 => faults.fail_write = Some(random.random_range(1..100)),
        _ => {}
    }
    faults
}

fn is_of_the_disk(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFailed | ErrorKind::Closed)
}

fn run(seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut disk = Arc::new(SimDisk::new());
    let mut model = Model::default();
    for _ in 0..random.random_range(2..6) {
        disk.set_faults(faults(&mut random));
        match open(&disk) {
            Ok(broker) => {
                let steps = random.random_range(0..150);
                let checked = model.check(&broker);
                let worked = checked.and_then(|()| model.work(&broker, &mut random, steps));
                if let Err(error) = worked {
                    assert!(is_of_the_disk(&error), "{error}");
                }
                if random.random_bool(0.3) {
                    let _ = broker.close();
                }
                disk.stop();
            }
            Err(error) => {
                assert!(is_of_the_disk(&error), "the start was stopped by {error}");
                disk.stop();
            }
        }
        disk = Arc::new(if random.random_bool(0.7) {
            model.written.clear();
            disk.after_power_cut(random.random())
        } else {
            disk.next_process()
        });
    }
    let broker = open(&disk).expect("a disk without faults can always be opened");
    model.check(&broker).unwrap();
    model.check_queue(&broker).unwrap();
    broker.close().unwrap();
}

#[test]
fn whatever_happens_to_the_disk_no_acknowledged_record_is_lost() {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    if let Some(seed) = number("MINKA_SEED") {
        return run(seed);
    }
    let seeds = number("MINKA_SEEDS").unwrap_or(2000);
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
