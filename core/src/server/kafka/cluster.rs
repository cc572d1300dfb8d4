//! DescribeCluster: the one broker.

use std::borrow::Cow;

use super::{Call, NODE_ID};
use crate::wire::kafka::ErrorCode;
use crate::wire::kafka::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};

/// The endpoint type of brokers.
const BROKERS: i8 = 1;

/// Describes the cluster.
pub(super) fn answer<'a>(
    call: &'a Call<'_>,
    request: &DescribeClusterRequest,
) -> DescribeClusterResponse<'a> {
    if request.endpoint_type != BROKERS {
        return DescribeClusterResponse {
            error_code: ErrorCode::InvalidRequest.code(),
            error_message: Some(Cow::Borrowed("this is the endpoint of a broker")),
            endpoint_type: BROKERS,
            ..DescribeClusterResponse::default()
        };
    }
    DescribeClusterResponse {
        cluster_id: Cow::Borrowed(&call.door.cluster_id),
        controller_id: NODE_ID,
        brokers: vec![DescribeClusterBroker {
            broker_id: NODE_ID,
            host: Cow::Borrowed(&call.door.host),
            port: i32::from(call.door.port),
            rack: None,
        }],
        ..DescribeClusterResponse::default()
    }
}
