"""What one client sends, the same client reads back, byte for byte and in its place."""

from __future__ import annotations

import time

import pytest

from clients.client import Client
from clients.records import Place, Record, content, numbered

ALL = {0: None, 1: None, 2: None}


def check(sent: list[Record], places: list[Place], received: list) -> None:
    """Every record is where its producer was told, unchanged, and there is nothing else."""
    expected = {place: content(record) for place, record in zip(places, sent, strict=True)}
    assert {r.place: r.content for r in received} == expected
    assert len(received) == len(sent)


def test_produce_then_consume_from_the_beginning(client: Client, servers: str, topic: str):
    records = numbered(300, partitions=3)
    places = client.produce(servers, topic, records)
    assert [sum(p.partition == n for p in places) for n in range(3)] == [100, 100, 100]
    check(records, places, client.consume(servers, topic, ALL, 300))


def test_produce_to_a_topic_that_does_not_exist_creates_it(client: Client, servers: str):
    topic = f"made-by-{client.name}"
    records = numbered(5)
    places = client.produce(servers, topic, records)
    check(records, places, client.consume(servers, topic, {0: None}, 5))


def test_offsets_continue_where_the_last_producer_stopped(client: Client, servers: str, topic: str):
    first, second = numbered(10, label="first"), numbered(10, label="second")
    places = client.produce(servers, topic, first) + client.produce(servers, topic, second)
    assert places == [Place(0, offset) for offset in range(20)]
    check(first + second, places, client.consume(servers, topic, ALL, 20))


def test_consume_from_an_offset(client: Client, servers: str, topic: str):
    records = numbered(20)
    client.produce(servers, topic, records)
    received = client.consume(servers, topic, {0: 15}, 5)
    assert [(r.place.offset, r.value) for r in received] == [
        (offset, records[offset].value) for offset in range(15, 20)
    ]


def test_headers_with_repeated_names(client: Client, servers: str, topic: str):
    repeated = (("trace", b"one"), ("trace", b"two"), ("kind", b"order"), ("empty", b""))
    records = [Record(b"a", b"k", repeated, 0), Record(b"b", b"k", (("trace", b"three"),), 0)]
    places = client.produce(servers, topic, records)
    check(records, places, client.consume(servers, topic, {0: None}, 2))


def test_headers_without_a_value(client: Client, peer: Client, servers: str, topic: str):
    sender = client if client.abilities.null_headers else peer
    records = [Record(b"a", b"k", (("null", None), ("kind", b"order")), 0)]
    places = sender.produce(servers, topic, records)
    check(records, places, client.consume(servers, topic, {0: None}, 1))


def test_null_keys_and_null_values(client: Client, servers: str, topic: str):
    records = [
        Record(b"no key", None, (), 0),
        Record(None, b"tombstone", (), 0),
        Record(b"both", b"key", (), 0),
    ]
    places = client.produce(servers, topic, records)
    check(records, places, client.consume(servers, topic, {0: None}, 3))


def test_values_of_a_million_bytes(client: Client, servers: str, topic: str):
    records = [Record(bytes([65 + i]) * 1_000_000, b"big", (), i) for i in range(3)]
    places = client.produce(servers, topic, records)
    check(records, places, client.consume(servers, topic, ALL, 3))


@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_acks(client: Client, servers: str, topic: str, acks: str):
    # An acknowledged record first: without acknowledgements nobody notices a missing leader.
    records = numbered(51)
    places = client.produce(servers, topic, records[:1])
    places += client.produce(servers, topic, records[1:], acks=acks)
    if acks == "0":
        # Nobody tells the producer where its records went; it alone wrote to the partition.
        places = [Place(0, offset) for offset in range(51)]
    check(records, places, client.consume(servers, topic, {0: None}, 51))


def test_idempotent_producer(client: Client, servers: str, topic: str):
    if not client.abilities.idempotent:
        pytest.skip(f"{client.name} has no idempotent producer")
    records = numbered(300, partitions=3)
    places = client.produce(servers, topic, records, idempotent=True)
    check(records, places, client.consume(servers, topic, ALL, 300))


def test_timestamps_are_kept(client: Client, peer: Client, servers: str, topic: str):
    sender = client if client.abilities.timestamps else peer
    base = int(time.time() * 1000) - 100_000
    records = [Record(b"v", None, (), 0, timestamp=base + 1000 * i) for i in range(10)]
    sender.produce(servers, topic, records)
    received = client.consume(servers, topic, {0: None}, 10)
    assert [r.timestamp for r in received] == [base + 1000 * i for i in range(10)]


def test_a_long_poll_returns_when_a_record_comes(
    client: Client, clients: dict[str, Client], servers: str, topic: str
):
    # A driver answers one request at a time: who waits cannot send.
    other = clients["kcat" if client.name != "kcat" else "rdkafka"]
    # The consumer asks the broker to hold the answer for longer than it will wait itself.
    client.produce(servers, topic, [Record(b"first", partition=0)])
    result = client.start_consume(servers, topic, {0: None}, 2, 50_000)
    time.sleep(1.0)  # Gives the consumer time to be waiting; if it is late, the test still holds.
    other.produce(servers, topic, [Record(b"second", partition=0)])
    assert [r.value for r in result()] == [b"first", b"second"]
