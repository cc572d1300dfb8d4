//! The promise of queue groups, end to end: four groups of four members read a million messages
//! over the socket while members vanish and the broker is killed. Each group handles every message,
//! and what a member was told is accepted is never handed to anyone of its group again.
//!
//! `MINKA_MESSAGES=N` sends another number of messages, `MINKA_SEED=N` takes other chances.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod server_common;
mod share_common;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{
    ApiKey, DescribeShareGroupOffsetsRequest, ListOffsetsRequest, ResponseHeader,
    describe_share_group_offsets_request,
};
use kafka_protocol::protocol::{Decodable, HeaderVersion, Request};
use minka::batch::builder::BatchBuilder;
use minka::batch::compression::Codec;
use minka::batch::header::{BatchHeader, HEADER_BYTES};
use minka::batch::records::Records;
use minka::engine::NewTopic;
use minka::state::setting::ConfigChange;
use minka::state::topic_config::TopicConfig;
use minka::sys::event_log::EventLog;
use minka::{Broker, Config, Server, ServerConfig};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use server_common::{Client, produce, produced, text, topic_name};
use share_common::{ACCEPT, Ack, Member, RELEASE, rows};

const TOPIC: &str = "work";
const PARTITIONS: usize = 8;
const GROUPS: usize = 4;
const MEMBERS: usize = 4;
const PRODUCERS: usize = 2;
const BATCH: usize = 500;
/// The broker is killed each time that so many thousandths of the deliveries are accepted.
const KILLS: [usize; 4] = [100, 300, 500, 700];
/// So many members of a thousand vanish after a delivery.
const VANISHING: u32 = 5;
const ACCEPTED: u32 = 1 << 31;
/// Where the broker's process finds its directory and its port.
const DIRECTORY: &str = "MINKA_TEST_DIRECTORY";
const PORT: &str = "MINKA_TEST_PORT";
/// Everything takes seconds; a machine that is busy has this long.
const PATIENCE: Duration = Duration::from_secs(300);

/// What is known of all messages.
struct Books {
    messages: usize,
    /// For each group, partition and offset, how often it was handed out, and whether it was
    /// accepted for sure.
    offsets: Vec<Vec<Vec<AtomicU32>>>,
    /// For each group and message, whether it was handed out.
    handled: Vec<Vec<AtomicBool>>,
    accepted: AtomicUsize,
    redelivered: AtomicUsize,
    vanished: AtomicUsize,
    produced: AtomicUsize,
    /// How often the broker was killed. Answers of the one before do not count any more.
    generation: RwLock<usize>,
    address: SocketAddr,
    topic_id: [u8; 16],
    over: AtomicBool,
}

impl Books {
    fn new(messages: usize, address: SocketAddr, topic_id: [u8; 16]) -> Self {
        // What had no answer is sent again and may be there twice.
        let room = messages / PARTITIONS * 2 + 10 * BATCH;
        let counters = || (0..room).map(|_| AtomicU32::new(0)).collect();
        let of_group = |_| (0..PARTITIONS).map(|_| counters()).collect();
        let flags = |_| (0..messages).map(|_| AtomicBool::new(false)).collect();
        Self {
            messages,
            offsets: (0..GROUPS).map(of_group).collect(),
            handled: (0..GROUPS).map(flags).collect(),
            accepted: AtomicUsize::new(0),
            redelivered: AtomicUsize::new(0),
            vanished: AtomicUsize::new(0),
            produced: AtomicUsize::new(0),
            generation: RwLock::new(0),
            address,
            topic_id,
            over: AtomicBool::new(false),
        }
    }

    /// A connection to the broker that runs now, and which one that is.
    fn connect(&self) -> (Client, usize) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let generation = *self.generation.read().unwrap();
            if let Ok(stream) = TcpStream::connect(self.address) {
                return (Client::over(stream), generation);
            }
            assert!(Instant::now() < deadline, "the broker does not come back");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Sends a request and waits for its answer; fails when the broker is gone.
fn call<R: Request>(client: &mut Client, version: i16, request: &R) -> io::Result<R::Response> {
    let frame = client.frame(version, request);
    client.stream.write_all(&frame)?;
    let mut length = [0; 4];
    client.stream.read_exact(&mut length)?;
    let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
    client.stream.read_exact(&mut bytes)?;
    let mut bytes = Bytes::from(bytes);
    assert!(ApiKey::try_from(R::KEY).is_ok());
    ResponseHeader::decode(&mut bytes, R::Response::header_version(version)).unwrap();
    Ok(R::Response::decode(&mut bytes, version).unwrap())
}

/// Sends its part of the messages; what had no answer is sent again.
fn send_all(books: &Books, producer: usize) {
    let share = books.messages / PRODUCERS;
    let (mut client, _) = books.connect();
    let mut next = producer * share;
    let end = next + share;
    while next < end {
        let count = BATCH.min(end - next);
        let mut builder = BatchBuilder::new();
        for message in next..next + count {
            let value = (message as u64).to_be_bytes();
            builder.append(1_700_000_000_000, None, Some(&value), &[]).unwrap();
        }
        let batch = Bytes::copy_from_slice(builder.finish(Codec::None).unwrap());
        let partition = (next / BATCH % PARTITIONS) as i32;
        let request = produce((TOPIC, books.topic_id), partition, -1, batch);
        match call(&mut client, 9, &request) {
            Ok(answer) => {
                assert_eq!(produced(&answer).0, 0);
                next += count;
                books.produced.fetch_add(count, Ordering::SeqCst);
            }
            Err(_) => client = books.connect().0,
        }
    }
}

/// A member of a group, in one of its lives after another.
fn work(books: &Books, group: usize, place: usize, seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed + (group * MEMBERS + place) as u64);
    let mut lives = 0;
    while !books.over.load(Ordering::SeqCst) {
        lives += 1;
        let (client, generation) = books.connect();
        let id = format!("m{place}-{lives}");
        let names = (&*format!("g{group}"), &*id);
        let mut life = Life {
            books,
            group,
            generation,
            member: Member::over(client, names, books.topic_id),
            taken: Vec::new(),
        };
        if life.live(&mut random).is_ok() {
            // It vanishes without a word.
            books.vanished.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// What was handed to a member: the partition, the offset, and how often it was handed out then.
type Taken = (usize, usize, u32);

struct Life<'a> {
    books: &'a Books,
    group: usize,
    generation: usize,
    member: Member,
    taken: Vec<Taken>,
}

impl Life<'_> {
    /// Lives until it vanishes, or fails with its connection.
    fn live(&mut self, random: &mut SmallRng) -> io::Result<()> {
        let member = &mut self.member;
        let request = member.beat_request(Some(&[TOPIC]));
        let joined = call(&mut member.client, 1, &request)?;
        assert_eq!(joined.error_code, 0, "{joined:?}");
        let all: Vec<i32> = (0..PARTITIONS as i32).collect();
        member.max_records = random.random_range(100..2000);
        while !self.books.over.load(Ordering::SeqCst) {
            let new = if self.member.session == 0 { &all[..] } else { &[] };
            let request = self.member.fetch_request(new, &[], 200);
            let answer = call(&mut self.member.client, 1, &request)?;
            self.member.session += 1;
            self.note(&rows(&answer));
            if random.random_range(0..1000) < VANISHING {
                return Ok(());
            }
            if !self.taken.is_empty() {
                self.settle(random)?;
            }
        }
        Ok(())
    }

    /// Notes what it was handed.
    fn note(&mut self, rows: &[share_common::Row]) {
        // While it is held, the broker is not killed; afterwards this answer is void.
        let generation = self.books.generation.read().unwrap();
        if *generation != self.generation {
            return;
        }
        for row in rows {
            assert_eq!((row.error, row.acknowledge_error), (0, 0));
            let partition = row.partition as usize;
            let mut missing: i64 = row.acquired.iter().map(|range| range.1 - range.0 + 1).sum();
            let mut rest = &row.records[..];
            while !rest.is_empty() {
                let header = BatchHeader::parse(rest).unwrap();
                let (batch, after) = rest.split_at(header.size());
                for record in Records::new(&batch[HEADER_BYTES..], header.record_count) {
                    let record = record.unwrap();
                    let offset = header.base_offset + i64::from(record.offset_delta);
                    let held = |range: &&(i64, i64, i16)| (range.0..=range.1).contains(&offset);
                    let Some(&(_, _, count)) = row.acquired.iter().find(held) else { continue };
                    missing -= 1;
                    let message = u64::from_be_bytes(record.value.unwrap().try_into().unwrap());
                    self.handed(partition, offset as usize, message as usize, count);
                }
                rest = after;
            }
            assert_eq!(missing, 0, "records were acquired that are not in the answer");
        }
    }

    fn handed(&mut self, partition: usize, offset: usize, message: usize, count: i16) {
        let before =
            self.books.offsets[self.group][partition][offset].fetch_add(1, Ordering::SeqCst);
        assert_eq!(
            before & ACCEPTED,
            0,
            "group {}: {partition}@{offset} was accepted, and is handed out once more",
            self.group
        );
        if count > 1 {
            self.books.redelivered.fetch_add(1, Ordering::Relaxed);
        }
        self.books.handled[self.group][message].store(true, Ordering::Relaxed);
        self.taken.push((partition, offset, before + 1));
    }

    /// Accepts most of what it holds and releases the rest.
    fn settle(&mut self, random: &mut SmallRng) -> io::Result<()> {
        let taken = std::mem::take(&mut self.taken);
        let mut types: Vec<Vec<i8>> = Vec::new();
        let mut runs: Vec<(i32, i64, i64)> = Vec::new();
        for &(partition, offset, _) in &taken {
            let kind = if random.random_range(0..500) == 0 { RELEASE } else { ACCEPT };
            let at = (partition as i32, offset as i64);
            match runs.last_mut().filter(|run| run.0 == at.0 && run.2 + 1 == at.1) {
                Some(run) => {
                    run.2 = at.1;
                    types.last_mut().unwrap().push(kind);
                }
                None => {
                    runs.push((at.0, at.1, at.1));
                    types.push(vec![kind]);
                }
            }
        }
        let mut acks: Vec<(i32, Vec<Ack<'_>>)> = Vec::new();
        for (&(partition, first, last), types) in runs.iter().zip(&types) {
            match acks.last_mut().filter(|(of, _)| *of == partition) {
                Some((_, batches)) => batches.push((first, last, types)),
                None => acks.push((partition, vec![(first, last, types)])),
            }
        }
        let acks: Vec<(i32, &[Ack<'_>])> = acks.iter().map(|(of, acks)| (*of, &acks[..])).collect();
        let request = self.member.acknowledge_request(&acks);
        if random.random_range(0..1000) < VANISHING {
            // It is sent; what becomes of it, this member never learns.
            let frame = self.member.client.frame(1, &request);
            self.member.client.stream.write_all(&frame)?;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let answer = call(&mut self.member.client, 1, &request)?;
        self.member.session += 1;
        assert_eq!(answer.error_code, 0, "{answer:?}");
        assert!(share_common::acknowledged(&answer).iter().all(|error| *error == 0), "{answer:?}");
        for ((partition, offset, times), kind) in taken.iter().zip(types.iter().flatten()) {
            if *kind == ACCEPT {
                let state = &self.books.offsets[self.group][*partition][*offset];
                let before = state.fetch_or(ACCEPTED, Ordering::SeqCst);
                assert_eq!(
                    before, *times,
                    "group {}: {partition}@{offset} was handed out behind its acceptance",
                    self.group
                );
                self.books.accepted.fetch_add(1, Ordering::SeqCst);
            }
        }
        Ok(())
    }
}

/// A broker in a process of its own.
struct Process {
    child: Child,
    address: SocketAddr,
    topic_id: [u8; 16],
}

impl Process {
    fn start(directory: &Path, port: u16) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "be_the_broker", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, directory)
            .env(PORT, port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, told) = line.split_once("ready ")?;
            Some(told.to_owned())
        });
        let ready = ready.expect("the broker says that it is ready");
        let (address, id) = ready.split_once(' ').unwrap();
        let id = u128::from_str_radix(id, 16).unwrap().to_be_bytes();
        Self { child, address: address.parse().unwrap(), topic_id: id }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, or the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Not a test by itself: the other one runs it in a process of its own.
#[test]
fn be_the_broker() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let port = std::env::var(PORT).unwrap().parse().unwrap();
    let config = Config {
        segment_bytes: 4 << 20,
        retention_check_interval: Duration::from_secs(1),
        ..Config::default()
    };
    let broker = Broker::open(Path::new(&directory), config, Arc::new(EventLog::none())).unwrap();
    if broker.topic(TOPIC).is_none() {
        let config = TopicConfig::parse([("retention.ms", "-1")]).unwrap();
        let partitions = Some(PARTITIONS as u32);
        let new = NewTopic { name: TOPIC.to_owned(), partitions, config };
        broker.create_topics(&[new], false).remove(0).unwrap();
        for group in 0..GROUPS {
            let settings = [
                ConfigChange::Set("share.auto.offset.reset", "earliest"),
                ConfigChange::Set("share.delivery.count.limit", "32767"),
            ];
            broker.configure_group(&format!("g{group}"), &settings, false).unwrap();
        }
    }
    let id = broker.topic(TOPIC).unwrap().topic.id;
    let listen = ("127.0.0.1".to_owned(), port);
    let config = ServerConfig { listen, ..ServerConfig::default() };
    let server = Server::start(Arc::new(broker), config).unwrap();
    println!("ready {} {:032x}", server.kafka_address(), u128::from_be_bytes(id));
    // Until it is killed, or nobody is there any more.
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

/// Whether all groups are at the end of all partitions.
fn is_done(books: &Books, client: &mut Client) -> io::Result<bool> {
    let partitions = (0..PARTITIONS as i32).map(|index| {
        ListOffsetsPartition::default().with_partition_index(index).with_timestamp(-1)
    });
    let topic = ListOffsetsTopic::default()
        .with_name(topic_name(TOPIC))
        .with_partitions(partitions.collect());
    let request =
        ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![topic]);
    let ends = call(client, 7, &request)?;
    let mut ends: Vec<(i32, i64)> =
        ends.topics[0].partitions.iter().map(|row| (row.partition_index, row.offset)).collect();
    ends.sort_unstable();
    let groups = (0..GROUPS).map(|group| {
        describe_share_group_offsets_request::DescribeShareGroupOffsetsRequestGroup::default()
            .with_group_id(text(&format!("g{group}")).into())
            .with_topics(None)
    });
    let request = DescribeShareGroupOffsetsRequest::default().with_groups(groups.collect());
    let answer = call(client, 0, &request)?;
    let at_end = answer.groups.iter().map(|group| {
        let mut starts: Vec<(i32, i64)> = group
            .topics
            .iter()
            .flat_map(|topic| &topic.partitions)
            .map(|row| (row.partition_index, row.start_offset))
            .collect();
        starts.sort_unstable();
        starts == ends
    });
    Ok(at_end.filter(|at_end| *at_end).count() == GROUPS
        && books.produced.load(Ordering::SeqCst) >= books.messages)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_group_handles_every_message_and_accepts_it_once() {
    let messages = number("MINKA_MESSAGES").unwrap_or(1_000_000) as usize;
    let messages = messages.next_multiple_of(PRODUCERS * BATCH);
    let seed = number("MINKA_SEED").unwrap_or(4711);
    let directory = tempfile::tempdir().unwrap();
    let mut process = Process::start(directory.path(), 0);
    let books = Books::new(messages, process.address, process.topic_id);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let books = &books;
        // Whoever fails ends it for all.
        let guarded = move |job: &dyn Fn()| {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
            if let Err(panic) = outcome {
                books.over.store(true, Ordering::SeqCst);
                std::panic::resume_unwind(panic);
            }
        };
        for producer in 0..PRODUCERS {
            scope.spawn(move || guarded(&|| send_all(books, producer)));
        }
        for group in 0..GROUPS {
            for place in 0..MEMBERS {
                scope.spawn(move || guarded(&|| work(books, group, place, seed)));
            }
        }
        let mut kills = KILLS.iter().peekable();
        let (mut client, _) = books.connect();
        while !books.over.load(Ordering::SeqCst) {
            assert!(began.elapsed() < PATIENCE, "this takes too long");
            let accepted = books.accepted.load(Ordering::SeqCst);
            let due = |share: &&&usize| accepted >= GROUPS * messages / 1000 * **share;
            if kills.next_if(|share| due(&share)).is_some() {
                *books.generation.write().unwrap() += 1;
                process.kill();
                process = Process::start(directory.path(), books.address.port());
                client = books.connect().0;
            }
            if is_done(books, &mut client).unwrap() {
                books.over.store(true, Ordering::SeqCst);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    process.kill();
    for (group, handled) in books.handled.iter().enumerate() {
        let missing = handled.iter().filter(|flag| !flag.load(Ordering::SeqCst)).count();
        assert_eq!(missing, 0, "messages that group {group} never got");
    }
    let [accepted, redelivered, vanished] =
        [&books.accepted, &books.redelivered, &books.vanished].map(|n| n.load(Ordering::SeqCst));
    println!(
        "{messages} messages, {GROUPS} groups: {accepted} accepted, {redelivered} delivered again, \
         {vanished} members vanished, the broker killed {} times, in {:.1} s",
        KILLS.len(),
        began.elapsed().as_secs_f64()
    );
    assert!(accepted * 10 >= GROUPS * messages * 8, "most answers arrive");
    assert!(redelivered > 0 && vanished > 0);
}
