"""The exceptions of minka: one class for each kind of error, all below ``Error``.

The numbers and names are those of minka in every language.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from minka._minka import HeadersLike, Payload, Receipt

__all__ = [
    "Change",
    "Error",
    "Reject",
]


class Error(Exception):
    """What goes wrong in minka; its text says what happened and what to do."""

    code: ClassVar[int] = 0
    """The number of the kind, the same in every language."""
    name: ClassVar[str] = ""
    """The name of the kind in capitals, the same in every language."""
    retriable: ClassVar[bool] = False
    """Whether the same call may succeed later without anything being changed."""
    fatal: ClassVar[bool] = False
    """Whether what raised it is of no use any more until it is opened anew."""
    results: list[Receipt | Error]
    """Of ``Producer.send_many`` only: what became of each record, up to the first that was not
    sent."""


BY_CODE: dict[int, type[Error]] = {error.code: error for error in Error.__subclasses__()}
"""The class of each kind, by its number."""


class Reject(Exception):
    """Raised by a hook to refuse a record, or somebody who wants to connect, for this reason.

    The client is told the reason.
    """


class Change:
    """What a hook returns to change a record that passes; what is not given stays as it is.

    ``key`` and ``value`` are bytes-like, ``str`` (UTF-8) or ``None``; ``headers`` are pairs of name
    and value, or a mapping.
    """

    __slots__ = ("headers", "key", "value")

    key: Payload | None
    value: Payload | None
    headers: HeadersLike

    def __init__(self, **parts: Any) -> None:
        for name, part in parts.items():
            if name not in self.__slots__:
                raise TypeError(f"a record has no {name} that a hook may change")
            setattr(self, name, part)

    def __repr__(self) -> str:
        given = (name for name in self.__slots__ if hasattr(self, name))
        parts = ", ".join(f"{name}={getattr(self, name)!r}" for name in given)
        return f"minka.Change({parts})"
