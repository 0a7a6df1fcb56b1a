"""The verdict on a town that was hurt and has come to rest: the exchange's own truth, and our invariants."""

from collections import Counter
from typing import Any

import msgspec
from sqlalchemy import text

from tradingboost.app import invariants
from tradingboost.app.books import compare_books
from tradingboost.app.chaos.town import Town
from tradingboost.app.chaos.watch import uncovered
from tradingboost.app.wiring import Platform
from tradingboost.kit.db import Database

_SHOWN = 5
_RECORDED = {
    "saga {} is parked without an alert": """
        SELECT s.saga_id FROM orders.sagas s WHERE s.state = 'PARKED'
        AND NOT EXISTS (SELECT 1 FROM orders.alerts a WHERE a.subject_id IN (s.saga_id, s.order_id))
    """,
    "saga {} of a filled or ended entry is still open": """
        SELECT s.saga_id FROM orders.sagas s JOIN orders.orders o USING (order_id)
        WHERE s.state IN ('RUNNING', 'WAITING', 'COMPENSATING') AND (o.cum_filled > 0 OR o.ended_at IS NOT NULL)
    """,
    "event {} was given up by a consumer": "SELECT event_id FROM bus.dead_letters WHERE resolved_at IS NULL",
    "order {} rested at the venue and was unknown to us for more than a minute": """
        SELECT u.order_id FROM orders.unknown_periods u JOIN orders.orders o USING (order_id)
        WHERE o.status > 0 AND coalesce(u.ended_at, now()) - u.began_at > interval '60 s'
    """,
}
"""A sentence about each offending row."""


class Verdict(msgspec.Struct, kw_only=True):
    """What was found.

    Args:
        books_equal_venue: positions, cash, open orders, fills, fees and funding of every account, nothing rounded.
        duplicate_client_ids: that name two orders or two stops at the exchange.
        sent_twice: client ids that were posted more than once.
        silent_sagas: parked without an alert, or open although their entry filled or ended.
        broken: everything that is wrong, these included, one sentence each.
    """

    books_equal_venue: bool = True
    duplicate_client_ids: int = 0
    sent_twice: int = 0
    silent_sagas: int = 0
    orders: int = 0
    broken: list[str] = []


async def judged(town: Town, platform: Platform) -> Verdict:
    """Hold everything against the exchange and our own rules."""
    verdict = Verdict()
    found = verdict.broken
    for account in town.accounts:
        compared = await compare_books(platform, town.admin, account)
        verdict.books_equal_venue &= compared.equal
        truth = await town.admin.truth(account.exchange_uid)
        twice = doubled(truth)
        verdict.duplicate_client_ids += len(twice)
        found += [f"{account.label}: {line}" for line in [*compared.differences, *uncovered(truth).values(), *twice]]
    counts: dict[str, int] = (await town.admin.requests(limit=1))["post_count"]
    again = {name: count for name, count in counts.items() if count != 1}
    verdict.orders, verdict.sent_twice = len(counts), len(again)
    found += [f"client id {name} was sent {count} times" for name, count in again.items()]
    found += [f"the exchange: {line}" for line in await town.admin.check()]
    found += [] if counts else ["nothing was ever sent to the exchange"]
    results = await invariants.check(platform.context.db)
    found += [f"{one.id} ({one.says}): {'; '.join(one.offending)}" for one in results if not one.held]
    admitted = await recorded(platform.context.db)
    verdict.silent_sagas = sum(line.startswith("saga ") for line in admitted)
    found += admitted
    return verdict


async def recorded(db: Database) -> list[str]:
    """What our own record admits beyond the invariants."""
    found: list[str] = []
    async with db.read() as connection:
        for says, query in _RECORDED.items():
            rows = (await connection.execute(text(" ".join(query.split())))).scalars().all()
            found += [says.format(row) for row in rows[:_SHOWN]]
    return found


def doubled(truth: dict[str, Any]) -> list[str]:
    """Client ids that name two orders, or two stops."""
    found = []
    for kind, field in (("orders", "clOrdId"), ("algos", "algoClOrdId")):
        counts = Counter(row["text"][field] for row in truth[kind] if row["text"][field])
        found += [f"client id {name} names {count} {kind}" for name, count in counts.items() if count > 1]
    return found
