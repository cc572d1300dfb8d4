//! Members of a group that share partitions: who reads what, and from where others go on.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod client_consumer_common;

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use client_consumer_common::{PATIENCE, Seen, World, poll_until, seen, take, values};
use minka::ErrorKind;
use minka::client::{Consumer, ConsumerConfig, Group, Start, StartAt};

/// Runs every scene in this process and over a socket.
macro_rules! scenes {
    ($($scene:ident)*) => {
        mod in_process {
            $( #[test] fn $scene() { super::$scene(&super::World::in_process()); } )*
        }
        mod over_tcp {
            $( #[test] fn $scene() { super::$scene(&super::World::over_tcp()); } )*
        }
    };
}

scenes! {
    one_member_reads_everything
    two_members_share_the_partitions
    a_member_that_closes_hands_over
    positions_survive_a_restart
    closing_commits_what_was_returned
    without_auto_commit_only_commits_count
    positions_are_committed_in_intervals
    a_panic_does_not_commit_what_was_in_hand
    a_topic_that_comes_later_is_read
    another_subscription_takes_the_place_of_the_last
    who_does_not_poll_loses_its_partitions
    a_waker_ends_the_poll_of_a_member
    what_makes_no_sense_is_refused
    groups_do_not_know_each_other
    seeking_and_pausing_work_for_members
}

fn member(world: &World, group: &str) -> Consumer {
    member_with(world, group, |_| {})
}

fn member_with(world: &World, group: &str, change: impl FnOnce(&mut ConsumerConfig)) -> Consumer {
    let mut consumer = world.consumer_with(|config| {
        config.group = Some(Group::Partitions(group.to_owned()));
        change(config);
    });
    consumer.subscribe(&["t"]).unwrap();
    consumer
}

/// Polls until the member has as many partitions. Nothing comes meanwhile.
fn settle(consumer: &mut Consumer, partitions: usize) {
    let came = poll_until(consumer, |consumer| consumer.assignment().len() == partitions);
    assert_eq!(came, []);
}

fn members(world: &World, group: &str) -> usize {
    let described = world.broker().describe_consumer_group(group);
    described.map_or(0, |group| group.members.len())
}

fn one_member_reads_everything(world: &World) {
    world.topic("t", 3);
    for partition in 0..3 {
        world.produce("t", partition, &["a", "b"]);
    }
    let mut consumer = member(world, "g");
    let mut all = take(&mut consumer, 6);
    all.sort();
    let texts: Vec<_> = all.iter().map(|s| format!("{}{}", s.partition, s.value)).collect();
    assert_eq!(texts, ["0a", "0b", "1a", "1b", "2a", "2b"]);
    assert_eq!(consumer.assignment().len(), 3);
    assert_eq!(members(world, "g"), 1);
    consumer.close().unwrap();
    assert_eq!(members(world, "g"), 0);
}

fn two_members_share_the_partitions(world: &World) {
    world.topic("t", 4);
    let mut first = member(world, "g");
    settle(&mut first, 4);
    for partition in 0..4 {
        world.produce("t", partition, &["a"]);
    }
    take(&mut first, 4);
    let mut second = member(world, "g");
    thread::scope(|scope| {
        let second = scope.spawn(|| settle(&mut second, 2));
        settle(&mut first, 2);
        while !second.is_finished() {
            assert!(first.poll(Duration::from_millis(10)).unwrap().is_empty());
        }
    });
    let of = |consumer: &Consumer| consumer.assignment().into_iter().collect::<BTreeSet<_>>();
    assert!(of(&first).is_disjoint(&of(&second)));
    // What the first one read was committed before it gave partitions up: it comes to nobody again.
    for partition in 0..4 {
        world.produce("t", partition, &["b"]);
    }
    let mut both = take(&mut first, 2);
    both.extend(take(&mut second, 2));
    both.sort();
    let expected = |partition| Seen { partition, offset: 1, value: "b".to_owned() };
    assert_eq!(both, [0, 1, 2, 3].map(expected));
}

fn a_member_that_closes_hands_over(world: &World) {
    world.topic("t", 2);
    let mut first = member(world, "g");
    settle(&mut first, 2);
    world.produce("t", 0, &["a"]);
    world.produce("t", 1, &["a"]);
    take(&mut first, 2);
    let mut second = member(world, "g");
    first.close().unwrap();
    settle(&mut second, 2);
    world.produce("t", 1, &["b"]);
    assert_eq!(values(&mut second, 1), ["b"]);
    drop(second);
    assert_eq!(members(world, "g"), 0);
}

fn positions_survive_a_restart(world: &World) {
    world.topic("t", 1);
    world.produce("t", 0, &["a", "b", "c"]);
    let mut consumer = member_with(world, "g", |config| config.records_max = 2);
    assert_eq!(values(&mut consumer, 2), ["a", "b"]);
    consumer.commit().unwrap();
    assert_eq!(consumer.committed("t", 0).unwrap(), Some(2));
    consumer.close().unwrap();
    world.stop();
    world.start();
    let mut consumer = member(world, "g");
    assert_eq!(values(&mut consumer, 1), ["c"]);
    consumer.close().unwrap();
}

fn closing_commits_what_was_returned(world: &World) {
    world.topic("t", 1);
    world.produce("t", 0, &["a", "b", "c"]);
    let mut consumer = member_with(world, "g", |config| config.records_max = 1);
    assert_eq!(values(&mut consumer, 2), ["a", "b"]);
    consumer.close().unwrap();
    assert_eq!(values(&mut member(world, "g"), 1), ["c"]);
}

fn without_auto_commit_only_commits_count(world: &World) {
    world.topic("t", 1);
    world.produce("t", 0, &["a", "b", "c"]);
    let careful = |config: &mut ConsumerConfig| {
        config.auto_commit = false;
        config.records_max = 1;
        config.auto_commit_interval = Duration::from_millis(1);
    };
    let mut consumer = member_with(world, "g", careful);
    assert_eq!(values(&mut consumer, 1), ["a"]);
    consumer.commit().unwrap();
    assert_eq!(values(&mut consumer, 2), ["b", "c"]);
    assert_eq!(consumer.committed("t", 0).unwrap(), Some(1));
    consumer.close().unwrap();
    assert_eq!(values(&mut member(world, "g"), 2), ["b", "c"]);
}

fn positions_are_committed_in_intervals(world: &World) {
    world.topic("t", 1);
    world.produce("t", 0, &["a"]);
    let often = |config: &mut ConsumerConfig| {
        config.auto_commit_interval = Duration::from_millis(1);
    };
    let mut consumer = member_with(world, "g", often);
    assert_eq!(values(&mut consumer, 1), ["a"]);
    assert_eq!(consumer.committed("t", 0).unwrap().unwrap_or(0), 0, "it is not done yet");
    let deadline = Instant::now() + PATIENCE;
    while consumer.committed("t", 0).unwrap() != Some(1) {
        assert!(Instant::now() < deadline);
        assert!(consumer.poll(Duration::from_millis(10)).unwrap().is_empty());
    }
}

fn a_panic_does_not_commit_what_was_in_hand(world: &World) {
    world.topic("t", 1);
    world.produce("t", 0, &["a"]);
    let mut consumer = member(world, "g");
    assert_eq!(values(&mut consumer, 1), ["a"]);
    thread::scope(|scope| {
        let broken = scope.spawn(move || {
            let _consumer = consumer;
            std::panic::resume_unwind(Box::new("the application is broken"));
        });
        assert!(broken.join().is_err());
    });
    assert_eq!(values(&mut member(world, "g"), 1), ["a"]);
}

fn a_topic_that_comes_later_is_read(world: &World) {
    let mut consumer = member(world, "g");
    assert!(consumer.poll(Duration::from_millis(50)).unwrap().is_empty());
    world.topic("t", 2);
    settle(&mut consumer, 2);
    world.produce("t", 1, &["a"]);
    assert_eq!(values(&mut consumer, 1), ["a"]);
    world.broker().add_partitions("t", 3).unwrap();
    world.produce("t", 2, &["b"]);
    assert_eq!(values(&mut consumer, 1), ["b"]);
}

fn another_subscription_takes_the_place_of_the_last(world: &World) {
    world.topic("t", 1);
    world.topic("u", 1);
    let mut consumer = member(world, "g");
    settle(&mut consumer, 1);
    world.produce("t", 0, &["a"]);
    assert_eq!(values(&mut consumer, 1), ["a"]);
    consumer.subscribe(&["u"]).unwrap();
    poll_until(&mut consumer, |consumer| consumer.assignment() == [("u".to_owned(), 0)]);
    world.produce("u", 0, &["b"]);
    assert_eq!(values(&mut consumer, 1), ["b"]);
    consumer.subscribe(&["t"]).unwrap();
    poll_until(&mut consumer, |consumer| consumer.assignment() == [("t".to_owned(), 0)]);
    world.produce("t", 0, &["c"]);
    assert_eq!(values(&mut consumer, 1), ["c"]);
}

fn who_does_not_poll_loses_its_partitions(world: &World) {
    world.topic("t", 1);
    world.produce("t", 0, &["a"]);
    let busy = |config: &mut ConsumerConfig| {
        config.poll_interval_max = Duration::from_millis(100);
    };
    let mut slow = member_with(world, "g", busy);
    assert_eq!(values(&mut slow, 1), ["a"]);
    let mut other = member(world, "g");
    assert_eq!(values(&mut other, 1), ["a"]);
    let lost = slow.commit().unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::UnknownMember, "{lost}");
    // It comes back as soon as it polls again, and what it has forgotten is not its own.
    other.close().unwrap();
    world.produce("t", 0, &["b"]);
    assert_eq!(values(&mut slow, 1), ["b"]);
    slow.commit().unwrap();
}

fn a_waker_ends_the_poll_of_a_member(world: &World) {
    world.topic("t", 1);
    let mut consumer = member(world, "g");
    let waker = consumer.waker();
    thread::scope(|scope| {
        scope.spawn(|| waker.wake());
        assert_eq!(consumer.poll(PATIENCE).unwrap_err().kind(), ErrorKind::Interrupted);
    });
    world.produce("t", 0, &["a"]);
    assert_eq!(values(&mut consumer, 1), ["a"]);
    waker.wake();
    consumer.commit().unwrap();
    assert_eq!(consumer.poll(PATIENCE).unwrap_err().kind(), ErrorKind::Interrupted);
}

fn what_makes_no_sense_is_refused(world: &World) {
    let kind = |result: minka::Result<()>| result.unwrap_err().kind();
    let mut consumer = world.consumer();
    assert_eq!(kind(consumer.subscribe(&["t"])), ErrorKind::InvalidConfig);
    assert_eq!(kind(consumer.commit()), ErrorKind::InvalidRequest);
    assert_eq!(consumer.committed("t", 0).unwrap_err().kind(), ErrorKind::InvalidRequest);
    let mut consumer = member(world, "g");
    assert_eq!(kind(consumer.subscribe(&["a b"])), ErrorKind::InvalidTopic);
    assert_eq!(consumer.committed("t", 0).unwrap_err().kind(), ErrorKind::InvalidRequest);
    consumer.commit().unwrap();
    // Partitions by hand instead: the group is left.
    world.topic("t", 1);
    world.produce("t", 0, &["a"]);
    consumer.assign(&[("t", 0, StartAt::Earliest)]).unwrap();
    assert_eq!(members(world, "g"), 0);
    assert_eq!(values(&mut consumer, 1), ["a"]);
    assert_eq!(kind(consumer.commit()), ErrorKind::InvalidRequest);
}

fn groups_do_not_know_each_other(world: &World) {
    world.topic("t", 1);
    world.produce("t", 0, &["a"]);
    let (mut one, mut two) = (member(world, "one"), member(world, "two"));
    assert_eq!(values(&mut one, 1), ["a"]);
    assert_eq!(values(&mut two, 1), ["a"]);
    let mut late = member_with(world, "three", |config| config.start = Start::Latest);
    poll_until(&mut late, |consumer| consumer.assignment().len() == 1);
    let deadline = Instant::now() + PATIENCE;
    while !matches!(late.position("t", 0), Ok(Some(1))) {
        assert!(Instant::now() < deadline);
        assert!(late.poll(Duration::from_millis(5)).unwrap().is_empty());
    }
    world.produce("t", 0, &["b"]);
    assert_eq!(values(&mut late, 1), ["b"]);
}

fn seeking_and_pausing_work_for_members(world: &World) {
    world.topic("t", 1);
    world.produce("t", 0, &["a", "b"]);
    let mut consumer = member(world, "g");
    assert_eq!(values(&mut consumer, 2), ["a", "b"]);
    consumer.seek("t", 0, StartAt::Offset(1)).unwrap();
    assert_eq!(values(&mut consumer, 1), ["b"]);
    consumer.pause("t", 0).unwrap();
    world.produce("t", 0, &["c"]);
    assert!(consumer.poll(Duration::from_millis(30)).unwrap().is_empty());
    consumer.resume("t", 0).unwrap();
    assert_eq!(values(&mut consumer, 1), ["c"]);
}

#[test]
fn a_member_goes_on_when_the_broker_comes_back() {
    let world = World::over_tcp();
    world.topic("t", 2);
    world.produce("t", 0, &["a"]);
    let mut consumer = member(&world, "g");
    assert_eq!(values(&mut consumer, 1), ["a"]);
    world.cut_connections();
    world.produce("t", 1, &["b"]);
    assert_eq!(values(&mut consumer, 1), ["b"]);
    world.stop();
    assert!(consumer.poll(Duration::from_millis(50)).unwrap().is_empty());
    world.start();
    world.produce("t", 0, &["c"]);
    assert_eq!(values(&mut consumer, 1), ["c"]);
    consumer.close().unwrap();
    world.produce("t", 0, &["d"]);
    assert_eq!(values(&mut member(&world, "g"), 1), ["d"]);
}

#[test]
fn a_member_that_was_given_up_joins_again() {
    let world = World::over_tcp().with(|config| {
        config.group_consumer_session_timeout = Duration::from_millis(200);
    });
    world.topic("t", 1);
    world.produce("t", 0, &["a", "b"]);
    let mut consumer = member_with(&world, "g", |config| {
        config.auto_commit = false;
        config.records_max = 1;
    });
    assert_eq!(values(&mut consumer, 1), ["a"]);
    consumer.commit().unwrap();
    assert_eq!(values(&mut consumer, 1), ["b"]);
    world.reachable(false);
    let deadline = Instant::now() + PATIENCE;
    while members(&world, "g") > 0 {
        assert!(Instant::now() < deadline);
        assert!(consumer.poll(Duration::from_millis(10)).unwrap().is_empty());
    }
    world.reachable(true);
    // What was not committed comes again.
    assert_eq!(values(&mut consumer, 1), ["b"]);
}

#[test]
fn commits_fail_in_time_while_the_broker_is_away() {
    let world = World::over_tcp();
    world.topic("t", 1);
    world.produce("t", 0, &["a"]);
    let mut consumer = member_with(&world, "g", |config| {
        config.request_timeout = Duration::from_millis(300);
    });
    assert_eq!(values(&mut consumer, 1), ["a"]);
    world.reachable(false);
    assert_eq!(consumer.commit().unwrap_err().kind(), ErrorKind::Timeout);
    world.reachable(true);
    consumer.commit().unwrap();
    assert_eq!(seen(&consumer.poll(Duration::ZERO).unwrap()), []);
}
