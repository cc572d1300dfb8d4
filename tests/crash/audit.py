"""Reads a topic and holds it against its ledger."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from crash.ledger import Ledger, parse
from crash.load import PATIENT


@dataclass
class Audit:
    """A reading of one topic from its beginning, which may be continued after each crash.

    With `once`, no record may be in the log twice and each producer's records must be in order:
    what an idempotent producer is promised. Otherwise a record that was sent again, because its
    acknowledgement was lost, may be there twice.
    """

    ledger: Ledger
    once: bool
    next: dict[int, int] = field(default_factory=dict)
    last: dict[tuple[int, str], int] = field(default_factory=dict)

    def advance(self, servers: str, seconds: float = 60.0) -> int:
        """Reads on up to where the log ends now, checking each record; returns how many."""
        consumer = Consumer(
            {
                "bootstrap.servers": servers,
                "group.id": "audit",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 10,
                **PATIENT,
                "check.crcs": True,
            }
        )
        try:
            return sum(
                self._read_partition(consumer, partition, time.monotonic() + seconds)
                for partition in range(self.ledger.partitions)
            )
        finally:
            consumer.close()

    def _read_partition(self, consumer: Consumer, partition: int, deadline: float) -> int:
        place = TopicPartition(self.ledger.topic, partition)
        end = _end(consumer, place, deadline)
        start = self.next.get(partition, 0)
        # Taken before reading: what is promised by now must be in the log by now.
        promised = self.ledger.promised(partition, start)
        late = {offset: name for offset, name in promised.items() if offset >= end}
        # A record may have been acknowledged after the end was asked for.
        end_now = _end(consumer, place, deadline)
        lost = {offset: name for offset, name in late.items() if offset >= end_now}
        assert not lost, f"acknowledged, but behind the end {end_now} of {place}: {lost}"
        place.offset = start
        consumer.assign([place])
        while self.next.get(partition, 0) < end:
            assert time.monotonic() < deadline, f"{place} cannot be read up to {end}"
            for message in consumer.consume(5000, 0.1):
                self._check(message, promised)
        consumer.unassign()
        return self.next.get(partition, 0) - start

    def _check(self, message: Message, promised: dict[int, tuple[str, int]]) -> None:
        assert message.error() is None, message.error()
        partition, offset = message.partition(), message.offset()
        expected = self.next.get(partition, 0)
        assert offset == expected, f"offset {offset} of {partition} follows {expected - 1}"
        self.next[partition] = offset + 1
        producer, sequence = parse(message.value())
        where = f"{self.ledger.topic} {partition} at {offset}"
        name = promised.get(offset, (producer, sequence))
        assert name == (producer, sequence), f"{name} was acknowledged as {where}"
        sent = self.ledger.sent.get(producer, 0)
        assert sequence < sent, f"{where} was never sent: {producer} {sequence}"
        if self.once:
            before = self.last.get((partition, producer), -1)
            assert sequence > before, f"{where}: {producer} {sequence} comes after {before}"
            self.last[partition, producer] = sequence


def _end(consumer: Consumer, place: TopicPartition, deadline: float) -> int:
    """The offset behind the last record; asks again, as clients do, while a broker gets ready."""
    while True:
        try:
            return consumer.get_watermark_offsets(place, timeout=20)[1]
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
