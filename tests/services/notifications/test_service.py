"""Notifications: one message an event, in plain words, and no more than were asked to be kept."""

from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.builders import ACCOUNT, BTC, RUN, T0, USER, VENUE, D
from tests.services.rooms import Room

from tradingboost.core.ids import ClientOrderId, OrderId, UserId, VenueOrderId
from tradingboost.core.order import PositionSide, Role, Side
from tradingboost.services.notifications.handlers import Handlers
from tradingboost.services.notifications.models import plain, told
from tradingboost.services.notifications.module import build
from tradingboost.services.notifications.service import NotificationsService
from tradingboost.services.notifications.settings import NotificationsSettings
from tradingboost.shared.events.envelope import Event
from tradingboost.shared.events.notifications import NotificationSent
from tradingboost.shared.events.orders import OrderFilled, OrderUnknown
from tradingboost.shared.events.positions import PositionClosed


def a_closing(n: int = 1) -> Event[PositionClosed]:
    payload = PositionClosed(
        user_id=USER,
        account_id=ACCOUNT,
        run_id=RUN,
        exchange=VENUE,
        symbol=BTC,
        position_side=PositionSide.LONG,
        qty=D(0),
        average_price=None,
        realized_quote=D("12.50"),
        fee_quote=D(-1),
        slot=f"tp:{n}",
        at=T0,
    )
    return Event(
        id=UUID(int=n),
        type="position.closed",
        version=1,
        occurred_at=T0,
        key="k",
        aggregate="a",
        seq=n,
        payload=payload,
        correlation_id="c",
        user_id=USER,
    )


def service_of(stage: Room, **settings: object) -> NotificationsService:
    return build(stage.context(), NotificationsSettings.model_validate(settings))[0]


async def hear(stage: Room, service: NotificationsService, *events: Event[PositionClosed]) -> None:
    for event in events:
        async with stage.db.transaction() as db:
            await Handlers(service).heard(db, event)


async def test_an_event_makes_one_message_however_often_it_comes(stage: Room) -> None:
    service = service_of(stage, console=True)
    await hear(stage, service, a_closing(), a_closing())
    (message,) = await service.messages(USER)
    assert message.category == "position"
    assert message.text == "BTC-USDT-SWAP long closed: 12.5 realised by the last fill"
    assert message.created_at == stage.clock.now()
    assert len(await stage.told(NotificationSent)) == 1


async def test_without_a_console_nothing_claims_to_have_been_sent(stage: Room) -> None:
    service = service_of(stage)
    await hear(stage, service, a_closing())
    assert len(await service.messages(USER)) == 1
    assert await stage.told(NotificationSent) == []


async def test_a_person_reads_his_own_messages_newest_first(stage: Room) -> None:
    service = service_of(stage)
    await hear(stage, service, *(a_closing(n) for n in range(1, 4)))
    messages = await service.messages(USER, limit=2)
    assert [message.message_id for message in messages] == sorted((m.message_id for m in messages), reverse=True)
    assert len(messages) == 2
    assert await service.messages(UserId("somebody else")) == []


async def test_the_oldest_messages_are_forgotten_beyond_the_number_kept(stage: Room) -> None:
    service = service_of(stage, keep_per_user=100)
    await hear(stage, service, *(a_closing(n) for n in range(1, 104)))
    kept = await service.messages(USER, limit=1000)
    assert len(kept) == 100
    assert kept == sorted(kept, key=lambda message: message.message_id, reverse=True)


async def test_an_event_of_nobody_is_told_to_nobody(stage: Room) -> None:
    service = service_of(stage)
    nobody = a_closing()
    await hear(
        stage, service, Event(**{name: getattr(nobody, name) for name in nobody.__struct_fields__} | {"user_id": None})
    )
    assert await service.messages(USER) == []


@pytest.mark.parametrize(
    ("amount", "text"),
    [(D("1E+3"), "1000"), (D("0.10"), "0.1"), (D("12"), "12"), (D("-0.000000010"), "-0.00000001"), (None, "-")],
)
def test_a_number_is_written_as_a_person_writes_it(amount: Decimal | None, text: str) -> None:
    assert plain(amount) == text


def test_an_unknown_order_is_an_alarm() -> None:
    payload = OrderUnknown(order_id=OrderId("o"), account_id=ACCOUNT, user_id=USER, symbol=BTC, since=T0)
    category, sentence = told(payload)
    assert category == "alarm"
    assert "a reply was lost" in sentence


@pytest.mark.parametrize("seed", range(5))
async def test_trap_notices_come_doubled_or_a_take_profit_is_called_a_close_by_hand(stage: Room, seed: int) -> None:
    """Whatever order the bus brings them in, each becomes one message that names its own slot."""
    service = service_of(stage)
    events: list[Event[Any]] = [*(a_fill_of(n) for n in (1, 2, 3)), a_closing(4)]
    brought = events * 2
    Random(seed).shuffle(brought)
    for event in brought:
        async with stage.db.transaction() as db:
            await Handlers(service).heard(db, event)
        stage.clock.advance(1)
    texts = sorted(message.text for message in await service.messages(USER))
    assert texts == [
        "BTC-USDT-SWAP long closed: 12.5 realised by the last fill",
        *(f"BTC-USDT-SWAP tp:{n}: sell 0.1 at {50_000 + n}" for n in (1, 2, 3)),
    ]


def a_fill_of(level: int) -> Event[OrderFilled]:
    """A take-profit matched."""
    payload = OrderFilled(
        order_id=OrderId(f"o{level}"),
        client_order_id=ClientOrderId("c"),
        user_id=USER,
        account_id=ACCOUNT,
        run_id=RUN,
        exchange=VENUE,
        symbol=BTC,
        slot=f"tp:{level}",
        role=Role.TAKE_PROFIT,
        side=Side.SELL,
        position_side=PositionSide.LONG,
        qty=D("0.1"),
        reason="",
        left=D(0),
        at=T0,
        event_type="fill",
        fill_id=f"f{level}",
        filled_qty=D("0.1"),
        fill_price=D(50_000 + level),
        contract_size=D("0.01"),
        commission=D("-0.1"),
        fee_currency="USDT",
        liquidity="maker",
        cumulative_qty=D("0.1"),
        last_price=D(50_000),
        timestamp=T0,
        venue_order_id=VenueOrderId("v"),
        trade_id=f"t{level}",
    )
    told_as: Event[Any] = a_closing(level)
    return msgspec.structs.replace(told_as, type="order.filled", payload=payload)
