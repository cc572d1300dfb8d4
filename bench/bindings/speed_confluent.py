"""What speed.py does, with confluent-kafka: run RECORDS ADDRESS."""

from __future__ import annotations

import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition

# So many are sent, and then waited for.
BATCH = 100_000
VALUE = b"m" * 100


def run(count: int, address: str) -> None:
    # Every setting as it comes, but room for what waits, so that it does not have to be asked for.
    producer = Producer({"bootstrap.servers": address, "queue.buffering.max.messages": 1_000_000})
    producer.produce("speed", VALUE)
    producer.flush()
    began = time.perf_counter()
    batch = min(BATCH, count)
    for _ in range(count // batch):
        for _ in range(batch):
            producer.produce("speed", VALUE)
        assert producer.flush() == 0
    produced = time.perf_counter() - began

    settings = {"bootstrap.servers": address, "group.id": "unused"}
    consumer = Consumer({**settings, "queued.min.messages": 1_000_000})
    began, left, size = time.perf_counter(), count, 0
    consumer.assign([TopicPartition("speed", 0, 0)])
    while left > 0:
        values = [record.value() for record in consumer.consume(min(left, 10_000), 10)]
        left -= len(values)
        size += sum(map(len, values))
    consumed = time.perf_counter() - began
    assert size >= count * len(VALUE)
    consumer.close()
    print(f"produced={produced} consumed={consumed}")


if __name__ == "__main__":
    run(int(sys.argv[2]), sys.argv[3])
