"""A person with settings, on real servers."""

from typing import Any

from sqlalchemy import func, insert, select
from tests.services.exchange.rings import PEPPER, ring
from tests.services.rooms import Room

from tradingboost.core.ids import UserId
from tradingboost.kit.ids import uuid7
from tradingboost.services.exchange.module import data_keys
from tradingboost.services.users import tables as t
from tradingboost.services.users.service import UsersService
from tradingboost.services.users.service.vault import Vault
from tradingboost.services.users.settings import UsersSettings
from tradingboost.shared.interfaces.users.settings import Saved, SaveSetting
from tradingboost.shared.user_settings.addresses import Address, address

PREFERENCES, PARAMS, DUAL_SIDE = address("preferences"), address("params"), address("dual_side")
SCOPE = "okx:BTC-USDT-SWAP"
ON_BTC, GRID = address("params", scope=SCOPE), address("params", "grid")
HEDGE_ON_BTC = address("dual_side", scope=SCOPE)


class SettingDesk:
    """The service, and the words a test needs."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.ring = ring("k1")
        self.service = UsersService(room.context(), Vault(data_keys(self.ring), PEPPER), UsersSettings())

    async def person(self, name: str = "alice") -> UserId:
        user_id = UserId(str(uuid7()))
        now = self.room.clock.now()
        async with self.room.db.transaction() as db:
            row = {"id": user_id, "username": f"{name}-{user_id[-8:]}", "created_at": now, "updated_at": now}
            await db.execute(insert(t.app_users).values(row))
        return user_id

    async def save(self, user_id: UserId, where: Address, version: int | None = None, **changes: Any) -> Saved:
        """Change keys of a document."""
        wish = SaveSetting(where=where, changes=changes, expected_version=version, changed_by=f"user:{user_id}")
        return await self.service.save_setting(user_id, wish)

    async def position(self, user_id: UserId, symbol: str = "BTC-USDT-SWAP", *, is_open: bool = True) -> None:
        """A position was opened, or closed."""
        account = "00000000-0000-7000-8000-00000000000a"
        async with self.room.db.transaction() as db:
            if is_open:
                leg = {"user_id": user_id, "account_id": account, "exchange": "okx", "symbol": symbol}
                await self.service.leg_opened(db, {**leg, "position_side": "long"})
            else:
                await self.service.leg_closed(db, user_id, account, (symbol, "long"))

    async def rows(self, user_id: UserId) -> int:
        """How many versions are stored, of whatever document."""
        mine = t.user_settings.c.user_id == user_id
        async with self.room.db.read() as db:
            return int((await db.execute(select(func.count()).select_from(t.user_settings).where(mine))).scalar_one())
