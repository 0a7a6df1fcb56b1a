"""All SQL of `exchange`."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, ClientOrderId, OrderId
from tradingboost.kit.hot import Hot
from tradingboost.services.exchange import tables as t

_CLAIM = Hot(
    insert(t.sent).on_conflict_do_nothing(index_elements=[t.sent.c.cl_ord_id]).returning(t.sent.c.cl_ord_id),
    *("cl_ord_id", "account_id", "order_id"),
)


async def claim(db: AsyncConnection, client_order_id: ClientOrderId, account_id: AccountId, order_id: OrderId) -> bool:
    """Take the right to send an id, for ever; False when it was taken before."""
    return await _CLAIM.first(db, cl_ord_id=client_order_id, account_id=account_id, order_id=order_id) is not None
