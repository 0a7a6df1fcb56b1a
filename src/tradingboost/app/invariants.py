"""The invariants that can be checked on the record: each is a query that returns offending rows; no rows = it holds.

A check that cannot run counts as violated: no information is not "fine". The numbers are those of the specification;
those that need virtual time, replicas or a static look (I11, I16, I18 and the like) are proved by tests instead.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tradingboost.core.errors import TradingBoostError
from tradingboost.kit.db import Database


class Invariant(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the registry."""

    id: str
    says: str
    query: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found; `offending` holds the first rows."""

    id: str
    says: str
    held: bool
    offending: list[str]


REGISTRY: Final[Sequence[Invariant]] = (
    Invariant(
        id="I1",
        says="every order with our id has exactly one intent, recorded before the venue accepted it",
        query="""
            SELECT o.order_id FROM orders.orders o LEFT JOIN orders.intents i USING (intent_id)
            WHERE o.origin IN ('INTENT', 'EMERGENCY')
              AND (i.intent_id IS NULL OR i.recorded_at > o.venue_created_at + interval '5 s')
               OR o.origin = 'ATTACHED' AND o.parent_order_id IS NULL
               OR o.origin = 'EXTERNAL' AND o.id_tag_valid
        """,
    ),
    Invariant(
        id="I2",
        says="one client id, one order at the venue",
        query="""
            SELECT account_id, cl_ord_id FROM orders.facts
            WHERE id_tag_valid AND venue_order_id IS NOT NULL AND cl_ord_id IS NOT NULL
            GROUP BY 1, 2, is_algo HAVING count(DISTINCT venue_order_id) > 1
        """,
    ),
    Invariant(
        id="I3",
        says="intent, account, order and fill belong to the same person",
        query="""
            SELECT o.order_id FROM orders.orders o
            JOIN (SELECT id::text, user_id::text FROM users.exchange_accounts) a ON a.id = o.account_id
            LEFT JOIN orders.intents i USING (intent_id) LEFT JOIN orders.fills f USING (order_id)
            WHERE o.user_id <> a.user_id OR coalesce(i.user_id, a.user_id) <> a.user_id
               OR coalesce(i.account_id, a.id) <> a.id OR coalesce(f.user_id, a.user_id) <> a.user_id
        """,
    ),
    Invariant(
        id="I4",
        says="fills = position = venue within one lot, or a mismatch is open",
        query="""
            SELECT p.account_id, p.symbol, p.position_side FROM positions.positions p
            LEFT JOIN (SELECT account_id, symbol, position_side, sum(signed_qty) AS q
                       FROM orders.fills GROUP BY 1, 2, 3) f
                USING (account_id, symbol, position_side)
            LEFT JOIN positions.venue_snapshots v USING (account_id, symbol, position_side)
            WHERE (abs(p.qty - coalesce(f.q, 0)) >= p.lot
                   OR abs(p.qty - coalesce(v.qty, 0)) >= p.lot AND p.differs_since < now() - interval '60 s')
              AND NOT EXISTS (SELECT 1 FROM positions.mismatches m
                              WHERE m.account_id = p.account_id AND m.symbol = p.symbol
                                AND m.position_side = p.position_side AND m.closed_at IS NULL)
            UNION ALL
            SELECT f.account_id, f.symbol, f.fill_id FROM orders.fills f LEFT JOIN positions.bookings b USING (fill_id)
            WHERE b.fill_id IS NULL AND f.recorded_at < now() - interval '10 s'
        """,
    ),
    Invariant(
        id="I5",
        says="nothing is filled beyond its quantity and averages lie within their fills",
        query="""
            SELECT o.order_id FROM orders.orders o
            JOIN (SELECT order_id, sum(qty) q, min(price) lo, max(price) hi FROM orders.fills GROUP BY 1) f
                USING (order_id)
            WHERE f.q > greatest(o.qty, (o.venue_values ->> 'qty')::numeric) + o.lot OR o.cum_filled < f.q
               OR o.avg_price NOT BETWEEN f.lo - 1e-9 AND f.hi + 1e-9
        """,
    ),
    Invariant(
        id="I6",
        says="a position is covered by live stops at the venue",
        query="""
            SELECT account_id, symbol, position_side FROM positions.positions
            WHERE qty <> 0 AND stop_policy = 'venue_stop' AND covered_qty < abs(qty)
              AND uncovered_since < now() - interval '15 s'
        """,
    ),
    Invariant(
        id="I7",
        says="no stop or take-profit of ours outlives its position",
        query="""
            SELECT o.order_id FROM orders.orders o
            LEFT JOIN positions.positions p USING (account_id, symbol, position_side)
            WHERE o.role IN ('stop', 'take_profit') AND o.status = 1 AND o.origin <> 'EXTERNAL'
              AND coalesce(p.qty, 0) = 0 AND coalesce(p.flat_since, o.created_at) < now() - interval '30 s'
              AND NOT EXISTS (SELECT 1 FROM orders.sagas s WHERE s.account_id = o.account_id AND s.symbol = o.symbol
                              AND s.state IN ('RUNNING', 'WAITING'))
        """,
    ),
    Invariant(
        id="I8",
        says="every journal sums to zero and cash equals the venue's",
        query="""
            SELECT journal_id, asset FROM positions.ledger GROUP BY 1, 2 HAVING sum(amount) <> 0
            UNION ALL
            SELECT b.account_id, b.asset FROM positions.venue_balances b
            LEFT JOIN (SELECT account_id, asset, sum(amount) AS cash FROM positions.ledger
                       WHERE bucket = 'cash' GROUP BY 1, 2) l USING (account_id, asset)
            WHERE abs(b.cash - coalesce(l.cash, 0)) > 1e-8
              AND NOT EXISTS (SELECT 1 FROM orders.fills f WHERE f.account_id = b.account_id
                              AND f.recorded_at > now() - interval '10 s')
        """,
    ),
    Invariant(
        id="I9",
        says="sagas end in time, and a parked one has an alert",
        query="""
            SELECT s.saga_id FROM orders.sagas s
            WHERE s.state IN ('RUNNING', 'WAITING', 'COMPENSATING') AND s.deadline_at < now()
               OR s.state = 'PARKED'
                  AND NOT EXISTS (SELECT 1 FROM orders.alerts a WHERE a.subject_id IN (s.saga_id, s.order_id))
        """,
    ),
    Invariant(
        id="I10",
        says="the outbox flows and has no gap",
        query="""
            SELECT aggregate FROM bus.outbox GROUP BY 1
            HAVING count(*) <> max(seq) - min(seq) + 1
                OR min(created_at) FILTER (WHERE published_at IS NULL) < now() - interval '10 s'
        """,
    ),
    Invariant(
        id="I12",
        says="nothing is sent under a lease that somebody else has taken",
        query="""
            SELECT r.request_id FROM orders.requests r
            JOIN ops.lease_history h ON h.resource = 'account:' || r.account_id
            WHERE h.token > r.fence_token AND h.acquired_at < r.sent_at AND NOT r.emergency
        """,
    ),
    Invariant(
        id="I13",
        says="an unknown order is settled or parked, and blocks entries meanwhile",
        query="""
            SELECT u.order_id FROM orders.unknown_periods u
            WHERE u.ended_at IS NULL AND u.parked_at IS NULL AND u.began_at < now() - interval '120 s'
               OR EXISTS (SELECT 1 FROM orders.orders e JOIN orders.requests r USING (order_id)
                          WHERE e.account_id = u.account_id AND e.symbol = u.symbol AND NOT e.reduce_only
                            AND e.order_id <> u.order_id AND r.kind = 'submit' AND r.sent_at > u.began_at
                            AND r.sent_at < coalesce(u.ended_at, now()))
        """,
    ),
    Invariant(
        id="I14",
        says="no switch ever blocked a reducing order",
        query="""
            SELECT intent_id FROM orders.intents
            WHERE reduce_only AND state = 'DENIED'
              AND deny_code NOT IN ('wrong_owner', 'unplaceable', 'below_min_qty', 'below_min_notional', 'frozen',
                                    'above_max_qty', 'off_lot', 'bad_price')
        """,
    ),
    Invariant(
        id="I15",
        says="one decision a closed bar, and every entry names its bar, settings and code",
        query="""
            SELECT i.intent_id FROM orders.intents i LEFT JOIN strategy.decisions d USING (decision_id)
            WHERE i.cause LIKE 'bar:%'
              AND (d.bar_confirmed IS NOT TRUE OR d.settings_version IS NULL OR d.code_version IS NULL)
        """,
    ),
    Invariant(
        id="I19",
        says="exposure stays within the account's limit, with unknown orders counted as filled",
        query="""
            SELECT a.id FROM users.exchange_accounts a
            JOIN (SELECT account_id, sum(abs(cost) * contract_size) AS held FROM positions.positions GROUP BY 1) p
                ON p.account_id = a.id::text
            WHERE p.held > a.max_notional_quote
        """,
    ),
)
"""Every query stands alone and reads only."""

_SPACES: Final = re.compile(r"\s+")


async def check(db: Database) -> list[Result]:
    """Run the whole registry; a test may not switch an entry off."""
    return [await _one(db, invariant) for invariant in REGISTRY]


async def _one(db: Database, invariant: Invariant) -> Result:
    try:
        async with db.read() as connection:
            rows = (await connection.execute(text(_SPACES.sub(" ", invariant.query) + " LIMIT 5"))).all()
    except (DBAPIError, TradingBoostError) as error:
        return Result(id=invariant.id, says=invariant.says, held=False, offending=[f"could not be checked: {error}"])
    offending = [_readable(row) for row in rows]
    return Result(id=invariant.id, says=invariant.says, held=not offending, offending=offending)


def _readable(row: Any) -> str:
    return " ".join(str(value) for value in row)
