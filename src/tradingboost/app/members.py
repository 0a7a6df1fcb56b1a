"""Every member of every enumerated parameter, each in a set of parameters that trades on the given bars."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.app.instruments import rules_of
from tradingboost.app.replay.bars import Bars, plain
from tradingboost.core.candles import CandleColumns
from tradingboost.core.errors import InvalidInput
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.contract import RunFacts

_HUNDRED: Final = Decimal(100)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One member of one parameter, and the set it is tried in.

    Args:
        parameter: a member of a trigger's own is written `start_rsi.cross`.
        unfit: why the set cannot be replayed on these bars, "" = it can.
    """

    strategy: str
    parameter: str
    member: str
    params: dict[str, Any]
    unfit: str = ""

    @property
    def key(self) -> str:
        """The whole set it comes to; members that are the default of the others share it."""
        return f"{self.strategy} {strategy_named(self.strategy).validate(self.params)}"


class _Measure(msgspec.Struct, frozen=True):
    """What the sets are fitted to.

    Args:
        price: close before the first replayed bar.
        unit: mean range of a bar in percent of that price, at least 0.05.
        low, high: of the replayed bars.
        early: lowest price of the first tenth.
        late: highest price of the second half.
    """

    price: Decimal
    unit: Decimal
    low: Decimal
    high: Decimal
    early: Decimal
    late: Decimal
    timeframe: str


def choices(strategy: str, bars: Bars) -> list[Choice]:
    """Every member of every enumerated parameter of a strategy, in the order of its schema."""
    measure = _measured(bars)
    built = _hyperrsi if strategy == "hyperrsi" else _grid
    found = []
    for parameter, members in enumerated(strategy_named(strategy).schema):
        for member in members:
            params = built(measure, parameter, member)
            why = _unfit(strategy, params, bars)
            found.append(
                Choice(strategy=strategy, parameter=parameter, member=member.name.lower(), params=params, unfit=why)
            )
    return found


def enumerated(schema: type[Any], prefix: str = "") -> Iterator[tuple[str, list[StrEnum]]]:
    """(name, members) of every field that is an enumeration; those of a nested struct as `outer.inner`."""
    for name, hint in get_type_hints(schema, include_extras=True).items():
        kind = _plain_type(hint)
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            yield prefix + name, list(kind)
        elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from enumerated(kind, f"{prefix}{name}.")


def restless(columns: CandleColumns, warmup: int, count: int) -> int | None:
    """Which stretch of `count` bars behind a history of `warmup` moves most; gaps are kept out of both.

    Returns:
        How many bars to leave out before the history, None where no stretch of that length is free of gaps.
    """
    moves = (columns.values[1] - columns.values[2]).astype(np.int64)
    whole = warmup + count
    if moves.size < whole:
        return None
    broken = np.diff(columns.at_ms, prepend=columns.at_ms[0]) != columns.bar_ms
    broken[0] = False
    sums = _windows(moves, count)[warmup:]
    torn = _windows(broken.astype(np.int64), whole - 1)[1:]
    begins = np.flatnonzero(torn == 0)
    return int(begins[np.argmax(sums[begins])]) if begins.size else None


def _windows(values: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Sums over every stretch of `length` values."""
    sums = np.concatenate(([0], np.cumsum(values)))
    return sums[length:] - sums[:-length]


def _plain_type(hint: Any) -> Any:
    if get_origin(hint) in {Union, UnionType}:
        hint = next(part for part in get_args(hint) if part is not type(None))
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _measured(bars: Bars) -> _Measure:
    series, first = bars.series, bars.warmup
    highs, lows = series.high[first:], series.low[first:]

    def price(ticks: Any) -> Decimal:
        return Decimal(bars.price(int(ticks)))

    at = price(series.close[first - 1])
    mean = price(round(float((highs - lows).mean())) or 1)
    return _Measure(
        price=at,
        unit=max((mean / at * _HUNDRED).quantize(Decimal("0.001")), Decimal("0.05")),
        low=price(lows.min()),
        high=price(highs.max()),
        early=price(lows[: max(len(lows) // 10, 1)].min()),
        late=price(highs[len(highs) // 2 :].max()),
        timeframe=bars.timeframe.value,
    )


def _unfit(strategy: str, given: dict[str, Any], bars: Bars) -> str:
    kernel = strategy_named(strategy)
    parsed, instrument = kernel.validate(given), rules_of(bars.instrument)
    if kernel.asks(parsed, instrument).signal_bot:
        return "its orders leave as webhook signals"
    try:
        params = kernel.compile_params(parsed, instrument, RunFacts(timeframe_ms=bars.series.bar_ms))[0]
    except InvalidInput as refused:
        return refused.message
    if kernel.feed_ms(params):
        return "it needs finer candles"
    if (needed := int(kernel.needs(params))) > bars.warmup:
        return f"it needs {needed:,} candles to warm up"
    return ""


# -- hyperrsi ------------------------------------------------------------------------------------------------------


def _distance(measure: _Measure, mode: str, units: int) -> str:
    """So many mean ranges, in the measure of a distance mode."""
    percent = measure.unit * units
    if mode == "PRICE":
        return plain((measure.price * percent / _HUNDRED).quantize(Decimal("0.01")))
    return plain(Decimal(units) if mode == "ATR" else percent)


def _ladder(measure: _Measure, mode: str) -> dict[str, Any]:
    values = {f"tp{level}_value": _distance(measure, mode, 2 * level) for level in (1, 2, 3)}
    return {"tp_option": mode, **values}


def _stop(measure: _Measure, mode: str) -> dict[str, Any]:
    return {"sl_option": mode, "sl_value": _distance(measure, mode, 8)}


def _adds(measure: _Measure, mode: str) -> dict[str, Any]:
    return {"pyramiding_entry_type": mode, "pyramiding_value": _distance(measure, mode, 2)}


def _amount(measure: _Measure, unit: str) -> dict[str, Any]:
    amounts = {"USDT": "100", "PERCENT": "1", "COUNT": plain((1000 / measure.price).quantize(Decimal("0.0001")))}
    return {"entry_amount_option": unit, **dict.fromkeys(_INVESTMENTS, amounts[unit])}


_INVESTMENTS: Final = ("btc_investment", "eth_investment", "sol_investment")
_FITTED: Final[dict[str, Callable[[_Measure, str], dict[str, Any]]]] = {
    "tp_option": _ladder,
    "sl_option": _stop,
    "pyramiding_entry_type": _adds,
    "entry_amount_option": _amount,
}
_BESIDE: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("execution_mode", "SIGNAL_BOT"): {"signal_bot_token": "word", "signal_bot_webhook_url": "https://example.com/"},
    ("trailing_start_point", "NONE"): {"trailing_stop_active": False},
    ("dual_side_entry_ratio_type", "FIXED_AMOUNT"): {"dual_side_entry_ratio_value": "0.5"},
    ("dual_side_entry_sl_trigger_type", "EXISTING_POSITION"): {"dual_side_entry_sl_value": 1},
}


def _hyperrsi(measure: _Measure, parameter: str, member: StrEnum) -> dict[str, Any]:
    """Trailing from the first take-profit, a hedge from the second entry with exits of its own, and one member."""
    base = {
        **_amount(measure, "USDT"),
        **_ladder(measure, "PERCENTAGE"),
        **_stop(measure, "PERCENTAGE"),
        **_adds(measure, "PERCENTAGE"),
        "rsi_length": 3,
        "rsi_oversold": 40,
        "rsi_overbought": 60,
        "entry_option": "TURN",
        "use_sl": True,
        "use_cooldown": False,
        "use_rsi_with_pyramiding": False,
        "pyramiding_limit": 3,
        "trailing_start_point": "TP1",
        "trailing_stop_offset_value": _distance(measure, "PERCENTAGE", 2),
        "use_dual_side_entry": True,
        "dual_side_entry_trigger": 2,
        "dual_side_entry_ratio_value": 50,
        "dual_side_entry_tp_trigger_type": "PERCENT",
        "dual_side_entry_tp_value": _distance(measure, "PERCENTAGE", 2),
        "use_dual_sl": True,
        "dual_side_entry_sl_trigger_type": "PERCENT",
        "dual_side_entry_sl_value": _distance(measure, "PERCENTAGE", 4),
        "dual_side_pyramiding_limit": 2,
        "dual_side_trend_close": True,
    }
    fitted = _FITTED[parameter](measure, member.name) if parameter in _FITTED else {}
    return base | {parameter: member.name} | fitted | _BESIDE.get((parameter, member.name), {})


# -- grid ----------------------------------------------------------------------------------------------------------


def _range(measure: _Measure, share: str) -> dict[str, Any]:
    """A range around the price, as wide as that share of what the market will cross."""
    half = max((measure.high - measure.low) * Decimal(share), measure.price * Decimal("0.002")) / 2
    cell = max(measure.unit, Decimal("0.12")) * measure.price / _HUNDRED
    ends = {"lower_price": plain(_tidy(measure.price - half)), "upper_price": plain(_tidy(measure.price + half))}
    return ends | {"spacing": "arithmetic", "grid_num": min(max(int(2 * half / cell), 2), 60)}


def _tidy(price: Decimal) -> Decimal:
    return price.quantize(Decimal("0.1")) if price > _HUNDRED else price.quantize(Decimal("0.0001"))


def _rsi(measure: _Measure, threshold: int, **changes: str) -> dict[str, Any]:
    return {"timeframe": measure.timeframe, "length": 3, "threshold": threshold, "cross": "up"} | changes


def _grid(measure: _Measure, parameter: str, member: StrEnum) -> dict[str, Any]:
    """A range the market crosses, and one member with what it needs beside it."""
    base = {**_range(measure, "1.2"), "investment": 1000, "leverage": 5, "stop_loss": 20}
    if parameter.startswith("range_exit"):
        base |= _range(measure, "0.3") | _left(parameter, member.value)
    elif parameter == "spacing" and member.value == "adaptive":
        base = {"spacing": "adaptive", "investment": 2000, "regime_filter": False}
    elif parameter.startswith("st") and "." not in parameter:
        base |= _triggered(measure, parameter, member.value)
    if "." not in parameter:
        return base | {parameter: member.value}
    trigger, field = parameter.split(".")
    rsi = {trigger: _rsi(measure, 50 if trigger == "start_rsi" else 70, **{field: member.value})}
    return base | rsi | {trigger.replace("rsi", "trigger"): "rsi"}


def _left(parameter: str, member: str) -> dict[str, Any]:
    """What leaving a range needs: a range that is left at once, and the side that may trail."""
    beside: dict[str, Any] = {"range_exit_confirm": "tick", "range_exit_buffer_pct": "0.05"}
    if parameter == "range_exit_confirm":
        return beside | {"range_exit": "stop_flatten"}
    if member == "trail" and parameter == "range_exit":
        return beside | {"range_exit_down": "hold"}
    return beside | ({"enter_strategy": "short"} if parameter == "range_exit_down" else {})


def _triggered(measure: _Measure, parameter: str, member: str) -> dict[str, Any]:
    """Start or stop by a price the market reaches, or by an index of its own candles."""
    by_price = {"stop_trigger": "price", "stop_trigger_price": plain(measure.late)}
    beside: dict[tuple[str, str], dict[str, Any]] = {
        ("start_trigger", "price"): {"trigger_price": plain(measure.early)},
        ("start_trigger", "rsi"): {"start_rsi": _rsi(measure, 50)},
        ("stop_trigger", "price"): by_price,
        ("stop_trigger", "rsi"): {"stop_rsi": _rsi(measure, 70)},
        ("stop_trigger_policy", member): by_price,
    }
    return beside.get((parameter, member), {})
