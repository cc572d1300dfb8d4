"""What the tests of the Python package share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from world import World

pytest_plugins = ["pytester"]


@pytest.fixture
def open_world() -> Iterator[Callable[..., World]]:
    """Opens brokers with the way to them, and closes them after the test."""
    worlds: list[World] = []

    def opened(place: str, **settings: Any) -> World:
        worlds.append(World(place, **settings))
        return worlds[-1]

    yield opened
    for world in worlds:
        world.broker.close()


@pytest.fixture(params=["in-process", "socket"])
def world(request: pytest.FixtureRequest, open_world: Callable[..., World]) -> World:
    """A broker in memory, by either way."""
    return open_world(request.param)


@pytest.fixture
def here(open_world: Callable[..., World]) -> World:
    """A broker in memory, in this process."""
    return open_world("in-process")
