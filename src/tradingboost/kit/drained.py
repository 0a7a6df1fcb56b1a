"""Whether everything that was told has been heard: the quiet moment a stepped replay waits for."""

from tradingboost.kit.db import Database
from tradingboost.kit.driver import raw_connection
from tradingboost.kit.in_hand import anything
from tradingboost.kit.keys import EVENTS
from tradingboost.kit.redis import Redis
from tradingboost.shared.events.envelope import STREAMS

_STATE = """
    SELECT EXISTS (SELECT 1 FROM bus.outbox WHERE published_at IS NULL) AS unpublished,
           coalesce(max(recovering), 0) AS recovering,
           coalesce(array_agg(stream), '{}') AS streams,
           coalesce(array_agg(consumer), '{}') AS consumers
    FROM bus.cursors
"""


async def drained(database: Database, redis: Redis) -> bool:
    """True if no event waits anywhere: none unpublished, unread, unhandled or being reread.

    It looks at Redis, then PostgreSQL, then Redis again: an event handled between the first two looks would have
    left a newer entry or an unpublished row, so a quiet answer holds for the moment in between.

    Raises:
        Unavailable: one of them could not be asked; that is no answer.
    """
    return await unfinished(database, redis) is None


async def unfinished(database: Database, redis: Redis) -> str | None:
    """What `drained` still waits for, in words; None when there is nothing."""
    if anything(database):
        return "facts in hand"
    keys = [redis.key(EVENTS, context=context) for context in STREAMS]
    any_group: list[str | int] = ["" for _ in keys]
    open_before, newest_before = await redis.script("unfinished", keys, any_group)
    if open_before:
        return f"entries of {open_before.decode()}"
    async with raw_connection(database) as connection:
        state = await connection.fetchrow(_STATE)
    if state["unpublished"]:
        return "unpublished outbox rows"
    if state["recovering"]:
        return "a consumer that rereads the outbox"
    groups: dict[str, list[str]] = {}
    for stream, consumer in zip(state["streams"], state["consumers"], strict=True):
        groups.setdefault(stream, []).append(consumer)
    open_after, newest_after = await redis.script(
        "unfinished", keys, [",".join(groups.get(context, ())) for context in STREAMS]
    )
    if open_after:
        return f"entries of {open_after.decode()}"
    return None if newest_after == newest_before else "entries that came in while looking"
