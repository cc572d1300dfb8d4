"""The fixture `minka_broker`, in test runs of its own."""

from __future__ import annotations

import pytest


def passes(pytester: pytest.Pytester, code: str, *arguments: str, **outcomes: int) -> None:
    """Runs tests, which must have these outcomes."""
    pytester.makepyfile(code)
    # In a process of its own: this one has the plugin loaded and clients of its own.
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)
    result.assert_outcomes(**outcomes)


def test_each_test_has_a_clean_broker_at_one_address(pytester: pytest.Pytester) -> None:
    code = """
import minka, pytest

addresses = set()

@pytest.mark.parametrize("turn", range(4))
def test_it(minka_broker, turn):
    addresses.add(minka_broker.bootstrap_servers)
    assert len(addresses) == 1
    with minka.Admin(minka_broker) as admin:
        assert (admin.topics(), admin.groups()) == ([], [])
    with minka.Producer(minka_broker.bootstrap_servers) as producer:
        assert producer.send("t", b"v").offset == 0
    with minka.Consumer(minka_broker, "g", topics="t", group_type="partitions") as consumer:
        assert consumer.poll(10)[0].value == b"v"
    minka_broker.wait_until_idle("g", timeout=10)
    minka_broker.fault("Produce", error=minka.PolicyViolation)
"""
    passes(pytester, code, passed=4)


def test_what_cannot_be_taken_back_gets_a_new_broker(pytester: pytest.Pytester) -> None:
    code = """
import time
import minka, pytest

addresses = set()
left = []

def move(broker):
    broker.advance_clock(24 * 3600)

def close(broker):
    broker.close()

def leave_members(broker):
    left.append(minka.Consumer(broker.bootstrap_servers, "g", topics="t", group_type="partitions"))
    assert left[-1].poll(10)

def leave_a_queue(broker):
    with minka.Admin(broker) as admin:
        admin.alter_group("g", {"share.auto.offset.reset": "earliest"})
    with minka.Consumer(broker, "g", topics="t") as consumer:
        assert consumer.poll(10)

@pytest.mark.parametrize("do", [move, close, leave_members, leave_a_queue, lambda broker: None])
def test_it(minka_broker, do):
    addresses.add(minka_broker.bootstrap_servers)
    assert len(addresses) == 1
    with minka.Admin(minka_broker) as admin:
        assert (admin.topics(), admin.groups()) == ([], [])
        with minka.Producer(minka_broker) as producer:
            receipt = producer.send("t", b"v")
            assert abs(receipt.timestamp / 1000 - time.time()) < 60
        with minka.Consumer(minka_broker, "g", topics="t") as consumer:
            assert not consumer.poll(0.1)
        assert [group.name for group in admin.groups()] == ["g"]
        admin.delete_group("g")
    do(minka_broker)
"""
    passes(pytester, code, passed=5)


def test_the_broker_has_settings_of_the_project(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
import pytest

@pytest.fixture(scope="session")
def minka_broker_settings():
    return {"num_partitions": 7}
""")
    code = """
import minka

def test_it(minka_broker):
    with minka.Admin(minka_broker) as admin:
        admin.create_topic("t")
        assert admin.topics()[0].partitions == 7
"""
    passes(pytester, code, passed=1)


def test_each_worker_of_xdist_has_its_own(pytester: pytest.Pytester) -> None:
    code = """
import minka, pytest

@pytest.mark.parametrize("turn", range(10))
def test_it(minka_broker, turn):
    with minka.Producer(minka_broker.bootstrap_servers) as producer:
        assert producer.send("t", b"v").offset == 0
"""
    passes(pytester, code, "-n", "2", passed=10)
