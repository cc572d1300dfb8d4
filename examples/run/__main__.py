"""`make run`: the programs at work on real texts, one of them killed in the middle."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness.broker import Broker
from harness.programs import run, succeed
from run.book import Book, View
from run.corpus import load
from run.report import MB, Progress, table
from run.workers import TOPIC, Reader, Sender, Worker

PARTITIONS = 6
BYTES = 24 * MB
# How often the texts are sent, each time with other keys.
ROUNDS = 4
PATIENCE = 90.0
SENDERS = 3
MEMBERS = 2
GROUPS = ("group one", "group two")


class Demonstration:
    """Three producers, two queue groups of two consumers, one broker."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.book = Book()
        self.views = {group: View() for group in GROUPS}
        self.senders: list[Sender] = []
        self.readers: list[Reader] = []
        paragraphs = load(BYTES)
        # A message is a line here, so the line breaks of a paragraph become blanks.
        texts = [b" ".join(text.split()).decode(errors="replace") for _, text in paragraphs]
        self.texts = texts * ROUNDS
        self.progress = Progress(len(self.texts), self.book, self.views)
        files = len({path for path, _ in paragraphs})
        size = sum(map(len, self.texts)) / MB
        self.progress.say(
            f"{len(texts):,} paragraphs of {files:,} files, {ROUNDS} times: "
            f"{len(self.texts):,} messages, {size:.0f} MB"
        )

    def run(self) -> bool:
        """The whole of it; returns whether the table is right."""
        address = self.broker.address
        succeed(address, "minka", "topic", "create", TOPIC, "--partitions", str(PARTITIONS))
        for group, view in self.views.items():
            for n in range(MEMBERS):
                self.readers.append(Reader(f"consumer {n + 1} of {group}", address, group, view))
        began = time.monotonic()
        for n in range(SENDERS):
            self.senders.append(Sender(f"p{n}", address, self.texts[n::SENDERS], self.book))
        self._wait(lambda: self._part_received() >= 0.4, "the middle")
        self._kill(self.readers[0])
        self._wait(lambda: all(s.is_done() for s in self.senders), "all is acknowledged")
        statuses = [sender.wait() for sender in self.senders]
        self._wait(self._all_received, "both groups have everything", must=False)
        seconds = time.monotonic() - began
        statuses += [reader.interrupt() for reader in self.readers if not reader.killed]
        text, right = table(self.book, self.views, seconds)
        self.progress.say(text)
        if any(statuses):
            self.progress.say(f"  -> exit statuses of the programs: {statuses}")
        return right and not any(statuses) and self._is_log_sound()

    def stop(self) -> None:
        """Ends whatever still runs."""
        for worker in [*self.senders, *self.readers]:
            if worker.process.poll() is None:
                worker.process.kill()

    def _kill(self, reader: Reader) -> None:
        pid = reader.process.pid
        reader.kill()
        self.progress.say(f"killed {reader.name} (SIGKILL, process {pid}) in the middle")

    def _is_log_sound(self) -> bool:
        check = run(None, "minka", "log", "--check", "--data", str(self.broker.data))
        self.progress.say(f"minka log --check: {check.stdout.decode().strip()}")
        return check.returncode == 0

    def _part_received(self) -> float:
        return len(self.views[GROUPS[0]].received) / len(self.texts)

    def _all_received(self) -> bool:
        expected = len(self.book.acknowledged)
        return all(len(view.received) >= expected for view in self.views.values())

    def _wait(self, done: Callable[[], bool], what: str, must: bool = True) -> None:
        deadline = time.monotonic() + PATIENCE
        workers: list[Worker] = [*self.senders, *self.readers]
        while not done():
            for worker in workers:
                if worker.error:
                    raise worker.error
            if time.monotonic() > deadline:
                if must:
                    raise TimeoutError(f"not within {PATIENCE:g} s: {what}")
                return
            self.progress.show()
            time.sleep(0.02)


def main() -> int:
    """Runs it in a temporary directory; the exit status says whether the table is right."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        tempfile.TemporaryDirectory(prefix="minka-run-") as directory,
        Broker(Path(directory) / "data") as broker,
    ):
        print(f"a broker at {broker.address}, its data in {broker.data}", flush=True)
        demonstration = Demonstration(broker)
        try:
            return 0 if demonstration.run() else 1
        except KeyboardInterrupt:
            print("\nstopped", flush=True)
            return 130
        except (AssertionError, TimeoutError) as error:
            print(f"\nNOT as it must be: {error}", flush=True)
            return 1
        finally:
            demonstration.stop()


if __name__ == "__main__":
    sys.exit(main())
