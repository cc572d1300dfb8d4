"""A durable, Kafka-compatible message broker that fits inside your program.

    >>> import minka
    >>> with minka.Broker() as broker, minka.Producer(broker) as producer:
    ...     producer.send("greetings", "hello").offset
    0

What a client is opened on is a ``Broker`` of this process, or the address of one as a ``str``.
Times to wait are seconds or a ``timedelta``; ``None`` waits for as long as it takes. Settings are
keyword arguments: ``linger_ms=5`` is the setting ``linger.ms``.

Importing this starts no thread and opens no file. ``minka.aio`` has the same for asyncio.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minka._minka import (
    Broker,
    BrokerEvent,
    Consumer,
    Delivery,
    EventStream,
    Login,
    Message,
    PassingRecord,
    Producer,
    Receipt,
    Receipts,
    Record,
    Records,
    __version__,
)
from minka.errors import (
    AuthenticationFailed,
    AuthenticationRequired,
    BrokerUnavailable,
    Change,
    Closed,
    CoordinatorUnavailable,
    CorruptBatch,
    Damaged,
    DirectoryLocked,
    Error,
    FencedInstance,
    FencedLeaderEpoch,
    FencedMemberEpoch,
    FormatTooNew,
    GroupFull,
    GroupNotFound,
    HookFailed,
    IllegalGeneration,
    InconsistentProtocol,
    Internal,
    Interrupted,
    InvalidConfig,
    InvalidGroupId,
    InvalidPartitions,
    InvalidProducerEpoch,
    InvalidRecord,
    InvalidRecordState,
    InvalidRegularExpression,
    InvalidReplicaAssignment,
    InvalidReplicationFactor,
    InvalidRequest,
    InvalidRequiredAcks,
    InvalidSessionTimeout,
    InvalidShareSessionEpoch,
    InvalidTimestamp,
    InvalidTopic,
    MemberIdRequired,
    MessageTooLarge,
    Network,
    NonEmptyGroup,
    NotLeader,
    OffsetMetadataTooLarge,
    OffsetOutOfRange,
    OutOfOrderSequence,
    PolicyViolation,
    QueueFull,
    RebalanceInProgress,
    Reject,
    ShareSessionLimitReached,
    ShareSessionNotFound,
    StaleMemberEpoch,
    StorageFailed,
    Timeout,
    TopicExists,
    UnknownLeaderEpoch,
    UnknownMember,
    UnknownTopicId,
    UnknownTopicOrPartition,
    UnreleasedInstance,
    Unsupported,
    UnsupportedAssignor,
    UnsupportedCompression,
    UnsupportedFormat,
    UnsupportedMechanism,
)

if TYPE_CHECKING:
    from minka.admin import (
        Admin,
        BrokerDescription,
        ClusterDescription,
        GroupDescription,
        GroupListing,
        GroupPartition,
        MemberDescription,
        PartitionDescription,
        Setting,
        TopicDescription,
        TopicListing,
    )

_ADMIN = (
    "Admin",
    "BrokerDescription",
    "ClusterDescription",
    "GroupDescription",
    "GroupListing",
    "GroupPartition",
    "MemberDescription",
    "PartitionDescription",
    "Setting",
    "TopicDescription",
    "TopicListing",
)

__all__ = [
    "Admin",
    "AuthenticationFailed",
    "AuthenticationRequired",
    "Broker",
    "BrokerDescription",
    "BrokerEvent",
    "BrokerUnavailable",
    "Change",
    "Closed",
    "ClusterDescription",
    "Consumer",
    "CoordinatorUnavailable",
    "CorruptBatch",
    "Damaged",
    "Delivery",
    "DirectoryLocked",
    "Error",
    "EventStream",
    "FencedInstance",
    "FencedLeaderEpoch",
    "FencedMemberEpoch",
    "FormatTooNew",
    "GroupDescription",
    "GroupFull",
    "GroupListing",
    "GroupNotFound",
    "GroupPartition",
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
    "Login",
    "MemberDescription",
    "MemberIdRequired",
    "Message",
    "MessageTooLarge",
    "Network",
    "NonEmptyGroup",
    "NotLeader",
    "OffsetMetadataTooLarge",
    "OffsetOutOfRange",
    "OutOfOrderSequence",
    "PartitionDescription",
    "PassingRecord",
    "PolicyViolation",
    "Producer",
    "QueueFull",
    "RebalanceInProgress",
    "Receipt",
    "Receipts",
    "Record",
    "Records",
    "Reject",
    "Setting",
    "ShareSessionLimitReached",
    "ShareSessionNotFound",
    "StaleMemberEpoch",
    "StorageFailed",
    "Timeout",
    "TopicDescription",
    "TopicExists",
    "TopicListing",
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
    "__version__",
]


for _sequence in (Receipts, Records):
    Sequence.register(_sequence)


def __getattr__(name: str) -> Any:
    # Dataclasses take longer to import than everything else here, and few programs manage topics.
    if name in _ADMIN:
        from minka import admin

        return getattr(admin, name)
    raise AttributeError(f"module 'minka' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
