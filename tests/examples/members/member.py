"""A broker, a producer or a consumer in Python, for tests with other languages.

serve [SETTING=VALUE]...              a broker in memory; prints `ready HOST:PORT`
produce ADDRESS TOPIC NAME COUNT      sends messages
consume ADDRESS TOPIC GROUP KIND      prints `KEY VALUE` of each message in hexadecimal

`serve` and `consume` end when their standard input does.
"""

from __future__ import annotations

import sys
import threading

import minka


def serve(*settings: str) -> None:
    by_name = dict(setting.split("=", 1) for setting in settings)
    names = {name.replace(".", "_"): value for name, value in by_name.items()}
    with minka.Broker(kafka="127.0.0.1:0", **names) as broker:
        print("ready", broker.bootstrap_servers, flush=True)
        sys.stdin.read()


def produce(address: str, topic: str, name: str, count: str) -> None:
    messages = []
    for number in range(int(count)):
        value = f"{number} from {name} ".encode() + bytes([0, 255, number % 9 + 1, 0xC3])
        messages.append((f"{name}-{number}", value))
    with minka.Producer(address) as producer:
        producer.send_many(topic, messages)


def consume(address: str, topic: str, group: str, kind: str) -> None:
    with minka.Consumer(
        address, group, topics=topic, group_type=kind, client_id="python"
    ) as consumer:

        def end() -> None:
            sys.stdin.read()
            consumer.close()

        # Closing it from elsewhere ends the loop.
        threading.Thread(target=end, daemon=True).start()
        for record in consumer:
            print(record.key.hex(), record.value.hex(), flush=True)


if __name__ == "__main__":
    {"serve": serve, "produce": produce, "consume": consume}[sys.argv[1]](*sys.argv[2:])
