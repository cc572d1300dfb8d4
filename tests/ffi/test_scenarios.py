"""What has to be true in every language, in C: as it is, under sanitizers, and under valgrind."""

from __future__ import annotations

import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import pytest

from ffi.toolchain import LIST, SOURCES, VALGRIND, misuse, run, scenarios

TARGETS = {
    "both": ["in-process", "socket"],
    "in-process": ["in-process"],
    "socket": ["socket"],
}
MISUSES = sorted(path.stem for path in (SOURCES / "misuse").glob("*.c"))
# Valgrind is slow: what touches most of the memory that is lent and given.
UNDER_VALGRIND = [
    "produce_and_consume",
    "batches_and_receipts",
    "queue_release_and_reject",
    "partition_group_commits",
    "admin_topics",
    "admin_groups",
    "wrong_arguments",
    "admission_changes_and_rejects",
    "event_stream",
    "close_twice",
]
MISUSES_UNDER_VALGRIND = ["null_arguments", "wrong_order", "delivery_reports"]
AT_ONCE = 4


def listed() -> list[tuple[str, str]]:
    """The scenarios of LIST, each with one target."""
    lines = [line.split() for line in LIST.read_text().splitlines()]
    chosen = [words for words in lines if words[:1] == ["scenario"]]
    return [(words[1], target) for words in chosen for target in TARGETS[words[2]]]


SCENARIOS = listed()


@cache
def runs(checked: bool) -> dict[tuple[str, str], Future[str]]:
    """Runs all scenarios, a few at a time: most of them wait most of the time."""
    program = scenarios(checked)
    pool = ThreadPoolExecutor(AT_ONCE)
    return {one: pool.submit(run, program, *one) for one in SCENARIOS}


def test_the_program_has_the_scenarios_of_the_list() -> None:
    found = [tuple(line.split()) for line in run(scenarios(False), "--list").splitlines()]
    assert sorted(found) == sorted(SCENARIOS)


@pytest.mark.parametrize(("name", "target"), SCENARIOS)
def test_scenario(name: str, target: str) -> None:
    runs(False)[name, target].result()


@pytest.mark.parametrize(("name", "target"), SCENARIOS)
def test_scenario_under_sanitizers(name: str, target: str) -> None:
    runs(True)[name, target].result()


@pytest.mark.parametrize("name", MISUSES)
def test_misuse(name: str) -> None:
    run(misuse(name, checked=False))


@pytest.mark.parametrize("name", MISUSES)
def test_misuse_under_sanitizers(name: str) -> None:
    run(misuse(name, checked=True))


@cache
def runs_under_valgrind() -> dict[str, Future[str]]:
    """Runs what is run under valgrind."""
    pool = ThreadPoolExecutor(AT_ONCE)
    program = scenarios(False)
    started = {
        name: pool.submit(run, *VALGRIND, program, name, "in-process") for name in UNDER_VALGRIND
    }
    for name in MISUSES_UNDER_VALGRIND:
        started[name] = pool.submit(run, *VALGRIND, misuse(name, checked=False))
    return started


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")
@pytest.mark.parametrize("name", UNDER_VALGRIND + MISUSES_UNDER_VALGRIND)
def test_under_valgrind(name: str) -> None:
    runs_under_valgrind()[name].result()
