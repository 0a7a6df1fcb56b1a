"""What `users` hears of positions and runs, as the bus brings it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from tests.services.rooms import Room
from tests.services.users.setting_desk import PARAMS, SCOPE, SettingDesk

from tradingboost.core.errors import Conflict
from tradingboost.core.ids import AccountId, RunId, Symbol, UserId, Venue
from tradingboost.core.market import Timeframe
from tradingboost.core.money import ZERO
from tradingboost.core.order import PositionSide
from tradingboost.kit.inbox import Inbox
from tradingboost.services.users.handlers import Handlers
from tradingboost.shared.events.envelope import Event, Payload, spec_of
from tradingboost.shared.events.positions import PositionClosed, PositionOpened
from tradingboost.shared.events.strategy import RunStarted, RunStopped
from tradingboost.shared.interfaces.users.presets import NewPreset

AT = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT, RUN = AccountId("00000000-0000-7000-8000-00000000000a"), RunId("00000000-0000-7000-8000-0000000000f1")


@pytest.fixture
def desk(stage: Room) -> SettingDesk:
    return SettingDesk(stage)


async def tell(desk: SettingDesk, payload: Payload, number: int) -> None:
    """A fact arrives, twice."""
    event: Event[Any] = Event(
        id=UUID(int=number),
        type=spec_of(type(payload)).type,
        version=1,
        occurred_at=AT,
        key="k",
        aggregate="a",
        seq=1,
        payload=payload,
        correlation_id="c",
    )
    for one in Handlers(desk.service).subscriptions():
        if type(payload) in one.handlers:
            inbox = Inbox(desk.room.db, one.group, one.stream, [spec_of(cls).type for cls in one.handlers])
            for _ in range(2):
                await inbox.handle([(event, one.handlers[type(payload)])])


def a_leg(user_id: UserId, side: PositionSide) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "account_id": ACCOUNT,
        "run_id": RUN,
        "exchange": Venue("okx"),
        "symbol": Symbol("BTC-USDT-SWAP"),
        "position_side": side,
        "qty": ZERO,
        "average_price": None,
        "realized_quote": ZERO,
        "fee_quote": ZERO,
        "slot": "entry",
        "at": AT,
    }


async def test_a_position_holds_locked_keys_until_its_last_leg_is_closed(desk: SettingDesk) -> None:
    alice = await desk.person()
    main, hedge = a_leg(alice, PositionSide.LONG), a_leg(alice, PositionSide.SHORT)
    await tell(desk, PositionOpened(**main), 1)
    await tell(desk, PositionOpened(**hedge), 2)
    await tell(desk, PositionClosed(**main), 3)
    with pytest.raises(Conflict, match="locked_while_active"):
        await desk.save(alice, PARAMS, 0, leverage=5)
    await tell(desk, PositionClosed(**hedge), 4)
    assert (await desk.save(alice, PARAMS, 0, leverage=5)).saved


async def test_a_run_holds_its_preset_until_it_is_stopped(desk: SettingDesk) -> None:
    alice = await desk.person()
    preset = await desk.service.create_preset(alice, NewPreset(name="calm", changed_by="test"))
    run: dict[str, Any] = {
        "run_id": RUN,
        "user_id": alice,
        "account_id": ACCOUNT,
        "strategy": "hyperrsi",
        "exchange": Venue("okx"),
        "symbol": Symbol(SCOPE.partition(":")[2]),
        "timeframe": Timeframe.M1,
        "reason": "",
    }
    await tell(desk, RunStarted(**run, settings_version=1, preset_id=preset.preset_id), 1)
    with pytest.raises(Conflict, match="1 active runs carry calm"):
        await desk.service.delete_preset(alice, "calm", "test")
    await tell(desk, RunStopped(**run), 2)
    assert (await desk.service.delete_preset(alice, "calm", "test")).name == "calm"
