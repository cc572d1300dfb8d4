"""A broker in one language; producers and consumers in all of them, in one group, over a socket."""

from __future__ import annotations

import queue
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Consumer as ConfluentConsumer
from confluent_kafka import Producer as ConfluentProducer

from examples.conversation import (
    LANGUAGES_OF_MEMBERS,
    SECONDS,
    Consumer,
    Message,
    Server,
    message,
    produce,
)
from examples.toolchains import BUILD_SECONDS
from harness.broker import wait_until
from harness.programs import objects, run, succeed

COUNT = 500
PARTITIONS = 8
# Members hear of each other quickly.
QUICK = {
    "group.initial.rebalance.delay.ms": "0",
    "group.consumer.heartbeat.interval.ms": "100",
    "group.consumer.session.timeout.ms": "20000",
}

languages = pytest.mark.parametrize("broker", LANGUAGES_OF_MEMBERS)
kinds = pytest.mark.parametrize("kind", ["queue", "partitions"])


@languages
@kinds
@pytest.mark.timeout(BUILD_SECONDS)
def test_all_of_them_share_a_group(broker: str, kind: str, tmp_path: Path) -> None:
    topic, group = "together", "group"
    line: queue.Queue[tuple[str, Message]] = queue.Queue()
    with Server(broker, tmp_path / "data", QUICK) as server, ExitStack() as stack:
        succeed(server.address, "minka", "topic", "create", topic, "--partitions", str(PARTITIONS))
        if kind == "queue":
            setting = "share.auto.offset.reset=earliest"
            succeed(server.address, "minka", "group", "alter", group, "--set", setting)
        consumers, threads = [], []
        for language in LANGUAGES_OF_MEMBERS:
            consumer = Consumer(language, server.address, topic, group, kind)
            consumers.append(stack.enter_context(consumer))
            threads.append(consumer.listen(line))
        wait_until(lambda: settled(consumers, server, group, kind), SECONDS, "all are members")

        producers = [produce(one, server.address, topic, COUNT) for one in LANGUAGES_OF_MEMBERS]
        for producer in producers:
            assert producer.wait(SECONDS) == 0, producer.stderr and producer.stderr.read()
        total = COUNT * len(LANGUAGES_OF_MEMBERS)
        got = [line.get(timeout=SECONDS) for _ in range(total)]
        for consumer in consumers:
            consumer.end()
        for thread in threads:
            thread.join(SECONDS)
        assert line.empty(), "something came twice"

        sent = {message(one, number) for one in LANGUAGES_OF_MEMBERS for number in range(COUNT)}
        assert Counter(what for _, what in got) == Counter(sent)
        if kind == "partitions":
            assert {language for language, _ in got} == set(LANGUAGES_OF_MEMBERS)
        described = describe(server.address, group)
        assert [partition["lag"] for partition in described["partitions"]] == [0] * PARTITIONS
        assert [member["client_id"] for member in described["members"]] == []
        server.end()


def settled(consumers: list[Consumer], server: Server, group: str, kind: str) -> bool:
    """Whether all are members of the group, and each has its share of the partitions."""
    for consumer in consumers:
        consumer.check()
    done = run(server.address, "minka", "group", "describe", group, "--json")
    if done.returncode != 0:
        return False
    members = objects(done.stdout)[0]["members"]
    shares = sorted(len(member["assigned"]) for member in members)
    share = PARTITIONS // len(LANGUAGES_OF_MEMBERS) if kind == "partitions" else PARTITIONS
    return shares == [share] * len(LANGUAGES_OF_MEMBERS)


def describe(address: str, group: str):
    """What the program `minka` tells of a group."""
    return objects(succeed(address, "minka", "group", "describe", group, "--json"))[0]


@languages
@pytest.mark.timeout(BUILD_SECONDS)
def test_a_client_of_others_is_served(broker: str, tmp_path: Path) -> None:
    sent = [message("confluent", number) for number in range(200)]
    with Server(broker, tmp_path / "data", QUICK) as server:
        producer = ConfluentProducer({"bootstrap.servers": server.address, "acks": "all"})
        for key, value in sent:
            producer.produce("foreign", key=key, value=value, partition=0)
        assert producer.flush(SECONDS) == 0
        settings = {"bootstrap.servers": server.address, "group.id": "g"}
        consumer = ConfluentConsumer({**settings, "auto.offset.reset": "earliest"})
        consumer.subscribe(["foreign"])
        got = []
        while len(got) < len(sent):
            records = consumer.consume(len(sent) - len(got), timeout=SECONDS)
            assert records, f"only {len(got)} came"
            got += [(record.key(), record.value()) for record in records]
        consumer.commit(asynchronous=False)
        consumer.close()
        assert got == sent
        server.end()
