"""Records stay in the log: they can be read again, from the start, an offset or a time.

On a broker in this process, or on the one whose address is the first argument.
"""

import contextlib
import sys
from datetime import UTC, datetime, timedelta

import minka

TOPIC = "temperatures"
START = datetime.fromtimestamp(1_700_000_000, UTC)


def main() -> None:
    with minka.Broker() as broker:
        target = sys.argv[1] if len(sys.argv) > 1 else broker
        with minka.Admin(target) as admin:
            with contextlib.suppress(minka.UnknownTopicOrPartition):
                admin.delete_topic(TOPIC)
            admin.create_topic(TOPIC, partitions=1)
        with minka.Producer(target) as producer:
            for minute, degrees in enumerate(["20", "21", "22", "23", "24"]):
                producer.send(TOPIC, degrees, timestamp=START + timedelta(minutes=minute))

        with minka.Consumer(target, topics=TOPIC) as consumer:
            print("from the start:", read_to_the_end(consumer))
            consumer.seek(TOPIC, 0, 3)
            print("from offset 3:", read_to_the_end(consumer))
            time = START + timedelta(minutes=2)
            consumer.seek(TOPIC, 0, time)
            print(f"from time {time.timestamp() * 1000:.0f}:", read_to_the_end(consumer))


def read_to_the_end(consumer: minka.Consumer) -> str:
    """The values from where the consumer is to the last of the five records."""
    values: list[str] = []
    while consumer.position(TOPIC, 0) != 5:
        values += (record.value.decode() for record in consumer.poll())
    return " ".join(values)


if __name__ == "__main__":
    main()
