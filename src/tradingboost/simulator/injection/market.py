"""What rules do to the market and to the exchange as a whole."""

from dataclasses import replace

from tradingboost.core.errors import Conflict, InvalidInput
from tradingboost.sim.commands import Delist, Rename, SetBook, SetInstrument, Trade
from tradingboost.sim.scale import parse as to_quanta
from tradingboost.simulator.envelope import dump
from tradingboost.simulator.faults.rules import Scene, Standing
from tradingboost.simulator.injection.targets import Reach
from tradingboost.simulator.rest_market import status_row
from tradingboost.simulator.stepping import units

STATES = ("live", "suspend", "preopen", "test", "post_only", "rebase", "settling")


def rate_of(text: str, name: str) -> int:
    """A decimal in quanta.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return to_quanta(text)
    except ValueError:
        raise InvalidInput("bad_number", f"{name} is no plain decimal number.", value=text) from None


async def price_gap(reach: Reach, acting: Standing, scene: Scene) -> None:
    """A print at px, or so many basis points from the last one."""
    inst, values = reach.instrument(acting, scene), acting.rule.values
    last = reach.exchange.engine.last(inst.inst_id)
    px = units(values["px"], inst.tick_q, "px") if values["px"] else last * (10_000 + values["bps"]) // 10_000
    if px <= 0:
        raise InvalidInput("bad_price", "Give px, or bps once there is a price.")
    reach.exchange.run(Trade(at_us=0, inst_id=inst.inst_id, px=px))
    await reach.stepper.settle()


async def delist(reach: Reach, acting: Standing, scene: Scene) -> None:
    name = reach.instrument(acting, scene).inst_id
    reach.exchange.run(Delist(at_us=0, inst_id=name))
    reach.exchange.refresh_instruments()


async def rename(reach: Reach, acting: Standing, scene: Scene) -> None:
    old, new = reach.instrument(acting, scene).inst_id, acting.rule.values["to"]
    reach.publisher.flush()  # what was pushed so far is about the old name
    reach.exchange.run(Rename(at_us=0, inst_id=old, to_inst_id=new))
    reach.exchange.renamed(old, new)
    reach.driver.rename(old, new)


async def change_ct_val(reach: Reach, acting: Standing, scene: Scene) -> None:
    """Only where nobody holds or orders anything: what a position of the old contracts becomes is not modelled."""
    inst = reach.instrument(acting, scene)
    engine = reach.exchange.engine
    for uid in engine.accounts():
        named = {row.inst_id for row in engine.positions(uid)}
        named |= {row.terms.inst_id for row in engine.pending_orders(uid)}
        named |= {row.terms.inst_id for row in engine.pending_algos(uid)}
        if inst.inst_id in named:
            raise Conflict("instrument_in_use", f"Account {uid} holds or orders {inst.inst_id}; close that first.")
    face = rate_of(acting.rule.values["ctVal"], "ctVal")
    if face <= 0:
        raise InvalidInput("bad_number", "The contract value (ctVal) must be above zero.")
    reach.exchange.must(SetInstrument(at_us=0, instrument=replace(inst, ct_val_q=face)))
    reach.exchange.refresh_instruments()


async def suspend(reach: Reach, acting: Standing, scene: Scene) -> None:
    inst, state = reach.instrument(acting, scene), acting.rule.values["state"]
    if state not in STATES:
        raise InvalidInput("bad_state", f"An instrument's state is one of {', '.join(STATES)}.")
    reach.exchange.must(SetInstrument(at_us=0, instrument=replace(inst, state=state)))
    reach.exchange.refresh_instruments()


async def empty_book(reach: Reach, acting: Standing, scene: Scene) -> None:
    inst = reach.instrument(acting, scene)
    reach.exchange.run(SetBook(at_us=0, inst_id=inst.inst_id, empty=acting.rule.values["empty"]))


async def maintenance(reach: Reach, acting: Standing, _: Scene) -> None:
    begin_us = reach.exchange.now_us() + int(acting.rule.values["in_s"] * 1_000_000)
    end_us = begin_us + int(acting.rule.values["s"] * 1_000_000)
    held = reach.desk.conditions
    held.maintenance_from_us, held.maintenance_until_us = begin_us, end_us
    reach.exchange.maintenance = (begin_us, end_us)
    reach.desk.look()
    for one in reach.hub.public("status", ""):
        one.send(dump([status_row(reach.exchange)]))


async def clock_skew(reach: Reach, acting: Standing, _: Scene) -> None:
    reach.exchange.clock.skew_us = int(acting.rule.values["s"] * 1_000_000)


async def limit_scale(reach: Reach, acting: Standing, _: Scene) -> None:
    held = reach.desk.conditions
    if held.limit_scale_before is None:
        held.limit_scale_before = reach.limiter.scale
    reach.limiter.scale = float(acting.rule.values["x"])
