"""`make run`: sends real texts through a broker that is killed in the middle, and counts."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from harness.broker import Broker
from run.book import Book, View
from run.corpus import load
from run.report import MB, Progress, table
from run.workers import TOPIC, Reader, Sender, Worker

PARTITIONS = 6
BYTES = 80 * MB
SETTINGS = {"group.initial.rebalance.delay.ms": 100}
PATIENCE = 60.0


class Demonstration:
    """Two producers, two groups of two, one broker."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.book = Book()
        self.views = {"group one": View(), "group two": View()}
        self.progress = Progress(BYTES, self.book, self.views)
        texts = load(BYTES // 2)
        files = len({path for path, _ in texts})
        size = sum(len(value) for _, value in texts) / MB
        self.progress.say(f"{len(texts):,} paragraphs of {files:,} files, {size:.0f} MB")
        servers = broker.address
        self.senders = [
            Sender(f"producer-{n}", servers, texts[n::2], BYTES // 2, self.book) for n in range(2)
        ]
        self.readers = [
            Reader(f"{group} {n}", servers, group, view)
            for group, view in self.views.items()
            for n in range(2)
        ]

    def run(self) -> bool:
        """The whole of it; returns whether the table is right."""
        _create_topic(self.broker.address)
        _start(self.readers)
        self._wait(
            lambda: all(reader.ready.is_set() for reader in self.readers), "members have partitions"
        )
        began = time.monotonic()
        _start(self.senders)
        self._wait(lambda: self._part_acknowledged() >= 0.4, "the middle")
        self._crash()
        self._wait(lambda: not any(s.is_alive() for s in self.senders), "all is acknowledged")
        self._wait(self._all_received, "both groups have everything", must=False)
        seconds = time.monotonic() - began
        self.stop()
        text, right = table(self.book, self.views, seconds)
        self.progress.say(text)
        return right

    def stop(self) -> None:
        """Ends the workers."""
        workers: list[Worker] = [*self.senders, *self.readers]
        for worker in workers:
            worker.stopping.set()
        for worker in workers:
            if worker.is_alive():
                worker.join(10)

    def _crash(self) -> None:
        pid = self.broker.pid
        self.broker.kill()
        self.progress.say(f"killed the broker (SIGKILL, process {pid}) in the middle of its work")
        seconds = self.broker.start()
        self.progress.say(f"started it again: ready after {1000 * seconds:.0f} ms")

    def _part_acknowledged(self) -> float:
        # Records are about equally long: their number at the end follows from the bytes so far.
        if not self.book.sent_bytes:
            return 0.0
        expected = self.book.sent * BYTES / self.book.sent_bytes
        return len(self.book.acknowledged) / expected

    def _all_received(self) -> bool:
        expected = len(self.book.acknowledged)
        return all(len(view.received) >= expected for view in self.views.values())

    def _wait(self, done: Callable[[], bool], what: str, must: bool = True) -> None:
        deadline = time.monotonic() + PATIENCE
        while not done():
            for worker in [*self.senders, *self.readers]:
                if worker.error:
                    raise worker.error
            if time.monotonic() > deadline:
                if must:
                    raise TimeoutError(f"not within {PATIENCE:g} s: {what}")
                return
            self.progress.show()
            time.sleep(0.02)


def _start(workers: list[Reader] | list[Sender]) -> None:
    for worker in workers:
        worker.start()


def _create_topic(servers: str) -> None:
    admin = AdminClient({"bootstrap.servers": servers})
    for future in admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)]).values():
        future.result(30)


def main() -> int:
    """Runs it in a temporary directory; the exit status says whether the table is right."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        tempfile.TemporaryDirectory(prefix="minka-run-") as directory,
        Broker(Path(directory) / "data", SETTINGS) as broker,
    ):
        print(f"a broker at {broker.address}, its data in {broker.data}", flush=True)
        demonstration = Demonstration(broker)
        try:
            return 0 if demonstration.run() else 1
        except KeyboardInterrupt:
            print("\nstopped", flush=True)
            return 130
        except (KafkaException, TimeoutError) as error:
            print(f"\nNOT as it must be: {error}", flush=True)
            return 1
        finally:
            demonstration.stop()


if __name__ == "__main__":
    sys.exit(main())
