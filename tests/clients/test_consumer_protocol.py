"""The new group protocol (KIP-848), in which the broker says who gets which partitions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupState, ConsumerGroupType, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from clients.client import Client
from clients.conftest import QUICK_GROUPS
from clients.member import take_until, wait_for_records, wait_for_sharing
from clients.new_member import NewMember
from harness.broker import Broker

PARTITIONS = 6


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Broker]:
    """A broker that the test may kill."""
    with Broker(tmp_path / "data", QUICK_GROUPS) as broker:
        yield broker


@pytest.fixture
def admin(servers: str) -> AdminClient:
    """An administrator; its futures fail when it is dropped."""
    return AdminClient({"bootstrap.servers": servers})


def create(servers: str, topic: str, partitions: int = PARTITIONS) -> None:
    """Creates a topic."""
    client = AdminClient({"bootstrap.servers": servers})  # See the fixture `admin`.
    for future in client.create_topics([NewTopic(topic, partitions, 1)]).values():
        future.result(20)


def send(servers: str, topic: str, label: str, count: int = 60) -> list[bytes]:
    """Sends records over all partitions; returns their values."""
    producer = Producer({"bootstrap.servers": servers, "acks": "all"})
    values = [f"{label}-{n}".encode() for n in range(count)]
    for n, value in enumerate(values):
        producer.produce(topic, value, partition=n % PARTITIONS)
    assert producer.flush(20) == 0
    return values


def settled(members: list[NewMember], seconds: float = 1.5) -> None:
    """Lets the members go on for a while: several heartbeats."""
    end = time.monotonic() + seconds
    take_until(members, lambda: time.monotonic() > end, lambda: "time", seconds + 20)


def test_members_share_take_over_and_lose_nothing(servers: str, admin: AdminClient):
    topic = group = "new-protocol-sharing"
    create(servers, topic)
    sent = send(servers, topic, "alone")
    first = NewMember(servers, group, [topic])
    wait_for_records([first], len(sent))
    first.commit()

    members = [first, *(NewMember(servers, group, [topic]) for _ in range(2))]
    wait_for_sharing(members, PARTITIONS)
    assert [len(member.assigned) for member in members] == [2, 2, 2]
    described = admin.describe_consumer_groups([group])[group].result(20)
    assert described.type == ConsumerGroupType.CONSUMER
    assert described.state == ConsumerGroupState.STABLE
    assert len(described.members) == 3
    listed = admin.list_consumer_groups(types={ConsumerGroupType.CONSUMER}).result(20)
    assert group in {one.group_id for one in listed.valid}

    sent += send(servers, topic, "shared")
    wait_for_records(members, len(sent))
    for member in members:
        member.commit()
    members.pop(1).leave()
    left = len(sent) - sum(len(member.records) for member in members)
    wait_for_sharing(members, PARTITIONS)
    sent += send(servers, topic, "without one")
    got = wait_for_records(members, len(sent) - left)
    for member in members:
        member.commit()
        member.leave()
    assert len(got) == len(set(got)) == len(sent) - left, "nothing twice"

    again = NewMember(servers, group, [topic])
    fresh = send(servers, topic, "later")
    assert sorted(wait_for_records([again], len(fresh))) == sorted(fresh), "nothing left out"
    again.leave()


def test_a_regular_expression_finds_topics_that_come_later(servers: str):
    for topic in ("expr-a", "not-expr-a"):
        create(servers, topic, 2)
    member = NewMember(servers, "new-protocol-expression", ["^expr-.*"])
    take_until([member], lambda: len(member.places) == 2, lambda: "the topic that is there", 20)
    create(servers, "expr-b", 1)
    expected = [("expr-a", 0), ("expr-a", 1), ("expr-b", 0)]
    take_until([member], lambda: member.places == expected, lambda: f"{member.places}", 20)
    member.leave()


def test_an_expression_that_the_broker_cannot_take_is_an_error(servers: str):
    # The client takes back references, the broker does not: they can take for ever.
    member = NewMember(servers, "new-protocol-bad-expression", [r"^(a)\1"])
    with pytest.raises(KafkaException, match="(?i)regular expression"):
        take_until([member], lambda: False, lambda: "an error", 20)
    member.leave()


def test_new_partitions_are_assigned(servers: str, admin: AdminClient):
    topic = group = "new-protocol-growing"
    create(servers, topic, 2)
    members = [NewMember(servers, group, [topic]) for _ in range(2)]
    wait_for_sharing(members, 2)
    for future in admin.create_partitions([NewPartitions(topic, PARTITIONS)]).values():
        future.result(20)
    wait_for_sharing(members, PARTITIONS)
    sent = send(servers, topic, "grown")
    assert sorted(wait_for_records(members, len(sent))) == sorted(sent)
    for member in members:
        member.leave()


def test_a_static_member_comes_back_without_a_rebalance(servers: str):
    topic = group = "new-protocol-static"
    create(servers, topic)
    fixed = NewMember(servers, group, [topic], group_instance_id="fixed")
    other = NewMember(servers, group, [topic])
    wait_for_sharing([fixed, other], PARTITIONS)
    owned, changes = fixed.assigned, other.changes
    fixed.leave()
    settled([other])
    assert len(other.assigned) == PARTITIONS - len(owned), "its partitions wait for it"
    fixed = NewMember(servers, group, [topic], group_instance_id="fixed")
    wait_for_sharing([fixed, other], PARTITIONS)
    assert (fixed.assigned, other.changes) == (owned, changes)
    fixed.leave()
    # Its session ends when it stays away.
    wait_for_sharing([other], PARTITIONS)
    other.leave()


def test_members_go_on_when_the_broker_was_killed(own: Broker):
    topic = group = "survivor"
    create(own.address, topic)
    members = [NewMember(own.address, group, [topic]) for _ in range(3)]
    wait_for_sharing(members, PARTITIONS)
    sent = send(own.address, topic, "before")
    wait_for_records(members, len(sent))
    for member in members:
        member.commit()
    changes = [member.changes for member in members]
    for round_ in range(2):
        own.restart_after_kill()
        sent += send(own.address, topic, f"after {round_}")
        wait_for_records(members, len(sent))
        settled(members)
    for member in members:
        member.commit()
    assert [member.changes for member in members] == changes, "nobody had to rebalance"
    got = [value for member in members for value in member.records]
    assert sorted(got) == sorted(sent), "nothing is lost, nothing comes twice"
    for member in members:
        member.leave()


def test_members_join_and_leave_while_the_broker_is_killed(own: Broker):
    topic = group = "turmoil"
    create(own.address, topic)
    members = [NewMember(own.address, group, [topic])]
    sent = send(own.address, topic, "first")
    wait_for_records(members, len(sent))
    for round_ in range(3):
        members.append(NewMember(own.address, group, [topic]))
        for member in members:
            member.take(0.05)
        own.restart_after_kill()
        sent += send(own.address, topic, f"round {round_}")
        wait_for_sharing(members, PARTITIONS)
    members.pop(0).leave()
    wait_for_sharing(members, PARTITIONS)
    # Nobody has committed, so what the first one had comes again.
    received = {value for member in members for value in member.records}
    take_until(
        members,
        lambda: {value for member in members for value in member.records} >= set(sent),
        lambda: f"all records; missing {sorted(set(sent) - received)[:5]}",
        40,
    )
    for member in members:
        member.leave()


def test_the_kinds_of_groups_keep_apart_and_take_turns(clients: dict[str, Client], servers: str):
    topic = group = "both-kinds"
    create(servers, topic)
    sent = send(servers, topic, "new")
    new = NewMember(servers, group, [topic])
    wait_for_records([new], len(sent))
    new.commit()
    old = NewMember(servers, group, [topic], group_protocol="classic")
    with pytest.raises(KafkaException, match="(?i)inconsistent"):
        take_until([old, new], lambda: False, lambda: "a refusal", 20)
    old.leave()
    new.leave()

    classic = clients["confluent-kafka"].join(servers, topic, group)
    sent = send(servers, topic, "old")
    got = wait_for_records([classic], len(sent))
    assert sorted(record.value for record in got) == sorted(sent), "from where the other was"
    classic.commit()
    refused = NewMember(servers, group, [topic])
    with pytest.raises(KafkaException, match="(?i)group id does not exist"):
        take_until([refused], lambda: False, lambda: "a refusal", 20)
    refused.leave()
    classic.leave()

    last = NewMember(servers, group, [topic])
    sent = send(servers, topic, "new again")
    assert sorted(wait_for_records([last], len(sent))) == sorted(sent)
    last.leave()
