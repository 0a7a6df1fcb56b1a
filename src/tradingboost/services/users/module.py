"""The plug of `users`."""

import asyncio
from functools import partial

from tradingboost.kit.access_token import AccessKeys
from tradingboost.kit.bus import Bus
from tradingboost.kit.context import Context
from tradingboost.kit.crypto import KeyRing, Secret
from tradingboost.kit.loops import carried
from tradingboost.kit.runtime import Module, Worker
from tradingboost.services.users import api
from tradingboost.services.users.handlers import Handlers
from tradingboost.services.users.service import UsersService
from tradingboost.services.users.service.auth import Auth
from tradingboost.services.users.service.vault import Vault
from tradingboost.services.users.settings import AuthSettings, UsersSettings
from tradingboost.services.users.workers import retire_versions, sweep_logins
from tradingboost.shared.interfaces.data_keys import DataKeys
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies import names


def auth(settings: AuthSettings, keys: AccessKeys, ring: KeyRing) -> Auth:
    """What logins stand on, with the installation's own keys."""
    return Auth.of(settings, keys, ring)


def build(
    context: Context, data_keys: DataKeys, pepper: Secret, settings: UsersSettings, auth: Auth | None = None
) -> tuple[UsersService, Module]:
    """The service and what keeps it running; without `auth` its logins end with the process."""
    service = UsersService(context, Vault(data_keys, pepper), settings, auth)
    bus = Bus(context.db, context.redis, Handlers(service).subscriptions(), instance=context.instance)
    workers = [
        carried("listen", bus.run, bus.stop),
        Worker("retention", partial(retire_versions, service)),
        Worker("logins", partial(sweep_logins, service)),
    ]
    return service, Module("users", start=[load_schemas], workers=workers, routers=[api.router(service)])


async def load_schemas() -> None:
    """Load the strategies' schemas before the first save, beside the other loops: it takes a second."""
    await asyncio.to_thread(lambda: [strategy_named(name) for name in names()])
