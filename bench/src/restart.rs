//! From the start of the program to `ready`, with a long log that nobody closed.

use crate::Outcome;
use crate::batches;
use crate::client::{Client, Requests};
use crate::options::Options;
use crate::process::Process;
use crate::row::{Goal, Row, Unit};
use crate::topics;
use crate::turns::Figures;

const LOG_BYTES: usize = 1 << 30;
const BATCH_BYTES: usize = 64 << 10;
const REQUESTS_AT_ONCE: usize = 16;

pub(crate) fn measure(options: &Options) -> Outcome<Vec<Row>> {
    let directory = options.scratch()?;
    let first = Process::broker(options, directory.path())?;
    let batch = batches::batch_of_bytes(BATCH_BYTES, 1 << 10)?;
    let requests = Requests::new("bench", 1, &batch, REQUESTS_AT_ONCE)?;
    let times = options.amount(LOG_BYTES) / requests.len();
    let mut client = Client::connect(first.address())?;
    topics::create(&mut client, &["bench"], 1)?;
    client.produce(&requests, times.max(1))?;
    // Going away, it is killed.
    drop(first);
    let mut seconds = Vec::new();
    for _ in 0..options.turns() {
        let again = Process::broker(options, directory.path())?;
        seconds.push(again.ready_after().as_secs_f64());
    }
    let row = |name, seconds| {
        let figures = Figures::alone(seconds);
        Row::new(name, Unit::Seconds, figures, Goal::AtMost(0.5))
    };
    Ok(vec![
        row("first start after SIGKILL, 1 GiB log", seconds[..1].to_vec()),
        row("later starts after SIGKILL, 1 GiB log", seconds),
    ])
}
