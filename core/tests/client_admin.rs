//! The admin: every scene in this process and over a socket, with the same answers.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod client_common;

use std::time::Duration;

use client_common::{Bed, PATIENCE, Way};
use minka::client::{
    Admin, AdminConfig, Consumer, ConsumerConfig, Group, GroupKind, Message, NewTopic, Producer,
    ProducerConfig, ResetTo,
};
use minka::engine::OffsetSpec;
use minka::state::event::CommitEntry;
use minka::state::groups::{CommitRequest, ConsumerHeartbeat, MemberKey};
use minka::{ErrorKind, Result};

scenes! {
    topics_are_created_listed_described_and_deleted,
    creating_tells_what_is_wrong_with_each_topic,
    partitions_are_added_and_never_taken_away,
    settings_are_changed_and_taken_back,
    a_description_tells_starts_and_ends,
    a_group_is_listed_and_described,
    members_of_a_group_are_told,
    an_empty_group_goes_where_it_is_told,
    a_group_with_members_stays_as_it_is,
    groups_are_deleted,
    a_queue_group_is_described_reset_and_deleted,
    settings_of_groups_are_changed,
    the_cluster_tells_its_id,
}

fn open(bed: &Bed) -> Admin {
    Admin::open(bed.target(), AdminConfig::default()).unwrap()
}

fn kind(result: Result<impl std::fmt::Debug>) -> ErrorKind {
    result.unwrap_err().kind()
}

/// Sends records to one partition, a second apart. Returns the time of the first.
fn fill(bed: &Bed, topic: &str, partition: u32, count: i64) -> i64 {
    let first = bed.broker.clock().wall() - 100_000;
    let producer = Producer::open(bed.target(), ProducerConfig::default()).unwrap();
    for n in 0..count {
        let message = Message::new(topic, b"v").with_partition(partition);
        // Each in a batch of its own, so that no test relies on times inside of batches.
        producer.send(message.with_timestamp(first + n * 1000)).unwrap().wait(PATIENCE).unwrap();
    }
    first
}

/// Commits offsets for partitions of a topic, as a consumer that manages its partitions itself.
fn commit(bed: &Bed, group: &str, topic: &str, offsets: &[(i32, i64)]) {
    let live = bed.broker.topic(topic).unwrap();
    let entry = |&(index, offset): &(i32, i64)| CommitEntry {
        partition: live.partition(index).unwrap().number(),
        offset,
        leader_epoch: -1,
        metadata: None,
    };
    let entries: Vec<CommitEntry> = offsets.iter().map(entry).collect();
    let request = CommitRequest {
        group,
        member: MemberKey { member_id: "", instance_id: None },
        generation: -1,
        entries: &entries,
        retention_ms: None,
    };
    let (results, ticket) = bed.broker.commit_offsets(&request, None).unwrap();
    results
        .into_iter()
        .chain(bed.broker.wait(&ticket).into_iter().map(|r| r.map(drop)))
        .for_each(|result| result.unwrap());
}

/// Topic, partition, committed offset, end and lag.
type Place = (String, u32, Option<u64>, Option<u64>, Option<u64>);

/// Where a group is in each partition of a topic.
fn places(admin: &Admin, group: &str) -> Vec<Place> {
    let described = admin.describe_group(group).unwrap();
    let place = described.partitions.into_iter();
    place.map(|p| (p.topic, p.partition, p.committed, p.end, p.lag)).collect()
}

fn topics_are_created_listed_described_and_deleted(way: Way) {
    let bed = Bed::new(way);
    let admin = open(&bed);
    assert_eq!(admin.topics().unwrap(), []);
    admin.create_topic(&NewTopic::new("b").with_partitions(3)).unwrap();
    admin.create_topic(&NewTopic::new("a")).unwrap();
    let listed = admin.topics().unwrap();
    let names: Vec<_> = listed.iter().map(|t| (t.name.as_str(), t.partitions)).collect();
    assert_eq!(names, [("a", 1), ("b", 3)]);
    let described = admin.describe_topic("b").unwrap();
    assert_eq!(described.name, "b");
    assert_eq!((described.id.len(), &described.id), (22, &listed[1].id));
    let partitions = described.partitions.iter().map(|p| (p.index, p.start, p.end));
    assert_eq!(partitions.collect::<Vec<_>>(), [(0, 0, 0), (1, 0, 0), (2, 0, 0)]);
    admin.delete_topic("b").unwrap();
    assert_eq!(kind(admin.describe_topic("b")), ErrorKind::UnknownTopicOrPartition);
    assert_eq!(kind(admin.delete_topic("b")), ErrorKind::UnknownTopicOrPartition);
    assert_eq!(admin.topics().unwrap().len(), 1);
}

fn creating_tells_what_is_wrong_with_each_topic(way: Way) {
    let bed = Bed::new(way);
    let admin = open(&bed);
    admin.create_topic(&NewTopic::new("there")).unwrap();
    let results = admin.create_topics(&[
        NewTopic::new("good").with_setting("retention.ms", "1000"),
        NewTopic::new("there"),
        NewTopic::new("no name"),
        NewTopic::new("none").with_partitions(0),
        NewTopic::new("odd").with_setting("retention.ms", "soon"),
        NewTopic::new("odd2").with_setting("no.such.setting", "1"),
        NewTopic::new("good2"),
    ]);
    let kinds: Vec<_> =
        results.unwrap().into_iter().map(|result| result.err().map(|e| e.kind())).collect();
    let expected = [
        None,
        Some(ErrorKind::TopicExists),
        Some(ErrorKind::InvalidTopic),
        Some(ErrorKind::InvalidPartitions),
        Some(ErrorKind::InvalidConfig),
        Some(ErrorKind::InvalidConfig),
        None,
    ];
    assert_eq!(kinds, expected);
    let twice = admin.create_topics(&[NewTopic::new("twice"), NewTopic::new("twice")]).unwrap();
    assert!(twice.into_iter().any(|result| result.is_err()));
}

fn partitions_are_added_and_never_taken_away(way: Way) {
    let bed = Bed::new(way);
    let admin = open(&bed);
    admin.create_topic(&NewTopic::new("t").with_partitions(2)).unwrap();
    admin.add_partitions("t", 5).unwrap();
    assert_eq!(admin.describe_topic("t").unwrap().partitions.len(), 5);
    for count in [0, 4, 5, u32::MAX] {
        assert_eq!(kind(admin.add_partitions("t", count)), ErrorKind::InvalidPartitions);
    }
    assert_eq!(kind(admin.add_partitions("u", 5)), ErrorKind::UnknownTopicOrPartition);
    fill(&bed, "t", 4, 1);
}

fn settings_are_changed_and_taken_back(way: Way) {
    let bed = Bed::new(way);
    let admin = open(&bed);
    admin.create_topic(&NewTopic::new("t").with_setting("retention.ms", "1000")).unwrap();
    let setting = |name: &str| {
        let settings = admin.describe_topic("t").unwrap().settings;
        assert!(settings.is_sorted_by(|a, b| a.name < b.name));
        let setting = settings.into_iter().find(|setting| setting.name == name).unwrap();
        (setting.value, setting.is_default)
    };
    assert_eq!(setting("retention.ms"), ("1000".to_owned(), false));
    assert_eq!(setting("retention.bytes"), ("-1".to_owned(), true));
    admin.alter_topic("t", &[("retention.ms", None), ("retention.bytes", Some("5"))]).unwrap();
    assert_eq!(setting("retention.ms"), ("604800000".to_owned(), true));
    assert_eq!(setting("retention.bytes"), ("5".to_owned(), false));
    let odd = admin.alter_topic("t", &[("retention.ms", Some("7")), ("nothing", Some("1"))]);
    assert_eq!(kind(odd), ErrorKind::InvalidConfig);
    assert_eq!(setting("retention.ms"), ("604800000".to_owned(), true));
    let unknown = admin.alter_topic("u", &[("retention.ms", Some("7"))]);
    assert_eq!(kind(unknown), ErrorKind::UnknownTopicOrPartition);
}

fn a_description_tells_starts_and_ends(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 2);
    fill(&bed, "t", 1, 10);
    let live = bed.broker.topic("t").unwrap();
    let partition = live.partition(1).unwrap().clone();
    bed.broker.delete_records(&[(partition, Some(4))]).remove(0).unwrap();
    let partitions = open(&bed).describe_topic("t").unwrap().partitions;
    let ends: Vec<_> = partitions.iter().map(|p| (p.index, p.start, p.end)).collect();
    assert_eq!(ends, [(0, 0, 0), (1, 4, 10)]);
}

fn a_group_is_listed_and_described(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 3);
    fill(&bed, "t", 0, 5);
    let admin = open(&bed);
    assert_eq!(admin.groups().unwrap(), []);
    assert_eq!(kind(admin.describe_group("g")), ErrorKind::GroupNotFound);
    commit(&bed, "g", "t", &[(0, 3), (2, 0)]);
    let listed = admin.groups().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&*listed[0].name, listed[0].kind, &*listed[0].state),
        ("g", GroupKind::Classic, "Empty")
    );
    let described = admin.describe_group("g").unwrap();
    assert_eq!((described.name.as_str(), described.kind), ("g", GroupKind::Classic));
    assert_eq!((described.state.as_str(), described.members.len()), ("Empty", 0));
    let t = || "t".to_owned();
    let expected = [(t(), 0, Some(3), Some(5), Some(2)), (t(), 2, Some(0), Some(0), Some(0))];
    assert_eq!(places(&admin, "g"), expected);
}

fn members_of_a_group_are_told(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 2);
    fill(&bed, "t", 1, 2);
    join(&bed, "g");
    commit(&bed, "other", "t", &[(0, 0)]);
    let admin = open(&bed);
    let listed = admin.groups().unwrap();
    let kinds: Vec<_> = listed.iter().map(|group| (&*group.name, group.kind)).collect();
    assert_eq!(kinds, [("g", GroupKind::Partitions), ("other", GroupKind::Classic)]);
    let described = admin.describe_group("g").unwrap();
    assert_eq!((described.kind, &*described.state), (GroupKind::Partitions, "Stable"));
    let member = &described.members[0];
    assert_eq!((&*member.id, &*member.client_id, &*member.host), ("m", "client", "/127.0.0.1"));
    assert_eq!(member.instance_id.as_deref(), Some("i"));
    assert_eq!(member.assigned, [("t".to_owned(), 0), ("t".to_owned(), 1)]);
    let t = || "t".to_owned();
    let expected = [(t(), 0, None, Some(0), None), (t(), 1, None, Some(2), None)];
    assert_eq!(places(&admin, "g"), expected);
}

fn an_empty_group_goes_where_it_is_told(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 2);
    let first = fill(&bed, "t", 0, 10);
    let live = bed.broker.topic("t").unwrap();
    let partition = live.partition(0).unwrap().clone();
    bed.broker.delete_records(&[(partition.clone(), Some(2))]).remove(0).unwrap();
    let admin = open(&bed);
    let reset = |to| {
        admin.reset_group("g", "t", to).unwrap();
        places(&admin, "g").into_iter().map(|place| place.2.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(reset(ResetTo::Latest), [10, 0]);
    assert_eq!(reset(ResetTo::Earliest), [2, 0]);
    assert_eq!(reset(ResetTo::Offset(7)), [7, 0]);
    assert_eq!(reset(ResetTo::Offset(0)), [2, 0]);
    assert_eq!(reset(ResetTo::Offset(u64::MAX)), [10, 0]);
    let sixth =
        bed.broker.find_offset(&partition, OffsetSpec::At(first + 6000)).unwrap().unwrap().0;
    assert_eq!((sixth, reset(ResetTo::Time(first + 6000))), (6, vec![6, 0]));
    assert_eq!(reset(ResetTo::Time(first + 10_000)), [10, 0]);
    assert_eq!(reset(ResetTo::Time(-5)), [2, 0]);
    let unknown = admin.reset_group("g", "u", ResetTo::Latest);
    assert_eq!(kind(unknown), ErrorKind::UnknownTopicOrPartition);
}

fn a_group_with_members_stays_as_it_is(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 1);
    join(&bed, "g");
    let admin = open(&bed);
    assert_eq!(kind(admin.reset_group("g", "t", ResetTo::Earliest)), ErrorKind::NonEmptyGroup);
    assert_eq!(kind(admin.delete_group("g")), ErrorKind::NonEmptyGroup);
    assert_eq!(admin.describe_group("g").unwrap().members.len(), 1);
}

fn groups_are_deleted(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 1);
    commit(&bed, "g", "t", &[(0, 0)]);
    let admin = open(&bed);
    admin.delete_group("g").unwrap();
    assert_eq!(admin.groups().unwrap(), []);
    assert_eq!(kind(admin.delete_group("g")), ErrorKind::GroupNotFound);
}

fn a_queue_group_is_described_reset_and_deleted(way: Way) {
    let bed = Bed::new(way);
    bed.topic("t", 1);
    fill(&bed, "t", 0, 5);
    let admin = open(&bed);
    admin.alter_group("q", &[("share.auto.offset.reset", Some("earliest"))]).unwrap();
    let group = Some(Group::Queue("q".to_owned()));
    let config = ConsumerConfig { group, auto_commit: false, ..ConsumerConfig::default() };
    let mut consumer = Consumer::open(bed.target(), config).unwrap();
    consumer.subscribe(&["t"]).unwrap();
    let mut taken = 0;
    while taken < 5 {
        let records = consumer.poll(PATIENCE).unwrap();
        assert!(!records.is_empty(), "not all records came in time");
        for record in records.iter().filter(|record| record.offset < 2) {
            consumer.accept(&record).unwrap();
        }
        taken += records.len();
    }
    consumer.commit().unwrap();
    let described = admin.describe_group("q").unwrap();
    assert_eq!((described.kind, &*described.state), (GroupKind::Queue, "Stable"));
    let [member] = &described.members[..] else { panic!("{described:?}") };
    assert_eq!((&*member.client_id, &member.assigned[..]), ("minka", &[("t".to_owned(), 0)][..]));
    let [place] = &described.partitions[..] else { panic!("{described:?}") };
    assert_eq!((&*place.topic, place.partition), ("t", 0));
    assert_eq!((place.committed, place.end, place.lag), (Some(2), Some(5), Some(3)));
    assert_eq!((place.in_flight, place.redelivered), (Some(3), Some(0)));
    assert_eq!(kind(admin.reset_group("q", "t", ResetTo::Latest)), ErrorKind::NonEmptyGroup);
    consumer.close().unwrap();
    // What it gave back waits for another delivery.
    let place = admin.describe_group("q").unwrap().partitions.remove(0);
    assert_eq!((place.in_flight, place.redelivered), (Some(0), Some(3)));
    admin.reset_group("q", "t", ResetTo::Offset(4)).unwrap();
    let place = admin.describe_group("q").unwrap().partitions.remove(0);
    assert_eq!((place.committed, place.lag, place.redelivered), (Some(4), Some(1), Some(0)));
    admin.delete_group("q").unwrap();
    assert_eq!(kind(admin.describe_group("q")), ErrorKind::GroupNotFound);
}

fn settings_of_groups_are_changed(way: Way) {
    let bed = Bed::new(way);
    let admin = open(&bed);
    let name = "share.record.lock.duration.ms";
    admin.alter_group("g", &[(name, Some("20000"))]).unwrap();
    assert_eq!(bed.broker.group_settings("g").share_record_lock_duration_ms, 20_000);
    admin.alter_group("g", &[(name, None)]).unwrap();
    assert_eq!(bed.broker.group_settings("g").share_record_lock_duration_ms, 30_000);
    assert_eq!(kind(admin.alter_group("g", &[("nothing", None)])), ErrorKind::InvalidConfig);
}

fn the_cluster_tells_its_id(way: Way) {
    let bed = Bed::new(way);
    let cluster = open(&bed).cluster().unwrap();
    assert_eq!(cluster.id, bed.broker.cluster_id());
    let ports: Vec<u16> = cluster.brokers.iter().map(|broker| broker.port).collect();
    match way {
        Way::InProcess => assert_eq!(ports, [0; 0]),
        Way::Socket => assert_eq!(ports, [bed.address().port()]),
    }
}

/// A group with a member that has all partitions of topic t.
fn join(bed: &Bed, group: &str) {
    let heartbeat = ConsumerHeartbeat {
        group,
        member_id: "m",
        epoch: 0,
        instance_id: Some("i"),
        client_id: "client",
        client_host: "/127.0.0.1",
        rebalance_timeout_ms: Some(60_000),
        topics: Some(&["t"]),
        rack_id: None,
        pattern: None,
        assignor: None,
        owned: Some(&[]),
    };
    bed.broker.consumer_heartbeat(&heartbeat).unwrap();
}

#[test]
fn a_broker_that_is_gone_is_an_error_and_one_that_comes_back_is_found() {
    let mut bed = Bed::new(Way::Socket);
    let config = AdminConfig {
        timeout: Duration::from_millis(100),
        retry_backoff_min: Duration::from_millis(1),
        retry_backoff_max: Duration::from_millis(10),
        ..AdminConfig::default()
    };
    let admin = Admin::open(bed.target(), config).unwrap();
    admin.create_topic(&NewTopic::new("t")).unwrap();
    bed.stop();
    let error = admin.topics().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokerUnavailable, "{error}");
    bed.start();
    assert_eq!(admin.topics().unwrap().len(), 1);
    assert_eq!(admin.describe_topic("t").unwrap().partitions.len(), 1);
}
