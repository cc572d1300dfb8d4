"""Signals, forks and the end of the interpreter, each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TESTS = str(Path(__file__).parent)


def start(code: str) -> subprocess.Popen[str]:
    """Starts a program that prints `ready` when it is about to wait."""
    return subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", code],
        env={**os.environ, "PYTHONPATH": TESTS},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(code: str) -> str:
    """Runs a program, which must end well and say nothing of errors; what it prints."""
    process = start(code)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, ""), (process.returncode, out, errors)
    return out


WAITS = {
    "poll": "minka.Consumer(broker, topics='t').poll()",
    "poll over a socket": "minka.Consumer(address, topics='t').poll()",
    "poll of a queue": "minka.Consumer(address, 'g', topics='t').poll()",
    "loop": "list(minka.Consumer(broker, topics='t'))",
    "send": "slow(); producer.send('t', b'v')",
    "send_many": "slow(); producer.send_many('t', [b'v'])",
    "flush": "slow(); producer.enqueue('t', b'v'); producer.flush()",
    "close": "slow(); producer.enqueue('t', b'v'); producer.close()",
    "delivery": "slow(); producer.enqueue('t', b'v').result()",
    "full buffer": "slow(); fill()",
    "unreachable broker": "minka.Producer('127.0.0.1:1').send('t', b'v')",
    "unreachable admin": "minka.Admin('127.0.0.1:1').topics()",
    "wait_until_idle": "minka.Admin(broker).reset_group('g', 't', 'earliest')\n"
    "    producer.send('t', b'v'); broker.wait_until_idle('g')",
    "events": "broker.events().next()",
}

SIGNALS = """
import os, signal, threading, time
import minka

def slow():
    broker.fault("Produce", times=None, delay=20)

def fill():
    small = minka.Producer(address, batch_size=1000, buffer_memory=4000)
    while True:
        small.enqueue("t", bytes(900))

broker = minka.Broker(kafka="127.0.0.1:0")
address = broker.bootstrap_servers
minka.Admin(broker).create_topic("t", 1)
producer = minka.Producer(address)
producer.send("t", b"v")
print("ready", flush=True)
try:
    WAIT
except KeyboardInterrupt:
    print("interrupted", flush=True)
    os._exit(0)
"""


@pytest.mark.parametrize("wait", WAITS)
def test_ctrl_c_ends_every_wait_of_the_main_thread(wait: str) -> None:
    code = SIGNALS.replace("WAIT", WAITS[wait])
    if "poll" in wait or wait == "loop":
        code = code.replace('producer.send("t", b"v")\n', "")
    process = start(code)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.communicate()
    time.sleep(0.3)  # So that it waits; if it does not yet, it is interrupted all the same.
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out, errors) == (0, "interrupted\n", "")
    assert time.monotonic() - sent < 10


def test_ctrl_c_leaves_a_loop_with_its_blocks_in_order() -> None:
    code = """
import time, minka
with minka.Broker() as broker, minka.Producer(broker) as producer:
    minka.Admin(broker).alter_group("g", {"share.auto.offset.reset": "earliest"})
    producer.send_many("t", ["a", "b"])
    try:
        with minka.Consumer(broker, "g", topics="t") as consumer:
            for record in consumer:
                print("ready" if record.value == b"b" else "first", flush=True)
                time.sleep(30 if record.value == b"b" else 0)
    except KeyboardInterrupt:
        pass
    with minka.Consumer(broker, "g", topics="t") as consumer:
        print([record.value for record in consumer.poll(5)])
"""
    process = start(code)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(2)]
    assert lines == ["first\n", "ready\n"]
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    # The last one has not been worked on to its end.
    assert (process.returncode, out, errors) == (0, "[b'b']\n", "")


def test_a_handler_of_signals_runs_while_a_poll_waits() -> None:
    code = """
import signal, minka
signal.signal(signal.SIGUSR1, lambda *_: print("handled", flush=True))
with minka.Broker() as broker:
    minka.Admin(broker).create_topic("t", 1)
    consumer = minka.Consumer(broker, topics="t")
    print("ready", flush=True)
    print(len(consumer.poll(1.5)))
"""
    process = start(code)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGUSR1)
    assert process.communicate(timeout=30) == ("handled\n0\n", "")


FORK = """
import os, sys, threading
import minka
broker = minka.Broker(kafka="127.0.0.1:0")
address = broker.bootstrap_servers
with minka.Admin(broker) as admin:
    admin.create_topic("t", 1)
producer, consumer = minka.Producer(broker), minka.Consumer(address, topics="t")
queue, remote = minka.Consumer(broker, "g", topics="t"), minka.Producer(address)
delivery, events = producer.enqueue("t", b"v"), broker.events()
for one in (producer, remote):
    one.send("t", b"v")
(record, *_) = consumer.poll(10)
child = os.fork()
if child == 0:
    calls = {
        "producer": [lambda: producer.send("t", b"v"), lambda: remote.flush(), remote.close,
                     delivery.result],
        "consumer": [consumer.poll, queue.poll, queue.close, lambda: list(consumer), queue.wake],
        "broker": [broker.close, broker.listen, lambda: minka.Producer(broker)],
        "event stream": [events.next, events.close],
    }
    for what, some in calls.items():
        for call in some:
            try:
                call()
            except minka.InvalidRequest as error:
                assert what in str(error) and "fork" in str(error), error
            else:
                raise AssertionError(what)
    assert record.value == b"v"  # What was received is memory as any other.
    # It may open its own.
    with minka.Broker() as own, minka.Producer(own) as one, minka.Producer(address) as two:
        assert one.send("t", b"v").offset == 0
        assert two.send("t", b"from the child").offset == 3
    forgotten = minka.Producer(address)
    forgotten.enqueue("t", b"not waited for")
    print("child", flush=True)
    END
assert os.waitpid(child, 0)[1] == 0
# What the child has sent is there, also what it did not wait for.
assert producer.send("t", b"v").offset == 5
for one in (producer, remote, consumer, queue, events, broker):
    one.close()
print("parent", flush=True)
"""


@pytest.mark.parametrize("end", ["sys.exit()", "forgotten.flush(); os._exit(0)"])
def test_what_a_fork_copied_is_refused(end: str) -> None:
    assert run(FORK.replace("END", end)) == "child\nparent\n"


def test_processes_of_multiprocessing_end() -> None:
    code = """
import multiprocessing, minka

def child(line, address):
    with minka.Producer(address) as producer:
        line.put(producer.send("t", b"from a child").offset)

if __name__ == "__main__":
    with minka.Broker(kafka="127.0.0.1:0") as broker, minka.Producer(broker) as producer:
        producer.send("t", b"v")
        context = multiprocessing.get_context("fork")
        line = context.Queue()
        processes = [
            context.Process(target=child, args=(line, broker.bootstrap_servers)) for _ in range(3)
        ]
        for process in processes:
            process.start()
        print(sorted(line.get(timeout=30) for _ in processes))
        for process in processes:
            process.join(30)
            assert process.exitcode == 0
"""
    assert run(code) == "[1, 2, 3]\n"


EXITS = {
    "nothing closed": "",
    "daemon threads in calls": """
def wait(call):
    try:
        call()
    except minka.Closed:
        pass

for call in (consumer.poll, events.next, lambda: list(loop), lambda: broker.wait_until_idle("g")):
    threading.Thread(target=wait, args=(call,), daemon=True).start()
time.sleep(0.1)
""",
    "in a cycle": "producer_cycle = [producer, consumer]; producer_cycle.append(producer_cycle)",
    "by an exception": "sys.excepthook = lambda *_: None\nraise SystemExit(0)",
    "with a hook": "import atexit; atexit.register(lambda: producer.send('t', b'last'))",
    "with an event loop": """
import asyncio
from minka import aio

async def forgotten():
    client = aio.Consumer(broker, topics="t")
    asyncio.create_task(client.poll())
    await aio.Producer(broker).send("t", b"v")
    await asyncio.sleep(0.1)

asyncio.run(forgotten())
""",
}

EXIT = """
import sys, threading, time
import minka
broker = minka.Broker(DATA, kafka="127.0.0.1:0", on_admission=lambda record: None)
address = broker.bootstrap_servers
producer, remote = minka.Producer(broker), minka.Producer(address)
producer.send("t", b"v")
consumer, loop = minka.Consumer(address, "g", topics="t"), minka.Consumer(broker, topics="t")
events = broker.events()
remote.enqueue("t", b"under way")
print("ready", flush=True)
"""


@pytest.mark.parametrize("way", EXITS)
def test_the_interpreter_ends_with_everything_open(way: str, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    assert run(EXIT.replace("DATA", repr(data)) + EXITS[way]) == "ready\n"
    # What was sent is there.
    code = f"""
import minka
with minka.Broker({data!r}) as broker:
    print({{b"v", b"under way"}} - set(minka.Consumer(broker, topics="t").poll(5).values()))
"""
    assert run(code) == "set()\n"


def test_an_import_is_quick_and_starts_nothing() -> None:
    code = """
import os, sys, threading, time
files = set(os.listdir("/proc/self/fd"))
start = time.perf_counter()
import minka
seconds = time.perf_counter() - start
assert len(os.listdir("/proc/self/task")) == 1
assert set(os.listdir("/proc/self/fd")) == files
assert not {"asyncio", "dataclasses", "typing_extensions"} & set(sys.modules)
print(seconds)
"""
    best = min(float(run(code)) for _ in range(5))
    assert best < 0.03, f"importing takes {best * 1000:.0f} ms"
