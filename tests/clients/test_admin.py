"""Topics made, listed and deleted by each client's admin part, and partitions in number."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clients.client import Client, DriverClient
from clients.driver import DriverError
from clients.records import Record
from harness.broker import Broker


@pytest.fixture
def admin(client: Client) -> DriverClient:
    """The client, if it has an admin part."""
    if not isinstance(client, DriverClient) or not client.abilities.admin:
        pytest.skip(f"{client.name} has no admin commands")
    return client


def test_create_list_and_delete_a_topic(admin: DriverClient, servers: str):
    topic = f"admin-{admin.name}"
    admin.create_topic(servers, topic, 4)
    assert admin.list_topics(servers)[topic] == 4
    admin.delete_topic(servers, topic)
    assert topic not in admin.list_topics(servers)


def test_a_topic_cannot_be_created_twice(admin: DriverClient, servers: str, topic: str):
    try:
        admin.create_topic(servers, topic, 3)
    except DriverError as error:
        assert "exist" in str(error).lower()
    else:
        # kafkajs and aiokafka answer `false` or an error code instead of raising.
        assert admin.name in ("kafkajs", "aiokafka")
    assert admin.list_topics(servers)[topic] == 3


def test_a_deleted_topic_starts_anew(admin: DriverClient, servers: str):
    topic = f"again-{admin.name}"
    for label in (b"old", b"new"):
        admin.create_topic(servers, topic, 1)
        [place] = admin.produce(servers, topic, [Record(label, partition=0)])
        assert place.offset == 0
        [record] = admin.consume(servers, topic, {0: None}, 1)
        assert record.value == label
        admin.delete_topic(servers, topic)


def test_fifty_partitions(client: Client, peer: DriverClient, servers: str):
    topic = f"fifty-{client.name}"
    peer.create_topic(servers, topic, 50)
    assert client.list_topics(servers)[topic] == 50
    records = [Record(b"in %d" % i, b"k", (), i) for i in range(50)]
    # A producer may meet a partition whose leader is only being elected, and try again.
    client.produce(servers, topic, records, idempotent=client.abilities.idempotent)
    received = client.consume(servers, topic, {i: None for i in range(50)}, 50)
    assert [r.value for r in received] == [r.value for r in records]


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker that creates no topic by itself."""
    data = tmp_path_factory.mktemp("strict") / "data"
    with Broker(data, {"auto.create.topics.enable": False}) as broker:
        yield broker.address


def test_a_broker_may_be_told_to_create_no_topics(client: Client, strict: str):
    topic = f"unknown-{client.name}"
    assert client.unknown_topic(strict, topic) == "UNKNOWN_TOPIC_OR_PART"
    assert topic not in client.list_topics(strict)


def test_an_unknown_topic_is_not_created_when_the_client_forbids_it(client: Client, servers: str):
    if not client.abilities.no_auto_create:
        pytest.skip(f"{client.name} has no setting for it")
    topic = f"never-{client.name}"
    assert client.unknown_topic(servers, topic) == "UNKNOWN_TOPIC_OR_PART"
    assert topic not in client.list_topics(servers)
