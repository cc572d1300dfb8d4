"""The exceptions of minka: one class for each kind of error, all below ``Error``.

The numbers and names are those of minka in every language.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from minka._minka import Receipt
    from minka.types import HeadersLike, Payload

__all__ = [
    "AuthenticationFailed",
    "AuthenticationRequired",
    "BrokerUnavailable",
    "Change",
    "Closed",
    "CoordinatorUnavailable",
    "CorruptBatch",
    "Damaged",
    "DirectoryLocked",
    "Error",
    "FencedInstance",
    "FencedLeaderEpoch",
    "FencedMemberEpoch",
    "FormatTooNew",
    "GroupFull",
    "GroupNotFound",
    "HookFailed",
    "IllegalGeneration",
    "InconsistentProtocol",
    "Internal",
    "Interrupted",
    "InvalidConfig",
    "InvalidGroupId",
    "InvalidPartitions",
    "InvalidProducerEpoch",
    "InvalidRecord",
    "InvalidRecordState",
    "InvalidRegularExpression",
    "InvalidReplicaAssignment",
    "InvalidReplicationFactor",
    "InvalidRequest",
    "InvalidRequiredAcks",
    "InvalidSessionTimeout",
    "InvalidShareSessionEpoch",
    "InvalidTimestamp",
    "InvalidTopic",
    "MemberIdRequired",
    "MessageTooLarge",
    "Network",
    "NonEmptyGroup",
    "NotLeader",
    "OffsetMetadataTooLarge",
    "OffsetOutOfRange",
    "OutOfOrderSequence",
    "PolicyViolation",
    "QueueFull",
    "RebalanceInProgress",
    "Reject",
    "ShareSessionLimitReached",
    "ShareSessionNotFound",
    "StaleMemberEpoch",
    "StorageFailed",
    "Timeout",
    "TopicExists",
    "UnknownLeaderEpoch",
    "UnknownMember",
    "UnknownTopicId",
    "UnknownTopicOrPartition",
    "UnreleasedInstance",
    "Unsupported",
    "UnsupportedAssignor",
    "UnsupportedCompression",
    "UnsupportedFormat",
    "UnsupportedMechanism",
]


class Error(Exception):
    """What goes wrong in minka; its text says what happened and what to do."""

    code: ClassVar[int] = 0
    """The number of the kind, the same in every language."""
    name: ClassVar[str] = ""
    """The name of the kind in capitals, the same in every language."""
    retriable: ClassVar[bool] = False
    """Whether the same call may succeed later without anything being changed."""
    fatal: ClassVar[bool] = False
    """Whether what raised it is of no use any more until it is opened anew."""
    results: list[Receipt | Error]
    """Of ``Producer.send_many`` only: what became of each record, up to the first that was not
    sent."""


class Internal(Error):
    """A bug in minka, or a panic caught at a boundary."""

    code = 1
    name = "INTERNAL"
    fatal = True


class InvalidRequest(Error):
    """The request cannot be understood or contradicts itself."""

    code = 2
    name = "INVALID_REQUEST"


class Timeout(Error, TimeoutError):
    """An operation took longer than its caller allows."""

    code = 3
    name = "TIMEOUT"
    retriable = True


class QueueFull(Error):
    """The circular queue stayed full for as long as the caller was willing to wait."""

    code = 4
    name = "QUEUE_FULL"
    retriable = True


class Closed(Error):
    """The broker or handle has been closed."""

    code = 5
    name = "CLOSED"
    fatal = True


class StorageFailed(Error):
    """Reading or writing a file failed; the log refuses appends until it is opened again."""

    code = 6
    name = "STORAGE_FAILED"
    fatal = True


class Damaged(Error):
    """Stored bytes do not match their checksum."""

    code = 7
    name = "DAMAGED"
    fatal = True


class DirectoryLocked(Error):
    """Another process, or another broker of this one, has the data directory open."""

    code = 8
    name = "DIRECTORY_LOCKED"


class FormatTooNew(Error):
    """The data was written by a newer minka."""

    code = 9
    name = "FORMAT_TOO_NEW"
    fatal = True


class InvalidConfig(Error):
    """A value of the configuration is not acceptable."""

    code = 10
    name = "INVALID_CONFIG"


class Network(Error):
    """A socket could not be bound, or a connection failed."""

    code = 11
    name = "NETWORK"
    retriable = True


class Interrupted(Error):
    """Another thread ended the wait."""

    code = 12
    name = "INTERRUPTED"
    retriable = True


class Unsupported(Error):
    """The broker does not speak what is needed for this."""

    code = 13
    name = "UNSUPPORTED"


class NotLeader(Error):
    """The broker that was asked does not lead the partition, or nobody does at present."""

    code = 14
    name = "NOT_LEADER"
    retriable = True


class CoordinatorUnavailable(Error):
    """The group's coordinator is not available, or has moved."""

    code = 15
    name = "COORDINATOR_UNAVAILABLE"
    retriable = True


class BrokerUnavailable(Error):
    """No broker could be reached."""

    code = 16
    name = "BROKER_UNAVAILABLE"
    retriable = True


class UnknownTopicOrPartition(Error):
    """No topic has this name, or the topic has no such partition."""

    code = 20
    name = "UNKNOWN_TOPIC_OR_PARTITION"


class UnknownTopicId(Error):
    """No topic has this ID."""

    code = 21
    name = "UNKNOWN_TOPIC_ID"


class TopicExists(Error):
    """A topic of this name exists."""

    code = 22
    name = "TOPIC_EXISTS"


class InvalidTopic(Error):
    """The name is not a legal topic name."""

    code = 23
    name = "INVALID_TOPIC"


class InvalidPartitions(Error):
    """The number of partitions is out of range."""

    code = 24
    name = "INVALID_PARTITIONS"


class InvalidReplicationFactor(Error):
    """More replicas are asked for than there are brokers."""

    code = 25
    name = "INVALID_REPLICATION_FACTOR"


class OffsetOutOfRange(Error):
    """The offset is before the log start offset or past the end."""

    code = 26
    name = "OFFSET_OUT_OF_RANGE"


class FencedLeaderEpoch(Error):
    """The leader epoch is older than the broker's."""

    code = 27
    name = "FENCED_LEADER_EPOCH"


class UnknownLeaderEpoch(Error):
    """The leader epoch is newer than the broker's."""

    code = 28
    name = "UNKNOWN_LEADER_EPOCH"


class PolicyViolation(Error):
    """The topic may not be changed in this way."""

    code = 29
    name = "POLICY_VIOLATION"


class InvalidReplicaAssignment(Error):
    """Partitions are assigned to brokers in a way that cannot be."""

    code = 30
    name = "INVALID_REPLICA_ASSIGNMENT"


class CorruptBatch(Error):
    """A record batch fails its checksum or its lengths."""

    code = 40
    name = "CORRUPT_BATCH"


class InvalidRecord(Error):
    """A record batch is well formed but breaks a rule."""

    code = 41
    name = "INVALID_RECORD"


class InvalidTimestamp(Error):
    """A timestamp is out of the range that the topic accepts."""

    code = 42
    name = "INVALID_TIMESTAMP"


class MessageTooLarge(Error):
    """A record batch is larger than the topic accepts."""

    code = 43
    name = "MESSAGE_TOO_LARGE"


class UnsupportedCompression(Error):
    """The compression is unknown, or not allowed in this version of the request."""

    code = 44
    name = "UNSUPPORTED_COMPRESSION"


class UnsupportedFormat(Error):
    """The batch is in a format older than version 2."""

    code = 45
    name = "UNSUPPORTED_FORMAT"


class InvalidRequiredAcks(Error):
    """``acks`` is none of 0, 1 and -1."""

    code = 46
    name = "INVALID_REQUIRED_ACKS"


class OutOfOrderSequence(Error):
    """A producer's sequence number leaves a gap."""

    code = 47
    name = "OUT_OF_ORDER_SEQUENCE"


class InvalidProducerEpoch(Error):
    """A newer producer has taken over this producer ID."""

    code = 48
    name = "INVALID_PRODUCER_EPOCH"


class InvalidGroupId(Error):
    """The group ID is empty or not legal."""

    code = 60
    name = "INVALID_GROUP_ID"


class UnknownMember(Error):
    """The member does not belong to the group."""

    code = 61
    name = "UNKNOWN_MEMBER"


class IllegalGeneration(Error):
    """The member's generation is not the group's."""

    code = 62
    name = "ILLEGAL_GENERATION"


class RebalanceInProgress(Error):
    """The group is rebalancing: the member has to join again."""

    code = 63
    name = "REBALANCE_IN_PROGRESS"
    retriable = True


class InconsistentProtocol(Error):
    """The member shares no protocol with the group."""

    code = 64
    name = "INCONSISTENT_PROTOCOL"


class MemberIdRequired(Error):
    """The member must join again with the ID that it was just given."""

    code = 65
    name = "MEMBER_ID_REQUIRED"
    retriable = True


class FencedInstance(Error):
    """Another member has taken over this static member's instance ID."""

    code = 66
    name = "FENCED_INSTANCE"


class InvalidSessionTimeout(Error):
    """The session timeout is outside the broker's limits."""

    code = 67
    name = "INVALID_SESSION_TIMEOUT"


class GroupFull(Error):
    """The group has as many members as it may have."""

    code = 68
    name = "GROUP_FULL"


class OffsetMetadataTooLarge(Error):
    """The offset's metadata is too large."""

    code = 69
    name = "OFFSET_METADATA_TOO_LARGE"


class StaleMemberEpoch(Error):
    """The member's epoch is not its newest."""

    code = 70
    name = "STALE_MEMBER_EPOCH"


class UnsupportedAssignor(Error):
    """The broker does not know the assignor that a member asks for."""

    code = 71
    name = "UNSUPPORTED_ASSIGNOR"


class UnreleasedInstance(Error):
    """Another member holds the instance ID and has not given it up."""

    code = 72
    name = "UNRELEASED_INSTANCE"


class InvalidRegularExpression(Error):
    """The regular expression of a subscription is not valid."""

    code = 73
    name = "INVALID_REGULAR_EXPRESSION"


class GroupNotFound(Error):
    """There is no such group, or it is of another kind."""

    code = 74
    name = "GROUP_NOT_FOUND"


class InvalidRecordState(Error):
    """The member does not hold the record, or not any more."""

    code = 80
    name = "INVALID_RECORD_STATE"


class ShareSessionNotFound(Error):
    """The share session is not known."""

    code = 81
    name = "SHARE_SESSION_NOT_FOUND"


class InvalidShareSessionEpoch(Error):
    """The share session's epoch is not the next one."""

    code = 82
    name = "INVALID_SHARE_SESSION_EPOCH"


class ShareSessionLimitReached(Error):
    """There are as many share sessions as there may be."""

    code = 83
    name = "SHARE_SESSION_LIMIT_REACHED"


class FencedMemberEpoch(Error):
    """The member's epoch is not the one that the group knows: it has to join again."""

    code = 84
    name = "FENCED_MEMBER_EPOCH"


class NonEmptyGroup(Error):
    """The group has members, and what was asked for needs a group without."""

    code = 85
    name = "NON_EMPTY_GROUP"


class AuthenticationFailed(Error):
    """The broker did not let the user in."""

    code = 90
    name = "AUTHENTICATION_FAILED"


class UnsupportedMechanism(Error):
    """The broker does not let anybody in by this SASL mechanism."""

    code = 91
    name = "UNSUPPORTED_MECHANISM"


class AuthenticationRequired(Error):
    """The broker wants a login, and the client has no user name and password."""

    code = 92
    name = "AUTHENTICATION_REQUIRED"


class HookFailed(Error):
    """A hook of the program that embeds the broker failed."""

    code = 93
    name = "HOOK_FAILED"
    retriable = True


BY_CODE: dict[int, type[Error]] = {error.code: error for error in Error.__subclasses__()}
"""The class of each kind, by its number."""


class Reject(Exception):
    """Raised by a hook to refuse a record, or somebody who wants to connect, for this reason.

    The client is told the reason.
    """


class Change:
    """What a hook returns to change a record that passes; what is not given stays as it is.

    ``key`` and ``value`` are bytes-like, ``str`` (UTF-8) or ``None``; ``headers`` are pairs of name
    and value, or a mapping.
    """

    __slots__ = ("headers", "key", "value")

    key: Payload | None
    value: Payload | None
    headers: HeadersLike

    def __init__(self, **parts: Any) -> None:
        for name, part in parts.items():
            if name not in self.__slots__:
                raise TypeError(f"a record has no {name} that a hook may change")
            setattr(self, name, part)

    def __repr__(self) -> str:
        given = (name for name in self.__slots__ if hasattr(self, name))
        parts = ", ".join(f"{name}={getattr(self, name)!r}" for name in given)
        return f"minka.Change({parts})"
