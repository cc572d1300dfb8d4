//! Two workers share the jobs of a queue group: each job goes to one of them, until it is settled.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use minka::client::{
    Admin, AdminConfig, Consumer, ConsumerConfig, Group, Message, NewTopic, Producer,
    ProducerConfig, Target,
};
use minka::engine::Hooks;
use minka::{Embedded, ErrorKind};

const JOBS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(10);

/// How many jobs came to which end.
#[derive(Default)]
struct Counts {
    done: AtomicUsize,
    released: AtomicUsize,
    rejected: AtomicUsize,
}

fn main() -> minka::Result<()> {
    let broker = Embedded::open(&[], Hooks::default())?;
    let address = std::env::args().nth(1);
    let target = address.map_or_else(|| Target::from(broker.broker()), Target::from);

    let admin = Admin::open(target.clone(), AdminConfig::default())?;
    match admin.create_topic(&NewTopic::new("jobs").with_partitions(1)) {
        Err(error) if error.kind() != ErrorKind::TopicExists => return Err(error),
        _ => {}
    }
    // A queue group begins with what comes after it, unless it says otherwise.
    let settings =
        [("share.auto.offset.reset", Some("earliest")), ("minka.retry.backoff.ms", Some("1"))];
    admin.alter_group("workers", &settings)?;

    let producer = Producer::open(target.clone(), ProducerConfig::default())?;
    let mut deliveries = Vec::new();
    for number in 0..JOBS {
        deliveries.push(producer.send(Message::new("jobs", format!("job {number}").as_bytes()))?);
    }
    for delivery in deliveries {
        delivery.wait(PATIENCE)?;
    }

    let counts = Counts::default();
    thread::scope(|scope| {
        let workers = [(); 2].map(|()| scope.spawn(|| work(target.clone(), &counts)));
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker panicked"))
    })?;
    let Counts { done, released, rejected } = &counts;
    println!(
        "settled: {} done, {} released, {} rejected",
        done.load(SeqCst),
        released.load(SeqCst),
        rejected.load(SeqCst)
    );
    producer.close(PATIENCE)?;
    broker.close()
}

/// Works until all jobs are settled.
fn work(target: Target, counts: &Counts) -> minka::Result<()> {
    let group = Some(Group::Queue("workers".to_owned()));
    let config =
        ConsumerConfig { group, auto_commit: false, records_max: 3, ..ConsumerConfig::default() };
    let mut consumer = Consumer::open(target, config)?;
    consumer.subscribe(&["jobs"])?;
    while counts.done.load(SeqCst) + counts.rejected.load(SeqCst) < JOBS {
        for record in &consumer.poll(Duration::from_millis(100))? {
            let job = String::from_utf8_lossy(record.value.unwrap_or_default());
            if job == "job 3" && record.delivery_count == 1 {
                // Somebody is to try again.
                consumer.release(&record)?;
                println!("released: {job}");
                counts.released.fetch_add(1, SeqCst);
            } else if job == "job 7" {
                // Nobody can do it.
                consumer.reject(&record)?;
                println!("rejected: {job}");
                counts.rejected.fetch_add(1, SeqCst);
            } else {
                consumer.accept(&record)?;
                println!("done: {job}");
                counts.done.fetch_add(1, SeqCst);
            }
        }
        consumer.commit()?;
    }
    consumer.close()
}
