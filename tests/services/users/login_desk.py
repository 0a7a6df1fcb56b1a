"""People with passwords, sessions and second factors; a hash takes next to no work unless a test is about that."""

from typing import Any

import pyotp
from argon2 import PasswordHasher
from sqlalchemy import text
from tests.services.rooms import Room

from tradingboost.core.ids import UserId
from tradingboost.kit.access_token import AccessKeys
from tradingboost.kit.crypto import KeyRing, Secret
from tradingboost.kit.passwords import LEAST_MEMORY_KIB
from tradingboost.services.exchange.module import data_keys
from tradingboost.services.users.module import auth, build
from tradingboost.services.users.service import UsersService
from tradingboost.services.users.settings import AuthSettings, UsersSettings
from tradingboost.shared.interfaces.users import Act, Caller, Login, Registration, Tokens

PASSWORD = "copper lantern 41 violin"
ACT = Act(by="cli:tests", reason="a test needs it")
KEYS = AccessKeys.of_this_process()


class Desk:
    """A service with logins, and people of it."""

    def __init__(self, stage: Room, *, slow: bool = False, **settings: Any) -> None:
        self.slow = slow
        self.stage = stage
        self.clock = stage.clock
        self.ring = KeyRing({"l1": Secret(bytes(range(32)))})
        self.users = self.process(**settings)

    def process(self, registration: str = "open", **changes: Any) -> UsersService:
        """Another process of the same installation."""
        chosen = AuthSettings(argon2_memory_kib=LEAST_MEMORY_KIB, **changes)
        keys = data_keys(KeyRing({"k1": Secret(bytes(32 * [7]))}))
        users = UsersSettings.model_validate({"registration": registration})
        made = auth(chosen, KEYS, self.ring)
        if not self.slow:
            made.passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        return build(self.stage.context(), keys, Secret(b"p" * 32), users, made)[0]

    async def person(self, name: str = "alice", password: str = PASSWORD, role: str = "user") -> UserId:
        user = await self.users.add_user(Registration(username=name, password=password), role, ACT)
        return user.user_id

    async def login(self, name: str = "alice", password: str = PASSWORD, **more: str) -> Tokens:
        return await self.users.login(Login(name=name, password=password, **more))

    async def caller(self, tokens: Tokens, step_up: str = "") -> Caller:
        return await self.users.authenticate(tokens.access_token, step_up=step_up)

    async def with_totp(self, user_id: UserId, password: str = PASSWORD) -> tuple[pyotp.TOTP, list[str]]:
        """The person's authenticator and recovery codes; the clock stands a step later than the first code."""
        begun = await self.users.enrol_totp(user_id, password)
        device = pyotp.TOTP(begun.secret)
        codes = await self.users.confirm_totp(user_id, self.code(device))
        self.clock.advance(30)
        return device, codes

    def code(self, device: pyotp.TOTP, steps: int = 0) -> str:
        """What the authenticator shows, or showed or will show."""
        return device.at(int(self.clock.now().timestamp()) + 30 * steps)

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table of `users`, whatever it is."""
        statement = text(f"SELECT to_jsonb(t) AS row FROM users.{table} t")  # the test's own names
        async with self.stage.db.read() as db:
            return list((await db.execute(statement)).scalars())

    async def trail(self, user_id: UserId | None) -> list[str]:
        """Actions of a person's audit trail, oldest first."""
        stream = f"user:{user_id}" if user_id else "platform"
        statement = text("SELECT action FROM audit.events WHERE stream = :stream ORDER BY seq")
        async with self.stage.db.read() as db:
            return list((await db.execute(statement, {"stream": stream})).scalars())
