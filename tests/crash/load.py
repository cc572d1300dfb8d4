"""Clients that keep working while the broker dies and comes back."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from crash.ledger import Ledger, value_of

# A client of a broker that is away for milliseconds should look again soon, and not complain.
PATIENT = {"reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 50, "log_level": 0}


class Worker(threading.Thread):
    """A thread that works until told to end; what it dies of is for the test to report."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.ending = threading.Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        """The thread's body."""
        try:
            self.work()
        except BaseException as error:  # The test's thread raises it again, in `end`.
            self.error = error

    def work(self) -> None:
        """What to do until `ending` is set."""
        raise NotImplementedError

    def end(self, seconds: float = 60.0) -> None:
        """Tells the thread to end, waits for it, and raises what it died of."""
        self.ending.set()
        self.join(seconds)
        assert not self.is_alive(), f"{self.name} does not end"
        if self.error:
            raise self.error


class Sender(Worker):
    """A producer that sends numbered records in bursts and notes every delivery report."""

    def __init__(self, name: str, servers: str, ledger: Ledger, settings: dict, seed: int) -> None:
        super().__init__(name)
        self.ledger = ledger
        self._random = random.Random(seed)
        self._producer = Producer(
            {
                "bootstrap.servers": servers,
                "linger.ms": 2,
                "queue.buffering.max.messages": 1000,
                "message.timeout.ms": 120_000,
                "retry.backoff.ms": 20,
                "retry.backoff.max.ms": 100,
                **PATIENT,
                **settings,
            }
        )

    def work(self) -> None:
        while not self.ending.is_set():
            for _ in range(self._random.randrange(1, 60)):
                self._send()
            self._producer.poll(0)
            self.ending.wait(self._random.random() * 0.03)
        # The broker is up again by now: whatever is still on its way arrives.
        left = self._producer.flush(50)
        assert left == 0, f"{self.name}: {left} records were never answered"

    def abort(self) -> None:
        """Gives up whatever is on its way, so that the thread can end without a broker."""
        self.ending.set()
        self._producer.purge()

    def _send(self) -> None:
        number = self.ledger.next_number(self.name)
        partition = self._random.randrange(self.ledger.partitions)
        value = value_of(self.name, number)
        while not self.ending.is_set():
            with contextlib.suppress(BufferError):  # Full, because the broker is away.
                reporter = self._reporter(number)
                self._producer.produce(
                    self.ledger.topic, value, partition=partition, on_delivery=reporter
                )
                return
            self._producer.poll(0.05)

    def _reporter(self, number: int) -> Callable[[KafkaError | None, Message], None]:
        def report(error: KafkaError | None, message: Message) -> None:
            if error:
                self.ledger.fail(f"{self.name} {number}: {error}")
            else:
                place = (message.partition(), message.offset())
                self.ledger.acknowledge(*place, self.name, number)

        return report


class Committer(Worker):
    """A group of one that reads a topic, commits often, and notes what the broker confirmed."""

    def __init__(self, name: str, servers: str, topic: str) -> None:
        super().__init__(name)
        self.topic = topic
        self.confirmed: dict[int, int] = {}
        self.received: dict[int, int] = {}
        self._consumer = Consumer(
            {
                "bootstrap.servers": servers,
                "group.id": name,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 300,
                "socket.timeout.ms": 3000,
                "fetch.wait.max.ms": 50,
                **PATIENT,
            }
        )

    def work(self) -> None:
        self._consumer.subscribe([self.topic])
        try:
            while not self.ending.is_set():
                for message in self._consumer.consume(500, 0.05):
                    self._take(message)
                self._commit()
        finally:
            self._consumer.close()

    def wait_for(self, ends: dict[int, int], seconds: float) -> None:
        """Waits until every record up to these offsets has been received."""
        deadline = time.monotonic() + seconds
        while any(self.received.get(partition, 0) < end for partition, end in ends.items()):
            assert self.is_alive() or self.error is None, self.error
            missing = f"the group stays behind: {self.received} of {ends}"
            assert time.monotonic() < deadline, missing
            time.sleep(0.05)

    def _take(self, message: Message) -> None:
        if message.error():
            # The broker is away; librdkafka goes on by itself.
            return
        partition, offset = message.partition(), message.offset()
        expected = self.received.get(partition, 0)
        # Records that were not committed may come again, but none may be left out.
        assert offset <= expected, f"partition {partition}: {offset} came after {expected - 1}"
        self.received[partition] = max(expected, offset + 1)

    def _commit(self) -> None:
        places = [p for p in self._consumer.position(self._consumer.assignment()) if p.offset >= 0]
        if not places:
            return
        with contextlib.suppress(KafkaException):
            for place in self._consumer.commit(offsets=places, asynchronous=False):
                if place.error is None:
                    # Only this thread writes; after a rebalance it may start lower, and say so.
                    self.confirmed[place.partition] = place.offset


def committed(servers: str, group: str, topic: str, partitions: int) -> dict[int, int]:
    """What the broker says is the group's committed offset, by partition."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": group, **PATIENT})
    asked = [TopicPartition(topic, partition) for partition in range(partitions)]
    try:
        answers = consumer.committed(asked, timeout=20)
    finally:
        consumer.close()
    return {answer.partition: answer.offset for answer in answers}
