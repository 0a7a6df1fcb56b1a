"""Longer candles and forgetting, in small transactions that may be cut off anywhere and done again."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from tradingboost.kit.db import Database
from tradingboost.kit.forgetting import Forgetter, Pulse, take_turn
from tradingboost.services.market import repository as store
from tradingboost.services.market.repository.upkeep import Received
from tradingboost.services.market.settings import MarketSettings
from tradingboost.services.market.tables import OHLCV, SERIES, ticks

_OPEN_FOR: Final = timedelta(minutes=10)
"""A transaction that began this long ago has ended: what it received is seen by now."""
_SPAN: Final = timedelta(days=31)
_WINDOW: Final = timedelta(hours=1)
"""What came in longer than this, after a long rest of the worker, is looked at piece by piece."""
_JOB: Final = "market.roll_up"


class Upkeep:
    """The market's housekeeping; one process at a time."""

    def __init__(self, db: Database, settings: MarketSettings) -> None:
        self._db = db
        wished = {OHLCV["1m"].name: settings.keep_minutes_days, ticks.name: settings.keep_ticks_days}
        keep = {series: timedelta(days=wished[name]) for series in SERIES if (name := series.table.name) in wished}
        self._forgetter = Forgetter(db, keep)

    async def run(self, pulse: Pulse) -> tuple[int, int]:
        """(longer candles made or changed, rows or pieces forgotten)."""
        return await self.roll_up(pulse), await self.forget(pulse)

    async def roll_up(self, pulse: Pulse) -> int:
        """Put together what minutes received since the last time complete."""
        async with self._db.read() as db:
            now = await store.server_time(db)
            done = await store.rolled_until(db)
        changed = 0
        while done is None or done < now:
            until = now if done is None else min(now, done + _WINDOW)
            made = await self._roll_up(None if done is None else done - _OPEN_FOR, until, pulse)
            if made is None:
                break
            changed, done = changed + made, until
        return changed

    async def _roll_up(self, since: datetime | None, until: datetime, pulse: Pulse) -> int | None:
        """What was received within a window; None when the work has to end before."""
        async with self._db.read() as db:
            new = await store.received(db, since, until)
        changed = 0
        for one in _spans(new):
            async with self._db.transaction() as db:
                if pulse.stopping or not await take_turn(db, _JOB):
                    return None
                changed += await store.roll_up(db, one.exchange, one.symbol, (one.start, one.end))
            pulse.beat()
        async with self._db.transaction() as db:
            if pulse.stopping or not await take_turn(db, _JOB):
                return None
            await store.advance(db, until)
        return changed

    async def forget(self, pulse: Pulse) -> int:
        """Let go of what is too old."""
        return await self._forgetter.run(pulse)


def _spans(new: Iterable[Received]) -> Iterator[Received]:
    """Days of a symbol that follow each other as one, of a month at most."""
    held: Received | None = None
    for one in sorted(new):
        if held is not None and _follows(held, one):
            held = held._replace(end=max(held.end, one.end))
            continue
        if held is not None:
            yield held
        held = one
    if held is not None:
        yield held


def _follows(held: Received, one: Received) -> bool:
    same = (held.exchange, held.symbol) == (one.exchange, one.symbol)
    return same and one.start - held.end < timedelta(days=1) and one.end - held.start <= _SPAN
