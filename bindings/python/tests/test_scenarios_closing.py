"""Ends, and what they do to calls that wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import minka
from world import MOMENT, PATIENCE, World, values


def caught(call: Callable[[], object]) -> minka.Error:
    """The error of a call that must have one."""
    with pytest.raises(minka.Error) as error:
        call()
    return error.value


def test_close_ends_a_blocked_poll(world: World) -> None:
    world.topic("t")
    for group_type in ["queue", "partitions"]:
        consumer = world.consumer(group_type, topics="t", group_type=group_type)
        with ThreadPoolExecutor() as pool:
            polled = pool.submit(consumer.poll, PATIENCE)
            world.wait_for_members(group_type, 1)
            consumer.close()
            assert isinstance(polled.exception(PATIENCE), minka.Closed)
        assert world.members(group_type) == 0
    # A loop over the records ends.
    reader = world.reader("t")
    with ThreadPoolExecutor() as pool:
        looped = pool.submit(list, reader)
        time.sleep(MOMENT)
        reader.close()
        assert looped.result(PATIENCE) == []


def test_wake_ends_a_blocked_poll(world: World) -> None:
    world.topic("t")
    consumer = world.reader("t")
    with ThreadPoolExecutor() as pool:
        polled = pool.submit(consumer.poll, PATIENCE)
        consumer.wake()
        assert isinstance(polled.exception(PATIENCE), minka.Interrupted)
    world.send("t", "a")
    assert values(consumer, 1) == ["a"]
    # Waking before a poll ends that one, and twice is once.
    consumer.wake()
    consumer.wake()
    with pytest.raises(minka.Interrupted):
        consumer.poll(PATIENCE)
    world.send("t", "b")
    assert values(consumer, 1) == ["b"]


def test_close_ends_a_blocked_send(here: World) -> None:
    here.topic("t")
    here.broker.fault("disk.sync", times=2, delay=2)
    producer = here.producer(batch_size=1000, buffer_memory=4000)
    deliveries: list[minka.Delivery] = []
    full = threading.Event()

    def send() -> None:
        while True:
            if len(deliveries) == 4:
                full.set()  # The next one does not fit.
            deliveries.append(producer.enqueue("t", bytes(900)))

    with ThreadPoolExecutor() as pool:
        sending = pool.submit(send)
        assert full.wait(PATIENCE)
        # Nothing can be acknowledged in so short a time.
        with pytest.raises(minka.Timeout):
            producer.close(MOMENT)
        assert isinstance(sending.exception(PATIENCE), minka.Closed)
    for delivery in deliveries:
        assert isinstance(delivery.exception(PATIENCE), (minka.Closed, type(None)))


def test_use_after_close(world: World, tmp_path: Path) -> None:
    world.topic("t")
    world.send("t", "a")
    producer, consumer, admin = world.producer(), world.reader("t"), world.admin()
    (record,) = consumer.poll(PATIENCE)
    for one in (producer, consumer, admin):
        one.close()
        assert one.closed
    assert record.value == b"a"
    broker, events = world.broker, world.broker.events()
    calls: list[Callable[[], object]] = [
        lambda: producer.send("t", b"v"),
        lambda: producer.enqueue("t", b"v"),
        lambda: producer.send_many("t", [b"v"]),
        lambda: producer.flush(),
        lambda: producer.__enter__(),
        lambda: consumer.subscribe("t"),
        lambda: consumer.assign("t"),
        lambda: consumer.poll(MOMENT),
        lambda: consumer.commit(),
        lambda: consumer.committed("t", 0),
        lambda: consumer.accept(record),
        lambda: consumer.release(record),
        lambda: consumer.reject(record),
        lambda: consumer.renew(record),
        lambda: consumer.acknowledged_too_late,
        lambda: consumer.seek("t", 0, 0),
        lambda: consumer.pause("t", 0),
        lambda: consumer.resume("t", 0),
        lambda: consumer.position("t", 0),
        lambda: consumer.assignment(),
        lambda: consumer.wake(),
        lambda: list(consumer),
        lambda: consumer.__enter__(),
        *calls_of(admin),
    ]
    for number, call in enumerate(calls):
        assert isinstance(caught(call), minka.Closed), number
    in_process = world.place == "in-process"
    late = [world.producer(), world.reader("t"), world.admin()] if in_process else []
    broker.close()
    assert broker.closed
    # Connections may end before it.
    assert [event.kind for event in events][-1] == "closing"
    calls = [
        lambda: broker.bootstrap_servers,
        lambda: broker.listen(),
        lambda: broker.advance_clock(1),
        lambda: broker.fault("Produce", delay=1),
        lambda: broker.clear_faults(),
        lambda: broker.drop_connections(),
        lambda: broker.snapshot(tmp_path / "copy"),
        lambda: broker.wait_until_idle(timeout=MOMENT),
        lambda: broker.events(),
        lambda: broker.__enter__(),
        lambda: minka.Producer(broker),
        lambda: minka.Consumer(broker),
        lambda: minka.Admin(broker),
    ]
    if in_process:
        calls += [lambda: late[0].send("t", b"v"), lambda: late[1].poll(), *calls_of(late[2])]
    for number, call in enumerate(calls):
        assert isinstance(caught(call), minka.Closed), number


def calls_of(admin: minka.Admin) -> list[Callable[[], object]]:
    """All calls of an admin."""
    return [
        lambda: admin.create_topic("u"),
        lambda: admin.delete_topic("t"),
        lambda: admin.topics(),
        lambda: admin.describe_topic("t"),
        lambda: admin.add_partitions("t", 2),
        lambda: admin.alter_topic("t", {}),
        lambda: admin.groups(),
        lambda: admin.describe_group("g"),
        lambda: admin.reset_group("g", "t", "earliest"),
        lambda: admin.alter_group("g", {}),
        lambda: admin.delete_group("g"),
        lambda: admin.cluster(),
    ]


def test_close_twice(world: World) -> None:
    world.topic("t")
    producer, consumer = world.producer(), world.worker("g", "t")
    producer.send("t", b"v")
    events = world.broker.events()
    for one in (producer, consumer, world.admin(), events, world.broker):
        one.close()
        one.close()


def test_broker_closes_under_clients(world: World) -> None:
    soon = 2.0
    world.topic("t")
    in_process = world.place == "in-process"
    producer = world.producer(delivery_timeout_ms=2000, max_block_ms=2000)
    producer.send("t", b"v")
    reader = world.consumer(request_timeout_ms=2000)
    reader.assign([("t", 0, "latest")])
    worker = world.consumer("g", topics="t", request_timeout_ms=2000)

    def poll(consumer: minka.Consumer) -> minka.Error | None:
        # In this process a poll is ended by the broker. Over a socket it hopes for a new one, and
        # what goes wrong between two connections is told once, and tried again.
        until = time.monotonic() + (PATIENCE if in_process else soon)
        error: minka.Error | None = None
        while time.monotonic() < until and not isinstance(error, minka.Closed):
            try:
                assert len(consumer.poll(until - time.monotonic())) == 0
                error = None
            except minka.Error as raised:
                error = raised
        return error

    with ThreadPoolExecutor() as pool:
        polls = [pool.submit(poll, consumer) for consumer in (reader, worker)]
        world.wait_for_members("g", 1)
        world.broker.close()
        errors = [polled.result(PATIENCE) for polled in polls]
    errors.append(caught(lambda: producer.send("t", b"v")))
    for error in errors:
        if in_process:
            assert isinstance(error, minka.Closed)
        else:
            assert error is None or error.retriable
    for client in (reader, worker, producer):
        try:
            client.close()
        except minka.Error as error:
            # It may have something to tell that nobody hears any more.
            assert not in_process and error.retriable
