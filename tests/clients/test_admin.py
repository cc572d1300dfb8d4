"""Topics, partitions in number, settings and deletions, by each client's admin part."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clients.client import Client, DriverClient
from clients.driver import DriverError
from clients.member import wait_for_records
from clients.records import Record
from harness.broker import Broker, wait_until


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


def test_a_setting_of_a_topic_changes_and_goes_back(admin: DriverClient, servers: str, topic: str):
    if not admin.abilities.change_settings:
        pytest.skip(f"{admin.name} changes no settings")
    resource = ("topic", topic)
    before = admin.described_config(servers, resource, "retention.ms")
    assert before == "604800000"
    admin.alter_config(servers, resource, "retention.ms", "3600000")
    assert admin.described_config(servers, resource, "retention.ms") == "3600000"
    admin.alter_config(servers, resource, "retention.ms", None)
    assert admin.described_config(servers, resource, "retention.ms") == before


def test_a_setting_that_cannot_be_is_refused(admin: DriverClient, servers: str, topic: str):
    if not admin.abilities.change_settings:
        pytest.skip(f"{admin.name} changes no settings")
    with pytest.raises(DriverError, match="(?i)soon|config"):
        admin.alter_config(servers, ("topic", topic), "retention.ms", "soon")
    assert admin.described_config(servers, ("topic", topic), "retention.ms") == "604800000"


def test_a_shorter_retention_acts_at_once(
    admin: DriverClient, peer: DriverClient, servers: str, topic: str
):
    if not admin.abilities.change_settings:
        pytest.skip(f"{admin.name} changes no settings")
    admin.alter_config(servers, ("topic", topic), "retention.ms", "-1")
    old = [Record(b"old", None, (), 0, timestamp=1_000_000) for _ in range(3)]
    peer.produce(servers, topic, old)
    assert peer.offset_for_time(servers, topic, 0, 0) == 0
    admin.alter_config(servers, ("topic", topic), "retention.ms", "60000")
    gone = "the records were to go with the shorter retention"
    wait_until(lambda: peer.offset_for_time(servers, topic, 0, 0) is None, 20, gone)
    [place] = peer.produce(servers, topic, [Record(b"new", partition=0)])
    assert place.offset == 3


def test_settings_of_a_group(admin: DriverClient, servers: str):
    if not admin.abilities.group_settings:
        pytest.skip(f"{admin.name} knows no settings of groups")
    resource = ("group", f"settings-{admin.name}")
    setting = "share.record.lock.duration.ms"
    assert admin.described_config(servers, resource, setting) == "30000"
    admin.alter_config(servers, resource, setting, "15000")
    assert admin.described_config(servers, resource, setting) == "15000"
    with pytest.raises(DriverError, match="(?i)3600000|config"):
        admin.alter_config(servers, resource, setting, "1")
    admin.alter_config(servers, resource, setting, None)
    assert admin.described_config(servers, resource, setting) == "30000"


def test_records_before_an_offset_are_deleted(
    admin: DriverClient, peer: DriverClient, servers: str, topic: str
):
    if not admin.abilities.delete_records:
        pytest.skip(f"{admin.name} deletes no records")
    peer.produce(servers, topic, [Record(b"%d" % i, partition=0) for i in range(10)])
    assert admin.delete_records(servers, topic, 0, 4) == 4
    received = peer.consume(servers, topic, {0: None}, 6)
    assert [r.value for r in received] == [b"%d" % i for i in range(4, 10)]
    assert admin.delete_records(servers, topic, 0, -1) == 10
    [place] = peer.produce(servers, topic, [Record(b"new", partition=0)])
    assert place.offset == 10


def test_a_committed_offset_is_deleted(
    admin: DriverClient, peer: DriverClient, servers: str, topic: str
):
    if not admin.abilities.delete_offsets:
        pytest.skip(f"{admin.name} deletes no offsets")
    group = f"offsets-{admin.name}"
    peer.produce(servers, topic, [Record(b"%d" % i, partition=i % 3) for i in range(6)])
    member = peer.join(servers, topic, group)
    wait_for_records([member], 6)
    member.commit()
    assert admin.delete_offset(servers, topic, 1, group) == "GroupSubscribedToTopicError"
    assert peer.committed(servers, topic, group, 3) == {0: 2, 1: 2, 2: 2}
    member.leave()
    assert admin.delete_offset(servers, topic, 1, group) == "NoError"
    assert peer.committed(servers, topic, group, 3) == {0: 2, 2: 2}
