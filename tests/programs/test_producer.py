"""`producer`: lines, files, made-up messages, and what it says about them."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

from harness.broker import Broker, wait_until
from harness.programs import OnTerminal, Program, objects, run, succeed
from programs.stored import stored, values


def test_each_line_of_standard_input_is_a_message(broker: Broker):
    out = succeed(broker.address, "producer", stdin=b"one\ntwo words\n\nlast")
    assert re.match(r"sent 4 messages, all acknowledged", out), out
    assert values(broker, "mensajes") == ["one", "two words", "", "last"]


def test_a_file_with_keys(broker: Broker, tmp_path: Path):
    file = tmp_path / "orders.txt"
    file.write_text("".join(f"customer{n % 5}:order {n}:x\n" for n in range(40)))
    succeed(broker.address, "minka", "topic", "create", "orders", "--partitions", "4")
    command = ["--topic", "orders", "--file", str(file), "--key-separator", ":"]
    succeed(broker.address, "producer", *command)
    messages = stored(broker, "orders")
    assert sorted(m["value"] for m in messages) == sorted(f"order {n}:x" for n in range(40))
    homes = {(m["key"], m["partition"]) for m in messages}
    assert len(homes) == 5, homes
    for key in {key for key, _ in homes}:
        numbers = [int(m["value"].split()[1].split(":")[0]) for m in messages if m["key"] == key]
        assert numbers == sorted(numbers)


def test_made_up_messages_have_their_number_and_size(broker: Broker):
    succeed(broker.address, "producer", "--count", "200", "--size", "50", "--key", "k")
    messages = stored(broker, "mensajes")
    assert [m["value"].split()[0] for m in messages] == [str(n) for n in range(200)]
    assert {len(m["value"]) for m in messages} == {50}
    assert {m["key"] for m in messages} == {"k"}


def test_every_acknowledgement_and_compression(broker: Broker):
    for acks in ["all", "1", "0"]:
        for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
            text = f"acks {acks} {codec}".encode()
            command = ["producer", "--acks", acks, "--compression", codec]
            out = succeed(broker.address, *command, stdin=text)
            assert ("without acknowledgement" in out) == (acks == "0"), out
    # Nobody has said of the last ones that they have arrived.
    wait_until(lambda: len(set(values(broker, "mensajes"))) == 15, 10, "all messages are there")


def test_receipts_are_json(broker: Broker):
    out = succeed(broker.address, "producer", "--json", "--topic", "t", stdin=b"a\nb\nc\n")
    *receipts, summary = objects(out)
    assert [(r["topic"], r["partition"], r["offset"]) for r in receipts] == [
        ("t", 0, n) for n in range(3)
    ]
    assert (summary["sent"], summary["acknowledged"], summary["failed"]) == (3, 3, 0)
    out = succeed(broker.address, "producer", "--verbose", "--topic", "t", stdin=b"d\n")
    assert "t/0@3" in out.splitlines()[0], out


def test_a_broker_that_dies_and_stays_away_is_a_failure(broker: Broker):
    command = ["producer", "--count", "100000", "--rate", "200", "--timeout", "2s", "--json"]
    with Program(broker.address, *command) as producer:
        producer.lines(20)
        broker.kill()
        status, out, errors = producer.end()
    summary = objects(out)[-1]
    assert status == 1, errors
    assert summary["sent"] == summary["acknowledged"] + summary["failed"]
    assert summary["failed"] > 0
    assert "not delivered" in errors


def test_a_broker_that_comes_back_is_waited_for(broker: Broker):
    command = ["producer", "--count", "600", "--rate", "300", "--json"]
    with Program(broker.address, *command) as producer:
        producer.lines(20)
        broker.restart_after_kill()
        status, out, errors = producer.end()
    assert status == 0, errors
    assert objects(out)[-1]["acknowledged"] == 600
    assert [int(v.split()[0]) for v in values(broker, "mensajes")] == list(range(600))


def test_ctrl_c_sends_what_is_on_its_way_and_ends(broker: Broker):
    with Program(broker.address, "producer", "--count", "100000", "--rate", "500") as producer:
        with Program(None, "minka", "log", "--data", str(broker.data), "--follow") as log:
            log.lines(50)
        producer.send(signal.SIGINT)
        status, out, errors = producer.end()
    assert status == 0, errors
    sent = int(re.match(r"sent ([\d,]+) messages, all acknowledged", out)[1].replace(",", ""))
    assert [int(v.split()[0]) for v in values(broker, "mensajes")] == list(range(sent))


def test_ctrl_c_while_it_waits_for_a_line(broker: Broker):
    with Program(broker.address, "producer", "--json", stdin=subprocess.PIPE) as producer:
        producer.process.stdin.write(b"only\n")
        producer.process.stdin.flush()
        assert objects(producer.line())[0]["offset"] == 0
        producer.send(signal.SIGINT)
        status, out, _ = producer.end()
    assert (status, objects(out)[-1]["acknowledged"]) == (0, 1)


def test_by_hand_on_a_terminal(broker: Broker):
    with OnTerminal(broker.address, "producer", "--topic", "t") as terminal:
        terminal.wait_for("> ")
        terminal.type("hello\n")
        terminal.wait_for("t/0@0")
        terminal.type("again\n")
        terminal.wait_for("t/0@1")
        terminal.type("\x04")
        assert terminal.end() == 0
    assert "sent 2 messages, all acknowledged" in terminal.shown
    assert values(broker, "t") == ["hello", "again"]


def test_a_bar_on_a_terminal(broker: Broker):
    command = ["producer", "--count", "300", "--rate", "300"]
    with OnTerminal(broker.address, *command, NO_COLOR="1") as terminal:
        terminal.wait_for("of 300 messages")
        assert terminal.end() == 0
    assert "sent 300 messages, all acknowledged" in terminal.shown


def test_no_broker_is_a_sentence(tmp_path: Path):
    done = run("127.0.0.1:1", "producer", stdin=b"lost?\n")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"no broker answers at 127.0.0.1:1" in done.stderr
    assert b"bin/broker" in done.stderr


def test_a_message_that_is_too_large_is_a_failure_of_its_own(broker: Broker, tmp_path: Path):
    file = tmp_path / "lines"
    file.write_bytes(b"first\n" + b"x" * 2_000_000 + b"\nlast\n")
    done = run(broker.address, "producer", "--file", str(file))
    assert done.returncode == 1
    assert done.stdout.startswith(b"sent 3 messages, 2 acknowledged, 1 NOT"), done.stdout
    assert b"not delivered" in done.stderr
    assert values(broker, "mensajes") == ["first", "last"]


def test_a_partition_that_is_not_there(broker: Broker):
    command = ["producer", "--partition", "7", "--timeout", "2s"]
    done = run(broker.address, *command, stdin=b"nowhere\n")
    assert done.returncode == 1
    assert b"error" in done.stderr or b"warning" in done.stderr


def test_a_file_that_is_not_there(broker: Broker):
    done = run(broker.address, "producer", "--file", "/no/such/file")
    assert done.returncode == 1
    assert b"/no/such/file" in done.stderr
