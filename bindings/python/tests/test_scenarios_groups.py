"""Queue groups and partition groups, and the clock that a test moves."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

import minka
from world import MOMENT, PATIENCE, World, nothing_comes, take, text, values

both = pytest.mark.parametrize("place", ["in-process", "socket"])


def test_queue_group_shares(world: World) -> None:
    world.topic("t", 2)
    world.queue_group("g")
    members = [world.consumer("g", topics="t", max_poll_records=5) for _ in range(2)]
    world.wait_for_members("g", 2)
    with world.producer() as producer:
        producer.send_many("t", [str(number) for number in range(100)])
    times: Counter[str] = Counter()
    deadline = time.monotonic() + PATIENCE
    while len(times) < 100:
        assert time.monotonic() < deadline, f"only {len(times)} of 100 came"
        for member in members:
            times.update(text(record) for record in member.poll(MOMENT))
    assert set(times.values()) == {1}
    for member in members:
        member.close()
    described = world.admin().describe_group("g")
    assert [partition.lag for partition in described.partitions] == [0] * len(described.partitions)


def test_queue_release_and_reject(world: World) -> None:
    world.topic("t")
    world.queue_group("g")
    world.send("t", "accepted", "released", "rejected")
    with world.worker("g", "t") as member:
        accepted, released, rejected = member.poll(PATIENCE)
        assert {r.delivery_count for r in (accepted, released, rejected)} == {1}
        member.accept(accepted)
        member.release(released)
        member.reject(rejected)
        member.commit()
        (again,) = member.poll(PATIENCE)
        assert (again.value, again.delivery_count) == (b"released", 2)
        member.accept(again)
        member.commit()
        with pytest.raises(minka.InvalidRecordState):
            member.accept(again)
        nothing_comes(member)
    nothing_comes(world.worker("g", "t"))


def test_queue_renew(here: World) -> None:
    here.topic("t")
    # Sessions are longer than all that the clock is moved by: only the lock can run out.
    here.queue_group("g", {"share.session.timeout.ms": 600_000})
    here.send("t", "slow")
    first = here.worker("g", "t")
    (slow,) = first.poll(PATIENCE)
    other = here.worker("g", "t")
    here.wait_for_members("g", 2)
    for _ in range(3):
        # The lock is 30 s long.
        here.broker.advance_clock(20)
        nothing_comes(other)
        first.renew(slow)
        first.commit()
    first.accept(slow)
    first.commit()
    here.broker.advance_clock(31)
    nothing_comes(other)


def test_queue_dead_letters(world: World) -> None:
    world.topic("t")
    world.queue_group("g", {"minka.dead.letter.enable": True, "share.delivery.count.limit": 2})
    world.send("t", "too hard", "bad")
    member = world.worker("g", "t")
    hard, bad = member.poll(PATIENCE)
    member.release(hard)
    member.reject(bad)
    member.commit()
    (last,) = member.poll(PATIENCE)
    assert last.delivery_count == 2
    member.release(last)
    member.commit()
    nothing_comes(member)
    assert sorted(values(world.reader("t.dlq"), 2)) == ["bad", "too hard"]


def test_partition_group_commits(world: World) -> None:
    world.topic("t")
    world.send("t", "a", "b")
    with world.member("g", "t") as member:
        assert values(member, 2) == ["a", "b"]
        assert member.committed("t", 0) is None
        member.commit()
        assert member.committed("t", 0) == 2
    world.send("t", "c")
    # Closing commits what was returned.
    with world.member("g", "t") as member:
        assert values(member, 1) == ["c"]
    world.send("t", "d")
    with world.member("g", "t") as member:
        assert values(member, 1) == ["d"]


def test_wait_until_idle(world: World) -> None:
    broker = world.broker
    broker.wait_until_idle(timeout=PATIENCE)
    with pytest.raises(minka.GroupNotFound):
        broker.wait_until_idle("g", MOMENT)
    world.topic("orders")
    world.send("orders", "a", "b", "c")
    world.admin().reset_group("g", "orders", "earliest")
    for group in ["g", None]:
        with pytest.raises(minka.Timeout) as caught:
            broker.wait_until_idle(group, MOMENT)
        assert all(part in str(caught.value) for part in ("g", "orders", "3")), caught.value
    idle = threading.Thread(target=broker.wait_until_idle, args=("g", PATIENCE))
    idle.start()
    with world.member("g", "orders") as member:
        take(member, 3)
        member.commit()
        idle.join(PATIENCE)
        assert not idle.is_alive()

    # In a queue group, when each message is settled.
    world.queue_group("q")
    with world.worker("q", "orders") as worker:
        first, second, third = worker.poll(PATIENCE)
        worker.accept(first)
        worker.reject(second)
        worker.commit()
        with pytest.raises(minka.Timeout):
            broker.wait_until_idle("q", MOMENT)
        worker.accept(third)
        worker.commit()
        broker.wait_until_idle("q", PATIENCE)
    broker.wait_until_idle(timeout=PATIENCE)


def test_clock_expires_retention(world: World) -> None:
    world.topic("t", retention_ms=60_000)
    world.topic("kept")
    world.send("t", "old", "older")
    world.send("kept", "old")

    def start() -> int:
        return world.admin().describe_topic("t").partitions[0].start

    world.broker.advance_clock(50)
    assert start() == 0
    # The time of a record is that of its producer, whose clock nobody has moved.
    with world.producer() as producer:
        producer.send("t", "new", timestamp=int(time.time() * 1000) + 50_000)
    world.broker.advance_clock(20)
    assert start() == 2
    assert values(world.reader("t"), 1) == ["new"]
    assert values(world.reader("kept"), 1) == ["old"]


def test_clock_expires_locks(world: World) -> None:
    world.topic("t")
    # Sessions are longer than the lock: only that can run out.
    locks = {"share.record.lock.duration.ms": 60_000, "share.session.timeout.ms": 600_000}
    world.queue_group("g", locks)
    world.send("t", "a")
    slow = world.worker("g", "t")
    assert take(slow, 1)[0].delivery_count == 1
    other = world.worker("g", "t")
    world.wait_for_members("g", 2)
    nothing_comes(other)
    world.broker.advance_clock(60)
    (again,) = other.poll(PATIENCE)
    assert (again.value, again.delivery_count) == (b"a", 2)
    other.accept(again)
    other.commit()


@both
def test_clock_expires_sessions(place: str, open_world: Callable[..., World]) -> None:
    # A member that has just joined is silent for longer than this test takes.
    heartbeats = {
        "group_consumer_heartbeat_interval_ms": 40_000,
        "group_consumer_session_timeout_ms": 45_000,
    }
    world = open_world(place, **heartbeats)
    world.topic("t")
    world.send("t", "a")
    share = {"share.heartbeat.interval.ms": 40_000, "share.session.timeout.ms": 45_000}
    world.queue_group("queue", share)
    member, worker = world.member("partitions", "t"), world.worker("queue", "t")
    assert (values(member, 1), values(worker, 1)) == (["a"], ["a"])
    assert (world.members("partitions"), world.members("queue")) == (1, 1)
    world.broker.advance_clock(46)
    assert (world.members("partitions"), world.members("queue")) == (0, 0)
    # What they had goes to others.
    assert values(world.member("partitions", "t"), 1) == ["a"]
    assert values(world.worker("queue", "t"), 1) == ["a"]
