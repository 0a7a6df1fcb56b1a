"""What a start would mean, in numbers, before anything is sent: the strategies' own plans at a price."""

from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np

from tradingboost.app.backtest_market import BacktestMarket, fees_of
from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.instruments import listed, rules_of
from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.indicators.atr import atr
from tradingboost.kit.candles.store import CandleStore
from tradingboost.sim.instruments import Instrument as Listed
from tradingboost.strategies import get, names
from tradingboost.strategies.contract import LONG, SHORT, RunFacts
from tradingboost.strategies.grid.preview import Preview
from tradingboost.strategies.grid.preview import preview as grid_plan
from tradingboost.strategies.hyperrsi.preview import Plan
from tradingboost.strategies.hyperrsi.preview import preview as hyperrsi_plan

ATR_LENGTH: Final = 14
SIDES: Final = {"long": (LONG,), "short": (SHORT,), "both": (LONG, SHORT)}


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of a strategy at a price.

    Args:
        legs: HYPERRSI, one plan a side.
        grid: GRID.
        warnings: what to know before a start.
    """

    strategy: str
    symbol: str
    price: Decimal
    atr: Decimal | None
    legs: list[Plan] = []
    grid: Preview | None = None
    warnings: list[str] = []


def plan(request: BacktestRequest, store: CandleStore, price: Decimal | None, side: str = "both") -> Planned:
    """Plan a start.

    Args:
        request: strategy, market and parameters; its candles tell price and ATR when there is no `price`.
        price: the market; None = the last close.
        side: long, short or both; what the parameters do not allow is left out.

    Raises:
        InvalidInput: parameters, side or price; NotFound: strategy, instrument or candles.
    """
    if side not in SIDES:
        raise InvalidInput("unknown_side", f"There is no side {side!r}; choose long, short or both.")
    strategy = get(request.strategy)
    parsed = strategy.validate(request.params)
    one, price, reach = _market(request, store, price)
    instrument, (maker, taker) = rules_of(one), fees_of(one)
    facts = RunFacts(
        timeframe_ms=60_000,  # of no consequence for a plan: nothing waits in it
        maker_fee=maker,
        taker_fee=taker,
        available_quote=request.balance,
        long_short=strategy.asks(parsed, instrument).long_short,
    )
    told = sorted(strategy.warnings(parsed))
    seen: dict[str, Any] = {"strategy": strategy.name, "symbol": str(instrument.symbol), "price": price, "atr": reach}
    if strategy.name == "grid":
        return Planned(**seen, grid=grid_plan(parsed, instrument, facts, price), warnings=told)
    allowed = [one for one in SIDES[side] if _allows(parsed, one, instrument)]
    if not allowed:
        raise InvalidInput("side_not_allowed", f"The parameter direction does not allow {side}; change one of them.")
    legs = [hyperrsi_plan(parsed, instrument, facts, one, (price, reach)) for one in allowed]
    return Planned(**seen, legs=legs, warnings=sorted({*told, *(text for leg in legs for text in leg.warnings)}))


def defaults() -> dict[str, dict[str, Any]]:
    """Every strategy with its parameters and their defaults; None = has to be given."""
    found: dict[str, dict[str, Any]] = {}
    for name in names():
        fields = msgspec.structs.fields(get(name).schema)
        found[name] = {one.name: None if one.required else _default(one) for one in fields}
    return found


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _allows(parsed: Any, side: int, instrument: Instrument) -> bool:
    spot = instrument.kind is InstrumentKind.SPOT
    wanted = parsed.direction.name
    return (side == LONG and wanted != "SHORT") or (side == SHORT and wanted != "LONG" and not spot)


def _market(
    request: BacktestRequest, store: CandleStore, price: Decimal | None
) -> tuple[Listed, Decimal, Decimal | None]:
    """Instrument, price and ATR: from the candles, or as given (then without an ATR)."""
    if price is not None:
        if price <= 0:
            raise InvalidInput("bad_price", f"A price of {price} is not above zero; give the market's with --price.")
        if request.symbol is None:
            raise InvalidInput("symbol_needed", "Say which instrument the price is of, such as -p BTC-USDT-SWAP.")
        return listed(request.symbol), price, None
    if request.candles is None and request.symbol is None:
        raise InvalidInput("market_needed", "Say where the price is from: --price, --candles, or -p of stored candles.")
    market = BacktestMarket(request, store)
    series = market.series()
    candles = market.candles(series)
    reach = float(atr(candles.highs, candles.lows, candles.closes, ATR_LENGTH)[-1])
    last = int(series.close[-1]) * market.instrument.tick
    return market.listed, last, None if np.isnan(reach) else Decimal(repr(reach))
