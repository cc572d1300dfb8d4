//! What a call answers: 0, or the number of the kind of error.

use std::ffi::{CStr, c_char};

use minka_core::ErrorKind;

/// What a call answers: MINKA_OK, or what went wrong. The numbers never change their meaning; new
/// ones may be added.
pub type minka_status = i32;

/// It worked.
pub const MINKA_OK: i32 = 0;
/// A bug in minka, or a panic caught at a boundary.
pub const MINKA_INTERNAL: i32 = 1;
/// The request cannot be understood or contradicts itself.
pub const MINKA_INVALID_REQUEST: i32 = 2;
/// An operation took longer than its caller allows.
pub const MINKA_TIMEOUT: i32 = 3;
/// The circular queue stayed full for as long as the caller was willing to wait.
pub const MINKA_QUEUE_FULL: i32 = 4;
/// The broker or handle has been closed.
pub const MINKA_CLOSED: i32 = 5;
/// Reading or writing a file failed; the log refuses appends until it is opened again.
pub const MINKA_STORAGE_FAILED: i32 = 6;
/// Stored bytes do not match their checksum.
pub const MINKA_DAMAGED: i32 = 7;
/// Another process, or another broker of this one, has the data directory open.
pub const MINKA_DIRECTORY_LOCKED: i32 = 8;
/// The data was written by a newer minka.
pub const MINKA_FORMAT_TOO_NEW: i32 = 9;
/// A value of the configuration is not acceptable.
pub const MINKA_INVALID_CONFIG: i32 = 10;
/// A socket could not be bound, or a connection failed.
pub const MINKA_NETWORK: i32 = 11;
/// Another thread ended the wait.
pub const MINKA_INTERRUPTED: i32 = 12;
/// The broker does not speak what is needed for this.
pub const MINKA_UNSUPPORTED: i32 = 13;
/// The broker that was asked does not lead the partition, or nobody does at present.
pub const MINKA_NOT_LEADER: i32 = 14;
/// The group's coordinator is not available, or has moved.
pub const MINKA_COORDINATOR_UNAVAILABLE: i32 = 15;
/// No broker could be reached.
pub const MINKA_BROKER_UNAVAILABLE: i32 = 16;
/// No topic has this name, or the topic has no such partition.
pub const MINKA_UNKNOWN_TOPIC_OR_PARTITION: i32 = 20;
/// No topic has this ID.
pub const MINKA_UNKNOWN_TOPIC_ID: i32 = 21;
/// A topic of this name exists.
pub const MINKA_TOPIC_EXISTS: i32 = 22;
/// The name is not a legal topic name.
pub const MINKA_INVALID_TOPIC: i32 = 23;
/// The number of partitions is out of range.
pub const MINKA_INVALID_PARTITIONS: i32 = 24;
/// More replicas are asked for than there are brokers.
pub const MINKA_INVALID_REPLICATION_FACTOR: i32 = 25;
/// The offset is before the log start offset or past the end.
pub const MINKA_OFFSET_OUT_OF_RANGE: i32 = 26;
/// The leader epoch is older than the broker's.
pub const MINKA_FENCED_LEADER_EPOCH: i32 = 27;
/// The leader epoch is newer than the broker's.
pub const MINKA_UNKNOWN_LEADER_EPOCH: i32 = 28;
/// The topic may not be changed in this way.
pub const MINKA_POLICY_VIOLATION: i32 = 29;
/// Partitions are assigned to brokers in a way that cannot be.
pub const MINKA_INVALID_REPLICA_ASSIGNMENT: i32 = 30;
/// A record batch fails its checksum or its lengths.
pub const MINKA_CORRUPT_BATCH: i32 = 40;
/// A record batch is well formed but breaks a rule.
pub const MINKA_INVALID_RECORD: i32 = 41;
/// A timestamp is out of the range that the topic accepts.
pub const MINKA_INVALID_TIMESTAMP: i32 = 42;
/// A record batch is larger than the topic accepts.
pub const MINKA_MESSAGE_TOO_LARGE: i32 = 43;
/// The compression is unknown, or not allowed in this version of the request.
pub const MINKA_UNSUPPORTED_COMPRESSION: i32 = 44;
/// The batch is in a format older than version 2.
pub const MINKA_UNSUPPORTED_FORMAT: i32 = 45;
/// `acks` is none of 0, 1 and -1.
pub const MINKA_INVALID_REQUIRED_ACKS: i32 = 46;
/// A producer's sequence number leaves a gap.
pub const MINKA_OUT_OF_ORDER_SEQUENCE: i32 = 47;
/// A newer producer has taken over this producer ID.
pub const MINKA_INVALID_PRODUCER_EPOCH: i32 = 48;
/// The group ID is empty or not legal.
pub const MINKA_INVALID_GROUP_ID: i32 = 60;
/// The member does not belong to the group.
pub const MINKA_UNKNOWN_MEMBER: i32 = 61;
/// The member's generation is not the group's.
pub const MINKA_ILLEGAL_GENERATION: i32 = 62;
/// The group is rebalancing: the member has to join again.
pub const MINKA_REBALANCE_IN_PROGRESS: i32 = 63;
/// The member shares no protocol with the group.
pub const MINKA_INCONSISTENT_PROTOCOL: i32 = 64;
/// The member must join again with the ID that it was just given.
pub const MINKA_MEMBER_ID_REQUIRED: i32 = 65;
/// Another member has taken over this static member's instance ID.
pub const MINKA_FENCED_INSTANCE: i32 = 66;
/// The session timeout is outside the broker's limits.
pub const MINKA_INVALID_SESSION_TIMEOUT: i32 = 67;
/// The group has as many members as it may have.
pub const MINKA_GROUP_FULL: i32 = 68;
/// The offset's metadata is too large.
pub const MINKA_OFFSET_METADATA_TOO_LARGE: i32 = 69;
/// The member's epoch is not its newest.
pub const MINKA_STALE_MEMBER_EPOCH: i32 = 70;
/// The broker does not know the assignor that a member asks for.
pub const MINKA_UNSUPPORTED_ASSIGNOR: i32 = 71;
/// Another member holds the instance ID and has not given it up.
pub const MINKA_UNRELEASED_INSTANCE: i32 = 72;
/// The regular expression of a subscription is not valid.
pub const MINKA_INVALID_REGULAR_EXPRESSION: i32 = 73;
/// There is no such group, or it is of another kind.
pub const MINKA_GROUP_NOT_FOUND: i32 = 74;
/// The member does not hold the record, or not any more.
pub const MINKA_INVALID_RECORD_STATE: i32 = 80;
/// The share session is not known.
pub const MINKA_SHARE_SESSION_NOT_FOUND: i32 = 81;
/// The share session's epoch is not the next one.
pub const MINKA_INVALID_SHARE_SESSION_EPOCH: i32 = 82;
/// There are as many share sessions as there may be.
pub const MINKA_SHARE_SESSION_LIMIT_REACHED: i32 = 83;
/// The member's epoch is not the one that the group knows: it has to join again.
pub const MINKA_FENCED_MEMBER_EPOCH: i32 = 84;
/// The group has members, and what was asked for needs a group without.
pub const MINKA_NON_EMPTY_GROUP: i32 = 85;
/// The broker did not let the user in.
pub const MINKA_AUTHENTICATION_FAILED: i32 = 90;
/// The broker does not let anybody in by this SASL mechanism.
pub const MINKA_UNSUPPORTED_MECHANISM: i32 = 91;
/// The broker wants a login, and the client has no user name and password.
pub const MINKA_AUTHENTICATION_REQUIRED: i32 = 92;
/// A hook of the program that embeds the broker failed.
pub const MINKA_HOOK_FAILED: i32 = 93;

/// The kinds of error, and what they are called: the end of the constants' names.
const KINDS: &[(ErrorKind, &CStr)] = &[
    (ErrorKind::Internal, c"INTERNAL"),
    (ErrorKind::InvalidRequest, c"INVALID_REQUEST"),
    (ErrorKind::Timeout, c"TIMEOUT"),
    (ErrorKind::QueueFull, c"QUEUE_FULL"),
    (ErrorKind::Closed, c"CLOSED"),
    (ErrorKind::StorageFailed, c"STORAGE_FAILED"),
    (ErrorKind::Damaged, c"DAMAGED"),
    (ErrorKind::DirectoryLocked, c"DIRECTORY_LOCKED"),
    (ErrorKind::FormatTooNew, c"FORMAT_TOO_NEW"),
    (ErrorKind::InvalidConfig, c"INVALID_CONFIG"),
    (ErrorKind::Network, c"NETWORK"),
    (ErrorKind::Interrupted, c"INTERRUPTED"),
    (ErrorKind::Unsupported, c"UNSUPPORTED"),
    (ErrorKind::NotLeader, c"NOT_LEADER"),
    (ErrorKind::CoordinatorUnavailable, c"COORDINATOR_UNAVAILABLE"),
    (ErrorKind::BrokerUnavailable, c"BROKER_UNAVAILABLE"),
    (ErrorKind::UnknownTopicOrPartition, c"UNKNOWN_TOPIC_OR_PARTITION"),
    (ErrorKind::UnknownTopicId, c"UNKNOWN_TOPIC_ID"),
    (ErrorKind::TopicExists, c"TOPIC_EXISTS"),
    (ErrorKind::InvalidTopic, c"INVALID_TOPIC"),
    (ErrorKind::InvalidPartitions, c"INVALID_PARTITIONS"),
    (ErrorKind::InvalidReplicationFactor, c"INVALID_REPLICATION_FACTOR"),
    (ErrorKind::OffsetOutOfRange, c"OFFSET_OUT_OF_RANGE"),
    (ErrorKind::FencedLeaderEpoch, c"FENCED_LEADER_EPOCH"),
    (ErrorKind::UnknownLeaderEpoch, c"UNKNOWN_LEADER_EPOCH"),
    (ErrorKind::PolicyViolation, c"POLICY_VIOLATION"),
    (ErrorKind::InvalidReplicaAssignment, c"INVALID_REPLICA_ASSIGNMENT"),
    (ErrorKind::CorruptBatch, c"CORRUPT_BATCH"),
    (ErrorKind::InvalidRecord, c"INVALID_RECORD"),
    (ErrorKind::InvalidTimestamp, c"INVALID_TIMESTAMP"),
    (ErrorKind::MessageTooLarge, c"MESSAGE_TOO_LARGE"),
    (ErrorKind::UnsupportedCompression, c"UNSUPPORTED_COMPRESSION"),
    (ErrorKind::UnsupportedFormat, c"UNSUPPORTED_FORMAT"),
    (ErrorKind::InvalidRequiredAcks, c"INVALID_REQUIRED_ACKS"),
    (ErrorKind::OutOfOrderSequence, c"OUT_OF_ORDER_SEQUENCE"),
    (ErrorKind::InvalidProducerEpoch, c"INVALID_PRODUCER_EPOCH"),
    (ErrorKind::InvalidGroupId, c"INVALID_GROUP_ID"),
    (ErrorKind::UnknownMember, c"UNKNOWN_MEMBER"),
    (ErrorKind::IllegalGeneration, c"ILLEGAL_GENERATION"),
    (ErrorKind::RebalanceInProgress, c"REBALANCE_IN_PROGRESS"),
    (ErrorKind::InconsistentProtocol, c"INCONSISTENT_PROTOCOL"),
    (ErrorKind::MemberIdRequired, c"MEMBER_ID_REQUIRED"),
    (ErrorKind::FencedInstance, c"FENCED_INSTANCE"),
    (ErrorKind::InvalidSessionTimeout, c"INVALID_SESSION_TIMEOUT"),
    (ErrorKind::GroupFull, c"GROUP_FULL"),
    (ErrorKind::OffsetMetadataTooLarge, c"OFFSET_METADATA_TOO_LARGE"),
    (ErrorKind::StaleMemberEpoch, c"STALE_MEMBER_EPOCH"),
    (ErrorKind::UnsupportedAssignor, c"UNSUPPORTED_ASSIGNOR"),
    (ErrorKind::UnreleasedInstance, c"UNRELEASED_INSTANCE"),
    (ErrorKind::InvalidRegularExpression, c"INVALID_REGULAR_EXPRESSION"),
    (ErrorKind::GroupNotFound, c"GROUP_NOT_FOUND"),
    (ErrorKind::InvalidRecordState, c"INVALID_RECORD_STATE"),
    (ErrorKind::ShareSessionNotFound, c"SHARE_SESSION_NOT_FOUND"),
    (ErrorKind::InvalidShareSessionEpoch, c"INVALID_SHARE_SESSION_EPOCH"),
    (ErrorKind::ShareSessionLimitReached, c"SHARE_SESSION_LIMIT_REACHED"),
    (ErrorKind::FencedMemberEpoch, c"FENCED_MEMBER_EPOCH"),
    (ErrorKind::NonEmptyGroup, c"NON_EMPTY_GROUP"),
    (ErrorKind::AuthenticationFailed, c"AUTHENTICATION_FAILED"),
    (ErrorKind::UnsupportedMechanism, c"UNSUPPORTED_MECHANISM"),
    (ErrorKind::AuthenticationRequired, c"AUTHENTICATION_REQUIRED"),
    (ErrorKind::HookFailed, c"HOOK_FAILED"),
];

/// What a status is called, such as "TIMEOUT" for MINKA_TIMEOUT, or "OK". It ends with a NUL, and
/// is never NULL: of a number that this version does not know it is "UNKNOWN".
#[unsafe(no_mangle)]
pub extern "C" fn minka_status_name(status: minka_status) -> *const c_char {
    if status == MINKA_OK {
        return c"OK".as_ptr();
    }
    find(status).map_or(c"UNKNOWN", |(_, name)| name).as_ptr()
}

/// Whether the same call may succeed later without anything being changed.
#[unsafe(no_mangle)]
pub extern "C" fn minka_status_is_retriable(status: minka_status) -> bool {
    find(status).is_some_and(|(kind, _)| kind.is_retriable())
}

/// Whether what answered so will not work again: it has to be opened anew.
#[unsafe(no_mangle)]
pub extern "C" fn minka_status_is_fatal(status: minka_status) -> bool {
    find(status).is_some_and(|(kind, _)| kind.is_fatal())
}

fn find(status: minka_status) -> Option<&'static (ErrorKind, &'static CStr)> {
    KINDS.iter().find(|(kind, _)| *kind as minka_status == status)
}

/// The kind that a number stands for.
pub(crate) fn kind(status: minka_status) -> Option<ErrorKind> {
    find(status).map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_has_its_name_and_number() {
        assert_eq!(KINDS.len(), ErrorKind::ALL.len());
        for kind in ErrorKind::ALL {
            let found = find(kind.number());
            let (_, name) = found.unwrap_or_else(|| panic!("{kind:?} is missing"));
            assert_eq!(name.to_str(), Ok(kind.name()));
        }
    }
}
