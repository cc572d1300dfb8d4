"""What was sent and what was acknowledged: the book against which a broker's log is checked."""

from __future__ import annotations

import hashlib
import threading
import zlib
from dataclasses import dataclass, field


def value_of(producer: str, sequence: int) -> bytes:
    """The one value that this producer sends under this number: 50 to 2000 bytes, recomputable."""
    name = f"{producer}:{sequence}:".encode()
    size = 50 + zlib.crc32(name) % 1950
    return name + hashlib.shake_128(name).digest(size - len(name))


def parse(value: bytes) -> tuple[str, int]:
    """The producer and the number that a value names; fails if any byte of it is not as sent."""
    producer, sequence, _ = value.split(b":", 2)
    name = (producer.decode(), int(sequence))
    assert value == value_of(*name), f"bytes changed in record {name}"
    return name


@dataclass
class Ledger:
    """One topic's book; producers write it from their threads, the checks read it."""

    topic: str
    partitions: int
    sent: dict[str, int] = field(default_factory=dict)
    acknowledged: dict[tuple[int, int], tuple[str, int]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_number(self, producer: str) -> int:
        """Notes that a record is about to be sent, before anyone can have received it."""
        with self.lock:
            number = self.sent.get(producer, 0)
            self.sent[producer] = number + 1
            return number

    def acknowledge(self, partition: int, offset: int, producer: str, sequence: int) -> None:
        """Notes a delivery report: the broker has promised this record at this place."""
        with self.lock:
            place = (partition, offset)
            if place in self.acknowledged:
                self.failures.append(f"{place} was acknowledged twice")
            self.acknowledged[place] = (producer, sequence)

    def fail(self, what: str) -> None:
        """Notes something that must not happen, for the test to report."""
        with self.lock:
            self.failures.append(what)

    def promised(self, partition: int, start: int) -> dict[int, tuple[str, int]]:
        """The acknowledged records of a partition from an offset on."""
        with self.lock:
            return {
                offset: name
                for (p, offset), name in self.acknowledged.items()
                if p == partition and offset >= start
            }
