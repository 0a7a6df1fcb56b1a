"""Same commands, same bytes: digests, snapshots, and books that balance under random commands."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.sim.desk import BTC, SPOT, START_US

from tradingboost.core.errors import BrokenInvariant
from tradingboost.sim import commands as c
from tradingboost.sim.bars import HOUR_US
from tradingboost.sim.engine import Engine
from tradingboost.sim.instruments import DEFAULT_CATALOGUE
from tradingboost.sim.journal import read, written
from tradingboost.sim.policy import STEPPED, Policy
from tradingboost.sim.rows import AlgoType, Attached, OrderFault, OrdType, PosSide, Side, TdMode
from tradingboost.sim.scale import QUANTA

UIDS = ("net", "hedge")
SIDES: tuple[Side, ...] = ("buy", "sell")
LEGS: tuple[PosSide, ...] = ("long", "short")
KINDS: tuple[OrdType, ...] = ("market", "limit", "post_only", "ioc", "fok", "optimal_limit_ioc")
MODES: tuple[TdMode, ...] = ("cross", "isolated")
ALGO_KINDS: tuple[AlgoType, ...] = ("conditional", "trigger")


def opening() -> list[c.Command]:
    """Two funded accounts, one a mode, and prices for a swap and a spot pair."""
    rows: list[c.Command] = []
    for uid, mode in zip(UIDS, ("net_mode", "long_short_mode"), strict=True):
        rows.append(c.OpenAccount(at_us=START_US, uid=uid, pos_mode=mode))  # type: ignore[arg-type]
        rows.append(c.Credit(at_us=START_US, uid=uid, ccy="USDT", amount=3_000 * QUANTA))
        rows.append(c.SetLeverage(at_us=START_US, uid=uid, inst_id=BTC, mgn_mode="cross", lever=50))
    rows.append(c.Trade(at_us=START_US, inst_id=BTC, px=400_000))
    rows.append(c.Trade(at_us=START_US, inst_id=SPOT, px=400_000))
    rows.append(c.SetFunding(at_us=START_US, inst_id=BTC, rate=10**8))
    return rows


def scenario() -> list[c.Command]:
    """A fixed day: entries with attachments, targets, amendments, gaps, funding, a close."""
    at = START_US
    base: dict[str, Any] = {"uid": "net", "inst_id": BTC}
    rows = opening()
    rows += [
        c.Place(
            at_us=at,
            **base,
            td_mode="cross",
            side="buy",
            ord_type="market",
            lots=500,
            attached=(Attached(sl_trigger_px=398_000),),
        ),
        c.Travel(at_us=at + 1, inst_id=BTC, to_px=401_000, lots=100),
        c.Travel(at_us=at + 1, inst_id=BTC, to_px=401_000, lots=100),
        c.Place(
            at_us=at + 2,
            **base,
            td_mode="cross",
            side="sell",
            ord_type="limit",
            lots=150,
            px=402_000,
            reduce_only=True,
            cl_ord_id="tp1",
        ),
        c.Amend(at_us=at + 3, **base, cl_ord_id="tp1", px=401_500, req_id="r"),
        c.Trade(at_us=at + 4, inst_id=BTC, px=402_000, lots=10),
        c.Place(
            at_us=at + 5,
            uid="hedge",
            inst_id=BTC,
            td_mode="cross",
            side="sell",
            ord_type="post_only",
            lots=70,
            px=402_500,
            pos_side="short",
        ),
        c.Trade(at_us=at + 9 * HOUR_US, inst_id=BTC, px=403_000, lots=10),
        c.SettleFunding(at_us=at + 9 * HOUR_US, inst_id=BTC),
        c.Travel(at_us=at + 9 * HOUR_US, inst_id=BTC, to_px=390_000),
        c.ClosePosition(at_us=at + 10 * HOUR_US, uid="hedge", inst_id=BTC, mgn_mode="cross", pos_side="short"),
        c.Trade(at_us=at + 10 * HOUR_US, inst_id=BTC, px=391_000, lots=10),
        c.Cancel(at_us=at + 10 * HOUR_US, **base, cl_ord_id="tp1"),
    ]
    return rows


def run(commands: list[c.Command], policy: Policy) -> Engine:
    engine = Engine(DEFAULT_CATALOGUE, policy, 20_240_101)
    for command in commands:
        engine.apply(command)
        assert engine.check() == []
    return engine


GOLDEN = {
    "stepped": "8c63e3d6b3c0551ac40b8c4912595f7d1e46dd3f3759a161f60951993b405b3d",
    "ladder": "a15ed243431991e0c18b0c92a9c4847f407476ecea9c44884085db86fa7d8839",
}


@pytest.mark.parametrize(("name", "policy"), [("stepped", STEPPED), ("ladder", Policy())])
def test_a_fixed_scenario_has_its_golden_digest(name: str, policy: Policy) -> None:
    assert run(scenario(), policy).digest() == GOLDEN[name]


def test_the_seed_moves_the_ladder_and_only_the_ladder() -> None:
    first, second = (Engine(DEFAULT_CATALOGUE, Policy(), seed) for seed in (1, 2))
    for engine in (first, second):
        engine.apply(c.Trade(at_us=START_US, inst_id=BTC, px=400_000))
    assert first.digest() == second.digest()
    assert first.book(BTC, 5) != second.book(BTC, 5)
    assert [row[0] for row in first.book(BTC, 5)[0]] == [row[0] for row in second.book(BTC, 5)[0]]


def test_when_timers_are_fired_does_not_matter() -> None:
    whole, parts = (run(opening(), STEPPED) for _ in range(2))
    whole.advance(START_US + 2 * HOUR_US)
    for minute in range(0, 121, 7):
        parts.advance(START_US + minute * 60_000_000)
    parts.advance(START_US + 2 * HOUR_US)
    assert whole.digest() == parts.digest()


def test_bytes_that_are_no_snapshot_are_refused() -> None:
    engine = run(opening(), STEPPED)
    with pytest.raises(BrokenInvariant, match="after its end"):
        Engine.restore(engine.snapshot() + b"n")
    with pytest.raises(BrokenInvariant, match="no snapshot"):
        Engine.restore(b"i5;")
    with pytest.raises(BrokenInvariant, match="another version"):
        Engine.restore(b"o5:Wrong")


def test_bytes_that_are_no_command_are_refused() -> None:
    assert read(written(START_US)) == START_US
    with pytest.raises(BrokenInvariant, match="no command"):
        read(b"s1:a")


def commands_of(draw: st.DrawFn) -> c.Command:
    """One random command near the market; times are filled in by the caller."""
    uid = draw(st.sampled_from(UIDS))
    side: Side = draw(st.sampled_from(SIDES))
    pos_side: PosSide = draw(st.sampled_from(LEGS)) if uid == "hedge" else "net"
    px = draw(st.integers(398_000, 402_000))
    lots = draw(st.integers(1, 3_000))
    name = draw(st.sampled_from(["a", "b", "c", ""]))
    attached = draw(st.sampled_from([(), (Attached(sl_trigger_px=px - 500),), (Attached(tp_trigger_px=px + 500),)]))
    closes = draw(st.booleans())
    mode: TdMode = draw(st.sampled_from(MODES))
    swap: dict[str, Any] = {"at_us": 0, "uid": uid, "inst_id": BTC}
    options: list[c.Command] = [
        c.Place(
            **swap,
            td_mode=mode,
            side=side,
            ord_type=draw(st.sampled_from(KINDS)),
            lots=lots,
            px=px,
            pos_side=pos_side,
            cl_ord_id=name,
            reduce_only=closes,
            attached=() if closes else attached,
            stp_mode=draw(st.sampled_from(["cancel_maker", "cancel_taker", "cancel_both"])),
        ),
        c.Place(
            at_us=0,
            uid=uid,
            inst_id=SPOT,
            td_mode="cash",
            side=side,
            ord_type="limit",
            px=px,
            lots=lots * 10_000,
            attached=attached,
        ),
        c.Place(
            at_us=0,
            uid=uid,
            inst_id=SPOT,
            td_mode="cash",
            side=side,
            ord_type="market",
            quote_quanta=lots * QUANTA // 10,
        ),
        c.Amend(
            **swap,
            cl_ord_id=name,
            px=px,
            lots=draw(st.sampled_from([lots, c.UNCHANGED])),
            cxl_on_fail=draw(st.booleans()),
        ),
        c.Cancel(**swap, cl_ord_id=name),
        c.PlaceAlgo(
            **swap,
            td_mode=mode,
            side=side,
            ord_type=draw(st.sampled_from(ALGO_KINDS)),
            lots=lots,
            pos_side=pos_side,
            reduce_only=closes,
            sl_trigger_px=px,
            trigger_px=px,
            close_fraction=draw(st.booleans()),
            cxl_on_close_pos=draw(st.booleans()),
            algo_cl_ord_id=name,
        ),
        c.PlaceAlgo(
            **swap,
            td_mode=mode,
            side=side,
            ord_type="move_order_stop",
            lots=lots,
            pos_side=pos_side,
            callback_spread=300,
            reduce_only=closes,
        ),
        c.CancelAlgo(**swap, algo_cl_ord_id=name),
        c.ClosePosition(**swap, mgn_mode=mode, pos_side=pos_side if uid == "hedge" else "", auto_cancel=closes),
        c.SetLeverage(**swap, mgn_mode=mode, pos_side=pos_side, lever=draw(st.sampled_from([5, 20, 50, 100]))),
        c.AdjustMargin(**swap, pos_side=pos_side, amount=draw(st.integers(-100, 100)) * QUANTA),
        c.SettleFunding(at_us=0, inst_id=BTC),
        c.ForceAdl(**swap, pos_side=pos_side, lots=draw(st.sampled_from([0, 3]))),
        c.ArmFault(
            at_us=0,
            uid=uid,
            fault=OrderFault(
                pieces=draw(st.integers(0, 4)),
                every_us=draw(st.sampled_from([0, 1_000])),
                no_fill=draw(st.sampled_from([False, False, True])),
                same_trade_id=draw(st.booleans()),
            ),
        ),
        c.CancelAllAfter(at_us=0, uid=uid, timeout_us=draw(st.sampled_from([0, 30_000_000]))),
        c.Credit(at_us=0, uid=uid, ccy="USDT", amount=draw(st.sampled_from([100 * QUANTA, -100 * QUANTA]))),
        c.Trade(at_us=0, inst_id=draw(st.sampled_from([BTC, SPOT])), px=px, lots=draw(st.sampled_from([0, 50, 5_000]))),
        c.Trade(at_us=0, inst_id=BTC, px=draw(st.sampled_from([385_000, 415_000])), lots=0),
        c.Travel(at_us=0, inst_id=BTC, to_px=px, lots=draw(st.sampled_from([0, 50]))),
        c.Travel(at_us=0, inst_id=BTC, to_px=draw(st.integers(390_000, 410_000)), stop_below=px, stop_above=px),
    ]
    return draw(st.sampled_from(options))


@st.composite
def histories(draw: st.DrawFn) -> list[c.Command]:
    rows = opening()
    at_us = START_US
    for _ in range(draw(st.integers(5, 40))):
        command = commands_of(draw)
        at_us += draw(st.sampled_from([0, 1_000, 20_000_000]))
        command.at_us = at_us
        rows.append(command)
    return rows


POLICIES = (
    STEPPED,
    Policy(),
    Policy(ladder_notional=2_000, ladder_spread_ticks=20, limit_fill="touch", mark="ema", order_freeze="gross"),
    Policy(
        taker_fill="next_print",
        book="flat",
        limit_fill="optimistic",
        reduce_only_oversize="trim",
        attached_after_flat="cancel",
        slippage_ppm=5_000,
    ),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(histories(), st.sampled_from(POLICIES), st.data())
def test_random_commands_keep_every_audit_and_survive_a_snapshot(
    commands: list[c.Command], policy: Policy, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(commands)))
    whole = run(commands, policy)
    again = Engine.restore(run(commands[:cut], policy).snapshot())
    for command in commands[cut:]:
        copied = read(written(command))
        assert isinstance(copied, c.Command)
        again.apply(copied)
    assert again.digest() == whole.digest()
    assert again.snapshot() == whole.snapshot()
