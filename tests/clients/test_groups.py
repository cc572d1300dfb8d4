"""Consumer groups: each record to one member, whoever comes and goes, and no work done twice."""

from __future__ import annotations

import pytest

from clients.client import Client, DriverClient
from clients.member import Member, wait_for_records, wait_for_sharing
from clients.records import Received, Record, numbered
from clients.roster import GROUP_NAMES

PARTITIONS = 6
BATCH = 60


@pytest.fixture(params=GROUP_NAMES)
def client(request: pytest.FixtureRequest, clients: dict[str, Client]) -> Client:
    """The client under test, in each group protocol that it speaks."""
    return clients[request.param]


@pytest.fixture
def topic(request: pytest.FixtureRequest, servers: str, peer: DriverClient, client: Client) -> str:
    """A topic with enough partitions to be shared."""
    name = f"{request.node.originalname}-{client.name}"
    peer.create_topic(servers, name, PARTITIONS)
    return name


def send(peer: Client, servers: str, topic: str, label: str) -> set[bytes | None]:
    """Sends a batch over all partitions; returns its values."""
    records = numbered(BATCH, partitions=PARTITIONS, label=label)
    peer.produce(servers, topic, records)
    return {record.value for record in records}


def values(records: list[Received]) -> list[bytes | None]:
    """The values in the order they came."""
    return [record.value for record in records]


def test_commit_and_resume(client: Client, peer: Client, servers: str, topic: str):
    first = send(peer, servers, topic, "before")
    member = client.join(servers, topic, topic)
    assert set(values(wait_for_records([member], BATCH))) == first
    member.commit()
    member.leave()

    second = send(peer, servers, topic, "after")
    again = client.join(servers, topic, topic)
    received = values(wait_for_records([again], BATCH))
    again.leave()
    assert sorted(received) == sorted(second), "the new member gets the new records and no others"


def test_committed_offsets_can_be_asked_for(
    client: Client, peer: DriverClient, servers: str, topic: str
):
    send(peer, servers, topic, "only")
    member = client.join(servers, topic, topic)
    wait_for_records([member], BATCH)
    member.commit()
    member.leave()
    expected = {partition: BATCH // PARTITIONS for partition in range(PARTITIONS)}
    asker = client if isinstance(client, DriverClient) else peer
    assert asker.committed(servers, topic, topic, PARTITIONS) == expected


def test_what_was_not_committed_comes_again(client: Client, peer: Client, servers: str, topic: str):
    if not isinstance(client, DriverClient):
        pytest.skip("kcat commits by itself")
    sent = send(peer, servers, topic, "only")
    for _ in range(2):
        member = client.join(servers, topic, topic)
        assert set(values(wait_for_records([member], BATCH))) == sent
        member.leave()


def test_members_join_and_leave(client: Client, peer: Client, servers: str, topic: str):
    first = client.join(servers, topic, topic)
    wait_for_sharing([first], PARTITIONS)
    sent = send(peer, servers, topic, "alone")
    wait_for_records([first], BATCH)
    first.commit()

    second = client.join(servers, topic, topic)
    both: list[Member] = [first, second]
    wait_for_sharing(both, PARTITIONS)
    sent |= send(peer, servers, topic, "shared")
    wait_for_records(both, 2 * BATCH)
    owned = set(second.assigned)
    assert {record.place.partition for record in second.records} == owned
    for member in both:
        member.commit()

    second.leave()
    wait_for_sharing([first], PARTITIONS)
    sent |= send(peer, servers, topic, "alone again")
    got = values(wait_for_records([first], 3 * BATCH - len(second.records)))
    first.leave()
    assert sorted(got + values(second.records)) == sorted(sent), "each record once, none missing"


def test_two_groups_get_everything_each(client: Client, peer: Client, servers: str, topic: str):
    sent = send(peer, servers, topic, "all")
    members = [client.join(servers, topic, f"{topic}-{n}") for n in range(2)]
    for member in members:
        assert sorted(values(wait_for_records([member], BATCH))) == sorted(sent)
        member.leave()


def test_a_silent_member_is_replaced(client: Client, peer: Client, servers: str, topic: str):
    first, second = (client.join(servers, topic, topic) for _ in range(2))
    wait_for_sharing([first, second], PARTITIONS)
    second.kill()
    # Nobody says goodbye: the session of six seconds has to run out.
    wait_for_sharing([first], PARTITIONS)
    sent = send(peer, servers, topic, "left to one")
    assert set(values(wait_for_records([first], BATCH))) >= sent
    first.leave()


def test_record_order_within_a_partition(client: Client, peer: Client, servers: str, topic: str):
    peer.produce(servers, topic, [Record(b"%d" % i, partition=2) for i in range(500)])
    member = client.join(servers, topic, topic)
    received = wait_for_records([member], 500)
    member.leave()
    assert [int(r.value or b"") for r in received] == list(range(500))
