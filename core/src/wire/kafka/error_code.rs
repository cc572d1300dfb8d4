//! Kafka's error codes.

use crate::error::ErrorKind;

/// An error as the Kafka protocol numbers it.
///
/// Those that minka sends, and those that its client tells apart. Messages carry plain numbers,
/// since another broker may send any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i16)]
pub enum ErrorCode {
    /// Something unexpected happened in the broker.
    UnknownServerError = -1,
    /// No error.
    None = 0,
    /// The offset is outside the range that the partition has.
    OffsetOutOfRange = 1,
    /// A record batch is damaged.
    CorruptMessage = 2,
    /// There is no such topic or partition.
    UnknownTopicOrPartition = 3,
    /// The partition has no leader at present.
    LeaderNotAvailable = 5,
    /// The broker is not the partition's leader.
    NotLeaderOrFollower = 6,
    /// The request took too long.
    RequestTimedOut = 7,
    /// A record batch is larger than the topic accepts.
    MessageTooLarge = 10,
    /// The metadata of a committed offset is too large.
    OffsetMetadataTooLarge = 12,
    /// The coordinator is still reading its state.
    CoordinatorLoadInProgress = 14,
    /// There is no coordinator.
    CoordinatorNotAvailable = 15,
    /// The broker is not the coordinator.
    NotCoordinator = 16,
    /// The name is not a legal topic name.
    InvalidTopic = 17,
    /// A record batch is larger than a segment.
    RecordListTooLarge = 18,
    /// `acks` is none of 0, 1 and -1.
    InvalidRequiredAcks = 21,
    /// The generation is not the group's.
    IllegalGeneration = 22,
    /// The member shares no protocol with the group.
    InconsistentGroupProtocol = 23,
    /// The group ID is not legal.
    InvalidGroupId = 24,
    /// The group has no such member.
    UnknownMemberId = 25,
    /// The session timeout is outside the broker's limits.
    InvalidSessionTimeout = 26,
    /// The group is rebalancing.
    RebalanceInProgress = 27,
    /// The offsets to commit are too large.
    InvalidCommitOffsetSize = 28,
    /// The client may not use this topic.
    TopicAuthorizationFailed = 29,
    /// The client may not use this group.
    GroupAuthorizationFailed = 30,
    /// The client may not do this to the cluster.
    ClusterAuthorizationFailed = 31,
    /// The timestamp is out of the acceptable range.
    InvalidTimestamp = 32,
    /// The broker does not support this SASL mechanism.
    UnsupportedSaslMechanism = 33,
    /// The request is not valid in this state of the SASL handshake.
    IllegalSaslState = 34,
    /// The broker does not support this version of the API.
    UnsupportedVersion = 35,
    /// A topic of this name exists.
    TopicAlreadyExists = 36,
    /// The number of partitions is out of range.
    InvalidPartitions = 37,
    /// The replication factor is below 1 or more than there are brokers.
    InvalidReplicationFactor = 38,
    /// The replica assignment is not valid.
    InvalidReplicaAssignment = 39,
    /// A configuration is not valid.
    InvalidConfig = 40,
    /// The broker is not the controller.
    NotController = 41,
    /// The request contradicts itself or the protocol.
    InvalidRequest = 42,
    /// The message format is older than what the broker stores.
    UnsupportedForMessageFormat = 43,
    /// The request breaks a policy.
    PolicyViolation = 44,
    /// A producer's sequence number leaves a gap.
    OutOfOrderSequenceNumber = 45,
    /// A producer's sequence number has been seen before.
    DuplicateSequenceNumber = 46,
    /// The producer's epoch is old.
    InvalidProducerEpoch = 47,
    /// The producer's transaction is not in a state that allows this.
    InvalidTxnState = 48,
    /// The producer ID does not belong to the transactional ID.
    InvalidProducerIdMapping = 49,
    /// The transaction timeout is longer than the broker allows.
    InvalidTransactionTimeout = 50,
    /// A transaction of this producer is still being completed.
    ConcurrentTransactions = 51,
    /// The client may not use this transactional ID.
    TransactionalIdAuthorizationFailed = 53,
    /// Security is not enabled.
    SecurityDisabled = 54,
    /// The disk failed.
    KafkaStorageError = 56,
    /// SASL authentication failed.
    SaslAuthenticationFailed = 58,
    /// Nothing is known of this producer ID.
    UnknownProducerId = 59,
    /// The group has members.
    NonEmptyGroup = 68,
    /// There is no such group.
    GroupIdNotFound = 69,
    /// The fetch session is not known.
    FetchSessionIdNotFound = 70,
    /// The fetch session's epoch is not the next one.
    InvalidFetchSessionEpoch = 71,
    /// Topics may not be deleted.
    TopicDeletionDisabled = 73,
    /// The leader epoch is older than the broker's.
    FencedLeaderEpoch = 74,
    /// The leader epoch is newer than the broker's.
    UnknownLeaderEpoch = 75,
    /// The compression is not supported.
    UnsupportedCompressionType = 76,
    /// The offset is not available for reading yet.
    OffsetNotAvailable = 78,
    /// The member must join again with the ID it was given.
    MemberIdRequired = 79,
    /// The group has as many members as it may have.
    GroupMaxSizeReached = 81,
    /// Another member has taken over the instance ID.
    FencedInstanceId = 82,
    /// Members of the group subscribe to the topic.
    GroupSubscribedToTopic = 86,
    /// A record breaks a rule.
    InvalidRecord = 87,
    /// Some offsets belong to transactions that are not complete.
    UnstableOffsetCommit = 88,
    /// More was asked for than the client's quota allows.
    ThrottlingQuotaExceeded = 89,
    /// A newer producer has taken over the transactional ID.
    ProducerFenced = 90,
    /// There is no such resource.
    ResourceNotFound = 91,
    /// No topic has this ID.
    UnknownTopicId = 100,
    /// The fetch session uses topic IDs and the request does not, or the other way round.
    FetchSessionTopicIdError = 106,
    /// The member's epoch is too old, and it must give up its partitions.
    FencedMemberEpoch = 110,
    /// Another member holds the instance ID and has not given it up.
    UnreleasedInstanceId = 111,
    /// The broker does not know the assignor.
    UnsupportedAssignor = 112,
    /// The member's epoch is not its newest.
    StaleMemberEpoch = 113,
    /// The record is not in a state that allows this acknowledgement.
    InvalidRecordState = 121,
    /// The share session is not known.
    ShareSessionNotFound = 122,
    /// The share session's epoch is not the next one.
    InvalidShareSessionEpoch = 123,
    /// The regular expression is not valid.
    InvalidRegularExpression = 128,
    /// The broker has as many share sessions as it may have.
    ShareSessionLimitReached = 133,
}

impl ErrorCode {
    /// The number on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }
}

impl From<ErrorCode> for i16 {
    fn from(code: ErrorCode) -> Self {
        code.code()
    }
}

impl From<ErrorKind> for ErrorCode {
    /// What a Kafka client is told about an error of minka.
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidRequest => Self::InvalidRequest,
            ErrorKind::Timeout | ErrorKind::QueueFull => Self::RequestTimedOut,
            ErrorKind::StorageFailed => Self::KafkaStorageError,
            ErrorKind::NotLeader => Self::NotLeaderOrFollower,
            ErrorKind::CoordinatorUnavailable => Self::CoordinatorNotAvailable,
            ErrorKind::BrokerUnavailable => Self::LeaderNotAvailable,
            ErrorKind::Damaged | ErrorKind::CorruptBatch => Self::CorruptMessage,
            ErrorKind::InvalidConfig => Self::InvalidConfig,
            ErrorKind::UnknownTopicOrPartition => Self::UnknownTopicOrPartition,
            ErrorKind::UnknownTopicId => Self::UnknownTopicId,
            ErrorKind::TopicExists => Self::TopicAlreadyExists,
            ErrorKind::InvalidTopic => Self::InvalidTopic,
            ErrorKind::InvalidPartitions => Self::InvalidPartitions,
            ErrorKind::InvalidReplicationFactor => Self::InvalidReplicationFactor,
            ErrorKind::InvalidReplicaAssignment => Self::InvalidReplicaAssignment,
            ErrorKind::OffsetOutOfRange => Self::OffsetOutOfRange,
            ErrorKind::FencedLeaderEpoch => Self::FencedLeaderEpoch,
            ErrorKind::UnknownLeaderEpoch => Self::UnknownLeaderEpoch,
            ErrorKind::PolicyViolation => Self::PolicyViolation,
            ErrorKind::InvalidRecord => Self::InvalidRecord,
            ErrorKind::InvalidTimestamp => Self::InvalidTimestamp,
            ErrorKind::MessageTooLarge => Self::MessageTooLarge,
            ErrorKind::UnsupportedCompression => Self::UnsupportedCompressionType,
            ErrorKind::UnsupportedFormat => Self::UnsupportedForMessageFormat,
            ErrorKind::InvalidRequiredAcks => Self::InvalidRequiredAcks,
            ErrorKind::OutOfOrderSequence => Self::OutOfOrderSequenceNumber,
            ErrorKind::InvalidProducerEpoch => Self::InvalidProducerEpoch,
            ErrorKind::InvalidGroupId => Self::InvalidGroupId,
            ErrorKind::UnknownMember => Self::UnknownMemberId,
            ErrorKind::IllegalGeneration => Self::IllegalGeneration,
            ErrorKind::RebalanceInProgress => Self::RebalanceInProgress,
            ErrorKind::InconsistentProtocol => Self::InconsistentGroupProtocol,
            ErrorKind::MemberIdRequired => Self::MemberIdRequired,
            ErrorKind::FencedInstance => Self::FencedInstanceId,
            ErrorKind::InvalidSessionTimeout => Self::InvalidSessionTimeout,
            ErrorKind::GroupFull => Self::GroupMaxSizeReached,
            ErrorKind::OffsetMetadataTooLarge => Self::OffsetMetadataTooLarge,
            ErrorKind::StaleMemberEpoch => Self::StaleMemberEpoch,
            ErrorKind::UnsupportedAssignor => Self::UnsupportedAssignor,
            ErrorKind::UnreleasedInstance => Self::UnreleasedInstanceId,
            ErrorKind::InvalidRegularExpression => Self::InvalidRegularExpression,
            ErrorKind::GroupNotFound => Self::GroupIdNotFound,
            ErrorKind::InvalidRecordState => Self::InvalidRecordState,
            ErrorKind::ShareSessionNotFound => Self::ShareSessionNotFound,
            ErrorKind::InvalidShareSessionEpoch => Self::InvalidShareSessionEpoch,
            ErrorKind::ShareSessionLimitReached => Self::ShareSessionLimitReached,
            ErrorKind::FencedMemberEpoch => Self::FencedMemberEpoch,
            ErrorKind::NonEmptyGroup => Self::NonEmptyGroup,
            ErrorKind::AuthenticationFailed => Self::SaslAuthenticationFailed,
            ErrorKind::UnsupportedMechanism => Self::UnsupportedSaslMechanism,
            _ => Self::UnknownServerError,
        }
    }
}
