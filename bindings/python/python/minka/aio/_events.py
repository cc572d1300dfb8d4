"""The events of a broker, for asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from minka import _minka
from minka.aio._worker import Worker

if TYPE_CHECKING:
    from types import TracebackType

    from minka._minka import BrokerEvent
    from minka.types import Timeout


class EventStream:
    """The events of a broker; the loop over them ends when the broker is closed."""

    def __init__(self, stream: _minka.EventStream) -> None:
        self._stream = stream
        self._worker = Worker("minka-aio-events")
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
