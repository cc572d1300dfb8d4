//! Every request and response of the APIs for share groups: version 1 against the crate
//! kafka-protocol, and the versions that it does not know by their bytes.

mod wire_common;

use minka::wire::kafka::field::Nullable;
use minka::wire::kafka::frame::{write_request, write_response};
use minka::wire::kafka::header::{RequestHeader, ResponseHeader};
use minka::wire::kafka::produce::{LeaderIdAndEpoch, NodeEndpoint};
use minka::wire::kafka::share_acknowledge::{
    AcknowledgePartition, AcknowledgeTopic, ShareAcknowledgePartitionResponse,
    ShareAcknowledgeRequest, ShareAcknowledgeResponse, ShareAcknowledgeTopicResponse,
};
use minka::wire::kafka::share_fetch::{
    ACCEPT, AcknowledgementBatch, AcquiredRecords, GAP, RECORD_LIMIT, RELEASE, RENEW,
    ShareFetchPartition, ShareFetchPartitionResponse, ShareFetchRequest, ShareFetchResponse,
    ShareFetchTopic, ShareFetchTopicResponse, ShareForgottenTopic,
};
use minka::wire::kafka::share_group_describe::{
    DescribedShareGroup, ShareGroupDescribeRequest, ShareGroupDescribeResponse, ShareGroupMember,
    ShareMemberAssignment, ShareMemberTopic,
};
use minka::wire::kafka::share_group_heartbeat::{
    ShareGroupAssignment, ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse,
    ShareGroupTopicPartitions,
};
use minka::wire::kafka::{ApiKey, Reader, Uuid};

const ID: Uuid = Uuid([0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff]);

agree!(heartbeat: ShareGroupHeartbeatRequest, [ShareGroupHeartbeatRequest {
    group_id: "group",
    member_id: "member",
    member_epoch: -1,
    rack_id: Some("rack"),
    subscribed_topic_names: Some(vec!["orders", ""]),
}]);

agree!(heartbeat_answer: ShareGroupHeartbeatResponse, [
    ShareGroupHeartbeatResponse {
        throttle_time_ms: 7,
        error_code: 25,
        error_message: Some("unknown".into()),
        member_id: Some("member".into()),
        member_epoch: 4,
        heartbeat_interval_ms: 5000,
        assignment: Nullable(Some(ShareGroupAssignment {
            topic_partitions: vec![
                ShareGroupTopicPartitions { topic_id: ID, partitions: vec![0, 1, 7] },
                ShareGroupTopicPartitions::default(),
            ],
        })),
    },
    ShareGroupHeartbeatResponse {
        assignment: Nullable(Some(ShareGroupAssignment::default())),
        ..Default::default()
    },
]);

agree!(describe: ShareGroupDescribeRequest, [
    ShareGroupDescribeRequest { group_ids: vec!["a", ""], include_authorized_operations: true },
]);

agree!(describe_answer: ShareGroupDescribeResponse, [ShareGroupDescribeResponse {
    throttle_time_ms: 7,
    groups: vec![
        DescribedShareGroup {
            error_code: 15,
            error_message: None,
            group_id: "group".into(),
            group_state: "Stable".into(),
            group_epoch: 3,
            assignment_epoch: 2,
            assignor_name: "simple".into(),
            members: vec![
                ShareGroupMember {
                    member_id: "member".into(),
                    rack_id: Some("rack".into()),
                    member_epoch: 3,
                    client_id: "client".into(),
                    client_host: "/127.0.0.1".into(),
                    subscribed_topic_names: vec!["orders".into()],
                    assignment: ShareMemberAssignment {
                        topic_partitions: vec![
                            ShareMemberTopic {
                                topic_id: ID,
                                topic_name: "orders".into(),
                                partitions: vec![2, 1],
                            },
                            ShareMemberTopic::default(),
                        ],
                    },
                },
                ShareGroupMember::default(),
            ],
            authorized_operations: 9,
        },
        DescribedShareGroup::default(),
    ],
}]);

fn acknowledgements() -> Vec<AcknowledgementBatch> {
    vec![
        AcknowledgementBatch {
            first_offset: 1 << 40,
            last_offset: (1 << 40) + 2,
            acknowledge_types: vec![ACCEPT, GAP, RELEASE],
        },
        AcknowledgementBatch::default(),
    ]
}

fn share_fetch() -> ShareFetchRequest<'static> {
    ShareFetchRequest {
        group_id: Some("group"),
        member_id: Some("member"),
        share_session_epoch: 3,
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: 1 << 20,
        max_records: 100,
        batch_size: 50,
        share_acquire_mode: RECORD_LIMIT,
        is_renew_ack: true,
        topics: vec![
            ShareFetchTopic {
                topic_id: ID,
                partitions: vec![
                    ShareFetchPartition {
                        partition_index: 4,
                        acknowledgement_batches: acknowledgements(),
                    },
                    ShareFetchPartition::default(),
                ],
            },
            ShareFetchTopic::default(),
        ],
        forgotten_topics: vec![
            ShareForgottenTopic { topic_id: ID, partitions: vec![5, 6] },
            ShareForgottenTopic::default(),
        ],
    }
}

agree!(fetch: ShareFetchRequest, [share_fetch()]);

fn leader() -> (LeaderIdAndEpoch, Vec<NodeEndpoint<'static>>) {
    let host = "localhost".into();
    let endpoint = NodeEndpoint { node_id: 2, host, port: 9092, rack: Some("rack".into()) };
    (LeaderIdAndEpoch { leader_id: 2, leader_epoch: 9 }, vec![endpoint, NodeEndpoint::default()])
}

fn share_fetch_answer() -> ShareFetchResponse<'static> {
    let (current_leader, node_endpoints) = leader();
    ShareFetchResponse {
        throttle_time_ms: 7,
        error_code: 122,
        error_message: Some("no session".into()),
        acquisition_lock_timeout_ms: 30_000,
        responses: vec![
            ShareFetchTopicResponse {
                topic_id: ID,
                partitions: vec![
                    ShareFetchPartitionResponse {
                        partition_index: 4,
                        error_code: 6,
                        error_message: Some("moved".into()),
                        acknowledge_error_code: 121,
                        acknowledge_error_message: Some("late".into()),
                        current_leader,
                        records: Some(vec![1, 2, 3].into()),
                        acquired_records: vec![
                            AcquiredRecords {
                                first_offset: 1 << 40,
                                last_offset: (1 << 40) + 5,
                                delivery_count: 2,
                            },
                            AcquiredRecords::default(),
                        ],
                    },
                    ShareFetchPartitionResponse {
                        records: Some(vec![].into()),
                        ..Default::default()
                    },
                    ShareFetchPartitionResponse::default(),
                ],
            },
            ShareFetchTopicResponse::default(),
        ],
        node_endpoints,
    }
}

agree!(fetch_answer: ShareFetchResponse, [share_fetch_answer()]);

fn share_acknowledge() -> ShareAcknowledgeRequest<'static> {
    ShareAcknowledgeRequest {
        group_id: Some("group"),
        member_id: Some("member"),
        share_session_epoch: -1,
        is_renew_ack: true,
        topics: vec![
            AcknowledgeTopic {
                topic_id: ID,
                partitions: vec![
                    AcknowledgePartition {
                        partition_index: 4,
                        acknowledgement_batches: acknowledgements(),
                    },
                    AcknowledgePartition::default(),
                ],
            },
            AcknowledgeTopic::default(),
        ],
    }
}

agree!(acknowledge: ShareAcknowledgeRequest, [share_acknowledge()]);

fn share_acknowledge_answer() -> ShareAcknowledgeResponse<'static> {
    let (current_leader, node_endpoints) = leader();
    ShareAcknowledgeResponse {
        throttle_time_ms: 7,
        error_code: 123,
        error_message: Some("an old epoch".into()),
        acquisition_lock_timeout_ms: 15_000,
        responses: vec![
            ShareAcknowledgeTopicResponse {
                topic_id: ID,
                partitions: vec![
                    ShareAcknowledgePartitionResponse {
                        partition_index: 4,
                        error_code: 121,
                        error_message: Some("late".into()),
                        current_leader,
                    },
                    ShareAcknowledgePartitionResponse::default(),
                ],
            },
            ShareAcknowledgeTopicResponse::default(),
        ],
        node_endpoints,
    }
}

agree!(acknowledge_answer: ShareAcknowledgeResponse, [share_acknowledge_answer()]);

/// What is written is read again, and nothing shorter is.
macro_rules! round_trip {
    ($test:ident: $message:ident, $version:literal, $value:expr) => {
        #[test]
        fn $test() {
            let value = $value;
            let mut bytes = Vec::new();
            value.encode(&mut minka::wire::kafka::Writer::new(&mut bytes), $version);
            let mut reader = Reader::new(&bytes);
            assert_eq!($message::decode(&mut reader, $version).unwrap(), value);
            assert_eq!(reader.remaining(), 0);
            for len in 0..bytes.len() {
                let cut = $message::decode(&mut Reader::new(&bytes[..len]), $version);
                assert!(cut.is_err(), "read from {len} bytes: {cut:?}");
            }
        }
    };
}

round_trip!(fetch_2: ShareFetchRequest, 2, share_fetch());
round_trip!(fetch_answer_2: ShareFetchResponse, 2, share_fetch_answer());
round_trip!(acknowledge_2: ShareAcknowledgeRequest, 2, share_acknowledge());
round_trip!(acknowledge_answer_2: ShareAcknowledgeResponse, 2, share_acknowledge_answer());

#[test]
fn version_2_of_a_share_fetch_has_its_new_fields_before_the_topics() {
    let request = ShareFetchRequest {
        group_id: Some("g"),
        member_id: None,
        share_session_epoch: 1,
        max_wait_ms: 2,
        min_bytes: 3,
        max_bytes: 4,
        max_records: 5,
        batch_size: 6,
        share_acquire_mode: RECORD_LIMIT,
        is_renew_ack: true,
        topics: vec![ShareFetchTopic {
            topic_id: ID,
            partitions: vec![ShareFetchPartition {
                partition_index: 7,
                acknowledgement_batches: vec![AcknowledgementBatch {
                    first_offset: 8,
                    last_offset: 9,
                    acknowledge_types: vec![RENEW],
                }],
            }],
        }],
        forgotten_topics: Vec::new(),
    };
    let mut expected = vec![2, b'g', 0];
    for number in 1..=6 {
        expected.extend_from_slice(&i32::to_be_bytes(number));
    }
    expected.extend_from_slice(&[1, 1, 2]);
    expected.extend_from_slice(&ID.0);
    expected.extend_from_slice(&[2, 0, 0, 0, 7, 2]);
    expected.extend_from_slice(&8_i64.to_be_bytes());
    expected.extend_from_slice(&9_i64.to_be_bytes());
    expected.extend_from_slice(&[2, 4, 0, 0, 0, 1, 0]);
    let mut frame = Vec::new();
    write_request(&mut frame, 2, 1, None, &request).unwrap();
    let mut reader = Reader::new(&frame[4..]);
    assert_eq!(RequestHeader::decode(&mut reader).unwrap().api, ApiKey::ShareFetch);
    assert_eq!(&frame[frame.len() - reader.remaining()..], expected);
}

#[test]
fn version_2_of_an_acknowledgement_is_answered_with_the_lock_timeout() {
    let answer =
        ShareAcknowledgeResponse { acquisition_lock_timeout_ms: 0x0102, ..Default::default() };
    let body = |version| {
        let mut frame = Vec::new();
        write_response(&mut frame, version, 1, &answer).unwrap();
        let mut reader = Reader::new(&frame[4..]);
        ResponseHeader::decode(&mut reader, ApiKey::ShareAcknowledge, version).unwrap();
        frame.split_off(frame.len() - reader.remaining())
    };
    assert_eq!(body(1), [0, 0, 0, 0, 0, 0, 0, 1, 1, 0]);
    assert_eq!(body(2), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 1, 1, 0]);
}

#[test]
fn an_assignment_that_did_not_change_is_one_byte() {
    let mut with = Vec::new();
    let mut without = Vec::new();
    let mut answer = ShareGroupHeartbeatResponse::default();
    write_response(&mut without, 1, 1, &answer).unwrap();
    answer.assignment = Nullable(Some(ShareGroupAssignment::default()));
    write_response(&mut with, 1, 1, &answer).unwrap();
    assert!(without.ends_with(&[0xff, 0]));
    assert!(with.ends_with(&[1, 1, 0, 0]));
}
