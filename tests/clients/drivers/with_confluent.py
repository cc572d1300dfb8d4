"""confluent-kafka (librdkafka) behind the drivers' protocol.

With the argument `consumer` its members speak the new group protocol (KIP-848), in which the broker
says how often they heartbeat and how long they may be silent.
"""

from __future__ import annotations

import sys
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)
from lines import Request, deadline_of, decode, headers_in, received, serve


def produce(request: Request) -> list[list[int]]:
    """Sends the records; answers with their places in the order they were given."""
    settings = {
        "bootstrap.servers": request["servers"],
        "acks": request["acks"],
        "compression.type": request["codec"],
        "enable.idempotence": request["idempotent"],
        "message.max.bytes": 2_000_000,
        "linger.ms": 20,
    }
    producer = Producer(settings)
    places: list[list[int]] = [[] for _ in request["records"]]
    problems = []
    for index, record in enumerate(request["records"]):

        def delivered(error: KafkaError | None, message: Any, index: int = index) -> None:
            if error:
                problems.append(error)
            else:
                places[index] = [message.partition(), message.offset()]

        chosen = {} if record["partition"] is None else {"partition": record["partition"]}
        if record["timestamp"] is not None:
            chosen["timestamp"] = record["timestamp"]
        producer.produce(
            request["topic"],
            value=decode(record["value"]),
            key=decode(record["key"]),
            headers=headers_in(record),
            on_delivery=delivered,
            **chosen,
        )
    if producer.flush(request["timeout"]) or problems:
        raise RuntimeError(f"not all records were delivered: {problems[:3]}")
    return places


def consume(request: Request) -> list[dict[str, Any]]:
    """Reads `count` records from the given starts, without a group."""
    left = deadline_of(request)
    consumer = Consumer(
        {
            "bootstrap.servers": request["servers"],
            "group.id": "none",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": request["max_wait_ms"],
        }
    )
    consumer.assign(
        [
            TopicPartition(request["topic"], int(p), OFFSET_BEGINNING if at is None else at)
            for p, at in request["starts"].items()
        ]
    )
    records: list[dict[str, Any]] = []
    try:
        while len(records) < request["count"]:
            records += [_received(m) for m in consumer.consume(1000, min(left(), 0.1))]
    finally:
        consumer.close()
    return records


def create_topic(request: Request) -> None:
    """Creates a topic through the admin client."""
    topic = NewTopic(request["topic"], request["partitions"], 1)
    admin = _admin(request)  # Its futures fail when it is dropped.
    for future in admin.create_topics([topic]).values():
        future.result(request["timeout"])


def delete_topic(request: Request) -> None:
    """Deletes a topic through the admin client."""
    admin = _admin(request)  # Its futures fail when it is dropped.
    for future in admin.delete_topics([request["topic"]]).values():
        future.result(request["timeout"])


def list_topics(request: Request) -> dict[str, int]:
    """All topics with their numbers of partitions."""
    metadata = _admin(request).list_topics(timeout=request["timeout"])
    return {name: len(topic.partitions) for name, topic in metadata.topics.items()}


def offset_for_time(request: Request) -> int | None:
    """The first offset whose timestamp is at or after the given one; None if there is none."""
    consumer = Consumer({"bootstrap.servers": request["servers"], "group.id": "none"})
    asked = TopicPartition(request["topic"], request["partition"], request["timestamp"])
    try:
        [answer] = consumer.offsets_for_times([asked], timeout=request["timeout"])
    finally:
        consumer.close()
    return answer.offset if answer.offset >= 0 else None


def committed(request: Request) -> dict[str, int]:
    """The group's committed offsets."""
    settings = {"bootstrap.servers": request["servers"], "group.id": request["group"]}
    consumer = Consumer(settings)
    asked = [TopicPartition(request["topic"], p) for p in range(request["partitions"])]
    try:
        answers = consumer.committed(asked, timeout=request["timeout"])
    finally:
        consumer.close()
    return {str(a.partition): a.offset for a in answers if a.offset >= 0}


def unknown_topic(request: Request) -> str:
    """What the client says of a topic that does not exist and must not be created."""
    left = deadline_of(request)
    settings = {
        "bootstrap.servers": request["servers"],
        "group.id": "none",
        "allow.auto.create.topics": False,
    }
    consumer = Consumer(settings)
    consumer.subscribe([request["topic"]])
    try:
        while True:
            message = consumer.poll(min(left(), 0.2))
            if message is not None and message.error():
                return message.error().name()
    finally:
        consumer.close()


def alter_config(request: Request) -> None:
    """Gives one setting a value, or none: then it goes back to its default."""
    operation = AlterConfigOpType.DELETE if request["value"] is None else AlterConfigOpType.SET
    change = ConfigEntry(
        request["setting"], request["value"] or "", incremental_operation=operation
    )
    resource = ConfigResource(request["kind"], request["name"], incremental_configs=[change])
    admin = _admin(request)  # Its futures fail when it is dropped.
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(request["timeout"])


def described_config(request: Request) -> str:
    """The value of one setting."""
    resource = ConfigResource(request["kind"], request["name"])
    admin = _admin(request)  # Its futures fail when it is dropped.
    [future] = admin.describe_configs([resource]).values()
    return future.result(request["timeout"])[request["setting"]].value


def delete_records(request: Request) -> int:
    """Deletes the records before an offset; where the partition begins then."""
    place = TopicPartition(request["topic"], request["partition"], request["offset"])
    admin = _admin(request)  # Its futures fail when it is dropped.
    [future] = admin.delete_records([place]).values()
    return future.result(request["timeout"]).low_watermark


GROUP_SETTINGS = (
    {"group.protocol": "consumer"}
    if "consumer" in sys.argv[1:]
    else {"session.timeout.ms": 6000, "heartbeat.interval.ms": 300}
)


class Member:
    """A consumer in a group that commits only when told to."""

    def __init__(self, request: Request) -> None:
        settings = {
            "bootstrap.servers": request["servers"],
            "group.id": request["group"],
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            **GROUP_SETTINGS,
        }
        self._consumer = Consumer(settings)
        self._consumer.subscribe([request["topic"]])

    def poll(self) -> list[dict[str, Any]]:
        return [_received(message) for message in self._consumer.consume(500, 0.05)]

    def assignment(self) -> list[int]:
        return sorted(place.partition for place in self._consumer.assignment())

    def commit(self) -> None:
        places = self._consumer.position(self._consumer.assignment())
        offsets = [place for place in places if place.offset >= 0]
        if offsets:
            self._consumer.commit(offsets=offsets, asynchronous=False)

    def close(self) -> None:
        self._consumer.close()


def _admin(request: Request) -> AdminClient:
    return AdminClient({"bootstrap.servers": request["servers"]})


def _received(message: Any) -> dict[str, Any]:
    if message.error():
        raise RuntimeError(str(message.error()))
    return received(
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        message.key(),
        message.value(),
        message.headers(),
    )


if __name__ == "__main__":
    operations = (
        produce,
        consume,
        create_topic,
        delete_topic,
        list_topics,
        offset_for_time,
        committed,
        unknown_topic,
        alter_config,
        described_config,
        delete_records,
    )
    serve({operation.__name__: operation for operation in operations}, Member)
