"""Connections that are no Kafka clients: they are closed, and nobody else notices."""

from __future__ import annotations

import os
import random
import socket
import struct
import time
from collections.abc import Callable

import pytest

from crash.simple import read, send, sender, values
from harness.broker import Broker, wait_until

MIB = 1 << 20
GREETING = struct.pack(">hhih4s", 18, 0, 1, 4, b"test")  # ApiVersions 0


def random_bytes(chance: random.Random) -> bytes:
    """Noise whose first bytes are no length that anyone would send."""
    return b"\x7f" + chance.randbytes(chance.randrange(10, 5000))


def two_gigabytes(chance: random.Random) -> bytes:
    """The largest length that fits, and the beginning of what would follow."""
    return struct.pack(">i", 2**31 - 1) + chance.randbytes(100_000)


def negative_length(chance: random.Random) -> bytes:
    """A length below zero."""
    return struct.pack(">i", -chance.randrange(1, 2**31))


def tls_hello(_: random.Random) -> bytes:
    """How a TLS client begins."""
    return bytes.fromhex("16030100f8010000f40303") + bytes(240)


def http_get(_: random.Random) -> bytes:
    """A web browser."""
    return b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n"


def unknown_request(chance: random.Random) -> bytes:
    """A frame of an API that does not exist."""
    body = struct.pack(">hhi", 9999, 0, 1) + chance.randbytes(100)
    return struct.pack(">i", len(body)) + body


def lying_request(chance: random.Random) -> bytes:
    """A Metadata request that announces two thousand million topics in a few bytes."""
    body = struct.pack(">hhih", 3, 5, 1, -1) + struct.pack(">i", 2**31 - 1)
    body += chance.randbytes(20)
    return struct.pack(">i", len(body)) + body


def empty_frame(_: random.Random) -> bytes:
    """A frame without a header."""
    return struct.pack(">i", 0)


KINDS: list[Callable[[random.Random], bytes]] = [
    random_bytes,
    two_gigabytes,
    negative_length,
    tls_hello,
    http_get,
    unknown_request,
    lying_request,
    empty_frame,
]


def connect(broker: Broker) -> socket.socket:
    """A connection to the broker."""
    connection = socket.create_connection((broker.host, broker.port), 10)
    connection.settimeout(10)
    return connection


def closed_by_the_broker(connection: socket.socket) -> bool:
    """Whether the broker ends the connection; whatever it still says is read."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def talk(broker: Broker, garbage: bytes) -> int:
    """Sends garbage and waits for the end of the connection; returns the client's port."""
    with connect(broker) as connection:
        port = connection.getsockname()[1]
        try:
            connection.sendall(garbage)
        except ConnectionError:
            return port
        assert closed_by_the_broker(connection), "the broker keeps the connection"
        return port


@pytest.mark.parametrize("kind", KINDS)
def test_garbage_is_closed_and_said(broker: Broker, seed: int, kind):
    port = talk(broker, kind(random.Random(seed)))
    what = f"a line in broker.log about port {port}"
    wait_until(lambda: f":{port}" in broker.log(), 10, what)
    assert send(broker.address, "t", [b"still there"]) == [0]


def test_others_work_on_and_memory_stays_bounded(broker: Broker, seed: int):
    chance = random.Random(seed)
    with sender(broker.address) as send_one:
        send_one("t", b"0")
        before = broker.resident_bytes()
        for number in range(1, 400):
            talk(broker, chance.choice(KINDS)(chance))
            if number % 10 == 0:
                assert send_one("t", b"%d" % (number // 10)) == number // 10
        growth = broker.resident_bytes() - before
    assert growth < 64 * MIB, f"grew by {growth // MIB} MiB"
    assert values(read(broker.address, "t", 0, 40)) == [b"%d" % i for i in range(40)]


def test_half_a_frame_and_silence_hold_nobody_up(broker: Broker):
    before = broker.resident_bytes()
    silent = [connect(broker) for _ in range(100)]
    halves = [connect(broker) for _ in range(100)]
    try:
        for connection in halves:
            # Ten megabytes are announced, a few bytes come.
            connection.sendall(struct.pack(">i", 10 * MIB) + GREETING)
        assert send(broker.address, "t", [b"value"]) == [0]
        growth = broker.resident_bytes() - before
        assert growth < 64 * MIB, f"grew by {growth // MIB} MiB"
    finally:
        for connection in [*silent, *halves]:
            connection.close()
    assert values(read(broker.address, "t", 0, 1)) == [b"value"]


def test_a_frame_in_single_bytes_is_answered(broker: Broker):
    with connect(broker) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in struct.pack(">i", len(GREETING)) + GREETING:
            connection.sendall(bytes([byte]))
            time.sleep(0.001)
        size, correlation, error = struct.unpack(">iih", connection.recv(10, socket.MSG_WAITALL))
        assert (correlation, error) == (1, 0)
        assert size > 6


def test_many_who_leave_in_the_middle_cost_nothing(broker: Broker):
    send(broker.address, "t", [b"first"])
    files = lambda: len(list(open_files(broker)))  # noqa: E731
    before = files()
    for number in range(300):
        connection = connect(broker)
        connection.sendall(struct.pack(">i", 1000)[: 1 + number % 4])
        connection.close()
    wait_until(lambda: files() <= before + 5, 10, "the connections are closed on both sides")
    assert send(broker.address, "t", [b"second"]) == [1]


def open_files(broker: Broker) -> list[str]:
    """The broker's open file descriptors."""
    return os.listdir(f"/proc/{broker.pid}/fd")
