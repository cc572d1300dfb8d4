//! Queue groups: each message goes to one member, until somebody has accepted it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use minka::client::{Consumer, NewTopic, Records};

use crate::world::{MOMENT, PATIENCE, Place, World, nothing_comes, values};

pub(crate) fn queue_group_shares(place: Place) {
    let world = World::new(place);
    world.admin().create_topic(&NewTopic::new("t").with_partitions(2)).unwrap();
    world.queue_group("g", &[]);
    let open = || {
        let mut member = world.consumer(&[("group.id", "g"), ("max.poll.records", "5")]);
        member.subscribe(&["t"]).unwrap();
        member
    };
    let mut members = [open(), open()];
    world.wait_for_members("g", 2);
    let text: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    world.send("t", &text.iter().map(String::as_str).collect::<Vec<_>>());
    let mut times = BTreeMap::<String, u32>::new();
    let deadline = Instant::now() + PATIENCE;
    while times.len() < text.len() {
        assert!(Instant::now() < deadline, "only {} of 100 came", times.len());
        for member in &mut members {
            for record in &member.poll(MOMENT).unwrap() {
                let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                *times.entry(value).or_default() += 1;
            }
        }
    }
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    for member in members {
        member.close().unwrap();
    }
    let described = world.admin().describe_group("g").unwrap();
    assert!(described.partitions.iter().all(|partition| partition.lag == Some(0)), "{described:?}");
}

pub(crate) fn queue_release_and_reject(place: Place) {
    let world = World::new(place);
    world.topic("t");
    world.queue_group("g", &[]);
    world.send("t", &["accepted", "released", "rejected"]);
    let mut member = world.worker("g", "t");
    let records = some(&mut member, 3);
    let all: Vec<_> = records.iter().collect();
    assert!(all.iter().all(|record| record.delivery_count == 1));
    member.accept(&all[0]).unwrap();
    member.release(&all[1]).unwrap();
    member.reject(&all[2]).unwrap();
    member.commit().unwrap();
    let records = some(&mut member, 1);
    let again = records.iter().next().unwrap();
    assert_eq!((again.value, again.delivery_count), (Some(&b"released"[..]), 2));
    member.accept(&again).unwrap();
    member.commit().unwrap();
    nothing_comes(&mut member);
    member.close().unwrap();
    let mut other = world.worker("g", "t");
    nothing_comes(&mut other);
}

pub(crate) fn queue_renew() {
    let world = World::new(Place::InProcess);
    world.topic("t");
    // Sessions are longer than all that the clock is moved by: only the lock can run out.
    world.queue_group("g", &[("share.session.timeout.ms", "600000")]);
    world.send("t", &["slow"]);
    let mut first = world.worker("g", "t");
    let records = some(&mut first, 1);
    let slow = records.iter().next().unwrap();
    let mut other = world.worker("g", "t");
    world.wait_for_members("g", 2);
    for _ in 0..3 {
        // The lock is 30 s long.
        world.broker().advance_clock(Duration::from_secs(20)).unwrap();
        nothing_comes(&mut other);
        first.renew(&slow).unwrap();
        first.commit().unwrap();
    }
    first.accept(&slow).unwrap();
    first.commit().unwrap();
    world.broker().advance_clock(Duration::from_secs(31)).unwrap();
    nothing_comes(&mut other);
}

pub(crate) fn queue_dead_letters(place: Place) {
    let world = World::new(place);
    world.topic("t");
    let settings = [("minka.dead.letter.enable", "true"), ("share.delivery.count.limit", "2")];
    world.queue_group("g", &settings);
    world.send("t", &["too hard", "bad"]);
    let mut member = world.worker("g", "t");
    let records = some(&mut member, 2);
    let all: Vec<_> = records.iter().collect();
    member.release(&all[0]).unwrap();
    member.reject(&all[1]).unwrap();
    member.commit().unwrap();
    let records = some(&mut member, 1);
    let last = records.iter().next().unwrap();
    assert_eq!(last.delivery_count, 2);
    member.release(&last).unwrap();
    member.commit().unwrap();
    nothing_comes(&mut member);
    // A consumer waits for the topic, too.
    let mut dead = values(&mut world.reader("t.dlq"), 2);
    dead.sort();
    assert_eq!(dead, ["bad", "too hard"]);
}

/// Polls until something comes, which must be as many records.
fn some(member: &mut Consumer, count: usize) -> Records {
    let records = member.poll(PATIENCE).unwrap();
    assert_eq!(records.len(), count);
    records
}
