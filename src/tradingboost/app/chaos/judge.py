"""The verdict on a town that was hurt and has come to rest: the exchange's own truth, and our invariants."""

from collections import Counter
from typing import Any

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


async def broken(town: Town, platform: Platform) -> list[str]:
    """Everything that is wrong, one sentence each."""
    found: list[str] = []
    for account in town.accounts:
        compared = await compare_books(platform, town.admin, account)
        found += [f"{account.label}: {difference}" for difference in compared.differences]
        truth = await town.admin.truth(account.exchange_uid)
        found += [f"{account.label}: {line}" for line in uncovered(truth).values()]
        found += [f"{account.label}: {line}" for line in doubled(truth)]
    found += [f"the exchange: {line}" for line in await town.admin.check()]
    found += [f"client id {name} was sent {count} times" for name, count in (await sent(town)).items() if count != 1]
    results = await invariants.check(platform.context.db)
    found += [f"{one.id} ({one.says}): {'; '.join(one.offending)}" for one in results if not one.held]
    return found + await recorded(platform.context.db)


async def recorded(db: Database) -> list[str]:
    """What our own record admits beyond the invariants."""
    found: list[str] = []
    async with db.read() as connection:
        for says, query in _RECORDED.items():
            rows = (await connection.execute(text(" ".join(query.split())))).scalars().all()
            found += [says.format(row) for row in rows[:_SHOWN]]
    return found


async def sent(town: Town) -> dict[str, int]:
    """How often each client order id was posted, by the exchange's own log."""
    counts: dict[str, int] = (await town.admin.requests(limit=1))["post_count"]
    return counts


def doubled(truth: dict[str, Any]) -> list[str]:
    """Client ids that name two orders, or two stops."""
    found = []
    for kind, field in (("orders", "clOrdId"), ("algos", "algoClOrdId")):
        counts = Counter(row["text"][field] for row in truth[kind] if row["text"][field])
        found += [f"client id {name} names {count} {kind}" for name, count in counts.items() if count > 1]
    return found
