"""A look at stored bytes: a Fetch request written by hand, and what the batches it brings say."""

from __future__ import annotations

import socket
import struct

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
FETCH, VERSION = 1, 4


def stored_codecs(servers: str, topic: str, partition: int) -> list[str]:
    """The compression of each batch of a partition, as its attributes say (record batch v2)."""
    codecs = []
    batches = _fetch(servers, topic, partition)
    while len(batches) >= 61:
        [size] = struct.unpack_from(">i", batches, 8)
        [attributes] = struct.unpack_from(">h", batches, 21)
        codecs.append(CODECS[attributes & 7])
        batches = batches[12 + size :]
    return codecs


def _fetch(servers: str, topic: str, partition: int) -> bytes:
    """The record batches from offset 0, by Fetch 4: the oldest version that brokers still serve."""
    name = topic.encode()
    body = struct.pack(">iiiib", -1, 1000, 1, 1 << 24, 0)
    body += struct.pack(f">ih{len(name)}s", 1, len(name), name)
    body += struct.pack(">iiqi", 1, partition, 0, 1 << 24)
    header = struct.pack(">hhih4s", FETCH, VERSION, 7, 4, b"wire")
    answer = _exchange(servers, header + body)
    # Before the error: correlation, throttle time, topics, name, partitions, partition.
    at = 4 + 4 + 4 + 2 + len(name) + 4 + 4
    error, _, _, aborted = struct.unpack_from(">hqqi", answer, at)
    assert error == 0, f"Fetch answered with error {error}"
    at += 22 + 16 * max(aborted, 0)
    [size] = struct.unpack_from(">i", answer, at)
    return answer[at + 4 : at + 4 + size]


def _exchange(servers: str, request: bytes) -> bytes:
    host, port = servers.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        [size] = struct.unpack(">i", _read(connection, 4))
        return _read(connection, size)


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, "the broker closed the connection"
        data += piece
    return data
