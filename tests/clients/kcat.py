"""kcat as a client: a program for shells, driven by its command line."""

from __future__ import annotations

import io
import itertools
import json
import re
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from clients.client import TIMEOUT, Abilities, Client
from clients.driver import DriverError
from clients.member import Member
from clients.records import Headers, Place, Received, Record

# Lengths before the bytes, so that any key and value can be read back.
FORMAT = "%p %o %T %K %S %h\\n%k%s\\n"
KEY_END, VALUE_END = b"\x1f", b"\x1e"
DELIVERED = re.compile(r"Message delivered to partition (\d+) \(offset (\d+)\)")
REBALANCED = re.compile(r"% Group .* rebalanced .*: (assigned|revoked): ?(.*)")


@dataclass
class Kcat(Client):
    """Each call is a run of the program."""

    logs: Path
    name: str = "kcat"
    # It has no admin commands, and can give a record neither a timestamp nor a null header.
    abilities: Abilities = Abilities(admin=False, timestamps=False, null_headers=False)
    _members: list[KcatMember] = field(default_factory=list)

    def produce(self, servers, topic, records, acks="all", codec="none", idempotent=False):
        settings = ["-X", f"acks={acks}", "-X", f"enable.idempotence={str(idempotent).lower()}"]
        settings += ["-X", "message.max.bytes=2000000", "-X", "linger.ms=20", "-z", codec]
        places: dict[int, Place] = {}
        # One run sends to one partition, with one set of headers.
        order = sorted(range(len(records)), key=lambda i: _destination(records[i]))
        for _, group in itertools.groupby(order, key=lambda i: _destination(records[i])):
            indexes = list(group)
            chosen = [records[i] for i in indexes]
            report = self._send(servers, topic, settings, chosen)
            places |= zip(indexes, report, strict=False)
        return [places.get(i, Place(-1, -1)) for i in range(len(records))]

    def start_consume(self, servers, topic, starts, count, max_wait_ms):
        where = ["-o", "beginning"]
        if len(starts) == 1:
            [(partition, at)] = starts.items()
            where = ["-p", str(partition), "-o", "beginning" if at is None else str(at)]
        settings = ["-X", f"fetch.wait.max.ms={max_wait_ms}", "-X", "auto.offset.reset=earliest"]
        command = [*_kcat("-C", servers), "-t", topic, "-c", str(count), "-u", "-q", "-f", FORMAT]
        process = subprocess.Popen(
            [*command, *where, *settings], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        return lambda: _records_of(process)

    def offset_for_time(self, servers, topic, partition, timestamp):
        said = _run([*_kcat("-Q", servers), "-t", f"{topic}:{partition}:{timestamp}"])
        offset = int(said.stdout.decode().split()[-1])
        return offset if offset >= 0 else None

    def list_topics(self, servers):
        topics = json.loads(_run([*_kcat("-L", servers), "-J"]).stdout)["topics"]
        return {topic["topic"]: len(topic["partitions"]) for topic in topics}

    def unknown_topic(self, servers, topic):
        said = _run([*_kcat("-C", servers), "-t", topic, "-p", "0", "-e"], check=False)
        unknown = b"Unknown topic or partition" in said.stderr
        return "UNKNOWN_TOPIC_OR_PART" if unknown else said.stderr.decode()

    def join(self, servers, topic, group):
        settings = ["session.timeout.ms=6000", "heartbeat.interval.ms=300"]
        settings += ["auto.commit.interval.ms=100", "auto.offset.reset=earliest"]
        command = [*_kcat("-G", servers), group, "-u", "-f", FORMAT]
        command += [word for setting in settings for word in ("-X", setting)]
        member = KcatMember([*command, topic])
        self._members.append(member)
        return member

    def close(self):
        for member in self._members:
            member.kill()
        self._members = []

    def _send(
        self, servers: str, topic: str, settings: list[str], records: list[Record]
    ) -> list[Place]:
        first = records[0]
        command = [*_kcat("-P", servers), "-t", topic, "-vvv", "-Z", *settings]
        command += ["-K", KEY_END.decode(), "-D", VALUE_END.decode()]
        if first.partition is not None:
            command += ["-p", str(first.partition)]
        for name, value in first.headers:
            command += ["-H", f"{name}={(value or b'').decode()}"]
        lines = [(r.key or b"") + KEY_END + (r.value or b"") for r in records]
        said = _run(command, VALUE_END.join(lines))
        return [Place(int(p), int(at)) for p, at in DELIVERED.findall(said.stderr.decode())]


class KcatMember(Member):
    """A `kcat -G` process; it commits by itself, often, and when it leaves."""

    def __init__(self, command: list[str]) -> None:
        super().__init__()
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        self._changed = threading.Event()
        self._said: list[str] = []
        for read in (self._read_records, self._read_rebalances):
            threading.Thread(target=read, daemon=True).start()

    def take(self, timeout: float) -> None:
        if self._process.poll() is not None:
            raise DriverError(f"kcat has ended: {self._said[-5:]}")
        self._changed.wait(timeout)
        self._changed.clear()

    def commit(self) -> None:
        """There is no such command: leaving and losing a partition commit what was received."""

    def leave(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(5)

    def _read_records(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            while record := _read_record(stream):
                self.records.append(record)
                self._changed.set()

    def _read_rebalances(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                self._said.append(line.decode(errors="replace").strip())
                if found := REBALANCED.match(self._said[-1]):
                    numbers = [int(n) for n in re.findall(r"\[(\d+)\]", found[2])]
                    self.assigned = sorted(numbers) if found[1] == "assigned" else []
                    self._changed.set()


def _kcat(mode: str, servers: str) -> list[str]:
    """The group mode wants its option last, before the group's name."""
    return ["kcat", "-b", servers, mode]


def _destination(record: Record) -> tuple[int, Headers]:
    return (-1 if record.partition is None else record.partition, record.headers)


def _run(
    command: list[str], data: bytes | None = None, check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(command, input=data, capture_output=True, timeout=TIMEOUT, check=False)
    if check and done.returncode != 0:
        raise DriverError(f"kcat ended with {done.returncode}: {done.stderr.decode()[-500:]}")
    return done


def _records_of(process: subprocess.Popen[bytes]) -> list[Received]:
    try:
        out, errors = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise DriverError(f"kcat had not read enough in {TIMEOUT:g} s") from None
    if process.returncode != 0:
        raise DriverError(f"kcat ended with {process.returncode}: {errors.decode()[-500:]}")
    stream = io.BytesIO(out)
    return list(iter(lambda: _read_record(stream), None))


def _read_record(stream: IO[bytes]) -> Received | None:
    """Reads one record in `FORMAT`; None at the end of the stream."""
    line = stream.readline()
    if not line:
        return None
    partition, offset, timestamp, key_size, value_size, *headers = (
        line.decode().rstrip("\n").split(" ")
    )

    def data(size: str) -> bytes | None:
        return None if int(size) < 0 else stream.read(int(size))

    key = data(key_size)
    value = data(value_size)
    stream.readline()
    return Received(
        place=Place(int(partition), int(offset)),
        value=value,
        key=key,
        headers=_headers(" ".join(headers)),
        timestamp=int(timestamp),
    )


def _headers(text: str) -> Headers:
    pairs = [pair.partition("=") for pair in text.split(",") if pair]
    return tuple((name, None if value == "NULL" else value.encode()) for name, _, value in pairs)
