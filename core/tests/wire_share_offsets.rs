//! Every request and response of the APIs for the offsets of share groups, against the crate
//! kafka-protocol where it knows them.

mod wire_common;

use minka::wire::kafka::alter_share_group_offsets::{
    AlterShareGroupOffsetsPartition, AlterShareGroupOffsetsPartitionResult,
    AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsResponse, AlterShareGroupOffsetsTopic,
    AlterShareGroupOffsetsTopicResult,
};
use minka::wire::kafka::delete_share_group_offsets::{
    DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsResponse, DeleteShareGroupOffsetsTopic,
    DeleteShareGroupOffsetsTopicResult,
};
use minka::wire::kafka::describe_share_group_offsets::{
    DescribeShareGroupOffsetsGroup, DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsResponse, DescribeShareGroupOffsetsTopic, ShareGroupOffsets,
    SharePartitionOffset, ShareTopicOffsets,
};
use minka::wire::kafka::{Reader, Uuid, Writer};

const ID: Uuid = Uuid([9; 16]);

agree!(describe: DescribeShareGroupOffsetsRequest, [DescribeShareGroupOffsetsRequest {
    groups: vec![
        DescribeShareGroupOffsetsGroup {
            group_id: "group",
            topics: Some(vec![
                DescribeShareGroupOffsetsTopic { topic_name: "orders", partitions: vec![1, 2] },
                DescribeShareGroupOffsetsTopic::default(),
            ]),
        },
        DescribeShareGroupOffsetsGroup { group_id: "", topics: Some(vec![]) },
        DescribeShareGroupOffsetsGroup::default(),
    ],
}]);

fn offsets() -> DescribeShareGroupOffsetsResponse<'static> {
    DescribeShareGroupOffsetsResponse {
        throttle_time_ms: 7,
        groups: vec![
            ShareGroupOffsets {
                group_id: "group".into(),
                topics: vec![
                    ShareTopicOffsets {
                        topic_name: "orders".into(),
                        topic_id: ID,
                        partitions: vec![
                            SharePartitionOffset {
                                partition_index: 1,
                                start_offset: 1 << 40,
                                leader_epoch: 3,
                                lag: 0x55,
                                error_code: 4,
                                error_message: Some("no".into()),
                                ..SharePartitionOffset::default()
                            },
                            SharePartitionOffset::default(),
                        ],
                    },
                    ShareTopicOffsets::default(),
                ],
                error_code: 69,
                error_message: Some("unknown".into()),
            },
            ShareGroupOffsets::default(),
        ],
    }
}

agree!(describe_answer: DescribeShareGroupOffsetsResponse, [offsets()]);

#[test]
fn version_1_tells_the_lag_after_the_leader_epoch() {
    let encoded = |version| {
        let mut bytes = Vec::new();
        offsets().encode(&mut Writer::new(&mut bytes), version);
        bytes
    };
    let (old, new) = (encoded(0), encoded(1));
    // The two partitions have 8 bytes more each: here is the first.
    assert_eq!(new.len(), old.len() + 16);
    let lag = 0x55_i64.to_be_bytes();
    let place = new.windows(8).position(|window| window == lag).unwrap();
    assert_eq!(new[..place], old[..place]);
    assert!(new[..place].ends_with(&3_i32.to_be_bytes()));
    let mut reader = Reader::new(&new);
    assert_eq!(DescribeShareGroupOffsetsResponse::decode(&mut reader, 1).unwrap(), offsets());
    assert_eq!(reader.remaining(), 0);
}

agree!(alter: AlterShareGroupOffsetsRequest, [AlterShareGroupOffsetsRequest {
    group_id: "group",
    topics: vec![
        AlterShareGroupOffsetsTopic {
            topic_name: "orders",
            partitions: vec![
                AlterShareGroupOffsetsPartition { partition_index: 1, start_offset: 1 << 40 },
                AlterShareGroupOffsetsPartition::default(),
            ],
        },
        AlterShareGroupOffsetsTopic::default(),
    ],
}]);

agree!(alter_answer: AlterShareGroupOffsetsResponse, [AlterShareGroupOffsetsResponse {
    throttle_time_ms: 7,
    error_code: 68,
    error_message: Some("it has members".into()),
    responses: vec![
        AlterShareGroupOffsetsTopicResult {
            topic_name: "orders".into(),
            topic_id: ID,
            partitions: vec![
                AlterShareGroupOffsetsPartitionResult {
                    partition_index: 1,
                    error_code: 3,
                    error_message: Some("unknown".into()),
                },
                AlterShareGroupOffsetsPartitionResult::default(),
            ],
        },
        AlterShareGroupOffsetsTopicResult::default(),
    ],
}]);

agree!(delete: DeleteShareGroupOffsetsRequest, [DeleteShareGroupOffsetsRequest {
    group_id: "group",
    topics: vec![
        DeleteShareGroupOffsetsTopic { topic_name: "orders" },
        DeleteShareGroupOffsetsTopic::default(),
    ],
}]);

agree!(delete_answer: DeleteShareGroupOffsetsResponse, [DeleteShareGroupOffsetsResponse {
    throttle_time_ms: 7,
    error_code: 68,
    error_message: Some("it has members".into()),
    responses: vec![
        DeleteShareGroupOffsetsTopicResult {
            topic_name: "orders".into(),
            topic_id: ID,
            error_code: 3,
            error_message: Some("unknown".into()),
        },
        DeleteShareGroupOffsetsTopicResult::default(),
    ],
}]);
