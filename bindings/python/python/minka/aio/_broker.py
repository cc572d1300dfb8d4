"""A broker, for asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import minka
from minka.aio._events import EventStream
from minka.aio._worker import Worker

if TYPE_CHECKING:
    from datetime import timedelta
    from types import TracebackType

    from minka.types import Hook, LoginHook, SettingValue, Target, Timeout


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
        self._worker = Worker("minka-aio-broker")

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
        waiting = Worker("minka-aio-broker")
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


def native_target(target: Target | Broker) -> Target:
    """What the clients of ``minka`` are opened on."""
    return target.sync if isinstance(target, Broker) else target
