"""The programs producer and consumer, each a process, with threads that write and read them."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Callable

from harness.programs import environment, path
from run.book import Book, View, digest

TOPIC = "texts"
PATIENCE = 20.0


class Worker:
    """A process and the threads that serve it; keeps what a thread died of."""

    def __init__(self, name: str, broker: str, *command: str) -> None:
        self.name = name
        self.error: Exception | None = None
        # A session of its own: a Ctrl-C in the terminal is for the demonstration, not for it.
        self.process = subprocess.Popen(
            [path(command[0]), *command[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment(broker),
            start_new_session=True,
        )
        self._threads: list[threading.Thread] = []

    def serve(self, *works: Callable[[], None]) -> None:
        """Starts a thread for each of the works."""
        for work in works:
            thread = threading.Thread(target=self._serve, args=(work,), name=self.name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # Raised again by whoever waits for the worker.
            self.error = error

    def is_done(self) -> bool:
        """Whether everything that the process says was read."""
        return not any(thread.is_alive() for thread in self._threads)

    def kill(self) -> None:
        """Ends the process as a crash does: SIGKILL, no chance to do anything."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def interrupt(self) -> int:
        """Ctrl-C; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self) -> int:
        """Waits for the end of the process and of its threads; returns its exit status."""
        status = self.process.wait(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)
        return status


class Sender(Worker):
    """`producer`, fed with lines: a key of its own for each, a tab, the text."""

    def __init__(self, name: str, broker: str, texts: list[str], book: Book) -> None:
        command = ["producer", "--topic", TOPIC, "--key-separator", "\t", "--json"]
        super().__init__(name, broker, *command)
        self._messages = [(f"{name}-{number}", text) for number, text in enumerate(texts)]
        self._book = book
        self.serve(self._write, self._read)

    def _write(self) -> None:
        assert self.process.stdin is not None
        with self.process.stdin as lines:
            for key, text in self._messages:
                lines.write(f"{key}\t{text}\n")
                self._book.send(len(text))

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            receipt = json.loads(line)
            if "offset" in receipt:
                place = receipt["partition"], receipt["offset"]
                self._book.acknowledge(place, digest(*self._messages[receipt["number"]]))


class Reader(Worker):
    """`consumer`, a member of a queue group."""

    def __init__(self, name: str, broker: str, group: str, view: View) -> None:
        command = ["consumer", "--topic", TOPIC, "--group", group, "--from-beginning", "--json"]
        super().__init__(name, broker, *command)
        self.killed = False
        self._view = view
        self.serve(self._read)

    def kill(self) -> None:
        """Ends the process in the middle of its work."""
        self.killed = True
        super().kill()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if not line.endswith("\n"):
                # The consumer was killed while it wrote this line: it has not accepted it.
                break
            message = json.loads(line)
            place = message["partition"], message["offset"]
            content = digest(message["key"], message["value"])
            self._view.receive(self.name, place, content, message["delivery_count"])
