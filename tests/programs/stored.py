"""What the log of a broker holds, by `minka log`."""

from __future__ import annotations

from typing import Any

from harness.broker import Broker
from harness.programs import objects, succeed


def stored(broker: Broker, topic: str) -> list[dict[str, Any]]:
    """The messages of a topic, in the order of the log."""
    command = ["minka", "log", "--data", str(broker.data), "--topic", topic, "--json"]
    found = objects(succeed(None, *command))
    return [message for message in found if "value" in message]


def values(broker: Broker, topic: str) -> list[str]:
    """Their values."""
    return [message["value"] for message in stored(broker, topic)]
