//! Ends, and what they do to calls that wait.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use minka::ErrorKind;
use minka::client::{Message, NewTopic, ResetTo, StartAt};
use minka::engine::{Effect, EventKind, Fault};

use crate::world::{MOMENT, PATIENCE, Place, World, kind, members, poll, send, values};

/// In Rust a consumer is closed by whoever has it, which is the thread that polls: another one
/// wakes it. Where a consumer can be closed from elsewhere, its poll ends with `CLOSED`.
pub(crate) fn close_ends_a_blocked_poll(place: Place) {
    let world = World::new(place);
    world.topic("t");
    for group_type in ["queue", "partitions"] {
        let settings = [("group.id", group_type), ("group.type", group_type)];
        let mut consumer = world.consumer(&settings);
        consumer.subscribe(&["t"]).unwrap();
        let waker = consumer.waker();
        let ends = thread::spawn(move || {
            let polled = consumer.poll(PATIENCE);
            consumer.close().unwrap();
            polled
        });
        world.wait_for_members(group_type, 1);
        waker.wake();
        assert_eq!(kind(ends.join().unwrap()), ErrorKind::Interrupted);
        assert_eq!(members(&world.admin(), group_type), 0);
    }
}

pub(crate) fn wake_ends_a_blocked_poll(place: Place) {
    let world = World::new(place);
    world.topic("t");
    let mut consumer = world.reader("t");
    let waker = consumer.waker();
    thread::scope(|scope| {
        let polled = scope.spawn(|| poll(&mut consumer, PATIENCE));
        waker.wake();
        assert_eq!(kind(polled.join().unwrap()), ErrorKind::Interrupted);
    });
    world.send("t", &["a"]);
    assert_eq!(values(&mut consumer, 1), ["a"]);
    // Waking before a poll ends that one, and twice is once.
    waker.wake();
    waker.wake();
    assert_eq!(kind(poll(&mut consumer, PATIENCE)), ErrorKind::Interrupted);
    world.send("t", &["b"]);
    assert_eq!(values(&mut consumer, 1), ["b"]);
}

pub(crate) fn close_ends_a_blocked_send() {
    let world = World::new(Place::InProcess);
    world.topic("t");
    let slow = Fault {
        at: "disk.sync".to_owned(),
        nth: 1,
        times: u64::MAX,
        effect: Effect::Delay(Duration::from_secs(2)),
    };
    world.broker().inject(slow).unwrap();
    let producer = world.producer_with(&[("batch.size", "1000"), ("buffer.memory", "4000")]);
    let (full, is_full) = mpsc::channel();
    thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let mut deliveries = Vec::new();
            loop {
                if deliveries.len() == 4 {
                    // The next one does not fit.
                    full.send(()).unwrap();
                }
                match producer.send(Message::new("t", &[0; 900])) {
                    Ok(delivery) => deliveries.push(delivery),
                    Err(error) => return (deliveries, error),
                }
            }
        });
        is_full.recv_timeout(PATIENCE).unwrap();
        // Nothing is acknowledged in so short a time.
        assert_eq!(kind(producer.close(MOMENT)), ErrorKind::Timeout);
        world.broker().clear_faults();
        let (deliveries, error) = sending.join().unwrap();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        for delivery in deliveries {
            if let Err(error) = delivery.wait(PATIENCE) {
                assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
            }
        }
    });
}

pub(crate) fn use_after_close(place: Place) {
    let world = World::new(place);
    world.topic("t");
    let producer = world.producer();
    producer.close(PATIENCE).unwrap();
    assert_eq!(kind(producer.send(Message::new("t", b"v"))), ErrorKind::Closed);
    assert_eq!(kind(producer.send_with(Message::new("t", b"v"), |_| {})), ErrorKind::Closed);

    let mut events = world.broker().watch_events(10);
    world.embedded.close().unwrap();
    let broker = world.broker();
    assert_eq!(kind(world.embedded.listen("127.0.0.1:0")), ErrorKind::Closed);
    assert_eq!(kind(broker.advance_clock(MOMENT)), ErrorKind::Closed);
    assert_eq!(kind(broker.wait_until_idle(None, MOMENT)), ErrorKind::Closed);
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(kind(broker.snapshot(directory.path())), ErrorKind::Closed);
    // What was told of it is still there.
    let told = std::iter::from_fn(|| events.next(PATIENCE).unwrap());
    assert_eq!(told.last().unwrap().kind, EventKind::Closing);
    if place == Place::InProcess {
        clients_of_a_closed_broker(&world);
    }
}

fn clients_of_a_closed_broker(world: &World) {
    let producer = world.producer();
    assert_eq!(kind(send(&producer, Message::new("t", b"v"))), ErrorKind::Closed);
    let mut consumer = world.consumer(&[]);
    consumer.assign(&[("t", 0, StartAt::Earliest)]).unwrap();
    assert_eq!(kind(consumer.poll(PATIENCE)), ErrorKind::Closed);
    let admin = world.admin();
    let none: &[(&str, Option<&str>)] = &[];
    assert_eq!(kind(admin.create_topic(&NewTopic::new("u"))), ErrorKind::Closed);
    assert_eq!(kind(admin.delete_topic("t")), ErrorKind::Closed);
    assert_eq!(kind(admin.add_partitions("t", 2)), ErrorKind::Closed);
    assert_eq!(kind(admin.alter_topic("t", none)), ErrorKind::Closed);
    assert_eq!(kind(admin.alter_group("g", none)), ErrorKind::Closed);
    assert_eq!(kind(admin.reset_group("g", "t", ResetTo::Earliest)), ErrorKind::Closed);
    assert_eq!(kind(admin.delete_group("g")), ErrorKind::Closed);
    assert_eq!(kind(admin.topics()), ErrorKind::Closed);
    assert_eq!(kind(admin.describe_topic("t")), ErrorKind::Closed);
    assert_eq!(kind(admin.groups()), ErrorKind::Closed);
    assert_eq!(kind(admin.describe_group("g")), ErrorKind::Closed);
    assert_eq!(kind(admin.cluster()), ErrorKind::Closed);
}

pub(crate) fn close_twice(place: Place) {
    let world = World::new(place);
    world.topic("t");
    let producer = world.producer();
    send(&producer, Message::new("t", b"v")).unwrap();
    producer.close(PATIENCE).unwrap();
    producer.close(PATIENCE).unwrap();
    // Closing a consumer takes it, so that there is no second time; its waker may be left over.
    let consumer = world.reader("t");
    let waker = consumer.waker();
    consumer.close().unwrap();
    waker.wake();
    world.embedded.close().unwrap();
    world.embedded.close().unwrap();
}

pub(crate) fn broker_closes_under_clients(place: Place) {
    const SOON: Duration = Duration::from_secs(2);
    let world = World::new(place);
    world.topic("t");
    let timeout = [("delivery.timeout.ms", "2000"), ("max.block.ms", "2000")];
    let producer = world.producer_with(&timeout);
    send(&producer, Message::new("t", b"v")).unwrap();
    let request = ("request.timeout.ms", "2000");
    let mut reader = world.consumer(&[request]);
    reader.assign(&[("t", 0, StartAt::Latest)]).unwrap();
    let mut worker = world.consumer(&[("group.id", "g"), request]);
    worker.subscribe(&["t"]).unwrap();
    // In this process a poll is ended by the broker. Over a socket it hopes for a new one.
    let patience = if place == Place::InProcess { PATIENCE } else { SOON };
    thread::scope(|scope| {
        let world = &world;
        let polls = [reader, worker].map(|mut consumer| {
            scope.spawn(move || {
                let until = Instant::now() + patience;
                let polled = loop {
                    // What goes wrong between two connections is told once, and tried again.
                    let polled = consumer.poll(patience);
                    let is_over = Instant::now() >= until;
                    if is_over || kind_of(&polled) == Some(ErrorKind::Closed) {
                        break polled.map(|records| records.len());
                    }
                };
                // It may have something to tell that nobody hears any more.
                let _ = consumer.close();
                polled
            })
        });
        world.wait_for_members("g", 1);
        world.embedded.close().unwrap();
        for polled in polls {
            match polled.join().unwrap() {
                Ok(count) => assert_eq!((place, count), (Place::Socket, 0)),
                Err(error) => check(place, &error),
            }
        }
    });
    check(place, &send(&producer, Message::new("t", b"v")).unwrap_err());
}

fn kind_of<T>(result: &minka::Result<T>) -> Option<ErrorKind> {
    result.as_ref().err().map(minka::Error::kind)
}

/// The error of a client whose broker is gone.
fn check(place: Place, error: &minka::Error) {
    match place {
        Place::InProcess => assert_eq!(error.kind(), ErrorKind::Closed, "{error}"),
        Place::Socket => assert!(error.kind().is_retriable(), "{error}"),
    }
}
