//! One message at a time from a producer to a consumer, against one that goes over a loopback
//! connection and back: two trips through the kernel each.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use minka::client::{
    Consumer, ConsumerConfig, Group, Message, Producer, ProducerConfig, StartAt, Target,
};
use minka::engine::{Acks, Broker};

use crate::Outcome;
use crate::echo::Pinger;
use crate::engine;
use crate::options::Options;
use crate::process::{Process, apart};
use crate::row::{Goal, Row, Unit};
use crate::turns::{self, Figures};

const MESSAGE_BYTES: usize = 100;
const MESSAGES: usize = 5000;
/// With a pause before each: long enough for what the last one has left to do.
const MESSAGES_APART: usize = 500;
const PAUSE: Duration = Duration::from_millis(3);
/// So many do not count, at the beginning.
const WARM_UP: usize = 200;
const PATIENCE: Duration = Duration::from_secs(30);
const GOAL: Goal = Goal::Times(3.0);

/// How the consumer reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Partition,
    Queue,
}

/// What is measured: with a broker of its own process or in this one.
#[derive(Debug, Clone, Copy)]
struct Case {
    name: &'static str,
    reading: Reading,
    pause: bool,
    goal: Goal,
}

const CASES: [Case; 4] = [
    Case { name: "loopback, partition", reading: Reading::Partition, pause: false, goal: GOAL },
    Case {
        name: "loopback, partition, apart",
        reading: Reading::Partition,
        pause: true,
        goal: Goal::None,
    },
    Case {
        // Each fetch has the acceptance of the last message with it, which waits for the disk.
        name: "loopback, queue",
        reading: Reading::Queue,
        pause: false,
        goal: Goal::None,
    },
    Case { name: "loopback, queue, apart", reading: Reading::Queue, pause: true, goal: GOAL },
];

pub(crate) fn measure(options: &Options) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    let peer = Process::peer(&["echo"])?;
    let name = "in process";
    if options.wants_case(name) {
        let figures =
            turns::take(options.turns(), || in_process(options), || ping(options, &peer, false))?;
        rows.extend(lines(name, GOAL, figures));
    }
    for case in CASES.iter().filter(|case| options.wants_case(case.name)) {
        let directory = options.scratch()?;
        prepare(options, directory.path())?;
        let broker = Process::broker(options, directory.path())?;
        let mut turn = 0;
        let figures = apart(&[&broker, &peer], || {
            turns::take(
                options.turns(),
                || {
                    turn += 1;
                    over_loopback(options, &broker, *case, turn - 1)
                },
                || ping(options, &peer, case.pause),
            )
        })?;
        rows.extend(lines(case.name, case.goal, figures));
    }
    Ok(rows)
}

fn lines(name: &str, goal: Goal, [half, most]: [Figures; 2]) -> [Row; 2] {
    let name = format!("round trip of 100 B, {name}");
    [
        Row::new(format!("{name}, p50"), Unit::Seconds, half, goal),
        Row::new(format!("{name}, p99"), Unit::Seconds, most, Goal::None),
    ]
}

/// A topic, and a group that begins at its start, for each turn.
fn prepare(options: &Options, data: &Path) -> Outcome<()> {
    let broker = engine::open(data)?;
    for turn in 0..=options.turns() {
        let topic = engine::create(&broker, &topic(turn), 1)?;
        broker.reset_queue(&group(turn), &[(topic.partitions[0].number(), 0)])?;
    }
    Ok(broker.close()?)
}

fn in_process(options: &Options) -> Outcome<[f64; 2]> {
    let directory = options.scratch()?;
    let broker: Arc<Broker> = Arc::new(engine::open(directory.path())?);
    engine::create(&broker, &topic(0), 1)?;
    let mut consumer = Consumer::open(&broker, ConsumerConfig::default())?;
    consumer.assign(&[(&topic(0), 0, StartAt::Earliest)])?;
    let figures = trips(options, Target::from(&broker), consumer, &topic(0), false)?;
    broker.close()?;
    Ok(figures)
}

fn over_loopback(
    options: &Options,
    broker: &Process,
    case: Case,
    turn: usize,
) -> Outcome<[f64; 2]> {
    let (address, topic) = (broker.address().to_string(), topic(turn));
    let is_queue = case.reading == Reading::Queue;
    let group = is_queue.then(|| Group::Queue(group(turn)));
    let config = ConsumerConfig { group, ..ConsumerConfig::default() };
    let mut consumer = Consumer::open(&address[..], config)?;
    match case.reading {
        Reading::Partition => consumer.assign(&[(&topic, 0, StartAt::Earliest)])?,
        Reading::Queue => consumer.subscribe(&[&topic])?,
    }
    trips(options, Target::from(address), consumer, &topic, case.pause)
}

/// Sends messages, each when the last one has arrived at another thread.
fn trips(
    options: &Options,
    target: Target,
    consumer: Consumer,
    topic: &str,
    pause: bool,
) -> Outcome<[f64; 2]> {
    let config = ProducerConfig { acks: Acks::Written, ..ProducerConfig::default() };
    let producer = Producer::open(target, config)?;
    let (sender, arrivals) = channel();
    let (done, waker) = (AtomicBool::new(false), consumer.waker());
    let figures = thread::scope(|scope| {
        let consuming = scope.spawn(|| consume(consumer, &sender, &done));
        let figures = percentiles(options, pause, || trip(&producer, topic, &arrivals));
        done.store(true, Ordering::SeqCst);
        waker.wake();
        consuming.join().map_err(|_| "the consumer panicked")??;
        figures
    })?;
    producer.close(PATIENCE)?;
    Ok(figures)
}

fn trip(producer: &Producer, topic: &str, arrivals: &Receiver<Instant>) -> Outcome<Duration> {
    let since = Instant::now();
    let delivery = producer.send(Message::new(topic, &[b'm'; MESSAGE_BYTES]))?;
    let arrived = arrivals.recv_timeout(PATIENCE)?;
    delivery.wait(PATIENCE)?;
    Ok(arrived.duration_since(since))
}

/// Says when each message arrives.
fn consume(mut consumer: Consumer, arrivals: &Sender<Instant>, done: &AtomicBool) -> Outcome<()> {
    while !done.load(Ordering::SeqCst) {
        match consumer.poll(PATIENCE) {
            Ok(records) => {
                let now = Instant::now();
                records.iter().try_for_each(|_| arrivals.send(now))?;
            }
            Err(error) if error.kind() == minka::ErrorKind::Interrupted => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(consumer.close()?)
}

fn ping(options: &Options, peer: &Process, pause: bool) -> Outcome<[f64; 2]> {
    let mut pinger = Pinger::connect(peer.address())?;
    let mut message = [b'm'; MESSAGE_BYTES];
    percentiles(options, pause, || {
        let since = Instant::now();
        pinger.ping(&mut message)?;
        Ok(since.elapsed())
    })
}

/// The median of what `act` returns, and what 99 of 100 are below, in seconds.
fn percentiles(
    options: &Options,
    pause: bool,
    mut act: impl FnMut() -> Outcome<Duration>,
) -> Outcome<[f64; 2]> {
    for _ in 0..options.amount(WARM_UP) {
        act()?;
    }
    let count = options.amount(if pause { MESSAGES_APART } else { MESSAGES });
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        if pause {
            thread::sleep(PAUSE);
        }
        all.push(act()?);
    }
    all.sort_unstable();
    Ok([all[count / 2].as_secs_f64(), all[count * 99 / 100].as_secs_f64()])
}

fn topic(turn: usize) -> String {
    format!("topic-{turn}")
}

fn group(turn: usize) -> String {
    format!("group-{turn}")
}
