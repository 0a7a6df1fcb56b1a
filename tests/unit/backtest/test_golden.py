"""The worked numbers of the backtest. A bar's path goes by its colour (the column `neutral`)."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.golden import vectors
from tests.unit.backtest.story import FIRST_MS, MINUTE_MS, Wish, play, swap

from tradingboost.backtest import BacktestResult, Funding, LimitFill
from tradingboost.backtest.path import corners
from tradingboost.strategies.contract import Type

ENTRY_BAR = (100.0, 100.0, 100.0, 100.0)


def golden(name: str) -> Any:
    return next(parameter.values[0] for parameter in vectors("backtest") if parameter.id == name)


def cash_of(result: BacktestResult) -> Decimal:
    return result.scale.amount(result.desk[0].cash)


def test_the_path_goes_by_the_colour_of_the_bar() -> None:
    vector = golden("backtest.path")
    assert [list(corners(*row)) for row in vector["input"]["rows"]] == vector["expected"]["path"]


@pytest.mark.parametrize("row", range(8))
def test_stop_and_target_in_one_bar_follow_the_path(row: int) -> None:
    vector = golden("backtest.intrabar.exit")
    (opened, high, low, close), side, stop, target = vector["input"]["rows"][row]
    entry, exit_ = ("buy", "sell") if side == "long" else ("sell", "buy")
    wishes = [
        Wish(bar=0, side=entry, trigger=float(stop)),
        Wish(after="entry", slot="tp:1", side=exit_, type=Type.LIMIT, price=float(target), reduce_only=True),
    ]
    result = play([ENTRY_BAR, ENTRY_BAR, (opened, high, low, close)], wishes, limit_fill=LimitFill.TOUCH)
    leaving = [(line.slot, float(line.price)) for line in result.trace().fills[1:]]
    wanted = {
        "stop": [("sl", float(stop))],
        "stop_gap": [("sl", float(opened))],
        "tp": [("tp:1", float(target))],
        None: [],
    }
    assert leaving == wanted[vector["expected"]["rows"][row][2]]


@pytest.mark.parametrize("row", range(3))
def test_a_cell_of_a_grid_inside_one_bar_follows_the_path(row: int) -> None:
    vector = golden("backtest.intrabar.grid")
    opened, high, low, close = vector["input"]["ohlc"][row]
    wishes = [
        Wish(bar=0, slot="buy:0", type=Type.LIMIT, price=100.0),
        Wish(after="buy:0", slot="sell:1", side="sell", type=Type.LIMIT, price=101.0, reduce_only=True),
    ]
    flat = (100.5, 100.5, 100.5, 100.5)
    result = play(
        [flat, (opened, high, low, close)], wishes, limit_fill=LimitFill.TOUCH, instrument=swap("0.1", "1", "1")
    )
    cycles, held, change = vector["expected"]["rows"][row][2]
    assert result.summary().round_trips == cycles
    assert bool(result.desk[0].lots[0]) == (held == "HELD")
    assert float(result.summary().net_pnl) == pytest.approx(change, abs=1e-9)


def test_market_stop_and_limit_fills_have_their_price() -> None:
    vector = golden("backtest.fill_price")
    kinds = {"market_buy": "buy", "market_sell": "sell"}
    for (kind, price, opened), wanted in zip(vector["input"]["rows"], vector["expected"]["fill"], strict=True):
        if kind in kinds:
            rows, wishes, at = [ENTRY_BAR, ENTRY_BAR], [Wish(bar=0, side=kinds[kind])], 0
        else:
            rows, wishes, at = _exit_story(kind, float(price), float(opened))
        result = play(rows, wishes, instrument=swap(vector["input"]["tick"], "1", "1"), slippage_bps=Decimal(5))
        assert result.trace().fills[at].price == wanted, (kind, price, opened)


def _exit_story(kind: str, price: float, opened: float) -> tuple[list[Any], list[Wish], int]:
    """Enter at 100, then a bar that opens at `opened` and reaches beyond `price`."""
    long = kind.endswith("long")
    entry, exit_ = ("buy", "sell") if long else ("sell", "buy")
    last = (opened, max(opened, price + 1), min(opened, price - 1), opened)
    if kind.startswith("stop"):
        return [ENTRY_BAR, ENTRY_BAR, last], [Wish(bar=0, side=entry, trigger=price)], 1
    target = Wish(after="entry", slot="tp:1", side=exit_, type=Type.LIMIT, price=price, reduce_only=True)
    return [ENTRY_BAR, ENTRY_BAR, last], [Wish(bar=0, side=entry), target], 1


@pytest.mark.parametrize("leverage", [1, 10])
def test_leverage_never_multiplies_the_result(leverage: int) -> None:
    vector = golden("backtest.pnl")
    asked, index = vector["input"], vector["input"]["leverage"].index(leverage)
    qty, entry, leave = float(asked["contracts"]), float(asked["entry_price"]), float(asked["exit_price"])
    flat = (entry, entry, entry, entry)
    result = play(
        [flat, (entry, leave + 1, entry, leave + 1)],
        [
            Wish(bar=0, qty=qty),
            Wish(after="entry", slot="tp:1", side="sell", type=Type.LIMIT, price=leave, qty=qty, reduce_only=True),
        ],
        instrument=swap("0.1", "0.1", asked["contract_size"]),
        maker_fee=Decimal(asked["maker_fee_rate"]),
        taker_fee=Decimal(asked["taker_fee_rate"]),
        leverage=leverage,
    )
    summary = result.summary()
    assert summary.realised == Decimal(vector["expected"]["gross"][index])
    assert summary.fees == Decimal(vector["expected"]["fees"][index])
    assert summary.net_pnl == Decimal(vector["expected"]["net"][index])


@pytest.mark.parametrize("row", range(4))
def test_longs_pay_a_positive_funding_rate(row: int) -> None:
    vector = golden("backtest.funding")
    side, qty, mark, rate = vector["input"]["rows"][row]
    price = float(mark)
    flat = (price, price, price, price)
    funding = Funding(times_ms=np.array([FIRST_MS + 2 * MINUTE_MS], np.int64), rates=[Decimal(rate)])
    result = play(
        [flat, flat, flat],
        [Wish(bar=0, side="buy" if side == "long" else "sell", qty=float(qty))],
        instrument=swap("1", "0.1", "1"),
        initial_balance=Decimal(100_000),
        funding=funding,
    )
    assert result.summary().funding == Decimal(vector["expected"]["cash_change"][row])
    assert cash_of(result) == Decimal(100_000) + Decimal(vector["expected"]["cash_change"][row])
