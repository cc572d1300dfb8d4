//! Fetch requests over one connection, against a `sendfile` of as many bytes: from the page cache
//! (hot) and from the disk (cold).

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

use minka::engine::Acks;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use crate::Outcome;
use crate::batches;
use crate::engine;
use crate::fetcher::Fetcher;
use crate::options::Options;
use crate::process::{Process, apart};
use crate::row::{Goal, Row, Unit};
use crate::turns::{self, Figures};

const TOPIC: &str = "bench";
const TURN_BYTES: usize = 256 << 20;
const PARTITIONS: usize = 100;

/// What is fetched.
#[derive(Debug, Clone, Copy)]
struct Shape {
    name: &'static str,
    partitions: usize,
    batch_bytes: usize,
    /// The goal for bytes in a second of processor when hot, of the clock when cold.
    goals: Option<(f64, f64)>,
}

const SHAPES: [Shape; 3] = [
    Shape {
        name: "64 KiB batches, 1 partition",
        partitions: 1,
        batch_bytes: 64 << 10,
        goals: Some((0.7, 0.4)),
    },
    Shape {
        name: "64 KiB batches, 100 partitions",
        partitions: PARTITIONS,
        batch_bytes: 64 << 10,
        goals: Some((0.7, 0.4)),
    },
    Shape { name: "1 KiB batches, 1 partition", partitions: 1, batch_bytes: 1 << 10, goals: None },
];

pub(crate) fn measure(options: &Options) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for shape in SHAPES {
        if options.wants_case(shape.name) {
            rows.extend(measure_shape(options, shape)?);
        }
    }
    Ok(rows)
}

fn measure_shape(options: &Options, shape: Shape) -> Outcome<Vec<Row>> {
    let directory = options.scratch()?;
    let data = directory.path().join("minka");
    let bytes = prepare(options, &data, shape)?;
    let file = directory.path().join("peer");
    prepare_peer(&file, bytes)?;
    let broker = Process::broker(options, &data)?;
    let arguments: [OsString; 2] = ["sendfile".into(), file.into()];
    let peer = Process::peer(&arguments)?;
    let mut rows = Vec::new();
    for cold in [false, true] {
        let figures = apart(&[&broker, &peer], || {
            turns::take(
                options.turns(),
                || fetch(&broker, &data, shape, bytes, cold),
                || receive(&peer, directory.path(), bytes, cold),
            )
        })?;
        rows.extend(shape.rows(figures, cold));
    }
    Ok(rows)
}

impl Shape {
    fn rows(&self, figures: [Figures; 2], cold: bool) -> [Row; 2] {
        let [cpu, clock] = figures;
        let (word, goals) = match (cold, self.goals) {
            (false, Some((hot, _))) => ("hot", [Goal::Share(hot), Goal::None]),
            (true, Some((_, cold))) => ("cold", [Goal::None, Goal::Share(cold)]),
            (false, None) => ("hot", [Goal::None; 2]),
            (true, None) => ("cold", [Goal::None; 2]),
        };
        let name = format!("fetch {word}, {}", self.name);
        let unit = Unit::BytesPerSecond;
        [
            Row::new(format!("{name}, by CPU"), unit, cpu, goals[0]),
            Row::new(format!("{name}, by clock"), unit, clock, goals[1]),
        ]
    }
}

/// Fills the partitions in turns; returns how many bytes of batches there are.
fn prepare(options: &Options, data: &Path, shape: Shape) -> Outcome<usize> {
    let broker = engine::open(data)?;
    let topic = engine::create(&broker, TOPIC, u32::try_from(shape.partitions)?)?;
    let batch = batches::batch_of_bytes(shape.batch_bytes, 1 << 10)?;
    let rounds = (options.amount(TURN_BYTES) / batch.len() / shape.partitions).max(1);
    for _ in 0..rounds {
        for partition in 0..shape.partitions {
            broker.produce(engine::to(&topic, partition, batch.clone(), Acks::Written))?;
        }
    }
    broker.close()?;
    Ok(rounds * shape.partitions * batch.len())
}

fn prepare_peer(path: &Path, bytes: usize) -> Outcome<()> {
    let mut file = File::create(path)?;
    let chunk = vec![b'p'; 1 << 20];
    let mut left = bytes;
    while left > 0 {
        let length = left.min(chunk.len());
        file.write_all(&chunk[..length])?;
        left -= length;
    }
    Ok(file.sync_data()?)
}

fn fetch(
    broker: &Process,
    data: &Path,
    shape: Shape,
    bytes: usize,
    cold: bool,
) -> Outcome<[f64; 2]> {
    if cold {
        forget(data)?;
    }
    let mut fetcher = Fetcher::connect(broker.address(), TOPIC, shape.partitions)?;
    let (cpu, since) = (broker.cpu()?, Instant::now());
    let mut fetched = 0;
    while fetched < bytes {
        fetched += fetcher.fetch()?;
    }
    speed(broker, cpu, since, bytes)
}

fn receive(peer: &Process, directory: &Path, bytes: usize, cold: bool) -> Outcome<[f64; 2]> {
    if cold {
        forget(directory)?;
    }
    let (cpu, since) = (peer.cpu()?, Instant::now());
    let mut stream = TcpStream::connect(peer.address())?;
    let mut buffer = vec![0; 1 << 20];
    let mut received = 0;
    while received < bytes {
        match stream.read(&mut buffer)? {
            0 => return Err("the peer closed the connection".into()),
            length => received += length,
        }
    }
    speed(peer, cpu, since, bytes)
}

/// Bytes in a second of the server's processor, and of the clock.
fn speed(
    server: &Process,
    cpu: std::time::Duration,
    since: Instant,
    bytes: usize,
) -> Outcome<[f64; 2]> {
    let clock = since.elapsed().as_secs_f64();
    let cpu = (server.cpu()? - cpu).as_secs_f64();
    Ok([bytes as f64 / cpu, bytes as f64 / clock])
}

/// Takes all files of a directory out of the page cache.
fn forget(directory: &Path) -> Outcome<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let file = File::open(entry.path())?;
            // Only what is on the disk already can be forgotten.
            file.sync_data()?;
            posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
        }
    }
    Ok(())
}
