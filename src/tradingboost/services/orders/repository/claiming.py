"""Record and claim in one statement, and the reading an opening is weighed by.

Openings of one symbol are decided one after another. Each of them counts the claim's `decided` up in the statement that
records it, and only from the number it was weighed at: who was outrun locks the claim and weighs again.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
from sqlalchemy import CTE, Text, bindparam, exists, func, insert, literal, select, true, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, Symbol
from tradingboost.core.order import OrderIntent, RequestKind, Resolution
from tradingboost.kit.hot import Hot
from tradingboost.kit.lease import Lease, holding
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import Attempt, OrderRow
from tradingboost.services.orders.repository.keys import KEYS, KEYS_NOW
from tradingboost.services.orders.repository.limits import OWN_LIMITS, own_limits_of
from tradingboost.services.orders.repository.modes import BLOCKING, Blocking, blocking_of, blocking_values
from tradingboost.services.orders.repository.orders import LIVE_NOTIONAL, OPENINGS_MADE
from tradingboost.shared.interfaces.orders import OwnLimits

_C, _O, _I, _R, _S = t.leg_claims.c, t.orders.c, t.intents.c, t.requests.c, t.sagas.c
_OF_LEG = (_C.account_id == bindparam("account", type_=Text), _C.symbol == bindparam("symbol", type_=Text))
_OWNER = select(t.leg_claims).where(*_OF_LEG).order_by(_C.position_side).limit(1)
_LOCK_OWNER = Hot(_OWNER.with_for_update())
_BLOCKED, _CLAIM = BLOCKING.subquery("blocking"), _OWNER.subquery("claim")
_FOUND = select(func.array_agg(_BLOCKED.c.level + literal(":", Text) + _BLOCKED.c.code))
_FACTS = Hot(
    select(
        _FOUND.scalar_subquery().label("found"),
        LIVE_NOTIONAL.scalar_subquery().label("notional"),
        OPENINGS_MADE.scalar_subquery().label("made"),
        OWN_LIMITS.scalar_subquery().label("own_limits"),
        _CLAIM,
    ).select_from(select(literal(1)).subquery("one").outerjoin(_CLAIM, true()))
)

_INTENT = ("cause", "decision_id", "settings_version", "code_version", "fresh_until")
_SHARED = ("user_id", "account_id", "run_id", "symbol", "slot", "reduce_only", "reason")
_LIKE_PARENT = (
    *("user_id", "account_id", "run_id", "exchange", "symbol", "position_side", "qty", "lot", "contract_size"),
    *("reference_price", "id_tag_valid", "status", "created_at"),
)
_OF_ORDER = (
    *("order_id", "intent_id", "origin", "slot", "role", "side", "type", "is_algo", "reduce_only", "price", "trigger"),
    *("attached_stop", "reason", "cl_ord_id", *_LIKE_PARENT),
)
_OF_STOP = (
    *("order_id", "origin", "parent_order_id", "slot", "role", "side", "type", "is_algo", "reduce_only", "trigger"),
    *("reason", "cl_ord_id"),
)
_ATTEMPT = ("request_id", "fence_token", "sent_at", "expires_at")
_SAGA = {"type": "open_with_protection", "version": 1, "state": "RUNNING", "step": "submitted"}


class Weight(msgspec.Struct, frozen=True, kw_only=True):
    """What is at risk already, and whether anything forbids more.

    Args:
        waiting_quote: notional of every live opening order of the account, UNKNOWN included, as if filled.
        made: openings the run made lately.
        claim: whose the symbol is, None = nobody's.
        own_limits: what people set for the account and for its owner.
    """

    blocking: Blocking
    waiting_quote: Decimal
    made: int
    claim: Any | None
    own_limits: tuple[OwnLimits, ...]


class Fate(Enum):
    """What became of an intent that was to be recorded and claimed."""

    CLAIMED = 1
    KNOWN = 2
    """The same intent is there already."""
    OUTRUN = 3
    """Another opening of the symbol was decided since it was weighed, or something forbids it now."""
    NOT_HELD = 4
    """The lease is not ours any more."""


async def weight(db: AsyncConnection, intents: Sequence[OrderIntent], since: datetime) -> Weight:
    """Everything openings that differ in their slots only are weighed by, read at one moment."""
    found = await _FACTS.first(db, since=since, **blocking_values(*intents))
    assert found is not None
    blocking = blocking_of(tuple(one.split(":")) for one in found["found"] or ())
    claim = found if found["account_id"] is not None else None
    own = own_limits_of(found["own_limits"])
    return Weight(blocking=blocking, waiting_quote=found["notional"], made=found["made"], claim=claim, own_limits=own)


async def lock_leg(db: AsyncConnection, account_id: AccountId, symbol: Symbol) -> None:
    """Queue up: until the transaction ends nobody else decides about the symbol."""
    await _LOCK_OWNER.rows(db, account=account_id, symbol=symbol)


def _recording(*, claimed: bool, protected: bool) -> Hot:
    """One statement for an intent, its order and its attempt, and for the stop that travels with it."""
    held = holding().cte("held")
    leg = _won() if claimed else None
    allowed = held if leg is None else held.join(leg, true())
    intent = (
        upsert(t.intents)
        .from_select(
            ["intent_id", "intent_key", *_SHARED, *_INTENT, "state", "deny_code", "recorded_at", *KEYS],
            select(
                *(bindparam(name, type_=_I[name].type) for name in ("intent_id", "intent_key", *_SHARED, *_INTENT)),
                literal("RECORDED", Text),
                literal("", Text),
                bindparam("created_at", type_=_I.recorded_at.type),
                *KEYS_NOW,
            ).select_from(allowed),
        )
        .on_conflict_do_nothing(index_elements=[_I.intent_key])
        .returning(_I.intent_id, _I.credential_version)
        .cte("intent")
    )
    order = (
        insert(t.orders)
        .from_select(
            list(_OF_ORDER), select(*(bindparam(name, type_=_O[name].type) for name in _OF_ORDER)).select_from(intent)
        )
        .returning(_O.order_id, _O.account_id)
        .cte("placed")
    )
    won = literal(1) if leg is None else _count(leg)
    keys = select(func.coalesce(func.max(intent.c.credential_version), 0)).scalar_subquery()
    said = select(
        _count(held).label("held"), won.label("won"), _count(intent).label("stored"), keys.label("credential_version")
    )
    parts = [_attempt(order), *((_stop(order), _saga(order)) if protected else ())]
    return Hot(said.add_cte(*parts))


def _won() -> CTE:
    """The right to decide next, from the number this opening was weighed at, unless something forbids it by now."""
    mine = (*_OF_LEG, _C.position_side == bindparam("of_leg"), _C.decided == bindparam("seen"))
    forbidden = exists(select(literal(1)).select_from(BLOCKING.subquery("forbidding")))
    counted = update(t.leg_claims).where(*mine, ~forbidden).values(decided=_C.decided + 1)
    return counted.returning(_C.decided).cte("leg")


def _attempt(order: CTE) -> CTE:
    row = select(
        order.c.order_id,
        order.c.account_id,
        literal(RequestKind.SUBMIT.value, Text),
        literal(Resolution.NONE.value, _R.resolution.type),
        *(bindparam(name, type_=_R[name].type) for name in _ATTEMPT),
    ).select_from(order)
    names = ["order_id", "account_id", "kind", "resolution", *_ATTEMPT]
    return insert(t.requests).from_select(names, row).cte("attempt")


def _stop(order: CTE) -> CTE:
    like = (bindparam(name, type_=_O[name].type) for name in _LIKE_PARENT)
    own = (bindparam(f"stop_{name}", type_=_O[name].type) for name in _OF_STOP)
    names = [*_LIKE_PARENT, *_OF_STOP]
    return insert(t.orders).from_select(names, select(*like, *own).select_from(order)).cte("stop")


def _saga(order: CTE) -> CTE:
    bound = ("saga_id", "business_key", "user_id", "account_id", "symbol", "order_id", "fence_token", "context")
    row = select(
        *(bindparam(name, type_=_S[name].type) for name in bound),
        bindparam("created_at", type_=_S.started_at.type),
        *(literal(value, _S[name].type) for name, value in _SAGA.items()),
    ).select_from(order)
    return insert(t.sagas).from_select([*bound, "started_at", *_SAGA], row).cte("saga")


def _count(rows: CTE) -> Any:
    return select(func.count()).select_from(rows).scalar_subquery()


_RECORD = {
    (claimed, protected): _recording(claimed=claimed, protected=protected)
    for claimed in (False, True)
    for protected in (False, True)
}


async def record(
    db: AsyncConnection,
    intent: OrderIntent,
    made: tuple[OrderRow, OrderRow | None, Attempt],
    lease: Lease,
    *,
    leg: tuple[str, int] | None,
    saga_id: str,
) -> tuple[Fate, int]:
    """Store an intent with its order, its one attempt and the promise to cover it, before it is made; all or nothing.

    Args:
        made: the order, the stop that travels with it, the attempt.
        lease: of the account; nobody takes it over before the transaction ends.
        leg: of the claim the intent was weighed by: its side and `decided`; None = no claim, for what reduces.
        saga_id: of the promise.

    Returns:
        What became of it, and the version of the keys it was decided under, 0 = nobody told yet.
    """
    row, stop, attempt = made
    values = {name: getattr(row, name) for name in _OF_ORDER}
    values |= {name: getattr(intent, name) for name in _INTENT}
    values |= {name: getattr(attempt, name) for name in _ATTEMPT}
    values |= {"intent_key": intent.key, "of_resource": lease.resource, "by_token": lease.token}
    if leg is not None:
        values |= blocking_values(intent)
        values |= {"of_leg": leg[0], "seen": leg[1]}
    if stop is not None:
        values |= {f"stop_{name}": getattr(stop, name) for name in _OF_STOP}
        values |= {"saga_id": saga_id, "business_key": f"open:{row.order_id}"}
        values["context"] = {"stop_order_id": stop.order_id, "trigger": str(stop.trigger)}
    (found,) = await _RECORD[leg is not None, stop is not None].rows(db, **values)
    if not found["held"]:
        return Fate.NOT_HELD, 0
    if not found["won"]:
        return Fate.OUTRUN, 0
    return (Fate.CLAIMED if found["stored"] else Fate.KNOWN), found["credential_version"]
