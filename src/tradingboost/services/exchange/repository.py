"""All SQL of `exchange`."""

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, ClientOrderId, OrderId, Symbol, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.kit.hot import Hot
from tradingboost.services.exchange import tables as t

_CLAIM = Hot(
    insert(t.sent).on_conflict_do_nothing(index_elements=[t.sent.c.cl_ord_id]).returning(t.sent.c.cl_ord_id),
    *("cl_ord_id", "account_id", "order_id"),
)


async def claim(db: AsyncConnection, client_order_id: ClientOrderId, account_id: AccountId, order_id: OrderId) -> bool:
    """Take the right to send an id, for ever; False when it was taken before."""
    return await _CLAIM.first(db, cl_ord_id=client_order_id, account_id=account_id, order_id=order_id) is not None


async def keep_rules(db: AsyncConnection, instrument: Instrument, now: datetime) -> None:
    """Remember how a symbol is listed."""
    values = {
        "venue": instrument.venue,
        "symbol": instrument.symbol,
        "rules": msgspec.to_builtins(instrument),
        "seen_at": now,
    }
    statement = insert(t.instruments).values(values)
    newer = {name: statement.excluded[name] for name in ("rules", "seen_at")}
    await db.execute(statement.on_conflict_do_update(constraint=t.instruments.primary_key, set_=newer))


async def kept_rules(db: AsyncConnection, venue: Venue, symbol: Symbol) -> Instrument | None:
    """As it was listed the last time anybody asked."""
    i = t.instruments.c
    row = (await db.execute(select(i.rules).where(i.venue == venue, i.symbol == symbol))).first()
    return None if row is None else msgspec.convert(row.rules, Instrument)


async def trade_under(db: AsyncConnection, account_id: AccountId, symbol: Symbol, terms: str, now: datetime) -> None:
    """Sizes on this symbol are made for these terms from now on."""
    values = {"account_id": account_id, "symbol": symbol, "terms": terms, "since": now}
    statement = insert(t.traded).values(values)
    newer = {name: statement.excluded[name] for name in ("terms", "since")}
    await db.execute(statement.on_conflict_do_update(constraint=t.traded.primary_key, set_=newer))


async def traded(db: AsyncConnection, account_id: AccountId) -> dict[Symbol, str]:
    """The terms an account trades its symbols under."""
    rows = await db.execute(select(t.traded.c.symbol, t.traded.c.terms).where(t.traded.c.account_id == account_id))
    return {Symbol(row.symbol): row.terms for row in rows}
