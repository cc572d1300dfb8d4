//! Groups of KIP-848 through the Kafka door.

mod server_common;

use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
    DeleteGroupsRequest, DescribeGroupsRequest, JoinGroupRequest, ListGroupsRequest,
    OffsetFetchRequest,
};
use server_common::{start, text, topic_name};

const INCONSISTENT_PROTOCOL: i16 = 23;
const UNKNOWN_MEMBER: i16 = 25;
const INVALID_REQUEST: i16 = 42;
const NON_EMPTY_GROUP: i16 = 68;
const GROUP_ID_NOT_FOUND: i16 = 69;
const FENCED_MEMBER_EPOCH: i16 = 110;
const UNSUPPORTED_ASSIGNOR: i16 = 112;
const STALE_MEMBER_EPOCH: i16 = 113;
const INVALID_REGULAR_EXPRESSION: i16 = 128;

fn beat(member_id: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(text("g").into())
        .with_member_id(text(member_id))
        .with_member_epoch(epoch)
}

fn join(member_id: &str, topics: &[&str]) -> ConsumerGroupHeartbeatRequest {
    beat(member_id, 0)
        .with_rebalance_timeout_ms(60_000)
        .with_subscribed_topic_names(Some(topics.iter().map(|name| topic_name(name)).collect()))
        .with_topic_partitions(Some(Vec::new()))
}

/// The partitions of one topic that a member is told to have.
fn partitions(answer: &ConsumerGroupHeartbeatResponse) -> Option<Vec<i32>> {
    let topics = &answer.assignment.as_ref()?.topic_partitions;
    assert!(topics.len() <= 1);
    Some(topics.iter().flat_map(|topic| topic.partitions.clone()).collect())
}

fn classic_join() -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default().with_name(text("range"));
    JoinGroupRequest::default()
        .with_group_id(text("g").into())
        .with_session_timeout_ms(30_000)
        .with_rebalance_timeout_ms(30_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol])
}

#[test]
fn two_members_share_and_are_described() {
    let started = start();
    started.topic("t", 4);
    let mut client = started.client();
    let joined = client.call(1, &join("a", &["t"]).with_server_assignor(Some(text("uniform"))));
    assert_eq!((joined.error_code, joined.member_epoch), (0, 1));
    assert_eq!(joined.member_id, Some(text("a")));
    assert_eq!(joined.heartbeat_interval_ms, 5000);
    assert_eq!(partitions(&joined), Some(vec![0, 1, 2, 3]));
    let id = joined.assignment.unwrap().topic_partitions[0].topic_id;
    assert_eq!(id.into_bytes(), started.topic_id("t"));

    // In version 0 the broker makes the ID.
    let other = client.call(0, &join("", &["t"]));
    let b = other.member_id.clone().unwrap();
    assert_eq!((other.error_code, other.member_epoch, b.len()), (0, 2, 36));
    assert_eq!(partitions(&other), Some(vec![]));
    assert_eq!(partitions(&client.call(1, &beat("a", 1))), Some(vec![0, 1]));
    let owned = TopicPartitions::default().with_topic_id(id).with_partitions(vec![0, 1]);
    let answer = client.call(1, &beat("a", 1).with_topic_partitions(Some(vec![owned])));
    assert_eq!((answer.member_epoch, partitions(&answer)), (2, None));
    assert_eq!(partitions(&client.call(0, &beat(&b, 2))), Some(vec![2, 3]));

    for version in 0..=1 {
        let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![
            text("g").into(),
            text("missing").into(),
            text("g").into(),
        ]);
        let groups = client.call(version, &request).groups;
        assert_eq!((groups.len(), groups[1].error_code), (2, GROUP_ID_NOT_FOUND));
        let group = &groups[0];
        assert_eq!((&*group.group_state, &*group.assignor_name), ("Stable", "uniform"));
        assert_eq!((group.group_epoch, group.assignment_epoch), (2, 2));
        let member = group.members.iter().find(|member| &*member.member_id == "a").unwrap();
        assert_eq!((&*member.client_id, &*member.client_host), ("test", "/127.0.0.1"));
        assert_eq!(
            (member.member_epoch, &*member.subscribed_topic_names),
            (2, &[topic_name("t")][..])
        );
        assert_eq!(member.member_type, if version >= 1 { 1 } else { -1 });
        for share in [&member.assignment, &member.target_assignment] {
            let topic = &share.topic_partitions[0];
            assert_eq!((&*topic.topic_name.0, &*topic.partitions), ("t", &[0, 1][..]));
        }
    }
    for (member, epoch) in [("a", -1), (&*b, -1)] {
        let left = client.call(1, &beat(member, epoch));
        assert_eq!((left.error_code, left.member_epoch), (0, -1));
    }
}

#[test]
fn errors_have_their_codes_and_say_why() {
    let started = start();
    started.topic("t", 1);
    let mut client = started.client();
    let mut code = |version, request: &ConsumerGroupHeartbeatRequest| {
        let answer = client.call(version, request);
        assert_eq!(answer.error_message.is_some(), answer.error_code != 0);
        answer.error_code
    };
    assert_eq!(code(1, &beat("a", 3)), GROUP_ID_NOT_FOUND);
    assert_eq!(code(1, &join("", &["t"])), INVALID_REQUEST);
    assert_eq!(code(0, &join("", &["t"]).with_rebalance_timeout_ms(-1)), INVALID_REQUEST);
    let request = join("a", &["t"]).with_server_assignor(Some(text("mine")));
    assert_eq!(code(1, &request), UNSUPPORTED_ASSIGNOR);
    let request = join("a", &[]).with_subscribed_topic_regex(Some(text("(")));
    assert_eq!(code(1, &request), INVALID_REGULAR_EXPRESSION);
    assert_eq!(code(1, &join("a", &["t"])), 0);
    assert_eq!(code(1, &beat("b", 1)), UNKNOWN_MEMBER);
    assert_eq!(code(1, &beat("a", 2)), FENCED_MEMBER_EPOCH);
}

#[test]
fn both_kinds_are_listed_and_keep_apart() {
    let started = start();
    started.topic("t", 1);
    let mut client = started.client();
    assert_eq!(client.call(1, &join("a", &["t"])).error_code, 0);
    assert_eq!(client.call(3, &classic_join()).error_code, INCONSISTENT_PROTOCOL);
    let other = classic_join().with_group_id(text("h").into());
    assert_eq!(client.call(3, &other).error_code, 0);
    let refused = join("a", &["t"]).with_group_id(text("h").into());
    assert_eq!(client.call(1, &refused).error_code, GROUP_ID_NOT_FOUND);

    let mut list = |states: &[&str], types: &[&str]| -> Vec<String> {
        let request = ListGroupsRequest::default()
            .with_states_filter(states.iter().map(|state| text(state)).collect())
            .with_types_filter(types.iter().map(|kind| text(kind)).collect());
        let groups = client.call(5, &request).groups;
        groups
            .iter()
            .map(|g| format!("{} {} {}", &*g.group_id.0, g.group_type, g.group_state))
            .collect()
    };
    let (g, h) = ("g consumer Stable", "h classic CompletingRebalance");
    assert_eq!(list(&[], &[]), [g, h]);
    assert_eq!(list(&["stable"], &[]), [g]);
    assert_eq!(list(&[], &["Consumer"]), [g]);
    assert_eq!(list(&[], &["classic"]), [h]);
    assert_eq!(list(&[], &["share"]), [""; 0]);

    for version in [5, 6] {
        let request = DescribeGroupsRequest::default().with_groups(vec![text("g").into()]);
        let group = &client.call(version, &request).groups[0];
        let expected = if version == 6 { GROUP_ID_NOT_FOUND } else { 0 };
        assert_eq!((&*group.group_state, group.error_code), ("Dead", expected));
    }
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![text("h").into()]);
    assert_eq!(client.call(1, &request).groups[0].error_code, GROUP_ID_NOT_FOUND);
    let request = DeleteGroupsRequest::default().with_groups_names(vec![text("g").into()]);
    assert_eq!(client.call(2, &request).results[0].error_code, NON_EMPTY_GROUP);
    client.call(1, &beat("a", -1));
    assert_eq!(client.call(2, &request).results[0].error_code, 0);
}

#[test]
fn offsets_of_a_member_need_its_newest_epoch() {
    let started = start();
    started.topic("t", 1);
    let mut client = started.client();
    client.call(1, &join("a", &["t"]));
    let mut fetch = |member: Option<&str>, epoch| {
        let topic = OffsetFetchRequestTopics::default()
            .with_name(topic_name("t"))
            .with_partition_indexes(vec![0]);
        let group = OffsetFetchRequestGroup::default()
            .with_group_id(text("g").into())
            .with_member_id(member.map(text))
            .with_member_epoch(epoch)
            .with_topics(Some(vec![topic]));
        let request = OffsetFetchRequest::default().with_groups(vec![group]);
        let group = client.call(9, &request).groups.remove(0);
        (group.error_code, group.topics.len())
    };
    assert_eq!(fetch(Some("a"), 1), (0, 1));
    assert_eq!(fetch(None, -1), (0, 1));
    assert_eq!(fetch(Some("a"), 0), (STALE_MEMBER_EPOCH, 0));
    assert_eq!(fetch(Some("b"), 1), (UNKNOWN_MEMBER, 0));
}
