"""The life of a broker, faults, and brokers with rules of their own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import minka
from world import PATIENCE, World, nothing_comes, take, text, values

both = pytest.mark.parametrize("place", ["in-process", "socket"])


def run(code: str, directory: Path, **environment: str) -> str:
    """Runs a program in a process of its own; what it prints."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", code],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), (done.returncode, done.stdout, done.stderr)
    return done.stdout


EPHEMERAL = """
import os
from world import World, take
with World("in-process") as world:
    world.topic("t")
    with world.producer() as producer:
        producer.send_many("t", [bytes([7]) * 100_000] * 100)
    assert len(take(world.reader("t"), 100)) == 100
    assert os.listdir() == [], os.listdir()
    for name in os.listdir("/proc/self/fd"):
        try:
            path = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue
        assert "mensajes" not in path or path.startswith("/memfd"), path
"""


def test_ephemeral_leaves_nothing(tmp_path: Path) -> None:
    run(EPHEMERAL, tmp_path, HOME=str(tmp_path), TMPDIR=str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_durable_across_a_reopen(open_world: Callable[..., World], tmp_path: Path) -> None:
    data = tmp_path / "data"
    world = open_world("in-process", data=data)
    world.topic("t")
    world.send("t", "a", "b")
    with world.member("g", "t") as member:
        assert values(member, 2) == ["a", "b"]
    world.queue_group("q")
    with world.worker("q", "t") as worker:
        worker.accept(worker.poll(PATIENCE)[0])
        worker.commit()
    with pytest.raises(minka.DirectoryLocked):
        minka.Broker(data)
    world.broker.close()

    world = open_world("in-process", data=str(data))
    assert values(world.reader("t"), 2) == ["a", "b"]
    world.send("t", "c")
    with world.member("g", "t") as member:
        assert values(member, 1) == ["c"]
    with world.worker("q", "t") as worker:
        assert values(worker, 2) == ["b", "c"]


def test_snapshot_and_copy(here: World, open_world: Callable[..., World], tmp_path: Path) -> None:
    def listing() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in copied.iterdir()}

    copied = tmp_path / "copy"
    here.topic("t")
    here.send("t", "a", "b")
    with here.member("g", "t") as member:
        assert values(member, 2) == ["a", "b"]
    here.broker.snapshot(copied)
    with pytest.raises(minka.InvalidConfig):
        here.broker.snapshot(copied)
    here.send("t", "after")

    before = listing()
    copy = open_world("in-process", copy_of=str(copied))
    assert values(copy.reader("t"), 2) == ["a", "b"]
    copy.send("t", "of the copy")
    with copy.member("g", "t") as member:
        assert values(member, 1) == ["of the copy"]
    copy.broker.close()
    assert listing() == before, "the copy has changed what it is of"
    assert values(here.reader("t"), 3) == ["a", "b", "after"]
    # A snapshot is a data directory as any other.
    assert values(open_world("in-process", data=copied).reader("t"), 2) == ["a", "b"]


OPENS = """
import gc, os, time
from world import World, values

def turn():
    with World("in-process") as world:
        world.topic("t")
        with world.producer() as producer:
            producer.send("t", b"v")
        with world.reader("t") as reader:
            assert values(reader, 1) == ["v"]
        with world.member("g", "t") as member:
            assert values(member, 1) == ["v"]

def used():
    with open("/proc/self/status") as status:
        kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
    return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")), kib << 10

for _ in range(100):
    turn()
gc.collect()
_, descriptors, resident = used()
for _ in range(900):
    turn()
gc.collect()
deadline = time.monotonic() + 30
# A thread that has ended is still there for a moment.
while used()[0] > 1 and time.monotonic() < deadline:
    pass
now = used()
assert now[:2] == (1, descriptors), (now, descriptors)
assert now[2] - resident < 8 << 20, f"{now[2] - resident} bytes more are resident"
"""


def test_thousand_opens_and_closes(tmp_path: Path) -> None:
    run(OPENS, tmp_path)


@both
def test_admission_changes_and_rejects(place: str, open_world: Callable[..., World]) -> None:
    def admit(record: minka.PassingRecord) -> minka.Change | None:
        if record.value == b"rotten":
            raise minka.Reject("nobody eats that")
        if record.value != b"small":
            return None
        value = f"large, from {record.client_id}"
        return minka.Change(value=value, headers={"stamp": record.topic})

    world = open_world(place, on_admission=admit)
    world.topic("t")
    with world.producer(client_id="cook") as producer:
        producer.send("t", "plain")
        with pytest.raises(minka.Error, match="nobody eats that") as caught:
            producer.send("t", "rotten")
        assert not caught.value.retriable
        producer.send("t", "small", key="k")
    plain, changed = take(world.reader("t"), 2)
    assert (text(plain), plain.offset) == ("plain", 0)
    assert (text(changed), changed.offset, changed.key) == ("large, from cook", 1, b"k")
    assert changed.headers == [("stamp", b"t")]


@both
def test_delivery_hides_and_changes(place: str, open_world: Callable[..., World]) -> None:
    def deliver(record: minka.PassingRecord) -> minka.Change | None:
        if (record.value, record.offset) == (b"secret", 1):
            raise minka.Reject("not for you")
        if (record.value, record.offset) == (b"card 4111", 2):
            return minka.Change(value="card ****")
        return None

    world = open_world(place, on_delivery=deliver)
    world.topic("t")
    # One batch for all: what is left out lies between others.
    with world.producer(linger_ms=1000) as producer:
        producer.send_many("t", ["a", "secret", "card 4111", "b"])
    reader = world.reader("t")
    came = [(record.offset, text(record)) for record in take(reader, 3)]
    assert came == [(0, "a"), (2, "card ****"), (3, "b")]
    assert reader.position("t", 0) == 4
    nothing_comes(reader)

    # In a queue group, what is left out counts as accepted.
    world.queue_group("g")
    with world.worker("g", "t") as worker:
        records = take(worker, 3)
        assert [text(record) for record in records] == ["a", "card ****", "b"]
        nothing_comes(worker)
        for record in records:
            worker.accept(record)
        worker.commit()
        world.broker.wait_until_idle("g", PATIENCE)


def test_authentication(open_world: Callable[..., World]) -> None:
    def admit(login: minka.Login) -> bool | None:
        if (login.user, login.password) == ("anna", "right"):
            return None
        if login.user == "anna":
            raise minka.Reject("anna has another password")
        return False

    world = open_world("socket", on_authentication=admit)
    login = {"sasl_username": "anna", "sasl_password": "right"}
    with world.producer(**login) as producer:
        assert producer.send("t", b"v").offset == 0
    with world.consumer(topics="t", **login) as consumer:
        assert values(consumer, 1) == ["v"]
    ask = {"default_api_timeout_ms": 2000}
    assert len(world.admin(**login, **ask).topics()) == 1
    wrong = {"sasl_username": "anna", "sasl_password": "wrong"}
    unknown = {"sasl_username": "otto", "sasl_password": "secret"}
    for who, reason in [(wrong, "anna has another password"), (unknown, "is wrong")]:
        with pytest.raises(minka.Error, match=reason) as caught:
            world.admin(**who, **ask).topics()
        assert not caught.value.retriable
        assert who["sasl_password"] not in str(caught.value).replace("is wrong", "")
    with pytest.raises(minka.Error):
        world.admin(**ask).topics()
    with world.producer(**wrong) as producer:
        with pytest.raises(minka.Error, match="anna has another password"):
            producer.send("t", b"v")
    with world.consumer(**wrong) as consumer:
        consumer.assign([("t", 0)])
        with pytest.raises(minka.Error, match="anna has another password"):
            consumer.poll(PATIENCE)
    # Clients in this process are not asked.
    assert len(minka.Admin(world.broker).topics()) == 1


def test_event_stream(world: World) -> None:
    events = world.broker.events(100)
    world.topic("t")
    world.queue_group("g", {"minka.dead.letter.enable": True})
    world.send("t", "bad")
    worker = world.worker("g", "t")
    worker.reject(worker.poll(PATIENCE)[0])
    worker.commit()

    def next_of(kind: str) -> minka.BrokerEvent:
        # Others are told of between these: connections, the topic of dead letters.
        while (event := events.next(PATIENCE)) is not None:
            if event.kind == kind:
                return event
        raise AssertionError(f"there is no event {kind}")

    created = next_of("topic_created")
    assert (created.topic, created.partition, created.number) == ("t", 1, 10)
    joined = next_of("member_joined")
    assert (joined.group, joined.client) == ("g", "minka")
    assert joined.member
    buried = next_of("dead_lettered")
    place = (buried.topic, buried.partition, buried.offset, buried.group)
    assert place == ("t", 0, 0, "g")
    worker.close()
    left = next_of("member_left")
    assert (left.member, left.group) == (joined.member, joined.group)
    assert created.time <= joined.time <= buried.time <= left.time
    world.broker.close()
    next_of("closing")
    assert events.next(PATIENCE) is None
    assert list(events) == []


def test_fault_fails_the_nth_produce(world: World) -> None:
    world.topic("t")
    with world.producer() as producer:
        world.broker.fault("Produce", nth=2, error=minka.PolicyViolation)
        assert producer.send("t", "first").offset == 0
        with pytest.raises(minka.PolicyViolation):
            producer.send("t", "second")
        assert producer.send("t", "third").offset == 1
        assert values(world.reader("t"), 2) == ["first", "third"]
        # One that is taken back does not happen.
        world.broker.fault("Produce", error="POLICY_VIOLATION")
        world.broker.clear_faults()
        assert producer.send("t", "fourth").offset == 2
        # What can be tried again is over a socket, and the application hears nothing of it.
        if world.place == "socket":
            world.broker.fault("Produce", error=minka.NotLeader.code)
            assert producer.send("t", "fifth").offset == 3


def test_fault_delays(world: World) -> None:
    late = 0.3
    world.topic("t")
    world.send("t", "a")
    world.broker.fault("Fetch", delay=late)
    since = time.monotonic()
    assert values(world.reader("t"), 1) == ["a"]
    assert time.monotonic() - since >= late


def test_fault_drops_connections(open_world: Callable[..., World]) -> None:
    world = open_world("socket")
    world.topic("t")
    producer = world.producer()
    producer.send("t", "first")
    world.broker.fault("Produce", drop="answer")
    assert producer.send("t", "answer lost").offset == 1
    world.broker.fault("Produce", drop="request")
    assert producer.send("t", "request lost").offset == 2
    world.broker.drop_connections()
    assert producer.send("t", "last").offset == 3
    reader = world.reader("t")
    assert values(reader, 4) == ["first", "answer lost", "request lost", "last"]
    # A consumer comes back too.
    world.broker.drop_connections()
    producer.send("t", "more")
    deadline, more = time.monotonic() + PATIENCE, list[Any]()
    while not more:
        assert time.monotonic() < deadline, "nothing came any more"
        try:
            more = list(reader.poll(1))
        except minka.Error as error:
            assert error.retriable, error
    assert [text(record) for record in more] == ["more"]
    nothing_comes(reader)


def test_fault_fails_the_disk(open_world: Callable[..., World], tmp_path: Path) -> None:
    world = open_world("in-process", data=tmp_path / "data")
    world.topic("t")
    world.send("t", "before")
    world.broker.fault("disk.sync", error=minka.StorageFailed)
    producer = world.producer()
    for value in ["failed", "refused"]:
        with pytest.raises(minka.StorageFailed):
            producer.send("t", value)
    producer.close()
    # It may say that not everything is on the disk.
    with contextlib.suppress(minka.StorageFailed):
        world.broker.close()
    world = open_world("in-process", data=tmp_path / "data")
    world.send("t", "after")
    reader, came = world.reader("t"), list[str]()
    while came[-1:] != ["after"]:
        came += [text(record) for record in reader.poll(PATIENCE)]
    # Whether a record is there whose sync failed is not known.
    assert came in (["before", "after"], ["before", "failed", "after"])


