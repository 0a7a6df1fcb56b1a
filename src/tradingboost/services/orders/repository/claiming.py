"""Record and claim in one statement, one order or a whole ladder, and the reading openings are weighed by.

Openings of one symbol are decided one after another. Each of them counts the claim's `decided` up in the statement that
records it, and only from the number it was weighed at: who was outrun locks the claim and weighs again.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
from sqlalchemy import CTE, BigInteger, FromClause, Text, bindparam, exists, func, insert, literal, select, true, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, Symbol
from tradingboost.core.order import OrderIntent, RequestKind, Resolution
from tradingboost.kit.db import UtcDateTime
from tradingboost.kit.given import given, listed
from tradingboost.kit.hot import Hot
from tradingboost.kit.lease import Lease, holding
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import Claimed
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

_INTENT = (
    *("intent_id", "intent_key", "user_id", "account_id", "run_id", "symbol", "slot", "reduce_only", "reason", "cause"),
    *("decision_id", "settings_version", "code_version", "fresh_until"),
)
_ORDER = (
    *("order_id", "intent_id", "origin", "parent_order_id", "user_id", "account_id", "run_id", "exchange", "symbol"),
    *("slot", "role", "side", "position_side", "type", "is_algo", "reduce_only", "qty", "lot", "contract_size"),
    *("price", "trigger", "attached_stop", "reference_price", "reason", "cl_ord_id", "id_tag_valid", "status"),
    "created_at",
)
_ATTEMPT = ("order_id", "request_id", "fence_token", "sent_at", "expires_at")
_SAGA = ("saga_id", "business_key", "user_id", "account_id", "symbol", "order_id", "fence_token", "context")
_PROMISE = {"type": "open_with_protection", "version": 1, "state": "RUNNING", "step": "submitted"}
_AT = bindparam("at", type_=UtcDateTime)


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
    """What became of intents that were to be recorded and claimed."""

    CLAIMED = 1
    """Those that are named; the others were there already."""
    OUTRUN = 2
    """Another opening of the symbol was decided since they were weighed, or something forbids them now."""
    NOT_HELD = 3
    """The lease is not ours any more."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What `record` did.

    Args:
        intent_ids: of the intents that were stored, and so claimed.
        credential_version: of the keys they were decided under, 0 = nobody told yet.
    """

    fate: Fate
    intent_ids: frozenset[str] = frozenset()
    credential_version: int = 0


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
    """One statement for intents, their orders and attempts, and for the stops that travel with them."""
    held = holding().cte("held")
    leg = _won() if claimed else None
    intents = given("intents", *(_I[name] for name in _INTENT))
    allowed = intents.join(held, true()) if leg is None else intents.join(held, true()).join(leg, true())
    decided = select(*intents.c, literal("RECORDED", Text), literal("", Text), _AT, *KEYS_NOW).select_from(allowed)
    intent = (
        upsert(t.intents)
        .from_select([*_INTENT, "state", "deny_code", "recorded_at", *KEYS], decided)
        .on_conflict_do_nothing(index_elements=[_I.intent_key])
        .returning(_I.intent_id, _I.credential_version)
        .cte("intent")
    )
    orders = given("orders", *(_O[name] for name in _ORDER))
    wanted = select(*orders.c).join(intent, intent.c.intent_id == orders.c.intent_id)
    placed = insert(t.orders).from_select(list(_ORDER), wanted).returning(_O.order_id, _O.account_id).cte("placed")
    said = select(
        _count(held).label("held"),
        (literal(1) if leg is None else _count(leg)).label("won"),
        select(func.array_agg(intent.c.intent_id)).scalar_subquery().label("stored"),
        select(func.coalesce(func.max(intent.c.credential_version), 0)).scalar_subquery().label("credential_version"),
    )
    return Hot(said.add_cte(_attempts(placed), *((_stops(placed), _sagas(placed)) if protected else ())))


def _won() -> CTE:
    """The right to decide next, from the number these openings were weighed at, unless something forbids it by now."""
    mine = (*_OF_LEG, _C.position_side == bindparam("of_leg"), _C.decided == bindparam("seen"))
    forbidden = exists(select(literal(1)).select_from(BLOCKING.subquery("forbidding")))
    more = _C.decided + bindparam("openings", type_=BigInteger)
    return update(t.leg_claims).where(*mine, ~forbidden).values(decided=more).returning(_C.decided).cte("leg")


def _attempts(placed: CTE) -> CTE:
    attempts = given("attempts", *(_R[name] for name in _ATTEMPT))
    kind, open_still = literal(RequestKind.SUBMIT.value, Text), literal(Resolution.NONE.value, _R.resolution.type)
    rows = select(*attempts.c, placed.c.account_id, kind, open_still)
    names = [*_ATTEMPT, "account_id", "kind", "resolution"]
    return insert(t.requests).from_select(names, _of(attempts, placed, rows)).cte("attempt")


def _stops(placed: CTE) -> CTE:
    stops = given("stops", *(_O[name] for name in _ORDER))
    rows = select(*stops.c).join(placed, placed.c.order_id == stops.c.parent_order_id)
    return insert(t.orders).from_select(list(_ORDER), rows).cte("stop")


def _sagas(placed: CTE) -> CTE:
    sagas = given("sagas", *(_S[name] for name in _SAGA))
    rows = select(*sagas.c, _AT, *(literal(value, _S[name].type) for name, value in _PROMISE.items()))
    names = [*_SAGA, "started_at", *_PROMISE]
    return insert(t.sagas).from_select(names, _of(sagas, placed, rows)).cte("saga")


def _of(rows: FromClause, placed: CTE, wanted: Any) -> Any:
    return wanted.select_from(rows.join(placed, placed.c.order_id == rows.c.order_id))


def _count(rows: CTE) -> Any:
    return select(func.count()).select_from(rows).scalar_subquery()


_RECORD = {
    (claimed, protected): _recording(claimed=claimed, protected=protected)
    for claimed in (False, True)
    for protected in (False, True)
}


async def record(
    db: AsyncConnection,
    intents: Sequence[OrderIntent],
    drafts: Sequence[Claimed],
    lease: Lease,
    *,
    leg: tuple[str, int] | None,
) -> Recorded:
    """Store intents with their orders, the one attempt of each and the promises to cover them; all or nothing.

    Args:
        intents: of one run for one symbol, that all open or all reduce.
        drafts: what is to be sent for each, as it is to be stored.
        lease: of the account; nobody takes it over before the transaction ends.
        leg: of the claim they were weighed by: its side and `decided`; None = no claim, for what reduces.
    """
    now = drafts[0].row.created_at
    values: dict[str, Any] = {"of_resource": lease.resource, "by_token": lease.token, "at": now}
    values["account_id"] = intents[0].account_id
    values["intents"] = listed(
        {**msgspec.structs.asdict(intent), "intent_id": one.row.intent_id, "intent_key": intent.key}
        for intent, one in zip(intents, drafts, strict=True)
    )
    values["orders"] = listed(one.row for one in drafts)
    values["attempts"] = listed({**msgspec.structs.asdict(one.attempt), "order_id": one.row.order_id} for one in drafts)
    if leg is not None:
        values |= blocking_values(*intents)
        values |= {"of_leg": leg[0], "seen": leg[1], "openings": len(drafts)}
    stops = [one for one in drafts if one.attached is not None]
    if stops:
        values["stops"] = listed(one.attached for one in stops)
        values["sagas"] = listed(_promise(one) for one in stops)
    (found,) = await _RECORD[leg is not None, bool(stops)].rows(db, **values)
    if not found["held"]:
        return Recorded(fate=Fate.NOT_HELD)
    if not found["won"]:
        return Recorded(fate=Fate.OUTRUN)
    return Recorded(
        fate=Fate.CLAIMED,
        intent_ids=frozenset(found["stored"] or ()),
        credential_version=found["credential_version"],
    )


def _promise(one: Claimed) -> dict[str, Any]:
    """That an entry which fills is covered."""
    row, stop = one.row, one.attached
    assert stop is not None
    return {
        "saga_id": one.saga_id,
        "business_key": f"open:{row.order_id}",
        "user_id": row.user_id,
        "account_id": row.account_id,
        "symbol": row.symbol,
        "order_id": row.order_id,
        "fence_token": one.attempt.fence_token,
        "context": {"stop_order_id": stop.order_id, "trigger": str(stop.trigger)},
    }
