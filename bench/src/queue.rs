//! Records that a queue group hands out and that are accepted, in this process, against a read of
//! the same partition.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use minka::batch::BatchHeader;
use minka::engine::{Acks, Broker, LiveTopic, QueueFetch, QueueRecords, Ticket, Wake};
use minka::log::Piece;
use minka::state::queues::{AckBatch, AckKind, HeartbeatRequest};
use tempfile::TempDir;

use crate::Outcome;
use crate::batches;
use crate::cpu::Stopwatch;
use crate::engine;
use crate::options::Options;
use crate::row::{Goal, Row, Unit};
use crate::turns;

const TOPIC: &str = "bench";
const VALUE_BYTES: usize = 100;
/// What consumers ask for at a time unless they are told otherwise.
const READ_BYTES: usize = 1 << 20;
const RECORDS_MAX: usize = 10_000;
const RECORDS_FEW: usize = 500;
/// Who waits looks again after this time in any case.
const PATIENCE: Duration = Duration::from_millis(20);

/// What is delivered: batches of so many records.
const SHAPES: [(&str, usize, usize); 2] =
    [("batches of 1000", 1000, 2000), ("batches of 1", 1, 200_000)];

/// How it is delivered.
#[derive(Debug, Clone, Copy)]
struct Case {
    name: &'static str,
    members: usize,
    records_max: usize,
    /// Whether a member waits for each acceptance, rather than for the one before.
    waits: bool,
    goal: Goal,
}

const CASES: [Case; 4] = [
    Case {
        name: "1 member",
        members: 1,
        records_max: RECORDS_MAX,
        waits: false,
        goal: Goal::Share(0.5),
    },
    Case {
        name: "4 members",
        members: 4,
        records_max: RECORDS_MAX,
        waits: false,
        goal: Goal::Share(0.5),
    },
    Case {
        name: "1 member, waits",
        members: 1,
        records_max: RECORDS_MAX,
        waits: true,
        goal: Goal::None,
    },
    Case {
        name: "1 member, by 500",
        members: 1,
        records_max: RECORDS_FEW,
        waits: false,
        goal: Goal::None,
    },
];

/// A broker with a partition of records.
struct Store {
    broker: Broker,
    topic: Arc<LiveTopic>,
    records: usize,
    groups: AtomicUsize,
    /// Goes away after the broker.
    _directory: TempDir,
}

/// What a thread sleeps at.
#[derive(Debug, Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

pub(crate) fn measure(options: &Options) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for (shape, records, batches) in SHAPES {
        let store = Store::fill(options, records, options.amount(batches))?;
        for case in CASES {
            let name = format!("queue, {shape}, {}", case.name);
            if !options.wants_case(&name) {
                continue;
            }
            let [clock, cpu] = turns::take(options.turns(), || store.share(case), || store.read())?;
            let by_cpu = format!("{name}, by CPU");
            rows.push(Row::new(name, Unit::PerSecond, clock, case.goal));
            rows.push(Row::new(by_cpu, Unit::PerSecond, cpu, Goal::None));
        }
        store.broker.close()?;
    }
    Ok(rows)
}

impl Store {
    fn fill(options: &Options, records: usize, batches: usize) -> Outcome<Self> {
        let directory = options.scratch()?;
        let broker = engine::open(directory.path())?;
        let topic = engine::create(&broker, TOPIC, 1)?;
        let batch = batches::batch(records, VALUE_BYTES)?;
        for _ in 0..batches {
            broker.produce(engine::to(&topic, 0, batch.clone(), Acks::Written))?;
        }
        let groups = AtomicUsize::new(0);
        Ok(Self { broker, topic, records: records * batches, groups, _directory: directory })
    }

    /// Reads the partition.
    fn read(&self) -> Outcome<[f64; 2]> {
        let watch = Stopwatch::start()?;
        let (mut offset, mut pieces) = (0, Vec::new());
        while offset < self.records {
            pieces.clear();
            let partition = &self.topic.partitions[0];
            self.broker.read(partition, offset as u64, READ_BYTES, true, &mut pieces)?;
            offset += records_in(&pieces)?;
        }
        self.speed(&watch)
    }

    /// Hands the records out to the members of a new group.
    fn share(&self, case: Case) -> Outcome<[f64; 2]> {
        let group = format!("group-{}", self.groups.fetch_add(1, Ordering::SeqCst));
        let number = self.topic.partitions[0].number();
        self.broker.reset_queue(&group, &[(number, 0)])?;
        let names: Vec<String> = (0..case.members).map(|n| format!("member-{n}")).collect();
        for name in &names {
            self.heartbeat(&group, name, 0)?;
        }
        let bells: Vec<Arc<Bell>> = names.iter().map(|_| Arc::default()).collect();
        let taken = AtomicUsize::new(0);
        let watch = Stopwatch::start()?;
        let work = |name, bell| self.consume((&group, name), case, bell, &bells, &taken);
        let work = &work;
        thread::scope(|scope| {
            let members = names.iter().zip(&bells);
            let members: Vec<_> =
                members.map(|(name, bell)| scope.spawn(move || work(name, bell))).collect();
            members.into_iter().try_for_each(|member| -> Outcome<()> {
                member.join().map_err(|_| "a member panicked")?
            })
        })?;
        let speed = self.speed(&watch)?;
        let offsets = self.broker.queue_offsets(&group).unwrap_or_default();
        if !offsets.iter().any(|of| of.start == self.records as u64) {
            return Err(format!("not everything was accepted: {offsets:?}").into());
        }
        for name in &names {
            self.heartbeat(&group, name, -1)?;
        }
        Ok(speed)
    }

    /// What a member does until everything is accepted.
    fn consume(
        &self,
        (group, member): (&str, &str),
        case: Case,
        bell: &Arc<Bell>,
        bells: &[Arc<Bell>],
        taken: &AtomicUsize,
    ) -> Outcome<()> {
        let wake: Arc<dyn Wake> = bell.clone();
        let partitions = [self.topic.partitions[0].clone()];
        let fetch = QueueFetch {
            group,
            member,
            partitions: &partitions,
            records_max: case.records_max,
            bytes_max: READ_BYTES,
            whole_batches: true,
        };
        let (mut pieces, mut before) = (Vec::new(), None);
        while taken.load(Ordering::SeqCst) < self.records {
            pieces.clear();
            let found = self.broker.fetch_queue(&fetch, Some((&wake, 0)), &mut pieces)?;
            if found.is_empty() {
                bell.wait();
                continue;
            }
            records_in(&pieces)?;
            let (count, ticket) = self.accept((group, member), &found)?;
            if taken.fetch_add(count, Ordering::SeqCst) + count == self.records {
                bells.iter().for_each(|bell| bell.wake(0));
            }
            let due = if case.waits { Some(ticket) } else { before.replace(ticket) };
            self.wait(due)?;
        }
        self.broker.stop_waiting_for_queue(group, member);
        self.wait(before)
    }

    /// Accepts everything; it is so when the ticket says it.
    fn accept(
        &self,
        (group, member): (&str, &str),
        found: &[QueueRecords],
    ) -> Outcome<(usize, Arc<Ticket>)> {
        let acquired = found.iter().flat_map(|records| &records.acquired);
        let mut count = 0;
        let batch = acquired.map(|range| {
            count += range.last - range.first + 1;
            AckBatch { first: range.first, last: range.last, kinds: &[AckKind::Accept] }
        });
        let batches = vec![(self.topic.partitions[0].number(), batch.collect())];
        let (results, ticket) = self.broker.acknowledge_queue(group, member, &batches, None);
        self.broker.drain();
        results.into_iter().try_for_each(|result| result)?;
        Ok((usize::try_from(count)?, ticket))
    }

    fn wait(&self, ticket: Option<Arc<Ticket>>) -> Outcome<()> {
        let results = ticket.map(|ticket| self.broker.wait(&ticket)).unwrap_or_default();
        Ok(results.into_iter().try_for_each(|result| result.map(drop))?)
    }

    fn heartbeat(&self, group: &str, member: &str, member_epoch: i32) -> Outcome<()> {
        self.broker.heartbeat_queue(&HeartbeatRequest {
            group: group.to_owned(),
            member_id: member.to_owned(),
            member_epoch,
            topics: (member_epoch == 0).then(|| vec![TOPIC.to_owned()]),
            client_id: "minka-bench".to_owned(),
            client_host: String::new(),
            rack_id: None,
        })?;
        Ok(())
    }

    /// Records in a second of clock, and of processor.
    fn speed(&self, watch: &Stopwatch) -> Outcome<[f64; 2]> {
        let (clock, cpu) = watch.seconds()?;
        Ok([self.records as f64 / clock, self.records as f64 / cpu])
    }
}

impl Wake for Bell {
    fn wake(&self, _token: usize) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }
}

impl Bell {
    fn wait(&self) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(rung, PATIENCE, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

/// Reads batches, and how many records they have.
fn records_in(pieces: &[Piece]) -> Outcome<usize> {
    let mut records = 0;
    for piece in pieces {
        let bytes = piece.read()?;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let header = BatchHeader::parse(rest)?;
            records += usize::try_from(header.last_offset_delta)? + 1;
            rest = rest.get(header.size()..).ok_or("a batch is not whole")?;
        }
    }
    Ok(records)
}
