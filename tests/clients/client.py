"""A Kafka client as the scenarios use it, and the one that talks to a driver process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from clients.driver import Driver, DriverError
from clients.member import DriverMember, Member
from clients.records import Place, Received, Record

TIMEOUT = 30.0
ALL_CODECS = ("gzip", "snappy", "lz4", "zstd")


@dataclass(frozen=True)
class Abilities:
    """What a client cannot do is left out of its scenarios, or done by another in its place.

    `timestamps` and `null_headers` are about sending: every client must read them.
    """

    codecs: tuple[str, ...] = ALL_CODECS
    admin: bool = True
    idempotent: bool = True
    timestamps: bool = True
    null_headers: bool = True
    no_auto_create: bool = True
    change_settings: bool = True
    group_settings: bool = False
    delete_records: bool = True
    delete_offsets: bool = False


class Client(ABC):
    """One client against one broker address."""

    def __init__(self, name: str, abilities: Abilities) -> None:
        self.name = name
        self.abilities = abilities

    @abstractmethod
    def produce(
        self,
        servers: str,
        topic: str,
        records: list[Record],
        acks: str = "all",
        codec: str = "none",
        idempotent: bool = False,
    ) -> list[Place]:
        """Sends the records; their places in the given order (meaningless with acks=0)."""

    @abstractmethod
    def start_consume(
        self, servers: str, topic: str, starts: dict[int, int | None], count: int, max_wait_ms: int
    ) -> Callable[[], list[Received]]:
        """Begins to read; the result is what to call for the records."""

    @abstractmethod
    def offset_for_time(
        self, servers: str, topic: str, partition: int, timestamp: int
    ) -> int | None:
        """The first offset at or after the timestamp."""

    @abstractmethod
    def list_topics(self, servers: str) -> dict[str, int]:
        """The topics with their numbers of partitions."""

    @abstractmethod
    def unknown_topic(self, servers: str, topic: str) -> str:
        """The error that the client shows for a topic that it must not create."""

    @abstractmethod
    def join(self, servers: str, topic: str, group: str) -> Member:
        """Makes a new member of the group."""

    def consume(
        self, servers: str, topic: str, starts: dict[int, int | None], count: int
    ) -> list[Received]:
        """Reads `count` records from the starts (None is the beginning), sorted by place."""
        records = self.start_consume(servers, topic, starts, count, 500)()
        return sorted(records, key=lambda r: (r.place.partition, r.place.offset))

    @abstractmethod
    def close(self) -> None:
        """Ends whatever the client still runs."""


@dataclass
class DriverClient(Client):
    """A client in a driver process, which is started when first needed and again if it dies."""

    name: str
    command: list[str]
    logs: Path
    abilities: Abilities = field(default_factory=Abilities)
    _driver: Driver | None = None
    _members: list[Driver] = field(default_factory=list)

    def produce(self, servers, topic, records, acks="all", codec="none", idempotent=False):
        answer = self._call(
            "produce",
            servers=servers,
            topic=topic,
            records=[record.to_json() for record in records],
            acks=acks,
            codec=codec,
            idempotent=idempotent,
        )
        return [Place(*place) for place in answer]

    def start_consume(self, servers, topic, starts, count, max_wait_ms):
        driver = self._ready()
        fields = {"servers": servers, "topic": topic, "count": count, "max_wait_ms": max_wait_ms}
        by_name = {str(partition): at for partition, at in starts.items()}
        driver.send("consume", timeout=TIMEOUT, starts=by_name, **fields)
        return lambda: [Received.from_json(fields) for fields in self._result(driver)]

    def offset_for_time(self, servers, topic, partition, timestamp):
        fields = {"topic": topic, "partition": partition, "timestamp": timestamp}
        return self._call("offset_for_time", servers=servers, **fields)

    def list_topics(self, servers):
        return self._call("list_topics", servers=servers)

    def unknown_topic(self, servers, topic):
        return self._call("unknown_topic", servers=servers, topic=topic)

    def create_topic(self, servers: str, topic: str, partitions: int) -> None:
        """Creates a topic through the client's admin part."""
        self._call("create_topic", servers=servers, topic=topic, partitions=partitions)

    def delete_topic(self, servers: str, topic: str) -> None:
        """Deletes a topic through the client's admin part."""
        self._call("delete_topic", servers=servers, topic=topic)

    def committed(self, servers: str, topic: str, group: str, partitions: int) -> dict[int, int]:
        """The offsets that the group has committed, by partition."""
        fields = {"topic": topic, "group": group, "partitions": partitions}
        answer = self._call("committed", servers=servers, **fields)
        return {int(partition): offset for partition, offset in answer.items()}

    def alter_config(
        self, servers: str, resource: tuple[str, str], setting: str, value: str | None
    ) -> None:
        """Gives a topic or group a setting, or takes it away; some clients take away the rest."""
        kind, name = resource
        fields = {"kind": kind, "name": name, "setting": setting, "value": value}
        self._call("alter_config", servers=servers, **fields)

    def described_config(self, servers: str, resource: tuple[str, str], setting: str) -> str:
        """A setting of a topic or group."""
        kind, name = resource
        fields = {"kind": kind, "name": name, "setting": setting}
        return self._call("described_config", servers=servers, **fields)

    def delete_records(self, servers: str, topic: str, partition: int, offset: int) -> int:
        """Deletes the records before an offset (-1 for all); the partition's first offset then."""
        fields = {"topic": topic, "partition": partition, "offset": offset}
        return self._call("delete_records", servers=servers, **fields)

    def delete_offset(self, servers: str, topic: str, partition: int, group: str) -> str:
        """Deletes what a group has committed for a partition; the name of the error, or NoError."""
        fields = {"topic": topic, "partition": partition, "group": group}
        return self._call("delete_offset", servers=servers, **fields)

    def join(self, servers, topic, group):
        driver = self._start()
        self._members.append(driver)
        driver.send("join", servers=servers, topic=topic, group=group)
        return DriverMember(driver)

    def close(self):
        for driver in [self._driver, *self._members]:
            if driver is not None:
                driver.close()
        self._driver, self._members = None, []

    def _call(self, op: str, **fields):
        driver = self._ready()
        driver.send(op, timeout=TIMEOUT, **fields)
        return self._result(driver)

    def _result(self, driver: Driver):
        try:
            # The driver keeps to its own timeout; this one is for a driver that hangs.
            return driver.result(TIMEOUT + 10)
        except DriverError:
            # A late answer must not be taken for that of the next request.
            driver.close()
            raise

    def _ready(self) -> Driver:
        if self._driver is None or not self._driver.alive:
            self._driver = self._start()
        return self._driver

    def _start(self) -> Driver:
        return Driver(self.command, self.logs / f"{self.name}.stderr")
