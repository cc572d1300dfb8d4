"""What is sent comes back; brokers are managed, and tell what is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

import minka
from world import MOMENT, PATIENCE, World, nothing_comes, take, text, values

TIME = 1_700_000_000_000
LIST = Path(__file__).resolve().parents[3] / "tests" / "scenarios" / "LIST"

both = pytest.mark.parametrize("place", ["in-process", "socket"])


def test_produce_and_consume(world: World) -> None:
    world.topic("t")
    everything = bytes(range(256))
    headers = [("h", b"first"), ("h", None), ("", b"")]
    sent = [
        (b"k", b"v", headers, TIME),
        (everything, everything, [], TIME),
        (None, b"", [], TIME + 1),
        (b"", None, [], 0),
    ]
    with world.producer() as producer:
        for offset, (key, value, some, time) in enumerate(sent):
            receipt = producer.send("t", value, key=key, headers=some, timestamp=time)
            place = (receipt.topic, receipt.partition, receipt.offset, receipt.timestamp)
            assert place == ("t", 0, offset, time)
    records = take(world.reader("t"), 4)
    assert [(r.key, r.value, r.headers, r.timestamp) for r in records] == sent
    assert [(r.topic, r.partition, r.offset) for r in records] == [("t", 0, n) for n in range(4)]
    assert all(record.delivery_count == 1 for record in records)


def test_order_within_a_partition(world: World) -> None:
    world.topic("t", 3)
    with world.producer() as producer:
        for number in range(1000):
            producer.enqueue("t", str(number), key="one")
        producer.flush(PATIENCE)
    with world.member("g", "t") as consumer:
        records = take(consumer, 1000)
        partition = records[0].partition
        came = [(record.partition, record.offset, text(record)) for record in records]
        assert came == [(partition, number, str(number)) for number in range(1000)]


def test_batches_and_receipts(world: World) -> None:
    world.topic("t", 3)
    messages = [minka.Message(str(number), partition=number % 3) for number in range(1000)]
    with world.producer() as producer:
        receipts = producer.send_many("t", messages, timeout=PATIENCE)
    assert len(receipts) == 1000
    offsets = defaultdict(list)
    for receipt in receipts:
        offsets[receipt.partition].append(receipt.offset)
    counts = {0: 334, 1: 333, 2: 333}
    assert offsets == {partition: list(range(count)) for partition, count in counts.items()}
    assert len({receipt.id for receipt in receipts}) == 1000


def test_large_and_compressed_records(world: World) -> None:
    world.topic("t")
    value = bytes(at * at // 7 % 251 for at in range(1_000_000))
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    for codec in codecs:
        with world.producer(compression_type=codec) as producer:
            producer.send("t", value)
    for record in take(world.reader("t"), len(codecs)):
        assert record.value == value, f"offset {record.offset} is not what was sent"
        assert memoryview(record) == value
    with world.producer() as producer:
        world.admin().alter_topic("t", {"max.message.bytes": 2000})
        with pytest.raises(minka.MessageTooLarge):
            producer.send("t", value)
        assert producer.send("t", "small").offset == 5


@both
def test_unknown_topic(place: str, open_world: Callable[..., World]) -> None:
    world = open_world(place, auto_create_topics_enable=False)
    # A producer waits for a topic to come, but not for ever.
    with world.producer(max_block_ms=500, delivery_timeout_ms=500) as producer:
        with pytest.raises(minka.UnknownTopicOrPartition, match="missing"):
            producer.send("missing", b"v")
    with pytest.raises(minka.UnknownTopicOrPartition, match="missing"):
        world.admin().describe_topic("missing")
    assert world.admin().topics() == []


def test_admin_topics(world: World) -> None:
    admin = world.admin()
    assert admin.topics() == []
    admin.create_topic("t", 2, {"retention.ms": 60_000})
    with pytest.raises(minka.TopicExists):
        admin.create_topic("t", 2)
    assert [(topic.name, topic.partitions) for topic in admin.topics()] == [("t", 2)]

    with world.producer() as producer:
        producer.send("t", b"v", partition=1)
    described = admin.describe_topic("t")
    assert [(p.index, p.start, p.end) for p in described.partitions] == [(0, 0, 0), (1, 0, 1)]

    def retention() -> tuple[str, bool]:
        found = {setting.name: setting for setting in admin.describe_topic("t").settings}
        return found["retention.ms"].value, found["retention.ms"].is_default

    assert retention() == ("60000", False)
    admin.alter_topic("t", {"retention.ms": 70_000})
    assert retention() == ("70000", False)
    admin.alter_topic("t", {"retention.ms": None})
    assert retention()[1]

    admin.add_partitions("t", 3)
    assert len(admin.describe_topic("t").partitions) == 3
    with pytest.raises(minka.InvalidPartitions):
        admin.add_partitions("t", 3)
    admin.delete_topic("t")
    with pytest.raises(minka.UnknownTopicOrPartition):
        admin.describe_topic("t")
    with pytest.raises(minka.UnknownTopicOrPartition):
        admin.delete_topic("t")
    assert admin.topics() == []


def test_admin_groups(world: World) -> None:
    admin = world.admin()
    world.topic("t")
    world.send("t", "a", "b")
    member = world.member("g", "t")
    assert values(member, 2) == ["a", "b"]
    member.commit()
    world.send("t", "c")

    assert [(group.name, group.kind) for group in admin.groups()] == [("g", "partitions")]
    described = admin.describe_group("g")
    (one,) = described.members
    assert (one.client_id, one.assigned) == ("minka", (("t", 0),))
    (partition,) = described.partitions
    assert (partition.topic, partition.partition) == ("t", 0)
    assert (partition.committed, partition.end, partition.lag) == (2, 3, 1)
    assert described.lag == 1

    with pytest.raises(minka.NonEmptyGroup):
        admin.reset_group("g", "t", "earliest")
    with pytest.raises(minka.NonEmptyGroup):
        admin.delete_group("g")
    assert values(member, 1) == ["c"]
    member.close()
    admin.reset_group("g", "t", "earliest")
    with world.member("g", "t") as member:
        assert values(member, 3) == ["a", "b", "c"]
    admin.delete_group("g")
    with pytest.raises(minka.GroupNotFound):
        admin.describe_group("g")
    with pytest.raises(minka.GroupNotFound):
        admin.delete_group("g")
    assert admin.groups() == []


def test_assign_seek_pause(world: World) -> None:
    world.topic("t", 2)
    with world.producer() as producer:
        for number, value in enumerate(["a", "b", "c", "d"]):
            producer.send("t", value, partition=0, timestamp=TIME + 1000 * number)
        producer.send("t", "other", partition=1)

    consumer = world.consumer()
    consumer.assign([("t", 0, 2)])
    assert consumer.assignment() == [("t", 0)]
    assert consumer.position("t", 0) == 2
    assert values(consumer, 2) == ["c", "d"]
    assert consumer.position("t", 0) == 4
    consumer.seek("t", 0, datetime.fromtimestamp(TIME / 1000 + 1, timezone.utc))
    assert values(consumer, 3) == ["b", "c", "d"]
    consumer.seek("t", 0, 3)
    assert values(consumer, 1) == ["d"]
    consumer.seek("t", 0, "latest")
    nothing_comes(consumer)

    consumer.assign([("t", 0, "earliest"), ("t", 1)])
    consumer.pause("t", 0)
    assert values(consumer, 1) == ["other"]
    nothing_comes(consumer)
    consumer.resume("t", 0)
    assert values(consumer, 4) == ["a", "b", "c", "d"]
    with pytest.raises(minka.InvalidRequest):
        consumer.pause("t", 2)


def test_replay_from_the_start(world: World) -> None:
    world.topic("t")
    sent = [str(number) for number in range(50)]
    world.send("t", *sent)
    consumers = [world.reader("t"), world.consumer(topics="t")]
    for _ in range(2):
        for consumer in consumers:
            assert values(consumer, 50) == sent
            nothing_comes(consumer)
            consumer.seek("t", 0, "earliest")


def test_wrong_arguments(world: World) -> None:
    world.topic("t")
    producer = world.producer()
    for topic in ["", "no name", "..", "a/b", "n" * 250]:
        with pytest.raises(minka.InvalidTopic):
            producer.send(topic, b"v")
        with pytest.raises(minka.InvalidTopic):
            world.admin().create_topic(topic)
        with pytest.raises(minka.InvalidTopic):
            world.consumer("g").subscribe(topic)
        with pytest.raises(minka.InvalidTopic):
            world.consumer().assign([(topic, 0)])
    wrong_types(world, producer)
    wrong_consumers(world)
    wrong_settings(world)
    with pytest.raises(minka.UnknownTopicOrPartition):
        producer.send("t", b"v", partition=1)
    with pytest.raises(minka.InvalidPartitions):
        world.admin().create_topic("u", 0)
    with pytest.raises(minka.InvalidConfig):
        world.admin().create_topic("u", 1, {"no.such.setting": 1})
    assert producer.send("t", b"v").offset == 0
    assert values(world.reader("t"), 1) == ["v"]


def wrong_types(world: World, producer: minka.Producer) -> None:
    for value in [1, 1.5, object(), ["v"]]:
        with pytest.raises(TypeError, match="value must be bytes-like, str or None"):
            producer.send("t", value)
        with pytest.raises(TypeError, match="key must be bytes-like"):
            producer.send("t", b"v", key=value)
        with pytest.raises(TypeError):
            producer.send_many("t", [b"v", value])
    for values_ in [b"v", "v", 1, None]:
        with pytest.raises(TypeError):
            producer.send_many("t", values_)
    for topic in [None, b"t", 1]:
        with pytest.raises(TypeError, match="topic must be a str"):
            producer.send(topic, b"v")
    with pytest.raises(TypeError, match="without a topic"):
        producer.send_many(None, [b"v"])
    for partition in [-1, 1 << 32, 1 << 80]:
        with pytest.raises(ValueError, match="partition must not be negative"):
            producer.send("t", b"v", partition=partition)
    for partition in ["0", 0.0, True]:
        with pytest.raises(TypeError, match="partition must be an int"):
            producer.send("t", b"v", partition=partition)
    for headers in [b"h", 1, ["h"], [("h",)], {1: b"v"}, {"h": 1}]:
        with pytest.raises(TypeError):
            producer.send("t", b"v", headers=headers)
    with pytest.raises(UnicodeEncodeError):
        producer.send("\udcff", b"v")
    with pytest.raises(UnicodeEncodeError):
        world.consumer("g").subscribe("\udcff")
    for timeout in [-1, float("nan")]:
        with pytest.raises(ValueError, match="negative"):
            producer.flush(timeout)
    with pytest.raises(TypeError, match="timeout"):
        producer.flush("soon")
    for target in [None, 1, b"localhost:9092"]:
        with pytest.raises(TypeError, match="target must be a Broker or an address"):
            minka.Producer(target)
    with pytest.raises(minka.InvalidConfig):
        minka.Producer("nowhere")
    with pytest.raises(TypeError, match="on_admission must be callable"):
        minka.Broker(on_admission="a hook")


def wrong_consumers(world: World) -> None:
    consumer = world.consumer()
    with pytest.raises(minka.InvalidRequest):
        consumer.poll(MOMENT)
    with pytest.raises(minka.InvalidConfig):
        consumer.subscribe("t")
    with pytest.raises(minka.InvalidRequest):
        consumer.commit()
    with pytest.raises(minka.InvalidRequest):
        consumer.assign([("t", 0), ("t", 0, "latest")])
    for wrong in [1, [1], [("t",)], [("t", "0")], [("t", 0, 1, 2)], [("t", 0, 1.5)]]:
        with pytest.raises(TypeError):
            consumer.assign(wrong)
    for wrong in [[("t", -1)], [("t", 0, -1)], [("t", 0, "middle")]]:
        with pytest.raises(ValueError):
            consumer.assign(wrong)
    consumer.assign([("t", 0)])
    with pytest.raises(minka.InvalidRequest):
        consumer.seek("t", 1, "earliest")
    with pytest.raises(TypeError):
        consumer.accept(b"a record")
    with pytest.raises(minka.InvalidRequest):
        world.worker("g", "t").pause("t", 0)


def wrong_settings(world: World) -> None:
    for group, settings in [
        ("", {}),
        ("g", {"group_type": "pair"}),
        ("g", {"max_poll_records": 0}),
        ("g", {"max_poll_records": "many"}),
        ("g", {"no_such_setting": 1}),
    ]:
        with pytest.raises(minka.InvalidConfig):
            world.consumer(group, **settings)
    for name, value in [("no_such_setting", 1), ("num_partitions", "x"), ("kafka", "nowhere")]:
        with pytest.raises(minka.InvalidConfig, match=name.replace("_", ".")):
            minka.Broker(**{name: value})
    with pytest.raises(minka.InvalidConfig, match="linger.sm"):
        world.producer(linger_sm=5)
    with pytest.raises(minka.InvalidConfig):
        world.producer(acks=2)
    with pytest.raises(TypeError, match="linger.ms"):
        world.producer(linger_ms=[5])
    fault = world.broker.fault
    with pytest.raises(minka.InvalidRequest):
        fault("Brew", drop="answer")
    with pytest.raises(minka.InvalidRequest):
        fault("disk.sync", drop="answer")
    for arguments in [{}, {"drop": "all"}, {"delay": 1, "drop": "answer"}, {"error": "NO"}]:
        with pytest.raises(ValueError):
            fault("Produce", **arguments)
    with pytest.raises(ValueError):
        world.broker.advance_clock(-1)


def test_errors_are_the_same(world: World) -> None:
    lines = [line.split() for line in LIST.read_text().splitlines()]
    errors = [line[1:] for line in lines if line[:1] == ["error"]]
    assert len(errors) >= 10
    by_name = {error.name: error for error in minka.errors.BY_CODE.values()}
    for number, name, retry in errors:
        error = by_name[name]
        assert (error.code, error.retriable) == (int(number), retry == "retriable"), name
    # A few of them, as they come from a broker.
    admin = world.admin()
    world.topic("t")
    for ask, code, name in [
        (lambda: admin.describe_topic("missing"), 20, "UNKNOWN_TOPIC_OR_PARTITION"),
        (lambda: admin.create_topic("t"), 22, "TOPIC_EXISTS"),
        (lambda: admin.describe_group("missing"), 74, "GROUP_NOT_FOUND"),
    ]:
        with pytest.raises(minka.Error) as caught:
            ask()
        assert (caught.value.code, caught.value.name) == (code, name)
