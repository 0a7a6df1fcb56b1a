"""The margin of several symbols on one balance is that of the simulated exchange, which counts them in one account."""

import dataclasses
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.unit.backtest.exchange import UID, listed
from tests.unit.backtest.scripted import SCRIPTED
from tests.unit.backtest.story import UNIT, Wish, candles, config, fills, script, told

from tradingboost.backtest.joint import JointResult, Member, run_together
from tradingboost.core.ids import Symbol
from tradingboost.sim import commands as c
from tradingboost.sim.engine import Engine
from tradingboost.sim.events import Rejected
from tradingboost.sim.instruments import Catalogue
from tradingboost.sim.policy import Policy
from tradingboost.sim.scale import QUANTA

NAMES = ("A-USDT-SWAP", "B-USDT-SWAP")
FLAT = (100.0, 100.0, 100.0, 100.0)
FEES: dict[str, Any] = {
    "maker_fee": Decimal("0.0002"),
    "taker_fee": Decimal("0.0005"),
    "maintenance_rate": Decimal("0.01"),
    "leverage": 10,
}

pytestmark = pytest.mark.timeout(600)


def exchange(balance: int) -> Engine:
    """An account on two instruments, both printed at 100."""
    rules = config(**FEES)
    both = [
        dataclasses.replace(listed(UNIT, rules), inst_id=name, base=name[0], inst_code=code)
        for code, name in enumerate(NAMES)
    ]
    policy = Policy(taker_fill="next_print", book="flat", funding="command", slippage_ppm=0)
    engine = Engine(Catalogue(tuple(both)), policy, 1)
    engine.apply(c.OpenAccount(at_us=0, uid=UID))
    engine.apply(c.Credit(at_us=0, uid=UID, ccy="USDT", amount=balance * QUANTA))
    for name in NAMES:
        engine.apply(c.SetLeverage(at_us=0, uid=UID, inst_id=name, mgn_mode="cross", lever=10))
        engine.apply(c.Trade(at_us=0, inst_id=name, px=100))
    return engine


def buy(engine: Engine, name: str, lots: int) -> bool:
    """A market order, filled at the next print of the same price; False when refused."""
    events = engine.apply(
        c.Place(at_us=0, uid=UID, inst_id=name, td_mode="cross", side="buy", ord_type="market", lots=lots, px=0)
    )
    refused = any(isinstance(event, Rejected) for event in events)
    engine.apply(c.Trade(at_us=0, inst_id=name, px=engine.last(name)))
    return not refused


def walked(balance: int, falls: list[int], lots: tuple[int, int], late: bool) -> JointResult:
    """A's lots at the first close; B's at the same, or after the falls; A prints one falling price a bar."""
    rows = [FLAT, FLAT, *((float(px),) * 4 for px in falls)]
    still = [FLAT] * (len(rows) + 1)
    at = len(rows) - 1 if late else 0
    common = {"initial_balance": Decimal(balance), **FEES}
    pairs = zip(NAMES, ([*rows, rows[-1]], still), ((0, lots[0]), (at, lots[1])), strict=True)
    return run_together(
        SCRIPTED,
        [
            Member(
                candles=candles(own),
                params=script([Wish(bar=bar, qty=float(qty))]),
                config=config(instrument=msgspec.structs.replace(UNIT, symbol=Symbol(name)), **common),
            )
            for name, own, (bar, qty) in pairs
        ],
    )


@pytest.mark.parametrize("lots", [(5, 4), (2, 7), (8, 1)])
def test_both_liquidate_the_account_at_the_same_price(lots: tuple[int, int]) -> None:
    engine = exchange(100)
    assert all(buy(engine, name, size) for name, size in zip(NAMES, lots, strict=True))
    px = 100
    while len(engine.positions(UID)) == 2 and px > 1:
        px -= 1
        engine.apply(c.Trade(at_us=0, inst_id=NAMES[0], px=px))
    assert 40 < px < 99
    assert not walked(100, list(range(99, px, -1)), lots, late=False).liquidated
    gone = walked(100, list(range(99, px - 1, -1)), lots, late=False)
    assert gone.liquidated
    assert fills(gone.parts[0])[-1][0] == "liquidation"


@pytest.mark.parametrize("lots", [3, 5])
@pytest.mark.parametrize("px", [100, 97, 92])
def test_both_refuse_the_same_sizes_beside_a_losing_position(px: int, lots: int) -> None:
    def carried(size: int) -> bool:
        engine = exchange(100)
        assert buy(engine, NAMES[0], lots)
        engine.apply(c.Trade(at_us=0, inst_id=NAMES[0], px=px))
        return buy(engine, NAMES[1], size)

    most = max(size for size in range(1, 12) if carried(size))
    for size in (most, most + 1):
        part = walked(100, [px], (lots, size), late=True).parts[1]
        assert [what for what, *_ in told(part)] == (["filled"] if size == most else ["denied"])
