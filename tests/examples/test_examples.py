"""Every example of every language runs as it stands, ends, and prints what the others print."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.toolchains import BUILD_SECONDS, LANGUAGES
from harness.broker import Broker

SECONDS = 60.0
DONE = [f"done: job {number}" for number in (0, 1, 2, 4, 5, 6, 8, 9, 3)]

# What an example prints: patterns of lines, in order. Where a word and a colon begin one of them,
# no other line may begin so.
PRINTED = {
    "hello": [r"sent: greetings/0@\d+", "received: hello from {language}"],
    "work_queue": [
        *DONE,
        "released: job 3",
        "rejected: job 7",
        "settled: 9 done, 1 released, 1 rejected",
    ],
    "replay": [
        "from the start: 20 21 22 23 24",
        "from offset 3: 23 24",
        "from time 1700000120000: 22 23 24",
    ],
    "broker_in_process": [
        r"ready: \S+:\d+",
        "received: in process",
        "received: over a socket",
        r"ready: \S+:\d+",
        "received: after a restart",
    ],
    "custom_broker": [
        "sent: orders/0@0",
        "refused: .*an order needs a key.*",
        r"received: order 1, card \*{{16}}",
        "stamped by: custom_broker",
        "login refused: .*wrong password.*",
        "event: topic created: orders",
        "event: login refused: shop",
    ],
}
# Those that use a broker elsewhere when they are given its address.
ANYWHERE = ["hello", "work_queue", "replay"]

languages = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that all languages use one after another."""
    settings = {"group.initial.rebalance.delay.ms": 0}
    with Broker(tmp_path_factory.mktemp("examples") / "data", settings) as broker:
        yield broker


def run(language: str, example: str, directory: Path, *arguments: str) -> list[str]:
    """Runs an example in a directory, in which it must leave nothing; the lines that it prints."""
    tool = LANGUAGES[language]
    source = tool.source(example)
    assert source.exists(), f"there is no example {source}"
    directory.mkdir()
    done = subprocess.run(
        [*tool.command(source), *arguments],
        cwd=directory,
        env={**os.environ, **tool.environment(), "TMPDIR": str(directory)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    assert done.stderr == ""
    assert list(directory.iterdir()) == []
    return done.stdout.splitlines()


def check(language: str, example: str, lines: list[str]) -> None:
    """Fails unless these are the lines of the example."""
    expected = [pattern.format(language=language) for pattern in PRINTED[example]]
    words = tuple({pattern.partition(":")[0] + ":" for pattern in expected})
    shown = [line for line in lines if line.startswith(words)]
    if example == "work_queue":
        # The workers print in any order; the sum is last.
        expected, shown = sorted(expected[:-1]) + expected[-1:], sorted(shown[:-1]) + shown[-1:]
    assert len(shown) == len(expected), lines
    for line, pattern in zip(shown, expected, strict=True):
        assert re.fullmatch(pattern, line), (pattern, lines)


@languages
@pytest.mark.parametrize("example", PRINTED)
@pytest.mark.timeout(BUILD_SECONDS)
def test_it_runs_as_it_stands(language: str, example: str, tmp_path: Path) -> None:
    check(language, example, run(language, example, tmp_path / "here"))


@languages
@pytest.mark.parametrize("example", ANYWHERE)
@pytest.mark.timeout(BUILD_SECONDS)
def test_it_runs_on_a_broker_elsewhere(
    language: str, example: str, broker: Broker, tmp_path: Path
) -> None:
    for turn in ("first", "again"):
        check(language, example, run(language, example, tmp_path / turn, broker.address))


@languages
def test_there_are_no_other_examples(language: str) -> None:
    tool = LANGUAGES[language]
    found = {path.parent.name if language == "go" else path.stem for path in _sources(language)}
    assert found == PRINTED.keys(), tool.folder


def _sources(language: str) -> list[Path]:
    """The programs in the folder of a language."""
    tool = LANGUAGES[language]
    return [path for path in tool.folder.glob(tool.pattern.format("*")) if path.is_file()]
