"""The same on asyncio: nothing blocks the loop, and what is cancelled loses nothing."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import minka
from minka import aio
from world import MOMENT, PATIENCE


def run(test: Callable[[aio.Broker, Any], Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs a test on a loop, with a broker and the way to it, by both ways."""

    async def with_broker(place: str) -> None:
        async with aio.Broker(kafka="127.0.0.1:0") as broker:
            target = broker if place == "in-process" else broker.bootstrap_servers
            await asyncio.wait_for(test(broker, target), 60)

    def wrapped(place: str) -> None:
        asyncio.run(with_broker(place))
        gc.collect()
        names = [thread.name for thread in threading.enumerate()]
        assert not [name for name in names if name.startswith("minka-aio")] or _end_soon()

    wrapped.__name__ = test.__name__
    return pytest.mark.parametrize("place", ["in-process", "socket"])(wrapped)


def _end_soon() -> bool:
    """Whether the threads of clients that were closed have ended."""
    for thread in threading.enumerate():
        if thread.name.startswith("minka-aio"):
            thread.join(PATIENCE)
    return not any(thread.name.startswith("minka-aio") for thread in threading.enumerate())


async def members(target: Any, group: str, count: int) -> None:
    """Waits until a group has as many members."""
    async with aio.Admin(target) as admin:
        while True:
            try:
                if len((await admin.describe_group(group)).members) == count:
                    return
            except minka.GroupNotFound:
                pass
            await asyncio.sleep(0.01)


@run
async def test_records_go_and_come(broker: aio.Broker, target: Any) -> None:
    async with aio.Producer(target, linger_ms=1) as producer:
        receipt = await producer.send("t", "0", key="k", headers={"h": b"v"})
        assert (receipt.topic, receipt.offset) == ("t", 0)
        sends = [producer.send("t", str(number)) for number in range(1, 500)]
        receipts = await asyncio.gather(*sends)
        assert [receipt.offset for receipt in receipts] == list(range(1, 500))
        many = await producer.send_many("t", (str(number) for number in range(500, 600)))
        assert len(many) == 100
        future = producer.enqueue("t", "600")
        await producer.flush(PATIENCE)
        assert (await future).offset == 600
        with pytest.raises(TypeError):
            await producer.send("t", 1)  # type: ignore[arg-type]
        with pytest.raises(minka.InvalidTopic):
            await producer.send("no name", "v")
    assert producer.closed
    with pytest.raises(minka.Closed):
        await producer.send("t", "v")

    async with aio.Consumer(target, topics="t") as consumer:
        came = []
        async for record in consumer:
            came.append(record)
            if len(came) == 601:
                break
    assert [record.value for record in came] == [str(number).encode() for number in range(601)]
    assert (came[0].key, came[0].headers) == (b"k", [("h", b"v")])


@run
async def test_the_loop_runs_while_consumers_wait(broker: aio.Broker, target: Any) -> None:
    async with aio.Admin(target) as admin:
        await admin.create_topic("t", 1)
    consumers = [aio.Consumer(target, topics="t") for _ in range(20)]
    polls = [asyncio.create_task(consumer.poll(PATIENCE)) for consumer in consumers]
    for _ in range(50):
        await asyncio.sleep(0.001)
    assert not any(poll.done() for poll in polls)
    async with aio.Producer(target) as producer:
        await producer.send("t", "for all")
    for records in await asyncio.gather(*polls):
        assert records.values() == [b"for all"]
    await asyncio.gather(*(consumer.close() for consumer in consumers))


@run
async def test_a_cancelled_poll_loses_nothing(broker: aio.Broker, target: Any) -> None:
    async with aio.Admin(target) as admin:
        await admin.create_topic("t", 1)
    sent = [str(number).encode() for number in range(200)]

    async def send() -> None:
        async with aio.Producer(target) as producer:
            for value in sent:
                await producer.send("t", value)

    async with aio.Consumer(target, topics="t", max_poll_records=3) as consumer:
        sending, came = asyncio.create_task(send()), list[bytes | None]()
        while len(came) < len(sent):
            try:
                came += (await asyncio.wait_for(consumer.poll(), 0.002)).values()
            except asyncio.TimeoutError:
                continue
        await sending
    assert came == sent


@run
async def test_a_cancelled_loop_goes_on(broker: aio.Broker, target: Any) -> None:
    async with aio.Producer(target) as producer:
        await producer.send("t", "a")
        async with aio.Consumer(target, topics="t") as consumer:
            came: list[bytes | None] = []

            async def read() -> None:
                async for record in consumer:
                    came.append(record.value)

            for expected in ([b"a"], [b"a", b"b"]):
                task = asyncio.create_task(read())
                while came != expected:
                    await asyncio.sleep(0.001)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await producer.send("t", "b")
            while (await consumer.poll(PATIENCE)).values() != [b"b"]:
                pass


@run
async def test_closing_ends_what_waits(broker: aio.Broker, target: Any) -> None:
    async with aio.Admin(target) as admin:
        await admin.create_topic("t", 1)
    consumer = aio.Consumer(target, "g", topics="t")
    poll = asyncio.create_task(consumer.poll())
    await members(target, "g", 1)
    await consumer.close()
    await consumer.close()
    with pytest.raises(minka.Closed):
        await poll
    with pytest.raises(minka.Closed):
        await consumer.poll()
    await members(target, "g", 0)

    reader = aio.Consumer(target, topics="t")

    async def read() -> int:
        return len([record async for record in reader])

    task = asyncio.create_task(read())
    await asyncio.sleep(MOMENT)
    await reader.close()
    assert await task == 0


@run
async def test_waking_ends_a_poll(broker: aio.Broker, target: Any) -> None:
    async with aio.Producer(target) as producer:
        await producer.send("t", "a")
        async with aio.Consumer(target, topics="t") as consumer:
            assert (await consumer.poll()).values() == [b"a"]
            poll = asyncio.create_task(consumer.poll())
            await asyncio.sleep(MOMENT)
            consumer.wake()
            with pytest.raises(minka.Interrupted):
                await poll
            await producer.send("t", "b")
            assert (await consumer.poll()).values() == [b"b"]


@run
async def test_tasks_settle_records_while_another_polls(broker: aio.Broker, target: Any) -> None:
    async with aio.Admin(target) as admin:
        await admin.create_topic("t", 1)
        await admin.alter_group("g", {"share.auto.offset.reset": "earliest"})
        async with aio.Producer(target) as producer:
            await producer.send_many("t", [str(number) for number in range(20)])
        settings: dict[str, Any] = {"enable_auto_commit": False, "max_poll_records": 5}
        async with aio.Consumer(target, "g", topics="t", **settings) as consumer:

            async def work(record: minka.Record) -> None:
                await asyncio.sleep(0.01)
                await consumer.accept(record)

            tasks: list[asyncio.Task[None]] = []

            async def read() -> None:
                async for record in consumer:
                    tasks.append(asyncio.create_task(work(record)))

            reading = asyncio.create_task(read())
            while len(tasks) < 20:
                await asyncio.sleep(0.005)
            await asyncio.gather(*tasks)
            await consumer.commit()
            with pytest.raises(minka.InvalidRequest, match="another task"):
                await consumer.poll()
            await broker.wait_until_idle("g", PATIENCE)
            reading.cancel()


@run
async def test_a_consumer_seeks_and_commits(broker: aio.Broker, target: Any) -> None:
    async with aio.Producer(target) as producer:
        await producer.send_many("t", ["a", "b", "c"])
    async with aio.Consumer(target) as consumer:
        await consumer.assign([("t", 0, 1)])
        assert await consumer.assignment() == [("t", 0)]
        assert (await consumer.poll()).values() == [b"b", b"c"]
        assert await consumer.position("t", 0) == 3
        await consumer.seek("t", 0, "earliest")
        await consumer.pause("t", 0)
        assert len(await consumer.poll(MOMENT)) == 0
        await consumer.resume("t", 0)
        assert (await consumer.poll()).values() == [b"a", b"b", b"c"]
        assert consumer.acknowledged_too_late == 0
    async with aio.Consumer(target, "g", group_type="partitions") as consumer:
        await consumer.subscribe("t")
        assert len(await consumer.poll()) == 3
        await consumer.commit()
        assert await consumer.committed("t", 0) == 3
    async with aio.Admin(target) as admin:
        await admin.alter_group("q", {"share.auto.offset.reset": "earliest"})
    async with aio.Consumer(target, "q", topics="t", enable_auto_commit=False) as consumer:
        first, second, third = await consumer.poll()
        await consumer.accept(first)
        await consumer.renew(second)
        await consumer.reject(second)
        await consumer.release(third)
        await consumer.commit()
        (again,) = await consumer.poll()
        assert (again.value, again.delivery_count) == (b"c", 2)


@run
async def test_an_admin_is_awaited(broker: aio.Broker, target: Any) -> None:
    async with aio.Admin(target) as admin:
        await admin.create_topic("t", 1, {"retention.ms": 1000})
        await admin.add_partitions("t", 2)
        await admin.alter_topic("t", {"retention.ms": None})
        assert [topic.partitions for topic in await admin.topics()] == [2]
        assert (await admin.describe_topic("t")).setting("retention.ms") != "1000"
        await admin.reset_group("g", "t", "earliest")
        await admin.alter_group("q", {"share.auto.offset.reset": "earliest"})
        assert [group.name for group in await admin.groups()] == ["g"]
        assert (await admin.describe_group("g")).lag == 0
        await admin.delete_group("g")
        await admin.delete_topic("t")
        with pytest.raises(minka.UnknownTopicOrPartition):
            await admin.describe_topic("t")
        assert (await admin.cluster()).id
    with pytest.raises(minka.Closed):
        await admin.topics()


def test_a_broker_is_awaited(tmp_path: Path) -> None:
    async def test() -> None:
        async with aio.Broker(num_partitions=2) as broker:
            assert broker.bootstrap_servers is None and not broker.closed
            async with broker.events() as events:
                address = await broker.listen()
                assert broker.bootstrap_servers == address
                waiting = asyncio.create_task(events.next())
                await asyncio.sleep(MOMENT)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                async with aio.Admin(broker) as admin:
                    await admin.create_topic("t")
                event = await events.next(PATIENCE)
                # What a call that was cancelled had begun to wait for comes with the next one.
                assert event is not None and (event.kind, event.partition) == ("topic_created", 2)
            await broker.advance_clock(1)
            await broker.snapshot(str(tmp_path / "copy"))
            await broker.wait_until_idle(timeout=PATIENCE)
            broker.fault("Fetch", delay=1)
            broker.clear_faults()
            broker.drop_connections()
            late = broker.events()
            reading = asyncio.create_task(_kinds(late))
            await asyncio.sleep(MOMENT)
        assert broker.closed
        assert await reading == ["closing"]
        with pytest.raises(minka.Closed):
            await broker.advance_clock(1)

    asyncio.run(asyncio.wait_for(test(), 60))


async def _kinds(events: aio.EventStream) -> list[str]:
    return [event.kind async for event in events]
