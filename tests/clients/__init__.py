"""Unmodified Kafka clients, old and new, against the broker: the same scenarios for each."""
