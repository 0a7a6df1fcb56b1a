"""What a request is about, for the rules."""

from collections.abc import Mapping, Sequence
from typing import Any

from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.faults.rules import Scene


def describe(exchange: Exchange, scene: Scene, rows: Sequence[Mapping[str, Any]]) -> None:
    """Fill in instruments, sides and order types: as written, else those of the order that is named."""
    insts, sides, kinds = [], [], []
    for row in rows:
        named = str(row.get("instId") or exchange.by_code.get(str(row.get("instIdCode") or ""), ""))
        insts += named.split(",") if named else []
        side, kind = str(row.get("side") or ""), str(row.get("ordType") or "")
        if scene.account and not side and (row.get("ordId") or row.get("clOrdId")):
            number = str(row.get("ordId") or "0")
            found = exchange.engine.order(
                scene.account, int(number) if number.isdigit() else 0, str(row.get("clOrdId") or "")
            )
            side, kind = (found.terms.side, found.terms.ord_type) if found else ("", "")
        sides += [side] if side else []
        kinds += kind.split(",") if kind else []
    scene.insts, scene.sides, scene.ord_types = tuple(insts), tuple(sides), tuple(kinds)
