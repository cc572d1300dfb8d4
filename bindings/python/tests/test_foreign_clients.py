"""Kafka clients that know nothing of minka, on a broker that a test controls."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

import minka

confluent_kafka = pytest.importorskip("confluent_kafka")
kafka = pytest.importorskip("kafka")

PATIENCE = 30.0


def confluent_producer(broker: minka.Broker, **settings: Any) -> Any:
    return confluent_kafka.Producer({"bootstrap.servers": broker.bootstrap_servers, **settings})


def send(producer: Any, topic: str, *values: str) -> list[Any]:
    """Sends with confluent-kafka, and waits: the errors and the offsets."""
    told: list[Any] = []

    def tell(error: Any, message: Any) -> None:
        told.append(error.name() if error else message.offset())

    for value in values:
        producer.produce(topic, value.encode(), on_delivery=tell)
        assert producer.flush(PATIENCE) == 0
    return told


def read(broker: minka.Broker, topic: str, count: int) -> list[str]:
    """Reads with kafka-python, from the start."""
    consumer = kafka.KafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap_servers,
        auto_offset_reset="earliest",
        consumer_timeout_ms=PATIENCE * 1000,
    )
    try:
        return [next(consumer).value.decode() for _ in range(count)]
    finally:
        consumer.close()


def test_they_talk_with_each_other_and_with_minka(minka_broker: minka.Broker) -> None:
    assert send(confluent_producer(minka_broker), "t", "from confluent-kafka") == [0]
    producer = kafka.KafkaProducer(bootstrap_servers=minka_broker.bootstrap_servers)
    assert producer.send("t", b"from kafka-python").get(PATIENCE).offset == 1
    producer.close()
    with minka.Producer(minka_broker) as native:
        native.send("t", "from minka")
    sent = ["from confluent-kafka", "from kafka-python", "from minka"]
    assert read(minka_broker, "t", 3) == sent
    with minka.Consumer(minka_broker, topics="t") as consumer:
        assert [value.decode() for value in consumer.poll(PATIENCE).values() if value] == sent


def test_a_fault_is_the_clients_to_deal_with(minka_broker: minka.Broker) -> None:
    producer = confluent_producer(minka_broker, **{"retry.backoff.ms": 10})
    assert send(producer, "t", "first") == [0]
    minka_broker.fault("Produce", nth=2, error=minka.MessageTooLarge)
    assert send(producer, "t", "second", "third", "fourth") == [1, "MSG_SIZE_TOO_LARGE", 2]
    # What may be tried again, it tries again.
    minka_broker.fault("Produce", times=2, error=minka.NotLeader)
    assert send(producer, "t", "fifth") == [3]
    minka_broker.fault("Produce", delay=0.3)
    since = time.monotonic()
    assert send(producer, "t", "sixth") == [4]
    assert time.monotonic() - since >= 0.3
    minka_broker.drop_connections()
    assert send(producer, "t", "seventh") == [5]
    values = ["first", "second", "fourth", "fifth", "sixth", "seventh"]
    assert read(minka_broker, "t", 6) == values


def test_a_lost_answer_is_no_second_record(minka_broker: minka.Broker) -> None:
    settings = {"enable.idempotence": True, "retry.backoff.ms": 10}
    producer = confluent_producer(minka_broker, **settings)
    assert send(producer, "t", "first") == [0]
    minka_broker.fault("Produce", drop="answer")
    send(producer, "t", "second")
    assert send(producer, "t", "third") == [2]
    assert read(minka_broker, "t", 3) == ["first", "second", "third"]


def test_retention_runs_out_when_the_clock_is_moved(minka_broker: minka.Broker) -> None:
    with minka.Admin(minka_broker) as admin:
        admin.create_topic("t", 1, {"retention.ms": 60_000})
    send(confluent_producer(minka_broker), "t", "old")
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": minka_broker.bootstrap_servers, "group.id": "g"}
    )
    partition = confluent_kafka.TopicPartition("t", 0)
    assert consumer.get_watermark_offsets(partition, timeout=PATIENCE) == (0, 1)
    minka_broker.advance_clock(61)
    assert consumer.get_watermark_offsets(partition, timeout=PATIENCE) == (1, 1)
    consumer.close()


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_member_that_is_silent_is_replaced(minka_broker: minka.Broker, protocol: str) -> None:
    send(confluent_producer(minka_broker), "t", "a")
    group = f"g-{uuid.uuid4()}"
    settings = {
        "bootstrap.servers": minka_broker.bootstrap_servers,
        "group.id": group,
        "group.protocol": protocol,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
    if protocol == "classic":
        settings["session.timeout.ms"] = 45_000
        settings["heartbeat.interval.ms"] = 40_000
    with minka.Admin(minka_broker) as admin:

        def members() -> set[str]:
            return {member.id for member in admin.describe_group(group).members}

        first = confluent_kafka.Consumer(settings)
        first.subscribe(["t"])
        assert poll(first).value() == b"a"
        (before,) = members()
        # Whoever is told that he is gone joins again, by another ID or in another epoch.
        events = minka_broker.events()
        minka_broker.advance_clock(60)
        left = next(event for event in events if event.kind == "member_left")
        assert (left.group, left.member) == (group, before)
        second = confluent_kafka.Consumer({**settings, "client.id": "second"})
        first.close()
        second.subscribe(["t"])
        assert poll(second).value() == b"a"
        second.close()
        events.close()


def poll(consumer: Any) -> Any:
    """The next message of confluent-kafka."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            return message
    raise AssertionError("nothing came")


def test_a_broker_in_python_judges_what_they_send() -> None:
    def admit(record: minka.PassingRecord) -> minka.Change | None:
        if record.value == b"rotten":
            raise minka.Reject("nobody eats that")
        return minka.Change(value=record.value + b", seen", headers={"by": record.client_id})

    def let_in(login: minka.Login) -> bool:
        return login.password == "right"

    with minka.Broker(
        kafka="127.0.0.1:0", on_admission=admit, on_authentication=let_in
    ) as broker:
        login: dict[str, Any] = {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": "anna",
            "sasl.password": "right",
            "client.id": "cook",
        }
        producer = confluent_producer(broker, **login)
        assert send(producer, "t", "fresh", "rotten", "good") == [0, "INVALID_RECORD", 1]
        wrong: list[str] = []
        refused = {**login, "sasl.password": "wrong", "error_cb": lambda e: wrong.append(e.name())}
        client = confluent_producer(broker, **refused)
        wait_until(lambda: client.poll(0.05), wrong)
        consumer = kafka.KafkaConsumer(
            "t",
            bootstrap_servers=broker.bootstrap_servers,
            auto_offset_reset="earliest",
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            sasl_plain_username="anna",
            sasl_plain_password="right",
            consumer_timeout_ms=PATIENCE * 1000,
        )
        records = [next(consumer) for _ in range(2)]
        consumer.close()
    assert [record.value for record in records] == [b"fresh, seen", b"good, seen"]
    assert [list(record.headers) for record in records] == [[("by", b"cook")]] * 2
    assert "_AUTHENTICATION" in wrong


def wait_until(step: Callable[[], object], told: list[str]) -> None:
    """Goes on until something was told."""
    deadline = time.monotonic() + PATIENCE
    while not told:
        assert time.monotonic() < deadline, "nothing was told"
        step()
