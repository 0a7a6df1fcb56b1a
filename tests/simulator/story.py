"""Two hundred orders as any client would send them, and what it must know of them in the end."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Protocol

from tests.simulator.stage import BTC, Venue

ORDERS = 200
UID = "1"


Kind = Literal["market", "resting", "crossing"]
Side = Literal["buy", "sell"]
KINDS: tuple[Kind, ...] = ("market", "resting", "resting", "crossing")
SIDES: tuple[Side, ...] = ("buy", "sell")


class Wish(NamedTuple):
    """One order: a market order, a limit far away that rests, or a limit that trades at once."""

    kind: Kind
    side: Side
    size: int
    price: int


class Client(Protocol):
    """What a library can do here; ids are the exchange's."""

    async def place(self, wish: Wish) -> str: ...

    async def amend(self, order_id: str, wish: Wish) -> None: ...

    async def cancel(self, order_id: str) -> None: ...


@dataclass
class Known:
    """Orders by id with state and filled size, fills by trade with order, price, size and fee, position and cash."""

    orders: dict[str, tuple[str, Decimal]] = field(default_factory=dict)
    fills: dict[tuple[str, str], tuple[Decimal, Decimal, Decimal]] = field(default_factory=dict)
    position: Decimal = Decimal(0)
    cash: Decimal = Decimal(0)


async def told(venue: Venue, client: Client, seed: int = 7) -> None:
    """Send them all, with a moving market, amendments and cancellations between."""
    await venue.admin.credit(UID, "USDT", "990000")
    chance, resting = random.Random(seed), list[tuple[str, Wish]]()
    for number, wish in enumerate(_wishes(chance)):
        order_id = await client.place(wish)
        if wish.kind == "resting":
            resting.append((order_id, wish))
        if len(resting) >= 4:
            amended, wanted = resting.pop(0)
            await client.amend(amended, wanted._replace(size=wanted.size + 1, price=wanted.price))
            await client.cancel(resting.pop(0)[0])
        if number % 40 == 39:
            await venue.admin.travel(BTC, "41600" if number % 80 == 39 else "42400")  # every second limit is filled
            await venue.admin.travel(BTC, "42000")
            resting.clear()


def _wishes(chance: random.Random) -> Iterator[Wish]:
    for _ in range(ORDERS):
        kind = chance.choice(KINDS)
        side = chance.choice(SIDES)
        away = chance.randrange(50, 600, 10) if kind == "resting" else -50
        yield Wish(kind, side, chance.randint(1, 5), 42_000 - away if side == "buy" else 42_000 + away)


async def truth(venue: Venue) -> Known:
    """The same, as the exchange's own books have it."""
    books: dict[str, Any] = await venue.admin.truth(UID)
    orders, fills = ([row["text"] for row in books[part]] for part in ("orders", "fills"))
    (usdt,) = [row for row in books["balances"]["text"]["details"] if row["ccy"] == "USDT"]
    return Known(
        orders={row["ordId"]: (row["state"], Decimal(row["accFillSz"] or "0")) for row in orders},
        fills={
            (row["ordId"], row["tradeId"]): (Decimal(row["fillPx"]), Decimal(row["fillSz"]), Decimal(row["fee"]))
            for row in fills
        },
        position=sum((Decimal(row["text"]["pos"]) for row in books["positions"]), Decimal(0)),
        cash=Decimal(usdt["cashBal"]),
    )
