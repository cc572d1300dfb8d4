//! Every response of every version, against the crate kafka-protocol.

mod wire_common;

use minka::wire::kafka::Uuid;
use minka::wire::kafka::api_versions::{
    ApiVersion, ApiVersionsResponse, FinalizedFeature, SupportedFeature,
};
use minka::wire::kafka::create_topics::{
    CreatableTopicConfigs, CreatableTopicResult, CreateTopicsResponse,
};
use minka::wire::kafka::delete_topics::{DeletableTopicResult, DeleteTopicsResponse};
use minka::wire::kafka::fetch::{
    AbortedTransaction, EpochEndOffset, FetchPartitionResponse, FetchResponse, FetchTopicResponse,
    SnapshotId,
};
use minka::wire::kafka::find_coordinator::{Coordinator, FindCoordinatorResponse};
use minka::wire::kafka::heartbeat::HeartbeatResponse;
use minka::wire::kafka::init_producer_id::InitProducerIdResponse;
use minka::wire::kafka::join_group::{JoinGroupMember, JoinGroupResponse};
use minka::wire::kafka::leave_group::{LeaveGroupResponse, LeftMember};
use minka::wire::kafka::list_offsets::{
    ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use minka::wire::kafka::metadata::{
    MetadataBroker, MetadataPartition, MetadataResponse, MetadataTopic,
};
use minka::wire::kafka::offset_commit::{
    OffsetCommitPartitionResponse, OffsetCommitResponse, OffsetCommitTopicResponse,
};
use minka::wire::kafka::offset_fetch::{
    OffsetFetchGroupResponse, OffsetFetchPartitionResponse, OffsetFetchResponse,
    OffsetFetchTopicResponse,
};
use minka::wire::kafka::produce::{
    LeaderIdAndEpoch, NodeEndpoint, ProducePartitionResponse, ProduceResponse,
    ProduceTopicResponse, RecordError,
};
use minka::wire::kafka::sync_group::SyncGroupResponse;

const ID: Uuid = Uuid([0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff]);

agree!(api_versions: ApiVersionsResponse, [ApiVersionsResponse {
    error_code: 35,
    api_keys: vec![
        ApiVersion { api_key: 18, min_version: 1, max_version: 4 },
        ApiVersion::default(),
    ],
    throttle_time_ms: 7,
    supported_features: vec![
        SupportedFeature { name: "group.version".into(), min_version: 1, max_version: 2 },
        SupportedFeature::default(),
    ],
    finalized_features_epoch: 9,
    finalized_features: vec![
        FinalizedFeature {
            name: "group.version".into(),
            max_version_level: 2,
            min_version_level: 1,
        },
        FinalizedFeature::default(),
    ],
    zk_migration_ready: true,
}]);

agree!(metadata: MetadataResponse, [MetadataResponse {
    throttle_time_ms: 7,
    brokers: vec![
        MetadataBroker {
            node_id: 1,
            host: "localhost".into(),
            port: 9092,
            rack: Some("rack".into()),
        },
        MetadataBroker::default(),
    ],
    cluster_id: Some("cluster".into()),
    controller_id: 1,
    topics: vec![
        MetadataTopic {
            error_code: 3,
            name: Some("orders".into()),
            topic_id: ID,
            is_internal: true,
            partitions: vec![
                MetadataPartition {
                    error_code: 5,
                    partition_index: 6,
                    leader_id: 1,
                    leader_epoch: 8,
                    replica_nodes: vec![1, 2],
                    isr_nodes: vec![1],
                    offline_replicas: vec![2],
                },
                MetadataPartition::default(),
            ],
            topic_authorized_operations: 0x0df8,
        },
        MetadataTopic::default(),
    ],
    cluster_authorized_operations: 0x0df8,
    error_code: 41,
}]);

fn leader() -> LeaderIdAndEpoch {
    LeaderIdAndEpoch { leader_id: 2, leader_epoch: 3 }
}

fn endpoints() -> Vec<NodeEndpoint<'static>> {
    let host = "localhost".into();
    vec![
        NodeEndpoint { node_id: 2, host, port: 9092, rack: Some("rack".into()) },
        NodeEndpoint::default(),
    ]
}

agree!(produce: ProduceResponse, [ProduceResponse {
    responses: vec![
        ProduceTopicResponse {
            name: "orders".into(),
            topic_id: ID,
            partitions: vec![
                ProducePartitionResponse {
                    index: 1,
                    error_code: 87,
                    base_offset: 1 << 40,
                    log_append_time_ms: 5,
                    log_start_offset: 6,
                    record_errors: vec![
                        RecordError {
                            batch_index: 7,
                            batch_index_error_message: Some("no key".into()),
                        },
                        RecordError::default(),
                    ],
                    error_message: Some("no".into()),
                    current_leader: leader(),
                    first_record_id: -1,
                },
                ProducePartitionResponse::default(),
            ],
        },
        ProduceTopicResponse::default(),
    ],
    throttle_time_ms: 7,
    node_endpoints: endpoints(),
}]);

agree!(fetch: FetchResponse, [FetchResponse {
    throttle_time_ms: 7,
    error_code: 70,
    session_id: 8,
    responses: vec![
        FetchTopicResponse {
            topic: "orders".into(),
            topic_id: ID,
            partitions: vec![
                FetchPartitionResponse {
                    partition_index: 1,
                    error_code: 2,
                    high_watermark: 3,
                    last_stable_offset: 4,
                    log_start_offset: 5,
                    diverging_epoch: EpochEndOffset { epoch: 6, end_offset: 7 },
                    current_leader: leader(),
                    snapshot_id: SnapshotId { end_offset: 8, epoch: 9 },
                    aborted_transactions: Some(vec![
                        AbortedTransaction { producer_id: 10, first_offset: 11 },
                        AbortedTransaction::default(),
                    ]),
                    preferred_read_replica: 4,
                    records: Some(vec![12, 13, 14].into()),
                },
                FetchPartitionResponse {
                    aborted_transactions: Some(Vec::new()),
                    records: Some(Vec::new().into()),
                    ..Default::default()
                },
                FetchPartitionResponse::default(),
            ],
        },
        FetchTopicResponse::default(),
    ],
    node_endpoints: endpoints(),
}]);

agree!(list_offsets: ListOffsetsResponse, [ListOffsetsResponse {
    throttle_time_ms: 7,
    topics: vec![
        ListOffsetsTopicResponse {
            name: "orders".into(),
            partitions: vec![
                ListOffsetsPartitionResponse {
                    partition_index: 1,
                    error_code: 2,
                    timestamp: 3,
                    offset: 4,
                    leader_epoch: 5,
                },
                ListOffsetsPartitionResponse::default(),
            ],
        },
        ListOffsetsTopicResponse::default(),
    ],
}]);

agree!(offset_commit: OffsetCommitResponse, [OffsetCommitResponse {
    throttle_time_ms: 7,
    topics: vec![
        OffsetCommitTopicResponse {
            name: "orders".into(),
            partitions: vec![
                OffsetCommitPartitionResponse { partition_index: 1, error_code: 2 },
                OffsetCommitPartitionResponse::default(),
            ],
        },
        OffsetCommitTopicResponse::default(),
    ],
}]);

fn offset_fetch_topics() -> Vec<OffsetFetchTopicResponse<'static>> {
    vec![
        OffsetFetchTopicResponse {
            name: "orders".into(),
            partitions: vec![
                OffsetFetchPartitionResponse {
                    partition_index: 1,
                    committed_offset: 2,
                    committed_leader_epoch: 3,
                    metadata: Some("note".into()),
                    error_code: 4,
                },
                OffsetFetchPartitionResponse { metadata: Some("".into()), ..Default::default() },
                OffsetFetchPartitionResponse::default(),
            ],
        },
        OffsetFetchTopicResponse::default(),
    ]
}

agree!(offset_fetch: OffsetFetchResponse, [OffsetFetchResponse {
    throttle_time_ms: 7,
    topics: offset_fetch_topics(),
    error_code: 14,
    groups: vec![
        OffsetFetchGroupResponse {
            group_id: "group".into(),
            topics: offset_fetch_topics(),
            error_code: 15,
        },
        OffsetFetchGroupResponse::default(),
    ],
}]);

agree!(find_coordinator: FindCoordinatorResponse, [FindCoordinatorResponse {
    throttle_time_ms: 7,
    error_code: 15,
    error_message: Some("none".into()),
    node_id: 1,
    host: "localhost".into(),
    port: 9092,
    coordinators: vec![
        Coordinator {
            key: "group".into(),
            node_id: 1,
            host: "localhost".into(),
            port: 9092,
            error_code: 15,
            error_message: Some("none".into()),
        },
        Coordinator::default(),
    ],
}, FindCoordinatorResponse { error_message: None, ..Default::default() }]);

agree!(join_group: JoinGroupResponse, [JoinGroupResponse {
    throttle_time_ms: 7,
    error_code: 79,
    generation_id: 3,
    protocol_type: Some("consumer".into()),
    protocol_name: Some("range".into()),
    leader: "leader".into(),
    skip_assignment: true,
    member_id: "member".into(),
    members: vec![
        JoinGroupMember {
            member_id: "member".into(),
            group_instance_id: Some("instance".into()),
            metadata: vec![1, 0xfe].into(),
        },
        JoinGroupMember::default(),
    ],
}]);

agree!(sync_group: SyncGroupResponse, [SyncGroupResponse {
    throttle_time_ms: 7,
    error_code: 27,
    protocol_type: Some("consumer".into()),
    protocol_name: Some("range".into()),
    assignment: vec![0, b'"', b'\\', 0x7f].into(),
}]);

agree!(leave_group: LeaveGroupResponse, [LeaveGroupResponse {
    throttle_time_ms: 7,
    error_code: 25,
    members: vec![
        LeftMember {
            member_id: "member".into(),
            group_instance_id: Some("instance".into()),
            error_code: 82,
        },
        LeftMember::default(),
    ],
}]);

agree!(create_topics: CreateTopicsResponse, [CreateTopicsResponse {
    throttle_time_ms: 7,
    topics: vec![
        CreatableTopicResult {
            name: "orders".into(),
            topic_id: ID,
            error_code: 36,
            error_message: Some("exists".into()),
            topic_config_error_code: 29,
            num_partitions: 3,
            replication_factor: 1,
            configs: Some(vec![
                CreatableTopicConfigs {
                    name: "retention.ms".into(),
                    value: Some("1000".into()),
                    read_only: true,
                    config_source: 5,
                    is_sensitive: true,
                },
                CreatableTopicConfigs::default(),
            ]),
        },
        CreatableTopicResult { configs: None, ..Default::default() },
        CreatableTopicResult::default(),
    ],
}]);

agree!(delete_topics: DeleteTopicsResponse, [DeleteTopicsResponse {
    throttle_time_ms: 7,
    responses: vec![
        DeletableTopicResult {
            name: Some("orders".into()),
            topic_id: ID,
            error_code: 3,
            error_message: Some("unknown".into()),
        },
        DeletableTopicResult::default(),
    ],
}]);

agree!(heartbeat: HeartbeatResponse, [
    HeartbeatResponse { throttle_time_ms: 7, error_code: 27 },
]);

agree!(init_producer_id: InitProducerIdResponse, [InitProducerIdResponse {
    throttle_time_ms: 7,
    error_code: 51,
    producer_id: 1 << 40,
    producer_epoch: 3,
}]);
