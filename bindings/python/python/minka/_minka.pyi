"""The native part of minka. Its classes are what ``minka`` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from os import PathLike
from types import TracebackType
from typing import Any, Literal, final, overload

from typing_extensions import Self, disjoint_base

from minka.errors import Error
from minka.types import (
    Assignment,
    EventKind,
    HeadersLike,
    Hook,
    LoginHook,
    Payload,
    Sendable,
    SettingValue,
    StartAt,
    Target,
    Timeout,
    Timestamp,
)

__all__ = [
    "Admin",
    "Broker",
    "BrokerEvent",
    "Completions",
    "Consumer",
    "Delivery",
    "EventStream",
    "Login",
    "Message",
    "PassingRecord",
    "Producer",
    "Receipt",
    "Receipts",
    "Record",
    "RecordIterator",
    "Records",
    "__version__",
    "_after_fork",
    "_at_exit",
    "error_kinds",
]
__version__: str

def error_kinds() -> list[tuple[int, str, bool, bool]]:
    """All kinds of errors: number, name, whether they may be tried again, whether fatal."""

@disjoint_base
class Broker:
    """A broker in this process. May be used by any thread.

    Without ``data`` everything is in memory, and gone when it is closed. Without ``kafka`` there is
    no socket: clients of this process are opened on the object itself. ``settings`` are those of
    the program ``broker``: ``num_partitions=3`` is ``num.partitions``, ``copy_of="dir"`` begins in
    memory with a copy of a data directory.

    Hooks are called on the threads of the broker and of its clients, by several at once, and while
    others wait: they should be short. ``on_admission`` sees each record before it is stored,
    ``on_delivery`` before a consumer gets it; either returns ``None`` to let it pass or a
    ``Change``, and raises ``Reject`` to refuse it. ``on_authentication`` is asked about each
    connection of the Kafka door, and returns ``None`` or ``True`` or raises ``Reject``. Any other
    exception goes to ``sys.unraisablehook`` and refuses, too, but at delivery, where the record is
    held back and asked about again.

    Raises ``InvalidConfig``, ``DirectoryLocked``, ``StorageFailed``, ``FormatTooNew``, ``Network``.
    """

    def __new__(
        cls,
        data: str | PathLike[str] | None = None,
        *,
        kafka: str | None = None,
        on_admission: Hook | None = None,
        on_delivery: Hook | None = None,
        on_authentication: LoginHook | None = None,
        **settings: SettingValue,
    ) -> Self: ...
    @property
    def bootstrap_servers(self) -> str | None:
        """Where Kafka clients connect to, as ``HOST:PORT``; ``None`` without a Kafka door."""

    @property
    def closed(self) -> bool:
        """Whether it was closed."""

    def listen(self, address: str = "127.0.0.1:0") -> str:
        """Opens the Kafka door of a broker that has none, and returns its address.

        Raises ``InvalidRequest`` if it is open, ``Network``.
        """

    def advance_clock(self, by: float | timedelta) -> None:
        """Moves the broker's clock forward, by seconds or a ``timedelta``.

        When it returns, everything that was due by then has happened: locks, sessions, rests and
        retention that ran out, dead letters. How long clients wait for answers does not change.
        """

    def fault(
        self,
        at: str,
        nth: int = 1,
        times: int | None = 1,
        *,
        error: type[Error] | str | int | None = None,
        delay: float | timedelta | None = None,
        drop: Literal["request", "answer"] | None = None,
    ) -> None:
        """Has a fault happen, to Kafka clients and to those of this process alike.

        ``at`` is an API by its Kafka name (``"Produce"``, ``"Fetch"``, ...), or ``"disk.write"``,
        ``"disk.sync"``, ``"disk.read"``; ``nth`` the call from now on with which it begins;
        ``times`` how many calls it happens to, ``None`` for all. One of: ``error``, a class of
        ``minka``, its name or number, fails the call; ``delay`` in seconds makes it late;
        ``drop="request"`` ends the connection before the request is looked at, ``drop="answer"``
        in place of the answer.

        Raises ``InvalidRequest`` for a name that is none, or an effect that it cannot have.
        """

    def clear_faults(self) -> None:
        """Takes back all faults that are to come."""

    def drop_connections(self) -> None:
        """Ends all connections of the Kafka door, which goes on accepting new ones."""

    def snapshot(self, directory: str | PathLike[str]) -> None:
        """Copies what the broker holds into a directory, which must be empty or absent.

        Raises ``StorageFailed``, ``InvalidConfig``.
        """

    def wait_until_idle(self, group: str | None = None, timeout: Timeout = None) -> None:
        """Waits until everything is committed by a group, or settled in a queue; by all if none
        is named.

        Raises ``Timeout``, which says what is left, and ``GroupNotFound``.
        """

    def events(self, capacity: int = 10_000) -> EventStream:
        """The events from now on, of which ``capacity`` are kept until they are taken."""

    def close(self) -> None:
        """Closes the doors, then the broker; calls of clients of this process end with ``Closed``.

        Closing again does nothing.
        """

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class EventStream:
    """The events of a broker from when this was made, to be iterated over by one thread.

    The loop ends after the event ``closing``, and when the stream is closed.
    """

    def next(self, timeout: Timeout = None) -> BrokerEvent | None:
        """The next event; ``None`` when the time is over, and after the last event.

        Raises ``Closed`` once the stream is closed.
        """

    def close(self) -> None:
        """Ends it, from any thread."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> BrokerEvent: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class BrokerEvent:
    """Something that happened in a broker. What does not apply is ``None`` or empty."""

    @property
    def kind(self) -> EventKind: ...
    @property
    def number(self) -> int:
        """The kind as a number, the same in every language."""

    @property
    def time(self) -> int:
        """When, in ms since 1970."""

    @property
    def topic(self) -> str | None: ...
    @property
    def partition(self) -> int | None:
        """The partition's index, or how many there are."""

    @property
    def offset(self) -> int | None: ...
    @property
    def group(self) -> str | None: ...
    @property
    def member(self) -> str | None:
        """The member's ID."""

    @property
    def client(self) -> str | None:
        """An address for a connection, a user for a login, a client ID for a member."""

    @property
    def text(self) -> str:
        """More, for people."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class PassingRecord:
    """A record that passes a hook."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int | None:
        """``None`` at admission, where it has none yet."""

    @property
    def timestamp(self) -> int:
        """In ms since 1970."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> list[tuple[str, bytes | None]]: ...
    @property
    def client_id(self) -> str:
        """What the client calls itself."""

    @property
    def user(self) -> str | None:
        """The user that authentication let in."""

    @property
    def address(self) -> str | None:
        """Where the client is; ``None`` for one of this process."""

@final
class Login:
    """Somebody who wants to be let in."""

    @property
    def user(self) -> str: ...
    @property
    def password(self) -> str: ...
    @property
    def address(self) -> str:
        """Where the client is."""

@final
class Message:
    """A record for ``Producer.send_many``, with more than a key and a value."""

    def __new__(
        cls,
        value: Payload | None,
        *,
        key: Payload | None = None,
        topic: str | None = None,
        partition: int | None = None,
        headers: HeadersLike | None = None,
        timestamp: Timestamp | None = None,
    ) -> Self: ...
    @property
    def value(self) -> Payload | None: ...
    @property
    def key(self) -> Payload | None: ...
    @property
    def topic(self) -> str | None: ...
    @property
    def partition(self) -> int | None: ...
    @property
    def headers(self) -> HeadersLike | None: ...
    @property
    def timestamp(self) -> Timestamp | None: ...

@final
class Receipt:
    """Where a record ended up."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int | None:
        """``None`` where the broker did not tell it: with ``acks=0``."""

    @property
    def id(self) -> int | None:
        """The record's unique ID in minka's log, where the broker tells it."""

    @property
    def timestamp(self) -> int:
        """As it is stored, in ms since 1970."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Receipts(Sequence[Receipt]):
    """Receipts in the order in which the records were sent; each is made when it is looked at."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int, /) -> Receipt: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[Receipt]: ...
    def count(self, value: object) -> int: ...
    def index(self, value: object, start: int = 0, stop: int = 9223372036854775807) -> int: ...

@final
class Delivery:
    """What becomes of a record that was sent without waiting. Dropping it changes nothing."""

    def done(self) -> bool:
        """Whether that is known."""

    def result(self, timeout: Timeout = None) -> Receipt:
        """Waits for the receipt, or raises what went wrong.

        ``Timeout`` after ``timeout`` says nothing about the record, and it can be asked again.
        """

    def exception(self, timeout: Timeout = None) -> Error | None:
        """Waits for what went wrong; ``None`` if nothing did."""

@final
class Producer:
    """Sends records to a ``Broker`` of this process or to an address. May be used by any thread.

    Keys, values and headers are bytes-like, or ``str``, which is sent in UTF-8. ``bytes`` and
    ``str`` are not copied on their way to the batch; what can be changed (``bytearray``,
    ``memoryview``, arrays) is copied once, since the call does not hold up other threads.

    ``settings`` are Kafka's, such as ``linger_ms=5``, ``acks="1"``, ``compression_type="lz4"``.
    Raises ``InvalidConfig`` for one that is none.
    """

    def __new__(cls, target: Target, **settings: SettingValue) -> Self: ...
    def send(
        self,
        topic: str,
        value: Payload | None,
        *,
        key: Payload | None = None,
        partition: int | None = None,
        headers: HeadersLike | None = None,
        timestamp: Timestamp | None = None,
        timeout: Timeout = None,
    ) -> Receipt:
        """Sends a record and waits until it is acknowledged.

        Raises ``Timeout`` after ``timeout``, when it may still be stored; ``QueueFull``,
        ``MessageTooLarge``, ``UnknownTopicOrPartition``, ``BrokerUnavailable``, ``InvalidRecord``
        with the reason of a hook, ``Closed``.
        """

    def enqueue(
        self,
        topic: str,
        value: Payload | None,
        *,
        key: Payload | None = None,
        partition: int | None = None,
        headers: HeadersLike | None = None,
        timestamp: Timestamp | None = None,
    ) -> Delivery:
        """Sends a record without waiting for the broker, only for room in the buffer."""

    def send_many(
        self,
        topic: str | None,
        values: Iterable[Sendable],
        *,
        partition: int | None = None,
        timeout: Timeout = None,
    ) -> Receipts:
        """Sends records and waits until all are acknowledged: the fast way.

        ``values`` are values, pairs of key and value, or ``Message``, which may name their own
        topic. Other threads run meanwhile.

        Raises the first error; its ``results`` have a receipt or an error for each record, up to
        the first that could not be sent.
        """

    def flush(self, timeout: Timeout = None) -> None:
        """Waits until everything that was sent before is acknowledged or has failed.

        Raises ``Timeout``. Records that failed are told by their deliveries.
        """

    def close(self, timeout: Timeout = None) -> None:
        """Takes no more records, waits for those that were sent, and ends it.

        Calls of other threads that wait for room end with ``Closed``. Raises ``Timeout`` if not
        everything was acknowledged; that then fails with ``Closed``. Closing again does nothing.
        """

    @property
    def closed(self) -> bool:
        """Whether it was closed."""

    def _enqueue_all(self, items: list[tuple[int, Message]], completions: Completions) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Completions:
    """What became of records, on its way to an event loop."""

    def __new__(cls, call: Callable[[], Any]) -> Self: ...
    def take(self) -> list[tuple[int, Receipt | BaseException]]: ...

@final
class Record:
    """A record that a consumer got. It keeps the batch in which it came.

    Nothing is copied until it is asked for: ``key``, ``value`` and ``headers`` each make new
    objects, every time. ``memoryview(record)`` is the value without any copy, read-only, and keeps
    the batch (from Python 3.11 on).
    """

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int:
        """The producer's time or the time of the append, as the topic is set, in ms since 1970."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> list[tuple[str, bytes | None]]:
        """In the order of the producer; names that are not UTF-8 have lone surrogates."""

    @property
    def delivery_count(self) -> int:
        """How often it was delivered to a member of a queue group, this time included; else 1."""

    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Records(Sequence[Record]):
    """Records that a poll returned: a sequence. Those of a partition are in order."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int, /) -> Record: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[Record]: ...
    def count(self, value: object) -> int: ...
    def index(self, value: object, start: int = 0, stop: int = 9223372036854775807) -> int: ...
    def __iter__(self) -> RecordIterator: ...
    def values(self) -> list[bytes | None]:
        """All values: the fast way to get them."""

    def keys(self) -> list[bytes | None]:
        """All keys: the fast way to get them."""

@final
class RecordIterator:
    """Goes through ``Records``."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Record: ...
    def __length_hint__(self) -> int: ...

@final
class Consumer:
    """Reads records of a ``Broker`` of this process or of an address. Belongs to one thread at a
    time: others get ``InvalidRequest``; ``wake`` and ``close`` may be called by any.

    With a ``group`` and ``topics`` it joins the group: a queue, whose messages the members share
    one by one, or with ``group_type="partitions"`` one in which each partition belongs to one
    member. Without a group it reads all partitions of the ``topics``, or those of ``assign``.

    ``for record in consumer`` goes on until it is closed. What was given by the loop or by ``poll``
    counts as done when more is asked for, or when it is closed (``enable_auto_commit=False`` leaves
    that to ``commit``). Where a ``with`` block ends by an exception, and where a consumer is
    dropped or the program ends without ``close``, what was given last does not count as done.

    ``settings`` are Kafka's, such as ``max_poll_records=100``, ``auto_offset_reset="latest"``.
    Raises ``InvalidConfig``, ``InvalidGroupId``; with ``topics`` what ``subscribe`` or ``assign``
    raise.
    """

    def __new__(
        cls,
        target: Target,
        group: str | None = None,
        *,
        topics: str | Iterable[str] | None = None,
        **settings: SettingValue,
    ) -> Self: ...
    def subscribe(self, topics: str | Iterable[str]) -> None:
        """Joins the group, to read these topics, instead of those before.

        A topic that does not exist is waited for. Raises ``InvalidConfig`` without a group.
        """

    def assign(self, partitions: str | Iterable[Assignment]) -> None:
        """Reads these partitions instead of those before, without being a member of a group.

        Each is a topic, for all its partitions, or a tuple of topic, partition and where to begin:
        an offset, ``"earliest"``, ``"latest"`` or a ``datetime``; left out, it is
        ``auto.offset.reset``.
        """

    def poll(self, timeout: Timeout = None) -> Records:
        """Waits for records; none when the time is over.

        Raises ``Interrupted`` after ``wake``, ``Closed`` when it is closed meanwhile. Any other
        error concerns one partition: the next poll tries it again.
        """

    def commit(self) -> None:
        """Says that what was returned is done, and waits until the broker has that.

        Raises ``UnknownMember``, ``InvalidRecordState``, ``Timeout``.
        """

    def committed(self, topic: str, partition: int) -> int | None:
        """What the group has committed for a partition of this member."""

    def accept(self, record: Record) -> None:
        """The message has been dealt with. The broker is told with the next poll or commit.

        Raises ``InvalidRecordState`` where this consumer does not hold it any more, as all four.
        """

    def release(self, record: Record) -> None:
        """The message is for somebody else, or for later: it is delivered again."""

    def reject(self, record: Record) -> None:
        """The message cannot be dealt with: no member gets it again."""

    def renew(self, record: Record) -> None:
        """The message takes longer: its lock begins anew."""

    @property
    def acknowledged_too_late(self) -> int:
        """How many acknowledgements came too late: those messages are delivered again."""

    def seek(self, topic: str, partition: int, at: StartAt) -> None:
        """Goes on elsewhere in a partition: as in ``assign``."""

    def pause(self, topic: str, partition: int) -> None:
        """Returns no more records of a partition until ``resume``."""

    def resume(self, topic: str, partition: int) -> None:
        """Goes on with a partition where it was paused."""

    def position(self, topic: str, partition: int) -> int | None:
        """The offset of the next record that a poll will return of a partition."""

    def assignment(self) -> list[tuple[str, int]]:
        """The partitions that are read at present."""

    def wake(self) -> None:
        """Ends the poll that waits, or else the next one, with ``Interrupted``. From any thread."""

    def close(self) -> None:
        """Ends it, from any thread: what was returned is done, and a member leaves its group.

        A call that waits ends with ``Closed``. Closing again does nothing.
        """

    @property
    def closed(self) -> bool:
        """Whether it was closed."""

    def _fill(self, timeout: Timeout = None) -> bool: ...
    def _take(self) -> Records: ...
    def _next(self) -> Record | None: ...
    def _give_up(self) -> None: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Record: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Admin:
    """Topics and groups, as tuples; ``minka.Admin`` makes dataclasses of them."""

    def __new__(cls, target: Target, **settings: SettingValue) -> Self: ...
    def create_topic(
        self, name: str, partitions: int | None, settings: dict[str, SettingValue]
    ) -> None: ...
    def delete_topic(self, name: str) -> None: ...
    def topics(self) -> list[tuple[str, str, int]]: ...
    def describe_topic(
        self, name: str
    ) -> tuple[str, str, list[tuple[int, int, int]], list[tuple[str, str, bool]]]: ...
    def add_partitions(self, name: str, count: int) -> None: ...
    def alter_topic(self, name: str, settings: dict[str, SettingValue]) -> None: ...
    def groups(self) -> list[tuple[str, str, str]]: ...
    def describe_group(
        self, name: str
    ) -> tuple[
        str,
        str,
        str,
        list[tuple[str, str | None, str, str, list[tuple[str, int]]]],
        list[tuple[str, int, int | None, int | None, int | None, int | None, int | None]],
    ]: ...
    def reset_group(self, name: str, topic: str, to: StartAt) -> None: ...
    def alter_group(self, name: str, settings: dict[str, SettingValue]) -> None: ...
    def delete_group(self, name: str) -> None: ...
    def cluster(self) -> tuple[str, list[tuple[int, str, int]]]: ...
    def close(self) -> None: ...
    @property
    def closed(self) -> bool: ...

def _after_fork() -> None: ...
def _at_exit() -> None: ...
