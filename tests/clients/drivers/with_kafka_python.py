"""kafka-python behind the drivers' protocol; the same file serves versions 2 and 3."""

from __future__ import annotations

from typing import Any

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, NewTopic
from kafka.structs import OffsetAndMetadata
from lines import Request, deadline_of, decode, headers_in, received, serve

VERSION = int(kafka.__version__.split(".")[0])


def produce(request: Request) -> list[list[int]]:
    """Sends the records; answers with their places in the order they were given."""
    settings: dict[str, Any] = {
        "acks": request["acks"] if request["acks"] == "all" else int(request["acks"]),
        "compression_type": None if request["codec"] == "none" else request["codec"],
        "max_request_size": 2_000_000,
        "linger_ms": 20,
    }
    if VERSION >= 3:
        settings["enable_idempotence"] = request["idempotent"]
    producer = KafkaProducer(bootstrap_servers=request["servers"], **settings)
    try:
        futures = [
            producer.send(
                request["topic"],
                value=decode(record["value"]),
                key=decode(record["key"]),
                headers=headers_in(record),
                partition=record["partition"],
                timestamp_ms=record["timestamp"],
            )
            for record in request["records"]
        ]
        producer.flush(request["timeout"])
        sent = [future.get(request["timeout"]) for future in futures]
        return [[meta.partition, meta.offset] for meta in sent]
    finally:
        producer.close(5)


def consume(request: Request) -> list[dict[str, Any]]:
    """Reads `count` records from the given starts, without a group."""
    left = deadline_of(request)
    consumer = KafkaConsumer(
        bootstrap_servers=request["servers"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=request["max_wait_ms"],
        request_timeout_ms=60_000,
    )
    starts = {TopicPartition(request["topic"], int(p)): at for p, at in request["starts"].items()}
    consumer.assign(list(starts))
    for partition, at in starts.items():
        if at is None:
            consumer.seek_to_beginning(partition)
        else:
            consumer.seek(partition, at)
    records: list[dict[str, Any]] = []
    try:
        while len(records) < request["count"]:
            records += _polled(consumer, min(left(), 0.2))
    finally:
        consumer.close()
    return records


def create_topic(request: Request) -> None:
    """Creates a topic through the admin client."""
    admin = KafkaAdminClient(bootstrap_servers=request["servers"])
    try:
        topic = NewTopic(request["topic"], request["partitions"], 1)
        admin.create_topics([topic], timeout_ms=int(request["timeout"] * 1000))
    finally:
        admin.close()


def delete_topic(request: Request) -> None:
    """Deletes a topic through the admin client."""
    admin = KafkaAdminClient(bootstrap_servers=request["servers"])
    try:
        admin.delete_topics([request["topic"]], timeout_ms=int(request["timeout"] * 1000))
    finally:
        admin.close()


def list_topics(request: Request) -> dict[str, int]:
    """All topics with their numbers of partitions."""
    admin = KafkaAdminClient(bootstrap_servers=request["servers"])
    try:
        topics = admin.describe_topics(list(admin.list_topics()))
        return {_name(topic): len(topic["partitions"]) for topic in topics}
    finally:
        admin.close()


def offset_for_time(request: Request) -> int | None:
    """The first offset whose timestamp is at or after the given one; None if there is none."""
    consumer = KafkaConsumer(bootstrap_servers=request["servers"])
    asked = TopicPartition(request["topic"], request["partition"])
    try:
        answer = consumer.offsets_for_times({asked: request["timestamp"]})[asked]
    finally:
        consumer.close()
    return None if answer is None else answer.offset


def committed(request: Request) -> dict[str, int]:
    """The group's committed offsets."""
    consumer = KafkaConsumer(bootstrap_servers=request["servers"], group_id=request["group"])
    partitions = [TopicPartition(request["topic"], p) for p in range(request["partitions"])]
    try:
        answers = {str(p.partition): consumer.committed(p) for p in partitions}
    finally:
        consumer.close()
    return {p: offset for p, offset in answers.items() if offset is not None}


def unknown_topic(request: Request) -> str:
    """What the client says of a topic that does not exist; only version 3 can forbid making it."""
    if VERSION < 3:
        admin = KafkaAdminClient(bootstrap_servers=request["servers"])
        try:
            [topic] = admin.describe_topics([request["topic"]])
        finally:
            admin.close()
        return "UNKNOWN_TOPIC_OR_PART" if topic["error_code"] == 3 else f"found {topic}"
    consumer = KafkaConsumer(
        bootstrap_servers=request["servers"],
        allow_auto_create_topics=False,
    )
    try:
        found = consumer.partitions_for_topic(request["topic"])
    finally:
        consumer.close()
    return "UNKNOWN_TOPIC_OR_PART" if not found else f"found {found}"


def alter_config(request: Request) -> None:
    """Gives one setting a value; version 2 takes all others back to their defaults with it."""
    configs = {request["setting"]: request["value"]}
    if request["value"] is None:
        configs = {request["setting"]: ("DELETE", None)} if VERSION >= 3 else {}
    resource = ConfigResource(request["kind"].upper(), request["name"], configs)
    admin = KafkaAdminClient(bootstrap_servers=request["servers"])
    try:
        answer = admin.alter_configs([resource])
    finally:
        admin.close()
    if VERSION < 3 and answer.resources[0][0] != 0:
        raise RuntimeError(f"the setting was refused: {answer.resources[0]}")
    if VERSION >= 3 and "OK" not in str(answer).upper():
        raise RuntimeError(f"the setting was refused: {answer}")


def described_config(request: Request) -> str:
    """The value of one setting."""
    resource = ConfigResource(request["kind"].upper(), request["name"])
    admin = KafkaAdminClient(bootstrap_servers=request["servers"])
    try:
        if VERSION >= 3:
            answer = admin.describe_configs([resource], config_filter="all")
            configs = answer[request["kind"]][request["name"]]
            return configs[request["setting"]]["value"]
        [answer] = admin.describe_configs([resource])
    finally:
        admin.close()
    configs = {config[0]: config[1] for config in answer.resources[0][4]}
    return configs[request["setting"]]


def delete_records(request: Request) -> int:
    """Deletes the records before an offset; where the partition begins then."""
    place = TopicPartition(request["topic"], request["partition"])
    admin = KafkaAdminClient(bootstrap_servers=request["servers"])
    try:
        answer = admin.delete_records({place: request["offset"]})
    finally:
        admin.close()
    return answer[place]["low_watermark"]


def delete_offset(request: Request) -> str:
    """Deletes what a group has committed for a partition; what became of it."""
    place = TopicPartition(request["topic"], request["partition"])
    admin = KafkaAdminClient(bootstrap_servers=request["servers"])
    try:
        return admin.delete_group_offsets(request["group"], [place])[place].__name__
    finally:
        admin.close()


class Member:
    """A consumer in a group that commits only when told to."""

    def __init__(self, request: Request) -> None:
        self._consumer = KafkaConsumer(
            request["topic"],
            bootstrap_servers=request["servers"],
            group_id=request["group"],
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=6000,
            heartbeat_interval_ms=300,
        )

    def poll(self) -> list[dict[str, Any]]:
        return _polled(self._consumer, 0.05)

    def assignment(self) -> list[int]:
        return sorted(place.partition for place in self._consumer.assignment())

    def commit(self) -> None:
        places = {p: self._consumer.position(p) for p in self._consumer.assignment()}
        self._consumer.commit({p: _offset(at) for p, at in places.items() if at is not None})

    def close(self) -> None:
        self._consumer.close()


def _offset(at: int) -> OffsetAndMetadata:
    """Version 3 added the leader epoch to what is committed."""
    return OffsetAndMetadata(at, "", -1) if VERSION >= 3 else OffsetAndMetadata(at, "")


def _name(topic: dict[str, Any]) -> str:
    return topic["topic"] if "topic" in topic else topic["name"]


def _polled(consumer: KafkaConsumer, seconds: float) -> list[dict[str, Any]]:
    batches = consumer.poll(timeout_ms=int(seconds * 1000)).values()
    return [
        received(m.partition, m.offset, m.timestamp, m.key, m.value, m.headers)
        for batch in batches
        for m in batch
    ]


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
        delete_offset,
    )
    serve({operation.__name__: operation for operation in operations}, Member)
