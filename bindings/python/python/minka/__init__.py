"""A durable, Kafka-compatible message broker that fits inside your program.

    >>> import minka
    >>> with minka.Broker() as broker, minka.Producer(broker) as producer:
    ...     producer.send("greetings", "hello").offset
    0

What a client is opened on is a ``Broker`` of this process, or the address of one as a ``str``. Times
to wait are seconds or a ``timedelta``; ``None`` waits for as long as it takes. Settings are keyword
arguments: ``linger_ms=5`` is the setting ``linger.ms``.

Importing this starts no thread and opens no file. ``minka.aio`` has the same for asyncio.
"""

from __future__ import annotations

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
    Change,
    Error,
    Reject,
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
    "Broker",
    "BrokerDescription",
    "BrokerEvent",
    "Change",
    "ClusterDescription",
    "Consumer",
    "Delivery",
    "Error",
    "EventStream",
    "GroupDescription",
    "GroupListing",
    "GroupPartition",
    "Login",
    "MemberDescription",
    "Message",
    "PartitionDescription",
    "PassingRecord",
    "Producer",
    "Receipt",
    "Receipts",
    "Record",
    "Records",
    "Reject",
    "Setting",
    "TopicDescription",
    "TopicListing",
    "__version__",
]


def __getattr__(name: str) -> Any:
    # Dataclasses take longer to import than everything else here, and few programs manage topics.
    if name in _ADMIN:
        from minka import admin

        return getattr(admin, name)
    raise AttributeError(f"module 'minka' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
