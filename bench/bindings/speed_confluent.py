"""What speed.py does, with confluent-kafka: run RECORDS ADDRESS."""

from __future__ import annotations

import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition

BATCH = 1000
VALUE = b"m" * 100


def run(count: int, address: str) -> None:
    # Every setting as it comes, but room for what waits, so that it does not have to be asked for.
    producer = Producer({"bootstrap.servers": address, "queue.buffering.max.messages": 1_000_000})
    producer.produce("speed", VALUE)
    producer.flush()
    began = time.perf_counter()
    for _ in range(count // BATCH):
        for _ in range(BATCH):
            producer.produce("speed", VALUE)
        producer.poll(0)
    assert producer.flush() == 0
    produced = time.perf_counter() - began

    consumer = Consumer({"bootstrap.servers": address, "group.id": "unused"})
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
