"""A disk without room: what was acknowledged stays, nothing more is acknowledged."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from crash.simple import NotDelivered, read, send, sender, values
from harness.broker import Broker

SMALL, LARGE = "16m", "128m"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "minka-test", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def value(number: int) -> bytes:
    """A record of 100 KB."""
    return f"[{number:06}]".encode() * 12_500


def fill(servers: str) -> list[bytes]:
    """Sends until the broker refuses; returns what it acknowledged."""
    taken: list[bytes] = []
    with sender(servers, 3.0) as send_one:
        while len(taken) < 1000:
            try:
                offset = send_one("t", value(len(taken)))
            except NotDelivered:
                return taken
            assert offset == len(taken)
            taken.append(value(len(taken)))
    raise AssertionError("the disk never got full")


def test_a_full_disk_loses_nothing_that_was_acknowledged(disk: Path):
    with Broker(disk / "data") as broker:
        taken = fill(broker.address)
        assert len(taken) > 20
        # Reading needs no room: the broker goes on serving what it has.
        assert values(read(broker.address, "t", 0, len(taken))) == taken
        with pytest.raises(NotDelivered):
            send(broker.address, "t", [value(0)], seconds=2.0)
        said = broker.log() + broker.stderr()
        assert "no space left" in said.lower(), "someone must be able to learn the reason"

        subprocess.run(["mount", "-o", f"remount,size={LARGE}", str(disk)], check=True)
        broker.stop()
        broker.start()
        assert values(read(broker.address, "t", 0, len(taken)))[: len(taken)] == taken
        [offset] = send(broker.address, "t", [b"room again"])
        assert offset >= len(taken)
        assert values(read(broker.address, "t", offset, 1)) == [b"room again"]
