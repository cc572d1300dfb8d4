"""Share groups (KIP-932): each message to one member, acknowledged one by one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import AcknowledgeType, KafkaException, Producer, ShareConsumer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from clients.share_process import ShareProcess
from harness.broker import Broker, wait_until

PARTITIONS = 3


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Broker]:
    """A broker that the test may kill."""
    with Broker(tmp_path / "data") as broker:
        yield broker


@pytest.fixture
def processes() -> Iterator[list[ShareProcess]]:
    """Members in processes, which end with the test."""
    started: list[ShareProcess] = []
    yield started
    for process in started:
        process.kill()


def prepare(servers: str, name: str, **settings: str) -> None:
    """Creates a topic, and lets a group of that name begin at its beginning."""
    admin = AdminClient({"bootstrap.servers": servers})  # Its futures fail when it is dropped.
    for future in admin.create_topics([NewTopic(name, PARTITIONS, 1)]).values():
        future.result(20)
    configure(servers, name, share_auto_offset_reset="earliest", **settings)


def configure(servers: str, group: str, **settings: str) -> None:
    """Gives a group settings; `_` stands for `.`."""
    admin = AdminClient({"bootstrap.servers": servers})  # Its futures fail when it is dropped.
    changes = [
        ConfigEntry(key.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for key, value in settings.items()
    ]
    resource = ConfigResource(ResourceType.GROUP, group, incremental_configs=changes)
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(20)


def send(servers: str, topic: str, label: str, count: int, size: int = 0) -> list[str]:
    """Sends messages over all partitions; returns their values."""
    producer = Producer({"bootstrap.servers": servers, "acks": "all", "compression.type": "lz4"})
    values = [f"{label}-{n}".ljust(size, ".") for n in range(count)]
    for n, value in enumerate(values):
        producer.produce(topic, value.encode(), partition=n % PARTITIONS)
    assert producer.flush(30) == 0
    return values


def join(servers: str, name: str, **settings: Any) -> ShareConsumer:
    """A member in the test's own process, which acknowledges one by one."""
    consumer = ShareConsumer(
        {
            "bootstrap.servers": servers,
            "group.id": name,
            "share.acknowledgement.mode": "explicit",
            "log_level": 2,
            **{key.replace("_", "."): value for key, value in settings.items()},
        }
    )
    consumer.subscribe([name])
    return consumer


def take(consumer: ShareConsumer, count: int, kind: AcknowledgeType) -> list[tuple[str, int]]:
    """Gets at least so many messages and says the same of all; values and delivery counts."""
    taken: list[tuple[str, int]] = []
    deadline = time.monotonic() + 30
    while len(taken) < count:
        assert time.monotonic() < deadline, f"{len(taken)} of {count} messages came"
        messages = consumer.poll(0.5)
        for message in messages:
            assert message.error() is None, message.error()
            taken.append((message.value().decode(), message.delivery_count()))
            consumer.acknowledge(message, kind)
        assert set(consumer.commit_sync(20).values()) <= {None}
    return taken


def nothing_more(servers: str, name: str) -> bool:
    """Whether a new member gets nothing."""
    with join(servers, name) as consumer:
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            if len(consumer.poll(0.5)):
                return False
    return True


def test_one_member_gets_everything_once(servers: str):
    name = "share-alone"
    prepare(servers, name)
    sent = send(servers, name, "first", 1000)
    # The client opens its session with the first fetch and acknowledges with later ones.
    with join(servers, name) as consumer:
        taken = take(consumer, len(sent), AcknowledgeType.ACCEPT)
        assert sorted(taken) == sorted((value, 1) for value in sent)
        large = send(servers, name, "large", 60, size=100_000)
        taken = take(consumer, len(large), AcknowledgeType.ACCEPT)
        assert sorted(taken) == sorted((value, 1) for value in large)
    assert nothing_more(servers, name)


def test_what_a_member_accepts_by_going_on_is_done(servers: str):
    name = "share-implicit"
    prepare(servers, name)
    sent = send(servers, name, "only", 300)
    taken: list[str] = []
    with join(servers, name, share_acknowledgement_mode="implicit") as consumer:
        deadline = time.monotonic() + 30
        while len(taken) < len(sent) and time.monotonic() < deadline:
            taken += [message.value().decode() for message in consumer.poll(0.5)]
        consumer.commit_sync(20)  # Closing does not accept what was polled last.
    assert sorted(taken) == sorted(sent)
    assert nothing_more(servers, name)


def test_messages_are_released_redelivered_and_rejected(servers: str):
    name = "share-released"
    prepare(servers, name, minka_dead_letter_enable="true")
    sent = send(servers, name, "only", 30)
    with join(servers, name) as consumer:
        for delivery in (1, 2):
            taken = take(consumer, len(sent), AcknowledgeType.RELEASE)
            assert sorted(taken) == sorted((value, delivery) for value in sent)
        taken = take(consumer, len(sent), AcknowledgeType.REJECT)
        assert {count for _, count in taken} == {3}
    assert nothing_more(servers, name)
    configure(servers, f"{name}.dlq", share_auto_offset_reset="earliest")
    with join(servers, f"{name}.dlq") as consumer:
        letters = take(consumer, len(sent), AcknowledgeType.ACCEPT)
    assert sorted(value for value, _ in letters) == sorted(sent)


def test_an_acknowledgement_that_comes_too_late_is_refused(servers: str):
    name = "share-late"
    prepare(servers, name, share_record_lock_duration_ms="1000")
    [value] = send(servers, name, "only", 1)
    with join(servers, name) as slow, join(servers, name) as other:
        while not (messages := list(slow.poll(0.5))):
            pass
        assert take(other, 1, AcknowledgeType.ACCEPT) == [(value, 2)]
        slow.acknowledge(messages[0])
        [error] = slow.commit_sync(20).values()
        assert isinstance(error, KafkaException)
    assert nothing_more(servers, name)


def test_members_share_and_each_message_is_handled_by_one(
    servers: str, processes: list[ShareProcess]
):
    name = "share-three"
    prepare(servers, name)
    processes += [ShareProcess(servers, name, name) for _ in range(3)]
    sent: list[str] = []
    deadline = time.monotonic() + 40
    while not all(member.done for member in processes):
        assert time.monotonic() < deadline, "not everybody has a share"
        sent += send(servers, name, f"warm {len(sent)}", 30)
        wait_for(processes, sent)
    sent += send(servers, name, "all", 6000)
    wait_for(processes, sent)
    counts = Counter(value for member in processes for value, _ in member.got)
    assert set(counts.values()) == {1}


def wait_for(members: list[ShareProcess], sent: list[str], seconds: float = 40) -> None:
    """Waits until all messages are accepted."""

    def all_done() -> bool:
        return {value for member in members for value in list(member.done)} >= set(sent)

    wait_until(all_done, seconds, "all messages accepted")


def test_what_a_killed_member_held_goes_to_the_others(servers: str, processes: list[ShareProcess]):
    name = "share-killed"
    # No lock ends by itself while the test waits.
    prepare(servers, name, share_record_lock_duration_ms="3600000")
    sent = send(servers, name, "only", 30)
    holder = ShareProcess(servers, name, name, "hold")
    processes.append(holder)
    wait_until(lambda: len(holder.got) > 0, 20, "the first member's messages")
    others = [ShareProcess(servers, name, name) for _ in range(2)]
    processes += others
    held = {value for value, _ in holder.got}
    wait_for(others, [value for value in sent if value not in held])
    holder.kill()
    held = {value for value, _ in holder.got}
    wait_for(others, sent)
    counts = {value: count for member in others for value, count in member.got}
    assert {counts[value] for value in held} == {2}, "it was their second delivery"


def test_a_killed_broker_loses_nothing_and_repeats_nothing_that_was_accepted(
    own: Broker, processes: list[ShareProcess]
):
    name = "share-crash"
    prepare(own.address, name, share_delivery_count_limit="100")
    processes += [ShareProcess(own.address, name, name) for _ in range(3)]
    sent: list[str] = []
    for round_ in range(3):
        sent += send(own.address, name, f"round {round_}", 1500)
        before = sum(len(member.done) for member in processes)
        wait_until(
            lambda before=before: sum(len(m.done) for m in processes) > before + 200,
            40,
            "members to go on",
        )
        processes[round_].kill()
        own.restart_after_kill()
        processes.append(ShareProcess(own.address, name, name))

    def handled() -> set[str]:
        return {value for member in processes for value, _ in list(member.got)}

    wait_until(lambda: handled() >= set(sent), 60, "every message handed out")
    # The last of them may be on their way to a second member: their first one had no answer.
    wait_until(lambda: nothing_more(own.address, name), 60, "every message accepted")
    done = Counter(value for member in processes for value in member.done)
    assert set(done.values()) == {1}, "what was accepted was never accepted again"
