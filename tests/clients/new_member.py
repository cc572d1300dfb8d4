"""A member that speaks the new group protocol (KIP-848), in the test's own process."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from clients.member import Member


class NewMember(Member):
    """A confluent-kafka consumer; `records` has the values that it got, `changes` what it saw."""

    def __init__(self, servers: str, group: str, topics: list[str], **settings: Any) -> None:
        """Joins; `settings` are librdkafka's, with `_` for `.`."""
        super().__init__()
        self.changes = 0
        self.places: list[tuple[str, int]] = []
        self.consumer = Consumer(
            {
                "bootstrap.servers": servers,
                "group.id": group,
                "group.protocol": "consumer",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "topic.metadata.refresh.interval.ms": 300,
                "reconnect.backoff.max.ms": 300,
                **{name.replace("_", "."): value for name, value in settings.items()},
            }
        )
        self.consumer.subscribe(
            topics, on_assign=self._changed, on_revoke=self._changed, on_lost=self._changed
        )

    def take(self, timeout: float) -> None:
        for message in self.consumer.consume(500, timeout):
            error = message.error()
            if error is None:
                self.records.append(message.value())
            elif error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise KafkaException(error)
        self.places = sorted((at.topic, at.partition) for at in self.consumer.assignment())
        self.assigned = [partition for _, partition in self.places]

    def commit(self) -> None:
        self.consumer.commit(asynchronous=False)

    def leave(self) -> None:
        self.consumer.close()

    def kill(self) -> None:
        raise NotImplementedError("this member lives in the test's process")

    def _changed(self, _: Consumer, places: list[TopicPartition]) -> None:
        self.changes += bool(places)
