"""`consumer`: groups that share the work, and nothing lost by kill, Ctrl-C or a closed pipe."""

from __future__ import annotations

import signal
from collections import Counter

import pytest

from harness.broker import Broker
from harness.programs import OnTerminal, Program, objects, run, succeed

BOTH = pytest.mark.parametrize("kind", [[], ["--partitions"]], ids=["queue", "partitions"])


def send(broker: Broker, first: int, count: int, *options: str) -> list[str]:
    """Sends numbers as messages; returns them."""
    numbers = [str(number) for number in range(first, first + count)]
    succeed(broker.address, "producer", *options, stdin="\n".join(numbers).encode())
    return numbers


@BOTH
def test_it_prints_one_line_for_each_message(broker: Broker, kind: list[str]):
    sent = send(broker, 0, 300)
    out = succeed(broker.address, "consumer", "--from-beginning", "--count", "300", *kind)
    assert out.splitlines() == sent


@BOTH
def test_what_was_printed_does_not_come_again_and_the_rest_does(broker: Broker, kind: list[str]):
    sent = send(broker, 0, 100)
    first = succeed(broker.address, "consumer", "--from-beginning", "--count", "30", *kind)
    rest = succeed(broker.address, "consumer", "--count", "70", *kind)
    assert first.splitlines() + rest.splitlines() == sent


@BOTH
def test_every_group_gets_every_message(broker: Broker, kind: list[str]):
    sent = send(broker, 0, 50)
    for group in ["one", "two"]:
        command = ["consumer", "--group", group, "--from-beginning", "--count", "50", *kind]
        assert succeed(broker.address, *command).splitlines() == sent


@BOTH
def test_json_has_everything(broker: Broker, kind: list[str]):
    succeed(broker.address, "producer", "--key-separator", "=", stdin=b"k=v\n\xff=\xfe\nplain\n")
    command = ["consumer", "--from-beginning", "--count", "3", "--json", *kind]
    first, second, third = objects(succeed(broker.address, *command))
    place = ("mensajes", 0, 0, 1)
    assert (
        first["topic"],
        first["partition"],
        first["offset"],
        first["delivery_count"],
    ) == place
    assert (first["key"], first["value"], first["headers"]) == ("k", "v", [])
    assert (second["key_base64"], second["value_base64"]) == ("/w==", "/g==")
    assert (third["key"], third["value"]) == (None, "plain")


def test_several_topics(broker: Broker):
    send(broker, 0, 1, "--topic", "a")
    send(broker, 1, 1, "--topic", "b")
    command = ["--topic", "a", "--topic", "b", "--from-beginning", "--count", "2", "--verbose"]
    out = succeed(broker.address, "consumer", *command)
    assert sorted(out.splitlines()) == ["a/0@0  0", "b/0@0  1"]


def test_it_waits_for_a_topic_and_for_messages(broker: Broker):
    with Program(broker.address, "consumer", "--from-beginning", "--count", "5") as consumer:
        sent = send(broker, 0, 5)
        assert consumer.lines(5) == sent
        status, out, errors = consumer.end()
    assert (status, out) == (0, ""), errors


def test_two_share_the_work_and_one_is_killed(broker: Broker):
    first, second = (
        Program(broker.address, "consumer", "--from-beginning", "--json") for _ in range(2)
    )
    producer = Program(broker.address, "producer", "--count", "1500", "--rate", "500")
    with first, second, producer:
        got = [*first.lines(20), *second.lines(20)]
        first.send(signal.SIGKILL)
        got += first.end()[1].splitlines()
        # What the killed one had and did not accept comes to the other.
        while len({message["value"] for message in objects("\n".join(got))}) < 1500:
            got.append(second.line(60))
        status, out, errors = producer.end()
        assert status == 0 and "1,500 messages, all acknowledged" in out, (out, errors)
        second.send(signal.SIGINT)
        status, out, errors = second.end()
    assert status == 0, errors
    messages = objects("\n".join(got) + "\n" + out)
    counts = Counter(int(message["value"].split()[0]) for message in messages)
    assert set(counts) == set(range(1500))
    # Only what was printed and not yet accepted by the one that was killed may come twice.
    again = {int(m["value"].split()[0]) for m in messages if m["delivery_count"] > 1}
    assert {number for number, count in counts.items() if count > 1} <= again


@BOTH
def test_ctrl_c_loses_nothing(broker: Broker, kind: list[str]):
    sent = send(broker, 0, 100)
    with Program(broker.address, "consumer", "--from-beginning", *kind) as consumer:
        got = consumer.lines(100)
        consumer.send(signal.SIGINT)
        status, out, errors = consumer.end()
    assert (status, out, errors) == (0, "", "")
    assert got == sent
    more = send(broker, 100, 20)
    out = succeed(broker.address, "consumer", "--count", "20", *kind)
    assert out.splitlines() == more


@BOTH
def test_a_closed_pipe_ends_it_and_what_was_not_printed_is_not_accepted(
    broker: Broker, kind: list[str]
):
    sent = send(broker, 0, 10)
    with Program(broker.address, "consumer", "--from-beginning", *kind) as consumer:
        got = consumer.lines(10)
        consumer.process.stdout.close()
        more = send(broker, 10, 20)
        status = consumer.process.wait(30)
        errors = consumer.process.stderr.read()
    assert (status, errors) == (0, b"")
    assert got == sent
    out = succeed(broker.address, "consumer", "--count", "20", *kind)
    assert out.splitlines() == more


def test_it_survives_a_restart_of_the_broker(broker: Broker):
    sent = send(broker, 0, 50)
    with Program(broker.address, "consumer", "--from-beginning") as consumer:
        got = consumer.lines(50)
        broker.restart_after_kill()
        more = send(broker, 50, 50)
        while not set(more) <= set(got):
            got.append(consumer.line(60))
        consumer.send(signal.SIGINT)
        status, _, errors = consumer.end()
    assert status == 0, errors
    assert set(got) == {*sent, *more}


def test_a_terminal_is_shown_where_messages_are_and_is_not_driven(broker: Broker):
    succeed(broker.address, "producer", "--key", "k", stdin=b"\x1b[31mred\x07\n")
    command = ["consumer", "--from-beginning", "--count", "1"]
    with OnTerminal(broker.address, *command) as terminal:
        assert terminal.end() == 0
    assert "mensajes/0@0  k  \\u{1b}[31mred\\u{7}" in terminal.shown
    assert b"\x1b[2m" in terminal.raw
    command += ["--group", "other"]
    with OnTerminal(broker.address, *command, NO_COLOR="1") as terminal:
        assert terminal.end() == 0
    assert b"\x1b[2m" not in terminal.raw


def test_no_broker_is_a_sentence():
    done = run("127.0.0.1:1", "consumer")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"no broker answers at 127.0.0.1:1" in done.stderr
