"""A producer, for asyncio."""

from __future__ import annotations

import asyncio
import collections
import itertools
import weakref
from typing import TYPE_CHECKING, Any

import minka
from minka import _minka
from minka.aio._broker import native_target
from minka.aio._worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from minka._minka import Receipt, Records
    from minka.aio._broker import Broker
    from minka.types import HeadersLike, Payload, Sendable, SettingValue, Target, Timeout, Timestamp


class Producer:
    """Sends records, as ``minka.Producer``. Any number of tasks may use it.

    Records that are sent while others are on their way gather, and are acknowledged together.
    """

    def __init__(self, target: Target | Broker, **settings: SettingValue) -> None:
        self._native = minka.Producer(native_target(target), **settings)
        self._worker = Worker("minka-aio-producer")
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
