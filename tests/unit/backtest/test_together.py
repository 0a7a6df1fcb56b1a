"""Several symbols on one balance: alone as ever, ample as apart, tight as told, and every unit accounted for."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.backtest.scripted import SCRIPTED
from tests.unit.backtest.story import MINUTE_MS, UNIT, Wish, candles, config, fills, play, script, told
from tests.unit.backtest.worlds import conditions, market, mode, world

from tradingboost import backtest
from tradingboost.backtest import BacktestConfig, BacktestResult, Candles, Funding, MarginMode, OnEnd, PathRule
from tradingboost.backtest.joint import JointResult, Member, run_together
from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.strategies.contract import FillKind, Type

FLAT = (100.0, 100.0, 100.0, 100.0)
Rows = Sequence[tuple[float, float, float, float]]

pytestmark = pytest.mark.timeout(600)


def named(symbol: str, like: Instrument = UNIT) -> Instrument:
    return msgspec.structs.replace(like, symbol=Symbol(symbol))


def member(symbol: str, rows: Rows, wishes: Sequence[Wish], first_bar: int = 0, **changes: Any) -> Member:
    """A scripted symbol whose first row is bar `first_bar` of the story."""
    bars = candles(rows)
    bars = msgspec.structs.replace(bars, open_ms=bars.open_ms + first_bar * MINUTE_MS)
    return Member(
        candles=bars, params=script(wishes), config=config(**{"instrument": named(symbol), "leverage": 10} | changes)
    )


def together(*members: Member) -> JointResult:
    return run_together(SCRIPTED, members)


def same(ours: BacktestResult, theirs: BacktestResult, *, whole: bool = True) -> None:
    """Bit for bit, but for what only a shared account has; not `whole` = in what it did."""
    assert ours.reports.tobytes() == theirs.reports.tobytes()
    assert ours.intents.tobytes() == theirs.intents.tobytes()
    assert ours.state.tobytes() == theirs.state.tobytes()
    assert ours.orders.tobytes() == theirs.orders.tobytes()
    assert np.array_equal(ours.equity_quanta, theirs.equity_quanta)
    assert (ours.ambiguous is None) == (theirs.ambiguous is None)
    if ours.ambiguous is not None and theirs.ambiguous is not None:
        assert np.array_equal(ours.ambiguous, theirs.ambiguous)
    for name in ours.desk.dtype.names:
        known = name != "code" and not name.startswith("beside")
        if known and (whole or not name.startswith("liquidation_")):
            assert ours.desk[name].tobytes() == theirs.desk[name].tobytes(), name


def thinned(bars: Candles, seed: int) -> Candles:
    """The same with some candles missing."""
    kept = np.random.default_rng(seed).random(len(bars)) > 0.03
    columns = {name: getattr(bars, name)[kept] for name in bars.__struct_fields__[1:]}
    return Candles(timeframe_ms=bars.timeframe_ms, **columns)


TRAILING_ALONE = pytest.param("trailing", PathRule.HEADLINE, marks=pytest.mark.long)


@pytest.mark.parametrize(("name", "rule"), [TRAILING_ALONE, ("grid_neutral", PathRule.PESSIMISTIC)])
def test_one_symbol_alone_is_the_run_it_always_was(name: str, rule: PathRule) -> None:
    bars = market(3000)
    strategy, params = world(name)
    plain = conditions(bars, position_mode=mode(name), path_rule=rule, find_ambiguous=True, on_end=OnEnd.CLOSE)
    alone = backtest.run(strategy, bars, params, plain)
    joint = run_together(strategy, [Member(candles=bars, params=params, config=plain)])
    same(joint.parts[0], alone)
    assert len(alone.fills) >= 5
    assert np.array_equal(joint.equity_quanta, alone.equity_quanta)
    assert np.array_equal(joint.daily_curve()[0], alone.daily_curve()[0])
    assert joint.daily_curve()[1:] == alone.daily_curve()[1:]


@pytest.mark.parametrize("every_close", [False, True])
@pytest.mark.parametrize("name", [pytest.param("hedged", marks=pytest.mark.long), "grid_long"])
def test_with_ample_money_every_symbol_does_what_it_does_alone(name: str, every_close: bool) -> None:
    strategy, params = world(name)
    markets = [thinned(market(3000, seed), seed) for seed in (7, 8)] + [thinned(market(1500, 9), 9)]
    members = [
        Member(
            candles=bars,
            params=params,
            config=conditions(
                bars,
                instrument=named(f"S{k}-USDT-SWAP", conditions(bars).instrument),
                position_mode=mode(name),
                initial_balance=Decimal(100_000),
                path_rule=PathRule.HEADLINE,
                warmup_bars=50 * k,
                every_close=every_close,
            ),
        )
        for k, bars in enumerate(markets)
    ]
    joint = run_together(strategy, members)
    singles = [backtest.run(strategy, one.candles, one.params, one.config) for one in members]
    for part, alone in zip(joint.parts, singles, strict=True):
        same(part, alone, whole=False)
    assert sum(len(alone.fills) for alone in singles) >= 15
    assert joint.net_pnl() == sum(alone.net_pnl() for alone in singles)
    opens = [one.candles.open_ms[one.config.warmup_bars :] for one in members]
    assert np.array_equal(joint.closes_ms, np.unique(np.concatenate(opens)) + MINUTE_MS)


# -- one balance -----------------------------------------------------------------------------------------------------


def test_what_one_symbol_holds_another_cannot_use() -> None:
    """Balance 100, leverage 10: A's 6 x 100 take 60, so that B's 5 x 100 at the same close find 40 and are refused."""
    rows = [FLAT] * 4
    wishes = [Wish(bar=0, qty=6.0)], [Wish(bar=0, qty=5.0), Wish(bar=2, slot="add:2", qty=4.0)]
    joint = together(
        member("A", rows, wishes[0], initial_balance=Decimal(100)),
        member("B", rows, wishes[1], initial_balance=Decimal(100)),
    )
    assert fills(joint.parts[0]) == [("entry", "6", "100")]
    assert told(joint.parts[1]) == [("denied", "entry", 100.0), ("filled", "add:2", 100.0)]
    assert [int(part.desk[0].margin_refusals) for part in joint.parts] == [0, 1]
    assert joint.parts[1].summary().skipped == {"denied": 1}


def test_the_order_of_the_list_decides_who_is_served_first() -> None:
    rows = [FLAT] * 3
    pair = [member(name, rows, [Wish(bar=0, qty=6.0)], initial_balance=Decimal(100)) for name in ("A", "B")]
    for members in (pair, pair[::-1]):
        joint = together(*members)
        assert [len(fills(part)) for part in joint.parts] == [1, 0]


def test_what_one_symbol_wins_another_may_use_at_the_same_close() -> None:
    """A's 5 x 100 gain 100 by the close of bar 2: 200 less 5 x 120 / 10 = 140 are free for B's 14 x 100 at 10."""
    up = [FLAT, FLAT, (100.0, 120.0, 100.0, 120.0), (120.0,) * 4, (120.0,) * 4]
    for lots, carried in ((14.0, True), (15.0, False)):
        for order in (1, -1):
            members = [
                member("A", up, [Wish(bar=0, qty=5.0)], initial_balance=Decimal(100)),
                member("B", [FLAT] * 5, [Wish(bar=2, qty=lots)], initial_balance=Decimal(100)),
            ]
            joint = together(*members[::order])
            assert len(fills(joint.parts[::order][1])) == carried


def test_equity_is_the_balance_and_the_open_profit_of_all_at_their_last_close() -> None:
    """A gains 10 then 20 on 1 lot; B has no bar in between and loses 5 on 2 lots with its last."""
    a = [FLAT, FLAT, (100.0, 110.0, 100.0, 110.0), (110.0, 120.0, 110.0, 120.0)]
    b = [FLAT, FLAT, (100.0, 100.0, 95.0, 95.0)]
    late = member("B", b, [Wish(bar=0, qty=2.0)])
    at = late.candles.open_ms + np.array([0, 0, 1]) * MINUTE_MS
    late = msgspec.structs.replace(late, candles=msgspec.structs.replace(late.candles, open_ms=at))
    joint = together(member("A", a, [Wish(bar=0)]), late)
    assert [Decimal(int(quanta)) / joint.money for quanta in joint.equity_quanta] == [10_000, 10_000, 10_010, 10_010]
    assert joint.net_pnl() == 20 - 2 * 5


def test_a_symbol_whose_candles_begin_later_joins_later() -> None:
    joint = together(
        member("A", [FLAT] * 4, [Wish(bar=0)]),
        member("B", [FLAT] * 2, [Wish(bar=2)], first_bar=2, taker_fee=Decimal("0.01")),
    )
    assert joint.closes_ms.size == 4
    assert [float(one) for one in joint.equity()] == [10_000.0, 10_000.0, 10_000.0, 9_999.0]


# -- the end of the account ------------------------------------------------------------------------------------------


def ruined(*, margin_mode: MarginMode = MarginMode.CROSS, fall: float = 90.0) -> JointResult:
    """Balance 100: A long 5 at 100, B long 4 at 100 that rests at its close while A falls to `fall`."""
    rows = [FLAT, FLAT, (100.0, 100.0, fall, fall), (fall,) * 4]
    common: dict[str, Any] = {
        "initial_balance": Decimal(100),
        "margin_mode": margin_mode,
        "maintenance_rate": Decimal("0.01"),
    }
    return together(
        member("A", rows, [Wish(bar=0, qty=5.0)], **common), member("B", [FLAT] * 4, [Wish(bar=0, qty=4.0)], **common)
    )


def test_the_account_is_liquidated_as_a_whole() -> None:
    """Equity 100 - 5 x (100 - p) meets 1 % of (5 p + 400) at p = 81.81: gone at 81, 5 lots and 4 lots with it."""
    assert not ruined(fall=82.0).liquidated
    gone = ruined(fall=81.0)
    assert gone.liquidated
    assert [fills(part)[-1] for part in gone.parts] == [("liquidation", "5", "81"), ("liquidation", "4", "100")]
    assert gone.net_pnl() == -95
    assert [int(part.desk[0].liquidated) for part in gone.parts] == [1, 1]
    alone = play([FLAT, FLAT, (100.0, 100.0, 81.0, 81.0)], [Wish(bar=0, qty=5.0)], initial_balance=Decimal(100))
    assert not alone.summary().liquidated


def test_the_only_leg_of_a_shared_account_closes_where_its_money_ends() -> None:
    """B has lost 20 before and is flat: A's 5 lots answer with 80 and close at 84."""
    b = [FLAT, FLAT, (90.0,) * 4, (90.0,) * 4, (90.0,) * 4]
    out = Wish(bar=1, slot="exit", side="sell", qty=2.0, reduce_only=True)
    a = [FLAT, FLAT, FLAT, FLAT, (100.0, 100.0, 80.0, 80.0)]
    common: dict[str, Any] = {"initial_balance": Decimal(100), "maintenance_rate": Decimal("0.01")}
    joint = together(
        member("A", a, [Wish(bar=0, qty=5.0)], **common), member("B", b, [Wish(bar=0, qty=2.0), out], **common)
    )
    assert fills(joint.parts[1]) == [("entry", "2", "100"), ("exit", "2", "90")]
    assert fills(joint.parts[0])[-1] == ("liquidation", "5", "84")
    assert joint.equity_quanta[-1] == 0


def test_an_isolated_leg_falls_alone() -> None:
    gone = ruined(margin_mode=MarginMode.ISOLATED, fall=80.0)
    assert not gone.liquidated
    assert fills(gone.parts[0])[-1] == ("liquidation", "5", "90")
    assert [leg.position_side for leg in gone.parts[1].summary().left_open] == ["net"]
    assert gone.net_pnl() == -50


def test_openings_of_every_symbol_are_withdrawn_before_the_account_is_liquidated() -> None:
    """A's limit holds 45 of the 100: with B's 5 at p, 100 - 5 x (100 - p) - 45 meets 4 % of 5 p at 92.7.

    At 92 the limit is withdrawn, which is enough; 60 - 46 are free for the lot A opens when it hears of it.
    """
    rest = Wish(bar=0, type=Type.LIMIT, qty=5.0, price=90.0)
    b = [FLAT, FLAT, (100.0, 100.0, 92.0, 92.0), (92.0,) * 4]
    common: dict[str, Any] = {"initial_balance": Decimal(100), "maintenance_rate": Decimal("0.04")}
    for order in (1, -1):
        members = [
            member("A", [FLAT] * 4, [rest, Wish(after="entry", after_kind=FillKind.ENDED, slot="add:2")], **common),
            member("B", b, [Wish(bar=0, qty=5.0)], **common),
        ]
        joint = together(*members[::order])
        parts = joint.parts[::order]
        assert not joint.liquidated
        assert told(parts[0]) == [("ended", "entry", 100.0), ("filled", "add:2", 100.0)]
        assert fills(parts[1]) == [("entry", "5", "100")]


# -- everything is accounted for -------------------------------------------------------------------------------------


@st.composite
def stories(draw: st.DrawFn) -> tuple[Rows, list[Wish]]:
    """A random market and what is tried in it."""
    price, rows = 100, []
    for _ in range(12):
        steps = [price + draw(st.integers(-6, 6)) for _ in range(4)]
        opened, closed = max(steps[0], 60), max(steps[3], 60)
        rows.append((float(opened), float(max(*steps, 60)), float(max(min(steps), 60)), float(closed)))
        price = closed
    wishes = [
        Wish(
            bar=draw(st.integers(0, 10)),
            slot=f"add:{index + 2}",
            side=draw(st.sampled_from(("buy", "sell"))),
            type=draw(st.sampled_from((Type.MARKET, Type.LIMIT))),
            qty=float(draw(st.integers(1, 9))),
            price=float(draw(st.integers(85, 115))),
        )
        for index in range(draw(st.integers(1, 8)))
    ]
    for one in wishes:
        one.price = 0.0 if one.type is Type.MARKET else one.price
    return rows, wishes


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(stories(), min_size=2, max_size=4), st.integers(30, 400), st.booleans(), st.booleans())
def test_quantity_cash_and_fees_balance(
    worlds: list[tuple[Rows, list[Wish]]], balance: int, isolated: bool, pessimistic: bool
) -> None:
    joint = together(
        *(
            member(
                f"S{k}",
                rows,
                wishes,
                initial_balance=Decimal(100 + balance),
                maker_fee=Decimal("0.0002"),
                taker_fee=Decimal("0.0005"),
                slippage_bps=Decimal(5),
                leverage=5 + k,
                margin_mode=MarginMode.ISOLATED if isolated else MarginMode.CROSS,
                path_rule=PathRule.PESSIMISTIC if pessimistic else PathRule.HEADLINE,
                funding=Funding.constant(Decimal("0.0001"), 1, int(candles(rows).open_ms[0]), 2_000_000_000_000),
            )
            for k, (rows, wishes) in enumerate(worlds)
        )
    )
    start = int((100 + balance) * joint.money)
    cash = start
    for part in joint.parts:
        rows, desk = part.fills, part.desk[0]
        assert int((rows["lots"] * rows["side"]).sum()) == int(desk.lots[0])
        assert int(rows["fee"].sum()) == int(desk.fees)
        assert int(rows["profit"].sum()) == int(desk.realised)
        own = int(desk.realised) - int(desk.fees) + int(desk.funding) + int(desk.insurance)
        assert int(desk.cash) == start + own
        cash += own
    held = sum(
        (int(part.desk[0].lots[0]) * round(float(part.candles.closes[-1])) - _signed_cost(part)) * part.scale.tick_value
        for part in joint.parts
    )
    assert int(joint.equity_quanta[-1]) == cash + held
    assert cash >= 0 or not joint.liquidated
    if joint.liquidated:
        assert held == 0
        assert cash >= 0


def _signed_cost(part: BacktestResult) -> int:
    desk = part.desk[0]
    return int(desk.cost[0]) * (1 if desk.lots[0] >= 0 else -1)


# -- what cannot share a balance -------------------------------------------------------------------------------------


def other(**changes: Any) -> BacktestConfig:
    return config(instrument=msgspec.structs.replace(named("B"), **changes))


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (config(instrument=named("A")), "A is named 2 times"),
        (other(venue=Venue("bybit")), "they are of okx and bybit"),
        (other(kind=InstrumentKind.SPOT), "one is spot and the other a swap"),
        (other(quote="USDC", settle="USDC"), "settled in USDT and USDC"),
        (config(instrument=named("B"), initial_balance=Decimal(5)), "another initial balance"),
        (config(instrument=named("B"), warmup_bars=4), "4 candles of B leave nothing"),
    ],
)
def test_symbols_that_cannot_share_are_refused_in_a_sentence(second: BacktestConfig, says: str) -> None:
    bars = candles([FLAT] * 4)
    members = [Member(candles=bars, params=script([]), config=one) for one in (config(instrument=named("A")), second)]
    with pytest.raises(InvalidInput, match=says):
        together(*members)
    longer = msgspec.structs.replace(members[0], candles=candles([FLAT] * 4, 2 * MINUTE_MS))
    with pytest.raises(InvalidInput, match="another length"):
        together(members[0], msgspec.structs.replace(longer, config=config(instrument=named("C"))))
    with pytest.raises(InvalidInput, match="Between 1 and 20"):
        together()
