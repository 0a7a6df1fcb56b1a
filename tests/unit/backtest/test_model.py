"""What a backtest accepts, how it counts, and the figures of its result."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.unit.backtest.scripted import SCRIPTED
from tests.unit.backtest.story import FIRST_MS, MINUTE_MS, Wish, candles, config, play, script, swap

from tradingboost import backtest
from tradingboost.backtest import Candles, Funding, metrics
from tradingboost.backtest.fingerprint import fingerprint
from tradingboost.backtest.model import Scale, tidy
from tradingboost.backtest.path import point_ms
from tradingboost.core.errors import InvalidInput
from tradingboost.strategies.contract import Type

FLAT = (100.0, 100.0, 100.0, 100.0)


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("opens", 100.05, "candle_off_tick"),
        ("opens", 99.0, "candle_prices"),
        ("closes", 103.0, "candle_prices"),
        ("lows", np.nan, "candle_prices"),
        ("highs", np.inf, "candle_prices"),
        ("lows", 0.0, "candle_prices"),
    ],
)
def test_candles_no_market_prints_are_refused(column: str, value: float, code: str) -> None:
    one = candles([FLAT, (100.0, 102.0, 99.5, 101.0)])
    one.check(Decimal("0.1"))
    getattr(one, column)[1] = value
    with pytest.raises(InvalidInput) as failure:
        one.check(Decimal("0.1"))
    assert failure.value.code == code


@pytest.mark.parametrize("times", [[0, 0], [MINUTE_MS, 0], [0, MINUTE_MS // 2], [1, MINUTE_MS + 1]])
def test_candles_out_of_time_are_refused(times: list[int]) -> None:
    one = msgspec.structs.replace(candles([FLAT, FLAT]), open_ms=np.array(times, np.int64))
    with pytest.raises(InvalidInput) as failure:
        one.check(Decimal("0.1"))
    assert failure.value.code == "candle_times"


def test_columns_of_different_length_are_refused() -> None:
    one: Candles = msgspec.structs.replace(candles([FLAT, FLAT]), volumes=np.ones(1))
    with pytest.raises(InvalidInput, match="different lengths"):
        one.check(Decimal("0.1"))


def test_gaps_are_allowed_and_counted() -> None:
    times = FIRST_MS + MINUTE_MS * np.array([0, 1, 5, 6], np.int64)
    one = msgspec.structs.replace(candles([FLAT] * 4), open_ms=times)
    one.check(Decimal("0.1"))
    result = backtest.run(SCRIPTED, one, script([Wish(bar=1)]), config())
    assert (result.summary().candle_gaps, result.trace().fills[0].at_ms) == (1, FIRST_MS + 5 * MINUTE_MS)


def test_money_is_counted_in_the_exchange_quantum_until_the_account_is_too_large_for_it() -> None:
    btc = swap("0.1", "0.01", "0.01")
    assert Scale.of(config(instrument=btc)).money == 10**12
    assert Scale.of(config(instrument=btc, initial_balance=Decimal(10**7))).money < 10**12
    with pytest.raises(InvalidInput) as failure:
        Scale.of(config(instrument=btc, initial_balance=Decimal(10**16)))
    assert failure.value.code == "balance_too_large"


def test_a_large_account_trades_the_same_prices() -> None:
    small = play([FLAT, FLAT], [Wish(bar=0)], instrument=swap("0.1", "0.01", "0.01"))
    large = play([FLAT, FLAT], [Wish(bar=0)], instrument=swap("0.1", "0.01", "0.01"), initial_balance=Decimal(10**8))
    assert small.trace().fills == large.trace().fills


def test_constant_funding_stands_on_the_clock() -> None:
    day = 86_400_000
    funding = Funding.constant(Decimal("0.0001"), 8, 10 * day + 1, 11 * day)
    assert [time - 10 * day for time in funding.times_ms.tolist()] == [day // 3, 2 * day // 3, day]
    assert funding.assumed


def test_every_boundary_a_gap_steps_over_is_settled() -> None:
    rows = [FLAT, FLAT, FLAT]
    times = FIRST_MS + MINUTE_MS + np.array([0, 10_000, 20_000, 60_000], np.int64)
    funding = Funding(times_ms=times, rates=[Decimal("0.01")] * 4)
    assert play(rows, [Wish(bar=0)], funding=funding).summary().funding == Decimal(-3)


def test_path_points_divide_a_bar_into_quarters() -> None:
    assert [point_ms(1000, 10, k) for k in range(4)] == [1000, 1002, 1005, 1007]


def test_the_summary_is_json_with_decimals_as_text() -> None:
    take = Wish(after="entry", slot="tp:1", side="sell", type=Type.LIMIT, price=105.0, reduce_only=True)
    found: dict[str, Any] = json.loads(play([FLAT, (100.0, 106.0, 99.0, 104.0)], [Wish(bar=0), take]).to_json())
    assert (found["net_pnl"], found["realised"], found["unrealised"]) == ("5", "5", "0")
    assert found["fills_by_slot"] == {"entry": 1, "tp:1": 1}
    assert found["intents_by_reason"] == {"place:signal": 2}
    assert (found["round_trips"], found["wins"], found["exposure"]) == (1, 1, "0")


def test_what_is_left_open_is_shown_with_its_orders() -> None:
    summary = play([FLAT, FLAT], [Wish(bar=0, qty=2.0, trigger=90.0)]).summary()
    assert [(row.position_side, row.qty, row.cost_quote) for row in summary.left_open] == [
        ("net", Decimal(2), Decimal(200))
    ]
    assert [(row.slot, row.side, row.qty, row.price, row.trigger) for row in summary.open_orders] == [
        ("sl", "sell", Decimal(2), None, Decimal(90))
    ]


@pytest.mark.parametrize(
    ("equity", "wanted"), [([100, 120, 90, 130, 110], "0.25"), ([100, 101], "0"), ([0, 5], None), ([], None)]
)
def test_drawdown_is_measured_from_the_peak_so_far(equity: list[int], wanted: str | None) -> None:
    found = metrics.max_drawdown(np.array(equity, np.int64))
    assert (None if found is None else str(found)) == wanted


def test_numbers_are_tidy() -> None:
    assert [str(tidy(Decimal(text))) for text in ("0E-9", "1.500", "100", "1E+3")] == ["0", "1.5", "100", "1000"]


def _twice(value: int) -> int:
    return value * FACTOR


FACTOR = 2


def test_the_fingerprint_sees_changes_behind_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(value: int) -> int:
        return _twice(value)

    before = fingerprint(call)
    assert fingerprint(call) == before
    monkeypatch.setitem(globals(), "FACTOR", 3)
    changed = fingerprint(call)
    assert changed != before
    monkeypatch.setitem(globals(), "_twice", lambda value: value + FACTOR)
    assert fingerprint(call) != changed
