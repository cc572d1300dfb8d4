"""``Admin``: creates, describes, changes and deletes topics and groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from minka import _minka

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from minka.types import SettingValue, StartAt, Target


@dataclass(frozen=True)
class TopicListing:
    """A topic in a list of all topics."""

    name: str
    id: str
    """As Kafka shows it: 22 characters."""
    partitions: int


@dataclass(frozen=True)
class PartitionDescription:
    """A partition of a topic."""

    index: int
    start: int
    """The first offset that can be read."""
    end: int
    """The offset of the next record to become visible."""


@dataclass(frozen=True)
class Setting:
    """A setting of a topic."""

    name: str
    value: str
    is_default: bool
    """Whether the topic was given none of its own."""


@dataclass(frozen=True)
class TopicDescription:
    """A topic with its partitions and settings."""

    name: str
    id: str
    partitions: tuple[PartitionDescription, ...]
    settings: tuple[Setting, ...]

    def setting(self, name: str) -> str:
        """The value of a setting. A ``KeyError`` where the topic has none of this name."""
        for setting in self.settings:
            if setting.name == name:
                return setting.value
        raise KeyError(name)


@dataclass(frozen=True)
class GroupListing:
    """A group in a list of all groups."""

    name: str
    kind: str
    """``"queue"``, ``"partitions"``, ``"classic"`` or ``"other"``."""
    state: str
    """What it is doing, as Kafka calls it: ``Stable``, ``Empty``, ..."""


@dataclass(frozen=True)
class MemberDescription:
    """A member of a group."""

    id: str
    instance_id: str | None
    client_id: str
    host: str
    assigned: tuple[tuple[str, int], ...]
    """Its partitions, by topic and number."""


@dataclass(frozen=True)
class GroupPartition:
    """Where a group is in a partition."""

    topic: str
    partition: int
    committed: int | None
    """The next offset to be read; in a queue group everything before it is settled."""
    end: int | None
    """The offset of the next record to become visible; ``None`` where there is no partition."""
    lag: int | None
    """How many records are left; in a queue group without those that are settled."""
    in_flight: int | None
    """How many records are with members of a queue group, where the broker tells it."""
    redelivered: int | None
    """How many records of a queue group wait for another delivery, where the broker tells it."""


@dataclass(frozen=True)
class GroupDescription:
    """A group with its members and offsets."""

    name: str
    kind: str
    state: str
    members: tuple[MemberDescription, ...]
    partitions: tuple[GroupPartition, ...]

    @property
    def lag(self) -> int:
        """How many records are left in all partitions whose lag is known."""
        return sum(partition.lag or 0 for partition in self.partitions)


@dataclass(frozen=True)
class BrokerDescription:
    """A broker of a cluster."""

    id: int
    host: str
    port: int


@dataclass(frozen=True)
class ClusterDescription:
    """The cluster, with its brokers that can be reached over the network."""

    id: str
    brokers: tuple[BrokerDescription, ...]


class Admin:
    """Creates, describes, changes and deletes topics and groups. Any number of threads may use it.

    ``target`` is a ``Broker`` of this process or an address. Settings of topics and groups go by
    their Kafka names (``{"retention.ms": 1000}``); ``None`` as a value goes back to the default.
    Changes hold when their call returns.
    """

    def __init__(self, target: Target, **settings: SettingValue) -> None:
        self._native = _minka.Admin(target, **settings)

    def create_topic(
        self,
        name: str,
        partitions: int | None = None,
        settings: Mapping[str, SettingValue] | None = None,
    ) -> None:
        """Creates a topic, with the broker's default number of partitions if none is given.

        Raises ``TopicExists``, ``InvalidTopic``, ``InvalidPartitions``, ``InvalidConfig``.
        """
        self._native.create_topic(name, partitions, dict(settings or {}))

    def delete_topic(self, name: str) -> None:
        """Deletes a topic with its records. Raises ``UnknownTopicOrPartition``."""
        self._native.delete_topic(name)

    def topics(self) -> list[TopicListing]:
        """All topics, by name in order."""
        return [TopicListing(*topic) for topic in self._native.topics()]

    def describe_topic(self, name: str) -> TopicDescription:
        """A topic with its partitions and settings. Raises ``UnknownTopicOrPartition``."""
        name, id, partitions, settings = self._native.describe_topic(name)
        return TopicDescription(
            name,
            id,
            tuple(PartitionDescription(*partition) for partition in partitions),
            tuple(Setting(*setting) for setting in settings),
        )

    def add_partitions(self, name: str, count: int) -> None:
        """Gives a topic more partitions: ``count`` is how many it then has.

        Raises ``InvalidPartitions`` where it has as many already, ``UnknownTopicOrPartition``.
        """
        self._native.add_partitions(name, count)

    def alter_topic(self, name: str, settings: Mapping[str, SettingValue]) -> None:
        """Changes settings of a topic, all or none.

        Raises ``InvalidConfig``, ``UnknownTopicOrPartition``.
        """
        self._native.alter_topic(name, dict(settings))

    def groups(self) -> list[GroupListing]:
        """All groups, by name in order."""
        return [GroupListing(*group) for group in self._native.groups()]

    def describe_group(self, name: str) -> GroupDescription:
        """A group with its members and where it is. Raises ``GroupNotFound``."""
        name, kind, state, members, partitions = self._native.describe_group(name)
        return GroupDescription(
            name,
            kind,
            state,
            tuple(MemberDescription(*member[:4], tuple(member[4])) for member in members),
            tuple(GroupPartition(*partition) for partition in partitions),
        )

    def reset_group(self, name: str, topic: str, to: StartAt) -> None:
        """Has a group go on elsewhere in all partitions of a topic.

        ``to`` is an offset, ``"earliest"``, ``"latest"`` or a ``datetime``. The group must have no
        members; it may be new. Raises ``NonEmptyGroup``, ``UnknownTopicOrPartition``.
        """
        self._native.reset_group(name, topic, to)

    def alter_group(self, name: str, settings: Mapping[str, SettingValue]) -> None:
        """Changes settings of a group, all or none. The group may come later.

        Raises ``InvalidConfig``, ``InvalidGroupId``.
        """
        self._native.alter_group(name, dict(settings))

    def delete_group(self, name: str) -> None:
        """Deletes a group without members, with what it has committed.

        Raises ``GroupNotFound``, ``NonEmptyGroup``.
        """
        self._native.delete_group(name)

    def cluster(self) -> ClusterDescription:
        """The cluster and its brokers."""
        id, brokers = self._native.cluster()
        return ClusterDescription(id, tuple(BrokerDescription(*broker) for broker in brokers))

    def close(self) -> None:
        """Ends it: every call after that raises ``Closed``. Closing again does nothing."""
        self._native.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._native.closed

    def __enter__(self) -> Admin:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<minka.Admin closed>" if self.closed else "<minka.Admin>"
