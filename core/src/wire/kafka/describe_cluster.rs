//! DescribeCluster (key 60): lists the brokers.
//!
//! Version 1 can ask for controllers.

use std::borrow::Cow;

message! {
    /// Asks about the cluster.
    #[derive(Copy, Eq)]
    pub struct DescribeClusterRequest for DescribeCluster {
        /// Whether to say what the client may do to the cluster.
        include_cluster_authorized_operations: bool, [0..];
        /// 1 for brokers, 2 for controllers.
        endpoint_type: i8, [1..] = 1;
    }
}

message! {
    /// The cluster.
    pub struct DescribeClusterResponse<'a> for DescribeCluster {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [0..];
        /// The error, or 0.
        error_code: i16, [0..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [0..];
        /// 1 for brokers, 2 for controllers.
        endpoint_type: i8, [1..] = 1;
        /// The cluster's ID.
        cluster_id: Cow<'a, str>, [0..];
        /// The broker that creates topics, or -1.
        controller_id: i32, [0..] = -1;
        /// The brokers.
        brokers: Vec<DescribeClusterBroker<'a>>, [0..];
        /// What the client may do to the cluster, a bit per operation; `i32::MIN` if not asked.
        cluster_authorized_operations: i32, [0..] = i32::MIN;
    }
}

message! {
    /// A broker and its address.
    pub struct DescribeClusterBroker<'a> {
        /// The broker's ID.
        broker_id: i32, [0..];
        /// The host to connect to.
        host: Cow<'a, str>, [0..];
        /// The port to connect to.
        port: i32, [0..];
        /// The rack the broker is in.
        rack: Option<Cow<'a, str>>, [0..];
    }
}
