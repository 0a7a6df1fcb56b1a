"""What is told of several symbols: deals numbered through, shares of the fall, curves, tables, the band."""

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.unit.backtest.scripted import SCRIPTED
from tests.unit.backtest.story import MINUTE_MS, UNIT, Wish, candles, config, script

from tradingboost.backtest import PathRule, tables
from tradingboost.backtest.document import Asked, DataFacts, Document, decode, digest_of, encode
from tradingboost.backtest.joint import JointResult, Member, run_together
from tradingboost.backtest.joint_band import measure_together
from tradingboost.backtest.joint_document import data_together, joint_document
from tradingboost.backtest.joint_figures import held_at, hold_together
from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Symbol
from tradingboost.strategies.contract import Type

FLAT = (100.0, 100.0, 100.0, 100.0)
OUT: dict[str, Any] = {"side": "sell", "reduce_only": True}

pytestmark = pytest.mark.timeout(600)


def member(symbol: str, rows: list[tuple[float, float, float, float]], wishes: list[Wish], bars: int = 0) -> Member:
    """A symbol whose candles begin `bars` later than the first."""
    own = candles(rows)
    own = msgspec.structs.replace(own, open_ms=own.open_ms + bars * MINUTE_MS)
    account: dict[str, Any] = {"path_rule": PathRule.HEADLINE, "find_ambiguous": True, "leverage": 10}
    instrument = msgspec.structs.replace(UNIT, symbol=Symbol(symbol))
    return Member(
        candles=own,
        params=script(wishes),
        config=config(instrument=instrument, initial_balance=Decimal(1000), **account),
    )


def members() -> list[Member]:
    """A: 2 lots win 20. B, two bars later: 5 lots lose 50 while A has won 20, then win 25 back and stay open."""
    a = [FLAT, FLAT, (100.0, 110.0, 100.0, 110.0), (110.0,) * 4, (110.0,) * 4, (110.0,) * 4]
    b = [FLAT, FLAT, (100.0, 100.0, 90.0, 90.0), (90.0, 95.0, 90.0, 95.0), (95.0,) * 4]
    return [
        member("A", a, [Wish(bar=0, qty=2.0), Wish(bar=3, slot="exit", qty=2.0, **OUT)]),
        member("B", b, [Wish(bar=2, qty=5.0), Wish(bar=5, slot="exit", qty=2.0, **OUT)], bars=2),
    ]


def facts(one: Member) -> DataFacts:
    return DataFacts(
        source="somewhere",
        digest=digest_of(one.candles),
        bars=len(one.candles),
        first_ms=int(one.candles.open_ms[0]),
        last_ms=int(one.candles.open_ms[-1]),
        coverage=1.0,
        missing=0,
        gaps=[],
        warmup_bars=0,
        warmup_wanted=0,
    )


@pytest.fixture(scope="module")
def joint() -> JointResult:
    return run_together(SCRIPTED, members())


@pytest.fixture(scope="module")
def found(joint: JointResult) -> Document:
    own = [facts(one) for one in members()]
    asked = Asked(request={"timeframe": "1m"}, data=data_together(own), code="1")
    band = measure_together(SCRIPTED, members(), joint)
    return joint_document(joint, [one.params for one in members()], asked, own, band)


def test_the_curve_is_the_start_and_what_every_symbol_has_changed(joint: JointResult) -> None:
    assert joint.equity().tolist() == [1000.0, 1000.0, 1020.0, 1020.0, 970.0, 995.0, 995.0]
    assert [held_at(part).tolist() for part in joint.parts] == [
        [False, True, True, True, False, False],
        [False, True, True, True, True],
    ]
    assert hold_together(joint).tolist() == [1000.0, 1000.0, 1050.0, 1050.0, 1000.0, 1025.0, 1025.0]


def test_every_symbol_has_its_share_of_the_deepest_fall(found: Document) -> None:
    assert found.symbols
    a, b = found.symbols
    assert [int(one.net) for one in (a, b)] == [20, -25]
    assert (a.drawdown_share, b.drawdown_share) == (0.0, 1.0)
    assert (a.deals, a.wins, a.win_rate) == (1, 1, 1.0)
    assert (b.deals, b.win_rate, b.exposure) == (0, None, 0.8)
    assert found.figures.exposure == pytest.approx(6 / 7)
    assert found.summary.max_drawdown == round(1 - Decimal(970) / Decimal(1020), 12)
    assert [(leg.symbol, int(leg.qty)) for leg in found.summary.left_open] == [("B", 3)]
    assert {"histories_differ", "few_deals"} <= {one.code for one in found.remarks}


def test_deals_are_numbered_through_and_marked_at_their_symbol(found: Document) -> None:
    assert [(deal.number, deal.symbol, int(deal.net), deal.closed_ms is None) for deal in found.deals] == [
        (1, "A", 20, False),
        (2, "B", -10, True),
    ]
    assert found.symbols
    assert [[row[4] for row in one.chart.marks] for one in found.symbols] == [[0, 0], [1, 1]]
    assert [(row.name, int(row.net)) for row in found.breakdowns["symbol"]] == [("A", 20)]
    assert {(line.symbol, line.status) for line in found.orders} == {("A", "filled"), ("B", "filled")}
    assert [line.at_ms for line in found.events] == sorted(line.at_ms for line in found.events)


def test_tables_hold_the_fills_of_all_in_order_of_time(joint: JointResult, found: Document) -> None:
    rows = [line.split(",") for line in tables.trades_together_csv(joint).splitlines()]
    assert [(row[0], row[1]) for row in rows] == [("symbol", "deal"), ("A", "1"), ("B", "2"), ("A", "1"), ("B", "2")]
    deals = [line.split(",")[0] for line in tables.deals_csv(found.deals).splitlines()]
    assert deals == ["symbol", "A", "B"]


def test_the_band_runs_every_symbol_in_each_reading(found: Document) -> None:
    assert found.band is not None
    assert [line.net_pnl for line in found.band.lines] == [Decimal(-5)] * 4
    assert (found.band.verdict, found.band.ambiguous_bars) == ("green", 0)
    guarded = [
        Wish(bar=0, trigger=95.0),
        Wish(after="entry", slot="tp:1", side="sell", type=Type.LIMIT, price=105.0, reduce_only=True),
    ]
    wide = [FLAT, FLAT, (100.0, 110.0, 90.0, 100.0), FLAT]
    both = [member("A", wide, guarded), member("B", wide, guarded)]
    band = measure_together(SCRIPTED, both, run_together(SCRIPTED, both))
    assert {line.mode: line.net_pnl for line in band.lines} == {
        "headline": -10,
        "pessimistic": -10,
        "neutral": -10,
        "optimistic": 10,
    }
    assert (band.verdict, band.ambiguous_bars, band.pnl_ratio) == ("red", 2, 1.0)


def test_a_document_of_several_symbols_is_read_again_and_one_of_one_symbol_knows_nothing_of_it(found: Document) -> None:
    text = encode(found)
    assert decode(text, "a.json") == found
    assert msgspec.json.decode(text)["schema"] == 2
    changed = text.replace(b'"margin_refusals":0', b'"margin_refusals":1', 1)
    with pytest.raises(InvalidInput, match="does not fit its receipt"):
        decode(changed, "a.json")
    assert np.isclose(sum(float(one.net) for one in found.symbols or []), float(found.summary.net_pnl))
