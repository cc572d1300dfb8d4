"""What was acknowledged, and what each group received: digests by partition and offset."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b

Place = tuple[int, int]


def digest(key: str, value: str) -> bytes:
    """Stands for a message; its key makes it differ from every other, whatever its text."""
    return blake2b(f"{key}\0{value}".encode(), digest_size=12).digest()


@dataclass
class Book:
    """The producers' side: what was sent, and where the broker says that it is."""

    sent: int = 0
    sent_bytes: int = 0
    acknowledged: dict[Place, bytes] = field(default_factory=dict)
    acknowledged_again: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, size: int) -> None:
        """Notes that a message was handed to its producer."""
        with self.lock:
            self.sent += 1
            self.sent_bytes += size

    def acknowledge(self, place: Place, message: bytes) -> None:
        """Notes a receipt."""
        with self.lock:
            self.acknowledged_again += place in self.acknowledged
            self.acknowledged[place] = message


@dataclass
class View:
    """One group's side: each place once, however often its message came."""

    received: dict[Place, bytes] = field(default_factory=dict)
    by_member: Counter[str] = field(default_factory=Counter)
    redelivered: int = 0
    # Came again although the broker says that it delivers it for the first time, or differed.
    wrong: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, member: str, place: Place, message: bytes, deliveries: int) -> None:
        """Notes what a member printed."""
        with self.lock:
            known = self.received.setdefault(place, message)
            self.by_member[member] += 1
            self.redelivered += deliveries > 1
            self.wrong += known != message

    def again(self) -> int:
        """How many messages were printed more than once."""
        return sum(self.by_member.values()) - len(self.received)

    def lost(self, book: Book) -> int:
        """How many acknowledged messages did not come, or not as they were sent."""
        return sum(self.received.get(p) != message for p, message in book.acknowledged.items())

    def unknown(self, book: Book) -> int:
        """How many messages came that were never acknowledged."""
        return sum(place not in book.acknowledged for place in self.received)
