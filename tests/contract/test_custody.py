"""Sealing in one process and opening in another: the promises beside `exchange`, over the bridge."""

import inspect
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.servers import FreshDatabase
from tests.services.exchange.rings import PEPPER, ring
from tests.services.rooms import room

from tradingboost.core.ids import Venue
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.contracts import methods_of
from tradingboost.kit.crypto import Binding, KeyRing
from tradingboost.kit.remote import Bridge, serve
from tradingboost.kit.service_token import ServiceAuth
from tradingboost.services.exchange.module import data_keys
from tradingboost.services.exchange.service.verifying import Custodian
from tradingboost.services.users.module import build
from tradingboost.services.users.settings import UsersSettings
from tradingboost.shared.interfaces.custody import Custody
from tradingboost.shared.interfaces.data_keys import DataKeys
from tradingboost.shared.interfaces.users import SealedCredential, StoreCredential


def opened(key_ring: KeyRing, sealed: SealedCredential) -> str:
    binding = Binding(UUID(sealed.user_id), UUID(sealed.credential_id), sealed.venue, sealed.version)
    return key_ring.unwrap(sealed.data_key, binding).open("api_secret", sealed.fields["api_secret"]).reveal_text()


def test_the_custodian_keeps_every_promise() -> None:
    for method in methods_of(Custody).values():
        promised, kept = (inspect.signature(getattr(one, method.name)) for one in (Custody, Custodian))
        assert kept.parameters.keys() == promised.parameters.keys(), method.name


async def test_users_seal_with_data_keys_of_another_process_which_alone_opens(
    fresh_database: FreshDatabase, redis_url: str, fake_clock: FakeClock
) -> None:
    async with room(fresh_database, redis_url, fake_clock, "users") as stage:
        auth = ServiceAuth("tests", Ed25519PrivateKey.generate())
        server = await serve({DataKeys: data_keys(ring("k1"))}, 0, auth)
        bridge = Bridge(auth)
        try:
            keys: DataKeys = bridge.connect(DataKeys, f"127.0.0.1:{server.port}")
            users, _ = build(stage.context(), keys, PEPPER, UsersSettings())
            user = (await users.create_user("alice")).user_id
            typed = StoreCredential(
                user_id=user,
                venue=Venue("okx"),
                environment="live",
                label="main",
                api_key="canary-key-0001",
                api_secret="canary-secret-0001",
                passphrase="canary-phrase",
            )
            stored = await users.store_credential(typed)
        finally:
            await bridge.close()
            await server.stop()
        sealed = await users.sealed_version(stored.credential_id)
        assert opened(ring("k1"), sealed) == "canary-secret-0001"
        assert "canary" not in repr(sealed)
