"""A broker of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.broker import Broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A running broker on an empty data directory."""
    with Broker(tmp_path / "data", {"group.initial.rebalance.delay.ms": 0}) as broker:
        yield broker
