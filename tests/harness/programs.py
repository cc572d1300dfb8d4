"""The programs producer, consumer and minka as users run them: in pipes and on terminals."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def path(name: str) -> str:
    """Where the program is; `MINKA_PROGRAMS` names another directory than `bin`."""
    return str(Path(os.environ.get("MINKA_PROGRAMS") or ROOT / "bin") / name)


def environment(broker: str | None = None, **variables: str) -> dict[str, str]:
    """The environment for a program that finds this broker."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MINKA_")}
    kept.pop("NO_COLOR", None)
    if broker:
        kept["MINKA_BROKER"] = broker
    return {**kept, **variables}


def run(
    broker: str | None,
    *command: str,
    stdin: bytes = b"",
    timeout: float = 60.0,
    **variables: str,
) -> subprocess.CompletedProcess[bytes]:
    """Runs a program to its end, in pipes."""
    return subprocess.run(
        [path(command[0]), *command[1:]],
        input=stdin,
        capture_output=True,
        timeout=timeout,
        env=environment(broker, **variables),
        check=False,
    )


def succeed(broker: str | None, *command: str, stdin: bytes = b"") -> str:
    """Runs a program that must succeed; returns its standard output."""
    done = run(broker, *command, stdin=stdin)
    assert done.returncode == 0, (command, done.returncode, done.stdout, done.stderr)
    return done.stdout.decode()


def objects(text: str | bytes) -> list[Any]:
    """Reads a JSON object from each line."""
    return [json.loads(line) for line in text.splitlines()]


class Program:
    """A running program whose output is read line by line, with patience."""

    def __init__(
        self, broker: str | None, *command: str, stdin: int | IO[bytes] = subprocess.DEVNULL
    ) -> None:
        self.process = subprocess.Popen(
            [path(command[0]), *command[1:]],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(broker),
            start_new_session=True,
        )
        self._rest = b""

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def line(self, seconds: float = 30.0) -> str:
        """The next line of its standard output."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._rest:
            chunk = self._chunk(deadline)
            assert chunk, f"no line but {self._rest!r}"
            self._rest += chunk
        line, self._rest = self._rest.split(b"\n", 1)
        return line.decode()

    def lines(self, count: int, seconds: float = 30.0) -> list[str]:
        """The next so many lines."""
        return [self.line(seconds) for _ in range(count)]

    def _chunk(self, deadline: float) -> bytes:
        assert self.process.stdout is not None
        left = max(0.0, deadline - time.monotonic())
        if not select.select([self.process.stdout], [], [], left)[0]:
            return b""
        return os.read(self.process.stdout.fileno(), 65536)

    def send(self, what: signal.Signals) -> None:
        """Sends it a signal."""
        self.process.send_signal(what)

    def end(self, seconds: float = 30.0) -> tuple[int, str, str]:
        """Waits for its end: exit status, the rest of its output, what it said on stderr."""
        out, errors = self.process.communicate(timeout=seconds)
        return self.process.returncode, (self._rest + out).decode(), errors.decode()


class OnTerminal:
    """A program with a terminal of its own: what it shows is read, keys are typed."""

    def __init__(self, broker: str | None, *command: str, **variables: str) -> None:
        self.master, inner = pty.openpty()
        self.process = subprocess.Popen(
            [path(command[0]), *command[1:]],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env=environment(broker, TERM="xterm", **variables),
            start_new_session=True,
        )
        os.close(inner)
        self.raw = b""

    def __enter__(self) -> OnTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        os.close(self.master)

    @property
    def shown(self) -> str:
        """Everything that was shown so far, without colours and cursor control."""
        return ESCAPES.sub("", self.raw.decode(errors="replace"))

    def wait_for(self, text: str, seconds: float = 30.0) -> None:
        """Waits until the terminal has shown the text."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            assert self._read(deadline), f"{text!r} was not shown, but {self.raw!r}"

    def type(self, keys: str) -> None:
        """Types on the keyboard."""
        os.write(self.master, keys.encode())

    def end(self, seconds: float = 30.0) -> int:
        """Reads to the end and returns the exit status."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def _read(self, deadline: float) -> bool:
        left = max(0.0, deadline - time.monotonic())
        if not select.select([self.master], [], [], left)[0]:
            return False
        try:
            chunk = os.read(self.master, 65536)
        except OSError:
            # The program has closed its side.
            return False
        self.raw += chunk
        return bool(chunk)
