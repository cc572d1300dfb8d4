"""The Go package of the examples: formatted, without complaints of `go vet`, and tried."""

from __future__ import annotations

import pytest

from examples.toolchains import BUILD_SECONDS, ROOT, call, native_environment


def go(*command: str) -> str:
    """Runs a tool of Go that must succeed; returns what it prints."""
    environment = {**native_environment(), "CGO_ENABLED": "1", "GOTOOLCHAIN": "local"}
    return call(*command, cwd=ROOT / "examples" / "go", environment=environment)


def test_it_is_formatted() -> None:
    assert go("gofmt", "-l", ".") == ""


@pytest.mark.timeout(BUILD_SECONDS)
def test_vet_has_nothing_to_say() -> None:
    assert go("go", "vet", "./...") == ""


@pytest.mark.timeout(BUILD_SECONDS)
def test_the_package_does_what_it_says() -> None:
    go("go", "test", "-count=1", "./minka")
