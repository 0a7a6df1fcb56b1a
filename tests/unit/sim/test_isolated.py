"""Isolated margin: positions that stand and fall alone. The golden numbers are those of the venue's published formulas
for 10 contracts of 0.01 BTC entered at 40,000 with leverage 10, and 100 inverse contracts with 0.025 BTC behind them.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.unit.sim.desk import BTC, Desk, code, fills, last_algo, last_order, only, states

from tradingboost.sim import commands as c
from tradingboost.sim.events import BalanceChanged, BillPosted, OrderChanged, PositionChanged, Travelled
from tradingboost.sim.instruments import DEFAULT_CATALOGUE
from tradingboost.sim.margin import isolated_liquidation
from tradingboost.sim.policy import STEPPED
from tradingboost.sim.rows import Attached, CurrencyFigures, Position
from tradingboost.sim.scale import QUANTA, parse

EXACT = replace(STEPPED, slippage_ppm=0)
FEE, MMR = parse("0.0005"), parse("0.004")


def usdt(desk: Desk, uid: str = "me") -> CurrencyFigures:
    return next(row for row in desk.engine.balances(uid) if row.ccy == "USDT")


def alone(usdt: int = 100_000, lever: int = 10, pos_mode: str = "net_mode") -> Desk:
    """A desk whose `me` trades isolated at a leverage, without slippage."""
    desk = Desk(EXACT)
    desk.open("iso", usdt=usdt, pos_mode=pos_mode)
    for side in ("net",) if pos_mode == "net_mode" else ("long", "short"):
        lever_up(desk, lever, pos_side=side)
    return desk


def lever_up(desk: Desk, lever: int, pos_side: Any = "net") -> int:
    order = c.SetLeverage(at_us=desk.now, uid="iso", inst_id=BTC, mgn_mode="isolated", lever=lever, pos_side=pos_side)
    return code(desk.apply(order))


def enter(desk: Desk, side: str = "buy", lots: int = 1_000, **rest: Any) -> tuple[Any, ...]:
    return desk.enter(side, lots=lots, uid="iso", td_mode="isolated", **rest)


def held(desk: Desk, pos_side: str = "net") -> Position:
    row = desk.position("iso", pos_side, "isolated")
    assert row is not None
    return row


def shown(number: tuple[int, int]) -> str:
    return f"{Decimal(number[0]) / Decimal(number[1]):.4f}"


@pytest.mark.parametrize(
    ("side", "liquidation", "bankruptcy"), [("buy", "36162.7323", "36018.0090"), ("sell", "43802.8870", "43978.0110")]
)
def test_linear_liquidation_and_bankruptcy_prices_are_the_golden_ones(
    side: str, liquidation: str, bankruptcy: str
) -> None:
    desk = alone()
    enter(desk, side)
    row, inst = held(desk), DEFAULT_CATALOGUE.get(BTC)
    assert inst is not None
    assert row.margin == parse("400")
    assert shown(isolated_liquidation(inst, row, MMR + FEE)) == liquidation
    assert shown(isolated_liquidation(inst, row, FEE)) == bankruptcy


@pytest.mark.parametrize(("lots", "liquidation"), [(100, "36527.2727"), (-100, "44244.4444")])
def test_inverse_liquidation_prices_are_the_golden_ones(lots: int, liquidation: str) -> None:
    inst = DEFAULT_CATALOGUE.get("BTC-USD-SWAP")
    assert inst is not None
    row = Position(uid="", inst_id=inst.inst_id, pos_side="net", mgn_mode="isolated", pos_id=1, lots=lots)
    row.cost, row.margin = parse("0.25"), parse("0.025")
    assert shown(isolated_liquidation(inst, row, MMR + FEE)) == liquidation


def test_the_margin_ratio_is_the_golden_one() -> None:
    desk = alone()
    enter(desk)
    desk.trade(380_000)
    assert f"{desk.engine.position_figures(held(desk)).mgn_ratio / QUANTA:.4f}" == "11.6959"


def test_opening_moves_margin_from_cash_and_closing_gives_its_share_back() -> None:
    desk = alone()
    before = desk.cash("iso")
    events = enter(desk)
    assert before - desk.cash("iso") == parse("400") + parse("2")
    bill = only(events, BillPosted)[0].bill
    assert (bill.change, bill.pos_change, bill.pos_balance) == (-parse("402"), parse("400"), parse("400"))
    desk.trade(410_000)
    (row,) = [usdt(desk, "iso")]
    assert (row.iso_eq, row.iso_upl) == (parse("500"), parse("100"))
    assert row.eq == row.cash + row.iso_eq
    assert row.avail_eq == row.cash
    assert row.imr == row.mgn_ratio == row.notional == 0
    cash = desk.cash("iso")
    events = enter(desk, "sell", lots=250, reduce_only=True)
    assert held(desk).margin == parse("300")
    assert desk.cash("iso") - cash == parse("100") + parse("25") - parse("0.5125")
    enter(desk, "sell", lots=750, reduce_only=True)
    assert desk.position("iso", "net", "isolated") is None
    assert desk.cash("iso") == before + parse("100") - parse("2") - parse("2.05")


def test_a_crossed_position_frees_its_margin_and_pledges_for_the_other_side() -> None:
    desk = alone()
    enter(desk)
    enter(desk, "sell", lots=1_500)
    row = held(desk)
    assert (row.lots, row.margin) == (-500, parse("200"))
    assert desk.cash("iso") == 100_000 * QUANTA - parse("2") - parse("3") - parse("200")


def test_both_margin_modes_of_one_instrument_are_held_side_by_side() -> None:
    desk = alone()
    enter(desk, "buy")
    desk.enter("sell", lots=400, uid="iso")
    assert (held(desk).lots, desk.lots("iso")) == (1_000, -400)
    desk.trade(404_000)
    row = usdt(desk, "iso")
    assert (row.upl, row.iso_upl) == (-parse("16"), parse("40"))
    assert code(desk.place("sell", uid="iso", lots=1, reduce_only=True)) == 51170
    close = c.ClosePosition(at_us=desk.now, uid="iso", inst_id=BTC, mgn_mode="isolated")
    desk.apply(close)
    desk.trade(404_000)
    assert desk.position("iso", "net", "isolated") is None
    assert desk.lots("iso") == -400
    assert code(desk.apply(close)) == 51023


def test_closing_orders_and_stops_belong_to_the_position_of_their_margin_mode() -> None:
    desk = alone()
    enter(desk)
    desk.enter("buy", lots=100, uid="iso")
    desk.algo("sell", uid="iso", td_mode="isolated", sl_trigger_px=390_000, close_fraction=True)
    desk.algo("sell", uid="iso", td_mode="cross", sl_trigger_px=380_000, close_fraction=True)
    desk.place("sell", "limit", px=420_000, lots=1_000, uid="iso", td_mode="isolated", reduce_only=True)
    assert desk.engine.position_figures(held(desk)).avail_lots == 0
    cross = desk.position("iso")
    assert cross is not None
    assert desk.engine.position_figures(cross).avail_lots == 100
    events = desk.go(385_000)
    assert last_algo(events).state == "effective"
    assert "canceled" in states(events)
    assert desk.lots("iso") == 100
    assert len(desk.engine.pending_algos("iso")) == 1


def test_an_attached_stop_protects_the_isolated_position_of_its_parent() -> None:
    desk = alone()
    desk.place("buy", lots=1_000, uid="iso", td_mode="isolated", attached=(Attached(sl_trigger_px=390_000),))
    desk.trade(400_000)
    (algo,) = desk.engine.pending_algos("iso")
    assert algo.terms.td_mode == "isolated"
    (fill,) = fills(desk.go(385_000))
    assert (fill.px, fill.pnl) == (390_000, -parse("100"))


def test_what_only_reduces_in_its_own_mode_freezes_nothing() -> None:
    desk = alone()
    enter(desk)
    desk.place("sell", "limit", px=410_000, lots=1_000, uid="iso", td_mode="isolated")
    assert usdt(desk, "iso").ord_frozen == 0
    desk.place("sell", "limit", px=410_000, lots=1_000, uid="iso", td_mode="cross")
    assert usdt(desk, "iso").ord_frozen == parse("410") + parse("2.05")


def test_unrealised_profit_pays_no_isolated_margin() -> None:
    desk = alone(usdt=500)
    desk.enter("buy", lots=1_000, uid="iso")
    desk.trade(800_000)
    assert usdt(desk, "iso").avail_eq > parse("3000")
    assert code(desk.place("buy", uid="iso", td_mode="isolated", lots=1_000)) == 51008
    assert code(desk.place("buy", uid="iso", td_mode="cross", lots=1_000)) == 0


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_liquidation_takes_the_one_position_at_its_shown_price_and_leaves_the_others(side: str) -> None:
    desk = alone(lever=100)
    enter(desk, side)
    desk.enter(side, lots=100, uid="iso")
    opening = "sell" if side == "sell" else "buy"
    desk.place(opening, "limit", px=380_000 if side == "buy" else 420_000, lots=10, uid="iso", td_mode="isolated")
    desk.place(opening, "limit", px=380_000 if side == "buy" else 420_000, lots=10, uid="iso", td_mode="cross")
    px, cash = desk.engine.position_figures(held(desk)).liq_px, desk.cash("iso")
    events = desk.travel(300_000 if side == "buy" else 500_000)
    assert desk.engine.last(BTC) == px == only(events, Travelled)[-1].px
    assert desk.position("iso", "net", "isolated") is None
    assert abs(desk.lots("iso")) == 100
    assert [push.order.cancel_source for push in only(events, OrderChanged) if push.order.state == "canceled"] == ["3"]
    order = last_order(events)
    assert (order.terms.category, order.terms.td_mode) == ("full_liquidation", "isolated")
    assert {event.bill.type for event in only(events, BillPosted)} == {5}
    assert 0 <= desk.cash("iso") - cash < parse("0.1")


def test_a_gap_costs_the_insurance_and_the_customer_only_the_margin() -> None:
    desk = alone()
    enter(desk)
    cash = desk.cash("iso")
    desk.trade(300_000)
    assert desk.position("iso", "net", "isolated") is None
    assert 0 <= desk.cash("iso") - cash < parse("0.1")
    assert desk.engine.house()["insurance|USDT"] < -parse("590")


def test_a_close_that_a_gap_carried_beyond_the_margin_costs_the_margin() -> None:
    desk = alone()
    enter(desk)
    cash = desk.cash("iso")
    desk.place("sell", lots=400, uid="iso", td_mode="isolated", reduce_only=True)
    events = desk.trade(300_000)
    assert desk.position("iso", "net", "isolated") is None
    assert 0 <= desk.cash("iso") - cash < parse("0.1")
    assert "insurance" in {event.reason for event in only(events, BalanceChanged)}


def test_a_large_isolated_position_steps_down_the_tiers() -> None:
    desk = alone(usdt=80_000, lever=40)
    enter(desk, lots=600_000)
    events = desk.travel(380_000)
    assert last_order(events).terms.category == "partial_liquidation"
    assert 0 < held(desk).lots < 600_000
    assert held(desk).margin > 0


def test_an_operator_liquidates_and_deleverages_isolated_positions_too() -> None:
    desk = alone()
    enter(desk)
    desk.apply(c.ForceAdl(at_us=desk.now, uid="iso", inst_id=BTC, lots=400))
    assert (held(desk).lots, held(desk).margin) == (600, parse("240"))
    desk.apply(c.ForceLiquidate(at_us=desk.now, uid="iso", ccy="USDT"))
    assert desk.position("iso", "net", "isolated") is None


def test_funding_is_paid_from_the_margin() -> None:
    desk = alone()
    enter(desk)
    cash = desk.cash("iso")
    desk.apply(c.SetFunding(at_us=desk.now, inst_id=BTC, rate=parse("0.0001")))
    events = desk.apply(c.SettleFunding(at_us=desk.now, inst_id=BTC))
    assert desk.cash("iso") == cash
    assert (held(desk).margin, held(desk).funding) == (parse("399.6"), -parse("0.4"))
    bill = only(events, BillPosted)[0].bill
    assert (bill.type, bill.change, bill.pos_change, bill.pos_balance) == (8, 0, -parse("0.4"), parse("399.6"))


def test_margin_is_added_from_free_cash_and_taken_down_to_the_initial_margin() -> None:
    desk = alone(usdt=1_000)
    enter(desk)

    def adjust(amount: str) -> tuple[Any, ...]:
        return desk.apply(c.AdjustMargin(at_us=desk.now, uid="iso", inst_id=BTC, pos_side="net", amount=parse(amount)))

    before = desk.engine.position_figures(held(desk)).liq_px
    events = adjust("100")
    assert held(desk).margin == parse("500")
    assert desk.engine.position_figures(held(desk)).liq_px < before
    assert only(events, PositionChanged)[-1].position.margin == parse("500")
    bill = only(events, BillPosted)[0].bill
    assert (bill.type, bill.sub_type, bill.change, bill.pos_change) == (6, 160, -parse("100"), parse("100"))
    assert code(adjust("499")) == 59301
    assert code(adjust("-101")) == 59301
    assert only(adjust("-100"), BillPosted)[0].bill.sub_type == 161
    desk.trade(399_000)
    assert code(adjust("-1")) == 59301
    flat = c.AdjustMargin(at_us=desk.now, uid="me", inst_id=BTC, pos_side="net", amount=QUANTA)
    assert code(desk.apply(flat)) == 59300


def test_leverage_of_a_held_position_moves_its_margin() -> None:
    desk = alone(usdt=1_000)
    enter(desk)
    cash = desk.cash("iso")
    assert lever_up(desk, 20) == 0
    assert (held(desk).margin, held(desk).lever, desk.cash("iso")) == (parse("200"), 20, cash + parse("200"))
    assert lever_up(desk, 5) == 0
    assert held(desk).margin == parse("800")
    assert lever_up(desk, 2) == 59108
    desk.trade(390_000)
    assert lever_up(desk, 50) == 59109
    assert (held(desk).lever, held(desk).margin) == (5, parse("800"))
    assert desk.engine.leverage("iso", BTC, "isolated") == 5
    assert desk.engine.leverage("iso", BTC, "cross") == 10


def test_the_legs_of_long_short_mode_have_their_own_leverage_and_margin() -> None:
    desk = alone(pos_mode="long_short_mode")
    assert lever_up(desk, 20, pos_side="short") == 0
    assert lever_up(desk, 20, pos_side="net") == 51000
    enter(desk, "buy", pos_side="long")
    enter(desk, "sell", pos_side="short")
    assert (held(desk, "long").margin, held(desk, "short").margin) == (parse("400"), parse("200"))
    assert (held(desk, "long").lever, held(desk, "short").lever) == (10, 20)
    desk.place("buy", "limit", px=390_000, lots=1_000, uid="iso", td_mode="isolated", pos_side="long")
    desk.place("sell", "limit", px=410_000, lots=1_000, uid="iso", td_mode="isolated", pos_side="short")
    frozen = parse("390") + parse("1.95") + parse("205") + parse("2.05")
    assert usdt(desk, "iso").ord_frozen == frozen
    desk.trade(420_500)
    assert desk.position("iso", "short", "isolated") is None
    assert held(desk, "long").lots == 1_000
