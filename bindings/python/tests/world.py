"""A broker, and clients of it by either way; what the scenarios share."""

from __future__ import annotations

import time
from typing import Any

import minka

# Nothing takes that long; a test that waits longer fails instead of hanging.
PATIENCE = 30.0
# How long something is waited for that must not come.
MOMENT = 0.05


class World:
    """A broker in memory, and the way to it: ``"in-process"`` or ``"socket"``."""

    def __init__(self, place: str, **settings: Any) -> None:
        if place == "socket":
            settings["kafka"] = "127.0.0.1:0"
        self.place = place
        self.broker = minka.Broker(**settings)

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.broker.close()

    @property
    def target(self) -> Any:
        """What clients are opened on."""
        return self.broker.bootstrap_servers if self.place == "socket" else self.broker

    def admin(self, **settings: Any) -> minka.Admin:
        return minka.Admin(self.target, **settings)

    def topic(self, name: str, partitions: int = 1, **settings: Any) -> None:
        named = {key.replace("_", "."): value for key, value in settings.items()}
        self.admin().create_topic(name, partitions, named)

    def queue_group(self, name: str, settings: dict[str, Any] | None = None) -> None:
        """Has a queue group begin with the first record, and redeliver at once."""
        always = {"share.auto.offset.reset": "earliest", "minka.retry.backoff.ms": 0}
        self.admin().alter_group(name, {**always, **(settings or {})})

    def producer(self, **settings: Any) -> minka.Producer:
        return minka.Producer(self.target, **settings)

    def send(self, topic: str, *values: str) -> None:
        """Sends records with these values to partition 0, each in a batch of its own."""
        with self.producer() as producer:
            for value in values:
                producer.send(topic, value, partition=0, timeout=PATIENCE)

    def consumer(self, *arguments: Any, **settings: Any) -> minka.Consumer:
        return minka.Consumer(self.target, *arguments, **settings)

    def reader(self, topic: str) -> minka.Consumer:
        """Reads partition 0 of a topic from the start."""
        consumer = self.consumer()
        consumer.assign([(topic, 0, "earliest")])
        return consumer

    def worker(self, group: str, topic: str) -> minka.Consumer:
        """A member of a queue group, which says itself what is done."""
        settings = {"group_type": "queue", "enable_auto_commit": False}
        return self.consumer(group, topics=topic, **settings)

    def member(self, group: str, topic: str) -> minka.Consumer:
        """A member of a partition group."""
        return self.consumer(group, topics=topic, group_type="partitions")

    def members(self, group: str) -> int:
        """How many members a group has; none if there is no such group."""
        try:
            return len(self.admin().describe_group(group).members)
        except minka.GroupNotFound:
            return 0

    def wait_for_members(self, group: str, count: int) -> None:
        """Waits until a group has as many members."""
        deadline = time.monotonic() + PATIENCE
        while self.members(group) != count:
            assert time.monotonic() < deadline, f"group {group} does not get {count} members"


def take(consumer: minka.Consumer, count: int) -> list[minka.Record]:
    """Polls until there are so many records."""
    deadline = time.monotonic() + PATIENCE
    records: list[minka.Record] = []
    while len(records) < count:
        assert time.monotonic() < deadline, f"only {len(records)} of {count} records came"
        records += consumer.poll(1)
    assert len(records) == count
    return records


def text(record: minka.Record) -> str:
    """The value as text; empty for none."""
    return (record.value or b"").decode()


def values(consumer: minka.Consumer, count: int) -> list[str]:
    """Polls until there are so many records; their values as text."""
    return [text(record) for record in take(consumer, count)]


def nothing_comes(consumer: minka.Consumer) -> None:
    """Fails if something comes."""
    assert list(consumer.poll(MOMENT)) == []
