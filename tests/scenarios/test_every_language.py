"""Each language's suite has every scenario of LIST, and none that is not in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = {"both", "in-process", "socket"}

# Where the tests of a language are: a directory, the files in it that hold scenarios, and what
# the definition of one looks like.
SUITES = {
    "rust": (
        "core/tests/scenarios",
        re.compile(r"main\.rs$"),
        re.compile(r"^ +[a-z]+::([a-z_]+)$", re.MULTILINE),
    ),
    "c": (
        "ffi/tests/scenarios",
        re.compile(r"\.(c|h|def)$"),
        re.compile(r"\b(?:scenario_([a-z_]+)\s*\(|SCENARIO\(\s*([a-z_]+))"),
    ),
    "python": (
        "bindings/python/tests",
        re.compile(r"(^|/)(test_scenarios?[a-z_]*|scenarios?/test_[a-z_]+)\.py$"),
        re.compile(r"^ *(?:async )?def test_([a-z_]+)\(", re.MULTILINE),
    ),
    "node": (
        "bindings/node/test",
        re.compile(r"scenario[^/]*(/[^/]*)?\.[cm]?[jt]s$"),
        re.compile(r"\bscenario\(\s*['\"`]([a-z_]+)['\"`]"),
    ),
}


def listed() -> dict[str, str]:
    """The scenarios of LIST with their targets."""
    found: dict[str, str] = {}
    for line in Path(__file__).with_name("LIST").read_text().splitlines():
        words = line.split(maxsplit=3)
        if words and words[0] == "scenario":
            assert words[1] not in found, f"{words[1]} is listed twice"
            assert words[2] in TARGETS, line
            assert len(words) == 4 and words[3].endswith("."), f"{words[1]} has no sentence"
            found[words[1]] = words[2]
    return found


def sources(directory: str, names: re.Pattern[str]) -> Iterator[Path]:
    """The files of a suite."""
    base = ROOT / directory
    for path in sorted(base.rglob("*")):
        inside = path.relative_to(base).as_posix()
        if path.is_file() and "node_modules" not in inside and names.search(inside):
            yield path


@pytest.mark.parametrize("language", SUITES)
def test_it_has_every_scenario_and_no_other(language: str) -> None:
    directory, names, definition = SUITES[language]
    defined: set[str] = set()
    for path in sources(directory, names):
        for groups in definition.findall(path.read_text()):
            defined.add(groups if isinstance(groups, str) else next(filter(None, groups)))
    wanted = listed().keys()
    missing, unknown = sorted(wanted - defined), sorted(defined - wanted)
    assert not missing, f"{directory} lacks {', '.join(missing)}"
    assert not unknown, f"{directory} has what is not in LIST: {', '.join(unknown)}"


def test_the_errors_of_the_list_are_numbered_once() -> None:
    lines = Path(__file__).with_name("LIST").read_text().splitlines()
    errors = [line.split()[1:] for line in lines if line.startswith("error ")]
    assert len(errors) >= 10
    for number, name, retry in errors:
        assert number.isdecimal() and re.fullmatch("[A-Z_]+", name), (number, name)
        assert retry in {"retriable", "final"}, name
    for column in range(2):
        assert len({error[column] for error in errors}) == len(errors)
