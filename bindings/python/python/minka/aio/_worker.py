"""A thread for calls that block, and how their results come back."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from typing import Any, Callable, TypeVar

_T = TypeVar("_T")


class Worker:
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
            loop.call_soon_threadsafe(settle, future, result, error)
        del job, call, loop, future, result, error


def settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    """Gives a future its result, unless nobody wants it any more."""
    if future.done():
        return  # It was cancelled.
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def copy_result(future: asyncio.Future[Any], done: asyncio.Future[Any]) -> None:
    """Gives a future the result of another one."""
    if not future.done() and not done.cancelled():
        error = done.exception()
        settle(future, None if error else done.result(), error)


def retrieve(future: asyncio.Future[Any]) -> None:
    """Looks at an error, so that asyncio does not complain that nobody did."""
    if not future.cancelled():
        future.exception()
