"""Whether the platform's books equal the exchange's own: positions, cash, open orders, fills, fees and funding."""

from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec

from tradingboost.app.lived import fills_of
from tradingboost.app.wiring import Platform
from tradingboost.core.money import ZERO
from tradingboost.shared.interfaces.orders import FillView
from tradingboost.shared.interfaces.users import Account
from tradingboost.simulator.client import AdminClient


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two books side by side.

    Args:
        differences: one plain line each; empty exactly when the books are equal.
    """

    equal: bool
    differences: list[str]
    orders: int
    fills: int


async def compare_books(platform: Platform, admin: AdminClient, account: Account) -> Comparison:
    """Compare one account with the exchange's immutable ledger; nothing is rounded away.

    The newest bills are read first, since funding reaches the books with the venue's own statement.
    """
    await platform.positions.settle(account.account_id)
    truth = await admin.truth(account.exchange_uid)
    fills = await fills_of(platform.orders, account.account_id)
    found = [
        *await _positions(platform, account, truth),
        *await _cash(platform, account, truth),
        *await _orders(platform, account, truth),
        *_fills(fills, truth),
        *await _funding(platform, account, truth),
    ]
    return Comparison(equal=not found, differences=found[:50], orders=len(truth["orders"]), fills=len(fills))


async def _positions(platform: Platform, account: Account, truth: dict[str, Any]) -> list[str]:
    """Signed by instrument; leg by leg where the account holds them side by side, for two wrong legs may cancel out."""
    apart = truth["pos_mode"] == "long_short_mode"
    theirs: dict[str, Decimal] = {}
    for row in (one["text"] for one in truth["positions"]):
        sign = -1 if row["posSide"] == "short" else 1  # the venue counts the lots of a short leg upward
        name = f"{row['instId']} {row['posSide']}" if apart else row["instId"]
        theirs[name] = theirs.get(name, ZERO) + sign * Decimal(row["pos"])
    ours: dict[str, Decimal] = {}
    for leg in await platform.positions.positions(account.account_id):
        name = f"{leg.symbol} {leg.position_side}" if apart else leg.symbol
        ours[name] = ours.get(name, ZERO) + leg.qty
    return _unequal("position", ours, theirs)


async def _cash(platform: Platform, account: Account, truth: dict[str, Any]) -> list[str]:
    books = await platform.positions.books(account.account_id)
    details = truth["balances"]["text"]["details"]
    theirs = {row["ccy"]: Decimal(row["cashBal"]) for row in details}
    return _unequal("cash", books.cash, theirs)


async def _orders(platform: Platform, account: Account, truth: dict[str, Any]) -> list[str]:
    live = await platform.orders.orders(account.account_id, 1000, open_only=True)
    ours = {view.client_order_id for view in live if view.state in ("OPEN", "PARTIAL")}
    rows = [row["text"] for row in truth["orders"] if row["text"]["state"] in ("live", "partially_filled")]
    theirs = {row["clOrdId"] for row in rows}
    theirs |= {row["text"]["algoClOrdId"] for row in truth["algos"] if row["text"]["state"] == "live"}
    lost = [f"open order {one} is only in our books" for one in sorted(ours - theirs)]
    return lost + [f"open order {one} is only at the exchange" for one in sorted(theirs - ours)]


def _fills(ours: list[FillView], truth: dict[str, Any]) -> list[str]:
    """Each match by what it was, since two sums may be equal by chance."""
    booked = Counter((fill.symbol, fill.side.value, fill.qty, fill.price, fill.fee) for fill in ours)
    rows = [row["text"] for row in truth["fills"]]
    theirs = Counter(
        (row["instId"], row["side"], *(Decimal(row[name]) for name in ("fillSz", "fillPx", "fee"))) for row in rows
    )
    lost = [f"fill {_match(one)} is only in our books" for one in (booked - theirs).elements()]
    return lost + [f"fill {_match(one)} is only at the exchange" for one in (theirs - booked).elements()]


def _match(fill: tuple[Any, ...]) -> str:
    symbol, side, qty, price, fee = fill
    return f"{side} {qty} {symbol} at {price} (fee {fee})"


async def _funding(platform: Platform, account: Account, truth: dict[str, Any]) -> list[str]:
    books = await platform.positions.books(account.account_id)
    rows = [row["text"] for row in truth["bills"] if row["text"]["type"] == "8"]
    theirs = sum((Decimal(row["balChg"]) for row in rows), ZERO)
    return _unequal("sum", {"funding": books.funding_quote}, {"funding": theirs})


def _unequal(what: str, ours: dict[str, Decimal], theirs: dict[str, Decimal]) -> list[str]:
    names = sorted({*ours, *theirs})
    pairs = ((name, ours.get(name, ZERO), theirs.get(name, ZERO)) for name in names)
    return [f"{what} {name}: ours {a}, the exchange's {b}" for name, a, b in pairs if a != b]
