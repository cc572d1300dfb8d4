"""Offsets by time, and offsets that are not there."""

from __future__ import annotations

import time

from clients.client import Client
from clients.records import Record, numbered


def test_offsets_for_times(client: Client, peer: Client, servers: str, topic: str):
    base = int(time.time() * 1000) - 1_000_000
    for start in (0, 10):
        records = [
            Record(b"v", None, (), 0, timestamp=base + 1000 * i) for i in range(start, start + 10)
        ]
        peer.produce(servers, topic, records)
    asked = {base - 5000: 0, base: 0, base + 4500: 5, base + 9500: 10, base + 19000: 19}
    answers = {t: client.offset_for_time(servers, topic, 0, t) for t in asked}
    assert answers == asked
    assert client.offset_for_time(servers, topic, 0, base + 20_000) is None


def test_an_offset_out_of_range_starts_at_the_beginning(client: Client, servers: str, topic: str):
    records = numbered(10)
    client.produce(servers, topic, records)
    received = client.consume(servers, topic, {0: 1_000_000}, 10)
    assert [r.value for r in received] == [r.value for r in records]
