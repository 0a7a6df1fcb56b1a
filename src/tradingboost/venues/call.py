"""One raw request as a value: what the client library signs and carries, and adds nothing to."""

from typing import Any, Final

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.shared.interfaces.exchange import AmendOrder, OrderRef


class Call(msgspec.Struct, frozen=True):
    """One request.

    Args:
        api: the client library's name of the address.
        params: everything that is said, by the venue's own names; nothing else leaves but time and signature.
    """

    method: str
    api: tuple[str, ...]
    path: str
    params: dict[str, Any] = {}

    def saying(self, **params: Any) -> "Call":
        """The same with more said."""
        return msgspec.structs.replace(self, params={**self.params, **params})


GET: Final = "GET"
POST: Final = "POST"
PUT: Final = "PUT"
DELETE: Final = "DELETE"


def named(ref: OrderRef, venue_field: str, client_field: str) -> dict[str, str]:
    """The id an order is named by: the venue's where it is known, else ours."""
    if ref.venue_order_id is not None:
        return {venue_field: ref.venue_order_id}
    if ref.client_order_id is not None:
        return {client_field: ref.client_order_id}
    raise InvalidInput("order_without_id", "An order is named by its client id or by the venue's.")


def changes(change: AmendOrder) -> AmendOrder:
    """The same, proven to make sense.

    Raises:
        InvalidInput: it changes nothing, or what such an order does not have.
    """
    if change.ref.is_algo and change.price is not None:
        raise InvalidInput("stop_has_no_price", "A stop-market order has no price; change its trigger.")
    if not change.ref.is_algo and change.trigger is not None:
        raise InvalidInput("order_has_no_trigger", "A plain order has no trigger; change its price.")
    if change.qty is None and change.price is None and change.trigger is None:
        raise InvalidInput("nothing_to_change", "Name a new quantity, price or trigger.")
    return change
