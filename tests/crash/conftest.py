"""A broker of its own for each test, and a seed that is always told."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.broker import Broker

NOTES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Makes the place for what tests want to say at the end of the run."""
    config.stash[NOTES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says it."""
    for note in terminalreporter.config.stash[NOTES]:
        terminalreporter.write_line(note)


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Adds a line to the end of the run's output."""
    return request.config.stash[NOTES].append


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of all random choices of this run; MINKA_SEED repeats them."""
    chosen = int(os.environ.get("MINKA_SEED") or random.SystemRandom().randrange(1 << 32))
    request.config.stash[NOTES].append(f"random choices: MINKA_SEED={chosen}")
    return chosen


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A running broker on an empty data directory."""
    with Broker(tmp_path / "data") as broker:
        yield broker
