"""SIGKILL at random moments, under load from real clients: nothing acknowledged may be lost."""

from __future__ import annotations

import os
import random
import time

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from crash.audit import Audit
from crash.ledger import Ledger
from crash.load import Committer, Sender, committed
from harness.broker import Broker, wait_until

PARTITIONS = 4
KILLS = int(os.environ.get("MINKA_KILLS", "60"))

IDEMPOTENT = {"enable.idempotence": True, "acks": "all"}
# One request at a time, so that a retry cannot overtake: the order stays that of sending.
PLAIN = {"acks": "1", "max.in.flight": 1}


class Load:
    """Three producers and a consumer group, at work on two topics."""

    def __init__(self, servers: str, seed: int) -> None:
        self.safe = Ledger("safe", PARTITIONS)
        self.plain = Ledger("plain", PARTITIONS)
        self.senders = [
            Sender("idempotent-1", servers, self.safe, IDEMPOTENT, seed + 1),
            Sender("idempotent-2", servers, self.safe, IDEMPOTENT, seed + 2),
            Sender("plain", servers, self.plain, PLAIN, seed + 3),
        ]
        self.group = Committer("group", servers, "safe")
        for worker in [*self.senders, self.group]:
            worker.start()

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves nothing at work behind, also when the test has failed."""
        for sender in self.senders:
            sender.abort()
        self.group.ending.set()
        for worker in [*self.senders, self.group]:
            worker.join(10)

    def acknowledged(self) -> tuple[int, int]:
        """How many records of each topic the broker has promised so far."""
        return len(self.safe.acknowledged), len(self.plain.acknowledged)

    def goes_on_after(self, before: tuple[int, int]) -> bool:
        """Whether both topics have got further; raises what a worker died of."""
        for worker in [*self.senders, self.group]:
            if worker.error:
                raise worker.error
        now = self.acknowledged()
        return now[0] > before[0] and now[1] > before[1]


def kill_and_restart(broker: Broker, chance: random.Random) -> None:
    """One crash; now and then the broker is killed again while it is still starting."""
    broker.kill()
    while chance.random() < 0.2:
        broker.launch()
        time.sleep(chance.random() * 0.05)
        broker.kill()
    broker.start()


@pytest.mark.timeout(400)
def test_nothing_acknowledged_is_lost(broker: Broker, seed: int, note):
    chance = random.Random(seed)
    create(broker.address, "safe", "plain")
    with Load(broker.address, seed) as load:
        audits = [Audit(load.safe, once=True), Audit(load.plain, once=False)]
        for _ in range(KILLS):
            crash_once(broker, load, audits, chance)
        for sender in load.senders:
            sender.end()
        assert load.safe.failures + load.plain.failures == []
        check_everything(broker.address, load)
        load.group.end()
    note(f"{KILLS} kills, {sum(load.acknowledged())} records acknowledged, none lost")


def crash_once(broker: Broker, load: Load, audits: list[Audit], chance: random.Random) -> None:
    """Lets the load get on, kills the broker, and checks what the next one serves."""
    before = load.acknowledged()
    wait_until(lambda: load.goes_on_after(before), 60, "records are acknowledged")
    time.sleep(chance.random() * 0.3)
    confirmed = dict(load.group.confirmed)
    kill_and_restart(broker, chance)
    for audit in audits:
        audit.advance(broker.address)
    check_commits(broker.address, confirmed)


def check_commits(servers: str, confirmed: dict[int, int]) -> None:
    """No committed offset is lower than one that the broker had confirmed before the crash."""
    now = committed(servers, "group", "safe", PARTITIONS)
    back = {p: (offset, now[p]) for p, offset in confirmed.items() if now[p] < offset}
    assert not back, f"committed offsets went back (confirmed, now): {back}"


def check_everything(servers: str, load: Load) -> None:
    """Reads both topics once more from their beginnings, and lets the group catch up."""
    whole = Audit(load.safe, once=True)
    whole.advance(servers)
    Audit(load.plain, once=False).advance(servers)
    assert sum(whole.next.values()) >= len(load.safe.acknowledged)
    load.group.wait_for(whole.next, 60)


def create(servers: str, *topics: str) -> None:
    """Creates the topics."""
    admin = AdminClient({"bootstrap.servers": servers})
    made = admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in topics])
    for future in made.values():
        future.result(30)
