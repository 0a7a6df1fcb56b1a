"""What the engine shows, lists and refuses."""

from dataclasses import replace

import pytest
from tests.unit.sim.desk import BTC, Desk, only

from tradingboost.core.errors import BrokenInvariant, InvalidInput
from tradingboost.sim import commands as c
from tradingboost.sim.codec import Codec
from tradingboost.sim.events import FundingChanged, InstrumentChanged, OrderChanged
from tradingboost.sim.instruments import DEFAULT_CATALOGUE, default_tiers, linear_swap
from tradingboost.sim.policy import STEPPED
from tradingboost.sim.scale import QUANTA, parse, quotient
from tradingboost.sim.valuation import average


def test_rows_handed_out_never_change_afterwards() -> None:
    desk = Desk()
    desk.place("buy", "limit", px=399_000, cl_ord_id="a")
    seen = desk.engine.order("me", cl_ord_id="a")
    pushed = desk.engine.pending_orders("me")[0]
    desk.travel(398_000)
    assert seen is not None
    assert (seen.state, pushed.state) == ("live", "live")
    assert desk.engine.closed_orders("me")[0].state == "filled"


def test_finished_orders_and_algos_are_found_by_either_id() -> None:
    desk = Desk()
    desk.enter("buy", cl_ord_id="e")
    desk.algo("sell", sl_trigger_px=399_000, algo_cl_ord_id="s")
    desk.travel(398_000)
    by_name = desk.engine.order("me", cl_ord_id="e")
    assert by_name is not None
    assert desk.engine.order("me", by_name.terms.ord_id) == by_name
    algo = desk.engine.algo("me", algo_cl_ord_id="s")
    assert algo is not None
    assert desk.engine.algo("me", algo.terms.algo_id) == algo == desk.engine.closed_algos("me")[0]
    assert desk.engine.order("me", 5) is None
    assert desk.engine.algo("me", 5) is None


def test_the_views_of_a_market_and_an_account_agree_with_what_happened() -> None:
    desk = Desk()
    desk.enter("buy")
    engine = desk.engine
    assert (engine.last(BTC), engine.mark(BTC), engine.index(BTC)) == (400_000, 400_000, 400_000)
    assert engine.acct_lv("me") == 2
    assert [row.type for row in engine.bills("me")] == [1, 2]
    assert [row.lots for row in engine.fills("me")] == [100]
    assert engine.instrument("NO-SUCH") is None
    assert BTC in [row.inst_id for row in engine.instruments()]
    assert engine.next_due() == desk.now + 60_000_000
    row = desk.position()
    assert row is not None
    inst = engine.instrument(BTC)
    assert inst is not None
    assert quotient(*average(inst, row.lots, row.cost)) == "40020"
    inverse = engine.instrument("BTC-USD-SWAP")
    assert inverse is not None
    assert quotient(*average(inverse, 100, parse("0.25"))) == "40000"


def test_a_new_instrument_can_be_listed_and_traded_and_gets_its_funding() -> None:
    desk = Desk()
    fresh = linear_swap("ABC", ct_val="10", tick="0.001", max_market=1_000, inst_code=99)
    assert only(desk.apply(c.SetInstrument(at_us=desk.now, instrument=fresh)), InstrumentChanged)[0].state == "live"
    desk.trade(5_000, inst_id="ABC-USDT-SWAP")
    desk.enter("buy", inst_id="ABC-USDT-SWAP", lots=5)
    assert [row.inst_id for row in desk.engine.positions("me")] == ["ABC-USDT-SWAP"]
    hourly = replace(fresh, funding_interval_us=3_600_000_000)
    desk.apply(c.SetInstrument(at_us=desk.now, instrument=hourly))
    events = desk.engine.advance(desk.now + 2 * 3_600_000_000)
    assert len([row for row in only(events, FundingChanged) if row.inst_id == "ABC-USDT-SWAP"]) == 2


def test_the_policy_can_be_changed_while_running() -> None:
    desk = Desk()
    desk.apply(c.SetPolicy(at_us=desk.now, policy=replace(STEPPED, taker_fill="at_once")))
    assert only(desk.place("buy"), OrderChanged)[-1].order.state == "filled"


def test_default_tiers_double_in_size_and_rise_in_maintenance() -> None:
    tiers = default_tiers("0.01")
    assert [row.max_lots for row in tiers[:3]] == [100_000, 200_000, 400_000]
    assert [row.mmr for row in tiers[:2]] == [parse("0.004"), parse("0.008")]
    btc = DEFAULT_CATALOGUE.get(BTC)
    assert btc is not None
    assert [btc.tier_of(lots) for lots in (1, 100_000, 100_001, 10**9)] == [0, 0, 1, 9]
    assert btc.tick == (1, 10)
    assert btc.lot == (1, 100)


def test_sizes_finer_than_a_quantum_are_refused() -> None:
    with pytest.raises(InvalidInput, match="finer"):
        linear_swap("BAD", ct_val="0.000001", tick="0.0000001", max_market=1, inst_code=5)


def test_what_is_no_command_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no command"):
        Desk().engine.apply(c.Command(at_us=10**18))


def test_only_rows_enter_a_snapshot() -> None:
    with pytest.raises(BrokenInvariant, match="cannot be written"):
        Codec(()).dump(QUANTA / 2)


def test_an_unhealthy_book_is_told_in_sentences() -> None:
    desk = Desk()
    desk.enter("buy")
    desk.engine._state.accounts["me"].cash["USDT"] += 1
    desk.engine._state.accounts["me"].positions[f"{BTC}|net"].lots += 1
    money, position = desk.engine.check()
    assert money.startswith("USDT: all books hold")
    assert position == f"me {BTC}|net: position 101 lots, fills 100."
