"""What rules do to accounts."""

from typing import Any

from tradingboost.core.errors import NotFound
from tradingboost.sim.commands import ForceAdl, ForceLiquidate, SetFunding, SetPositionMode, SettleFunding, Vanish
from tradingboost.simulator import orders
from tradingboost.simulator.faults.rules import Scene, Standing
from tradingboost.simulator.injection.market import rate_of
from tradingboost.simulator.injection.targets import Reach


async def flip_pos_mode(reach: Reach, acting: Standing, scene: Scene) -> None:
    for uid in reach.accounts(acting, scene):
        net = reach.exchange.engine.pos_mode(uid) == "net_mode"
        reach.must(SetPositionMode(at_us=0, uid=uid, pos_mode="long_short_mode" if net else "net_mode"))


async def delete_algo(reach: Reach, acting: Standing, scene: Scene) -> None:
    """Every waiting algo of the account (and instrument), or the one named."""
    wanted, inst = acting.rule.values["algoId"], acting.rule.match.inst
    found = [
        (uid, algo.terms.algo_id)
        for uid in reach.accounts(acting, scene)
        for algo in reach.exchange.engine.pending_algos(uid)
        if wanted in ("", str(algo.terms.algo_id)) and inst in ("", algo.terms.inst_id)
    ]
    if not found:
        raise NotFound("no_such_algo", "No algo waits there; list them with GET /accounts/{uid}/truth.")
    for uid, number in found:
        reach.must(Vanish(at_us=0, uid=uid, algo_id=number, silent=acting.rule.values["silent"]))


async def revoke_key(reach: Reach, acting: Standing, scene: Scene) -> None:
    for uid in reach.accounts(acting, scene):
        reach.exchange.keys.drop_account(uid)
        reach.exchange.note_keys()
        reach.desk.soon(acting, reach.hub.close_all(4007, b"API key revoked", uid))


async def rate_ban(reach: Reach, acting: Standing, scene: Scene) -> None:
    held = reach.desk.conditions
    until_us = reach.exchange.now_us() + int(acting.rule.values["s"] * 1_000_000)
    named = acting.rule.match.account or scene.account
    held.banned[named], held.refused[named] = until_us, 0
    held.patience = acting.rule.values["patience"]
    reach.desk.look()


async def manual_order(reach: Reach, acting: Standing, scene: Scene) -> None:
    for uid in reach.accounts(acting, scene):
        row = orders.by_hand(reach.exchange, reach.limiter, uid, acting.rule.values["order"])
        acting.trouble = "" if row["sCode"] == "0" else f"The order was refused: {row['sCode']} {row['sMsg']}"


async def liquidate(reach: Reach, acting: Standing, scene: Scene) -> None:
    for uid in reach.accounts(acting, scene):
        reach.must(ForceLiquidate(at_us=0, uid=uid, ccy=acting.rule.values["ccy"]))


async def adl(reach: Reach, acting: Standing, scene: Scene) -> None:
    """The rows of the account's positions in the instrument, those of the side when one is named."""
    inst, values = reach.instrument(acting, scene), acting.rule.values
    for uid in reach.accounts(acting, scene):
        wanted = values["posSide"]
        rows = [row for row in reach.exchange.engine.positions(uid) if row.inst_id == inst.inst_id]
        found: list[tuple[Any, Any]] = [(row.pos_side, row.mgn_mode) for row in rows if wanted in ("", row.pos_side)]
        lots = int(values["sz"] * 10**12) // inst.lot_q
        for side, mode in found or [(wanted, "")]:
            reach.must(ForceAdl(at_us=0, uid=uid, inst_id=inst.inst_id, pos_side=side, lots=lots, mgn_mode=mode))


async def fund(reach: Reach, acting: Standing, scene: Scene) -> None:
    inst = reach.instrument(acting, scene)
    if acting.rule.values["rate"]:
        reach.must(SetFunding(at_us=0, inst_id=inst.inst_id, rate=rate_of(acting.rule.values["rate"], "rate")))
    reach.must(SettleFunding(at_us=0, inst_id=inst.inst_id))
