"""What a live run recorded, in the back-test's words: its wishes and its fills."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from tradingboost.backtest.trace import FillLine, IntentLine, plain
from tradingboost.core.ids import AccountId, RunId
from tradingboost.core.money import ZERO
from tradingboost.shared.interfaces.orders import FillView, Orders
from tradingboost.shared.interfaces.strategy import Decision, Strategy

_PAGE = 5_000


def in_ms(at: datetime) -> int:
    """Milliseconds since the epoch."""
    return int(at.astimezone(UTC).timestamp() * 1000 + 0.5)


async def wishes_of(strategy: Strategy, run_id: RunId) -> list[Decision]:
    """Every wish of a run, the oldest first."""
    wishes: list[Decision] = []
    while page := await strategy.decisions(run_id, len(wishes), _PAGE):
        wishes += page
    return wishes


async def fills_of(orders: Orders, account_id: AccountId) -> list[FillView]:
    """Every fill of an account, the oldest first."""
    fills: list[FillView] = []
    while page := await orders.fills(account_id, fills[-1].seq if fills else 0, _PAGE):
        fills += page
    return fills


def intent_lines(wishes: Iterable[Decision]) -> list[IntentLine]:
    """Wishes as the back-test tells them."""
    return [
        IntentLine(
            at_ms=in_ms(one.at),
            kind=one.kind,
            slot=one.slot,
            side=one.side,
            position_side=one.position_side,
            type=one.type,
            qty=plain(one.qty),
            price=plain(one.price or ZERO),
            trigger=plain(one.trigger or ZERO),
            reduce_only=one.reduce_only,
            reason=one.reason,
        )
        for one in wishes
    ]


def fill_lines(fills: Iterable[FillView], apart: bool) -> list[FillLine]:
    """Fills as the back-test tells them, but for the reason; `apart`: legs are held side by side."""
    lines: list[FillLine] = []
    held: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for one in fills:
        leg = one.position_side if apart else "net"
        held[leg] += one.side.sign * one.qty
        lines.append(
            FillLine(
                at_ms=in_ms(one.at),
                slot=one.slot,
                side=one.side,
                position_side=one.position_side,
                qty=plain(one.qty),
                price=plain(one.price),
                fee=plain(-one.fee),
                liquidity="maker" if one.is_maker else "taker",
                reason="",
                position=plain(held[leg]),
            )
        )
    return lines
