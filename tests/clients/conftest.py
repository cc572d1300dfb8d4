"""One broker and one set of clients for the whole run; a topic of its own for each test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.client import Client
from clients.roster import NAMES, open_clients
from harness.broker import Broker

# Kafka's three seconds are for the members of a large group; here each group would wait for them.
QUICK_GROUPS = {
    "group.initial.rebalance.delay.ms": 100,
    "group.consumer.heartbeat.interval.ms": 200,
    "group.consumer.session.timeout.ms": 6000,
}


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The broker that scenarios share; it must still end in order after all of them."""
    with Broker(tmp_path_factory.mktemp("broker") / "data", QUICK_GROUPS) as broker:
        yield broker
        assert broker.stop() == 0


@pytest.fixture(scope="session")
def servers(broker: Broker) -> str:
    """The address of the shared broker."""
    return broker.address


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Client]]:
    """Every client by its name."""
    logs: Path = tmp_path_factory.mktemp("clients")
    clients = open_clients(logs)
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture(params=NAMES)
def client(request: pytest.FixtureRequest, clients: dict[str, Client]) -> Client:
    """The client under test: each scenario runs once for each of them."""
    return clients[request.param]


@pytest.fixture
def peer(clients: dict[str, Client]) -> Client:
    """A client that can do everything, for the other side of a scenario."""
    return clients["confluent-kafka"]


@pytest.fixture
def topic(request: pytest.FixtureRequest, servers: str, peer: Client) -> str:
    """A fresh topic with three partitions, named after the test."""
    name = re.sub(r"[^a-zA-Z0-9._-]", "-", request.node.name)
    peer.create_topic(servers, name, 3)
    return name
