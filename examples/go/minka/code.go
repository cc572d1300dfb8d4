package minka

// #include <minka.h>
import "C"

// Code is what went wrong, as minka.h explains it. It is an error, so that it can be asked for:
// errors.Is(err, minka.TopicExists).
type Code int32

// The codes. New ones may be added.
const (
	Internal                 Code = C.MINKA_INTERNAL
	InvalidRequest           Code = C.MINKA_INVALID_REQUEST
	Timeout                  Code = C.MINKA_TIMEOUT
	QueueFull                Code = C.MINKA_QUEUE_FULL
	Closed                   Code = C.MINKA_CLOSED
	StorageFailed            Code = C.MINKA_STORAGE_FAILED
	Damaged                  Code = C.MINKA_DAMAGED
	DirectoryLocked          Code = C.MINKA_DIRECTORY_LOCKED
	FormatTooNew             Code = C.MINKA_FORMAT_TOO_NEW
	InvalidConfig            Code = C.MINKA_INVALID_CONFIG
	Network                  Code = C.MINKA_NETWORK
	Interrupted              Code = C.MINKA_INTERRUPTED
	Unsupported              Code = C.MINKA_UNSUPPORTED
	NotLeader                Code = C.MINKA_NOT_LEADER
	CoordinatorUnavailable   Code = C.MINKA_COORDINATOR_UNAVAILABLE
	BrokerUnavailable        Code = C.MINKA_BROKER_UNAVAILABLE
	UnknownTopicOrPartition  Code = C.MINKA_UNKNOWN_TOPIC_OR_PARTITION
	UnknownTopicID           Code = C.MINKA_UNKNOWN_TOPIC_ID
	TopicExists              Code = C.MINKA_TOPIC_EXISTS
	InvalidTopic             Code = C.MINKA_INVALID_TOPIC
	InvalidPartitions        Code = C.MINKA_INVALID_PARTITIONS
	InvalidReplicationFactor Code = C.MINKA_INVALID_REPLICATION_FACTOR
	OffsetOutOfRange         Code = C.MINKA_OFFSET_OUT_OF_RANGE
	FencedLeaderEpoch        Code = C.MINKA_FENCED_LEADER_EPOCH
	UnknownLeaderEpoch       Code = C.MINKA_UNKNOWN_LEADER_EPOCH
	PolicyViolation          Code = C.MINKA_POLICY_VIOLATION
	InvalidReplicaAssignment Code = C.MINKA_INVALID_REPLICA_ASSIGNMENT
	CorruptBatch             Code = C.MINKA_CORRUPT_BATCH
	InvalidRecord            Code = C.MINKA_INVALID_RECORD
	InvalidTimestamp         Code = C.MINKA_INVALID_TIMESTAMP
	MessageTooLarge          Code = C.MINKA_MESSAGE_TOO_LARGE
	UnsupportedCompression   Code = C.MINKA_UNSUPPORTED_COMPRESSION
	UnsupportedFormat        Code = C.MINKA_UNSUPPORTED_FORMAT
	InvalidRequiredAcks      Code = C.MINKA_INVALID_REQUIRED_ACKS
	OutOfOrderSequence       Code = C.MINKA_OUT_OF_ORDER_SEQUENCE
	InvalidProducerEpoch     Code = C.MINKA_INVALID_PRODUCER_EPOCH
	InvalidGroupID           Code = C.MINKA_INVALID_GROUP_ID
	UnknownMember            Code = C.MINKA_UNKNOWN_MEMBER
	IllegalGeneration        Code = C.MINKA_ILLEGAL_GENERATION
	RebalanceInProgress      Code = C.MINKA_REBALANCE_IN_PROGRESS
	InconsistentProtocol     Code = C.MINKA_INCONSISTENT_PROTOCOL
	MemberIDRequired         Code = C.MINKA_MEMBER_ID_REQUIRED
	FencedInstance           Code = C.MINKA_FENCED_INSTANCE
	InvalidSessionTimeout    Code = C.MINKA_INVALID_SESSION_TIMEOUT
	GroupFull                Code = C.MINKA_GROUP_FULL
	OffsetMetadataTooLarge   Code = C.MINKA_OFFSET_METADATA_TOO_LARGE
	StaleMemberEpoch         Code = C.MINKA_STALE_MEMBER_EPOCH
	UnsupportedAssignor      Code = C.MINKA_UNSUPPORTED_ASSIGNOR
	UnreleasedInstance       Code = C.MINKA_UNRELEASED_INSTANCE
	InvalidRegularExpression Code = C.MINKA_INVALID_REGULAR_EXPRESSION
	GroupNotFound            Code = C.MINKA_GROUP_NOT_FOUND
	InvalidRecordState       Code = C.MINKA_INVALID_RECORD_STATE
	ShareSessionNotFound     Code = C.MINKA_SHARE_SESSION_NOT_FOUND
	InvalidShareSessionEpoch Code = C.MINKA_INVALID_SHARE_SESSION_EPOCH
	ShareSessionLimitReached Code = C.MINKA_SHARE_SESSION_LIMIT_REACHED
	FencedMemberEpoch        Code = C.MINKA_FENCED_MEMBER_EPOCH
	NonEmptyGroup            Code = C.MINKA_NON_EMPTY_GROUP
	AuthenticationFailed     Code = C.MINKA_AUTHENTICATION_FAILED
	UnsupportedMechanism     Code = C.MINKA_UNSUPPORTED_MECHANISM
	AuthenticationRequired   Code = C.MINKA_AUTHENTICATION_REQUIRED
	HookFailed               Code = C.MINKA_HOOK_FAILED
)

// Error is the code in letters, such as UNKNOWN_TOPIC_OR_PARTITION.
func (c Code) Error() string { return C.GoString(C.minka_status_name(C.minka_status(c))) }

// Retriable says whether the same call may succeed later without anything being changed.
func (c Code) Retriable() bool { return bool(C.minka_status_is_retriable(C.minka_status(c))) }
