"""minka for asyncio: the same names, with ``await``, ``async for`` and ``async with``.

    async with aio.Producer("localhost:9092") as producer:
        receipt = await producer.send("orders", b"an order")
    async with aio.Consumer("localhost:9092", "billing", topics="orders") as consumer:
        async for record in consumer:
            ...

Nothing here blocks the event loop. Each open producer, consumer and admin has one thread of its own
that does, from its first call to its end, so that many consumers that wait hold up nobody; results
come back by ``loop.call_soon_threadsafe``. An object belongs to the event loop in which it was
first used.

A call that is cancelled ends soon, and loses nothing: what a poll had found by then comes with the
next one; what was given to ``send`` may be stored all the same.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import functools
import itertools
import queue
import threading
import weakref
from typing import TYPE_CHECKING, Any, Callable, Literal, TypeVar

import minka
from minka import _minka
from minka import admin as _admin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import timedelta
    from types import TracebackType

    from minka._minka import BrokerEvent, Receipt, Record, Records
    from minka.types import (
        Assignment,
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

__all__ = ["Admin", "Broker", "Consumer", "EventStream", "Producer"]

_T = TypeVar("_T")


class _Worker:
    """A thread that makes blocking calls, one after the other. It starts with the first."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._started = False

    def run(self, call: Callable[[], _T]) -> asyncio.Future[_T]:
        """Has a call made. Belongs to the thread of the event loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()
        if not self._started:
            self._started = True
            # A daemon, so that whoever forgets to close does not hang at the end: by then the
            # native part has ended what blocks.
            threading.Thread(target=_work, args=(self._jobs,), name=self._name, daemon=True).start()
        self._jobs.put((call, loop, future))
        return future

    def stop(self) -> None:
        """Ends the thread after the calls that were asked for."""
        if self._started:
            self._started = False
            self._jobs.put(None)

    def __del__(self) -> None:
        self.stop()


def _work(jobs: queue.SimpleQueue[Any]) -> None:
    while (job := jobs.get()) is not None:
        call, loop, future = job
        try:
            result, error = call(), None
        except BaseException as raised:
            result, error = None, raised
        # Where the loop is closed, nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, future, result, error)
        del job, call, loop, future, result, error


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return  # It was cancelled.
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class Broker:
    """A broker in this process, as ``minka.Broker``, whose calls that wait are awaited.

    It may be the target of the clients here. Hooks are plain functions that the threads of the
    broker call; they must not wait for the event loop.
    """

    def __init__(
        self,
        data: str | None = None,
        *,
        kafka: str | None = None,
        on_admission: Hook | None = None,
        on_delivery: Hook | None = None,
        on_authentication: LoginHook | None = None,
        **settings: SettingValue,
    ) -> None:
        self.sync = minka.Broker(
            data,
            kafka=kafka,
            on_admission=on_admission,
            on_delivery=on_delivery,
            on_authentication=on_authentication,
            **settings,
        )
        """The broker itself, for whoever wants to call it without ``await``."""
        self._worker = _Worker("minka-aio-broker")

    @property
    def bootstrap_servers(self) -> str | None:
        """Where Kafka clients connect to; ``None`` without a Kafka door."""
        return self.sync.bootstrap_servers

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self.sync.closed

    async def listen(self, address: str = "127.0.0.1:0") -> str:
        """As ``minka.Broker.listen``."""
        return await self._worker.run(lambda: self.sync.listen(address))

    async def advance_clock(self, by: float | timedelta) -> None:
        """As ``minka.Broker.advance_clock``."""
        await self._worker.run(lambda: self.sync.advance_clock(by))

    def fault(
        self,
        at: str,
        nth: int = 1,
        times: int | None = 1,
        *,
        error: type[minka.Error] | str | int | None = None,
        delay: float | timedelta | None = None,
        drop: Literal["request", "answer"] | None = None,
    ) -> None:
        """As ``minka.Broker.fault``."""
        self.sync.fault(at, nth, times, error=error, delay=delay, drop=drop)

    def clear_faults(self) -> None:
        """As ``minka.Broker.clear_faults``."""
        self.sync.clear_faults()

    def drop_connections(self) -> None:
        """As ``minka.Broker.drop_connections``."""
        self.sync.drop_connections()

    async def snapshot(self, directory: str) -> None:
        """As ``minka.Broker.snapshot``."""
        await self._worker.run(lambda: self.sync.snapshot(directory))

    async def wait_until_idle(self, group: str | None = None, timeout: Timeout = None) -> None:
        """As ``minka.Broker.wait_until_idle``. Others may use the broker meanwhile."""
        waiting = _Worker("minka-aio-broker")
        try:
            await waiting.run(lambda: self.sync.wait_until_idle(group, timeout))
        finally:
            waiting.stop()

    def events(self, capacity: int = 10_000) -> EventStream:
        """The events from now on, for ``async for``."""
        return EventStream(self.sync.events(capacity))

    async def close(self) -> None:
        """As ``minka.Broker.close``."""
        try:
            await asyncio.shield(self._worker.run(self.sync.close))
        finally:
            self._worker.stop()

    async def __aenter__(self) -> Broker:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


class EventStream:
    """The events of a broker; the loop over them ends when the broker is closed."""

    def __init__(self, stream: _minka.EventStream) -> None:
        self._stream = stream
        self._worker = _Worker("minka-aio-events")
        self._under_way: asyncio.Future[BrokerEvent | None] | None = None

    async def next(self, timeout: Timeout = None) -> BrokerEvent | None:
        """The next event; ``None`` when the time is over, and after the last event."""
        if self._under_way is None:
            self._under_way = self._worker.run(lambda: self._stream.next(timeout))
        # A call that is cancelled leaves the event to the next one.
        event = await asyncio.shield(self._under_way)
        self._under_way = None
        return event

    def close(self) -> None:
        """Ends it."""
        self._stream.close()
        self._worker.stop()

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> BrokerEvent:
        event = await self.next()
        if event is None:
            self.close()
            raise StopAsyncIteration
        return event

    async def __aenter__(self) -> EventStream:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Producer:
    """Sends records, as ``minka.Producer``. Any number of tasks may use it.

    Records that are sent while others are on their way gather, and are acknowledged together.
    """

    def __init__(self, target: Target | Broker, **settings: SettingValue) -> None:
        self._native = minka.Producer(_target(target), **settings)
        self._worker = _Worker("minka-aio-producer")
        self._tokens = itertools.count()
        self._gathered: collections.deque[tuple[int, _minka.Message]] = collections.deque()
        self._scheduled = False
        self._waiting: dict[int, asyncio.Future[Receipt]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._completions: _minka.Completions | None = None

    def enqueue(
        self,
        topic: str,
        value: Payload | None,
        *,
        key: Payload | None = None,
        partition: int | None = None,
        headers: HeadersLike | None = None,
        timestamp: Timestamp | None = None,
    ) -> asyncio.Future[Receipt]:
        """Sends a record without waiting; the future has its receipt, or what went wrong.

        Cancelling the future does not take the record back.
        """
        message = _minka.Message(
            value,
            key=key,
            topic=topic,
            partition=partition,
            headers=headers,
            timestamp=timestamp,
        )
        return self._enqueue(message)

    async def send(
        self,
        topic: str,
        value: Payload | None,
        *,
        key: Payload | None = None,
        partition: int | None = None,
        headers: HeadersLike | None = None,
        timestamp: Timestamp | None = None,
    ) -> Receipt:
        """Sends a record and waits until it is acknowledged."""
        return await self.enqueue(
            topic,
            value,
            key=key,
            partition=partition,
            headers=headers,
            timestamp=timestamp,
        )

    async def send_many(
        self,
        topic: str | None,
        values: Iterable[Sendable],
        *,
        partition: int | None = None,
        timeout: Timeout = None,
    ) -> Sequence[Receipt]:
        """Sends records and waits until all are acknowledged, as ``minka.Producer.send_many``."""
        taken = values if isinstance(values, (list, tuple)) else list(values)
        self._check()
        return await self._worker.run(
            lambda: self._native.send_many(topic, taken, partition=partition, timeout=timeout)
        )

    async def flush(self, timeout: Timeout = None) -> None:
        """Waits until everything that was sent before is acknowledged or has failed."""
        self._check()
        await self._worker.run(lambda: self._native.flush(timeout))

    async def close(self, timeout: Timeout = None) -> None:
        """Takes no more records, waits for those that were sent, and ends it."""
        if self._native.closed:
            return
        try:
            await asyncio.shield(self._worker.run(lambda: self._native.close(timeout)))
        finally:
            self._worker.stop()
            self._take()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._native.closed

    def _check(self) -> None:
        if self._native.closed:
            raise minka.Closed("the producer is closed")

    def _enqueue(self, message: _minka.Message) -> asyncio.Future[Receipt]:
        self._check()
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._begin(loop)
        token = next(self._tokens)
        future: asyncio.Future[Receipt] = loop.create_future()
        self._waiting[token] = future
        self._gathered.append((token, message))
        if not self._scheduled:
            self._scheduled = True
            self._worker.run(self._hand_over)
        return future

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._waiting:
            raise minka.InvalidRequest("the producer is used by another event loop")
        self._loop = loop
        take = weakref.WeakMethod(self._take)

        def call() -> None:
            loop.call_soon_threadsafe(lambda: (taking := take()) and taking())

        self._completions = _minka.Completions(call)

    def _hand_over(self) -> None:
        # On the thread. What is added from here on either is still found, or schedules this anew.
        self._scheduled = False
        taken = []
        while self._gathered:
            taken.append(self._gathered.popleft())
        if self._completions is not None:
            self._native._enqueue_all(taken, self._completions)

    def _take(self) -> None:
        if self._completions is None:
            return
        for token, told in self._completions.take():
            future = self._waiting.pop(token, None)
            if future is None or future.done():
                continue
            if isinstance(told, BaseException):
                future.set_exception(told)
            else:
                future.set_result(told)

    async def __aenter__(self) -> Producer:
        self._check()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


class Consumer:
    """Reads records, as ``minka.Consumer``. One task at a time may poll it or iterate over it;
    others may call everything else meanwhile.

    ``async for record in consumer`` ends when it is closed. Topics are subscribed to in the first
    call that waits: the constructor does not touch the network.
    """

    def __init__(
        self,
        target: Target | Broker,
        group: str | None = None,
        *,
        topics: str | Iterable[str] | None = None,
        **settings: SettingValue,
    ) -> None:
        self._native = minka.Consumer(_target(target), group, topics=None, **settings)
        self._worker = _Worker("minka-aio-consumer")
        self._topics = topics
        self._has_group = group is not None or "group_id" in settings
        # The fill that a call began, which a cancelled call leaves to the next one.
        self._filling: asyncio.Future[bool] | None = None
        self._polling = False
        # What other tasks ask for while one polls: it is done before the poll goes on.
        self._asked: collections.deque[tuple[Callable[[], Any], asyncio.Future[Any]]]
        self._asked = collections.deque()
        self._woken = False

    async def subscribe(self, topics: str | Iterable[str]) -> None:
        """As ``minka.Consumer.subscribe``."""
        self._topics = None
        await self._call(lambda: self._native.subscribe(topics))

    async def assign(self, partitions: str | Iterable[Assignment]) -> None:
        """As ``minka.Consumer.assign``."""
        self._topics = None
        await self._call(lambda: self._native.assign(partitions))

    async def poll(self, timeout: Timeout = None) -> Records:
        """Waits for records; none when the time is over."""
        await self._fill(timeout)
        return self._native._take()

    async def commit(self) -> None:
        """As ``minka.Consumer.commit``."""
        await self._call(self._native.commit)

    async def committed(self, topic: str, partition: int) -> int | None:
        """As ``minka.Consumer.committed``."""
        return await self._call(lambda: self._native.committed(topic, partition))

    async def accept(self, record: Record) -> None:
        """As ``minka.Consumer.accept``; the broker is told with the next poll or commit."""
        await self._call(lambda: self._native.accept(record))

    async def release(self, record: Record) -> None:
        """As ``minka.Consumer.release``."""
        await self._call(lambda: self._native.release(record))

    async def reject(self, record: Record) -> None:
        """As ``minka.Consumer.reject``."""
        await self._call(lambda: self._native.reject(record))

    async def renew(self, record: Record) -> None:
        """As ``minka.Consumer.renew``."""
        await self._call(lambda: self._native.renew(record))

    @property
    def acknowledged_too_late(self) -> int:
        """As ``minka.Consumer.acknowledged_too_late``."""
        return self._native.acknowledged_too_late

    async def seek(self, topic: str, partition: int, at: StartAt) -> None:
        """As ``minka.Consumer.seek``."""
        await self._call(lambda: self._native.seek(topic, partition, at))

    async def pause(self, topic: str, partition: int) -> None:
        """As ``minka.Consumer.pause``."""
        await self._call(lambda: self._native.pause(topic, partition))

    async def resume(self, topic: str, partition: int) -> None:
        """As ``minka.Consumer.resume``."""
        await self._call(lambda: self._native.resume(topic, partition))

    async def position(self, topic: str, partition: int) -> int | None:
        """As ``minka.Consumer.position``."""
        return await self._call(lambda: self._native.position(topic, partition))

    async def assignment(self) -> list[tuple[str, int]]:
        """As ``minka.Consumer.assignment``."""
        return await self._call(self._native.assignment)

    def wake(self) -> None:
        """Ends the poll that waits, or else the next one, with ``Interrupted``."""
        self._woken = True
        self._native.wake()

    async def close(self) -> None:
        """Ends it: what was returned is done, and a member leaves its group."""
        await self._close(self._native.close)

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._native.closed

    async def _close(self, close: Callable[[], None]) -> None:
        if self._native.closed:
            return
        # By a thread of its own: the consumer's may be in a poll, which this ends.
        closer = _Worker("minka-aio-close")
        try:
            await asyncio.shield(closer.run(close))
        finally:
            closer.stop()
            self._worker.stop()

    async def _call(self, call: Callable[[], _T]) -> _T:
        self._check()
        if self._polling:
            future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
            self._asked.append((call, future))
            self._native.wake()
            return await future
        await self._settle()
        return await self._worker.run(call)

    def _answer(self) -> None:
        """Has done what other tasks asked for. The thread does it before what it is told next."""
        while self._asked:
            call, future = self._asked.popleft()
            self._worker.run(call).add_done_callback(functools.partial(_copy, future))

    async def _settle(self) -> None:
        """Subscribes, and ends what a cancelled call has left behind; its records stay here."""
        topics, self._topics = self._topics, None
        if topics is not None:
            begin = self._native.subscribe if self._has_group else self._native.assign
            try:
                await self._worker.run(lambda: begin(topics))
            except BaseException:
                self._topics = topics
                raise
        filling = self._filling
        if filling is not None:
            if not filling.done():
                self._native.wake()
            await asyncio.wait([filling])
            self._filling = None

    async def _fill(self, timeout: Timeout) -> None:
        self._check()
        if self._polling:
            raise minka.InvalidRequest("another task polls the consumer: open one for each")
        self._polling = True
        try:
            await self._settle()
            while True:
                self._answer()
                self._filling = self._worker.run(lambda: self._native._fill(timeout))
                # Who is cancelled does not hear of it.
                self._filling.add_done_callback(_retrieve)
                try:
                    await asyncio.shield(self._filling)
                    break
                except minka.Interrupted:
                    if self._woken:
                        self._woken = False
                        raise
                    # Another task asked for something, or a call was cancelled.
        except asyncio.CancelledError:
            if not self._native.closed:
                self._native.wake()
            raise
        finally:
            if self._filling is not None and self._filling.done():
                self._filling = None
            self._polling = False
            self._answer()

    def _check(self) -> None:
        if self._native.closed:
            raise minka.Closed("the consumer is closed")

    def __aiter__(self) -> Consumer:
        self._check()
        return self

    async def __anext__(self) -> Record:
        while not self._native.closed:
            if self._filling is None and self._topics is None:
                record = self._native._next()
                if record is not None:
                    return record
            try:
                await self._fill(None)
            except minka.Closed:
                if not self._native.closed:
                    raise
        raise StopAsyncIteration

    async def __aenter__(self) -> Consumer:
        self._check()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._close(self._native.close if kind is None else self._native._give_up)


class Admin:
    """Manages topics and groups, as ``minka.Admin``."""

    def __init__(self, target: Target | Broker, **settings: SettingValue) -> None:
        self._admin = _admin.Admin(_target(target), **settings)
        self._worker = _Worker("minka-aio-admin")

    async def create_topic(
        self,
        name: str,
        partitions: int | None = None,
        settings: Mapping[str, SettingValue] | None = None,
    ) -> None:
        """As ``minka.Admin.create_topic``."""
        await self._worker.run(lambda: self._admin.create_topic(name, partitions, settings))

    async def delete_topic(self, name: str) -> None:
        """As ``minka.Admin.delete_topic``."""
        await self._worker.run(lambda: self._admin.delete_topic(name))

    async def topics(self) -> list[_admin.TopicListing]:
        """As ``minka.Admin.topics``."""
        return await self._worker.run(self._admin.topics)

    async def describe_topic(self, name: str) -> _admin.TopicDescription:
        """As ``minka.Admin.describe_topic``."""
        return await self._worker.run(lambda: self._admin.describe_topic(name))

    async def add_partitions(self, name: str, count: int) -> None:
        """As ``minka.Admin.add_partitions``."""
        await self._worker.run(lambda: self._admin.add_partitions(name, count))

    async def alter_topic(self, name: str, settings: Mapping[str, SettingValue]) -> None:
        """As ``minka.Admin.alter_topic``."""
        await self._worker.run(lambda: self._admin.alter_topic(name, settings))

    async def groups(self) -> list[_admin.GroupListing]:
        """As ``minka.Admin.groups``."""
        return await self._worker.run(self._admin.groups)

    async def describe_group(self, name: str) -> _admin.GroupDescription:
        """As ``minka.Admin.describe_group``."""
        return await self._worker.run(lambda: self._admin.describe_group(name))

    async def reset_group(self, name: str, topic: str, to: StartAt) -> None:
        """As ``minka.Admin.reset_group``."""
        await self._worker.run(lambda: self._admin.reset_group(name, topic, to))

    async def alter_group(self, name: str, settings: Mapping[str, SettingValue]) -> None:
        """As ``minka.Admin.alter_group``."""
        await self._worker.run(lambda: self._admin.alter_group(name, settings))

    async def delete_group(self, name: str) -> None:
        """As ``minka.Admin.delete_group``."""
        await self._worker.run(lambda: self._admin.delete_group(name))

    async def cluster(self) -> _admin.ClusterDescription:
        """As ``minka.Admin.cluster``."""
        return await self._worker.run(self._admin.cluster)

    async def close(self) -> None:
        """Ends it."""
        self._admin.close()
        self._worker.stop()

    async def __aenter__(self) -> Admin:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


def _copy(future: asyncio.Future[Any], done: asyncio.Future[Any]) -> None:
    if not future.done() and not done.cancelled():
        error = done.exception()
        _settle(future, None if error else done.result(), error)


def _retrieve(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


def _target(target: Target | Broker) -> Target:
    return target.sync if isinstance(target, Broker) else target
