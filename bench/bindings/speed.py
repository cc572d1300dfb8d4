"""How fast Python is with minka.

start                     seconds of `import minka` and of `minka.Broker()`
run RECORDS [ADDRESS]     seconds of sending records of 100 bytes and of reading them; on a broker
                          in this process without an address
"""

from __future__ import annotations

import sys
import time

# So many are sent, and then waited for.
BATCH = 100_000
VALUE = b"m" * 100


def start() -> None:
    began = time.perf_counter()
    import minka

    imported = time.perf_counter()
    broker = minka.Broker()
    opened = time.perf_counter()
    broker.close()
    print(f"import={imported - began} broker={opened - imported}")


def run(count: int, address: str | None = None) -> None:
    import minka

    broker = None if address else minka.Broker()
    batch = min(BATCH, count)
    values = [VALUE] * batch
    with minka.Producer(address or broker) as producer:
        producer.send("speed", VALUE)
        began = time.perf_counter()
        for _ in range(count // batch):
            producer.send_many("speed", values)
        produced = time.perf_counter() - began
    with minka.Consumer(address or broker, max_poll_records=10_000) as consumer:
        began, left, size = time.perf_counter(), count, 0
        consumer.assign([("speed", 0, 0)])
        while left > 0:
            values = consumer.poll(10).values()
            left -= len(values)
            size += sum(map(len, values))
        consumed = time.perf_counter() - began
    assert size >= count * len(VALUE)
    if broker:
        broker.close()
    print(f"produced={produced} consumed={consumed}")


if __name__ == "__main__":
    if sys.argv[1] == "start":
        start()
    else:
        run(int(sys.argv[2]), *sys.argv[3:])
