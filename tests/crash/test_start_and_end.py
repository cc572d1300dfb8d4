"""Starting where one cannot, and ending when told to."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from crash.simple import read, send, values
from harness.broker import Broker, program


def refused(data: Path) -> str:
    """Starts a broker that must not get ready, and returns what it says on standard error."""
    command = [*program(), "--data", str(data), "--kafka", "127.0.0.1:0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode not in (0, 101), f"ended with {done.returncode}: {done.stderr}"
    assert done.returncode > 0, f"ended by signal {-done.returncode}"
    assert "ready" not in done.stdout
    assert "panicked" not in done.stderr
    return done.stderr


def test_a_data_directory_below_a_file(tmp_path: Path):
    (tmp_path / "file").write_text("not a directory")
    assert str(tmp_path / "file" / "data") in refused(tmp_path / "file" / "data")


def test_a_data_directory_that_is_a_file(tmp_path: Path):
    (tmp_path / "file").write_text("not a directory")
    assert str(tmp_path / "file") in refused(tmp_path / "file")


def test_a_data_directory_that_cannot_be_made():
    assert "/proc/minka" in refused(Path("/proc/minka"))


def test_a_data_directory_without_write_permission(tmp_path: Path):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    data = tmp_path / "data"
    data.mkdir(mode=0o500)
    assert str(data) in refused(data)


def test_a_second_broker_on_the_same_data_names_the_first(broker: Broker):
    send(broker.address, "t", [b"before"])
    assert str(broker.pid) in refused(broker.data)
    send(broker.address, "t", [b"after"])
    assert values(read(broker.address, "t", 0, 2)) == [b"before", b"after"]


def test_a_killed_broker_leaves_no_lock_behind(broker: Broker):
    broker.restart_after_kill()
    assert send(broker.address, "t", [b"value"]) == [0]


def test_an_address_in_use(broker: Broker, tmp_path: Path):
    other = Broker(tmp_path / "other")
    other.port = broker.port
    done = subprocess.run(other.command(), capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode not in (0, 101)
    assert broker.address in done.stderr


def test_sigterm_ends_within_a_second_although_clients_wait(tmp_path: Path):
    # The best of three: another process may have the machine for a moment.
    seconds = []
    for attempt in range(3):
        with Broker(tmp_path / f"data-{attempt}") as broker:
            send(broker.address, "t", [b"value"])
            waiting = subprocess.Popen(
                [
                    "kcat",
                    "-C",
                    "-b",
                    broker.address,
                    "-t",
                    "t",
                    "-q",
                    "-u",
                    "-X",
                    "fetch.wait.max.ms=30000",
                ],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            try:
                assert waiting.stdout is not None and waiting.stdout.readline() == b"value\n"
                began = time.monotonic()
                assert broker.stop() == 0
                seconds.append(time.monotonic() - began)
            finally:
                waiting.kill()
                waiting.communicate()
    assert min(seconds) < 1.0


def test_what_was_acknowledged_is_there_after_an_orderly_end(broker: Broker):
    send(broker.address, "t", [b"one", b"two"])
    assert broker.stop() == 0
    broker.start()
    assert send(broker.address, "t", [b"three"]) == [2]
    assert values(read(broker.address, "t", 0, 3)) == [b"one", b"two", b"three"]


def test_a_second_signal_ends_at_once(broker: Broker):
    send(broker.address, "t", [b"value"])
    process = broker.process
    assert process is not None
    # Stopped, it gets both signals before it can do anything about the first.
    for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
        process.send_signal(number)
    process.wait(5)
    broker.process = None
    broker.start()
    assert values(read(broker.address, "t", 0, 1)) == [b"value"]
