"""Whether everything that was told has been heard: the quiet moment a stepped replay waits for."""

from sqlalchemy import exists, func, select

from tradingboost.kit.db import Database
from tradingboost.kit.keys import EVENTS
from tradingboost.kit.redis import Redis
from tradingboost.kit.tables import cursors, outbox
from tradingboost.shared.events.envelope import STREAMS

_UNPUBLISHED = exists().where(outbox.c.published_at.is_(None))
_STATE = select(
    _UNPUBLISHED.label("unpublished"),
    func.coalesce(select(func.max(cursors.c.recovering)).scalar_subquery(), 0).label("recovering"),
    select(func.array_agg(cursors.c.stream)).scalar_subquery().label("streams"),
    select(func.array_agg(cursors.c.consumer)).scalar_subquery().label("consumers"),
)


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
    keys = [redis.key(EVENTS, context=context) for context in STREAMS]
    anything: list[str | int] = ["" for _ in keys]
    open_before, newest_before = await redis.script("unfinished", keys, anything)
    if open_before:
        return f"entries of {open_before.decode()}"
    async with database.read() as connection:
        state = (await connection.execute(_STATE)).one()
    if state.unpublished:
        return "unpublished outbox rows"
    if state.recovering:
        return "a consumer that rereads the outbox"
    groups: dict[str, list[str]] = {}
    for stream, consumer in zip(state.streams or (), state.consumers or (), strict=True):
        groups.setdefault(stream, []).append(consumer)
    open_after, newest_after = await redis.script(
        "unfinished", keys, [",".join(groups.get(context, ())) for context in STREAMS]
    )
    if open_after:
        return f"entries of {open_after.decode()}"
    return None if newest_after == newest_before else "entries that came in while looking"
