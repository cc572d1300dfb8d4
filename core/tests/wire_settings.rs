//! Every request and response of the APIs that change settings and offsets, against the crate
//! kafka-protocol.

mod wire_common;

use minka::wire::kafka::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResponse, AlterConfigsResult,
    AlterableConfig,
};
use minka::wire::kafka::incremental_alter_configs::{
    APPEND, ConfigChange, DELETE, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource,
    IncrementalAlterConfigsResponse,
};
use minka::wire::kafka::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};
use minka::wire::kafka::offset_delete::{
    OffsetDeletePartition, OffsetDeletePartitionResult, OffsetDeleteRequest, OffsetDeleteResponse,
    OffsetDeleteTopic, OffsetDeleteTopicResult,
};

agree!(alter_configs: AlterConfigsRequest, [AlterConfigsRequest {
    resources: vec![
        AlterConfigsResource {
            resource_type: 2,
            resource_name: "orders",
            configs: vec![
                AlterableConfig { name: "retention.ms", value: Some("1000") },
                AlterableConfig { name: "cleanup.policy", value: None },
                AlterableConfig { name: "", value: Some("") },
            ],
        },
        AlterConfigsResource::default(),
    ],
    validate_only: true,
}]);

fn results() -> Vec<AlterConfigsResult<'static>> {
    vec![
        AlterConfigsResult {
            error_code: 40,
            error_message: Some("it must be a number".into()),
            resource_type: 32,
            resource_name: "group".into(),
        },
        AlterConfigsResult { error_message: Some("".into()), ..Default::default() },
        AlterConfigsResult::default(),
    ]
}

agree!(alter_configs_answer: AlterConfigsResponse, [
    AlterConfigsResponse { throttle_time_ms: 7, responses: results() },
]);

agree!(incremental_alter_configs: IncrementalAlterConfigsRequest, [
    IncrementalAlterConfigsRequest {
        resources: vec![
            IncrementalAlterConfigsResource {
                resource_type: 32,
                resource_name: "group",
                configs: vec![
                    ConfigChange {
                        name: "cleanup.policy",
                        config_operation: APPEND,
                        value: Some("compact"),
                    },
                    ConfigChange { name: "retention.ms", config_operation: DELETE, value: None },
                    ConfigChange::default(),
                ],
            },
            IncrementalAlterConfigsResource::default(),
        ],
        validate_only: true,
    },
]);

agree!(incremental_alter_configs_answer: IncrementalAlterConfigsResponse, [
    IncrementalAlterConfigsResponse { throttle_time_ms: 7, responses: results() },
]);

agree!(offset_delete: OffsetDeleteRequest, [OffsetDeleteRequest {
    group_id: "group",
    topics: vec![
        OffsetDeleteTopic {
            name: "orders",
            partitions: vec![
                OffsetDeletePartition { partition_index: 3 },
                OffsetDeletePartition::default(),
            ],
        },
        OffsetDeleteTopic::default(),
    ],
}]);

agree!(offset_delete_answer: OffsetDeleteResponse, [OffsetDeleteResponse {
    error_code: 69,
    throttle_time_ms: 7,
    topics: vec![
        OffsetDeleteTopicResult {
            name: "orders".into(),
            partitions: vec![
                OffsetDeletePartitionResult { partition_index: 3, error_code: 86 },
                OffsetDeletePartitionResult::default(),
            ],
        },
        OffsetDeleteTopicResult::default(),
    ],
}]);

agree!(list_config_resources: ListConfigResourcesRequest, [
    ListConfigResourcesRequest { resource_types: vec![2, 4, 32] },
]);

agree!(list_config_resources_answer: ListConfigResourcesResponse, [
    ListConfigResourcesResponse {
        throttle_time_ms: 7,
        error_code: 35,
        config_resources: vec![
            ConfigResource { resource_name: "group".into(), resource_type: 32 },
            ConfigResource::default(),
        ],
    },
]);
