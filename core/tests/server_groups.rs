//! Groups and their offsets through the Kafka door.

mod server_common;

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, HeartbeatRequest,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, ListGroupsRequest, OffsetCommitRequest,
    OffsetFetchRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;
use server_common::{Client, start, start_with, text, topic_name};

const MEMBER_ID_REQUIRED: i16 = 79;
const REBALANCE_IN_PROGRESS: i16 = 27;
const UNKNOWN_MEMBER: i16 = 25;
const GROUP_ID_NOT_FOUND: i16 = 69;

fn join(member_id: &StrBytes) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(Bytes::from_static(b"what I want"));
    JoinGroupRequest::default()
        .with_group_id(text("g").into())
        .with_session_timeout_ms(30_000)
        .with_rebalance_timeout_ms(30_000)
        .with_member_id(member_id.clone())
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol])
}

fn sync(member_id: &StrBytes, generation: i32, shares: &[(&StrBytes, &[u8])]) -> SyncGroupRequest {
    let assignments = shares.iter().map(|(member, share)| {
        SyncGroupRequestAssignment::default()
            .with_member_id((*member).clone())
            .with_assignment(Bytes::copy_from_slice(share))
    });
    SyncGroupRequest::default()
        .with_group_id(text("g").into())
        .with_generation_id(generation)
        .with_member_id(member_id.clone())
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(text("range")))
        .with_assignments(assignments.collect())
}

fn heartbeat(member_id: &StrBytes, generation: i32) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(text("g").into())
        .with_generation_id(generation)
        .with_member_id(member_id.clone())
}

fn commit(partitions: &[(&str, i32, i64, Option<&str>)]) -> OffsetCommitRequest {
    let topics = partitions.iter().map(|(name, index, offset, metadata)| {
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(*index)
            .with_committed_offset(*offset)
            .with_committed_leader_epoch(5)
            .with_committed_metadata(metadata.map(text));
        OffsetCommitRequestTopic::default()
            .with_name(topic_name(name))
            .with_partitions(vec![partition])
    });
    OffsetCommitRequest::default()
        .with_group_id(text("g").into())
        .with_generation_id_or_member_epoch(-1)
        .with_topics(topics.collect())
}

/// Joins for the first time, in a version where that takes two requests.
fn join_new(client: &mut Client, version: i16) -> (StrBytes, JoinGroupResponse) {
    let first = client.call(version, &join(&StrBytes::default()));
    if version < 4 {
        return (first.member_id.clone(), first);
    }
    assert_eq!(first.error_code, MEMBER_ID_REQUIRED);
    assert_eq!(first.generation_id, -1);
    let answer = client.call(version, &join(&first.member_id));
    (first.member_id, answer)
}

#[test]
fn two_members_share_and_one_leaves() {
    let started = start_with(|config| config.threads = 2.try_into().unwrap());
    for version in [0, 1, 3, 4, 5, 7, 9] {
        let sync_version = version.min(5);
        let (mut one, mut two) = (started.client(), started.client());
        let (id1, joined) = join_new(&mut one, version);
        assert_eq!((joined.error_code, joined.generation_id), (0, joined.generation_id));
        assert_eq!((&joined.leader, joined.members.len()), (&id1, 1));
        assert_eq!(&joined.members[0].metadata[..], b"what I want");
        let generation = joined.generation_id;
        let synced = one.call(sync_version, &sync(&id1, generation, &[(&id1, b"all")]));
        assert_eq!((synced.error_code, &synced.assignment[..]), (0, &b"all"[..]));

        // The second member waits until the first has joined again.
        let id2 = if version < 4 {
            two.send(version, &join(&StrBytes::default()));
            None
        } else {
            let id = two.call(version, &join(&StrBytes::default())).member_id;
            two.send(version, &join(&id));
            Some(id)
        };
        let mut beat = 0;
        while beat == 0 {
            beat = one.call(version.min(4), &heartbeat(&id1, generation)).error_code;
        }
        assert_eq!(beat, REBALANCE_IN_PROGRESS);
        let joined = one.call(version, &join(&id1));
        let other = two.receive::<JoinGroupRequest>(version);
        let id2 = id2.unwrap_or(other.member_id.clone());
        let generation = joined.generation_id;
        assert_eq!((joined.error_code, other.error_code), (0, 0));
        assert_eq!(other.generation_id, generation);
        assert_eq!((joined.members.len(), other.members.len()), (2, 0));
        assert_eq!(other.leader, id1);

        // The follower waits for what the leader says.
        two.send(sync_version, &sync(&id2, generation, &[]));
        let shares: [(&StrBytes, &[u8]); 2] = [(&id1, b"a"), (&id2, b"b")];
        let first = one.call(sync_version, &sync(&id1, generation, &shares));
        let second = two.receive::<SyncGroupRequest>(sync_version);
        assert_eq!((&first.assignment[..], &second.assignment[..]), (&b"a"[..], &b"b"[..]));
        let beat = two.call(version.min(4), &heartbeat(&id2, generation));
        assert_eq!(beat.error_code, 0);

        for (client, id) in [(&mut one, &id1), (&mut two, &id2)] {
            let member = MemberIdentity::default().with_member_id(id.clone());
            let mut request = LeaveGroupRequest::default().with_group_id(text("g").into());
            if version < 3 {
                request = request.with_member_id(id.clone());
            } else {
                request = request.with_members(vec![member.clone(), member]);
            }
            let answer = client.call(sync_version, &request);
            assert_eq!(answer.error_code, 0);
            let codes: Vec<i16> = answer.members.iter().map(|left| left.error_code).collect();
            let expected = if version < 3 { &[][..] } else { &[0, UNKNOWN_MEMBER] };
            assert_eq!(codes, expected);
        }
        let beat = two.call(version.min(4), &heartbeat(&id2, generation));
        assert_eq!(beat.error_code, UNKNOWN_MEMBER);
    }
}

#[test]
fn a_member_that_breaks_off_while_it_waits_holds_nobody_up() {
    let started = start();
    let mut one = started.client();
    let (id1, joined) = join_new(&mut one, 5);
    one.call(3, &sync(&id1, joined.generation_id, &[(&id1, b"all")]));
    let mut two = started.client();
    let id2 = two.call(5, &join(&StrBytes::default())).member_id;
    two.send(5, &join(&id2));
    let mut beat = 0;
    while beat == 0 {
        beat = one.call(4, &heartbeat(&id1, joined.generation_id)).error_code;
    }
    drop(two);
    // The broker lives, and so does the group.
    one.check_alive();
    let joined = one.call(5, &join(&id1));
    assert_eq!(joined.error_code, 0);
}

#[test]
fn offsets_come_back_as_they_were_committed() {
    let started = start();
    started.topic("t", 2);
    let mut client = started.client();
    for version in 2..=9 {
        let offset = i64::from(version) * 10;
        let answer = client.call(
            version,
            &commit(&[
                ("t", 0, offset, None),
                ("t", 1, offset + 1, Some("")),
                ("t", 2, 0, None),
                ("missing", 0, 0, None),
            ]),
        );
        let codes: Vec<i16> =
            answer.topics.iter().map(|topic| topic.partitions[0].error_code).collect();
        assert_eq!(codes, [0, 0, 3, 3]);
        for fetch_version in 1..=9 {
            let found = committed(&mut client, fetch_version, true);
            let epoch = if version >= 6 && fetch_version >= 5 { 5 } else { -1 };
            let expected = [
                (0, offset, epoch, None),
                (1, offset + 1, epoch, Some(String::new())),
                (7, -1, -1, Some(String::new())),
            ];
            assert_eq!(found, expected, "{version} {fetch_version}");
            if fetch_version >= 2 {
                assert_eq!(committed(&mut client, fetch_version, false), expected[..2]);
            }
        }
    }
    // Some clients commit -2 and mean the earliest offset.
    client.call(8, &commit(&[("t", 0, -2, None)]));
    assert_eq!(committed(&mut client, 5, true)[0], (0, -2, 5, None));
    // Who is no member of the generation commits nothing.
    let mut other = commit(&[("t", 0, 5, None)]);
    other.generation_id_or_member_epoch = 3;
    other.member_id = text("nobody");
    let refused = client.call(8, &other).topics[0].partitions[0].error_code;
    assert_eq!(refused, UNKNOWN_MEMBER);
}

/// Partition, offset, leader epoch and metadata of what the group has committed.
fn committed(
    client: &mut Client,
    version: i16,
    named: bool,
) -> Vec<(i32, i64, i32, Option<String>)> {
    let string = |text: &StrBytes| text.to_string();
    if version < 8 {
        let topic = OffsetFetchRequestTopic::default()
            .with_name(topic_name("t"))
            .with_partition_indexes(vec![0, 1, 7]);
        let request = OffsetFetchRequest::default()
            .with_group_id(text("g").into())
            .with_topics(named.then(|| vec![topic]));
        let answer = client.call(version, &request);
        assert_eq!(answer.error_code, 0);
        let partitions = answer.topics[0].partitions.iter();
        return partitions
            .map(|found| {
                let metadata = found.metadata.as_ref().map(string);
                let epoch = found.committed_leader_epoch;
                (found.partition_index, found.committed_offset, epoch, metadata)
            })
            .collect();
    }
    let topic = OffsetFetchRequestTopics::default()
        .with_name(topic_name("t"))
        .with_partition_indexes(vec![0, 1, 7]);
    let group = |name: &str| {
        OffsetFetchRequestGroup::default()
            .with_group_id(text(name).into())
            .with_topics(named.then(|| vec![topic.clone()]))
    };
    let request = OffsetFetchRequest::default().with_groups(vec![group("g"), group("other")]);
    let answer = client.call(version, &request);
    let other = answer.groups[1].topics.iter().flat_map(|topic| &topic.partitions);
    assert!(other.clone().all(|found| found.committed_offset == -1));
    let partitions = answer.groups[0].topics[0].partitions.iter();
    partitions
        .map(|found| {
            let metadata = found.metadata.as_ref().map(string);
            let epoch = found.committed_leader_epoch;
            (found.partition_index, found.committed_offset, epoch, metadata)
        })
        .collect()
}

#[test]
fn the_coordinator_is_the_broker() {
    let started = start();
    let port = i32::from(started.address().port());
    let mut client = started.client();
    for version in 0..=3 {
        let request = FindCoordinatorRequest::default().with_key(text("g"));
        let answer = client.call(version, &request);
        let address = (answer.node_id, answer.host.to_string(), answer.port);
        assert_eq!((answer.error_code, address), (0, (1.into(), "127.0.0.1".to_owned(), port)));
    }
    for (version, key_type, expected) in [(4, 0, 0), (5, 1, 0), (6, 2, 42)] {
        let request = FindCoordinatorRequest::default()
            .with_key_type(key_type)
            .with_coordinator_keys(vec![text("g"), text("h")]);
        let answer = client.call(version, &request);
        let found: Vec<_> =
            answer.coordinators.iter().map(|one| (&*one.key, one.error_code)).collect();
        assert_eq!(found, [("g", expected), ("h", expected)]);
    }
}

#[test]
fn groups_are_listed_described_and_deleted() {
    let started = start();
    started.topic("t", 1);
    let mut client = started.client();
    let (id, joined) = join_new(&mut client, 5);
    client.call(3, &sync(&id, joined.generation_id, &[(&id, b"mine")]));
    for version in 0..=5 {
        let answer = client.call(version, &ListGroupsRequest::default());
        let group = &answer.groups[0];
        let group = (&*group.group_id.0, &*group.protocol_type, &*group.group_state);
        assert_eq!(group, ("g", "consumer", if version >= 4 { "Stable" } else { "" }));
    }
    let none = ListGroupsRequest::default().with_states_filter(vec![text("Empty")]);
    assert!(client.call(5, &none).groups.is_empty());
    for version in 0..=6 {
        let request = DescribeGroupsRequest::default().with_groups(vec![
            text("g").into(),
            text("missing").into(),
            text("g").into(),
        ]);
        let answer = client.call(version, &request);
        let states: Vec<_> = answer.groups.iter().map(|group| &*group.group_state).collect();
        assert_eq!(states, ["Stable", "Dead"]);
        let errors: Vec<_> = answer.groups.iter().map(|group| group.error_code).collect();
        assert_eq!(errors, [0, if version >= 6 { GROUP_ID_NOT_FOUND } else { 0 }]);
        let member = &answer.groups[0].members[0];
        assert_eq!((&*member.client_id, &*member.client_host), ("test", "/127.0.0.1"));
        assert_eq!(&member.member_assignment[..], b"mine");
    }
    for version in 0..=2 {
        let request = DeleteGroupsRequest::default()
            .with_groups_names(vec![text("g").into(), text("missing").into()]);
        let answer = client.call(version, &request);
        let codes: Vec<i16> = answer.results.iter().map(|one| one.error_code).collect();
        assert_eq!(codes, [68, 69]);
    }
    let member = MemberIdentity::default().with_member_id(id);
    let leave =
        LeaveGroupRequest::default().with_group_id(text("g").into()).with_members(vec![member]);
    client.call(5, &leave);
    client.call(8, &commit(&[("t", 0, 1, None)]));
    let request = DeleteGroupsRequest::default().with_groups_names(vec![text("g").into()]);
    assert_eq!(client.call(2, &request).results[0].error_code, 0);
    assert!(client.call(5, &ListGroupsRequest::default()).groups.is_empty());
}
