//! Share groups (KIP-932) through the Kafka door.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod server_common;
mod share_common;

use std::io::Write;

use kafka_protocol::messages::alter_share_group_offsets_request::{
    AlterShareGroupOffsetsRequestPartition, AlterShareGroupOffsetsRequestTopic,
};
use kafka_protocol::messages::delete_share_group_offsets_request::DeleteShareGroupOffsetsRequestTopic;
use kafka_protocol::messages::describe_share_group_offsets_request::{
    DescribeShareGroupOffsetsRequestGroup, DescribeShareGroupOffsetsRequestTopic,
};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::share_fetch_request::ForgottenTopic;
use kafka_protocol::messages::{
    AlterShareGroupOffsetsRequest, ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest,
    DeleteGroupsRequest, DeleteShareGroupOffsetsRequest, DescribeGroupsRequest,
    DescribeShareGroupOffsetsRequest, JoinGroupRequest, ListGroupsRequest, ShareAcknowledgeRequest,
    ShareFetchRequest, ShareGroupDescribeRequest,
};
use minka::state::setting::ConfigChange;
use minka::wire::kafka::frame::write_request;
use minka::wire::kafka::header::ResponseHeader;
use minka::wire::kafka::share_fetch::{self, RECORD_LIMIT, RENEW};
use minka::wire::kafka::{ApiKey, Reader, Uuid, share_acknowledge};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use server_common::{
    Client, Started, batch, hex, produce, produced, start, text, topic_name, values,
};
use share_common::{ACCEPT, GAP, Member, REJECT, RELEASE, Row, acknowledged, rows};

const INCONSISTENT_PROTOCOL: i16 = 23;
const UNKNOWN_MEMBER: i16 = 25;
const INVALID_REQUEST: i16 = 42;
const NON_EMPTY_GROUP: i16 = 68;
const GROUP_ID_NOT_FOUND: i16 = 69;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const UNKNOWN_TOPIC_ID: i16 = 100;
const FENCED_MEMBER_EPOCH: i16 = 110;
const INVALID_RECORD_STATE: i16 = 121;
const SHARE_SESSION_NOT_FOUND: i16 = 122;
const INVALID_SHARE_SESSION_EPOCH: i16 = 123;

/// A broker with topic `t`, which group `g` reads from its beginning, without rests.
fn begin(partitions: u32) -> Started {
    let started = start();
    started.topic("t", partitions);
    set(&started, "share.auto.offset.reset", "earliest");
    set(&started, "minka.retry.backoff.ms", "0");
    started
}

fn set(started: &Started, name: &str, value: &str) {
    started.broker.configure_group("g", &[ConfigChange::Set(name, value)], false).unwrap();
}

fn member(started: &Started, id: &str) -> Member {
    Member::joined(started.address(), ("g", id), ("t", started.topic_id("t")))
}

/// Appends one batch of records to a partition of `t`.
fn send(started: &Started, partition: i32, of: &[&[u8]]) {
    let mut client = started.client();
    let request = produce(("t", started.topic_id("t")), partition, -1, batch(of));
    assert_eq!(produced(&client.call(9, &request)).0, 0);
}

fn numbers(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| format!("v{n}").into_bytes()).collect()
}

/// Appends a batch for each record: in version 1 a member takes whole ones.
fn send_each(started: &Started, partition: i32, count: usize) {
    numbers(count).iter().for_each(|value| send(started, partition, &[value]));
}

fn send_numbers(started: &Started, partition: i32, count: usize) {
    let all = numbers(count);
    send(started, partition, &all.iter().map(|value| &value[..]).collect::<Vec<_>>());
}

#[test]
fn members_share_records_and_acknowledge_them() {
    let started = begin(2);
    let mut a = Member::new(started.address(), "g", "a", started.topic_id("t"));
    let joined = a.beat(Some(&["t", "missing"]));
    assert_eq!((joined.error_code, joined.member_epoch), (0, 1));
    assert_eq!(joined.member_id, Some(text("a")));
    assert_eq!(joined.heartbeat_interval_ms, 5000);
    let assigned = joined.assignment.unwrap().topic_partitions;
    assert_eq!((assigned.len(), &assigned[0].partitions[..]), (1, &[0, 1][..]));
    assert_eq!(assigned[0].topic_id.into_bytes(), started.topic_id("t"));
    assert_eq!(a.beat(None).assignment, None, "nothing has changed");

    send_numbers(&started, 1, 10);
    let answer = a.fetch(&[0, 1], &[], 1000);
    assert_eq!(answer.acquisition_lock_timeout_ms, 30_000);
    let [row] = &rows(&answer)[..] else { panic!("{answer:?}") };
    assert_eq!((row.partition, &row.acquired[..]), (1, &[(0, 9, 1)][..]));
    assert_eq!(values(&row.records), numbers(10));
    let mut b = member(&started, "b");
    assert_eq!(rows(&b.fetch(&[0, 1], &[], 0)), []);

    let kinds = [ACCEPT, ACCEPT, RELEASE, ACCEPT, REJECT];
    assert_eq!(a.acknowledge(&[(1, &[(0, 4, &kinds), (5, 6, &[RELEASE])])]), (0, vec![0]));
    let [row] = &rows(&b.fetch(&[], &[], 1000))[..] else { panic!() };
    assert_eq!(row.acquired, [(2, 2, 2), (5, 6, 2)]);
    assert_eq!(values(&row.records), numbers(10), "the batch is as it was");
    // Acknowledgements with a fetch.
    let acks: &[_] = &[(1, &[(2, 2, &[ACCEPT][..]), (5, 6, &[ACCEPT, GAP])][..])];
    let [row] = &rows(&b.fetch(&[], acks, 0))[..] else { panic!() };
    assert_eq!((row.error, row.acknowledge_error, row.acquired.len()), (0, 0, 0));
    let acks: &[_] = &[(1, &[(7, 9, &[ACCEPT][..])][..])];
    rows(&a.fetch(&[], acks, 0));
    let offsets = started.broker.queue_offsets("g").unwrap();
    assert_eq!((offsets[0].start, offsets[1].start), (0, 10));
    a.leave();
    b.leave();
}

#[test]
fn a_fetch_waits_for_records_and_is_answered_at_once_when_they_come() {
    let started = begin(3);
    let mut a = member(&started, "a");
    assert_eq!(rows(&a.fetch(&[0, 1, 2], &[], 0)), []);
    let request = a.fetch_request(&[], &[], 25_000);
    a.client.send(1, &request);
    send(&started, 2, &[b"x"]);
    let [row] = &rows(&a.client.receive::<ShareFetchRequest>(1))[..] else { panic!() };
    assert_eq!((row.partition, values(&row.records)), (2, vec![b"x".to_vec()]));
    a.session += 1;
    // What another gives back comes at once, too.
    let mut b = member(&started, "b");
    let request = b.fetch_request(&[0, 1, 2], &[], 25_000);
    b.client.send(1, &request);
    assert_eq!(a.acknowledge(&[(2, &[(0, 0, &[RELEASE])])]), (0, vec![0]));
    let [row] = &rows(&b.client.receive::<ShareFetchRequest>(1))[..] else { panic!() };
    assert_eq!(row.acquired, [(0, 0, 2)]);
    // A topic that is deleted meanwhile does not keep it waiting, nor the broker.
    let request = a.fetch_request(&[], &[], 300);
    a.client.send(1, &request);
    started.broker.delete_topic("t").unwrap();
    rows(&a.client.receive::<ShareFetchRequest>(1));
    a.session += 1;
    let gone = rows(&a.fetch(&[], &[], 25_000));
    assert_eq!(gone.iter().map(|row| row.error).collect::<Vec<_>>(), [UNKNOWN_TOPIC_ID; 3]);
}

#[test]
fn sessions_have_epochs() {
    let started = begin(2);
    send_each(&started, 0, 4);
    send_each(&started, 1, 4);
    let mut a = member(&started, "a");
    a.session = 1;
    assert_eq!(a.fetch(&[0], &[], 0).error_code, SHARE_SESSION_NOT_FOUND);
    assert_eq!(a.acknowledge(&[(0, &[(0, 0, &[ACCEPT])])]).0, SHARE_SESSION_NOT_FOUND);
    a.session = -1;
    assert_eq!(a.fetch(&[0], &[], 0).error_code, SHARE_SESSION_NOT_FOUND);
    a.session = 0;
    // There is nothing to acknowledge yet.
    let acks: &[_] = &[(0, &[(0, 0, &[ACCEPT][..])][..])];
    assert_eq!(a.fetch(&[], acks, 0).error_code, INVALID_REQUEST);
    assert_eq!(a.acknowledge(acks).0, INVALID_SHARE_SESSION_EPOCH);
    a.max_records = 2;
    assert_eq!(a.take(), [(0, 1, 1)]);
    for wrong in [3, 2, 77, -7] {
        a.session = wrong;
        assert_eq!(a.fetch(&[1], &[], 0).error_code, INVALID_SHARE_SESSION_EPOCH, "{wrong}");
    }
    a.session = 1;
    assert_eq!(a.take(), [(2, 3, 1)]);
    assert_eq!(a.acknowledge(&[(0, &[(0, 0, &[ACCEPT])])]), (0, vec![0]));

    // Partitions come and go.
    let row = |member: &mut Member, new: &[i32]| rows(&member.fetch(new, &[], 0)).pop();
    assert_eq!(row(&mut a, &[1]).unwrap().acquired, [(0, 1, 1)]);
    let forgotten = ForgottenTopic::default()
        .with_topic_id(hex(a.topic).parse().unwrap())
        .with_partitions(vec![1, 7]);
    let request = a.fetch_request(&[], &[], 0).with_forgotten_topics_data(vec![forgotten]);
    assert_eq!(rows(&a.client.call(1, &request)), []);
    a.session += 1;
    assert_eq!(row(&mut a, &[]), None);
    assert_eq!(row(&mut a, &[1]).unwrap().acquired, [(2, 3, 1)]);

    // A session that begins anew keeps the records, one that is closed does not.
    a.session = 0;
    assert_eq!(a.take(), []);
    let mut b = member(&started, "b");
    assert_eq!(b.take(), []);
    a.session = -1;
    let acks: &[_] = &[(1, &[(2, 2, &[ACCEPT][..])][..])];
    let [answer] = &rows(&a.fetch(&[], acks, 25_000))[..] else { panic!() };
    assert_eq!(*answer, Row { partition: 1, ..Row::default() });
    assert_eq!(b.take_all(), [(1, 3, 2)]);
    assert_eq!(rows(&b.fetch(&[1], &[], 0))[0].acquired, [(0, 1, 2)]);
    assert_eq!(b.take_all(), [(3, 3, 2)]);
    assert_eq!(a.fetch(&[], &[], 0).error_code, SHARE_SESSION_NOT_FOUND);
    // Closing by an acknowledgement.
    b.session = -1;
    assert_eq!(b.acknowledge(&[(0, &[(1, 1, &[ACCEPT])])]), (0, vec![0]));
    let mut c = member(&started, "c");
    assert_eq!(c.take_all(), [(2, 3, 3)]);
}

#[test]
fn a_connection_that_ends_frees_records_at_once() {
    let started = begin(1);
    send_each(&started, 0, 6);
    let mut a = member(&started, "a");
    a.max_records = 2;
    assert_eq!(a.take(), [(0, 1, 1)]);
    let mut b = member(&started, "b");
    b.max_records = 2;
    assert_eq!(b.take(), [(2, 3, 1)]);
    // The member goes on over a new connection: the end of the old one does not matter.
    let old = std::mem::replace(&mut a.client, started.client());
    a.session = 0;
    assert_eq!(a.take(), [(4, 5, 1)]);
    drop(old);
    let request = b.fetch_request(&[], &[], 25_000);
    b.client.send(1, &request);
    drop(a);
    let first = rows(&b.client.receive::<ShareFetchRequest>(1)).remove(0).acquired;
    b.session += 1;
    assert_eq!(first, [(0, 1, 2)]);
    assert_eq!(b.take_all(), [(4, 5, 2)]);

    // Also with a fetch that waits, and for a member that has joined anew over its connection.
    let mut c = member(&started, "c");
    c.max_records = 1;
    assert_eq!(c.take(), []);
    c.leave();
    c.epoch = 0;
    assert_eq!(c.beat(Some(&["t"])).error_code, 0);
    assert_eq!(b.acknowledge(&[(0, &[(0, 0, &[RELEASE])])]), (0, vec![0]));
    assert_eq!(c.take(), [(0, 0, 3)]);
    let request = c.fetch_request(&[], &[], 25_000);
    c.client.send(1, &request);
    let request = b.fetch_request(&[], &[], 25_000);
    b.client.send(1, &request);
    drop(c);
    let got = rows(&b.client.receive::<ShareFetchRequest>(1)).remove(0).acquired;
    assert_eq!(got, [(0, 0, 4)]);
}

#[test]
fn acknowledgements_that_do_not_fit_have_errors_of_their_own() {
    let started = begin(2);
    send_each(&started, 0, 10);
    let mut a = member(&started, "a");
    a.max_records = 8;
    assert_eq!(a.fetch(&[0, 1], &[], 0).error_code, 0);
    let mut b = member(&started, "b");
    b.take();
    let one = |member: &mut Member, first, last, types: &[i8]| {
        let (error, mut rows) = member.acknowledge(&[(0, &[(first, last, types)])]);
        assert_eq!((error, rows.len()), (0, 1));
        rows.remove(0)
    };
    for (first, last, types, error) in [
        (-1, 0, &[ACCEPT][..], INVALID_REQUEST),
        (0, -1, &[ACCEPT], INVALID_REQUEST),
        (i64::MIN, i64::MAX, &[ACCEPT], INVALID_REQUEST),
        (3, 2, &[ACCEPT], INVALID_REQUEST),
        (0, 1, &[], INVALID_REQUEST),
        (0, 1, &[ACCEPT, ACCEPT, ACCEPT], INVALID_REQUEST),
        (0, 0, &[4], INVALID_REQUEST),
        (0, 0, &[5], INVALID_REQUEST),
        (0, 0, &[-1], INVALID_REQUEST),
        (0, 0, &[127], INVALID_REQUEST),
        (0, i64::MAX, &[ACCEPT], INVALID_RECORD_STATE),
        (8, 8, &[ACCEPT], INVALID_RECORD_STATE),
        (100, 100, &[ACCEPT], INVALID_RECORD_STATE),
        (0, 0, &[ACCEPT], 0),
        (0, 0, &[ACCEPT], INVALID_RECORD_STATE),
        (1, 8, &[ACCEPT], INVALID_RECORD_STATE),
        (1, 2, &[ACCEPT], 0),
    ] {
        assert_eq!(one(&mut a, first, last, types), error, "{first} {last} {types:?}");
    }
    assert_eq!(one(&mut b, 3, 3, &[ACCEPT]), INVALID_RECORD_STATE, "somebody else's");
    // One mistake and the partition's others are not taken either; other partitions are.
    let acks: &[_] = &[
        (0, &[(3, 3, &[ACCEPT][..]), (3, 3, &[ACCEPT])][..]),
        (1, &[(0, 0, &[ACCEPT])]),
        (7, &[(0, 0, &[ACCEPT])]),
    ];
    let codes = vec![INVALID_REQUEST, INVALID_RECORD_STATE, UNKNOWN_TOPIC_OR_PARTITION];
    assert_eq!(a.acknowledge(acks), (0, codes));
    assert_eq!(one(&mut a, 3, 3, &[ACCEPT]), 0);
    // The same with a fetch.
    let acks: &[_] = &[(0, &[(3, 4, &[ACCEPT][..])][..]), (7, &[(0, 0, &[ACCEPT][..])][..])];
    let found = rows(&a.fetch(&[], acks, 25_000));
    let errors: Vec<_> =
        found.iter().map(|row| (row.partition, row.error, row.acknowledge_error)).collect();
    let unknown = UNKNOWN_TOPIC_OR_PARTITION;
    assert_eq!(errors, [(0, 0, INVALID_RECORD_STATE), (7, unknown, unknown)]);

    a.topic = [7; 16];
    let acks: &[_] = &[(0, &[(4, 4, &[ACCEPT][..])][..])];
    assert_eq!(a.acknowledge(acks), (0, vec![UNKNOWN_TOPIC_ID]));
    a.topic = started.topic_id("t");
    // A member that has left holds nothing.
    a.leave();
    assert_eq!(a.acknowledge(acks), (0, vec![UNKNOWN_MEMBER]));
    assert_eq!(rows(&a.fetch(&[], &[], 0)).len(), 1, "the partition that does not exist");
}

#[test]
fn strangers_get_nothing() {
    let started = begin(1);
    send_numbers(&started, 0, 3);
    let mut nobody = Member::new(started.address(), "g", "nobody", started.topic_id("t"));
    assert_eq!(nobody.take(), [], "not a member, or not yet");
    assert_eq!(nobody.beat(Some(&["t"])).error_code, 0);
    assert_eq!(nobody.take(), [(0, 2, 1)]);
    let mut none = Member::new(started.address(), "", "", [0; 16]);
    assert_eq!(none.fetch(&[0], &[], 0).error_code, INVALID_REQUEST);
    assert_eq!(none.acknowledge(&[(0, &[(0, 0, &[1])])]).0, INVALID_SHARE_SESSION_EPOCH);
    assert_eq!(none.beat(Some(&["t"])).error_code, INVALID_REQUEST);
    let mut lost = Member::new(started.address(), "g", "lost", [9; 16]);
    assert_eq!(lost.beat(Some(&["t"])).error_code, 0);
    let row = rows(&lost.fetch(&[0, 5], &[], 25_000));
    assert_eq!(row.iter().map(|row| row.error).collect::<Vec<_>>(), [UNKNOWN_TOPIC_ID; 2]);
    let mut far = member(&started, "far");
    let row = rows(&far.fetch(&[1, -1, i32::MAX], &[], 25_000));
    let errors: Vec<_> = row.iter().map(|row| row.error).collect();
    assert_eq!(errors, [UNKNOWN_TOPIC_OR_PARTITION; 3]);

    for (epoch, topics, error) in [
        (5, None, FENCED_MEMBER_EPOCH),
        (-2, None, INVALID_REQUEST),
        (0, None, INVALID_REQUEST),
        (0, Some(&[][..]), INVALID_REQUEST),
    ] {
        far.epoch = epoch;
        let answer = far.beat(topics);
        assert_eq!((answer.error_code, answer.error_message.is_some()), (error, true), "{epoch}");
    }
    far.id = "other".to_owned();
    for epoch in [1, -1] {
        far.epoch = epoch;
        assert_eq!(far.beat(None).error_code, UNKNOWN_MEMBER);
    }
}

#[test]
fn large_answers_are_whole() {
    let started = begin(4);
    let large: Vec<Vec<u8>> = (0..8).map(|n| vec![b'a' + n; 100_000]).collect();
    let large: Vec<&[u8]> = large.iter().map(|value| &value[..]).collect();
    for partition in 0..4 {
        for _ in 0..3 {
            send(&started, partition, &large);
            send(&started, partition, &[b"small"]);
        }
    }
    let mut a = member(&started, "a");
    a.max_records = 10_000;
    let mut got = Vec::new();
    let mut bytes = 0;
    while got.len() < 4 * 27 {
        let new: &[i32] = if a.session == 0 { &[0, 1, 2, 3] } else { &[] };
        for row in rows(&a.fetch(new, &[], 0)) {
            bytes += row.records.len();
            let found = values(&row.records);
            let acquired: i64 = row.acquired.iter().map(|(first, last, _)| last - first + 1).sum();
            assert_eq!(found.len() as i64, acquired);
            got.extend(found);
        }
    }
    assert!(bytes > 9_600_000);
    assert_eq!(got.iter().filter(|value| *value == b"small").count(), 12);
    for n in 0..8 {
        let same = got.iter().filter(|value| **value == vec![b'a' + n; 100_000]);
        assert_eq!(same.count(), 12);
    }
    a.client.check_alive();
}

/// Sends a request of version 2, which the other codec does not know; its answer's body.
fn call_2<M: minka::wire::kafka::field::Message>(
    client: &mut Client,
    api: ApiKey,
    body: &M,
) -> Vec<u8> {
    let mut frame = Vec::new();
    write_request(&mut frame, 2, 7, Some("test"), body).unwrap();
    client.stream.write_all(&frame).unwrap();
    let answer = client.receive_frame();
    let mut reader = Reader::new(&answer);
    let header = ResponseHeader::decode(&mut reader, api, 2).unwrap();
    assert_eq!(header.correlation_id, 7);
    answer[answer.len() - reader.remaining()..].to_vec()
}

#[test]
fn locks_are_renewed_and_a_limit_is_kept_in_version_2() {
    let started = begin(1);
    send_numbers(&started, 0, 10);
    let mut a = member(&started, "a");
    let topic_id = Uuid(a.topic);
    let batches = |types: &[i8]| {
        vec![share_fetch::AcknowledgementBatch {
            first_offset: 0,
            last_offset: 2,
            acknowledge_types: types.to_vec(),
        }]
    };
    let fetch = |epoch, share_acquire_mode, types: Option<&[i8]>| share_fetch::ShareFetchRequest {
        group_id: Some("g"),
        member_id: Some("a"),
        share_session_epoch: epoch,
        max_wait_ms: 0,
        min_bytes: 1,
        max_bytes: 1 << 20,
        max_records: if types.is_some() { 0 } else { 3 },
        batch_size: 3,
        share_acquire_mode,
        is_renew_ack: types.is_some(),
        topics: vec![share_fetch::ShareFetchTopic {
            topic_id,
            partitions: vec![share_fetch::ShareFetchPartition {
                partition_index: 0,
                acknowledgement_batches: types.map(batches).unwrap_or_default(),
            }],
        }],
        forgotten_topics: Vec::new(),
    };
    let acquired = |client: &mut Client, request: &share_fetch::ShareFetchRequest<'_>| {
        let body = call_2(client, ApiKey::ShareFetch, request);
        let mut reader = Reader::new(&body);
        let answer = share_fetch::ShareFetchResponse::decode(&mut reader, 2).unwrap();
        assert_eq!((answer.error_code, reader.remaining()), (0, 0));
        assert_eq!(answer.acquisition_lock_timeout_ms, 30_000);
        let rows = answer.responses.into_iter().flat_map(|topic| topic.partitions);
        let rows: Vec<_> = rows.collect();
        assert!(rows.iter().all(|row| row.error_code == 0 && row.acknowledge_error_code == 0));
        let ranges = rows.iter().flat_map(|row| &row.acquired_records);
        ranges.map(|range| (range.first_offset, range.last_offset)).collect::<Vec<_>>()
    };
    assert_eq!(acquired(&mut a.client, &fetch(0, RECORD_LIMIT, None)), [(0, 2)]);
    assert_eq!(acquired(&mut a.client, &fetch(1, RECORD_LIMIT, Some(&[RENEW]))), []);
    assert_eq!(acquired(&mut a.client, &fetch(2, 0, None)), [(3, 9)], "the whole batch");
    let request = share_acknowledge::ShareAcknowledgeRequest {
        group_id: Some("g"),
        member_id: Some("a"),
        share_session_epoch: 3,
        is_renew_ack: true,
        topics: vec![share_acknowledge::AcknowledgeTopic {
            topic_id,
            partitions: vec![share_acknowledge::AcknowledgePartition {
                partition_index: 0,
                acknowledgement_batches: batches(&[ACCEPT, RENEW, RELEASE]),
            }],
        }],
    };
    let body = call_2(&mut a.client, ApiKey::ShareAcknowledge, &request);
    let answer = share_acknowledge::ShareAcknowledgeResponse::decode(&mut Reader::new(&body), 2);
    let answer = answer.unwrap();
    assert_eq!((answer.error_code, answer.acquisition_lock_timeout_ms), (0, 30_000));
    assert_eq!(answer.responses[0].partitions[0].error_code, 0);
    let offsets = started.broker.queue_offsets("g").unwrap()[0];
    assert_eq!((offsets.start, offsets.in_flight, offsets.redelivered), (1, 8, 1));
}

fn describe_offsets(
    client: &mut Client,
    group: &str,
    topics: Option<&[(&str, &[i32])]>,
) -> Described {
    let topic = |(name, partitions): &(&str, &[i32])| {
        DescribeShareGroupOffsetsRequestTopic::default()
            .with_topic_name(topic_name(name))
            .with_partitions(partitions.to_vec())
    };
    let group = DescribeShareGroupOffsetsRequestGroup::default()
        .with_group_id(text(group).into())
        .with_topics(topics.map(|topics| topics.iter().map(topic).collect()));
    let request = DescribeShareGroupOffsetsRequest::default().with_groups(vec![group]);
    let answer = client.call(0, &request).groups.remove(0);
    let rows = answer.topics.iter().flat_map(|topic| {
        let row = |row: &kafka_protocol::messages::describe_share_group_offsets_response::DescribeShareGroupOffsetsResponsePartition| {
            (topic.topic_name.to_string(), row.partition_index, row.start_offset, row.error_code)
        };
        topic.partitions.iter().map(row).collect::<Vec<_>>()
    });
    (answer.error_code, rows.collect())
}

/// The error, and name, index, offset and error of each partition.
type Described = (i16, Vec<(String, i32, i64, i16)>);

fn alter(client: &mut Client, group: &str, wanted: &[(&str, i32, i64)]) -> (i16, Vec<i16>) {
    let topic = |&(name, index, offset): &(&str, i32, i64)| {
        let partition = AlterShareGroupOffsetsRequestPartition::default()
            .with_partition_index(index)
            .with_start_offset(offset);
        AlterShareGroupOffsetsRequestTopic::default()
            .with_topic_name(topic_name(name))
            .with_partitions(vec![partition])
    };
    let request = AlterShareGroupOffsetsRequest::default()
        .with_group_id(text(group).into())
        .with_topics(wanted.iter().map(topic).collect());
    let answer = client.call(0, &request);
    let rows = answer.responses.iter().flat_map(|topic| &topic.partitions);
    (answer.error_code, rows.map(|row| row.error_code).collect())
}

fn delete_offsets(client: &mut Client, group: &str, topics: &[&str]) -> (i16, Vec<i16>) {
    let topic = |name: &&str| {
        DeleteShareGroupOffsetsRequestTopic::default().with_topic_name(topic_name(name))
    };
    let request = DeleteShareGroupOffsetsRequest::default()
        .with_group_id(text(group).into())
        .with_topics(topics.iter().map(topic).collect());
    let answer = client.call(0, &request);
    (answer.error_code, answer.responses.iter().map(|topic| topic.error_code).collect())
}

#[test]
fn offsets_are_described_moved_and_deleted() {
    let started = begin(2);
    let mut client = started.client();
    assert_eq!(describe_offsets(&mut client, "g", None), (GROUP_ID_NOT_FOUND, vec![]));
    assert_eq!(delete_offsets(&mut client, "g", &["t"]), (GROUP_ID_NOT_FOUND, vec![]));
    send_numbers(&started, 0, 10);
    let mut a = member(&started, "a");
    assert_eq!(a.take(), [(0, 9, 1)]);
    let acks: &[_] = &[(0, &[(0, 3, &[ACCEPT][..]), (5, 5, &[ACCEPT])][..])];
    assert_eq!(a.acknowledge(acks), (0, vec![0]));
    let row = |index, offset, error| ("t".to_owned(), index, offset, error);
    let all = describe_offsets(&mut client, "g", None);
    assert_eq!(all, (0, vec![row(0, 4, 0), row(1, 0, 0)]));
    let asked: &[(&str, &[i32])] = &[("t", &[1, 9, -1])];
    let unknown = UNKNOWN_TOPIC_OR_PARTITION;
    let some = describe_offsets(&mut client, "g", Some(asked));
    assert_eq!(some, (0, vec![row(1, 0, 0), row(9, -1, unknown), row(-1, -1, unknown)]));
    let missing = describe_offsets(&mut client, "g", Some(&[("missing", &[0])]));
    assert_eq!(missing.1[0].3, unknown);

    assert_eq!(alter(&mut client, "g", &[("t", 0, 2)]), (NON_EMPTY_GROUP, vec![]));
    assert_eq!(delete_offsets(&mut client, "g", &["t"]), (0, vec![NON_EMPTY_GROUP]));
    a.leave();
    let wanted = [("t", 0, 2), ("t", 5, 0), ("missing", 0, 0), ("t", 1, -1)];
    assert_eq!(alter(&mut client, "g", &wanted), (0, vec![0, unknown, unknown, INVALID_REQUEST]));
    assert_eq!(describe_offsets(&mut client, "g", None).1[0], row(0, 2, 0));
    let mut b = member(&started, "b");
    assert_eq!(b.take(), [(2, 9, 1)]);
    b.leave();
    assert_eq!(delete_offsets(&mut client, "g", &["t", "missing"]), (0, vec![0, unknown]));
    assert_eq!(describe_offsets(&mut client, "g", None), (0, vec![]));
    let mut c = member(&started, "c");
    assert_eq!(c.take(), [(0, 9, 1)]);
}

#[test]
fn groups_are_listed_described_and_deleted_by_their_kind() {
    let started = begin(2);
    let mut client = started.client();
    let mut a = member(&started, "a");
    let list = |client: &mut Client, types: &[&str], states: &[&str]| {
        let request = ListGroupsRequest::default()
            .with_types_filter(types.iter().map(|kind| text(kind)).collect())
            .with_states_filter(states.iter().map(|state| text(state)).collect());
        let groups = client.call(5, &request).groups;
        let row = |group: &kafka_protocol::messages::list_groups_response::ListedGroup| {
            (
                group.group_id.to_string(),
                group.group_state.to_string(),
                group.group_type.to_string(),
                group.protocol_type.to_string(),
            )
        };
        groups.iter().map(row).collect::<Vec<_>>()
    };
    let row = |state: &str| {
        vec![("g".to_owned(), state.to_owned(), "share".to_owned(), "share".to_owned())]
    };
    assert_eq!(list(&mut client, &["share"], &[]), row("Stable"));
    assert_eq!(list(&mut client, &["Share"], &["stable"]), row("Stable"));
    assert_eq!(list(&mut client, &[], &[]), row("Stable"));
    assert_eq!(list(&mut client, &["classic", "consumer"], &[]), []);

    let ids = ["g", "none", "g"].map(|id| text(id).into()).to_vec();
    let groups = client.call(1, &ShareGroupDescribeRequest::default().with_group_ids(ids)).groups;
    assert_eq!((groups.len(), groups[1].error_code), (2, GROUP_ID_NOT_FOUND));
    let group = &groups[0];
    assert_eq!((&*group.group_state, &*group.assignor_name), ("Stable", "simple"));
    assert_eq!((group.group_epoch, group.assignment_epoch), (1, 1));
    let described = &group.members[0];
    assert_eq!((&*described.member_id, described.member_epoch), ("a", 1));
    assert_eq!((&*described.client_id, &*described.client_host), ("test", "/127.0.0.1"));
    assert_eq!(described.subscribed_topic_names, [topic_name("t")]);
    let assigned = &described.assignment.topic_partitions[0];
    assert_eq!((&*assigned.topic_name.0, &assigned.partitions[..]), ("t", &[0, 1][..]));

    // It is not a group of the other kinds.
    let id = vec![text("g").into()];
    let described =
        client.call(1, &ConsumerGroupDescribeRequest::default().with_group_ids(id.clone()));
    assert_eq!(described.groups[0].error_code, GROUP_ID_NOT_FOUND);
    let described = client.call(6, &DescribeGroupsRequest::default().with_groups(id.clone()));
    assert_eq!(described.groups[0].error_code, GROUP_ID_NOT_FOUND);
    let protocol = JoinGroupRequestProtocol::default().with_name(text("range"));
    let join = JoinGroupRequest::default()
        .with_group_id(text("g").into())
        .with_session_timeout_ms(30_000)
        .with_rebalance_timeout_ms(30_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    assert_eq!(client.call(7, &join).error_code, INCONSISTENT_PROTOCOL);
    let beat = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(text("g").into())
        .with_member_id(text("m"))
        .with_rebalance_timeout_ms(60_000)
        .with_subscribed_topic_names(Some(vec![topic_name("t")]))
        .with_topic_partitions(Some(Vec::new()));
    assert_eq!(client.call(1, &beat).error_code, GROUP_ID_NOT_FOUND);
    let other = beat.with_group_id(text("other").into());
    assert_eq!(client.call(1, &other).error_code, 0);
    let mut wrong = Member::new(started.address(), "other", "x", started.topic_id("t"));
    assert_eq!(wrong.beat(Some(&["t"])).error_code, GROUP_ID_NOT_FOUND);

    let delete = DeleteGroupsRequest::default().with_groups_names(id);
    assert_eq!(client.call(2, &delete).results[0].error_code, NON_EMPTY_GROUP);
    a.leave();
    assert_eq!(list(&mut client, &["share"], &["Empty"]), row("Empty"));
    assert_eq!(client.call(2, &delete).results[0].error_code, 0);
    assert_eq!(client.call(2, &delete).results[0].error_code, GROUP_ID_NOT_FOUND);
    assert_eq!(list(&mut client, &["share"], &[]), []);
}

#[test]
fn what_is_damaged_or_excessive_does_no_harm() {
    let started = begin(2);
    send_each(&started, 0, 5);
    let mut good = member(&started, "good");
    good.max_records = 1;
    assert_eq!(good.take(), [(0, 0, 1)]);
    let mut random = SmallRng::seed_from_u64(4711);
    let mut a = member(&started, "a");
    for round in 0..400 {
        let acks: &[_] = &[(0, &[(0, 4, &[1, 2, 3, 0, 1][..])][..])];
        let mut frame = match round % 2 {
            0 => a.client.frame(1, &a.fetch_request(&[0, 1], acks, 0)),
            _ => a.client.frame(1, &a.acknowledge_request(acks)),
        };
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(8..frame.len());
            frame[at] = random.random();
        }
        a.client.stream.write_all(&frame).unwrap();
        a.client.half_close();
        // It is answered, or closed; either way the broker goes on.
        a.client.read_to_end();
        a.client = started.client();
    }
    // Numbers at their limits.
    let mut b = member(&started, "b");
    for (records, bytes, wait) in [(0, 0, 0), (-1, -1, -1), (i32::MIN, i32::MIN, i32::MIN)] {
        (b.max_records, b.max_bytes) = (records, bytes);
        assert_eq!(rows(&b.fetch(&[0], &[], wait)), []);
    }
    let many: Vec<i32> = (0..100_000).collect();
    let answer = rows(&b.fetch(&many, &[], 0));
    assert!(answer.iter().filter(|row| row.error == UNKNOWN_TOPIC_OR_PARTITION).count() > 99_000);
    let wide: Vec<(i64, i64, &[i8])> = (0..10_000).map(|n| (n * 2, n * 2, &[1_i8][..])).collect();
    let (error, found) = b.acknowledge(&[(0, &wide)]);
    assert_eq!((error, found.len()), (0, 1));
    // More sessions than one connection may have.
    let mut refused = 0;
    for n in 0..1100 {
        b.id = format!("many-{n}");
        b.session = 0;
        refused += i32::from(b.fetch(&[0], &[], 0).error_code == 133);
    }
    assert_eq!(refused, 101);
    assert_eq!(good.acknowledge(&[(0, &[(0, 0, &[ACCEPT])])]).0, 0);
    good.client.check_alive();
    let _ = acknowledged(
        &good.client.call::<ShareAcknowledgeRequest>(1, &good.acknowledge_request(&[])),
    );
}
