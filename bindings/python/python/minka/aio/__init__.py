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

from minka.aio._admin import Admin
from minka.aio._broker import Broker
from minka.aio._consumer import Consumer
from minka.aio._events import EventStream
from minka.aio._producer import Producer

__all__ = ["Admin", "Broker", "Consumer", "EventStream", "Producer"]
