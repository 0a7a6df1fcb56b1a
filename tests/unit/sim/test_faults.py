"""What an operator arranges: pieces, late fills, vanished orders, delisting, renaming; books audited after each."""

from dataclasses import replace

import pytest
from tests.unit.sim.desk import BTC, SPOT, START_US, Desk, code, fills, last_order, only, states

from tradingboost.core.errors import Conflict
from tradingboost.sim import commands as c
from tradingboost.sim.engine import Engine
from tradingboost.sim.events import AlgoChanged, Filled, InstrumentChanged, OrderChanged
from tradingboost.sim.policy import STEPPED, Policy
from tradingboost.sim.rows import Attached, OrderFault
from tradingboost.sim.scale import QUANTA

AT_ONCE = replace(STEPPED, taker_fill="at_once", slippage_ppm=0)
SECOND = 1_000_000


@pytest.fixture
def desk() -> Desk:
    return Desk(AT_ONCE)


def _arm(desk: Desk, **fault: int | bool) -> None:
    desk.apply(c.ArmFault(at_us=desk.now, uid="me", fault=OrderFault(**fault)))  # type: ignore[arg-type]


@pytest.mark.parametrize(("lots", "pieces"), [(100, 7), (3, 7), (7, 7), (1, 2)])
def test_an_order_fills_in_exactly_so_many_pieces(desk: Desk, lots: int, pieces: int) -> None:
    _arm(desk, pieces=pieces)
    found = fills(desk.place("buy", lots=lots))
    assert len(found) == min(pieces, lots)
    assert sum(fill.lots for fill in found) == desk.lots() == lots
    assert len({fill.trade_id for fill in found}) == len(found)
    assert len(fills(desk.place("buy", lots=lots))) == 1  # the arrangement was for one order


def test_a_resting_order_fills_in_pieces_too(desk: Desk) -> None:
    _arm(desk, pieces=4)
    desk.place("buy", "limit", px=399_000)
    assert [fill.lots for fill in fills(desk.go(398_000))] == [25, 25, 25, 25]


def test_an_order_sized_in_quote_currency_fills_whole(desk: Desk) -> None:
    desk.trade(400_000, inst_id=SPOT)
    _arm(desk, pieces=3, every_us=SECOND)
    spot = {"inst_id": SPOT, "td_mode": "cash", "tgt_ccy": "quote_ccy", "quote_quanta": 100 * QUANTA}
    assert states(desk.place("buy", lots=0, **spot)) == ["live", "partially_filled", "filled"]


def test_pieces_may_come_by_the_clock(desk: Desk) -> None:
    _arm(desk, pieces=3, every_us=SECOND)
    assert states(desk.place("buy", lots=90)) == ["live", "partially_filled"]
    assert desk.engine.next_due() == desk.now + SECOND
    desk.trade(410_000)
    assert desk.lots() == 30  # the market does not hurry it
    events = desk.engine.advance(desk.now + 2 * SECOND)
    assert [fill.px for fill in fills(events)] == [400_000, 400_000]
    assert (states(events), desk.lots()) == (["partially_filled", "filled"], 90)
    assert desk.engine.check() == []


def test_what_is_canceled_between_two_pieces_stays_canceled(desk: Desk) -> None:
    _arm(desk, pieces=3, every_us=SECOND)
    order = last_order(desk.place("buy", lots=90))
    desk.apply(c.Cancel(at_us=desk.now, uid="me", inst_id=BTC, ord_id=order.terms.ord_id))
    assert fills(desk.engine.advance(desk.now + 5 * SECOND)) == []
    assert desk.lots() == 30


def test_a_snapshot_between_two_pieces_goes_on_as_it_would_have(desk: Desk) -> None:
    _arm(desk, pieces=3, every_us=SECOND)
    desk.place("buy", lots=90)
    again = Engine.restore(desk.engine.snapshot())
    for engine in (desk.engine, again):
        engine.advance(desk.now + 5 * SECOND)
    assert again.digest() == desk.engine.digest()


def test_trade_numbers_repeat_across_orders(desk: Desk) -> None:
    first = fills(desk.place("buy"))
    _arm(desk, same_trade_id=True)
    second = fills(desk.place("buy"))
    assert first[0].trade_id == second[0].trade_id
    assert first[0].ord_id != second[0].ord_id


def test_a_fill_overtakes_a_cancellation(desk: Desk) -> None:
    order = last_order(desk.place("buy", "limit", px=399_000, cl_ord_id="a"))
    events = desk.apply(c.FillOrder(at_us=desk.now, uid="me", inst_id=BTC, ord_id=order.terms.ord_id))
    assert (states(events), fills(events)[0].px) == (["filled"], 399_000)
    assert code(desk.apply(c.Cancel(at_us=desk.now, uid="me", inst_id=BTC, cl_ord_id="a"))) == 51400


@pytest.mark.parametrize(("lots", "told"), [(0, ["filled"]), (40, ["partially_filled", "canceled"])])
def test_a_canceled_order_fills_late(desk: Desk, lots: int, told: list[str]) -> None:
    order = last_order(desk.place("buy", "limit", px=399_000))
    number = order.terms.ord_id
    desk.apply(c.Cancel(at_us=desk.now, uid="me", inst_id=BTC, ord_id=number))
    fill = c.FillOrder(at_us=desk.now, uid="me", inst_id=BTC, ord_id=number, lots=lots)
    assert code(desk.apply(fill)) == 51603  # an ended order fills only late
    fill.late = True
    assert states(desk.apply(fill)) == told
    assert desk.lots() == (lots or 100)
    found = desk.engine.order("me", number)
    assert found is not None
    assert (found.state, found.cancel_source) == ((told[-1], "1") if lots else ("filled", ""))


def test_a_late_close_never_opens_a_position(desk: Desk) -> None:
    desk.place("buy", lots=100)
    order = last_order(desk.place("sell", "limit", px=401_000, reduce_only=True))
    desk.apply(c.Cancel(at_us=desk.now, uid="me", inst_id=BTC, ord_id=order.terms.ord_id))
    desk.place("sell", lots=100, reduce_only=True)
    fill = c.FillOrder(at_us=desk.now, uid="me", inst_id=BTC, ord_id=order.terms.ord_id, late=True)
    assert code(desk.apply(fill)) == 51603
    assert desk.lots() == 0


@pytest.mark.parametrize("attached", [True, False])
def test_a_triggered_stop_whose_order_never_fills(desk: Desk, attached: bool) -> None:
    if attached:
        _arm(desk, no_fill=True)
        desk.place("buy", attached=(Attached(sl_trigger_px=390_000),))
    else:
        desk.place("buy")
        _arm(desk, no_fill=True)
        desk.algo("sell", sl_trigger_px=390_000)
    assert desk.lots() == 100
    desk.go(385_000)
    (child,) = desk.engine.pending_orders("me")
    assert (desk.lots(), child.state, child.acc_lots) == (100, "live", 0)
    desk.place("sell", reduce_only=True)
    assert (desk.lots(), desk.engine.pending_orders("me")) == (0, ())


@pytest.mark.parametrize("silent", [True, False])
def test_an_algo_vanishes(desk: Desk, silent: bool) -> None:
    desk.place("buy")
    algo = only(desk.algo("sell", sl_trigger_px=390_000), AlgoChanged)[0].algo
    events = desk.apply(c.Vanish(at_us=desk.now, uid="me", algo_id=algo.terms.algo_id, silent=silent))
    assert bool(only(events, AlgoChanged)) is not silent
    assert (desk.engine.algo("me", algo.terms.algo_id) is None) is silent
    assert fills(desk.go(380_000)) == []
    assert code(desk.apply(c.Vanish(at_us=desk.now, uid="me", algo_id=algo.terms.algo_id))) == 51603


@pytest.mark.parametrize("silent", [True, False])
def test_an_order_vanishes(desk: Desk, silent: bool) -> None:
    order = last_order(desk.place("buy", "limit", px=399_000))
    events = desk.apply(c.Vanish(at_us=desk.now, uid="me", ord_id=order.terms.ord_id, silent=silent))
    assert bool(only(events, OrderChanged)) is not silent
    assert fills(desk.go(390_000)) == []


def test_a_position_is_deleveraged_and_billed_as_such(desk: Desk) -> None:
    desk.place("buy", lots=100)
    events = desk.apply(c.ForceAdl(at_us=desk.now, uid="me", inst_id=BTC, lots=40))
    assert last_order(events).terms.category == "adl"
    bill = desk.engine.bills("me")[-1]
    assert (bill.type, bill.sub_type, desk.lots()) == (9, 125, 60)
    assert code(desk.apply(c.ForceAdl(at_us=desk.now, uid="me", inst_id="ETH-USDT-SWAP"))) == 51023


def test_a_delisted_instrument_settles_everything_and_leaves_the_others_alone(desk: Desk) -> None:
    desk.trade(200_000, inst_id="ETH-USDT-SWAP")
    desk.place("buy", lots=100)
    desk.place("buy", "limit", px=390_000)
    desk.algo("sell", sl_trigger_px=380_000)
    desk.place("buy", lots=10, inst_id="ETH-USDT-SWAP")
    events = desk.apply(c.Delist(at_us=desk.now, inst_id=BTC))
    assert only(events, InstrumentChanged)[0].state == "expired"
    assert (desk.engine.pending_orders("me"), desk.engine.pending_algos("me"), desk.lots()) == ((), (), 0)
    assert only(events, Filled)[0].fill.px == 400_000
    assert code(desk.place("buy")) == 51027
    assert [row.inst_id for row in desk.engine.positions("me")] == ["ETH-USDT-SWAP"]


def test_a_renamed_instrument_goes_on_under_its_new_name(desk: Desk) -> None:
    desk.place("buy", lots=100)
    order = last_order(desk.place("buy", "limit", px=390_000))
    desk.algo("sell", sl_trigger_px=395_000)
    desk.apply(c.Rename(at_us=desk.now, inst_id=BTC, to_inst_id="XBT-USDT-SWAP"))
    assert code(desk.place("buy")) == 51001
    events = desk.apply(c.Trade(at_us=desk.now, inst_id="XBT-USDT-SWAP", px=380_000))
    assert [fill.inst_id for fill in fills(events)] == ["XBT-USDT-SWAP"] * 2
    found = desk.engine.order("me", order.terms.ord_id)
    assert found is not None
    assert (found.state, found.terms.inst_id) == ("filled", "XBT-USDT-SWAP")
    assert {row.inst_id for row in desk.engine.fills("me")} == {"XBT-USDT-SWAP"}
    with pytest.raises(Conflict, match="listed already"):
        desk.apply(c.Rename(at_us=desk.now, inst_id="XBT-USDT-SWAP", to_inst_id="ETH-USDT-SWAP"))


def test_funding_of_a_renamed_instrument_is_settled_by_the_clock() -> None:
    desk = Desk(Policy(book="flat", slippage_ppm=0))
    desk.place("buy", lots=100)
    desk.apply(c.SetFunding(at_us=desk.now, inst_id=BTC, rate=10**8))
    desk.apply(c.Rename(at_us=desk.now, inst_id=BTC, to_inst_id="XBT-USDT-SWAP"))
    desk.engine.advance(START_US + 8 * 3_600 * SECOND)
    assert [(bill.type, bill.inst_id) for bill in desk.engine.bills("me")[-1:]] == [(8, "XBT-USDT-SWAP")]


@pytest.mark.parametrize(("scope", "refused"), [("pending", 0), ("retained", 51016)])
def test_a_client_id_may_be_used_again_after_its_order_ended(scope: str, refused: int) -> None:
    desk = Desk(replace(AT_ONCE, cl_ord_id_scope=scope))  # type: ignore[arg-type]
    desk.place("buy", cl_ord_id="again")
    assert code(desk.place("buy", cl_ord_id="again")) == refused


def test_a_stop_armed_with_the_first_fill_grows_with_the_later_ones() -> None:
    desk = Desk(replace(AT_ONCE, attached_arm="first_fill"))
    _arm(desk, pieces=3, every_us=SECOND)
    order = last_order(desk.place("buy", lots=90, attached=(Attached(sl_trigger_px=390_000),)))
    assert [algo.lots for algo in desk.engine.pending_algos("me")] == [30]
    desk.engine.advance(desk.now + SECOND)
    assert [algo.lots for algo in desk.engine.pending_algos("me")] == [60]
    desk.now += SECOND
    desk.apply(c.Cancel(at_us=desk.now, uid="me", inst_id=BTC, ord_id=order.terms.ord_id))
    assert [algo.lots for algo in desk.engine.pending_algos("me")] == [60]
    desk.go(380_000)
    assert desk.lots() == 0


@pytest.mark.parametrize(("policy", "named"), [("empty", ""), ("algo", "stop1")])
def test_an_order_made_by_a_trigger_is_named_by_policy(policy: str, named: str) -> None:
    desk = Desk(replace(AT_ONCE, child_cl_ord_id=policy))  # type: ignore[arg-type]
    desk.place("buy")
    desk.algo("sell", sl_trigger_px=390_000, algo_cl_ord_id="stop1")
    assert last_order(desk.go(385_000)).terms.cl_ord_id == named
