"""Which clients are tested, and where `make test-clients` has put them."""

from __future__ import annotations

import sys
from pathlib import Path

from clients.client import Abilities, Client, DriverClient
from clients.kcat import Kcat
from harness.programs import ROOT

HERE = Path(__file__).resolve().parent
DRIVERS = HERE / "drivers"

# Versions are pinned in requirements*.txt, package.json and tests/rdkafka; kcat is Debian's.
COMMANDS: dict[str, list[str]] = {
    "confluent-kafka": [sys.executable, str(DRIVERS / "with_confluent.py")],
    "confluent-kafka-848": [sys.executable, str(DRIVERS / "with_confluent.py"), "consumer"],
    "kafka-python-2": [
        str(ROOT / ".venv-kafka-python-2" / "bin" / "python"),
        str(DRIVERS / "with_kafka_python.py"),
    ],
    "kafka-python-3": [sys.executable, str(DRIVERS / "with_kafka_python.py")],
    "aiokafka": [sys.executable, str(DRIVERS / "with_aiokafka.py")],
    "kafkajs": ["node", str(DRIVERS / "with_kafkajs.js")],
    "rdkafka": [str(ROOT / "tests" / "rdkafka" / "target" / "debug" / "rdkafka-driver")],
}

ABILITIES: dict[str, Abilities] = {
    "confluent-kafka": Abilities(group_settings=True),
    # Speaks Metadata 1, which always lets the broker create; knows no producer IDs.
    "kafka-python-2": Abilities(
        idempotent=False, no_auto_create=False, null_headers=False, delete_records=False
    ),
    "kafka-python-3": Abilities(null_headers=False, group_settings=True, delete_offsets=True),
    # Never sets the flag against automatic creation.
    "aiokafka": Abilities(no_auto_create=False),
    "kafkajs": Abilities(null_headers=False),
    # Its driver has no commands for these: it is librdkafka, as confluent-kafka is.
    "rdkafka": Abilities(change_settings=False, delete_records=False),
}

# For scenarios about groups: the same client in both group protocols.
GROUP_NAMES = ["kcat", *COMMANDS]
NAMES = [name for name in GROUP_NAMES if name != "confluent-kafka-848"]


def open_clients(logs: Path) -> dict[str, Client]:
    """All clients; their processes start when they are first used."""
    clients: dict[str, Client] = {"kcat": Kcat(logs=logs)}
    for name, command in COMMANDS.items():
        abilities = ABILITIES.get(name, Abilities())
        clients[name] = DriverClient(name=name, command=command, logs=logs, abilities=abilities)
    return clients
