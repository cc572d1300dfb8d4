//! Produce requests over one connection, against the broker that does nothing: messages for each
//! second of the server's processor. And the most memory that the server had meanwhile.

use std::cell::Cell;
use std::ffi::OsString;
use std::time::Instant;

use crate::Outcome;
use crate::batches;
use crate::client::{Client, Requests};
use crate::nothing::Keeping;
use crate::options::Options;
use crate::process::Process;
use crate::row::{Goal, Row, Unit};
use crate::topics;
use crate::turns::{self, Figures};

const TOPIC: &str = "bench";
/// A turn has about this many bytes, and at most so many requests.
const TURN_BYTES: usize = 48 << 20;
const REQUESTS_MAX: usize = 100_000;
/// Requests are prepared in pieces of about this many bytes.
const PIECE_BYTES: usize = 1 << 20;
const RESIDENT_MAX: f64 = 64.0 * 1024.0 * 1024.0;

/// What is sent in a turn.
struct Load {
    requests: Requests,
    times: usize,
    messages: usize,
}

pub(crate) fn measure(options: &Options) -> Outcome<Vec<Row>> {
    let (mut rows, peak) = (Vec::new(), Cell::new(0.0));
    for (acks, word, keeping) in [
        (1, "1", Keeping::Gathered),
        (1, "1, peer writes each", Keeping::Each),
        (-1, "all", Keeping::Synced),
    ] {
        for value_bytes in [100, 1024] {
            for records in [1, 100, 1000] {
                let name = format!("produce {records} x {value_bytes} B, acks={word}");
                let telling = keeping != Keeping::Each || records == 1;
                if !telling || !options.wants_case(&name) {
                    continue;
                }
                let load = Load::new(options, acks, records, value_bytes)?;
                let [cpu, clock] = turns::take(
                    options.turns(),
                    || minka(options, &load, &peak),
                    || nothing(options, &load, keeping),
                )?;
                let goal = match keeping {
                    Keeping::Each => Goal::None,
                    _ => Goal::Share(0.7),
                };
                let by_clock = format!("{name}, by clock");
                rows.push(Row::new(name, Unit::PerSecond, cpu, goal));
                rows.push(Row::new(by_clock, Unit::PerSecond, clock, Goal::None));
            }
        }
    }
    let name = "resident at most while producing";
    let peak = Figures::alone(vec![peak.get()]);
    rows.push(Row::new(name, Unit::Bytes, peak, Goal::AtMost(RESIDENT_MAX)));
    Ok(rows)
}

impl Load {
    fn new(options: &Options, acks: i16, records: usize, value_bytes: usize) -> Outcome<Self> {
        let batch = batches::batch(records, value_bytes)?;
        let one = Requests::new(TOPIC, acks, &batch, 1)?;
        let count = (PIECE_BYTES / one.len()).max(1);
        let requests = Requests::new(TOPIC, acks, &batch, count)?;
        let most = REQUESTS_MAX.min(options.amount(TURN_BYTES) / one.len());
        let times = (most / count).max(1);
        let messages = times * requests.count() * records;
        Ok(Self { requests, times, messages })
    }
}

fn minka(options: &Options, load: &Load, peak: &Cell<f64>) -> Outcome<[f64; 2]> {
    let directory = options.scratch()?;
    let process = Process::broker(options, directory.path())?;
    topics::create(&mut Client::connect(process.address())?, &[TOPIC], 1)?;
    let figures = run(&process, load)?;
    peak.set(process.resident_peak()?.max(peak.get()));
    Ok(figures)
}

fn nothing(options: &Options, load: &Load, keeping: Keeping) -> Outcome<[f64; 2]> {
    let directory = options.scratch()?;
    let file = directory.path().join("log");
    let arguments: [OsString; 3] = ["nothing".into(), file.into(), keeping.argument().into()];
    run(&Process::peer(&arguments)?, load)
}

/// Messages for each second of the server's processor, and of the clock.
fn run(process: &Process, load: &Load) -> Outcome<[f64; 2]> {
    let mut client = Client::connect(process.address())?;
    client.produce(&load.requests, 1)?;
    let (cpu, since) = (process.cpu()?, Instant::now());
    client.produce(&load.requests, load.times)?;
    let clock = since.elapsed().as_secs_f64();
    let cpu = (process.cpu()? - cpu).as_secs_f64();
    let messages = load.messages as f64;
    Ok([messages / cpu, messages / clock])
}
