//! Deleting records and committed offsets through the Kafka door.

mod server_common;

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::{
    DeleteRecordsRequest, JoinGroupRequest, OffsetCommitRequest, OffsetDeleteRequest,
};
use minka::state::setting::ConfigChange;
use minka::sys::event_log::EventLog;
use minka::{Broker, Config};
use server_common::{Client, batch, fetch, fetched, produce, produced, start, text, topic_name};

fn delete_records(topic: &str, partitions: &[(i32, i64)]) -> DeleteRecordsRequest {
    let partition = |(index, offset): &(i32, i64)| {
        DeleteRecordsPartition::default().with_partition_index(*index).with_offset(*offset)
    };
    let topic = DeleteRecordsTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(partitions.iter().map(partition).collect());
    DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000)
}

/// Deletes records. Returns error and low watermark of each partition.
fn delete(
    client: &mut Client,
    version: i16,
    topic: &str,
    wanted: &[(i32, i64)],
) -> Vec<(i16, i64)> {
    let answer = client.call(version, &delete_records(topic, wanted));
    let [topic] = &answer.topics[..] else { panic!("{answer:?}") };
    let indexes = topic.partitions.iter().map(|partition| partition.partition_index);
    assert!(indexes.eq(wanted.iter().map(|(index, _)| *index)));
    topic.partitions.iter().map(|p| (p.error_code, p.low_watermark)).collect()
}

#[test]
fn records_before_an_offset_are_deleted_for_good() {
    let started = start();
    let mut client = started.client();
    for version in 0..=2 {
        let name = format!("t{version}");
        started.topic(&name, 3);
        // The records are old: retention, which looks at them when some were deleted, leaves them.
        let keep = [ConfigChange::Set("retention.ms", "-1")];
        started.broker.configure_topic(&name, &keep, false).unwrap();
        let topic = (&*name, started.topic_id(&name));
        for partition in 0..2 {
            let request = produce(topic, partition, -1, batch(&[b"a", b"b", b"c", b"d"]));
            assert_eq!(produced(&client.call(9, &request)), (0, 0));
        }
        let wanted = [(0, 2), (1, -1), (2, -1), (0, 5), (9, 0), (1, -2), (0, 1)];
        let deleted = delete(&mut client, version, &name, &wanted);
        assert_eq!(deleted, [(0, 2), (0, 4), (0, 0), (1, -1), (3, -1), (1, -1), (0, 2)]);
        let missing = delete(&mut client, version, "missing", &[(0, 0)]);
        assert_eq!(missing, [(3, -1)]);

        // A batch that is there in part is sent as a whole; its client leaves out the rest.
        let answer = client.call(12, &fetch(topic, &[(0, 2), (0, 1), (1, 3)], 0));
        let errors: Vec<i16> = fetched(&answer).iter().map(|(error, _)| *error).collect();
        assert_eq!(errors, [0, 1, 1]);
        assert_eq!(answer.responses[0].partitions[0].log_start_offset, 2);
        let request = produce(topic, 1, -1, batch(&[b"e"]));
        assert_eq!(produced(&client.call(9, &request)), (0, 4));
    }
    let directory = started.directory;
    drop((client, started.server));
    drop(started.broker);
    let broker =
        Broker::open(directory.path(), Config::default(), Arc::new(EventLog::none())).unwrap();
    let topic = broker.topic("t0").unwrap();
    let places = topic.partitions.iter().map(|p| (p.log_start(), p.high_watermark()));
    assert_eq!(places.collect::<Vec<_>>(), [(2, 4), (4, 5), (0, 0)]);
}

fn commit(client: &mut Client, group: &str, topics: &[&str]) {
    let partition = OffsetCommitRequestPartition::default().with_committed_offset(1);
    let topic = |name: &&str| {
        OffsetCommitRequestTopic::default()
            .with_name(topic_name(name))
            .with_partitions(vec![partition.clone(), partition.clone().with_partition_index(1)])
    };
    let request = OffsetCommitRequest::default()
        .with_group_id(text(group).into())
        .with_generation_id_or_member_epoch(-1)
        .with_topics(topics.iter().map(topic).collect());
    let answer = client.call(8, &request);
    let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
    assert!(partitions.map(|partition| partition.error_code).all(|code| code == 0));
}

/// Deletes offsets. Returns the request's error and those of the partitions.
fn delete_offsets(
    client: &mut Client,
    group: &str,
    topics: &[(&str, &[i32])],
) -> (i16, Vec<Vec<i16>>) {
    let topic = |(name, partitions): &(&str, &[i32])| {
        let partition =
            |index: &i32| OffsetDeleteRequestPartition::default().with_partition_index(*index);
        OffsetDeleteRequestTopic::default()
            .with_name(topic_name(name))
            .with_partitions(partitions.iter().map(partition).collect())
    };
    let request = OffsetDeleteRequest::default()
        .with_group_id(text(group).into())
        .with_topics(topics.iter().map(topic).collect());
    let answer = client.call(0, &request);
    let errors = answer
        .topics
        .iter()
        .map(|topic| topic.partitions.iter().map(|partition| partition.error_code).collect());
    (answer.error_code, errors.collect())
}

fn join(group: &str, protocol_type: &str, metadata: &'static [u8]) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(Bytes::from_static(metadata));
    JoinGroupRequest::default()
        .with_group_id(text(group).into())
        .with_session_timeout_ms(30_000)
        .with_rebalance_timeout_ms(30_000)
        .with_protocol_type(text(protocol_type))
        .with_protocols(vec![protocol])
}

#[test]
fn offsets_are_deleted_unless_a_member_subscribes_to_their_topic() {
    let started = start();
    started.topic("a", 2);
    started.topic("b", 2);
    let mut client = started.client();
    commit(&mut client, "g", &["a", "b"]);
    let committed = || started.broker.committed_offsets("g").len();
    assert_eq!(committed(), 4);

    let wanted: &[(&str, &[i32])] = &[("a", &[0, 7]), ("missing", &[0]), ("a", &[0])];
    let (error, errors) = delete_offsets(&mut client, "g", wanted);
    assert_eq!((error, errors), (0, vec![vec![0, 3], vec![3], vec![0]]));
    assert_eq!(committed(), 3);
    assert_eq!(delete_offsets(&mut client, "unknown", wanted), (69, Vec::new()));

    // A member that subscribes to b: version 1, one topic, and what only its own client reads.
    let metadata = b"\x00\x01\x00\x00\x00\x01\x00\x01b\xff\xff";
    assert_eq!(client.call(3, &join("g", "consumer", metadata)).error_code, 0);
    let both: &[(&str, &[i32])] = &[("b", &[0, 1]), ("a", &[1])];
    let (error, errors) = delete_offsets(&mut client, "g", both);
    assert_eq!((error, errors), (0, vec![vec![86, 86], vec![0]]));
    assert_eq!(committed(), 2);
}

#[test]
fn offsets_of_a_group_whose_members_want_nobody_knows_what_stay() {
    let started = start();
    started.topic("a", 2);
    let mut client = started.client();
    let members: [(&str, &'static [u8]); 3] =
        [("connect", b"\x00\x01\x00\x00\x00\x00"), ("consumer", b"all"), ("consumer", b"")];
    for (n, (protocol_type, metadata)) in members.into_iter().enumerate() {
        let group = format!("g{n}");
        commit(&mut client, &group, &["a"]);
        assert_eq!(client.call(3, &join(&group, protocol_type, metadata)).error_code, 0);
        assert_eq!(delete_offsets(&mut client, &group, &[("a", &[0])]), (68, Vec::new()));
        assert_eq!(started.broker.committed_offsets(&group).len(), 2);
    }
}
