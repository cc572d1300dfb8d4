"""`minka log`: what stands in mensajes.log, also of a running broker, and whether it is whole."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

from harness.broker import Broker
from harness.programs import OnTerminal, Program, objects, path, run, succeed
from programs.stored import stored, values

LINE = re.compile(r" *(\d+)  (\S+Z)  (\S+)/(\d+)@(\d+) +(\S+) +(.*)")


def log(broker: Broker, *options: str) -> str:
    """What `minka log` prints."""
    return succeed(None, "minka", "log", "--data", str(broker.data), *options)


def test_it_agrees_with_what_was_sent(broker: Broker):
    for codec in ["none", "zstd"]:
        lines = "".join(f"k{n}={codec} {n}\n" for n in range(100)).encode()
        command = ["producer", "--compression", codec, "--key-separator", "="]
        succeed(broker.address, *command, stdin=lines)
    found = [LINE.fullmatch(line).groups() for line in log(broker).splitlines()]
    assert [(topic, key, value) for _, _, topic, _, _, key, value in found] == [
        ("mensajes", f"k{n}", f"{codec} {n}") for codec in ["none", "zstd"] for n in range(100)
    ]
    ids = [int(line[0]) for line in found]
    assert ids == sorted(set(ids))
    assert [int(line[4]) for line in found] == list(range(200))
    assert log(broker, "--last", "1").split()[0] == str(ids[-1])


def test_topics_are_told_apart_also_one_that_is_gone(broker: Broker):
    for topic in ["kept", "gone"]:
        succeed(broker.address, "producer", "--topic", topic, stdin=f"of {topic}\n".encode())
    succeed(broker.address, "minka", "topic", "delete", "gone")
    broker.stop()
    broker.start()
    assert values(broker, "kept") == ["of kept"]
    assert values(broker, "gone") == ["of gone"]
    state = log(broker, "--state")
    for event in ["SessionStarted", "TopicCreated", "TopicDeleted", "name=gone"]:
        assert event in state
    assert all(json.loads(line) for line in log(broker, "--state", "--json").splitlines())


def test_it_follows_a_running_broker_through_rotations(tmp_path: Path):
    with Broker(tmp_path / "data", {"log.segment.bytes": 65536}) as broker:
        command = ["minka", "log", "--data", str(broker.data), "--follow", "--json"]
        with Program(None, *command) as following:
            succeed(broker.address, "producer", "--count", "1500", "--size", "300")
            first = objects("\n".join(following.lines(1500)))
            broker.restart_after_kill()
            succeed(broker.address, "producer", stdin=b"after the crash\n")
            last = json.loads(following.line())
            following.send(signal.SIGINT)
            following.end()
        assert [int(m["value"].split()[0]) for m in first] == list(range(1500))
        assert last["value"] == "after the crash"
        assert last["id"] > first[-1]["id"]
        assert len(list(broker.data.glob("mensajes-*.log"))) > 2
        assert [m["id"] for m in stored(broker, "mensajes")] == [m["id"] for m in [*first, last]]


def test_check_finds_a_flipped_byte_and_only_that(broker: Broker):
    for n in range(5):
        succeed(broker.address, "producer", stdin=f"message number {n}\n".encode())
    assert "everything is as it was written" in log(broker, "--check")
    file = broker.data / "mensajes.log"
    whole = file.read_bytes()
    at = whole.index(b"message number 2")
    file.write_bytes(whole[:at] + b"M" + whole[at + 1 :])
    done = run(None, "minka", "log", "--data", str(broker.data), "--check")
    assert done.returncode == 1
    assert re.search(rb"DAMAGED mensajes.log: bytes \d+ to \d+ held 1 record", done.stdout)
    assert b"of mensajes/0" in done.stdout
    done = run(None, "minka", "log", "--data", str(broker.data), "--check", "--json")
    [found] = json.loads(done.stdout)["damaged"]
    assert found["from"] < at < found["to"]
    assert values(broker, "mensajes") == [f"message number {n}" for n in (0, 1, 3, 4)]
    file.write_bytes(whole)
    assert json.loads(log(broker, "--check", "--json"))["damaged"] == []


def test_a_torn_tail_is_no_damage(broker: Broker):
    succeed(broker.address, "producer", stdin=b"whole\n")
    broker.kill()
    file = broker.data / "mensajes.log"
    file.write_bytes(file.read_bytes() + b"torn")
    out = log(broker, "--check")
    assert "the last 4 bytes are no whole entry" in out
    assert "everything else is as it was written" in out


def test_a_closed_pipe_ends_it_quietly(broker: Broker):
    succeed(broker.address, "producer", "--count", "20000")
    command = [path("minka"), "log", "--data", str(broker.data)]
    done = subprocess.run(
        ["sh", "-c", '"$@" | head -n 1; exit "$?"', "sh", *command], capture_output=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"\n") == 1


def test_colours_on_a_terminal(broker: Broker):
    succeed(broker.address, "producer", stdin=b"seen\n")
    with OnTerminal(None, "minka", "log", "--data", str(broker.data)) as terminal:
        assert terminal.end() == 0
    assert "seen" in terminal.shown
    assert b"\x1b[2m" in terminal.raw


def test_no_log_there(tmp_path: Path):
    for place in [tmp_path, tmp_path / "missing"]:
        done = run(None, "minka", "log", "--data", str(place))
        assert (done.returncode, done.stdout) == (1, b"")
        assert str(place).encode() in done.stderr and b"--data" in done.stderr
