"""`why` of a live or paper run: what its kernel remembers of its last decision, and what it wished last."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from tradingboost.app.places import has_data
from tradingboost.app.reach import is_running, reach
from tradingboost.app.settings import Settings
from tradingboost.app.why.reading import Note, notes_of, standing, values_of
from tradingboost.app.why.words import Language
from tradingboost.core.errors import NotFound
from tradingboost.shared.interfaces.strategy import Decision, RunView, Strategy

LAST_WISHES: Final = 10
_PAGE: Final = 10_000
_ACTIVE: Final = ("running", "stopping")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One run.

    Args:
        decided_at: close of the newest candle it took in.
        notes: what its last decision held back; values: the numbers it stood on.
        below, above: nearest prices at which any run of this symbol has work on a tick, None at rest.
        wishes: the last ones, the newest last.
    """

    run_id: str
    strategy: str
    symbol: str
    timeframe: str
    status: str
    reason: str
    decided_at: datetime | None
    standing: str
    notes: list[Note]
    values: dict[str, float | None]
    below: Decimal | None
    above: Decimal | None
    wishes: list[Decision]


class _Services(Protocol):
    @property
    def strategies(self) -> Mapping[str, Strategy]: ...


async def told(settings: Settings, run: str | None, wanted: Language) -> list[Told]:
    """A run by its id or an end of it, or all that are active; of the platform that runs, else of what it left.

    Raises:
        NotFound: `unknown_run`.
    """
    if await is_running(settings):
        async with reach(settings) as services:
            return await explained(services, run, wanted)
    if not has_data(settings):
        raise _unknown(None)
    from tradingboost.app.look import platform_at_rest  # the whole platform: not for those who only look in vain

    async with platform_at_rest(settings) as resting:
        return await explained(resting, run, wanted)


async def explained(services: _Services, run: str | None, wanted: Language) -> list[Told]:
    """The same of services that can be asked.

    Raises:
        NotFound: `unknown_run`, also when a part fits several.
    """
    return [await _one(strategy, view, wanted) for strategy, view in await chosen(services.strategies, run)]


async def chosen(strategies: Mapping[str, Strategy], run: str | None) -> Sequence[tuple[Strategy, RunView]]:
    """A run by its id or an end of it, or all that are active, each with the service that owns it.

    Raises:
        NotFound: `unknown_run`, also when a part fits several.
    """
    every = [(strategy, one) for strategy in strategies.values() for one in await strategy.runs()]
    if run is None:
        return [one for one in every if one[1].status in _ACTIVE]
    fitting = [one for one in every if one[1].run_id.startswith(run) or one[1].run_id.endswith(run)]
    if len(fitting) != 1:
        raise _unknown(run, len(fitting))
    return fitting


async def _one(strategy: Strategy, view: RunView, wanted: Language) -> Told:
    near = await strategy.triggers(view.venue, view.symbol)
    return Told(
        run_id=view.run_id,
        strategy=view.strategy,
        symbol=view.symbol,
        timeframe=view.timeframe.value,
        status=view.status,
        reason=view.reason,
        decided_at=view.last_bar_at,
        standing=standing(view.strategy, view.state, wanted),
        notes=notes_of(view.strategy, view.state, wanted),
        values=values_of(view.strategy, view.state),
        below=near.below,
        above=near.above,
        wishes=await _last_wishes(strategy, view),
    )


async def _last_wishes(strategy: Strategy, view: RunView) -> list[Decision]:
    """The newest wishes of a run: they are told oldest first, so that all pages are turned."""
    kept: deque[Decision] = deque(maxlen=LAST_WISHES)
    after = 0
    while page := await strategy.decisions(view.run_id, after, _PAGE):
        kept.extend(page)
        after = page[-1].seq
        if len(page) < _PAGE:
            break
    return list(kept)


def _unknown(run: str | None, fitting: int = 0) -> NotFound:
    if run is None:
        return NotFound("unknown_run", "No run was ever started here; name a kept result, or a strategy with -s.")
    how = f"fits {fitting} runs; give more of it" if fitting else "is neither a run nor a kept result"
    return NotFound(
        "unknown_run", f"{run!r} {how}; see `tradingboost status --all` and `tradingboost backtesting-show`."
    )
