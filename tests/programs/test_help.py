"""What every program says about itself, and what it says when it is asked for nonsense."""

from __future__ import annotations

import pytest

from harness.programs import OnTerminal, run, succeed

COMMANDS = [
    ["producer"],
    ["consumer"],
    ["minka"],
    ["minka", "topic"],
    ["minka", "topic", "create"],
    ["minka", "topic", "alter"],
    ["minka", "group"],
    ["minka", "group", "reset"],
    ["minka", "produce"],
    ["minka", "consume"],
    ["minka", "log"],
    ["minka", "bench"],
    ["minka", "top"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_teaches(command: list[str]):
    text = succeed(None, *command, "--help")
    assert "Usage: " + " ".join(command) in text
    assert all(len(line) <= 100 for line in text.splitlines())
    if len(command) < 3:
        assert "Examples:" in text
    if command[-1] not in ("minka", "log"):
        assert "127.0.0.1:9092" in text, "the default broker is not shown"


@pytest.mark.parametrize(
    "command",
    [
        ["producer", "--nonsense"],
        ["producer", "--acks", "2"],
        ["producer", "--compression", "rar"],
        ["producer", "--count", "many"],
        ["producer", "--count", "1", "--file", "x"],
        ["producer", "--size", "10"],
        ["producer", "--broker", "nowhere"],
        ["producer", "--timeout", "soon"],
        ["consumer", "--group", ""],
        ["consumer", "--count", "-1"],
        ["minka"],
        ["minka", "nonsense"],
        ["minka", "topic", "create"],
        ["minka", "topic", "create", "t", "--partitions", "0"],
        ["minka", "topic", "create", "t", "--set", "nonsense"],
        ["minka", "topic", "alter", "t"],
        ["minka", "group", "reset", "g", "--topic", "t", "--to", "yesterday"],
        ["minka", "log", "--check", "--follow"],
        ["minka", "bench", "--producers", "0"],
    ],
    ids=" ".join,
)
def test_nonsense_is_refused_with_2(command: list[str]):
    done = run(None, *command)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Usage:" in done.stderr or b"For more information, try '--help'" in done.stderr
    assert b"\x1b" not in done.stderr


def test_the_environment_names_the_broker():
    done = run(None, "producer", MINKA_BROKER="127.0.0.1:1")
    assert done.returncode == 1
    assert b"127.0.0.1:1" in done.stderr
    done = run(None, "producer", MINKA_BROKER="nowhere")
    assert done.returncode == 2
    assert b"nowhere" in done.stderr


def test_errors_are_red_on_a_terminal_alone():
    command = ["minka", "topic", "list", "--broker", "127.0.0.1:1"]
    with OnTerminal(None, *command) as terminal:
        assert terminal.end() == 1
    assert b"\x1b[1;31merror:" in terminal.raw
    with OnTerminal(None, *command, NO_COLOR="1") as terminal:
        assert terminal.end() == 1
    assert b"\x1b" not in terminal.raw
    assert b"\x1b" not in run(None, *command).stderr
