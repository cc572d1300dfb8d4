"""Files that a crash has torn, and files that a disk has damaged."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from crash.simple import end_offset, read, send, values
from harness.broker import Broker

# Large enough that no two batches can be taken for one extent.
SIZE = 100_000
COUNT = 20


def value(number: int) -> bytes:
    """A value that can be found in a file."""
    return f"<{number:04}>".encode() * (SIZE // 6)


@pytest.fixture
def filled(broker: Broker) -> Broker:
    """A broker that was killed after it had acknowledged some batches."""
    send(broker.address, "t", [value(i) for i in range(COUNT)])
    broker.kill()
    return broker


def log_file(broker: Broker) -> Path:
    """The active segment."""
    return broker.data / "mensajes.log"


def entry_end(broker: Broker) -> int:
    """Where the last record's bytes end in the segment."""
    data = log_file(broker).read_bytes()
    return data.rindex(value(COUNT - 1)) + len(value(COUNT - 1))


@pytest.mark.parametrize("lost", [1, 1000, SIZE - 100])
def test_a_torn_tail_is_cut_and_said(filled: Broker, lost: int):
    with log_file(filled).open("r+b") as file:
        file.truncate(entry_end(filled) - lost)
    filled.start()
    assert end_offset(filled.address, "t") == COUNT - 1
    assert values(read(filled.address, "t", 0, COUNT - 1)) == [value(i) for i in range(COUNT - 1)]
    assert send(filled.address, "t", [b"next"]) == [COUNT - 1]
    assert values(read(filled.address, "t", COUNT - 1, 1)) == [b"next"]
    assert "cut" in filled.log().lower()


def test_what_was_written_by_half_is_cut(filled: Broker):
    end = entry_end(filled)
    with log_file(filled).open("r+b") as file:
        # A page that never reached the disk reads as zeros.
        file.seek(end - 5000)
        file.write(bytes(5000))
    filled.start()
    assert values(read(filled.address, "t", 0, COUNT - 1)) == [value(i) for i in range(COUNT - 1)]
    assert end_offset(filled.address, "t") == COUNT - 1
    assert "cut" in filled.log().lower()


def test_a_flipped_bit_is_reported_and_never_served(filled: Broker):
    bad = COUNT // 2
    flip(log_file(filled), value(bad))
    send_elsewhere = b"in another topic"
    filled.start()
    servers = filled.address

    before = read(servers, "t", 0, COUNT, seconds=3.0)
    assert values(before) == [value(i) for i in range(bad)], "what lies before it is served"
    assert read(servers, "t", bad, 1, seconds=3.0) == [], "it is not served itself"
    after = read(servers, "t", bad + 1, COUNT - bad - 1)
    assert values(after) == [value(i) for i in range(bad + 1, COUNT)], "what follows is served"

    assert send(servers, "t", [b"next"]) == [COUNT]
    assert send(servers, "other", [send_elsewhere]) == [0]
    assert values(read(servers, "other", 0, 1)) == [send_elsewhere]
    assert any("damage" in line.lower() for line in filled.log().splitlines())


def test_damage_is_still_known_after_another_start(filled: Broker):
    bad = COUNT // 2
    flip(log_file(filled), value(bad))
    filled.start()
    assert filled.stop() == 0
    filled.start()
    assert read(filled.address, "t", bad, 1, seconds=3.0) == []
    assert values(read(filled.address, "t", bad + 1, 1)) == [value(bad + 1)]


@pytest.mark.parametrize("run", range(12))
def test_any_flipped_bit_harms_one_batch_at_most(filled: Broker, seed: int, run: int):
    chance = random.Random(seed + run)
    at = chance.randrange(entry_end(filled))
    if run % 2:
        # Headers are few among so many bytes: every other time it is one of theirs.
        some = value(chance.randrange(COUNT))
        at = log_file(filled).read_bytes().index(some) - chance.randrange(1, 140)
    flip_at(log_file(filled), at, 1 << chance.randrange(8))
    filled.start()
    harmed = 0
    for offset in range(COUNT):
        messages = read(filled.address, "t", offset, 1, seconds=0.7)
        assert all(m.offset() == offset for m in messages), f"byte {at}"
        assert all(v == value(offset) for v in values(messages)), f"byte {at}"
        harmed += not messages
    assert harmed <= 1, f"byte {at}"
    assert harmed == 0 or re.search("damage|cut", filled.log().lower()), f"byte {at}"


def flip(path: Path, around: bytes) -> None:
    """Flips one bit in the middle of these bytes."""
    flip_at(path, path.read_bytes().index(around) + len(around) // 2, 0x10)


def flip_at(path: Path, at: int, bit: int) -> None:
    """Flips one bit of a byte of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= bit
    path.write_bytes(data)
