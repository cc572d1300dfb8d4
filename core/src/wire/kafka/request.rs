//! A request of any API.

use super::ApiKey;
use super::api_versions::ApiVersionsRequest;
use super::create_partitions::CreatePartitionsRequest;
use super::create_topics::CreateTopicsRequest;
use super::delete_groups::DeleteGroupsRequest;
use super::delete_records::DeleteRecordsRequest;
use super::delete_topics::DeleteTopicsRequest;
use super::describe_cluster::DescribeClusterRequest;
use super::describe_configs::DescribeConfigsRequest;
use super::describe_groups::DescribeGroupsRequest;
use super::fetch::FetchRequest;
use super::find_coordinator::FindCoordinatorRequest;
use super::header::RequestHeader;
use super::heartbeat::HeartbeatRequest;
use super::init_producer_id::InitProducerIdRequest;
use super::join_group::JoinGroupRequest;
use super::leave_group::LeaveGroupRequest;
use super::list_groups::ListGroupsRequest;
use super::list_offsets::ListOffsetsRequest;
use super::metadata::MetadataRequest;
use super::offset_commit::OffsetCommitRequest;
use super::offset_fetch::OffsetFetchRequest;
use super::offset_for_leader_epoch::OffsetForLeaderEpochRequest;
use super::produce_view::ProduceView;
use super::reader::{DecodeError, Reader};
use super::sync_group::SyncGroupRequest;

/// The body of a request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Request<'a> {
    /// Record batches to append.
    Produce(ProduceView<'a>),
    /// Asks for record batches.
    Fetch(FetchRequest<'a>),
    /// Asks for offsets by timestamp.
    ListOffsets(ListOffsetsRequest<'a>),
    /// Asks about brokers and topics.
    Metadata(MetadataRequest<'a>),
    /// Offsets to store.
    OffsetCommit(OffsetCommitRequest<'a>),
    /// Asks for offsets.
    OffsetFetch(OffsetFetchRequest<'a>),
    /// Asks for coordinators.
    FindCoordinator(FindCoordinatorRequest<'a>),
    /// Asks to be a member.
    JoinGroup(JoinGroupRequest<'a>),
    /// Says that a member is alive.
    Heartbeat(HeartbeatRequest<'a>),
    /// Says that members leave.
    LeaveGroup(LeaveGroupRequest<'a>),
    /// Asks for the member's assignment.
    SyncGroup(SyncGroupRequest<'a>),
    /// Asks which APIs and versions the broker speaks.
    ApiVersions(ApiVersionsRequest<'a>),
    /// Topics to create.
    CreateTopics(CreateTopicsRequest<'a>),
    /// Topics to delete.
    DeleteTopics(DeleteTopicsRequest<'a>),
    /// Asks for a producer ID.
    InitProducerId(InitProducerIdRequest<'a>),
    /// Asks about groups.
    DescribeGroups(DescribeGroupsRequest<'a>),
    /// Asks for the groups.
    ListGroups(ListGroupsRequest<'a>),
    /// Records to delete.
    DeleteRecords(DeleteRecordsRequest<'a>),
    /// Asks where leader epochs end.
    OffsetForLeaderEpoch(OffsetForLeaderEpochRequest<'a>),
    /// Asks for configurations.
    DescribeConfigs(DescribeConfigsRequest<'a>),
    /// Topics that get more partitions.
    CreatePartitions(CreatePartitionsRequest<'a>),
    /// Groups to delete.
    DeleteGroups(DeleteGroupsRequest<'a>),
    /// Asks about the cluster.
    DescribeCluster(DescribeClusterRequest),
}

impl<'a> Request<'a> {
    /// Reads the body that follows `header`.
    ///
    /// A version that is not accepted is [`DecodeError::UnsupportedVersion`]. Bytes after the
    /// body are left alone, as Kafka does.
    pub fn decode(
        header: &RequestHeader<'_>,
        reader: &mut Reader<'a>,
    ) -> Result<Self, DecodeError> {
        let (r, v) = (reader, header.version);
        Ok(match header.api {
            ApiKey::Produce => Self::Produce(ProduceView::decode(r, v)?),
            ApiKey::Fetch => Self::Fetch(FetchRequest::decode(r, v)?),
            ApiKey::ListOffsets => Self::ListOffsets(ListOffsetsRequest::decode(r, v)?),
            ApiKey::Metadata => Self::Metadata(MetadataRequest::decode(r, v)?),
            ApiKey::OffsetCommit => Self::OffsetCommit(OffsetCommitRequest::decode(r, v)?),
            ApiKey::OffsetFetch => Self::OffsetFetch(OffsetFetchRequest::decode(r, v)?),
            ApiKey::FindCoordinator => Self::FindCoordinator(FindCoordinatorRequest::decode(r, v)?),
            ApiKey::JoinGroup => Self::JoinGroup(JoinGroupRequest::decode(r, v)?),
            ApiKey::Heartbeat => Self::Heartbeat(HeartbeatRequest::decode(r, v)?),
            ApiKey::LeaveGroup => Self::LeaveGroup(LeaveGroupRequest::decode(r, v)?),
            ApiKey::SyncGroup => Self::SyncGroup(SyncGroupRequest::decode(r, v)?),
            ApiKey::ApiVersions => Self::ApiVersions(ApiVersionsRequest::decode(r, v)?),
            ApiKey::CreateTopics => Self::CreateTopics(CreateTopicsRequest::decode(r, v)?),
            ApiKey::DeleteTopics => Self::DeleteTopics(DeleteTopicsRequest::decode(r, v)?),
            ApiKey::InitProducerId => Self::InitProducerId(InitProducerIdRequest::decode(r, v)?),
            ApiKey::DescribeGroups => Self::DescribeGroups(DescribeGroupsRequest::decode(r, v)?),
            ApiKey::ListGroups => Self::ListGroups(ListGroupsRequest::decode(r, v)?),
            ApiKey::DeleteRecords => Self::DeleteRecords(DeleteRecordsRequest::decode(r, v)?),
            ApiKey::OffsetForLeaderEpoch => {
                Self::OffsetForLeaderEpoch(OffsetForLeaderEpochRequest::decode(r, v)?)
            }
            ApiKey::DescribeConfigs => Self::DescribeConfigs(DescribeConfigsRequest::decode(r, v)?),
            ApiKey::CreatePartitions => {
                Self::CreatePartitions(CreatePartitionsRequest::decode(r, v)?)
            }
            ApiKey::DeleteGroups => Self::DeleteGroups(DeleteGroupsRequest::decode(r, v)?),
            ApiKey::DescribeCluster => Self::DescribeCluster(DescribeClusterRequest::decode(r, v)?),
        })
    }
}
