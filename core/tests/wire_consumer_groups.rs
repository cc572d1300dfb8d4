//! The requests and responses of KIP-848, against the crate kafka-protocol.

mod wire_common;

use minka::wire::kafka::Uuid;
use minka::wire::kafka::consumer_group_describe::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ConsumerGroupMember,
    DescribedAssignment, DescribedConsumerGroup, DescribedTopicPartitions,
};
use minka::wire::kafka::consumer_group_heartbeat::{
    AssignedTopicPartitions, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
    HeartbeatAssignment, OwnedTopicPartitions,
};
use minka::wire::kafka::field::Nullable;

const ID: Uuid = Uuid([0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff]);

agree!(heartbeat_request: ConsumerGroupHeartbeatRequest, [
    ConsumerGroupHeartbeatRequest {
        group_id: "g",
        member_id: "m",
        member_epoch: 5,
        instance_id: Some("i"),
        rack_id: Some("r"),
        rebalance_timeout_ms: 300_000,
        subscribed_topic_names: Some(vec!["orders", ""]),
        subscribed_topic_regex: None,
        server_assignor: Some("uniform"),
        topic_partitions: Some(vec![
            OwnedTopicPartitions { topic_id: ID, partitions: vec![0, 7] },
            OwnedTopicPartitions::default(),
        ]),
    },
    ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: Some(Vec::new()),
        topic_partitions: Some(Vec::new()),
        ..ConsumerGroupHeartbeatRequest::default()
    },
]);

agree!(heartbeat_response: ConsumerGroupHeartbeatResponse, [
    ConsumerGroupHeartbeatResponse {
        throttle_time_ms: 1,
        error_code: 110,
        error_message: Some("why".into()),
        member_id: Some("m".into()),
        member_epoch: 5,
        heartbeat_interval_ms: 5000,
        assignment: Nullable(Some(HeartbeatAssignment {
            topic_partitions: vec![
                AssignedTopicPartitions { topic_id: ID, partitions: vec![0, 7] },
                AssignedTopicPartitions::default(),
            ],
        })),
    },
    ConsumerGroupHeartbeatResponse {
        assignment: Nullable(Some(HeartbeatAssignment::default())),
        ..ConsumerGroupHeartbeatResponse::default()
    },
]);

agree!(describe_request: ConsumerGroupDescribeRequest, [
    ConsumerGroupDescribeRequest { group_ids: vec!["a", ""], include_authorized_operations: true },
]);

agree!(describe_response: ConsumerGroupDescribeResponse, [ConsumerGroupDescribeResponse {
    throttle_time_ms: 7,
    groups: vec![
        DescribedConsumerGroup {
            error_code: 69,
            error_message: Some("why".into()),
            group_id: "g".into(),
            group_state: "Stable".into(),
            group_epoch: 5,
            assignment_epoch: 4,
            assignor_name: "uniform".into(),
            members: vec![
                ConsumerGroupMember {
                    member_id: "m".into(),
                    instance_id: Some("i".into()),
                    rack_id: Some("r".into()),
                    member_epoch: 3,
                    client_id: "c".into(),
                    client_host: "/127.0.0.1".into(),
                    subscribed_topic_names: vec!["orders".into(), "".into()],
                    subscribed_topic_regex: Some("o.*".into()),
                    assignment: DescribedAssignment {
                        topic_partitions: vec![
                            DescribedTopicPartitions {
                                topic_id: ID,
                                topic_name: "orders".into(),
                                partitions: vec![1, 2],
                            },
                            DescribedTopicPartitions::default(),
                        ],
                    },
                    target_assignment: DescribedAssignment::default(),
                    member_type: -1,
                },
                ConsumerGroupMember::default(),
            ],
            authorized_operations: 3,
        },
        DescribedConsumerGroup::default(),
    ],
}]);

#[test]
fn a_regular_expression_needs_version_1() {
    use minka::wire::kafka::{Reader, Writer};
    let request = ConsumerGroupHeartbeatRequest {
        subscribed_topic_regex: Some("a.*"),
        ..ConsumerGroupHeartbeatRequest::default()
    };
    for (version, expected) in [(0, None), (1, Some("a.*"))] {
        let mut bytes = Vec::new();
        request.encode(&mut Writer::new(&mut bytes), version);
        let read = ConsumerGroupHeartbeatRequest::decode(&mut Reader::new(&bytes), version);
        assert_eq!(read.expect("what was written").subscribed_topic_regex, expected);
    }
}
