"""A broker as users run it: a process with a data directory, started, stopped and killed."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from harness import programs

READY = re.compile(rb"^ready kafka=(?P<host>\S+):(?P<port>\d+) data=(?P<data>.*)$")


class BrokerFailed(Exception):
    """The broker ended, or did not get ready, although it should have."""


def program() -> list[str]:
    """The command that starts a broker; `MINKA_PROGRAMS` names another directory than `bin`."""
    return [programs.path("broker")]


class Broker:
    """One broker on one data directory; it keeps its port over restarts, as users expect."""

    def __init__(self, data: Path, settings: Mapping[str, int | bool] | None = None) -> None:
        """Takes the data directory and what stands in the settings file; starts nothing yet."""
        self.data = data
        self.settings = dict(settings or {})
        self.host = "127.0.0.1"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.errors = data.parent / f"{data.name}.stderr"

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """What a Kafka client calls `bootstrap.servers`."""
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """The process ID of the running broker."""
        return self._running().pid

    def command(self) -> list[str]:
        """The full command line of the next start."""
        command = [*program(), "--data", str(self.data), "--kafka", self.address]
        if self.settings:
            file = self.data.parent / f"{self.data.name}.toml"
            lines = [f"{name} = {json.dumps(value)}\n" for name, value in self.settings.items()]
            file.write_text("".join(lines))
            command += ["--config", str(file)]
        return command

    def start(self, timeout: float = 30.0) -> float:
        """Starts the process and waits for its ready line; returns the seconds that took."""
        began = time.monotonic()
        self.launch()
        line = _first_line(self._running(), began + timeout)
        found = READY.match(line)
        if not found:
            self.close()
            raise BrokerFailed(f"no ready line but {line!r}; its stderr: {self.stderr()}")
        self.port = int(found["port"])
        return time.monotonic() - began

    def launch(self) -> None:
        """Starts the process and does not wait for anything."""
        self.data.mkdir(parents=True, exist_ok=True)
        with self.errors.open("ab") as errors:
            # A session of its own: a Ctrl-C in the terminal is for the broker's owner, not for it.
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Ends the process as a crash does: SIGKILL, no chance to write anything."""
        process = self._running()
        process.kill()
        self._ended(process, 10.0)

    def stop(self, timeout: float = 10.0) -> int:
        """Asks the process to end (SIGTERM) and returns its exit status."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        return self._ended(process, timeout)

    def restart_after_kill(self) -> float:
        """Kills the process and starts it again on its data; returns the seconds of starting."""
        self.kill()
        return self.start()

    def close(self) -> None:
        """Ends the process whatever its state; for the end of a test."""
        process = self.process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10.0)
            except subprocess.TimeoutExpired:
                process.kill()
        self._ended(process, 10.0)

    def log(self) -> str:
        """What `broker.log` says so far."""
        path = self.data / "broker.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stderr(self) -> str:
        """What the process said on its standard error, over all its starts."""
        return self.errors.read_text(errors="replace") if self.errors.exists() else ""

    def resident_bytes(self) -> int:
        """The memory that the process holds now (VmRSS)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            raise BrokerFailed(f"the broker is not running; its stderr: {self.stderr()}")
        return self.process

    def _ended(self, process: subprocess.Popen[bytes], timeout: float) -> int:
        status = process.wait(timeout)
        if process.stdout:
            process.stdout.close()
        self.process = None
        return status


def _first_line(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """Reads up to the first newline, but never past the deadline or the end of the process."""
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            break
        byte = os.read(process.stdout.fileno(), 1)
        if not byte:
            break
        line += byte
    return line.rstrip(b"\n")


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Waits until the condition holds; fails with a sentence that says what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)
