//! Many threads that wait for the disk, against a bare loop that writes and syncs groups of the
//! same size; and many partitions against one.

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use minka::clock::SystemClock;
use minka::engine::{Acks, Broker, Config, LiveTopic, Ticket};
use minka::sys::event_log::EventLog;

use crate::Outcome;
use crate::counting_disk::{Counts, counting_disk};
use crate::cpu::Stopwatch;
use crate::engine;
use crate::options::Options;
use crate::row::{Goal, Row, Unit};
use crate::turns::{self, Figures};

const THREADS: usize = 64;
const PARTITIONS: u32 = 1000;
const RECORD: [u8; 100] = [b'm'; 100];
/// Turns are short and many: how fast a disk is changes from second to second.
const SHORT_TURNS: usize = 3;
const TURN: Duration = Duration::from_millis(500);

/// What a turn showed.
#[derive(Debug, Clone, Copy)]
struct Turn {
    records_per_second: f64,
    records_per_sync: f64,
    bytes_per_sync: f64,
    writes_per_sync: f64,
    cpu_per_record: f64,
}

pub(crate) fn measure(options: &Options) -> Outcome<Vec<Row>> {
    let directory = options.scratch()?;
    let data = directory.path().join("minka");
    std::fs::create_dir_all(&data)?;
    let (disk, counts) = counting_disk(&data);
    let clock = Arc::new(SystemClock::default());
    let events = Arc::new(EventLog::none());
    let broker = Broker::open_on(disk, clock, Config::default(), events)?;
    let one = engine::create(&broker, "one", 1)?;
    let many = engine::create(&broker, "many", PARTITIONS)?;
    let length = if options.quick { TURN / 20 } else { TURN };
    let turn = |topic: &LiveTopic| produce(&broker, topic, &counts, length);

    let peer = File::create(directory.path().join("peer"))?;
    let group = Cell::new(turn(&one)?);
    let alone = turns::take(
        options.turns() * SHORT_TURNS,
        || {
            group.set(turn(&one)?);
            Ok(group.get().figures())
        },
        || Ok(sync_loop(&peer, group.get(), length)?.figures()),
    )?;
    let [spread, ..] = turns::take(
        options.turns() * SHORT_TURNS,
        || Ok(turn(&many)?.figures()),
        || Ok(turn(&one)?.figures()),
    )?;
    broker.close()?;
    Ok(rows(alone, spread))
}

impl Turn {
    fn figures(self) -> [f64; 5] {
        [
            self.records_per_second,
            self.records_per_sync,
            self.bytes_per_sync,
            self.writes_per_sync,
            self.cpu_per_record,
        ]
    }
}

fn rows(alone: [Figures; 5], spread: Figures) -> Vec<Row> {
    let [records, per_sync, bytes, writes, cpu] = alone;
    let share = Goal::Share(0.9);
    let name = "acks=all, 64 threads, 100 B, 1 partition";
    let spread_name = "acks=all, 1000 partitions against 1";
    vec![
        Row::new(name, Unit::PerSecond, records, share),
        Row::new("  records in a sync", Unit::Count, per_sync, Goal::None),
        Row::new("  bytes in a sync", Unit::Bytes, bytes, Goal::None),
        Row::new("  writes in a sync", Unit::Count, writes, Goal::None),
        Row::new("  CPU for a record", Unit::Seconds, cpu, Goal::None),
        Row::new(spread_name, Unit::PerSecond, spread, share),
    ]
}

/// All threads append records one by one and wait for each.
fn produce(broker: &Broker, topic: &LiveTopic, counts: &Counts, length: Duration) -> Outcome<Turn> {
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let before = counts.now();
    let watch = Stopwatch::start()?;
    let counted = thread::scope(|scope| {
        let producer = |number| {
            let (stop, done) = (&stop, &done);
            scope.spawn(move || {
                until(stop, done, |turn| record(broker, topic, number + turn * THREADS))
            })
        };
        let threads: Vec<_> = (0..THREADS).map(producer).collect();
        thread::sleep(length);
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().map_err(|_| "a producer panicked")??;
        }
        Outcome::Ok(counts.since(before))
    })?;
    let (seconds, cpu) = watch.seconds()?;
    let (records, syncs) = (done.into_inner() as f64, counted.syncs as f64);
    Ok(Turn {
        records_per_second: records / seconds,
        records_per_sync: records / syncs,
        bytes_per_sync: counted.bytes as f64 / syncs,
        writes_per_sync: counted.writes as f64 / syncs,
        cpu_per_record: cpu / records,
    })
}

fn until(
    stop: &AtomicBool,
    done: &AtomicU64,
    mut act: impl FnMut(usize) -> Outcome<()>,
) -> Outcome<()> {
    let mut turn = 0;
    while !stop.load(Ordering::Relaxed) {
        act(turn)?;
        turn += 1;
    }
    done.fetch_add(turn as u64, Ordering::Relaxed);
    Ok(())
}

fn record(broker: &Broker, topic: &LiveTopic, number: usize) -> Outcome<()> {
    let partition = &topic.partitions[number % topic.partitions.len()];
    let ticket = Ticket::new(1, None);
    let record = (None, Some(&RECORD[..]));
    broker.submit_record(topic, partition, record, Acks::Synced, Some((&ticket, 0)))?;
    for result in broker.wait(&ticket) {
        result?;
    }
    Ok(())
}

/// A loop that writes groups as large as those of `group` and syncs each.
fn sync_loop(file: &File, group: Turn, length: Duration) -> Outcome<Turn> {
    let bytes = vec![b'p'; group.bytes_per_sync as usize];
    let mut position = file.metadata()?.len();
    let (watch, since, mut syncs) = (Stopwatch::start()?, Instant::now(), 0.0);
    while since.elapsed() < length {
        file.write_all_at(&bytes, position)?;
        file.sync_data()?;
        position += bytes.len() as u64;
        syncs += 1.0;
    }
    let (seconds, cpu) = watch.seconds()?;
    let records = syncs * group.records_per_sync;
    Ok(Turn {
        records_per_second: records / seconds,
        writes_per_sync: 1.0,
        cpu_per_record: cpu / records,
        ..group
    })
}
