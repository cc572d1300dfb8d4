"""Records as tests see them, and their form in the JSON lines between tests and drivers."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True)
class Record:
    """A record to be sent; a `partition` or `timestamp` (in ms) of None is the client's choice."""

    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()
    partition: int | None = None
    timestamp: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The form that drivers read."""
        return {
            "value": _encode(self.value),
            "key": _encode(self.key),
            "headers": [[name, _encode(value)] for name, value in self.headers],
            "partition": self.partition,
            "timestamp": self.timestamp,
        }


@dataclass(frozen=True)
class Place:
    """Where a record lies in its topic."""

    partition: int
    offset: int


@dataclass(frozen=True)
class Received:
    """A record as a consumer got it."""

    place: Place
    value: bytes | None
    key: bytes | None
    headers: Headers
    timestamp: int

    @staticmethod
    def from_json(fields: dict[str, Any]) -> Received:
        """Reads the form that drivers write."""
        return Received(
            place=Place(fields["partition"], fields["offset"]),
            value=_decode(fields["value"]),
            key=_decode(fields["key"]),
            headers=tuple((name, _decode(value)) for name, value in fields["headers"]),
            timestamp=fields["timestamp"],
        )

    @property
    def content(self) -> tuple[bytes | None, bytes | None, Headers]:
        """What the producer chose: key, value and headers."""
        return (self.key, self.value, self.headers)


def content(record: Record) -> tuple[bytes | None, bytes | None, Headers]:
    """The part of a sent record that must arrive unchanged."""
    return (record.key, record.value, record.headers)


def numbered(count: int, partitions: int = 1, label: str = "record") -> list[Record]:
    """Distinct records with keys, spread evenly over the partitions."""
    return [
        Record(f"{label} {i}".encode(), f"key {i % 7}".encode(), partition=i % partitions)
        for i in range(count)
    ]


def _encode(data: bytes | None) -> str | None:
    return None if data is None else b64encode(data).decode("ascii")


def _decode(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
