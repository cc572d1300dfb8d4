"""Sends a record and reads it back: on a broker in this process, or on the one whose address is
the first argument."""

import sys

import minka

# Without a data directory everything is in memory.
with minka.Broker() as broker:
    target = sys.argv[1] if len(sys.argv) > 1 else broker
    with minka.Producer(target) as producer:
        receipt = producer.send("greetings", "hello from python", key="python")
        print(f"sent: {receipt.topic}/{receipt.partition}@{receipt.offset}")

    with minka.Consumer(target) as consumer:
        consumer.assign([("greetings", receipt.partition, receipt.offset)])
        record = next(consumer)
        print(f"received: {record.value.decode()}")
