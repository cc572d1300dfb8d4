"""Compressed batches: each client reads what every other client has compressed."""

from __future__ import annotations

import pytest

from clients.client import ALL_CODECS, Client
from clients.records import Record, content
from clients.roster import NAMES
from clients.wire import stored_codecs

COUNT = 40


def records_of(name: str, partition: int) -> list[Record]:
    """Records that compress well, told apart by their sender."""
    return [
        Record(f"{name} {i} ".encode() * 50, f"{name}".encode(), (("codec", b"any"),), partition)
        for i in range(COUNT)
    ]


@pytest.fixture(scope="session")
def compressed(clients: dict[str, Client], servers: str) -> dict[str, str]:
    """One topic for each codec, in which each client has filled the partition of its number."""
    topics = {codec: f"compressed-{codec}" for codec in ALL_CODECS}
    for codec, topic in topics.items():
        clients["confluent-kafka"].create_topic(servers, topic, len(NAMES))
        for partition, name in enumerate(NAMES):
            records = records_of(name, partition)
            clients[name].produce(servers, topic, records, codec=codec)
    return topics


@pytest.mark.parametrize("codec", ALL_CODECS)
def test_read_what_all_others_compressed(
    client: Client, servers: str, compressed: dict[str, str], codec: str
):
    starts: dict[int, int | None] = {partition: None for partition in range(len(NAMES))}
    received = client.consume(servers, compressed[codec], starts, COUNT * len(NAMES))
    for partition, name in enumerate(NAMES):
        of_one = [r.content for r in received if r.place.partition == partition]
        assert of_one == [content(r) for r in records_of(name, partition)], name


@pytest.mark.parametrize("codec", ALL_CODECS)
def test_batches_stay_compressed_as_they_were_sent(
    client: Client, servers: str, compressed: dict[str, str], codec: str
):
    stored = stored_codecs(servers, compressed[codec], NAMES.index(client.name))
    assert set(stored) == {codec}
