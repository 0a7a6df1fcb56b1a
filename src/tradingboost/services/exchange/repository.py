"""All SQL of `exchange`."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, ClientOrderId, Symbol, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.kit.given import listed
from tradingboost.kit.hot import Hot
from tradingboost.services.exchange import tables as t
from tradingboost.shared.interfaces.exchange import PlaceOrder

# The floor is raised before other keys come into force, so what is claimed here was claimed before they did.
_CLAIM = Hot(
    text(
        """
        INSERT INTO exchange.sent (cl_ord_id, account_id, order_id, credential_id, credential_version)
        SELECT request.client_order_id, CAST(:account_id AS text), request.order_id,
               CAST(:credential_id AS text), CAST(:version AS integer)
        FROM json_to_recordset(CAST(CAST(:requests AS text) AS json)) AS request (client_order_id text, order_id text)
        WHERE CAST(:reduces AS boolean) OR NOT EXISTS (
            SELECT FROM exchange.key_floors AS f
            WHERE f.account_id = CAST(:account_id AS text) AND f.version > CAST(:version AS integer)
        )
        ON CONFLICT (cl_ord_id) DO NOTHING
        RETURNING cl_ord_id
        """
    )
)


async def claim(
    db: AsyncConnection, requests: Sequence[PlaceOrder], credential_id: str, version: int
) -> set[ClientOrderId]:
    """Take the right to send ids of one account, for ever.

    Args:
        requests: that all open or all reduce.

    Returns:
        Those that may go; the others were taken before, or these keys may not sign openings.
    """
    ids = [{"client_order_id": one.client_order_id, "order_id": one.order_id} for one in requests]
    taken = await _CLAIM.rows(
        db,
        requests=listed(ids),
        account_id=requests[0].account_id,
        credential_id=credential_id,
        version=version,
        reduces=requests[0].reduce_only,
    )
    return {ClientOrderId(row["cl_ord_id"]) for row in taken}


async def was_sent(db: AsyncConnection, client_order_id: ClientOrderId) -> bool:
    """Whether an id was used up."""
    statement = select(t.sent.c.cl_ord_id).where(t.sent.c.cl_ord_id == client_order_id)
    return (await db.execute(statement)).first() is not None


async def set_floor(db: AsyncConnection, account_id: AccountId, version: int, now: datetime) -> None:
    """From its commit on keys below this version sign no opening of the account."""
    statement = insert(t.key_floors).values(account_id=account_id, version=version, since=now)
    newer = {name: statement.excluded[name] for name in ("version", "since")}
    await db.execute(statement.on_conflict_do_update(constraint=t.key_floors.primary_key, set_=newer))


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
