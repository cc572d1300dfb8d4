//! One run: threads that send and read, a live line, and the table at the end.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use minka::ErrorKind;
use minka::client::{Acks, Admin, NewTopic};
use serde_json::json;

use super::Options;
use super::consuming::consume;
use super::producing::{STAMP_BYTES, produce};
use crate::exit::{Failure, Outcome};
use crate::minka::latency::Latencies;
use crate::minka::output::Output;
use crate::signals;
use crate::terminal::Terminal;
use crate::text;

/// How often the live line is written.
const LIVE: Duration = Duration::from_secs(1);
/// How long consumers may be behind when everything is acknowledged.
const CATCH_UP: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(20);

/// What all threads count, and whether they go on.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) sent: AtomicU64,
    pub(super) acknowledged: AtomicU64,
    pub(super) received: AtomicU64,
    failed: AtomicU64,
    first_failure: Mutex<Option<String>>,
    stop: AtomicBool,
    over: AtomicBool,
}

impl Counters {
    /// Counts a message that was not acknowledged, and lets nobody send more.
    pub(super) fn fail(&self, error: &minka::Error) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let mut first = self.first_failure.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| error.to_string());
        self.stop.store(true, Ordering::Release);
    }

    /// Whether no more is to be sent.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Whether no more is to be read.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

/// Runs it.
pub(super) fn run(options: &Options) -> Outcome {
    let signal = signals::watch()
        .map_err(|error| Failure::new(format_args!("watching for Ctrl-C failed: {error}")))?;
    let admin = options.broker.admin()?;
    let created = create(&admin, options)?;
    let ends: Vec<(u32, u64)> =
        admin.describe_topic(&options.topic)?.partitions.iter().map(|p| (p.index, p.end)).collect();
    let counters = Arc::new(Counters::default());
    let result = load(options, &ends, &counters, &signal);
    if created {
        admin.delete_topic(&options.topic)?;
    }
    let result = result?;
    if let Some(failure) =
        counters.first_failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    {
        return Err(Failure::new(format_args!("a message was not acknowledged: {failure}")));
    }
    report(options, &counters, &result)
}

/// Creates the topic; returns whether it was not there before.
fn create(admin: &Admin, options: &Options) -> Result<bool, Failure> {
    let mut topic = NewTopic::new(&options.topic);
    topic.partitions = Some(options.partitions.unwrap_or(options.producers.max(options.consumers)));
    match admin.create_topic(&topic) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::TopicExists => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What was measured.
#[derive(Debug)]
struct Measured {
    acknowledged: Latencies,
    received: Latencies,
    /// From the first message to the last acknowledgement.
    time: Duration,
}

fn load(
    options: &Options,
    ends: &[(u32, u64)],
    counters: &Arc<Counters>,
    signal: &Receiver<i32>,
) -> Result<Measured, Failure> {
    let began = Instant::now();
    let run = jiff::Timestamp::now().as_nanosecond() as u64;
    thread::scope(|scope| {
        let consumers: Vec<_> = (0..options.consumers as usize)
            .map(|n| {
                let all = ends.iter().skip(n).step_by(options.consumers as usize);
                let own: Vec<_> = all.copied().collect();
                scope.spawn(move || consume(options, &own, counters, began, run))
            })
            .collect();
        let producers: Vec<_> = (0..options.producers)
            .map(|_| scope.spawn(|| produce(options, counters, began, run)))
            .collect();
        let mut live = Live::new(options, began);
        let finished =
            |threads: &[ScopedJoinHandle<'_, _>]| threads.iter().all(ScopedJoinHandle::is_finished);
        while !finished(&producers) && !consumers.iter().any(ScopedJoinHandle::is_finished) {
            if signal.try_recv().is_ok() {
                counters.stop.store(true, Ordering::Release);
            }
            live.show(counters);
            thread::sleep(TICK);
        }
        counters.stop.store(true, Ordering::Release);
        let acknowledged = join(producers);
        let time = began.elapsed();
        let deadline = Instant::now() + CATCH_UP;
        while options.consumers > 0 && !is_all_received(counters) && Instant::now() < deadline {
            live.show(counters);
            thread::sleep(TICK);
        }
        counters.over.store(true, Ordering::Release);
        let received = join(consumers);
        live.end();
        Ok(Measured { acknowledged: acknowledged?, received: received?, time })
    })
}

fn is_all_received(counters: &Counters) -> bool {
    counters.received.load(Ordering::Relaxed) >= counters.acknowledged.load(Ordering::Relaxed)
}

fn join(
    threads: Vec<ScopedJoinHandle<'_, Result<Latencies, Failure>>>,
) -> Result<Latencies, Failure> {
    let mut all = Latencies::new();
    for thread in threads {
        let one = thread.join().map_err(|_| Failure::new("a thread ended because of a bug"))?;
        all.add(&one?);
    }
    Ok(all)
}

/// A line on standard error that says how it goes.
#[derive(Debug)]
struct Live {
    terminal: Terminal,
    quiet: bool,
    began: Instant,
    next: Instant,
    last: (u64, u64),
    bytes: u64,
}

impl Live {
    fn new(options: &Options, began: Instant) -> Self {
        let bytes = options.size.max(STAMP_BYTES) as u64;
        let terminal = Terminal::stderr();
        Self { terminal, quiet: options.json, began, next: began + LIVE, last: (0, 0), bytes }
    }

    fn show(&mut self, counters: &Counters) {
        if self.quiet || Instant::now() < self.next {
            return;
        }
        self.next += LIVE;
        let now = (
            counters.acknowledged.load(Ordering::Relaxed),
            counters.received.load(Ordering::Relaxed),
        );
        let (sent, received) = (now.0 - self.last.0, now.1 - self.last.1);
        self.last = now;
        let line = format!(
            "{:>3} s  acknowledged {}/s ({}/s)  received {}/s",
            self.began.elapsed().as_secs(),
            text::number(sent),
            text::bytes(sent * self.bytes),
            text::number(received),
        );
        let (before, after) =
            if self.terminal.is_terminal() { ("\r\x1b[K", "") } else { ("", "\n") };
        let _ = write!(io::stderr(), "{before}{line}{after}");
    }

    fn end(&self) {
        if self.terminal.is_terminal() && !self.quiet {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn report(options: &Options, counters: &Counters, measured: &Measured) -> Outcome {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (sent, acknowledged) = (count(&counters.sent), count(&counters.acknowledged));
    let received = count(&counters.received);
    let bytes = acknowledged * options.size.max(STAMP_BYTES) as u64;
    let rate = text::per_second(acknowledged, measured.time);
    let byte_rate = text::per_second(bytes, measured.time);
    let output = Output::new(options.json);
    if options.json {
        output.json(json!({
            "sent": sent,
            "acknowledged": acknowledged,
            "received": received,
            "seconds": measured.time.as_secs_f64(),
            "messages_per_second": rate,
            "bytes_per_second": byte_rate,
            "acknowledged_us": measured.acknowledged.json(),
            "received_us": measured.received.json(),
        }))?;
    } else {
        output.text(&format!(
            "{} in {}: {} messages a second, {} a second\n",
            text::count(acknowledged, "message", "messages"),
            text::duration(measured.time),
            text::number(rate),
            text::bytes(byte_rate),
        ))?;
        let mut table = Latencies::table();
        if options.acks != Acks::None {
            measured.acknowledged.row("acknowledged", &mut table);
        }
        if options.consumers > 0 {
            measured.received.row("received", &mut table);
        }
        output.table(|| table, serde_json::Value::Null)?;
    }
    let lost = options.consumers > 0 && options.acks != Acks::None && received < acknowledged;
    if lost {
        let missing = text::number(acknowledged - received);
        return Err(Failure::new(format_args!("{missing} messages were not received")));
    }
    Ok(ExitCode::SUCCESS)
}
