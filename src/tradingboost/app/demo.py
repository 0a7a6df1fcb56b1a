"""The demo: a market is replayed into the simulated exchange and strategies trade on it through the whole house."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from tradingboost.app import invariants
from tradingboost.app.books import Comparison, compare_books
from tradingboost.app.instruments import instrument_of, listed
from tradingboost.app.lived import fills_of
from tradingboost.app.replay.bars import Bars, from_file, plain, synthetic
from tradingboost.app.replay.driver import Moved
from tradingboost.app.replay.stage import Part, Stage, stage
from tradingboost.app.settings import Settings
from tradingboost.core.market import Timeframe
from tradingboost.core.money import ZERO
from tradingboost.kit.clock import SystemClock
from tradingboost.shared.interfaces.orders import FillView, OrderView
from tradingboost.shared.interfaces.positions import Books, PositionView

WARMUP: Final = 280
"""Bars of history before the first decision: what the indicators of both strategies need."""

_PRICES_KEPT: Final = 240


class DemoRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to replay.

    Args:
        candles: a candle file, None for a seeded synthetic market.
        symbol: of the market; None = what the file's name tells, BTC-USDT-SWAP without a file.
        minutes: market minutes to replay, None for the whole file (a synthetic market: two days).
        speed: market seconds per second, None = as fast as the platform reacts.
    """

    candles: Path | None = None
    symbol: str | None = None
    strategies: tuple[str, ...] = ("hyperrsi", "grid")
    minutes: int | None = None
    speed: float | None = None
    seed: int = 7


class PartPicture(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy as it stands now."""

    strategy: str
    positions: list[PositionView]
    orders: list[OrderView]
    books: Books


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """What the live view shows."""

    moved: Moved
    prices: list[float]
    parts: list[PartPicture]
    events: list[str]
    seconds: float


class PartSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What one strategy did.

    Args:
        pnl: realised profit after fees and funding, with what is still open at the last price.
    """

    strategy: str
    orders: int
    fills: int
    entries: int
    take_profits: int
    stops: int
    grid_cycles: int
    realized: Decimal
    unrealized: Decimal
    fees: Decimal
    funding: Decimal
    pnl: Decimal
    books_equal_venue: bool
    book_differences: list[str]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo ends with, per strategy and in total."""

    symbol: str
    timeframe: str
    bars: int
    seconds: float
    bars_per_second: float
    orders: int
    fills: int
    fees: Decimal
    funding: Decimal
    pnl: Decimal
    books_equal_venue: bool
    invariants: list[invariants.Result]
    strategies: dict[str, PartSummary]
    interrupted: bool
    data_dir: str

    @property
    def sound(self) -> bool:
        """Whether the books agree and every invariant held."""
        return self.books_equal_venue and all(result.held for result in self.invariants)


def bars_of(request: DemoRequest, now: datetime) -> Bars:
    """The candles of a request."""
    if request.candles is None:
        instrument = listed(request.symbol or "BTC-USDT-SWAP")
        minutes = request.minutes or 2880
        return synthetic(request.seed, instrument, Timeframe.M5, (WARMUP, max(minutes // 5, 1)), now)
    instrument = instrument_of(request.candles, request.symbol)
    bars = from_file(request.candles, instrument, WARMUP, None, now)
    if request.minutes is None:
        return bars
    count = max(request.minutes // bars.timeframe.minutes, 1)
    return from_file(request.candles, instrument, WARMUP, count, now)


def parameters(strategy: str, bars: Bars) -> dict[str, Any]:
    """Parameters that show something within days: tighter targets than the defaults, a grid around the price."""
    if strategy == "hyperrsi":
        return {
            "btc_investment": 100,
            "eth_investment": 100,
            "sol_investment": 100,
            "entry_option": "CROSS_OUT",
            "tp1_value": 0.6,
            "tp2_value": 1.2,
            "tp3_value": 2.0,
            "use_sl": True,
            "sl_value": 2.0,
            "pyramiding_value": 0.8,
            "pyramiding_limit": 3,
        }
    if strategy == "grid":
        start = Decimal(bars.price(int(bars.series.close[bars.warmup - 1])))
        return {
            "enter_strategy": "long",
            "lower_price": plain(start * Decimal("0.94")),
            "upper_price": plain(start * Decimal("1.06")),
            "grid_num": 24,
            "investment": 1000,
            "leverage": 5,
        }
    return {}


async def run(
    settings: Settings, request: DemoRequest, told: Callable[[Picture], None], stop: asyncio.Event
) -> Summary:
    """Raise the stage, replay, and sum up; `told` gets a picture a few times a second."""
    bars = bars_of(request, SystemClock().now())
    wanted = [(name, parameters(name, bars)) for name in request.strategies]
    async with stage(settings, bars, wanted) as built:
        view = _View(built, told)
        began = built.platform.context.clock.monotonic()
        driver = built.driver(pace=request.speed)
        watching = asyncio.create_task(view.watch())
        try:
            done = await driver.run(view.moved, stop)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        seconds = built.platform.context.clock.monotonic() - began
        return await _summary(built, done, seconds, stop.is_set())


class _View:
    """Keeps what the live view shows and paints it now and then."""

    def __init__(self, built: Stage, told: Callable[[Picture], None]) -> None:
        self._built = built
        self._told = told
        self._prices: deque[float] = deque(maxlen=_PRICES_KEPT)
        self._moved: Moved | None = None
        self._clock = built.platform.context.clock
        self._began = self._clock.monotonic()

    def moved(self, moved: Moved) -> None:
        """A bar was replayed."""
        self._moved = moved
        self._prices.append(float(moved.last or 0))

    async def watch(self) -> None:
        """Paint four times a second."""
        while True:
            await asyncio.sleep(0.25)
            if self._moved is not None:
                self._told(await self._picture(self._moved))

    async def _picture(self, moved: Moved) -> Picture:
        platform = self._built.platform
        parts = [await self._part(part) for part in self._built.parts]
        messages = await platform.notifications.messages(self._built.parts[0].account.user_id, 8)
        return Picture(
            moved=moved,
            prices=list(self._prices),
            parts=parts,
            events=[message.text for message in messages],
            seconds=self._clock.monotonic() - self._began,
        )

    async def _part(self, part: Part) -> PartPicture:
        platform, account_id = self._built.platform, part.account.account_id
        return PartPicture(
            strategy=part.strategy,
            positions=await platform.positions.positions(account_id),
            orders=await platform.orders.orders(account_id, 8),
            books=await platform.positions.books(account_id),
        )


async def _summary(built: Stage, done: int, seconds: float, interrupted: bool) -> Summary:
    parts = {part.strategy: await _part_summary(built, part) for part in built.parts}
    results = await invariants.check(built.platform.context.db)
    return Summary(
        symbol=built.bars.instrument.inst_id,
        timeframe=built.bars.timeframe.value,
        bars=done,
        seconds=round(seconds, 2),
        bars_per_second=round(done / seconds, 1) if seconds else 0.0,
        orders=sum(part.orders for part in parts.values()),
        fills=sum(part.fills for part in parts.values()),
        fees=sum((part.fees for part in parts.values()), ZERO),
        funding=sum((part.funding for part in parts.values()), ZERO),
        pnl=sum((part.pnl for part in parts.values()), ZERO),
        books_equal_venue=all(part.books_equal_venue for part in parts.values()),
        invariants=results,
        strategies=parts,
        interrupted=interrupted,
        data_dir=str(built.platform.settings.embedded.data_dir or ""),
    )


async def _part_summary(built: Stage, part: Part) -> PartSummary:
    platform, account_id = built.platform, part.account.account_id
    compared: Comparison = await compare_books(platform, built.admin, part.account)
    books = await platform.positions.books(account_id)
    fills = await fills_of(platform.orders, account_id)
    last = await _last(built)
    contract_size = (await platform.market.instrument(part.account.venue, part.run.symbol)).contract_size
    held = await platform.positions.positions(account_id)
    unrealized = sum(((leg.qty * last - leg.cost) * contract_size for leg in held), ZERO)
    return PartSummary(
        strategy=part.strategy,
        orders=compared.orders,
        fills=len(fills),
        entries=_count(fills, ("entry", "add", "init", "buy")),
        take_profits=_count(fills, ("tp",)),
        stops=_count(fills, ("sl",)),
        grid_cycles=_count(fills, ("sell",)),
        realized=books.realized_quote,
        unrealized=unrealized,
        fees=books.fees_quote,
        funding=books.funding_quote,
        pnl=books.realized_quote + books.fees_quote + books.funding_quote + unrealized,
        books_equal_venue=compared.equal,
        book_differences=compared.differences,
    )


async def _last(built: Stage) -> Decimal:
    tick = await built.platform.market.price(built.parts[0].account.venue, built.parts[0].run.symbol)
    return tick.last


def _count(fills: list[FillView], families: tuple[str, ...]) -> int:
    """Orders of these slot families that filled."""
    return len({fill.order_id for fill in fills if fill.slot.split(":")[0] in families})
