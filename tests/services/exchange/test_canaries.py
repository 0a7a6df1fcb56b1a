"""Secrets are pushed through every path there is, and found nowhere but as ciphertext."""

import base64
import io
import json
import logging
import traceback
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import structlog
from sqlalchemy import text
from tests.servers import FreshDatabase
from tests.services.exchange.rings import ring
from tests.services.exchange.stage import order
from tests.services.exchange.vault import OKX, Vault, vault, vault_url
from tests.simulator.stage import Venue, open_venue, venue

from tradingboost.core.errors import TradingBoostError
from tradingboost.kit import audit
from tradingboost.kit import logging as kit_logging
from tradingboost.kit.redact import Redactor
from tradingboost.kit.settings import LogSettings
from tradingboost.services.exchange.service.credentials import Purpose, opened
from tradingboost.shared.interfaces.users import ImportCredential

__all__ = ["open_venue", "venue"]


@pytest.fixture
async def room(fresh_database: FreshDatabase, redis_url: str, venue: Venue) -> AsyncIterator[Vault]:
    async with vault(await vault_url(fresh_database), redis_url, venue) as opened:
        yield opened


def forms(secret: str) -> set[str]:
    """Every spelling a secret could hide in."""
    raw = secret.encode()
    plain = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], raw.hex(), secret[::-1], secret[:12]}
    return plain | {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}


async def every_row(room: Vault) -> str:
    """Every column of every table of every schema, as text."""
    found = []
    async with room.database.read() as db:
        names = await db.execute(
            text(
                "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
                " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
            )
        )
        for name in names.scalars().all():
            rows = await db.execute(text(f"SELECT to_jsonb(r)::text FROM {name} r"))  # the catalogue's own names
            found += [str(row) for row in rows.scalars()]
    return "\n".join(found)


async def every_key(room: Vault) -> str:
    """Every key of Redis with its value."""
    found = []
    async with room.redis.context("slow") as client:
        async for key in client.scan_iter():
            kind: Any = await client.type(key)
            value: Any = await client.hgetall(key) if kind == b"hash" else await client.dump(key)
            found.append(f"{key!r} {value!r}")
    return "\n".join(found)


def crashing(secret: str) -> None:
    raise RuntimeError(f"crashed with {secret} in its message")


async def failing(room: Vault, secrets: list[str]) -> list[str]:
    """Errors with secrets around them; what each says."""
    user = await room.person("bob")
    keys = await room.keys("811")
    said = []
    attempts = [
        room.typed(user, keys, api_secret=secrets[3]),
        room.typed(user, keys, passphrase=secrets[4]),
        room.typed(user, keys, api_key="changeme"),
        room.typed(user, keys, venue="kraken"),
        room.typed(user, keys, environment="moon"),
        room.typed(user, keys, endpoint_rest="http://127.0.0.1:9", endpoint_ws="ws://127.0.0.1:9"),
    ]
    for typed in attempts:
        try:
            stored = await room.users.store_credential(typed)
            told = await room.custody.verify(stored.credential_id)
            said.append(repr(told))
        except TradingBoostError as error:
            structlog.get_logger("test").exception("registration_failed", request=typed)
            said += [str(error), repr(error.details), traceback.format_exc()]
    for secret in secrets[:2]:
        try:
            crashing(secret)
        except RuntimeError:
            structlog.get_logger("test").exception("crashed", api_secret=secret, note=f"value {secret}")
            logging.getLogger("some.library").exception("crashed with %s", secret)
    return said


async def test_trap_one_path_stores_plaintext_though_another_seals(
    room: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = io.StringIO()
    kit_logging.configure("test", LogSettings(level="debug"), lines)
    keys, more, legacy = await room.keys("801"), room.more_keys("801"), room.more_keys("801", 3)
    secrets = [keys.key, keys.secret, keys.passphrase, "canary-wrong-secret-5e7a", "canary-wrong-phrase-91cd"]
    secrets += [more.key, more.secret, legacy.key, legacy.secret]

    alice = await room.person()
    typed = room.typed(alice, keys)
    structlog.get_logger("test").info("typed", request=typed)
    stored = await room.users.store_credential(typed)
    account = (await room.custody.verify(stored.credential_id)).credential.account_id
    await room.exchange.connect(account)
    await room.exchange.place(order("SACANARY", account_id=account))
    held = await room.exchange.accounts.opener.open(account, Purpose.ENTRY)
    structlog.get_logger("test").info("opened", keys=held, sealed=held.keys)

    replaced = await room.users.store_credential(room.typed(alice, more, account_id=account))
    await room.custody.verify(replaced.credential_id)
    old = ImportCredential(
        user_id=alice,
        venue=OKX,
        exchange_uid="801",
        environment="simulated",
        api_key=legacy.key,
        api_secret=legacy.secret,
        passphrase=legacy.passphrase,
        overwrite=True,
    )
    imported = await room.users.import_credential(old)
    assert (imported.outcome, imported.credential.status) == ("stored", "unverified")
    assert (await room.users.import_credential(old)).outcome == "equal"
    said = await failing(room, secrets)

    monkeypatch.setattr(kit_logging, "_redactor", Redactor())  # as in a process that sealed none of them
    opened(await room.users.account(account), await room.users.sealed_version(replaced.credential_id), ring("k1"))
    assert kit_logging.redact(f"broke with {more.key} and {more.secret}") == "broke with *** and ***"
    monkeypatch.undo()

    async with room.database.transaction() as db:
        details = {"note": f"typed {keys.secret}", "api_secret": keys.secret}
        await audit.append(db, "test.tried", actor="test", at=room.clock.now(), user_id=alice, details=details)
    shown = [msgspec.json.encode(one).decode() for one in await room.users.credentials()]
    await room.custody.review()
    assert (await room.users.credential(imported.credential.credential_id)).in_force
    await room.custody.end_credential(imported.credential.credential_id, "test", "user:alice")
    await room.custody.bring_back(imported.credential.credential_id, "user:alice")

    sinks = {
        "tables": await every_row(room),
        "redis": await every_key(room),
        "log": lines.getvalue(),
        "errors": "\n".join(said),
        "views": "\n".join(shown) + repr(typed) + repr(old) + repr(held) + repr(held.sealed),
    }
    assert "credential.saved" in sinks["log"]
    assert "tb1.k1." in sinks["tables"]
    assert "tb1.k1." in sinks["redis"]
    leaks = [
        (sink, secret[:8], form[:6])
        for sink, content in sinks.items()
        for secret in secrets
        for form in forms(secret)
        if form in content
    ]
    assert leaks == []
