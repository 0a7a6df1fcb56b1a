"""One member of one consumer group: the commands of Redis Streams, and nothing about what the entries mean."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from redis.exceptions import ResponseError

from tradingboost.kit.redis import Redis, mapped

Fields = dict[bytes, bytes]
COUNT = 100
_TIMEOUT_S = 10.0
_LOST = ("NOGROUP", "UNBLOCKED")


class GroupLost(Exception):
    """The group vanished with its stream: flushed, or lost at a failover."""


class Member:
    """Consumer `name` of group `group` on the stream `key`."""

    def __init__(self, redis: Redis, key: str, group: str, name: str) -> None:
        self._client: Any = redis.transport  # the driver's stubs mix up what RESP2 and RESP3 answer
        self.key = key
        self.group = group
        self.name = name

    async def ensure(self) -> None:
        """Make the stream and the group where they are missing; a new group reads from the very first entry."""
        with mapped():
            async with asyncio.timeout(_TIMEOUT_S):
                try:
                    await self._client.xgroup_create(self.key, self.group, id="0", mkstream=True)
                except ResponseError as error:
                    if not str(error).startswith("BUSYGROUP"):
                        raise

    async def read(self, block_ms: int | None) -> Sequence[tuple[bytes, Fields]]:
        """New entries, at most 100; empty after `block_ms` without any, None = at once."""
        return await self._read(">", block_ms)

    async def own_pending(self) -> AsyncIterator[tuple[bytes, Fields, int]]:
        """Entries given to this member by an earlier life and never acknowledged, each with its deliveries.

        Fields are empty where the entry was trimmed.
        """
        after = "0"
        while entries := await self._read(after, None):
            after = entries[-1][0].decode()
            counts = await self._deliveries(entries[0][0], entries[-1][0])
            for entry_id, fields in entries:
                yield entry_id, fields or {}, counts.get(entry_id, 1)

    async def claim(self, idle_ms: int, skip: set[bytes]) -> list[tuple[bytes, Fields, int]]:
        """Take over entries that a member let lie for `idle_ms`; fields are empty where the entry was trimmed.

        XAUTOCLAIM of Redis 6.2 answers None for a trimmed entry and hides its id, so this lists, then claims.
        """
        with mapped():
            async with asyncio.timeout(_TIMEOUT_S):
                lying = await self._client.xpending_range(self.key, self.group, "-", "+", COUNT, idle=idle_ms)
                counts = {row["message_id"]: row["times_delivered"] + 1 for row in lying}
                wanted = [entry_id for entry_id in counts if entry_id not in skip]
                if not wanted:
                    return []
                claimed = await self._client.xclaim(self.key, self.group, self.name, idle_ms, wanted)
                found = {entry_id: fields for entry_id, fields in claimed if entry_id is not None}
                # Not answered: trimmed, or another member was faster. Only the trimmed ones are ours to acknowledge.
                gone = [entry_id for entry_id in wanted if entry_id not in found]
                trimmed = [i for i in gone if not await self._client.xrange(self.key, i, i)]
        return [(i, found.get(i) or {}, counts[i]) for i in wanted if i in found or i in trimmed]

    async def ack(self, entry_ids: Sequence[bytes]) -> None:
        with mapped():
            async with asyncio.timeout(_TIMEOUT_S):
                await self._client.xack(self.key, self.group, *entry_ids)

    async def _read(self, after: str, block_ms: int | None) -> Sequence[tuple[bytes, Fields]]:
        limit_s = _TIMEOUT_S if block_ms is None else block_ms / 1000 + 2
        with mapped():
            try:
                async with asyncio.timeout(limit_s):
                    answer = await self._client.xreadgroup(
                        self.group, self.name, {self.key: after}, count=COUNT, block=block_ms
                    )
            except ResponseError as error:
                if str(error).startswith(_LOST):
                    raise GroupLost(self.key) from error
                raise
        if not answer:
            return ()
        entries: Sequence[tuple[bytes, Fields]] = answer[0][1]
        return entries

    async def _deliveries(self, first: bytes, last: bytes) -> dict[bytes, int]:
        with mapped():
            async with asyncio.timeout(_TIMEOUT_S):
                rows = await self._client.xpending_range(
                    self.key, self.group, first.decode(), last.decode(), COUNT, consumername=self.name
                )
        return {row["message_id"]: row["times_delivered"] for row in rows}
