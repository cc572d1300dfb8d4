"""What was acknowledged, and what each group received: digests by partition and offset."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

Place = tuple[int, int]


def digest(number: bytes, key: bytes, value: bytes) -> bytes:
    """Stands for a record; its number makes it differ from every other, whatever its text."""
    return blake2b(b"\0".join((number, key, value)), digest_size=12).digest()


@dataclass
class Book:
    """The producers' side: what was sent, and where the broker says that it is."""

    sent: int = 0
    sent_bytes: int = 0
    acknowledged: dict[Place, bytes] = field(default_factory=dict)
    acknowledged_again: int = 0
    failed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, size: int) -> None:
        """Notes that a record was handed to its producer."""
        with self.lock:
            self.sent += 1
            self.sent_bytes += size

    def acknowledge(self, place: Place, record: bytes) -> None:
        """Notes a delivery report."""
        with self.lock:
            self.acknowledged_again += place in self.acknowledged
            self.acknowledged[place] = record


@dataclass
class View:
    """One group's side: each place once, however often its record came."""

    received: dict[Place, bytes] = field(default_factory=dict)
    redelivered: int = 0
    changed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, records: Iterable[tuple[Place, bytes]]) -> None:
        """Notes what a member got; at one place there must always be the same record."""
        with self.lock:
            for place, record in records:
                known = self.received.get(place)
                if known is None:
                    self.received[place] = record
                else:
                    self.redelivered += 1
                    self.changed += known != record

    def missing(self, book: Book) -> int:
        """How many acknowledged records did not come, or not as they were sent."""
        return sum(self.received.get(p) != record for p, record in book.acknowledged.items())

    def unknown(self, book: Book) -> int:
        """How many records came that were never acknowledged."""
        return sum(place not in book.acknowledged for place in self.received)

    def duplicated(self) -> int:
        """How many records are in the log at more than one place."""
        return len(self.received) - len(set(self.received.values()))
