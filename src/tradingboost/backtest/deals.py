"""From fills to deals: from flat to flat of one leg, with every partial exit in it."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradingboost.strategies.contract import SLOT_BASE, Family

_HEDGE_ENTRY_SLOT: Final = int(Family.HEDGE_ENTRY) * SLOT_BASE
NO_PARENT: Final = -1

DEAL: Final = np.dtype(
    [
        ("first", np.int64),  # row of its first fill
        ("last", np.int64),  # row of its last fill so far
        ("closed", np.bool_),  # False = still open at the end
        ("side", np.int64),  # 1 long, -1 short, as it was opened
        ("hedge", np.bool_),
        ("parent", np.int64),  # deal that was open beside a hedge when it began, NO_PARENT = none
        ("opened_ms", np.int64),
        ("closed_ms", np.int64),
        ("entries", np.int64),
        ("exits", np.int64),
        ("lots", np.int64),  # bought into it in all
        ("entry_sum", np.int64),  # ticks x lots of its openings, of its closings
        ("exit_sum", np.int64),
        ("exit_lots", np.int64),
        ("first_price", np.int64),
        ("gross", np.int64),  # quanta: realised, before fees
        ("fees", np.int64),
        ("funding", np.int64),
        ("slippage", np.int64),
        ("net", np.int64),  # gross - fees + funding
    ]
)


def deals_of(fills: Any, net: bool) -> NDArray[Any]:
    """The deals of a run in order of their first fill; a leg that is open at the end has one that is not closed.

    A net position that turns around in one fill goes on as the same deal, which ends when it is flat.

    Args:
        fills: REPORT rows of fills in order.
        net: whether the account has one signed leg.
    """
    legs = np.zeros(len(fills), np.int64) if net else (fills["position_side"] < 0).astype(np.int64)
    parts = [_of_leg(fills, np.flatnonzero(legs == leg)) for leg in (0, 1)]
    deals = np.concatenate(parts)
    deals = deals[np.argsort(deals["first"], kind="stable")]
    _find_parents(deals)
    return deals


def _of_leg(fills: Any, rows: NDArray[np.intp]) -> NDArray[Any]:
    """Deals of the fills in `rows`, all of one leg."""
    if not rows.size:
        return np.zeros(0, DEAL)
    held = fills["leg_lots"][rows]
    flat = held == 0
    starts = np.concatenate(([True], flat[:-1]))
    first = np.flatnonzero(starts)
    last = np.append(first[1:], rows.size) - 1
    before = np.where(starts, 0, np.concatenate(([0], held[:-1])))
    lots, side, price = fills["lots"][rows], fills["side"][rows], fills["price"][rows]
    closing = np.where(before * side < 0, np.minimum(lots, np.abs(before)), 0)
    opening = lots - closing
    found = np.zeros(first.size, DEAL)

    def summed(values: NDArray[Any]) -> NDArray[np.int64]:
        return np.asarray(np.add.reduceat(values.astype(np.int64), first))

    found["first"], found["last"], found["closed"] = rows[first], rows[last], flat[last]
    found["side"] = side[first]
    found["hedge"] = fills["slot"][rows[first]] >= _HEDGE_ENTRY_SLOT
    found["parent"] = NO_PARENT
    found["opened_ms"], found["closed_ms"] = fills["ts_ms"][rows[first]], fills["ts_ms"][rows[last]]
    found["entries"], found["exits"] = summed(opening > 0), summed(closing > 0)
    found["lots"], found["exit_lots"] = summed(opening), summed(closing)
    found["entry_sum"], found["exit_sum"] = summed(opening * price), summed(closing * price)
    found["first_price"] = price[first]
    found["gross"], found["fees"] = summed(fills["profit"][rows]), summed(fills["fee"][rows])
    found["slippage"] = summed(fills["slippage"][rows])
    found["funding"] = fills["leg_funding"][rows[last]] - fills["leg_funding"][rows[first]]
    found["net"] = found["gross"] - found["fees"] + found["funding"]
    return found


def _find_parents(deals: NDArray[Any]) -> None:
    """A hedge belongs to the main deal that was open when it began."""
    mains = np.flatnonzero(~deals["hedge"])
    for index in np.flatnonzero(deals["hedge"]):
        earlier = mains[deals["first"][mains] < deals["first"][index]]
        if earlier.size:
            deals["parent"][index] = earlier[-1]
