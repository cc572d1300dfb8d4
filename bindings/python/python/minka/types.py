"""Names for what calls of minka take, for type hints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Callable, Literal, Optional, Union

from minka._minka import Broker, Login, Message, PassingRecord
from minka.errors import Change

if TYPE_CHECKING:
    from typing_extensions import Buffer, TypeAlias
else:
    Buffer = object

Target: TypeAlias = Union[Broker, str]
"""What a client is opened on: a broker of this process, or ``HOST:PORT``, several with commas."""

Payload: TypeAlias = Union[bytes, str, Buffer]
"""A key, a value or that of a header; ``str`` is sent in UTF-8."""

HeadersLike: TypeAlias = Union[
    Mapping[str, Optional[Payload]],
    Iterable[tuple[Union[str, bytes], Optional[Payload]]],
]
"""Headers of a record: names may occur more than once in pairs."""

Timeout: TypeAlias = Optional[Union[float, timedelta]]
"""Seconds or a ``timedelta``; ``None`` waits for as long as it takes."""

Timestamp: TypeAlias = Union[int, datetime]
"""Milliseconds since 1970, or a ``datetime``."""

StartAt: TypeAlias = Union[int, datetime, str]
"""An offset, a time, ``"earliest"`` or ``"latest"``."""

Assignment: TypeAlias = Union[str, tuple[str, int], tuple[str, int, Optional[StartAt]]]
"""A topic, for all its partitions, or a partition of it, and where to begin."""

SettingValue: TypeAlias = Union[str, int, float, bool, timedelta, None]
"""The value of a setting; ``None`` is as if it were not there."""

Sendable: TypeAlias = Union[Payload, None, Message, tuple[Optional[Payload], Optional[Payload]]]
"""A value, a pair of key and value, or a ``Message``."""

Hook: TypeAlias = Callable[[PassingRecord], Optional[Change]]
"""Looks at a record on its way."""

LoginHook: TypeAlias = Callable[[Login], Optional[bool]]
"""Says whether somebody may connect."""

EventKind: TypeAlias = Literal[
    "missed",
    "closing",
    "topic_created",
    "topic_deleted",
    "topic_changed",
    "partitions_added",
    "member_joined",
    "member_left",
    "group_deleted",
    "dead_lettered",
    "connected",
    "disconnected",
    "login_refused",
    "other",
]
"""What happened in a broker."""
