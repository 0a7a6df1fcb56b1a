"""Requests whose record is a line of a journal instead of a row, because the database is away.

Only what covers or reduces may come this way, each id once, and never below a token that was seen here: whoever has a
higher one holds the account now.
"""

from typing import Final

from tradingboost.core.errors import Conflict, Refused
from tradingboost.core.ids import AccountId, ClientOrderId
from tradingboost.shared.interfaces.exchange import PlaceOrder

_MOST: Final = 10_000


class Emergency:
    """What this process remembers in place of `exchange.sent`."""

    def __init__(self) -> None:
        self._newest: dict[AccountId, int] = {}
        self._sent: dict[ClientOrderId, None] = {}

    def saw(self, request: PlaceOrder) -> None:
        """An ordinary request came by with this token."""
        self._newest[request.account_id] = max(self._newest.get(request.account_id, 0), request.fence_token)

    def claim(self, request: PlaceOrder) -> None:
        """Take the right to send a journaled request.

        Raises:
            Refused: `emergency_opens`, or `lease_superseded`; nothing was sent.
            Conflict: `already_sent`.
        """
        if not request.reduce_only or request.attached_stop is not None:
            raise Refused("emergency_opens", "Without the database only covering and reducing requests are sent.")
        if request.fence_token < self._newest.get(request.account_id, 0):
            raise Refused("lease_superseded", "Another process has taken the account over; stop acting for it.")
        if request.client_order_id in self._sent:
            raise Conflict("already_sent", "This client order id was handed to the venue before.")
        self._sent[request.client_order_id] = None
        if len(self._sent) > _MOST:
            del self._sent[next(iter(self._sent))]
