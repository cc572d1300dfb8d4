//! Records that a queue group hands out over sockets and that are accepted with the next request,
//! against Fetch requests for the same data over one connection.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use minka::engine::Acks;
use minka::wire::kafka::Uuid;

use crate::Outcome;
use crate::batches;
use crate::engine;
use crate::fetcher::Fetcher;
use crate::options::Options;
use crate::process::{Process, apart};
use crate::row::{Goal, Row, Unit};
use crate::sharer::Sharer;
use crate::turns;

const TOPIC: &str = "bench";
const VALUE_BYTES: usize = 100;
/// As much as a [`Fetcher`] asks for.
const REQUEST_BYTES: i32 = 1 << 20;
const RECORDS_MAX: i32 = 10_000;
const RECORDS_FEW: i32 = 500;
const WAIT_MS: i32 = 20;

/// What is delivered: batches of so many records.
const SHAPES: [(&str, usize, usize); 2] =
    [("batches of 1000", 1000, 2000), ("batches of 1", 1, 200_000)];

/// How it is delivered: how many members there are, and how many records they ask for.
const CASES: [(&str, usize, i32, Goal); 3] = [
    ("1 member", 1, RECORDS_MAX, Goal::Share(0.5)),
    ("4 members", 4, RECORDS_MAX, Goal::Share(0.5)),
    ("1 member, by 500", 1, RECORDS_FEW, Goal::None),
];

/// A broker with a partition of records, and groups that begin at its first one.
struct Store {
    broker: Process,
    topic: Uuid,
    records: usize,
    bytes: usize,
    groups: AtomicUsize,
}

pub(crate) fn measure(options: &Options) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for (shape, records, batches) in SHAPES {
        let directory = options.scratch()?;
        let store = Store::fill(options, directory.path(), records, options.amount(batches))?;
        for (case, members, records_max, goal) in CASES {
            let name = format!("door queue, {shape}, {case}");
            if !options.wants_case(&name) {
                continue;
            }
            let [cpu, clock] = apart(&[&store.broker], || {
                turns::take(options.turns(), || store.share(members, records_max), || store.fetch())
            })?;
            rows.push(Row::new(format!("{name}, by CPU"), Unit::PerSecond, cpu, goal));
            rows.push(Row::new(format!("{name}, by clock"), Unit::PerSecond, clock, goal));
        }
    }
    Ok(rows)
}

impl Store {
    fn fill(options: &Options, data: &Path, records: usize, batches: usize) -> Outcome<Self> {
        let broker = engine::open(data)?;
        let topic = engine::create(&broker, TOPIC, 1)?;
        let batch = batches::batch(records, VALUE_BYTES)?;
        for _ in 0..batches {
            broker.produce(engine::to(&topic, 0, batch.clone(), Acks::Written))?;
        }
        for turn in 0..CASES.len() * (1 + options.turns()) {
            broker.reset_queue(&group(turn), &[(topic.partitions[0].number(), 0)])?;
        }
        broker.close()?;
        Ok(Self {
            broker: Process::broker(options, data)?,
            topic: Uuid(topic.topic.id),
            records: records * batches,
            bytes: batch.len() * batches,
            groups: AtomicUsize::new(0),
        })
    }

    /// Hands the records out to the members of another group.
    fn share(&self, members: usize, records_max: i32) -> Outcome<[f64; 2]> {
        let group = group(self.groups.fetch_add(1, Ordering::SeqCst));
        let (taken, address) = (AtomicUsize::new(0), self.broker.address());
        let (cpu, since) = (self.broker.cpu()?, Instant::now());
        let work = |member| self.consume(address, (&group, member), records_max, &taken);
        let work = &work;
        thread::scope(|scope| {
            let members: Vec<_> =
                (0..members).map(|member| scope.spawn(move || work(member))).collect();
            members.into_iter().try_for_each(|member| -> Outcome<()> {
                member.join().map_err(|_| "a member panicked")?
            })
        })?;
        self.speed(cpu, since)
    }

    /// What a member does until everything is accepted.
    fn consume(
        &self,
        address: SocketAddr,
        (group, member): (&str, usize),
        records_max: i32,
        taken: &AtomicUsize,
    ) -> Outcome<()> {
        let member = (group, &format!("member-{member}")[..]);
        let topic = (TOPIC, self.topic);
        let mut sharer = Sharer::join(address, member, topic, (records_max, REQUEST_BYTES))?;
        while taken.load(Ordering::SeqCst) < self.records {
            taken.fetch_add(sharer.fetch(WAIT_MS)?, Ordering::SeqCst);
        }
        sharer.leave()
    }

    fn fetch(&self) -> Outcome<[f64; 2]> {
        let mut fetcher = Fetcher::connect(self.broker.address(), TOPIC, 1)?;
        let (cpu, since) = (self.broker.cpu()?, Instant::now());
        let mut fetched = 0;
        while fetched < self.bytes {
            fetched += fetcher.fetch()?;
        }
        self.speed(cpu, since)
    }

    /// Records in a second of the server's processor, and of the clock.
    fn speed(&self, cpu: Duration, since: Instant) -> Outcome<[f64; 2]> {
        let clock = since.elapsed().as_secs_f64();
        let cpu = (self.broker.cpu()? - cpu).as_secs_f64();
        Ok([self.records as f64 / cpu, self.records as f64 / clock])
    }
}

fn group(turn: usize) -> String {
    format!("group-{turn}")
}
