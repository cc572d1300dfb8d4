"""The type hints: of the package itself, of its stubs, and of a program that uses it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import minka

# Where the package is: `minka` may be installed, or linked to its sources.
PACKAGE = Path(minka.__file__).parent

PROGRAM = """
from __future__ import annotations

from typing import assert_type

import minka
from minka import aio
from minka.types import Hook

def admit(record: minka.PassingRecord) -> minka.Change | None:
    return minka.Change(value=record.value)

hook: Hook = admit

def use(broker: minka.Broker) -> None:
    with minka.Producer(broker, linger_ms=5) as producer:
        assert_type(producer.send("t", b"v").offset, "int | None")
        assert_type(producer.send_many("t", ["v", (b"k", None)])[0], minka.Receipt)
        assert_type(producer.enqueue("t", None).result(1), minka.Receipt)
    with minka.Consumer("localhost:9092", "g", topics=["t"]) as consumer:
        for record in consumer:
            assert_type(record.value, "bytes | None")
            memoryview(record)
        assert_type(consumer.poll(1)[:2], list[minka.Record])
    for event in broker.events():
        event.kind == "topic_created"

async def wait() -> None:
    async with aio.Consumer("localhost:9092", topics="t") as consumer:
        async for record in consumer:
            await consumer.accept(record)
    async with aio.Producer("localhost:9092") as producer:
        assert_type(await producer.send("t", "v"), minka.Receipt)

try:
    use(minka.Broker(on_admission=hook))
except minka.Error as error:
    assert_type(error.code, int)
"""

WRONG = """
import minka
minka.Producer(3)
minka.Broker().fault("Produce", drop="all")
minka.Consumer("a:1").accept(b"v")
if next(minka.Broker().events()).kind == "no such kind":
    pass
"""


def mypy(directory: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_package_passes_mypy(tmp_path: Path) -> None:
    status, said = mypy(tmp_path, "mypy", "--strict", "-p", "minka")
    assert status == 0, said


def test_the_stubs_are_what_is_there(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    # Python shows it as a method from 3.12 on.
    allowed.write_text(r"minka\._minka\.Record\.__buffer__" + "\n")
    arguments = ["--allowlist", str(allowed), "--ignore-unused-allowlist", "minka._minka"]
    status, said = mypy(tmp_path, "mypy.stubtest", *arguments)
    assert status == 0, said


def test_a_program_is_checked(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    status, said = mypy(tmp_path, "mypy", "--strict", "program.py")
    assert status == 0, said
    (tmp_path / "wrong.py").write_text(WRONG)
    status, said = mypy(tmp_path, "mypy", "--strict", "wrong.py")
    assert (status, said.count("error:")) == (1, 4), said


def test_the_package_says_that_it_has_types() -> None:
    assert (PACKAGE / "py.typed").exists() and (PACKAGE / "_minka.pyi").exists()
