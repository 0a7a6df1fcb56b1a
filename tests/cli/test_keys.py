"""`connect` and `keys`, from the first key to its end; no secret is ever said."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.servers import FreshDatabase
from tests.services.exchange.vault import OKX, Vault, vault, vault_url
from tests.simulator.stage import Venue, open_venue, venue

from tradingboost.app import key_desk
from tradingboost.app.key_desk import Desk
from tradingboost.app.settings import Settings
from tradingboost.cli import connecting
from tradingboost.cli.main import main
from tradingboost.core.errors import InvalidInput, NotFound, Refused
from tradingboost.kit.crypto import KeyRing
from tradingboost.services.users.service import UsersService
from tradingboost.shared.interfaces.users import Act

__all__ = ["open_venue", "venue"]

SETTINGS = Settings()


@pytest.fixture
async def room(
    fresh_database: FreshDatabase, redis_url: str, venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Vault]:
    """The desk asks services of this test instead of an installation."""
    from contextlib import asynccontextmanager

    async with vault(await vault_url(fresh_database), redis_url, venue) as opened:

        @asynccontextmanager
        async def here(settings: Settings) -> AsyncIterator[Desk]:
            yield Desk(opened.users, opened.custody, {})

        @asynccontextmanager
        async def sealing(settings: Settings) -> AsyncIterator[UsersService]:
            yield opened.users

        monkeypatch.setattr(key_desk, "desk", here)
        monkeypatch.setattr(key_desk, "sealing_here", sealing)
        yield opened


async def test_connect_verifies_lists_deletes_and_restores(room: Vault) -> None:
    user = await room.person()
    typed = room.typed(user, await room.keys("700"))
    found = await key_desk.connected(SETTINGS, "alice", typed)
    assert (found.outcome, connecting.judged(found).exit_code) == ("active", 0)
    (one,) = await key_desk.listed(SETTINGS, "alice")
    assert "canary-secret" not in json.dumps(str(one))
    assert await key_desk.shown(SETTINGS, one.credential_id[-8:]) == one
    assert await key_desk.kids(SETTINGS) == ({"k1": 1}, 0)
    ended = await key_desk.deleted(SETTINGS, one.credential_id, Act(by="cli:me", reason="tried"), anyway=False)
    assert ended.status == "deleted"
    assert (await key_desk.restored(SETTINGS, one.credential_id, "cli:me")).outcome == "active"
    with pytest.raises(NotFound, match="keys list"):
        await key_desk.shown(SETTINGS, "nothing")


async def test_refused_keys_end_the_verb_with_the_reason(room: Vault) -> None:
    user = await room.person()
    typed = room.typed(user, await room.keys("701", perm=["read_only", "trade", "withdraw"]))
    found = await key_desk.connected(SETTINGS, "alice", typed)
    with pytest.raises(Refused) as refused:
        connecting.judged(found)
    assert refused.value.code == "withdraw_permission_refused"


async def test_ending_every_key_takes_two(room: Vault) -> None:
    account = await room.connected(await room.person())
    await room.exchange.connect(account)
    first, second = Act(by="cli:one", reason="incident"), Act(by="cli:two", reason="incident")
    proposed = await key_desk.disabled(SETTINGS, "", first)
    assert proposed.proposal
    assert (await room.users.credentials())[0].in_force
    with pytest.raises(Refused, match="Somebody else"):
        await room.users.approve(proposed.proposal, first)
    await room.users.approve(proposed.proposal, second)
    done = await key_desk.disabled(SETTINGS, "", first)
    assert [one.status for one in done.ended] == ["deleted"]
    assert room.exchange.accounts.get(account) is None
    assert (await key_desk.disabled(SETTINGS, OKX, first)).proposal  # a yes is used up


def test_a_made_key_is_one_that_can_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "generate", "--kid", "k7", "--json"]) == 0
    made: dict[str, Any] = json.loads(capsys.readouterr().out)["data"]
    assert made["variable"] == "TB_CRYPTO__KEKS"
    assert KeyRing.parse(made["entry"]).kids == ("k7",)
    assert main(["keys", "generate", "--fernet", "--json"]) == 0
    fernet = json.loads(capsys.readouterr().out)["data"]["entry"]
    with pytest.raises(InvalidInput, match="looks like a Fernet key") as caught:
        KeyRing.parse(fernet)
    assert fernet not in caught.value.message


@pytest.mark.parametrize("line", ["", "no json", '{"api_key": "canary"}', '{"api_key": "canary", "api_secret": 1}'])
def test_what_a_script_gives_in_another_form_is_refused_and_not_repeated(line: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        connecting.typed_fields(line)
    assert "canary" not in caught.value.message


def test_connect_without_anybody_to_ask_says_how_scripts_do_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connect", "okx", "--user", "alice", "--json"]) == 2
    assert "--stdin" in json.loads(capsys.readouterr().out)["error"]["message"]
