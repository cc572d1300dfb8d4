//! Faults that a test asks for.

use std::time::{Duration, Instant};

use minka::ErrorKind;
use minka::client::Message;
use minka::engine::{Effect, Fault};

use crate::world::{PATIENCE, Place, World, kind, nothing_comes, poll, send, values};

pub(crate) fn fault_fails_the_nth_produce(place: Place) {
    let world = World::new(place);
    world.topic("t");
    let producer = world.producer();
    inject(&world, "Produce", 2, Effect::Error(ErrorKind::PolicyViolation));
    let send = |value: &str| send(&producer, Message::new("t", value.as_bytes()));
    assert_eq!(send("first").unwrap().offset, Some(0));
    assert_eq!(kind(send("second")), ErrorKind::PolicyViolation);
    assert_eq!(send("third").unwrap().offset, Some(1));
    assert_eq!(values(&mut world.reader("t"), 2), ["first", "third"]);
    // One that is taken back does not happen.
    inject(&world, "Produce", 1, Effect::Error(ErrorKind::PolicyViolation));
    world.broker().clear_faults();
    assert_eq!(send("fourth").unwrap().offset, Some(2));
    // What can be tried again is over a socket, and the application hears nothing of it.
    if place == Place::Socket {
        inject(&world, "Produce", 1, Effect::Error(ErrorKind::NotLeader));
        assert_eq!(send("fifth").unwrap().offset, Some(3));
    }
}

pub(crate) fn fault_delays(place: Place) {
    const LATE: Duration = Duration::from_millis(300);
    let world = World::new(place);
    world.topic("t");
    world.send("t", &["a"]);
    inject(&world, "Fetch", 1, Effect::Delay(LATE));
    let since = Instant::now();
    let mut reader = world.reader("t");
    assert_eq!(values(&mut reader, 1), ["a"]);
    assert!(since.elapsed() >= LATE, "it came after {:?}", since.elapsed());
}

pub(crate) fn fault_drops_connections() {
    let world = World::new(Place::Socket);
    world.topic("t");
    let producer = world.producer();
    let send = |value: &str| send(&producer, Message::new("t", value.as_bytes()));
    send("first").unwrap();
    inject(&world, "Produce", 1, Effect::DropAnswer);
    assert_eq!(send("answer lost").unwrap().offset, Some(1));
    inject(&world, "Produce", 1, Effect::DropRequest);
    assert_eq!(send("request lost").unwrap().offset, Some(2));
    world.embedded.drop_connections();
    assert_eq!(send("last").unwrap().offset, Some(3));
    let mut reader = world.reader("t");
    assert_eq!(values(&mut reader, 4), ["first", "answer lost", "request lost", "last"]);
    // A consumer comes back too.
    world.embedded.drop_connections();
    send("more").unwrap();
    let deadline = Instant::now() + PATIENCE;
    let more = loop {
        assert!(Instant::now() < deadline, "nothing came any more");
        match poll(&mut reader, Duration::from_secs(1)) {
            Ok(records) if records.is_empty() => {}
            Ok(records) => break records,
            Err(error) => assert!(error.kind().is_retriable(), "{error}"),
        }
    };
    assert_eq!((more.len(), more[0].text()), (1, "more".to_owned()));
    nothing_comes(&mut reader);
}

pub(crate) fn fault_fails_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let data = [("data", directory.path().to_str().unwrap())];
    let world = World::with(Place::InProcess, &data);
    world.topic("t");
    world.send("t", &["before"]);
    inject(&world, "disk.sync", 1, Effect::Error(ErrorKind::StorageFailed));
    let producer = world.producer();
    for value in ["failed", "refused"] {
        let message = Message::new("t", value.as_bytes());
        assert_eq!(kind(send(&producer, message)), ErrorKind::StorageFailed, "{value}");
    }
    drop(producer);
    // It may say that not everything is on the disk.
    let _ = world.embedded.close();
    drop(world);
    let world = World::with(Place::InProcess, &data);
    world.send("t", &["after"]);
    let mut reader = world.reader("t");
    let first = values_until(&mut reader, "after");
    // Whether a record is there whose sync failed is not known.
    assert!(first == ["before", "after"] || first == ["before", "failed", "after"], "{first:?}");
}

/// Polls until there is this value, which is the last.
fn values_until(reader: &mut minka::client::Consumer, last: &str) -> Vec<String> {
    let mut all = Vec::new();
    while all.last().is_none_or(|value| value != last) {
        all.extend(poll(reader, PATIENCE).unwrap().iter().map(crate::world::Got::text));
    }
    all
}

/// Has something happen to one call.
fn inject(world: &World, at: &str, nth: u64, effect: Effect) {
    let fault = Fault { at: at.to_owned(), nth, times: 1, effect };
    world.broker().inject(fault).unwrap();
}
