"""A driver process: a program around one Kafka client that speaks JSON lines."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any


class DriverError(Exception):
    """The client reported an error, its driver ended, or it said nothing in time."""


class Driver:
    """One process and its conversation. Requests are answered in order; a test may wait later."""

    def __init__(self, command: list[str], log: Path) -> None:
        """Starts the program; what it says on its standard error goes to the log."""
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def send(self, op: str, **fields: Any) -> None:
        """Writes a request without waiting for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"op": op, **fields}) + "\n")
        self._process.stdin.flush()

    def event(self, timeout: float) -> dict[str, Any] | None:
        """The next answer or event; None if there was none in time."""
        try:
            answer = self._answers.get(timeout=timeout)
        except queue.Empty:
            return None
        if answer is None:
            raise DriverError(f"the driver has ended{self._last_words()}")
        if "error" in answer:
            raise DriverError(answer["error"])
        return answer

    def result(self, timeout: float) -> Any:
        """What the next answer brings."""
        answer = self.event(timeout)
        if answer is None:
            raise DriverError(f"no answer in {timeout:.1f} s{self._last_words()}")
        return answer["ok"]

    def close(self) -> None:
        """Ends the process: politely by the end of its input, then by a signal."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)

    def kill(self) -> None:
        """Ends the process at once."""
        self._process.kill()
        self._process.wait(5)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._answers.put(json.loads(line))
        self._answers.put(None)

    def _last_words(self) -> str:
        text = self._log.read_text(errors="replace").strip()
        return f"; its standard error ends: {text[-1000:]}" if text else ""
