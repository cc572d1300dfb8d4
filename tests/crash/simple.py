"""Short ways to send and read for tests that are about something else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from crash.load import PATIENT


class NotDelivered(Exception):
    """The broker did not take a record, or nobody knows whether it did."""


def send(servers: str, topic: str, values: list[bytes], seconds: float = 20.0) -> list[int]:
    """Sends the values to partition 0, each as a batch of its own; returns their offsets."""
    with sender(servers, seconds) as send_one:
        return [send_one(topic, value) for value in values]


@contextmanager
def sender(servers: str, seconds: float = 20.0) -> Iterator:
    """A function that sends one value with acks=all, waits, and returns its offset."""
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "acks": "all",
            "linger.ms": 0,
            "message.timeout.ms": int(seconds * 1000),
            "message.max.bytes": 2_000_000,
            **PATIENT,
        }
    )

    def send_one(topic: str, value: bytes) -> int:
        reports: list[tuple[KafkaError | None, Message]] = []
        producer.produce(topic, value, partition=0, on_delivery=lambda *r: reports.append(r))
        producer.flush(seconds + 5)
        if not reports or reports[0][0]:
            raise NotDelivered(str(reports[0][0]) if reports else "no answer")
        return reports[0][1].offset()

    try:
        yield send_one
    finally:
        producer.purge()
        producer.flush(1)


def read(servers: str, topic: str, start: int, count: int, seconds: float = 20.0) -> list[Message]:
    """Reads up to so many records of partition 0; fewer only if no more come in that time."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "read",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "check.crcs": True,
            "fetch.wait.max.ms": 50,
            **PATIENT,
        }
    )
    consumer.assign([TopicPartition(topic, 0, start)])
    messages: list[Message] = []
    deadline = time.monotonic() + seconds
    try:
        while len(messages) < count and time.monotonic() < deadline:
            messages += [m for m in consumer.consume(count - len(messages), 0.1) if not m.error()]
    finally:
        consumer.close()
    return messages


def values(messages: list[Message]) -> list[bytes]:
    """The values of messages."""
    return [message.value() for message in messages]


def end_offset(servers: str, topic: str) -> int:
    """The offset behind the last record of partition 0."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "read", **PATIENT})
    try:
        return consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)[1]
    except KafkaException as error:
        raise AssertionError(f"the end of {topic} cannot be asked for: {error}") from error
    finally:
        consumer.close()
