"""A broker inside this program: durable, and open to every Kafka client."""

import tempfile

import minka


def main() -> None:
    with tempfile.TemporaryDirectory() as data:
        with open_broker(data) as broker:
            # Without a socket, and through one: it is the same broker.
            send(broker, "in process")
            send(broker.bootstrap_servers, "over a socket")
            receive(broker, 2)
        # What was acknowledged is on the disk, and the group goes on behind what it has read.
        with open_broker(data) as broker:
            send(broker, "after a restart")
            receive(broker, 1)


def open_broker(data: str) -> minka.Broker:
    broker = minka.Broker(data, kafka="127.0.0.1:0")
    print(f"ready: {broker.bootstrap_servers}")
    return broker


def send(target: "minka.Broker | str", value: str) -> None:
    with minka.Producer(target) as producer:
        producer.send("events", value)


def receive(broker: minka.Broker, count: int) -> None:
    """Reads so many records as a member of the group `readers`. Closing commits them."""
    with minka.Consumer(broker, "readers", topics="events", group_type="partitions") as consumer:
        for number, record in enumerate(consumer, start=1):
            print(f"received: {record.value.decode()}")
            if number == count:
                break


if __name__ == "__main__":
    main()
