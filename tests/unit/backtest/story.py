"""Short stories for the backtest: a few bars, a few wishes, and what was told and traded."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
from tests.unit.backtest.scripted import PARAMS, SCRIPTED

from tradingboost import backtest
from tradingboost.backtest import BacktestConfig, BacktestResult, Candles, Funding
from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.strategies.contract import FillKind, Kind, Reason, Type, records, slot_name, slot_number

MINUTE_MS = 60_000
FIRST_MS = 1_700_006_400_000
_SIDES = {"buy": 1, "sell": -1}


def swap(tick: str = "0.1", lot: str = "0.01", contract_size: str = "0.01") -> Instrument:
    return Instrument(
        venue=Venue("okx"),
        symbol=Symbol("BTC/USDT:USDT"),
        kind=InstrumentKind.LINEAR_SWAP,
        base="BTC",
        quote="USDT",
        settle="USDT",
        contract_size=Decimal(contract_size),
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_qty=Decimal(lot),
        max_limit_qty=Decimal(100_000_000),
        max_market_qty=Decimal(12_000),
        max_leverage=100,
        version="1",
    )


UNIT = swap("1", "1", "1")
"""A contract in which a tick, a lot and a unit of money are the same number."""


def candles(rows: Sequence[Sequence[float]], timeframe_ms: int = MINUTE_MS, first_ms: int = FIRST_MS) -> Candles:
    table = np.array(rows, dtype=np.float64)
    return Candles(
        timeframe_ms=timeframe_ms,
        open_ms=first_ms + timeframe_ms * np.arange(len(rows), dtype=np.int64),
        opens=np.ascontiguousarray(table[:, 0]),
        highs=np.ascontiguousarray(table[:, 1]),
        lows=np.ascontiguousarray(table[:, 2]),
        closes=np.ascontiguousarray(table[:, 3]),
        volumes=np.ones(len(rows)),
    )


class Wish(msgspec.Struct, kw_only=True):
    """A scripted wish and what causes it: a bar's close, a report, or the trigger."""

    bar: int = -1
    after: str = ""
    after_kind: FillKind = FillKind.FILLED
    tick: bool = False
    kind: Kind = Kind.PLACE
    slot: str = "entry"
    side: str = "buy"
    leg: int = 0
    type: Type = Type.MARKET
    qty: float = 1.0
    price: float = 0.0
    trigger: float = 0.0
    reduce_only: bool = False
    reason: Reason = Reason.SIGNAL
    repeat: bool = False


def script(wishes: Sequence[Wish], below: float = -np.inf, above: float = np.inf) -> Any:
    params = records(PARAMS)
    row = params[0]
    row.rows = len(wishes)
    row.at_bar[:] = -1
    row.after_slot[:] = -1
    row.timeframe_ms, row.first_ms = MINUTE_MS, FIRST_MS
    row.below, row.above = below, above
    for index, wish in enumerate(wishes):
        row.at_bar[index] = wish.bar
        row.after_slot[index] = slot_number(wish.after) if wish.after else -1
        row.after_kind[index] = wish.after_kind
        row.on_tick[index], row.again[index] = wish.tick, wish.repeat
        side = _SIDES[wish.side]
        row.w_kind[index], row.w_slot[index], row.w_side[index] = wish.kind, slot_number(wish.slot), side
        row.w_position_side[index] = wish.leg or (-side if wish.reduce_only or wish.type is Type.STOP else side)
        row.w_type[index], row.w_qty[index] = wish.type, wish.qty
        row.w_price[index], row.w_trigger[index] = wish.price, wish.trigger
        row.w_reduce_only[index], row.w_reason[index] = wish.reduce_only, wish.reason
    return params


def config(**changes: Any) -> BacktestConfig:
    """No costs and a large account in a unit contract, unless a story says otherwise."""
    plain: dict[str, Any] = {
        "instrument": UNIT,
        "initial_balance": Decimal(10_000),
        "maker_fee": Decimal(0),
        "taker_fee": Decimal(0),
        "slippage_bps": Decimal(0),
        "funding": Funding.off(),
    }
    return BacktestConfig(**(plain | changes))


def play(
    rows: Sequence[Sequence[float]],
    wishes: Sequence[Wish],
    *,
    below: float = -np.inf,
    above: float = np.inf,
    **changes: Any,
) -> BacktestResult:
    return backtest.run(SCRIPTED, candles(rows), script(wishes, below, above), config(**changes))


def fills(result: BacktestResult) -> list[tuple[str, str, str]]:
    """(slot, qty, price) of every fill."""
    return [(line.slot, line.qty, line.price) for line in result.trace().fills]


def told(result: BacktestResult) -> list[tuple[str, str, float]]:
    """What the kernel was told besides bars: (what, slot, last), in order."""
    state = result.state[0]
    lines = []
    for call in range(int(state.calls)):
        if state.what[call] == 2:
            lines.append(("tick", "", float(state.last[call])))
        elif state.what[call] == 3:
            kind = FillKind(int(state.kind[call])).name.lower()
            lines.append((kind, slot_name(int(state.slot[call])), float(state.last[call])))
    return lines
