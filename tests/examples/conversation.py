"""Brokers, producers and consumers of all languages: the small programs in `members`, and for
Rust the programs of this repository. All of them take bytes and give bytes back."""

from __future__ import annotations

import base64
import json
import os
import queue
import signal
import subprocess
import threading
from pathlib import Path

from examples.toolchains import LANGUAGES
from harness import programs

MEMBERS = Path(__file__).with_name("members")
LANGUAGES_OF_MEMBERS = ("rust", "c", "python", "node")
BUILT = {"c": "member.c", "python": "member.py", "node": "member.mjs"}
SECONDS = 60.0

# A message as it is sent and received: key and value.
Message = tuple[bytes, bytes]


def command(language: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """What runs the member of a language, and its environment."""
    tool = LANGUAGES[language]
    words = tool.command(MEMBERS / BUILT[language])
    return [*words, *arguments], {**os.environ, **tool.environment()}


class Process:
    """A member that runs until its standard input ends (in Rust: until it is interrupted)."""

    def __init__(self, language: str, words: list[str], environment: dict[str, str]) -> None:
        self.language = language
        self.process = subprocess.Popen(
            words,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def check(self) -> None:
        """Fails if it has ended by itself."""
        status = self.process.poll()
        if status is not None:
            assert self.process.stderr is not None
            raise AssertionError((self.language, status, self.process.stderr.read()))

    def end(self) -> None:
        """Has it end in order."""
        assert self.process.stdin is not None and self.process.stderr is not None
        if self.language == "rust":
            self.process.send_signal(signal.SIGINT)
        self.process.stdin.close()
        status = self.process.wait(SECONDS)
        errors = self.process.stderr.read()
        assert (status, errors) == (0, b""), (self.language, status, errors)


class Server(Process):
    """A broker with a Kafka door, with everything in memory but in Rust, where it has a place."""

    def __init__(self, language: str, data: Path, settings: dict[str, str]) -> None:
        if language == "rust":
            file = data.parent / "broker.toml"
            file.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
            words = [programs.path("broker"), "--data", str(data), "--config", str(file)]
            super().__init__(language, [*words, "--kafka", "127.0.0.1:0"], programs.environment())
        else:
            pairs = [f"{name}={value}" for name, value in settings.items()]
            super().__init__(language, *command(language, "serve", *pairs))
        assert self.process.stdout is not None
        ready = self.process.stdout.readline().decode().split()
        if ready[:1] != ["ready"]:
            self.process.wait(SECONDS)
            self.check()
        self.address = ready[1].removeprefix("kafka=")


class Consumer(Process):
    """A member of a group; what it gets goes to a line that several of them share."""

    def __init__(self, language: str, address: str, topic: str, group: str, kind: str) -> None:
        if language == "rust":
            words = [programs.path("consumer"), "--topic", topic, "--group", group, "--json"]
            words += ["--from-beginning", *(["--partitions"] if kind == "partitions" else [])]
            super().__init__(language, words, programs.environment(address))
        else:
            super().__init__(language, *command(language, "consume", address, topic, group, kind))

    def listen(self, line: queue.Queue[tuple[str, Message]]) -> threading.Thread:
        """Puts what it gets into a line, until it ends."""
        thread = threading.Thread(target=self._listen, args=[line], daemon=True)
        thread.start()
        return thread

    def _listen(self, line: queue.Queue[tuple[str, Message]]) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            line.put((self.language, self._message(text.decode())))

    def _message(self, text: str) -> Message:
        if self.language == "rust":
            fields = json.loads(text)
            return _bytes(fields, "key"), _bytes(fields, "value")
        key, value = text.split()
        return bytes.fromhex(key), bytes.fromhex(value)


def _bytes(fields: dict[str, str], name: str) -> bytes:
    """A field of the program `consumer`, which is text where it can be."""
    if f"{name}_base64" in fields:
        return base64.b64decode(fields[f"{name}_base64"])
    return fields[name].encode()


def message(language: str, number: int) -> Message:
    """The message of this number: the same in all members. Not all of it is UTF-8."""
    value = f"{number} from {language} ".encode() + bytes([0, 255, number % 9 + 1, 0xC3])
    return f"{language}-{number}".encode(), value


def produce(language: str, address: str, topic: str, count: int) -> subprocess.Popen[bytes]:
    """Has a member send so many messages; they are all acknowledged when it ends."""
    if language != "rust":
        words, environment = command(language, "produce", address, topic, language, str(count))
        return subprocess.Popen(words, env=environment, stderr=subprocess.PIPE)
    words = [programs.path("producer"), "--topic", topic, "--key-separator", "="]
    lines = b"".join(b"=".join(message(language, number)) + b"\n" for number in range(count))
    process = subprocess.Popen(
        words,
        env=programs.environment(address),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(lines)
    process.stdin.close()
    process.stdin = None
    return process
