"""Two producers and the members of two groups, each in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

from run.book import Book, View, digest
from run.corpus import Paragraph

TOPIC = "texts"
# The broker will be away for a moment: look again soon, and do not complain.
PATIENT = {"reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 100, "log_level": 0}


class Worker(threading.Thread):
    """A thread that can be told to stop, and keeps what it died of."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.stopping = threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        """The thread's body."""
        try:
            self.work()
        except Exception as error:  # Shown at the end by whoever started the thread.
            self.error = error

    def work(self) -> None:
        """What there is to do."""
        raise NotImplementedError


class Sender(Worker):
    """An idempotent producer with acks=all that sends its share of the texts, over and over."""

    def __init__(
        self, name: str, servers: str, texts: list[Paragraph], bytes_to_send: int, book: Book
    ) -> None:
        super().__init__(name)
        self._texts = texts
        self._bytes_left = bytes_to_send
        self._book = book
        self._producer = Producer(
            {
                "bootstrap.servers": servers,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 5,
                "queue.buffering.max.messages": 20_000,
                "message.timeout.ms": 60_000,
                **PATIENT,
            }
        )

    def work(self) -> None:
        number = 0
        while self._bytes_left > 0 and not self.stopping.is_set():
            path, value = self._texts[number % len(self._texts)]
            self._send(f"{self.name} {number}".encode(), path.encode(), value)
            self._bytes_left -= len(value)
            number += 1
        while self._producer.flush(0.5) and not self.stopping.is_set():
            pass

    def _send(self, number: bytes, key: bytes, value: bytes) -> None:
        report = self._reporter(digest(number, key, value))
        while not self.stopping.is_set():
            try:
                headers = [("number", number)]
                self._producer.produce(TOPIC, value, key, headers=headers, on_delivery=report)
            except BufferError:
                self._producer.poll(0.1)
                continue
            self._book.send(len(value))
            self._producer.poll(0)
            return

    def _reporter(self, record: bytes) -> Callable[[KafkaError | None, Message], None]:
        def report(error: KafkaError | None, message: Message) -> None:
            if error:
                self._book.failed.append(str(error))
            else:
                self._book.acknowledge((message.partition(), message.offset()), record)

        return report


class Reader(Worker):
    """A member of a group; commits a few times a second, so that little comes again."""

    def __init__(self, name: str, servers: str, group: str, view: View) -> None:
        super().__init__(name)
        self._view = view
        self.ready = threading.Event()
        self._consumer = Consumer(
            {
                "bootstrap.servers": servers,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 500,
                "fetch.wait.max.ms": 50,
                **PATIENT,
            }
        )

    def work(self) -> None:
        self._consumer.subscribe([TOPIC], on_assign=lambda *_: self.ready.set())
        committed = time.monotonic()
        try:
            while not self.stopping.is_set():
                messages = self._consumer.consume(1000, 0.1)
                self._view.receive(_noted(m) for m in messages if not m.error())
                if time.monotonic() - committed > 0.2:
                    committed = time.monotonic()
                    self._commit()
        finally:
            self._consumer.close()

    def _commit(self) -> None:
        places = self._consumer.position(self._consumer.assignment())
        known = [place for place in places if place.offset >= 0]
        try:
            if known:
                self._consumer.commit(offsets=known, asynchronous=True)
        except KafkaException:
            # The next commit says as much.
            return


def _noted(message: Message) -> tuple[tuple[int, int], bytes]:
    [(_, number)] = message.headers()
    record = digest(number, message.key(), message.value())
    return (message.partition(), message.offset()), record
