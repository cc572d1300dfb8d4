//! A request of any API.

use super::ApiKey;
use super::alter_configs::AlterConfigsRequest;
use super::alter_share_group_offsets::AlterShareGroupOffsetsRequest;
use super::api_versions::ApiVersionsRequest;
use super::consumer_group_describe::ConsumerGroupDescribeRequest;
use super::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use super::create_partitions::CreatePartitionsRequest;
use super::create_topics::CreateTopicsRequest;
use super::delete_groups::DeleteGroupsRequest;
use super::delete_records::DeleteRecordsRequest;
use super::delete_share_group_offsets::DeleteShareGroupOffsetsRequest;
use super::delete_topics::DeleteTopicsRequest;
use super::describe_cluster::DescribeClusterRequest;
use super::describe_configs::DescribeConfigsRequest;
use super::describe_groups::DescribeGroupsRequest;
use super::describe_share_group_offsets::DescribeShareGroupOffsetsRequest;
use super::fetch::FetchRequest;
use super::find_coordinator::FindCoordinatorRequest;
use super::header::RequestHeader;
use super::heartbeat::HeartbeatRequest;
use super::incremental_alter_configs::IncrementalAlterConfigsRequest;
use super::init_producer_id::InitProducerIdRequest;
use super::join_group::JoinGroupRequest;
use super::leave_group::LeaveGroupRequest;
use super::list_config_resources::ListConfigResourcesRequest;
use super::list_groups::ListGroupsRequest;
use super::list_offsets::ListOffsetsRequest;
use super::metadata::MetadataRequest;
use super::offset_commit::OffsetCommitRequest;
use super::offset_delete::OffsetDeleteRequest;
use super::offset_fetch::OffsetFetchRequest;
use super::offset_for_leader_epoch::OffsetForLeaderEpochRequest;
use super::produce_view::ProduceView;
use super::reader::{DecodeError, Reader};
use super::sasl_authenticate::SaslAuthenticateRequest;
use super::sasl_handshake::SaslHandshakeRequest;
use super::share_acknowledge::ShareAcknowledgeRequest;
use super::share_fetch::ShareFetchRequest;
use super::share_group_describe::ShareGroupDescribeRequest;
use super::share_group_heartbeat::ShareGroupHeartbeatRequest;
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
    /// Chooses how to log in.
    SaslHandshake(SaslHandshakeRequest<'a>),
    /// A step of a login.
    SaslAuthenticate(SaslAuthenticateRequest<'a>),
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
    /// Configurations to replace.
    AlterConfigs(AlterConfigsRequest<'a>),
    /// Topics that get more partitions.
    CreatePartitions(CreatePartitionsRequest<'a>),
    /// Groups to delete.
    DeleteGroups(DeleteGroupsRequest<'a>),
    /// Settings to change.
    IncrementalAlterConfigs(IncrementalAlterConfigsRequest<'a>),
    /// Offsets to delete.
    OffsetDelete(OffsetDeleteRequest<'a>),
    /// Asks about the cluster.
    DescribeCluster(DescribeClusterRequest),
    /// Asks what has a configuration.
    ListConfigResources(ListConfigResourcesRequest),
    /// Says that a member of a share group is alive.
    ShareGroupHeartbeat(ShareGroupHeartbeatRequest<'a>),
    /// Asks about share groups.
    ShareGroupDescribe(ShareGroupDescribeRequest<'a>),
    /// Asks for records of a share group.
    ShareFetch(ShareFetchRequest<'a>),
    /// Records of a share group to acknowledge.
    ShareAcknowledge(ShareAcknowledgeRequest<'a>),
    /// Asks for the offsets of share groups.
    DescribeShareGroupOffsets(DescribeShareGroupOffsetsRequest<'a>),
    /// Offsets for a share group.
    AlterShareGroupOffsets(AlterShareGroupOffsetsRequest<'a>),
    /// Topics for a share group to forget.
    DeleteShareGroupOffsets(DeleteShareGroupOffsetsRequest<'a>),
    /// The state of a member of a KIP-848 group.
    ConsumerGroupHeartbeat(ConsumerGroupHeartbeatRequest<'a>),
    /// Asks about KIP-848 groups.
    ConsumerGroupDescribe(ConsumerGroupDescribeRequest<'a>),
}

impl<'a> Request<'a> {
    /// Reads the body that follows `header`.
    ///
    /// A version that is not accepted is [`DecodeError::UnsupportedVersion`]. Bytes after the
    /// body are left alone, as Kafka does.
    pub fn decode(header: &RequestHeader<'_>, r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let v = header.version;
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
            ApiKey::SaslHandshake => Self::SaslHandshake(SaslHandshakeRequest::decode(r, v)?),
            ApiKey::SaslAuthenticate => {
                Self::SaslAuthenticate(SaslAuthenticateRequest::decode(r, v)?)
            }
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
            ApiKey::AlterConfigs => Self::AlterConfigs(AlterConfigsRequest::decode(r, v)?),
            ApiKey::IncrementalAlterConfigs => {
                Self::IncrementalAlterConfigs(IncrementalAlterConfigsRequest::decode(r, v)?)
            }
            ApiKey::OffsetDelete => Self::OffsetDelete(OffsetDeleteRequest::decode(r, v)?),
            ApiKey::ListConfigResources => {
                Self::ListConfigResources(ListConfigResourcesRequest::decode(r, v)?)
            }
            ApiKey::ShareGroupHeartbeat => {
                Self::ShareGroupHeartbeat(ShareGroupHeartbeatRequest::decode(r, v)?)
            }
            ApiKey::ShareGroupDescribe => {
                Self::ShareGroupDescribe(ShareGroupDescribeRequest::decode(r, v)?)
            }
            ApiKey::ShareFetch => Self::ShareFetch(ShareFetchRequest::decode(r, v)?),
            ApiKey::ShareAcknowledge => {
                Self::ShareAcknowledge(ShareAcknowledgeRequest::decode(r, v)?)
            }
            ApiKey::DescribeShareGroupOffsets => {
                Self::DescribeShareGroupOffsets(DescribeShareGroupOffsetsRequest::decode(r, v)?)
            }
            ApiKey::AlterShareGroupOffsets => {
                Self::AlterShareGroupOffsets(AlterShareGroupOffsetsRequest::decode(r, v)?)
            }
            ApiKey::DeleteShareGroupOffsets => {
                Self::DeleteShareGroupOffsets(DeleteShareGroupOffsetsRequest::decode(r, v)?)
            }
            ApiKey::ConsumerGroupHeartbeat => {
                Self::ConsumerGroupHeartbeat(ConsumerGroupHeartbeatRequest::decode(r, v)?)
            }
            ApiKey::ConsumerGroupDescribe => {
                Self::ConsumerGroupDescribe(ConsumerGroupDescribeRequest::decode(r, v)?)
            }
        })
    }
}
