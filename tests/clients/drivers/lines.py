"""The loop of every Python driver: JSON lines, requests on stdin and answers on stdout."""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

Request = dict[str, Any]


class GroupMember(Protocol):
    """A consumer in a group, as `run_member` needs it."""

    def poll(self) -> Iterable[dict[str, Any]]:
        """Waits a moment; returns the records that came."""

    def assignment(self) -> list[int]:
        """The partitions that are this member's now, in order."""

    def commit(self) -> None:
        """Commits what was returned by `poll`; returns when the broker has it."""

    def close(self) -> None:
        """Leaves the group."""


class Requests:
    """Requests in the order they came; a thread reads them, so that a member can poll meanwhile."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Request | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def __iter__(self) -> Iterator[Request]:
        while (request := self._queue.get()) is not None:
            yield request

    def at_once(self) -> str | None:
        """The operation of a request that is already there; the end of the input means `leave`."""
        try:
            request = self._queue.get_nowait()
        except queue.Empty:
            return None
        return "leave" if request is None else request["op"]

    def _read(self) -> None:
        for line in sys.stdin:
            self._queue.put(json.loads(line))
        self._queue.put(None)


def say(answer: dict[str, Any]) -> None:
    """Writes one answer."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def serve(
    operations: dict[str, Callable[[Request], Any]], join: Callable[[Request], GroupMember]
) -> None:
    """Answers requests until the input ends; `join` makes the process a member for good."""
    requests = Requests()
    for request in requests:
        try:
            if request["op"] == "join":
                run_member(join(request), requests)
                return
            say({"ok": operations[request["op"]](request)})
        except Exception as error:  # Whatever a client raises is an answer for the test to judge.
            say({"error": f"{type(error).__name__}: {error}"})


def run_member(member: GroupMember, requests: Requests) -> None:
    """Reports records and changes of assignment until told to leave; commits when told to."""
    known: list[int] | None = None
    while True:
        for record in member.poll():
            say({"record": record})
        if (now := member.assignment()) != known:
            known = now
            say({"assigned": now})
        asked = requests.at_once()
        if asked == "commit":
            member.commit()
            say({"committed": True})
        elif asked == "leave":
            member.close()
            say({"left": True})
            return


def deadline_of(request: Request) -> Callable[[], float]:
    """How many seconds are left of the request's time; raises TimeoutError when none are."""
    end = time.monotonic() + request["timeout"]

    def left() -> float:
        seconds = end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError(f"{request['op']} had no result in {request['timeout']} s")
        return seconds

    return left


def encode(data: bytes | None) -> str | None:
    """Bytes as JSON holds them."""
    return None if data is None else b64encode(data).decode("ascii")


def decode(text: str | None) -> bytes | None:
    """Bytes from what JSON holds."""
    return None if text is None else b64decode(text)


def headers_in(record: dict[str, Any]) -> list[tuple[str, bytes | None]]:
    """The headers of a record to be sent."""
    return [(name, decode(value)) for name, value in record["headers"]]


def received(
    partition: int,
    offset: int,
    timestamp: int,
    key: bytes | None,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes | None]] | None,
) -> dict[str, Any]:
    """A record that a consumer got, in the form the tests read."""
    return {
        "partition": partition,
        "offset": offset,
        "timestamp": timestamp,
        "key": encode(key),
        "value": encode(value),
        "headers": [[name, encode(data)] for name, data in headers or ()],
    }
