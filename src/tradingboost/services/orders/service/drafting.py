"""What an order is before anybody has heard of it: the row, its one attempt, the stop that travels along."""

from datetime import datetime, timedelta

import msgspec

from tradingboost.core.client_id import IdKeys
from tradingboost.core.ids import OrderId
from tradingboost.core.instrument import Instrument
from tradingboost.core.order import OrderIntent, OrderStatus, OrderType, Role, beside, second_leg
from tradingboost.kit.context import Context
from tradingboost.services.orders.models import Attempt, Claimed, OrderRow
from tradingboost.services.orders.service import telling
from tradingboost.services.orders.settings import OrdersSettings
from tradingboost.shared.interfaces.exchange import PlaceOrder

_PROTECTION = "protection"
"""The reason the stop audit and the sagas give: something is held without a stop, so this goes first."""


class Drafter:
    """Writes intents out as the rows they become."""

    def __init__(self, context: Context, id_keys: IdKeys, settings: OrdersSettings) -> None:
        self._clock = context.clock
        self._ids = context.ids
        self._id_keys = id_keys
        self._settings = settings

    def draft(self, intent: OrderIntent, instrument: Instrument, token: int) -> Claimed:
        """An order, its attempt under the lease with this token, and the stop that travels with it."""
        now = self._clock.now()
        row = self.row(str(self._ids.uuid7()), intent, instrument, now)
        attached = self._attached(row, intent, now)
        saga_id = str(self._ids.uuid7()) if attached is not None else ""
        return Claimed(row=row, attached=attached, attempt=self._attempt(now, token), saga_id=saga_id)

    def _attempt(self, now: datetime, token: int) -> Attempt:
        return Attempt(  # lint: skip order-retries -- the record of the one attempt, nothing repeats
            request_id=str(self._ids.uuid7()),
            sent_at=now,
            expires_at=now + timedelta(seconds=self._settings.submit_deadline_s),
            fence_token=token,
        )

    def row(self, intent_id: str, intent: OrderIntent, instrument: Instrument, now: datetime) -> OrderRow:
        """An order nothing was done about yet."""
        triggered = intent.type.is_trigger
        return OrderRow(
            order_id=OrderId(str(self._ids.uuid7())),
            intent_id=intent_id,
            origin="INTENT",
            parent_order_id=None,
            user_id=intent.user_id,
            account_id=intent.account_id,
            run_id=intent.run_id,
            exchange=intent.venue,
            symbol=intent.symbol,
            slot=intent.slot,
            role=intent.role,
            side=intent.side,
            position_side=intent.position_side,
            type=intent.type,
            is_algo=triggered,
            reduce_only=intent.reduce_only,
            qty=intent.qty,
            lot=instrument.lot,
            contract_size=instrument.contract_size,
            price=intent.price,
            trigger=intent.trigger if triggered else None,
            attached_stop=None if triggered else intent.trigger,
            reference_price=intent.reference_price,
            reason=intent.reason,
            cl_ord_id=self._id_keys.sign(intent.key, intent.venue, intent.account_id),
            id_tag_valid=True,
            venue_order_id=None,
            status=OrderStatus.NEW,
            created_at=now,
        )

    def _attached(self, parent: OrderRow, intent: OrderIntent, now: datetime) -> OrderRow | None:
        """The stop that travels with an entry; the venue arms it when the entry is completely filled."""
        if parent.attached_stop is None or parent.role is not Role.OPENING:
            return None
        key = msgspec.structs.replace(intent, slot=f"{intent.slot}/sl").key  # entries of one bar have a stop each
        return msgspec.structs.replace(
            parent,
            order_id=OrderId(str(self._ids.uuid7())),
            intent_id=None,
            origin="ATTACHED",
            parent_order_id=parent.order_id,
            slot=beside(parent.slot, "sl"),
            role=Role.STOP,
            side=telling.opposite(parent.side),
            type=OrderType.STOP,
            is_algo=True,
            reduce_only=True,
            price=None,
            trigger=parent.attached_stop,
            attached_stop=None,
            reason="attached to the entry",
            cl_ord_id=self._id_keys.sign(key, intent.venue, intent.account_id),
            created_at=now,
        )


def request(claimed: Claimed, journal_seq: int | None = None) -> PlaceOrder:
    """What is handed to the venue."""
    row, attached = claimed.row, claimed.attached
    assert row.cl_ord_id is not None
    return PlaceOrder(
        account_id=row.account_id,
        order_id=row.order_id,
        client_order_id=row.cl_ord_id,
        symbol=row.symbol,
        side=row.side,
        position_side=row.position_side,
        type=row.type,
        qty=row.qty,
        price=row.price,
        trigger=row.trigger,
        reduce_only=row.reduce_only,
        attached_stop=row.attached_stop,
        attached_client_order_id=attached.cl_ord_id if attached else None,
        margin_mode="cross",
        expires_at=claimed.attempt.expires_at,
        fence_token=claimed.attempt.fence_token,
        credential_version=claimed.credential_version,
        second_leg=second_leg(row.slot),
        journal_seq=journal_seq,
        urgent=row.reason == _PROTECTION,
    )
