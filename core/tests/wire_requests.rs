//! Every request of every version, against the crate kafka-protocol.

mod wire_common;

use minka::wire::kafka::Uuid;
use minka::wire::kafka::api_versions::ApiVersionsRequest;
use minka::wire::kafka::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use minka::wire::kafka::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use minka::wire::kafka::fetch::{
    FetchPartition, FetchRequest, FetchTopic, ForgottenTopic, ReplicaState,
};
use minka::wire::kafka::find_coordinator::FindCoordinatorRequest;
use minka::wire::kafka::heartbeat::HeartbeatRequest;
use minka::wire::kafka::init_producer_id::InitProducerIdRequest;
use minka::wire::kafka::join_group::{JoinGroupProtocol, JoinGroupRequest};
use minka::wire::kafka::leave_group::{LeaveGroupRequest, LeavingMember};
use minka::wire::kafka::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use minka::wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic};
use minka::wire::kafka::offset_commit::{
    OffsetCommitPartition, OffsetCommitRequest, OffsetCommitTopic,
};
use minka::wire::kafka::offset_fetch::{OffsetFetchGroup, OffsetFetchRequest, OffsetFetchTopic};
use minka::wire::kafka::produce::{ProducePartition, ProduceRequest, ProduceTopic};
use minka::wire::kafka::sync_group::{SyncGroupAssignment, SyncGroupRequest};

const ID: Uuid = Uuid([0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff]);

agree!(api_versions: ApiVersionsRequest, [ApiVersionsRequest {
    client_software_name: "minka",
    client_software_version: "1.2.3",
}]);

agree!(metadata: MetadataRequest, [
    MetadataRequest {
        topics: Some(vec![
            MetadataRequestTopic { topic_id: ID, name: Some("orders") },
            MetadataRequestTopic { topic_id: Uuid::ZERO, name: Some("") },
            MetadataRequestTopic { topic_id: ID, name: None },
        ]),
        allow_auto_topic_creation: false,
        include_cluster_authorized_operations: true,
        include_topic_authorized_operations: true,
    },
    MetadataRequest { topics: Some(Vec::new()), ..MetadataRequest::default() },
]);

agree!(produce: ProduceRequest, [ProduceRequest {
    transactional_id: Some("tx"),
    acks: -1,
    timeout_ms: 30_000,
    topics: vec![
        ProduceTopic {
            name: "orders",
            topic_id: ID,
            partitions: vec![
                ProducePartition { index: 3, records: Some(&[1, 2, 3]) },
                ProducePartition { index: 4, records: None },
                ProducePartition { index: 5, records: Some(&[]) },
            ],
        },
        ProduceTopic::default(),
    ],
}]);

agree!(fetch: FetchRequest, [
    FetchRequest {
        cluster_id: Some("cluster"),
        replica_id: 6,
        replica_state: ReplicaState { replica_id: 7, replica_epoch: 8 },
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: 1 << 20,
        isolation_level: 1,
        session_id: 11,
        session_epoch: 12,
        topics: vec![
            FetchTopic {
                topic: "orders",
                topic_id: ID,
                partitions: vec![
                    FetchPartition {
                        partition: 1,
                        current_leader_epoch: 2,
                        fetch_offset: 1 << 40,
                        last_fetched_epoch: 3,
                        log_start_offset: 4,
                        partition_max_bytes: 5,
                        replica_directory_id: ID,
                    },
                    FetchPartition::default(),
                ],
            },
            FetchTopic::default(),
        ],
        forgotten_topics: vec![
            ForgottenTopic { topic: "payments", topic_id: ID, partitions: vec![1, 2] },
            ForgottenTopic::default(),
        ],
        rack_id: "rack",
    },
]);

agree!(list_offsets: ListOffsetsRequest, [ListOffsetsRequest {
    replica_id: 6,
    isolation_level: 1,
    topics: vec![
        ListOffsetsTopic {
            name: "orders",
            partitions: vec![
                ListOffsetsPartition { partition_index: 1, current_leader_epoch: 2, timestamp: -2 },
                ListOffsetsPartition::default(),
            ],
        },
        ListOffsetsTopic::default(),
    ],
    timeout_ms: 9,
}]);

agree!(offset_commit: OffsetCommitRequest, [OffsetCommitRequest {
    group_id: "group",
    generation_id_or_member_epoch: 3,
    member_id: "member",
    group_instance_id: Some("instance"),
    retention_time_ms: 4,
    topics: vec![
        OffsetCommitTopic {
            name: "orders",
            partitions: vec![
                OffsetCommitPartition {
                    partition_index: 1,
                    committed_offset: 2,
                    committed_leader_epoch: 3,
                    committed_metadata: Some("note"),
                },
                OffsetCommitPartition { committed_metadata: Some(""), ..Default::default() },
                OffsetCommitPartition::default(),
            ],
        },
        OffsetCommitTopic::default(),
    ],
}]);

fn offset_fetch_topics() -> Vec<OffsetFetchTopic<'static>> {
    vec![
        OffsetFetchTopic { name: "orders", partition_indexes: vec![0, 7, 2] },
        OffsetFetchTopic::default(),
    ]
}

agree!(offset_fetch: OffsetFetchRequest, [
    OffsetFetchRequest {
        group_id: "group",
        topics: Some(offset_fetch_topics()),
        groups: vec![
            OffsetFetchGroup {
                group_id: "first",
                member_id: Some("member"),
                member_epoch: 4,
                topics: Some(offset_fetch_topics()),
            },
            OffsetFetchGroup { group_id: "second", ..Default::default() },
        ],
        require_stable: true,
    },
]);

agree!(find_coordinator: FindCoordinatorRequest, [FindCoordinatorRequest {
    key: "group",
    key_type: 1,
    coordinator_keys: vec!["first", "", "third"],
}]);

agree!(join_group: JoinGroupRequest, [JoinGroupRequest {
    group_id: "group",
    session_timeout_ms: 1,
    rebalance_timeout_ms: 2,
    member_id: "member",
    group_instance_id: Some("instance"),
    protocol_type: "consumer",
    protocols: vec![
        JoinGroupProtocol { name: "range", metadata: &[0, 1, 2, 0xff] },
        JoinGroupProtocol::default(),
    ],
    reason: Some("because"),
}]);

agree!(sync_group: SyncGroupRequest, [SyncGroupRequest {
    group_id: "group",
    generation_id: 7,
    member_id: "member",
    group_instance_id: Some("instance"),
    protocol_type: Some("consumer"),
    protocol_name: Some("range"),
    assignments: vec![
        SyncGroupAssignment { member_id: "member", assignment: &[9, 8, 7] },
        SyncGroupAssignment::default(),
    ],
}]);

agree!(heartbeat: HeartbeatRequest, [HeartbeatRequest {
    group_id: "group",
    generation_id: 7,
    member_id: "member",
    group_instance_id: Some("instance"),
}]);

agree!(leave_group: LeaveGroupRequest, [LeaveGroupRequest {
    group_id: "group",
    member_id: "member",
    members: vec![
        LeavingMember {
            member_id: "member",
            group_instance_id: Some("instance"),
            reason: Some("because"),
        },
        LeavingMember::default(),
    ],
}]);

agree!(init_producer_id: InitProducerIdRequest, [InitProducerIdRequest {
    transactional_id: Some("tx"),
    transaction_timeout_ms: 60_000,
    producer_id: 1 << 40,
    producer_epoch: 3,
}]);

agree!(create_topics: CreateTopicsRequest, [CreateTopicsRequest {
    topics: vec![
        CreatableTopic {
            name: "orders",
            num_partitions: 3,
            replication_factor: 1,
            assignments: vec![
                CreatableReplicaAssignment { partition_index: 1, broker_ids: vec![2, 3] },
                CreatableReplicaAssignment::default(),
            ],
            configs: vec![
                CreatableTopicConfig { name: "retention.ms", value: Some("1000") },
                CreatableTopicConfig { name: "cleanup.policy", value: None },
            ],
        },
        CreatableTopic { num_partitions: -1, replication_factor: -1, ..Default::default() },
    ],
    timeout_ms: 7,
    validate_only: true,
}]);

agree!(delete_topics: DeleteTopicsRequest, [DeleteTopicsRequest {
    topics: vec![
        DeleteTopicState { name: Some("orders"), topic_id: Uuid::ZERO },
        DeleteTopicState { name: None, topic_id: ID },
    ],
    topic_names: vec!["orders", "payments"],
    timeout_ms: 7,
}]);
