"""The compiled backtest and the plainest possible Python trade the same, fill for fill."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pytest
from tests.unit.backtest.worlds import market
from tests.unit.strategies.hyperrsi.harness import facts, swap
from tests.unit.strategies.hyperrsi.plainly import Plain

from tradingboost import backtest
from tradingboost.backtest import BacktestConfig, Candles
from tradingboost.strategies.contract import slot_name
from tradingboost.strategies.hyperrsi import HYPERRSI
from tradingboost.strategies.hyperrsi.checks import validate

pytestmark = pytest.mark.timeout(300)
CANDLES: Final = Path(__file__).parents[4].parent / "shared" / "data" / "candles"
WARMUP: Final = 280
OFF: Final[dict[str, Any]] = {"use_trend_logic": False, "use_trend_close": False, "btc_investment": 100}
SETS: Final[dict[str, dict[str, Any]]] = {
    "defaults": {},
    "ladder": {
        "rsi_length": 7,
        "entry_option": "CROSS_OUT",
        "tp1_value": 0.3,
        "tp2_value": 0.6,
        "tp3_value": 1,
        "use_sl": True,
        "sl_value": 1,
        "pyramiding_value": 0.3,
        "use_rsi_with_pyramiding": False,
    },
    "runner": {
        "rsi_length": 5,
        "entry_option": "TURN",
        "tp1_ratio": 20,
        "tp2_ratio": 30,
        "tp3_ratio": 20,
        "tp1_value": 0.2,
        "tp2_value": 0.35,
        "tp3_value": 0.5,
        "trailing_stop_offset_value": 0.15,
        "pyramiding_value": 0.2,
        "entry_criterion": "LAST_FILL",
        "entry_multiplier": 1.5,
        "use_rsi_with_pyramiding": False,
        "use_cooldown": False,
    },
    "by_atr": {
        "rsi_length": 4,
        "entry_option": "LEVEL",
        "tp_option": "ATR",
        "tp1_value": 1,
        "tp2_value": 2,
        "tp3_value": 3,
        "trailing_start_point": "TP2",
        "trailing_stop_type": "TP_DIFF",
        "use_sl_on_last": True,
        "sl_option": "ATR",
        "sl_value": 3,
        "pyramiding_limit": 3,
        "pyramiding_entry_type": "ATR",
        "pyramiding_value": 1.5,
        "cooldown_time": 60,
    },
    "short": {
        "direction": "SHORT",
        "rsi_length": 6,
        "rsi_overbought": 65,
        "tp_option": "PRICE",
        "tp1_value": 60,
        "tp2_value": 150,
        "tp3_value": 300,
        "use_tp2": False,
        "trailing_start_point": "TP1",
        "trailing_stop_offset_value": 0.4,
        "pyramiding_value": 0.4,
        "use_check_DCA_with_price": False,
    },
}


def both(candles: Candles, given: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Fills of the plain run and of the compiled one: time, slot, lots, price in ticks."""
    parsed = validate({**OFF, **given})
    run = facts(timeframe_ms=candles.timeframe_ms)
    config = BacktestConfig(
        instrument=swap(),
        initial_balance=Decimal(100_000),
        slippage_bps=Decimal(0),
        leverage=parsed.leverage,
        warmup_bars=WARMUP,
    )
    result = backtest.run(HYPERRSI, candles, HYPERRSI.compile_params(parsed, swap(), run), config)
    rows = [(int(r["ts_ms"]), slot_name(int(r["slot"])), int(r["lots"]), int(r["price"])) for r in result.fills]
    return Plain(parsed, candles, WARMUP).run(), rows


def agree(candles: Candles, given: dict[str, Any], least: int) -> None:
    plain, compiled = both(candles, given)
    first = next((i for i, pair in enumerate(zip(plain, compiled, strict=False)) if pair[0] != pair[1]), None)
    near = slice(max((first or 0) - 3, 0), (first or 0) + 3)
    assert first is None, f"fill {first}: {plain[near]} but {compiled[near]}"
    assert len(plain) == len(compiled) >= least


@pytest.mark.parametrize("seed", [3, 11])
@pytest.mark.parametrize("chosen", SETS)
def test_the_plain_rewriting_trades_a_made_up_market_alike(chosen: str, seed: int) -> None:
    agree(market(3000, seed), SETS[chosen], least=10)


@pytest.mark.realdata
@pytest.mark.parametrize("chosen", SETS)
@pytest.mark.parametrize(
    ("file", "first"),
    [
        ("binance_usdm_BTCUSDT_5m_20230101_20231231.parquet", 30_000),
        ("okx_swap_BTCUSDT_5m_20220501_20220831.parquet", 2_000),
        ("binance_usdm_BTCUSDT_1m_20250525_20250624.parquet", 20_000),
    ],
)
def test_the_plain_rewriting_trades_a_recorded_market_alike(file: str, first: int, chosen: str) -> None:
    path = CANDLES / file
    if not path.is_file():
        pytest.skip("the shared candle files lie beside this repository only on the machines of its maintainers")
    agree(window(path, first, 4_000), SETS[chosen], least=2)


def window(path: Path, first: int, count: int) -> Candles:
    """A stretch of a recorded file."""
    from tradingboost.app.instruments import instrument_of
    from tradingboost.kit.candles.files import load

    series = load(path, instrument_of(path))
    part = slice(first, first + count)
    columns = [np.ascontiguousarray(getattr(series, name)[part]) for name in ("open", "high", "low", "close")]
    opens, highs, lows, closes = (column / 10.0 for column in columns)
    return Candles(
        timeframe_ms=series.bar_ms,
        open_ms=np.ascontiguousarray(series.at_ms[part]),
        opens=opens,
        highs=highs,
        lows=lows,
        closes=closes,
        volumes=np.ones(count),
    )


def test_a_changed_rule_would_be_noticed() -> None:
    candles = market(1500)
    plain, _ = both(candles, SETS["ladder"])
    _, other = both(candles, {**SETS["ladder"], "tp1_value": 0.31})
    assert plain != other
    assert msgspec.to_builtins(plain[:1]) == msgspec.to_builtins(other[:1])
