"""What producers, consumers and admins do beside what every language does."""

from __future__ import annotations

import array
import gc
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

import minka
from world import MOMENT, PATIENCE, World, nothing_comes, take, text, values


def test_what_has_bytes_can_be_sent(here: World) -> None:
    with here.producer() as producer:
        sent = [
            b"bytes",
            "text \u00e9",
            bytearray(b"array"),
            memoryview(b"view of")[:4],
            array.array("B", b"numbers"),
            memoryview(b"s t e p")[::2],
            None,
        ]
        producer.send_many("t", sent)
        for value in sent:
            producer.send("t", value, key=value, headers=[("h", value)])
    expected = [None if value is None else _bytes(value) for value in sent]
    records = take(here.consumer(topics="t"), 14)
    assert [record.value for record in records] == expected * 2
    assert [record.key for record in records[7:]] == expected
    assert [record.headers for record in records[7:]] == [[("h", value)] for value in expected]


def _bytes(value: object) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]


def test_send_many_takes_values_pairs_and_messages(here: World) -> None:
    when = datetime(2024, 5, 1, tzinfo=timezone.utc)
    messages = (
        message
        for message in [
            "value",
            ("key", b"value"),
            (None, None),
            minka.Message(b"v", key=b"k", headers={"h": "x"}, timestamp=when, partition=0),
            minka.Message("elsewhere", topic="u"),
        ]
    )
    with here.producer() as producer:
        receipts = producer.send_many("t", messages)
        assert len(producer.send_many("t", [])) == 0
    assert [receipt.topic for receipt in receipts] == ["t", "t", "t", "t", "u"]
    records = take(here.consumer(topics="t"), 4)
    pairs = [(None, b"value"), (b"key", b"value"), (None, None), (b"k", b"v")]
    assert [(record.key, record.value) for record in records] == pairs
    assert records[3].headers == [("h", b"x")]
    assert records[3].timestamp == when.timestamp() * 1000 == receipts[3].timestamp
    assert values(here.consumer(topics="u"), 1) == ["elsewhere"]


def test_receipts_and_records_are_sequences(here: World) -> None:
    with here.producer() as producer:
        receipts = producer.send_many("t", [str(number) for number in range(10)])
    records = here.consumer(topics="t").poll(PATIENCE)
    assert records.values() == [str(number).encode() for number in range(10)]
    assert records.keys() == [None] * 10
    for sequence in (receipts, records):
        assert isinstance(sequence, Sequence)
        offsets = [one.offset for one in sequence]
        assert offsets == list(range(10))
        assert len(sequence) == 10 and sequence[0] in sequence
        assert sequence[-1] == sequence[9] != sequence[8]
        assert [one.offset for one in sequence[1:8:3]] == [1, 4, 7]
        assert [one.offset for one in sequence[::-1]] == offsets[::-1]
        assert [one.offset for one in reversed(sequence)] == offsets[::-1]
        assert sequence.index(sequence[3]) == 3 and sequence.count(sequence[3]) == 1
        assert sequence.index(sequence[3], -9, 4) == 3
        for start, stop in [(4, 10), (0, 3), (-1, 10)]:
            with pytest.raises(ValueError):
                sequence.index(sequence[3], start, stop)
        assert len({*sequence, *sequence}) == 10
        for index in (10, -11, 1 << 40):
            with pytest.raises(IndexError):
                sequence[index]
        with pytest.raises(TypeError):
            sequence["0"]  # type: ignore[call-overload]
    assert repr(receipts[2]) == '<minka.Receipt topic="t" partition=0 offset=2>'
    assert repr(records[2]) == '<minka.Record topic="t" partition=0 offset=2>'


def test_a_memoryview_is_not_copied_and_keeps_the_batch(here: World) -> None:
    value = bytes(range(256)) * 4000
    with here.producer() as producer:
        producer.send_many("t", [value, None])
    record, tombstone = take(here.consumer(topics="t"), 2)
    view, again = memoryview(record), memoryview(record)
    assert view.readonly and view.nbytes == len(value) and view.format == "B"
    assert view.obj is record
    del record
    gc.collect()
    here.broker.close()
    assert view == value and again[256:512] == value[:256]
    with pytest.raises(TypeError):
        view[0] = 1
    with pytest.raises(BufferError):
        memoryview(tombstone)


def test_a_delivery_is_asked_again(here: World) -> None:
    with minka.Producer(here.broker.listen()) as producer:
        producer.send("t", "first")
        here.broker.fault("Produce", delay=0.3)
        delivery = producer.enqueue("t", "late")
        with pytest.raises(minka.Timeout):
            delivery.result(MOMENT)
        with pytest.raises(TimeoutError):
            delivery.exception(timedelta(milliseconds=10))
        with ThreadPoolExecutor() as pool:
            results = [pool.submit(delivery.result, PATIENCE) for _ in range(3)]
            assert {result.result().offset for result in results} == {1}
        assert delivery.done() and delivery.exception() is None
        here.broker.fault("Produce", error=minka.PolicyViolation)
        delivery = producer.enqueue("t", "refused")
        assert isinstance(delivery.exception(), minka.PolicyViolation)
        with pytest.raises(minka.PolicyViolation):
            delivery.result()


def test_send_many_tells_what_became_of_each(here: World) -> None:
    here.topic("t", max_message_bytes=2000)
    with here.producer(batch_size=1000, buffer_memory=50_000) as producer:
        producer.send("t", "small")
        with pytest.raises(minka.MessageTooLarge) as caught:
            producer.send_many("t", ["a", bytes(3000), "b"])
        first, second, third = caught.value.results
        assert isinstance(first, minka.Receipt) and first.offset == 1
        assert isinstance(second, minka.MessageTooLarge)
        assert isinstance(third, minka.Receipt) and third.offset == 2
        # What cannot even be sent ends the call.
        with pytest.raises(minka.MessageTooLarge) as caught:
            producer.send_many("t", ["a", bytes(60_000), "never sent"])
        first, second = caught.value.results
        assert isinstance(first, minka.Receipt) and isinstance(second, minka.MessageTooLarge)


def test_a_timeout_of_send_is_told(here: World) -> None:
    with minka.Producer(here.broker.listen()) as producer:
        producer.send("t", "first")
        for send in (
            lambda: producer.send("t", "v", timeout=MOMENT),
            lambda: producer.send_many("t", ["v"], timeout=MOMENT),
            lambda: (producer.enqueue("t", "v"), producer.flush(MOMENT)),
        ):
            here.broker.fault("Produce", delay=0.4)
            with pytest.raises(minka.Timeout):
                send()
            producer.flush(PATIENCE)


def test_other_threads_run_while_one_waits(world: World) -> None:
    world.topic("t")
    consumer, steps = world.reader("t"), 0
    with ThreadPoolExecutor() as pool:
        polled = pool.submit(consumer.poll, 0.2)
        while not polled.done():
            steps += 1
    assert steps > 1000


def test_a_consumer_belongs_to_one_thread(here: World) -> None:
    here.topic("t")
    consumer = here.worker("g", "t")
    with ThreadPoolExecutor() as pool:
        polled = pool.submit(consumer.poll, PATIENCE)
        here.wait_for_members("g", 1)
        for call in (consumer.poll, consumer.assignment, consumer.commit):
            with pytest.raises(minka.InvalidRequest, match="another thread"):
                call()
        consumer.close()
        assert isinstance(polled.exception(PATIENCE), minka.Closed)


def test_many_threads_share_a_producer(world: World) -> None:
    with world.producer() as producer, ThreadPoolExecutor(8) as pool:
        sends = [pool.submit(producer.send, "t", str(number)) for number in range(200)]
        offsets = {send.result(PATIENCE).offset for send in sends}
    assert offsets == set(range(200))


def test_a_loop_is_left_and_entered_again(world: World) -> None:
    world.topic("t")
    world.send("t", "a", "b", "c", "d")
    with world.reader("t") as consumer:
        assert text(next(consumer)) == "a"
        for record in consumer:
            assert text(record) == "b"
            break
        assert [text(record) for record in consumer.poll(PATIENCE)] == ["c", "d"]
        nothing_comes(consumer)
        consumer.seek("t", 0, 1)
        assert text(next(consumer)) == "b"
        consumer.seek("t", 0, 0)
        assert text(next(consumer)) == "a"


@pytest.mark.parametrize("group_type", ["queue", "partitions"])
def test_what_a_loop_has_not_given_is_not_done(world: World, group_type: str) -> None:
    world.topic("t")
    world.queue_group("g")
    world.send("t", "a", "b", "c")

    def consumer() -> minka.Consumer:
        return world.consumer("g", topics="t", group_type=group_type)

    with consumer() as member:
        assert text(next(member)) == "a"
    # A block that ends by an exception has not done the last one either.
    with pytest.raises(ZeroDivisionError), consumer() as member:
        assert [text(next(member)), text(next(member))] == ["b", "c"]
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), consumer() as member:
        assert [text(record) for record in member.poll(PATIENCE)] == ["c"]
        raise ZeroDivisionError
    # Nor has one that is dropped.
    member = consumer()
    assert text(next(member)) == "c"
    del member
    gc.collect()
    with consumer() as member:
        assert text(next(member)) == "c"
    with consumer() as member:
        nothing_comes(member)


def test_what_was_said_of_a_record_holds_after_an_exception(world: World) -> None:
    world.topic("t")
    world.queue_group("g")
    world.send("t", "a", "b", "c")
    with pytest.raises(ZeroDivisionError), world.consumer("g", topics="t") as member:
        first, second, _third = member.poll(PATIENCE)
        member.accept(first)
        member.reject(second)
        raise ZeroDivisionError
    with world.consumer("g", topics="t") as member:
        (third,) = member.poll(PATIENCE)
        assert (text(third), third.delivery_count) == ("c", 2)


def test_acknowledgements_that_come_too_late_are_counted(here: World) -> None:
    here.topic("t")
    here.queue_group("g", {"share.session.timeout.ms": 600_000})
    here.send("t", "slow")
    with here.consumer("g", topics="t") as slow:
        take(slow, 1)
        assert slow.acknowledged_too_late == 0
        here.broker.advance_clock(31)
        with here.worker("g", "t") as other:
            (again,) = other.poll(PATIENCE)
            assert again.delivery_count == 2
            deadline = time.monotonic() + PATIENCE
            while slow.acknowledged_too_late != 1:
                assert time.monotonic() < deadline
                slow.poll(MOMENT)


def test_headers_that_are_not_text_come_back(here: World) -> None:
    with here.producer() as producer:
        producer.send("t", b"v", headers=[(b"\xff\xfe", b"1"), ("\u00e9", b"2")])
    (record,) = take(here.consumer(topics="t"), 1)
    (odd, one), (name, two) = record.headers
    assert (odd.encode("utf-8", "surrogateescape"), one) == (b"\xff\xfe", b"1")
    assert (name, two) == ("\u00e9", b"2")


def test_settings_are_keywords(here: World) -> None:
    with here.producer(linger_ms=timedelta(milliseconds=1), client_id=None, acks="all") as one:
        assert one.send("t", b"v").offset == 0
    with here.producer(**{"linger.ms": 1, "enable.idempotence": False}) as one:
        assert one.send("t", b"v").offset == 1
    admin = here.admin(request_timeout_ms=1000, client_id="me")
    assert admin.cluster().id
    assert admin.describe_topic("t").setting("retention.ms")
    with pytest.raises(KeyError):
        admin.describe_topic("t").setting("nothing")
    with minka.Broker(num_partitions=3) as broker, minka.Admin(broker) as admin:
        admin.create_topic("t")
        assert admin.topics()[0].partitions == 3


def test_a_broker_opens_its_door_later(here: World) -> None:
    assert here.broker.bootstrap_servers is None
    address = here.broker.listen()
    assert here.broker.bootstrap_servers == address
    with pytest.raises(minka.InvalidRequest):
        here.broker.listen()
    (one,) = minka.Admin(address).cluster().brokers
    assert address == f"{one.host}:{one.port}"
    assert address in repr(here.broker)


def test_hooks_may_use_clients_and_threads(here: World) -> None:
    seen: list[tuple[str, str | None]] = []
    audit: list[minka.Producer] = []

    def admit(record: minka.PassingRecord) -> None:
        if record.topic == "t":
            audit[0].enqueue("audit", record.value)
            seen.append((threading.current_thread().name, record.address))

    with minka.Broker(kafka="127.0.0.1:0", on_admission=admit) as broker:
        audit.append(minka.Producer(broker))
        with minka.Producer(broker) as one, minka.Producer(broker.bootstrap_servers) as two:
            for number in range(20):
                one.send("t", f"one {number}")
                two.send("t", f"two {number}")
        audit[0].close()
        assert len(take(minka.Consumer(broker, topics="audit"), 40)) == 40
    assert len(seen) == 40
    assert {address is None for _, address in seen} == {True, False}


def test_a_hook_that_fails_refuses_and_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    unraisable: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", lambda told: unraisable.append(told.exc_value))
    answers: list[Callable[[], object]] = [lambda: 1 / 0, lambda: "yes", lambda: b"v"]

    def admit(record: minka.PassingRecord) -> object:
        return answers[int(record.value)]()

    with minka.Broker(on_admission=admit) as broker, minka.Producer(broker) as producer:
        for number, name in enumerate(["ZeroDivisionError", "TypeError", "TypeError"]):
            with pytest.raises(minka.Error, match=f"on_admission failed with {name}"):
                producer.send("t", str(number))
            assert type(unraisable[-1]).__name__ == name
    assert len(unraisable) == 3


def test_a_closed_broker_lets_go_of_its_hooks() -> None:
    class Rules:
        broker: minka.Broker

        def admit(self, record: minka.PassingRecord) -> None:
            """Lets everything pass."""

    rules = Rules()
    rules.broker = minka.Broker(on_admission=rules.admit)
    gone = weakref.ref(rules)
    rules.broker.close()
    del rules
    gc.collect()
    assert gone() is None


def test_a_change_keeps_what_it_does_not_name() -> None:
    changes = iter([minka.Change(), minka.Change(key=None), minka.Change(value=None, headers=[])])
    with minka.Broker(on_admission=lambda record: next(changes)) as broker:
        with minka.Producer(broker) as producer:
            for _ in range(3):
                producer.send("t", b"v", key=b"k", headers={"h": b"1"})
        records = take(minka.Consumer(broker, topics="t"), 3)
    assert [(r.key, r.value, r.headers) for r in records] == [
        (b"k", b"v", [("h", b"1")]),
        (None, b"v", [("h", b"1")]),
        (b"k", None, []),
    ]
    with pytest.raises(TypeError):
        minka.Change(offset=1)
    assert repr(minka.Change(value=b"v")) == "minka.Change(value=b'v')"


def test_events_are_iterated_over_and_closed(here: World) -> None:
    events = here.broker.events()
    assert events.next(0) is None
    with ThreadPoolExecutor() as pool:
        kinds = pool.submit(lambda: [event.kind for event in events])
        here.topic("t")
        time.sleep(MOMENT)
        events.close()
        assert kinds.result(PATIENCE) == ["topic_created"]
    with pytest.raises(minka.Closed):
        events.next()
    with here.broker.events(1) as few:
        for name in ("a", "b", "c"):
            here.topic(name)
        assert [event.kind for event in (few.next(0), few.next(0)) if event][-1] == "missed"
