"""Fixtures for pytest: a broker in memory for every test that asks for ``minka_broker``.

    def test_orders(minka_broker):
        service = Service(kafka=minka_broker.bootstrap_servers)
        ...
        minka_broker.wait_until_idle("billing", timeout=5)

There is one broker for the test run, or for each worker of pytest-xdist, and its address stays the
same. Every test finds it without topics, groups and faults. What a test has done to it that cannot
be taken back (its clock was moved, it was closed, members were left behind, queue groups had
settings) makes the next test get a new one at the same address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import minka

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta


class _Broker(minka.Broker):
    """A broker that knows whether its clock was moved."""

    moved = False

    def advance_clock(self, by: float | timedelta) -> None:
        self.moved = True
        super().advance_clock(by)


class _Keeper:
    """Keeps a broker, and has it clean for each test."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._broker: _Broker | None = None
        self._address = "127.0.0.1:0"

    def clean(self) -> minka.Broker:
        """The broker, as if it were new."""
        if self._broker is None or not _cleaned(self._broker):
            self.close()
            self._broker = self._open()
        return self._broker

    def close(self) -> None:
        """Ends it."""
        if self._broker is not None:
            self._broker.close()
            self._broker = None

    def _open(self) -> _Broker:
        settings = {"kafka": self._address, **self._settings}
        try:
            broker = _Broker(**settings)
        except minka.Network:
            # Somebody has taken the address meanwhile.
            broker = _Broker(**{**settings, "kafka": "127.0.0.1:0"})
        self._address = broker.bootstrap_servers or self._address
        return broker


def _cleaned(broker: _Broker) -> bool:
    """Takes back what a test has done; ``False`` if that cannot be."""
    if broker.closed or broker.moved:
        return False
    broker.clear_faults()
    with minka.Admin(broker) as admin:
        for group in admin.groups():
            if group.kind == "queue":
                return False
            try:
                admin.delete_group(group.name)
            except minka.NonEmptyGroup:
                return False
            except minka.GroupNotFound:
                pass
        for topic in admin.topics():
            admin.delete_topic(topic.name)
    return True


@pytest.fixture(scope="session")
def minka_broker_settings() -> dict[str, Any]:
    """The settings and hooks of the broker, as for ``minka.Broker``; to be overridden."""
    return {}


@pytest.fixture(scope="session")
def _minka_keeper(minka_broker_settings: dict[str, Any]) -> Iterator[_Keeper]:
    keeper = _Keeper(minka_broker_settings)
    yield keeper
    keeper.close()


@pytest.fixture
def minka_broker(_minka_keeper: _Keeper) -> minka.Broker:
    """A broker in memory without topics and groups. ``minka_broker.bootstrap_servers`` is where
    Kafka clients of any kind connect to."""
    return _minka_keeper.clean()
