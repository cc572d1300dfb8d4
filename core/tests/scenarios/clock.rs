//! A clock that the test moves: what was due has happened when the call returns.

use std::time::Duration;

use minka::client::{Message, NewTopic};

use crate::world::{MOMENT, PATIENCE, Place, World, members, send, take, values};

pub(crate) fn clock_expires_retention(place: Place) {
    let world = World::new(place);
    let new = NewTopic::new("t").with_partitions(1).with_setting("retention.ms", "60000");
    world.admin().create_topic(&new).unwrap();
    world.topic("kept");
    world.send("t", &["old", "older"]);
    world.send("kept", &["old"]);
    let start = || world.admin().describe_topic("t").unwrap().partitions[0].start;
    world.broker().advance_clock(Duration::from_secs(50)).unwrap();
    assert_eq!(start(), 0);
    // The time of a record is that of its producer, whose clock nobody has moved.
    let now = world.broker().clock().wall();
    let new = Message::new("t", b"new").with_timestamp(now);
    assert_eq!(send(&world.producer(), new).unwrap().offset, Some(2));
    world.broker().advance_clock(Duration::from_secs(20)).unwrap();
    assert_eq!(start(), 2);
    assert_eq!(values(&mut world.reader("t"), 1), ["new"]);
    assert_eq!(values(&mut world.reader("kept"), 1), ["old"]);
}

pub(crate) fn clock_expires_locks(place: Place) {
    let world = World::new(place);
    world.topic("t");
    // Sessions are longer than the lock: only that can run out.
    let settings =
        [("share.record.lock.duration.ms", "60000"), ("share.session.timeout.ms", "600000")];
    world.queue_group("g", &settings);
    world.send("t", &["a"]);
    let mut slow = world.worker("g", "t");
    assert_eq!(take(&mut slow, 1)[0].delivery_count, 1);
    let mut other = world.worker("g", "t");
    world.wait_for_members("g", 2);
    assert!(other.poll(MOMENT).unwrap().is_empty());
    world.broker().advance_clock(Duration::from_secs(60)).unwrap();
    let records = other.poll(PATIENCE).unwrap();
    let again = records.iter().next().unwrap();
    assert_eq!((again.value, again.delivery_count), (Some(&b"a"[..]), 2));
    other.accept(&again).unwrap();
    other.commit().unwrap();
}

pub(crate) fn clock_expires_sessions(place: Place) {
    // A member that has just joined is silent for longer than this test takes.
    let settings = [
        ("group.consumer.heartbeat.interval.ms", "40000"),
        ("group.consumer.session.timeout.ms", "45000"),
    ];
    let world = World::with(place, &settings);
    world.topic("t");
    world.send("t", &["a"]);
    let admin = world.admin();
    let share = [
        ("share.heartbeat.interval.ms", Some("40000")),
        ("share.session.timeout.ms", Some("45000")),
        ("share.auto.offset.reset", Some("earliest")),
    ];
    admin.alter_group("queue", &share).unwrap();
    let mut member = world.member("partitions", "t");
    assert_eq!(values(&mut member, 1), ["a"]);
    let mut worker = world.worker("queue", "t");
    assert_eq!(values(&mut worker, 1), ["a"]);
    for group in ["partitions", "queue"] {
        assert_eq!(members(&admin, group), 1, "{group}");
    }
    world.broker().advance_clock(Duration::from_secs(46)).unwrap();
    for group in ["partitions", "queue"] {
        assert_eq!(members(&admin, group), 0, "{group}");
    }
    // What they had goes to others.
    assert_eq!(values(&mut world.member("partitions", "t"), 1), ["a"]);
    assert_eq!(values(&mut world.worker("queue", "t"), 1), ["a"]);
}
