//! Every request and response of the administrative APIs, against the crate kafka-protocol.

mod wire_common;

mod requests {
    use crate::agree;
    use minka::wire::kafka::create_partitions::{
        CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
    };
    use minka::wire::kafka::delete_groups::DeleteGroupsRequest;
    use minka::wire::kafka::delete_records::{
        DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
    };
    use minka::wire::kafka::describe_cluster::DescribeClusterRequest;
    use minka::wire::kafka::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
    use minka::wire::kafka::describe_groups::DescribeGroupsRequest;
    use minka::wire::kafka::list_groups::ListGroupsRequest;
    use minka::wire::kafka::offset_for_leader_epoch::{
        OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
    };

    agree!(describe_groups: DescribeGroupsRequest, [
        DescribeGroupsRequest { groups: vec!["a", ""], include_authorized_operations: true },
    ]);

    agree!(list_groups: ListGroupsRequest, [
        ListGroupsRequest { states_filter: vec!["Stable", "Empty"], types_filter: vec!["classic"] },
    ]);

    agree!(delete_groups: DeleteGroupsRequest, [
        DeleteGroupsRequest { groups_names: vec!["a", "b"] },
    ]);

    agree!(describe_cluster: DescribeClusterRequest, [
        DescribeClusterRequest { include_cluster_authorized_operations: true, endpoint_type: 2 },
    ]);

    agree!(describe_configs: DescribeConfigsRequest, [DescribeConfigsRequest {
        resources: vec![
            DescribeConfigsResource {
                resource_type: 2,
                resource_name: "orders",
                configuration_keys: Some(vec!["retention.ms", "cleanup.policy"]),
            },
            DescribeConfigsResource { configuration_keys: Some(vec![]), ..Default::default() },
            DescribeConfigsResource::default(),
        ],
        include_synonyms: true,
        include_documentation: true,
    }]);

    agree!(create_partitions: CreatePartitionsRequest, [CreatePartitionsRequest {
        topics: vec![
            CreatePartitionsTopic {
                name: "orders",
                count: 5,
                assignments: Some(vec![CreatePartitionsAssignment { broker_ids: vec![1, 2] }]),
            },
            CreatePartitionsTopic { assignments: None, ..Default::default() },
        ],
        timeout_ms: 7,
        validate_only: true,
    }]);

    agree!(delete_records: DeleteRecordsRequest, [DeleteRecordsRequest {
        topics: vec![
            DeleteRecordsTopic {
                name: "orders",
                partitions: vec![
                    DeleteRecordsPartition { partition_index: 1, offset: 1 << 40 },
                    DeleteRecordsPartition::default(),
                ],
            },
            DeleteRecordsTopic::default(),
        ],
        timeout_ms: 7,
    }]);

    agree!(offset_for_leader_epoch: OffsetForLeaderEpochRequest, [OffsetForLeaderEpochRequest {
        replica_id: 3,
        topics: vec![
            OffsetForLeaderTopic {
                topic: "orders",
                partitions: vec![
                    OffsetForLeaderPartition {
                        partition: 1,
                        current_leader_epoch: 2,
                        leader_epoch: 3,
                    },
                    OffsetForLeaderPartition::default(),
                ],
            },
            OffsetForLeaderTopic::default(),
        ],
    }]);
}

mod responses {
    use crate::agree;
    use minka::wire::kafka::create_partitions::{
        CreatePartitionsResponse, CreatePartitionsTopicResult,
    };
    use minka::wire::kafka::delete_groups::{DeletableGroupResult, DeleteGroupsResponse};
    use minka::wire::kafka::delete_records::{
        DeleteRecordsPartitionResult, DeleteRecordsResponse, DeleteRecordsTopicResult,
    };
    use minka::wire::kafka::describe_cluster::{DescribeClusterBroker, DescribeClusterResponse};
    use minka::wire::kafka::describe_configs::{
        ConfigSynonym, DescribeConfigsResponse, DescribeConfigsResult, DescribedConfig,
    };
    use minka::wire::kafka::describe_groups::{
        DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
    };
    use minka::wire::kafka::list_groups::{ListGroupsResponse, ListedGroup};
    use minka::wire::kafka::offset_for_leader_epoch::{
        LeaderEpochEnd, OffsetForLeaderEpochResponse, OffsetForLeaderTopicResult,
    };

    agree!(describe_groups: DescribeGroupsResponse, [DescribeGroupsResponse {
        throttle_time_ms: 7,
        groups: vec![
            DescribedGroup {
                error_code: 15,
                error_message: Some("why".into()),
                group_id: "group".into(),
                group_state: "Stable".into(),
                protocol_type: "consumer".into(),
                protocol_data: "range".into(),
                members: vec![
                    DescribedGroupMember {
                        member_id: "member".into(),
                        group_instance_id: Some("instance".into()),
                        client_id: "client".into(),
                        client_host: "/127.0.0.1".into(),
                        member_metadata: vec![1, 2].into(),
                        member_assignment: vec![3, 4, 5].into(),
                    },
                    DescribedGroupMember::default(),
                ],
                authorized_operations: 9,
            },
            DescribedGroup::default(),
        ],
    }]);

    agree!(list_groups: ListGroupsResponse, [ListGroupsResponse {
        throttle_time_ms: 7,
        error_code: 14,
        groups: vec![
            ListedGroup {
                group_id: "group".into(),
                protocol_type: "consumer".into(),
                group_state: "Stable".into(),
                group_type: "classic".into(),
            },
            ListedGroup::default(),
        ],
    }]);

    agree!(delete_groups: DeleteGroupsResponse, [DeleteGroupsResponse {
        throttle_time_ms: 7,
        results: vec![
            DeletableGroupResult { group_id: "group".into(), error_code: 68 },
            DeletableGroupResult::default(),
        ],
    }]);

    agree!(describe_cluster: DescribeClusterResponse, [DescribeClusterResponse {
        throttle_time_ms: 7,
        error_code: 31,
        error_message: Some("no".into()),
        endpoint_type: 2,
        cluster_id: "cluster".into(),
        controller_id: 1,
        brokers: vec![
            DescribeClusterBroker {
                broker_id: 1,
                host: "localhost".into(),
                port: 9092,
                rack: Some("rack".into()),
            },
            DescribeClusterBroker::default(),
        ],
        cluster_authorized_operations: 9,
    }]);

    agree!(describe_configs: DescribeConfigsResponse, [DescribeConfigsResponse {
        throttle_time_ms: 7,
        results: vec![
            DescribeConfigsResult {
                error_code: 3,
                error_message: Some("unknown".into()),
                resource_type: 2,
                resource_name: "orders".into(),
                configs: vec![
                    DescribedConfig {
                        name: "retention.ms".into(),
                        value: Some("1000".into()),
                        read_only: true,
                        config_source: 1,
                        is_sensitive: true,
                        synonyms: vec![
                            ConfigSynonym {
                                name: "log.retention.ms".into(),
                                value: Some("2000".into()),
                                source: 5,
                            },
                            ConfigSynonym::default(),
                        ],
                        config_type: 5,
                        documentation: Some("how long".into()),
                    },
                    DescribedConfig { documentation: None, ..Default::default() },
                ],
            },
            DescribeConfigsResult::default(),
        ],
    }]);

    agree!(create_partitions: CreatePartitionsResponse, [CreatePartitionsResponse {
        throttle_time_ms: 7,
        results: vec![
            CreatePartitionsTopicResult {
                name: "orders".into(),
                error_code: 37,
                error_message: Some("fewer".into()),
            },
            CreatePartitionsTopicResult::default(),
        ],
    }]);

    agree!(delete_records: DeleteRecordsResponse, [DeleteRecordsResponse {
        throttle_time_ms: 7,
        topics: vec![
            DeleteRecordsTopicResult {
                name: "orders".into(),
                partitions: vec![
                    DeleteRecordsPartitionResult {
                        partition_index: 1,
                        low_watermark: 2,
                        error_code: 3,
                    },
                    DeleteRecordsPartitionResult::default(),
                ],
            },
            DeleteRecordsTopicResult::default(),
        ],
    }]);

    agree!(offset_for_leader_epoch: OffsetForLeaderEpochResponse, [OffsetForLeaderEpochResponse {
        throttle_time_ms: 7,
        topics: vec![
            OffsetForLeaderTopicResult {
                topic: "orders".into(),
                partitions: vec![
                    LeaderEpochEnd { error_code: 1, partition: 2, leader_epoch: 3, end_offset: 4 },
                    LeaderEpochEnd::default(),
                ],
            },
            OffsetForLeaderTopicResult::default(),
        ],
    }]);
}
