"""A broker with rules of its own: what may come in, what goes out, and who may connect."""

import re

import minka


def admit(record: minka.PassingRecord) -> minka.Change:
    """Orders have keys, and get a stamp."""
    if record.key is None:
        raise minka.Reject("an order needs a key")
    return minka.Change(headers=[*record.headers, ("stamped-by", "custom_broker")])


def deliver(record: minka.PassingRecord) -> "minka.Change | None":
    """Nobody sees the number of a card."""
    before, card, number = record.value.partition(b"card ")
    if not card:
        return None
    return minka.Change(value=before + card + re.sub(rb"\d", b"*", number))


def authenticate(login: minka.Login) -> None:
    if (login.user, login.password) != ("shop", "secret"):
        raise minka.Reject("wrong password")


def main() -> None:
    broker = minka.Broker(
        kafka="127.0.0.1:0",
        on_admission=admit,
        on_delivery=deliver,
        on_authentication=authenticate,
    )
    address = broker.bootstrap_servers
    events = broker.events()
    with broker:
        shop = {"sasl_username": "shop", "sasl_password": "secret"}
        with minka.Producer(address, **shop) as producer:
            receipt = producer.send("orders", "order 1, card 4111111111111111", key="shop")
            print(f"sent: {receipt.topic}/{receipt.partition}@{receipt.offset}")
            try:
                producer.send("orders", "order 2")
            except minka.Error as error:
                print(f"refused: {error}")

        with minka.Consumer(address, topics="orders", **shop) as consumer:
            record = next(consumer)
            print(f"received: {record.value.decode()}")
            print(f"stamped by: {dict(record.headers)['stamped-by'].decode()}")

        try:
            minka.Admin(address, sasl_username="shop", sasl_password="guess").topics()
        except minka.Error as error:
            print(f"login refused: {error}")

    for event in events:
        if event.kind == "topic_created":
            print(f"event: topic created: {event.topic}")
        elif event.kind == "login_refused":
            print(f"event: login refused: {event.client}")


if __name__ == "__main__":
    main()
