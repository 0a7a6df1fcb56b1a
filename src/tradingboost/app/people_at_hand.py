"""The people of an installation, looked after from outside of it, whether its platform runs or not."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from tradingboost.app.look import platform_at_rest
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import UserId
from tradingboost.shared.interfaces.users import Users

T = TypeVar("T")


@asynccontextmanager
async def users_at_hand(settings: Settings) -> AsyncIterator[Users]:
    """The service on the installation's own servers; what it tells is published by the platform that runs."""
    async with platform_at_rest(settings) as built:
        yield built.users


async def for_user(settings: Settings, who: str, work: Callable[[Users, UserId], Awaitable[T]]) -> T:
    """Do something with the settings of one person.

    Args:
        who: any identifier; empty where there is one person only.

    Raises:
        InvalidInput: `user_needed`; NotFound: `user_not_found`.
    """
    async with users_at_hand(settings) as users:
        return await work(users, await users.resolve(who) if who else await _only(users))


async def _only(users: Users) -> UserId:
    everybody = await users.people(2)
    if len(everybody) == 1:
        return everybody[0].user_id
    text = "There is nobody yet; add somebody first." if not everybody else "Say whose settings are meant with --user."
    raise InvalidInput("user_needed", text)
