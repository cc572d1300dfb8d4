"""A member of a share group in a process of its own, to be killed.

    share_member.py SERVERS GROUP TOPIC MODE

It says on its standard output, a line each, what it gets and what of that is accepted for sure:
`["got", value, delivery count]` and `["done", value]`. With the mode `hold` it accepts nothing.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from confluent_kafka import KafkaException, ShareConsumer, TopicPartition


def say(*what: Any) -> None:
    """One line, at once: the process may be killed."""
    print(json.dumps(what), flush=True)


def main(servers: str, group: str, topic: str, mode: str) -> None:
    """Goes on until it is killed, or until its standard input ends."""
    consumer = ShareConsumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "share.acknowledgement.mode": "explicit",
            "max.poll.records": 20,
            "reconnect.backoff.max.ms": 300,
            "log_level": 2,
        }
    )
    consumer.subscribe([topic])
    while True:
        messages = [message for message in consumer.poll(0.2) if not message.error()]
        for message in messages:
            say("got", message.value().decode(), message.delivery_count())
        if mode == "hold" and messages:
            sys.stdin.read()
        if messages:
            accept(consumer, messages)


def accept(consumer: ShareConsumer, messages: list[Any]) -> None:
    """Accepts messages and says which of them are accepted for sure."""
    for message in messages:
        consumer.acknowledge(message)
    try:
        results = consumer.commit_sync(20)
    except KafkaException:
        return
    for message in messages:
        place = TopicPartition(message.topic(), message.partition())
        found = [error for at, error in results.items() if same(at, place)]
        if found == [None]:
            say("done", message.value().decode())


def same(one: TopicPartition, other: TopicPartition) -> bool:
    """Whether they are the same partition, whatever the offset."""
    return (one.topic, one.partition) == (other.topic, other.partition)


if __name__ == "__main__":
    main(*sys.argv[1:])
