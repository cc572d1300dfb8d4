"""`minka topic`, `group`, `bench` and `top`: tables for people, JSON for programs."""

from __future__ import annotations

import json
import re
import signal

import pytest

from harness.broker import Broker
from harness.programs import OnTerminal, Program, objects, run, succeed


def answer(broker: Broker, *command: str):
    """What `minka ... --json` says."""
    return json.loads(succeed(broker.address, "minka", *command, "--json"))


def send(broker: Broker, topic: str, count: int) -> None:
    """Sends so many messages."""
    lines = "".join(f"{n}\n" for n in range(count)).encode()
    succeed(broker.address, "producer", "--topic", topic, stdin=lines)


def test_the_life_of_a_topic(broker: Broker):
    command = ["topic", "create", "orders", "--partitions", "3", "--set", "retention.ms=86400000"]
    assert answer(broker, *command) == {"created": "orders", "partitions": 3}
    send(broker, "orders", 10)
    [topic] = answer(broker, "topic", "list")
    assert topic == {"name": "orders", "partitions": 3, "messages": 10}
    described = answer(broker, "topic", "describe", "orders")
    assert sum(p["end"] - p["start"] for p in described["partitions"]) == 10
    assert described["settings"]["retention.ms"] == "86400000"
    answer(broker, "topic", "alter", "orders", "--partitions", "5")
    assert len(answer(broker, "topic", "describe", "orders")["partitions"]) == 5
    assert answer(broker, "topic", "delete", "orders") == {"deleted": "orders"}
    assert answer(broker, "topic", "list") == []


def test_settings_of_a_topic_can_be_changed(broker: Broker):
    answer(broker, "topic", "create", "t")
    answer(broker, "topic", "alter", "t", "--set", "retention.ms=1000")
    assert answer(broker, "topic", "describe", "t")["settings"]["retention.ms"] == "1000"
    answer(broker, "topic", "alter", "t", "--unset", "retention.ms")
    assert answer(broker, "topic", "describe", "t")["settings"]["retention.ms"] != "1000"


def test_tables_in_a_pipe_and_on_a_terminal(broker: Broker):
    for topic, count in [("a", 1), ("longer-name", 1000)]:
        send(broker, topic, count)
    out = succeed(broker.address, "minka", "topic", "list")
    assert out.splitlines() == [
        "TOPIC        PARTITIONS  MESSAGES",
        "a                     1         1",
        "longer-name           1     1,000",
    ]
    with OnTerminal(broker.address, "minka", "topic", "list") as terminal:
        assert terminal.end() == 0
    assert "\u2502" in terminal.shown and "longer-name" in terminal.shown


@pytest.mark.parametrize(
    "command",
    [
        ["topic", "describe", "missing"],
        ["topic", "delete", "missing"],
        ["topic", "alter", "missing", "--partitions", "3"],
        ["topic", "create", "no spaces"],
        ["topic", "create", "there"],
        ["topic", "create", "other", "--set", "no.such.setting=1"],
        ["group", "describe", "missing"],
        ["group", "delete", "missing"],
        ["group", "reset", "missing", "--topic", "missing", "--to", "earliest"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_a_sentence(broker: Broker, command: list[str]):
    send(broker, "there", 1)
    done = run(broker.address, "minka", *command)
    assert (done.returncode, done.stdout) == (1, b"")
    name = b"no.such.setting" if "--set" in command else command[2].encode()
    assert done.stderr.startswith(b"error: ") and name in done.stderr
    if command[0] == "topic" and name == b"missing":
        assert b"there is no topic missing" in done.stderr


@pytest.mark.parametrize("kind", ["queue", "partitions"])
def test_the_life_of_a_group(broker: Broker, kind: str):
    options = ["--partitions"] if kind == "partitions" else []
    send(broker, "t", 20)
    command = ["consumer", "--topic", "t", "--group", "g", "--from-beginning", *options]
    succeed(broker.address, *command, "--count", "5")
    [group] = answer(broker, "group", "list")
    assert (group["name"], group["kind"]) == ("g", kind)
    described = answer(broker, "group", "describe", "g")
    assert described["members"] == []
    [partition] = described["partitions"]
    assert (partition["committed"], partition["end"], partition["lag"]) == (5, 20, 15)
    assert (partition["in_flight"] is not None) == (kind == "queue")
    with Program(broker.address, *command) as consumer:
        consumer.lines(15)
        [member] = answer(broker, "group", "describe", "g")["members"]
        assert member["client_id"] == "minka-consumer"
        done = run(broker.address, "minka", "group", "delete", "g")
        assert done.returncode == 1 and b"g" in done.stderr
        consumer.send(signal.SIGINT)
        consumer.end()
    answer(broker, "group", "reset", "g", "--topic", "t", "--to", "18")
    assert succeed(broker.address, *command, "--count", "2").splitlines() == ["18", "19"]
    answer(broker, "group", "reset", "g", "--topic", "t", "--to", "earliest")
    assert answer(broker, "group", "describe", "g")["partitions"][0]["lag"] == 20
    answer(broker, "group", "delete", "g")
    assert answer(broker, "group", "list") == []


def test_groups_are_shown_to_people(broker: Broker):
    send(broker, "t", 3)
    with Program(broker.address, "consumer", "--topic", "t", "--from-beginning") as consumer:
        consumer.lines(3)
        out = succeed(broker.address, "minka", "group", "describe", "grupo")
        assert out.startswith("group grupo (queue): ")
        assert re.search(r"TOPIC +PARTITION +START +END +LAG +IN FLIGHT +REDELIVERED", out)
        assert "grupo" in succeed(broker.address, "minka", "group", "list")


def test_produce_and_consume_are_the_two_programs(broker: Broker):
    succeed(broker.address, "minka", "produce", "--topic", "t", stdin=b"hello\n")
    command = ["consume", "--topic", "t", "--from-beginning", "--count", "1"]
    assert succeed(broker.address, "minka", *command) == "hello\n"


def test_bench_measures_and_leaves_nothing_behind(broker: Broker):
    command = ["bench", "--rate", "2000", "--size", "200"]
    result = answer(broker, *command, "--duration", "1s")
    assert result["sent"] == result["acknowledged"] == result["received"] > 0
    for latencies in (result["acknowledged_us"], result["received_us"]):
        assert latencies["count"] == result["sent"]
        assert latencies["p50"] <= latencies["p99"] <= latencies["max"]
    assert answer(broker, "topic", "list") == []
    done = run(broker.address, "minka", *command, "--duration", "2s")
    assert done.returncode == 0
    assert b"\nacknowledged " in done.stdout and b"\nreceived " in done.stdout
    assert b"acknowledged" in done.stderr


def test_top_in_a_pipe_is_a_line_each_time(broker: Broker):
    send(broker, "t", 5)
    out = succeed(broker.address, "minka", "top", "--times", "2", "--interval", "100ms")
    lines = out.splitlines()
    assert len(lines) == 2 and all("1 topics" in line for line in lines)
    out = succeed(broker.address, "minka", "top", "--times", "2", "--interval", "100ms", "--json")
    first, second = objects(out)
    assert first["topics"][0]["messages"] == second["topics"][0]["messages"] == 5


def test_top_on_a_terminal_gives_it_back(broker: Broker):
    send(broker, "t", 5)
    with OnTerminal(broker.address, "minka", "top", "--interval", "100ms") as terminal:
        terminal.wait_for("Ctrl-C ends")
        terminal.wait_for("MESSAGES/S")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 0
    assert terminal.raw.startswith(b"\x1b[?1049h") and terminal.raw.endswith(b"\x1b[?1049l")


def test_no_broker_is_a_sentence():
    for command in [["topic", "list"], ["group", "list"], ["top"], ["bench"], ["consume"]]:
        done = run("127.0.0.1:1", "minka", *command)
        assert (done.returncode, done.stdout) == (1, b"")
        assert b"no broker answers at 127.0.0.1:1" in done.stderr


def test_a_closed_pipe_ends_a_table_quietly(broker: Broker):
    with Program(broker.address, "minka", "top", "--interval", "50ms") as top:
        top.line()
        top.process.stdout.close()
        assert top.process.wait(30) == 0
        assert top.process.stderr.read() == b""
