"""Members of a consumer group, watched from outside."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from clients.driver import Driver
from clients.records import Received


class Member(ABC):
    """What a member was assigned and got so far; both grow while a test waits for something."""

    def __init__(self) -> None:
        self.assigned: list[int] = []
        self.records: list[Received] = []

    @abstractmethod
    def take(self, timeout: float) -> None:
        """Waits for one event and notes it; returns without one when the time is over."""

    @abstractmethod
    def commit(self) -> None:
        """Commits what was received; returns when the broker has answered."""

    @abstractmethod
    def leave(self) -> None:
        """Leaves the group in order, and ends the process."""

    @abstractmethod
    def kill(self) -> None:
        """Ends the process without a word to the broker (SIGKILL)."""


class DriverMember(Member):
    """A member in a driver process."""

    def __init__(self, driver: Driver) -> None:
        super().__init__()
        self._driver = driver
        self._answers: set[str] = set()

    def take(self, timeout: float) -> None:
        event = self._driver.event(timeout) or {}
        if "record" in event:
            self.records.append(Received.from_json(event["record"]))
        elif "assigned" in event:
            self.assigned = event["assigned"]
        else:
            self._answers |= event.keys()

    def commit(self) -> None:
        self._ask("commit", "committed")

    def leave(self) -> None:
        self._ask("leave", "left")
        self._driver.close()

    def kill(self) -> None:
        self._driver.kill()

    def _ask(self, op: str, answer: str) -> None:
        self._answers.discard(answer)
        self._driver.send(op)
        take_until([self], lambda: answer in self._answers, lambda: f"the answer to {op}", 20.0)


def wait_for_sharing(members: list[Member], partitions: int, seconds: float = 40.0) -> None:
    """Waits until the members own all partitions between them, each at least one, none twice."""

    def shared() -> bool:
        owned = sorted(p for member in members for p in member.assigned)
        return all(member.assigned for member in members) and owned == list(range(partitions))

    def what() -> str:
        return f"{partitions} partitions shared; owned: {[m.assigned for m in members]}"

    take_until(members, shared, what, seconds)


def wait_for_records(members: list[Member], count: int, seconds: float = 30.0) -> list[Received]:
    """Waits until the members have received so many records between them; returns all they have."""

    def received() -> list[Received]:
        return [record for member in members for record in member.records]

    def what() -> str:
        return f"{count} records received; there are {len(received())}"

    take_until(members, lambda: len(received()) >= count, what, seconds)
    return received()


def take_until(
    members: list[Member],
    done: Callable[[], bool],
    what: Callable[[], str],
    seconds: float,
) -> None:
    """Takes events from every member until the condition holds, or fails saying what is missing."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what()}")
        for member in members:
            member.take(0.02)
