"""Equity, margin, freezing, liquidation, funding and what a customer sets."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.sim.desk import BTC, START_US, Desk, code, fills, last_order, only

from tradingboost.core.errors import Conflict, NotFound
from tradingboost.sim import commands as c
from tradingboost.sim.bars import HOUR_US
from tradingboost.sim.events import BalanceChanged, BillPosted, FundingChanged, OrderChanged
from tradingboost.sim.freeze import opening_parts, opening_size
from tradingboost.sim.policy import STEPPED, Policy
from tradingboost.sim.rows import CurrencyFigures
from tradingboost.sim.scale import QUANTA, parse


def usdt(desk: Desk, uid: str = "me") -> CurrencyFigures:
    return next(row for row in desk.engine.balances(uid) if row.ccy == "USDT")


def test_equity_is_cash_and_profit_and_what_is_not_available_is_frozen() -> None:
    desk = Desk()
    desk.enter("buy", lots=100)
    desk.place("buy", "limit", px=390_000, lots=50)
    desk.trade(404_000)
    row = usdt(desk)
    assert row.upl == (404_000 - 400_200) * 100 * 10**7
    assert row.imr == parse("40.4")
    assert row.ord_frozen == parse("19.5") + parse("0.0975")
    assert row.avail_eq == row.cash + row.upl - row.imr - row.ord_frozen
    assert row.frozen == row.eq - row.avail_eq


def test_a_limit_entry_pays_the_maker_fee_and_a_stop_the_taker_fee() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=399_000, lots=100)
    (entry,) = fills(desk.travel(398_000))
    assert entry.fee == -parse("0.0798")
    desk.algo("sell", sl_trigger_px=398_000)
    (stop,) = fills(desk.travel(397_000))
    assert stop.px == 397_801
    assert stop.fee == -parse("0.0005") * 397_801 * 100 * 10**7 // QUANTA
    assert stop.pnl == (397_801 - 399_000) * 100 * 10**7


def test_partial_closes_take_their_floored_share_of_the_cost() -> None:
    desk = Desk()
    desk.enter("buy", lots=1)
    desk.trade(400_001)
    desk.enter("buy", lots=2)
    row = desk.position()
    assert row is not None
    cost = row.cost
    desk.enter("sell", lots=1)
    row = desk.position()
    assert row is not None
    assert row.cost == cost - cost // 3


def test_reducing_orders_freeze_nothing_in_price_time_order() -> None:
    desk = Desk()
    desk.enter("buy", lots=100)
    desk.place("sell", "limit", px=402_000, lots=100, cl_ord_id="far")
    assert usdt(desk).ord_frozen == 0
    desk.place("sell", "limit", px=401_000, lots=60, cl_ord_id="near")
    rows = {row.terms.cl_ord_id: row.opening for row in desk.engine.pending_orders("me")}
    assert rows == {"near": 0, "far": 60}
    gross = Desk(replace(STEPPED, order_freeze="gross"))
    gross.enter("buy", lots=100)
    gross.place("sell", "limit", px=402_000, lots=100)
    assert usdt(gross).ord_frozen > 0


def test_canceling_a_reducing_order_lets_the_next_one_reduce() -> None:
    desk = Desk()
    desk.enter("buy", lots=100)
    desk.place("sell", "limit", px=402_000, lots=100, cl_ord_id="far")
    desk.place("sell", "limit", px=401_000, lots=60, cl_ord_id="near")
    desk.apply(c.Cancel(at_us=desk.now, uid="me", inst_id=BTC, cl_ord_id="near"))
    assert usdt(desk).ord_frozen == 0


@pytest.mark.parametrize("freeze", ["net_of_reducing", "gross"])
def test_what_one_order_would_open_is_the_same_alone_and_among_all(freeze: Any) -> None:
    desk = Desk(replace(STEPPED, order_freeze=freeze))
    desk.enter("buy", lots=100)
    for number in range(24):
        side, closes = ("buy" if number % 4 == 3 else "sell"), number % 8 == 5
        px = 380_000 + number if side == "buy" else 402_000 + number * 7 % 5
        desk.place(side, "limit", px=px, lots=1 + number * 11 % 13, reduce_only=closes)
    state = desk.engine._state
    account, market = state.accounts["me"], state.markets[BTC]
    shares = opening_parts(state, market, account, account.orders_of(BTC))
    assert [opening_size(state, market, account, order) for order, _ in shares] == [lots for _, lots in shares]
    assert len(shares) == 24


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_travel_stops_exactly_at_the_shown_liquidation_price(side: str) -> None:
    desk = Desk()
    desk.open("thin", usdt=600, lever=100)
    desk.enter(side, lots=10_000, uid="thin")
    row = desk.position("thin")
    assert row is not None
    px = desk.engine.position_figures(row).liq_px
    events = desk.travel(300_000 if side == "buy" else 500_000)
    assert desk.engine.last(BTC) == px
    assert desk.lots("thin") == 0
    order = last_order(events)
    assert (order.terms.category, order.terms.cl_ord_id, order.terms.ord_type) == ("full_liquidation", "", "market")
    assert {event.bill.type for event in only(events, BillPosted)} == {5}
    assert 0 <= desk.cash("thin") < parse("2")


def test_a_gap_beyond_bankruptcy_costs_the_insurance_and_never_the_customer() -> None:
    desk = Desk()
    desk.open("thin", usdt=600, lever=100)
    desk.enter("buy", lots=10_000, uid="thin")
    desk.trade(300_000)
    assert desk.lots("thin") == 0
    assert desk.cash("thin") >= 0
    assert desk.engine.house()["insurance|USDT"] < 0


@pytest.mark.parametrize("mode", ["cross", "isolated"])
def test_a_liquidation_may_take_from_the_book_and_the_insurance_pays_what_is_missing(mode: str) -> None:
    desk = Desk(replace(STEPPED, liquidation_fill="walk_book"))
    desk.open("thin", usdt=600, lever=100)
    lever = c.SetLeverage(at_us=desk.now, uid="thin", inst_id=BTC, mgn_mode="isolated", lever=100)
    desk.apply(lever)
    desk.enter("buy", lots=10_000, uid="thin", td_mode=mode)
    events = desk.trade(300_000)
    (fill,) = fills(events)
    assert fill.px == 299_850
    assert desk.engine.positions("thin") == ()
    assert 0 <= desk.cash("thin") < parse("600")
    assert desk.engine.house()["insurance|USDT"] < -parse("9000")


def test_a_liquidation_into_an_empty_book_is_taken_over_at_bankruptcy() -> None:
    desk = Desk(replace(STEPPED, liquidation_fill="walk_book"))
    desk.open("thin", usdt=600, lever=100)
    desk.enter("buy", lots=10_000, uid="thin")
    desk.apply(c.SetBook(at_us=desk.now, inst_id=BTC, empty=True))
    desk.trade(300_000)
    assert desk.lots("thin") == 0
    assert desk.cash("thin") >= 0


def test_a_close_that_a_gap_carried_beyond_ruin_leaves_no_debt() -> None:
    desk = Desk()
    desk.open("thin", usdt=600, lever=100)
    desk.enter("buy", lots=10_000, uid="thin")
    desk.place("sell", lots=10_000, uid="thin", reduce_only=True)
    events = desk.trade(300_000)
    assert desk.lots("thin") == 0
    assert desk.cash("thin") == 0
    assert only(events, BalanceChanged)[-1].reason == "insurance"


def test_liquidation_cancels_increasing_orders_first_and_spares_a_saved_account() -> None:
    desk = Desk()
    desk.open("thin", usdt=1_000, lever=100)
    desk.enter("buy", lots=10_000, uid="thin")
    desk.place("buy", "limit", lots=10_000, px=380_000, uid="thin")
    events = desk.travel(300_000)
    assert [push.order.cancel_source for push in only(events, OrderChanged)] == ["3"]
    assert desk.lots("thin") == 10_000
    desk.travel(300_000)
    assert desk.lots("thin") == 0


def test_a_large_position_steps_down_the_tiers_before_it_is_closed() -> None:
    desk = Desk()
    desk.open("whale", usdt=80_000, lever=40)
    desk.enter("buy", lots=600_000, uid="whale")
    events = desk.go(380_000)
    categories = [push.order.terms.category for push in only(events, OrderChanged) if push.order.terms.uid == "whale"]
    assert categories[0] == "partial_liquidation"


def test_an_admin_can_liquidate_a_healthy_account() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.apply(c.ForceLiquidate(at_us=desk.now, uid="me", ccy="USDT"))
    assert desk.lots() == 0


@pytest.mark.parametrize(("side", "rate", "change"), [("buy", "0.0001", "-0.4"), ("sell", "0.0001", "0.4")])
def test_funding_is_settled_by_the_clock_at_mark(side: str, rate: str, change: str) -> None:
    desk = Desk(replace(STEPPED, funding="clock"))
    desk.enter(side, lots=1_000)
    desk.apply(c.SetFunding(at_us=desk.now, inst_id=BTC, rate=parse(rate)))
    before = desk.cash()
    rate_before, due, _ = desk.engine.funding(BTC)
    assert (rate_before, due) == (parse(rate), START_US + 8 * HOUR_US)
    desk.engine.advance(due - 1)
    assert desk.cash() == before
    events = desk.engine.advance(due)
    assert desk.cash() - before == parse(change)
    bill = only(events, BillPosted)[0].bill
    assert (bill.type, bill.sub_type) == (8, 173 if side == "buy" else 174)
    row = desk.position()
    assert row is not None
    assert row.funding == parse(change)
    assert desk.engine.check() == []


def test_a_long_step_settles_every_boundary_once_and_in_order() -> None:
    desk = Desk(replace(STEPPED, funding="clock"))
    desk.enter("buy", lots=1_000)
    desk.apply(c.SetFunding(at_us=desk.now, inst_id=BTC, rate=parse("0.0001")))
    events = desk.engine.advance(START_US + 25 * HOUR_US)
    settled = [event.at_us for event in only(events, FundingChanged) if event.settled and event.inst_id == BTC]
    assert settled == [START_US + hours * HOUR_US for hours in (8, 16, 24)]


def test_stepped_funding_waits_for_its_command() -> None:
    desk = Desk()
    desk.enter("buy", lots=1_000)
    desk.apply(c.SetFunding(at_us=desk.now, inst_id=BTC, rate=parse("0.0001")))
    before = desk.cash()
    desk.engine.advance(START_US + 9 * HOUR_US)
    assert desk.cash() == before
    desk.now = START_US + 9 * HOUR_US
    desk.apply(c.SettleFunding(at_us=desk.now, inst_id=BTC))
    assert desk.cash() - before == -parse("0.4")


@pytest.mark.parametrize(("lever", "expected"), [(0, 59105), (101, 59102), (100, 0), (1, 59108)])
def test_leverage_is_bounded_by_instrument_and_free_margin(lever: int, expected: int) -> None:
    desk = Desk()
    desk.enter("buy", lots=100_000)
    order = c.SetLeverage(at_us=desk.now, uid="me", inst_id=BTC, mgn_mode="cross", lever=lever)
    assert code(desk.apply(order)) == expected
    assert desk.engine.leverage("me", BTC) == (lever if not expected else 10)


def test_leverage_of_a_large_position_is_bounded_by_its_tier() -> None:
    desk = Desk()
    desk.open("whale", usdt=10**7)
    desk.enter("buy", lots=600_000, uid="whale")
    order = c.SetLeverage(at_us=desk.now, uid="whale", inst_id=BTC, mgn_mode="cross", lever=50)
    assert code(desk.apply(order)) == 59102


def test_the_position_mode_changes_only_when_nothing_is_open() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=390_000, cl_ord_id="a")
    switch = c.SetPositionMode(at_us=desk.now, uid="me", pos_mode="long_short_mode")
    assert code(desk.apply(switch)) == 59000
    desk.apply(c.Cancel(at_us=desk.now, uid="me", inst_id=BTC, cl_ord_id="a"))
    assert code(desk.apply(switch)) == 0
    assert desk.engine.pos_mode("me") == "long_short_mode"


def test_money_comes_from_outside_and_only_free_money_leaves() -> None:
    desk = Desk()
    out = c.Credit(at_us=desk.now, uid="me", ccy="USDT", amount=-100_001 * QUANTA)
    assert code(desk.apply(out)) == 51008
    events = desk.apply(c.Credit(at_us=desk.now, uid="me", ccy="USDT", amount=-QUANTA))
    assert only(events, BalanceChanged)[0].cash == 99_999 * QUANTA


def test_the_dead_mans_switch_cancels_orders_unless_it_is_moved() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=390_000)
    desk.apply(c.CancelAllAfter(at_us=desk.now, uid="me", timeout_us=10_000_000))
    desk.now += 5_000_000
    desk.apply(c.CancelAllAfter(at_us=desk.now, uid="me", timeout_us=10_000_000))
    assert only(desk.engine.advance(START_US + 10_000_000), OrderChanged) == []
    events = desk.engine.advance(START_US + 15_000_000)
    assert last_order(events).cancel_source == "20"


def test_accounts_are_opened_once_and_must_exist() -> None:
    desk = Desk()
    with pytest.raises(Conflict):
        desk.open("me")
    with pytest.raises(NotFound):
        desk.place("buy", uid="nobody")


def test_inverse_contracts_profit_in_coin() -> None:
    desk = Desk(Policy(book="flat", slippage_ppm=0))
    inverse = "BTC-USD-SWAP"
    desk.trade(400_000, inst_id=inverse)
    desk.apply(c.Credit(at_us=desk.now, uid="me", ccy="BTC", amount=QUANTA))
    desk.place("buy", inst_id=inverse, lots=100)
    desk.trade(500_000, inst_id=inverse)
    events = desk.place("sell", inst_id=inverse, lots=100)
    assert fills(events)[0].pnl == parse("0.25") - parse("0.2")


@pytest.mark.parametrize(("side", "expected"), [("buy", "36527.2727"), ("sell", "44244.4444")])
def test_inverse_liquidation_prices_are_those_of_the_specification(side: Any, expected: str) -> None:
    desk = Desk(Policy(book="flat", slippage_ppm=0))
    inverse = "BTC-USD-SWAP"
    desk.trade(400_000, inst_id=inverse)
    fee = parse("0.000125")
    desk.apply(c.Credit(at_us=desk.now, uid="me", ccy="BTC", amount=parse("0.025") + fee))
    desk.apply(c.SetLeverage(at_us=desk.now, uid="me", inst_id=inverse, mgn_mode="cross", lever=100))
    desk.place(side, inst_id=inverse, lots=100)
    row = next(row for row in desk.engine.positions("me") if row.inst_id == inverse)
    shown = desk.engine.position_figures(row).liq_px * parse("0.1")
    assert abs(shown - parse(expected)) <= parse("0.1")
