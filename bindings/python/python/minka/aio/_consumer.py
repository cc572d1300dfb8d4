"""A consumer, for asyncio."""

from __future__ import annotations

import asyncio
import collections
import functools
from typing import TYPE_CHECKING, Any, Callable, TypeVar

import minka
from minka.aio._broker import native_target
from minka.aio._worker import Worker, copy_result, retrieve

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from minka._minka import Record, Records
    from minka.aio._broker import Broker
    from minka.types import Assignment, SettingValue, StartAt, Target, Timeout

_T = TypeVar("_T")


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
        self._native = minka.Consumer(native_target(target), group, topics=None, **settings)
        self._worker = Worker("minka-aio-consumer")
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
        closer = Worker("minka-aio-close")
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
            self._worker.run(call).add_done_callback(functools.partial(copy_result, future))

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
                self._filling.add_done_callback(retrieve)
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
