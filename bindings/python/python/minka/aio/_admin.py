"""Managing topics and groups, for asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minka import admin as _admin
from minka.aio._broker import native_target
from minka.aio._worker import Worker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from minka.aio._broker import Broker
    from minka.types import SettingValue, StartAt, Target


class Admin:
    """Manages topics and groups, as ``minka.Admin``."""

    def __init__(self, target: Target | Broker, **settings: SettingValue) -> None:
        self._admin = _admin.Admin(native_target(target), **settings)
        self._worker = Worker("minka-aio-admin")

    async def create_topic(
        self,
        name: str,
        partitions: int | None = None,
        settings: Mapping[str, SettingValue] | None = None,
    ) -> None:
        """As ``minka.Admin.create_topic``."""
        await self._worker.run(lambda: self._admin.create_topic(name, partitions, settings))

    async def delete_topic(self, name: str) -> None:
        """As ``minka.Admin.delete_topic``."""
        await self._worker.run(lambda: self._admin.delete_topic(name))

    async def topics(self) -> list[_admin.TopicListing]:
        """As ``minka.Admin.topics``."""
        return await self._worker.run(self._admin.topics)

    async def describe_topic(self, name: str) -> _admin.TopicDescription:
        """As ``minka.Admin.describe_topic``."""
        return await self._worker.run(lambda: self._admin.describe_topic(name))

    async def add_partitions(self, name: str, count: int) -> None:
        """As ``minka.Admin.add_partitions``."""
        await self._worker.run(lambda: self._admin.add_partitions(name, count))

    async def alter_topic(self, name: str, settings: Mapping[str, SettingValue]) -> None:
        """As ``minka.Admin.alter_topic``."""
        await self._worker.run(lambda: self._admin.alter_topic(name, settings))

    async def groups(self) -> list[_admin.GroupListing]:
        """As ``minka.Admin.groups``."""
        return await self._worker.run(self._admin.groups)

    async def describe_group(self, name: str) -> _admin.GroupDescription:
        """As ``minka.Admin.describe_group``."""
        return await self._worker.run(lambda: self._admin.describe_group(name))

    async def reset_group(self, name: str, topic: str, to: StartAt) -> None:
        """As ``minka.Admin.reset_group``."""
        await self._worker.run(lambda: self._admin.reset_group(name, topic, to))

    async def alter_group(self, name: str, settings: Mapping[str, SettingValue]) -> None:
        """As ``minka.Admin.alter_group``."""
        await self._worker.run(lambda: self._admin.alter_group(name, settings))

    async def delete_group(self, name: str) -> None:
        """As ``minka.Admin.delete_group``."""
        await self._worker.run(lambda: self._admin.delete_group(name))

    async def cluster(self) -> _admin.ClusterDescription:
        """As ``minka.Admin.cluster``."""
        return await self._worker.run(self._admin.cluster)

    async def close(self) -> None:
        """Ends it."""
        self._admin.close()
        self._worker.stop()

    async def __aenter__(self) -> Admin:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
