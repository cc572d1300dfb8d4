"""aiokafka behind the drivers' protocol; one event loop, run for the length of each operation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource
from lines import Request, deadline_of, decode, headers_in, received, serve

LOOP = asyncio.new_event_loop()


async def produce(request: Request) -> list[list[int]]:
    """Sends the records; answers with their places in the order they were given."""
    producer = AIOKafkaProducer(
        bootstrap_servers=request["servers"],
        acks=request["acks"] if request["acks"] == "all" else int(request["acks"]),
        compression_type=None if request["codec"] == "none" else request["codec"],
        enable_idempotence=request["idempotent"],
        max_request_size=2_000_000,
        linger_ms=20,
    )
    await producer.start()
    try:
        futures = [
            await producer.send(
                request["topic"],
                value=decode(record["value"]),
                key=decode(record["key"]),
                headers=headers_in(record),
                partition=record["partition"],
                timestamp_ms=record["timestamp"],
            )
            for record in request["records"]
        ]
        sent = [await future for future in futures]
    finally:
        await producer.stop()
    # With acks=0 the client has no metadata to give.
    return [[meta.partition, meta.offset] if meta else [-1, -1] for meta in sent]


async def consume(request: Request) -> list[dict[str, Any]]:
    """Reads `count` records from the given starts, without a group."""
    left = deadline_of(request)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=request["servers"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=request["max_wait_ms"],
        request_timeout_ms=60_000,
    )
    await consumer.start()
    records: list[dict[str, Any]] = []
    try:
        starts = {
            TopicPartition(request["topic"], int(p)): at for p, at in request["starts"].items()
        }
        consumer.assign(list(starts))
        for partition, at in starts.items():
            if at is None:
                await consumer.seek_to_beginning(partition)
            else:
                consumer.seek(partition, at)
        while len(records) < request["count"]:
            records += await _polled(consumer, min(left(), 0.2))
    finally:
        await consumer.stop()
    return records


async def create_topic(request: Request) -> None:
    """Creates a topic through the admin client."""
    topic = NewTopic(request["topic"], request["partitions"], 1)
    await _with_admin(request, lambda admin: admin.create_topics([topic]))


async def delete_topic(request: Request) -> None:
    """Deletes a topic through the admin client."""
    await _with_admin(request, lambda admin: admin.delete_topics([request["topic"]]))


async def list_topics(request: Request) -> dict[str, int]:
    """All topics with their numbers of partitions."""
    topics = await _with_admin(request, lambda admin: admin.describe_topics())
    return {topic["topic"]: len(topic["partitions"]) for topic in topics}


async def offset_for_time(request: Request) -> int | None:
    """The first offset whose timestamp is at or after the given one; None if there is none."""
    consumer = AIOKafkaConsumer(bootstrap_servers=request["servers"])
    asked = TopicPartition(request["topic"], request["partition"])
    await consumer.start()
    try:
        answer = (await consumer.offsets_for_times({asked: request["timestamp"]}))[asked]
    finally:
        await consumer.stop()
    return None if answer is None else answer.offset


async def committed(request: Request) -> dict[str, int]:
    """The group's committed offsets."""
    found = await _with_admin(
        request, lambda admin: admin.list_consumer_group_offsets(request["group"])
    )
    return {str(p.partition): meta.offset for p, meta in found.items() if meta.offset >= 0}


async def unknown_topic(request: Request) -> str:
    """What the client says of a topic that does not exist; it cannot forbid making it."""
    [topic] = await _with_admin(request, lambda admin: admin.describe_topics([request["topic"]]))
    return "UNKNOWN_TOPIC_OR_PART" if topic["error_code"] == 3 else f"found {topic}"


async def alter_config(request: Request) -> None:
    """Gives one setting a value; all others go back to their defaults with it."""
    configs = {} if request["value"] is None else {request["setting"]: request["value"]}
    resource = ConfigResource(request["kind"].upper(), request["name"], configs)
    [answer] = await _with_admin(request, lambda admin: admin.alter_configs([resource]))
    if answer.resources[0][0] != 0:
        raise RuntimeError(f"the setting was refused: {answer.resources[0]}")


async def described_config(request: Request) -> str:
    """The value of one setting."""
    resource = ConfigResource(request["kind"].upper(), request["name"])
    [answer] = await _with_admin(request, lambda admin: admin.describe_configs([resource]))
    configs = {config[0]: config[1] for config in answer.resources[0][4]}
    return configs[request["setting"]]


async def delete_records(request: Request) -> int:
    """Deletes the records before an offset; where the partition begins then."""
    place = TopicPartition(request["topic"], request["partition"])
    wanted = {place: RecordsToDelete(request["offset"])}
    return (await _with_admin(request, lambda admin: admin.delete_records(wanted)))[place]


class Member:
    """A consumer in a group that commits only when told to."""

    def __init__(self, request: Request) -> None:
        LOOP.run_until_complete(self._start(request))

    def poll(self) -> list[dict[str, Any]]:
        return LOOP.run_until_complete(_polled(self._consumer, 0.05))

    def assignment(self) -> list[int]:
        return sorted(place.partition for place in self._consumer.assignment())

    def commit(self) -> None:
        LOOP.run_until_complete(self._commit())

    def close(self) -> None:
        LOOP.run_until_complete(self._consumer.stop())

    async def _start(self, request: Request) -> None:
        self._consumer = AIOKafkaConsumer(
            request["topic"],
            bootstrap_servers=request["servers"],
            group_id=request["group"],
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=6000,
            heartbeat_interval_ms=300,
        )
        await self._consumer.start()

    async def _commit(self) -> None:
        places = {p: await self._consumer.position(p) for p in self._consumer.assignment()}
        if places:
            await self._consumer.commit(places)


async def _with_admin(request: Request, work: Callable[[Any], Awaitable[Any]]) -> Any:
    admin = AIOKafkaAdminClient(bootstrap_servers=request["servers"])
    await admin.start()
    try:
        return await work(admin)
    finally:
        await admin.close()


async def _polled(consumer: AIOKafkaConsumer, seconds: float) -> list[dict[str, Any]]:
    batches = (await consumer.getmany(timeout_ms=int(seconds * 1000))).values()
    return [
        received(m.partition, m.offset, m.timestamp, m.key, m.value, m.headers)
        for batch in batches
        for m in batch
    ]


def _blocking(operation: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Any]:
    return lambda request: LOOP.run_until_complete(operation(request))


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
    serve({operation.__name__: _blocking(operation) for operation in operations}, Member)
