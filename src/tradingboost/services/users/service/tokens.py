"""The token of a signal bot: whoever writes it among the settings has it sealed, and the document says so instead.

There is one for a person, sealed under the oldest account. It ends at once when another one takes its place; one that
is taken away can be brought back for a day. Nobody asks an exchange about it.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, InvalidInput, NotFound
from tradingboost.core.ids import UserId
from tradingboost.kit.crypto import fingerprint
from tradingboost.kit.ids import is_uuid
from tradingboost.kit.logging import register_secret
from tradingboost.services.users.repository import credentials as store
from tradingboost.services.users.repository import settings as documents
from tradingboost.services.users.service.saving import Saver
from tradingboost.services.users.service.sealing import Sealing
from tradingboost.services.users.service.setting_cache import SettingCache
from tradingboost.services.users.service.shape import shaped_token
from tradingboost.shared.interfaces.users.settings import Saved, SaveSetting
from tradingboost.shared.user_settings.addresses import SettingType, address
from tradingboost.shared.user_settings.documents import SEALED, SECRET

HOME: Final = address(SettingType.PARAMS, "hyperrsi")
"""The only document a token may be written into."""

log = structlog.get_logger(__name__)


class TokenChange(msgspec.Struct, frozen=True):
    """What a save does to the token.

    Args:
        columns: the row to store; empty = the one in force ends.
    """

    columns: dict[str, Any]
    actor: str


class Tokens(Sealing):
    """What saving settings does about the token, and what becomes of the settings when it ends otherwise."""

    @cached_property
    def _setting_cache(self) -> SettingCache:
        return SettingCache(self._context.caches)

    @cached_property
    def _saver(self) -> Saver:
        return Saver(self._clock, self._ids, self._setting_cache)

    async def _sealed_out(
        self, user_id: UserId, wishes: Sequence[SaveSetting]
    ) -> tuple[list[SaveSetting], TokenChange | None]:
        """The wishes without any token in the clear, and what becomes of the token; nothing is stored yet."""
        rest: list[SaveSetting] = []
        change: TokenChange | None = None
        for wish in wishes:
            if wish.where != HOME or SECRET not in wish.changes:
                rest.append(wish)
                continue
            given = wish.changes[SECRET]
            others = {key: value for key, value in wish.changes.items() if key != SECRET}
            if wish.replace and given in (None, "", SEALED):  # a whole document from elsewhere leaves the token alone
                rest.append(msgspec.structs.replace(wish, changes=others))
                continue
            change = await self._token_asked(user_id, wish, given)
            mark = None if given is None else SEALED
            rest.append(msgspec.structs.replace(wish, changes={**others, SECRET: mark}))
        return rest, change

    async def _token_asked(self, user_id: UserId, wish: SaveSetting, given: object) -> TokenChange | None:
        """None when the token in force stays."""
        token = "" if given in (None, SEALED) else _text(given)
        async with self._db.read() as db:
            held = await store.token_in_force(db, user_id) if is_uuid(user_id) else None
            account = await store.token_account(db, user_id) if is_uuid(user_id) else None
            version = await store.next_version(db, user_id, account.exchange, store.SIGNAL_BOT) if account else 0
        if given == SEALED and held is None:
            text = f"No token of a signal bot is sealed here; give the token itself as {SECRET}."
            raise InvalidInput("nothing_sealed", text, errors=[{"key": SECRET, "code": "nothing_sealed"}])
        if given is None:
            return TokenChange({}, wish.changed_by) if held is not None and not wish.dry_run else None
        if given == SEALED:
            return None
        if account is None:
            raise no_account()
        printed = f"{fingerprint(self._vault.pepper, token)}:{account.id}"
        if wish.dry_run or (held is not None and held.fingerprint == printed):
            return None
        sealed = await self._sealed(user_id, account.exchange, version, {SECRET: token}, kind=store.SIGNAL_BOT)
        now = sealed["created_at"]
        in_force = {"status": "active", "is_active": True, "acknowledged_at": now, "verified_at": None}
        columns = {**sealed, **in_force, "account_id": account.id, "fingerprint": printed}
        return TokenChange(columns, wish.changed_by)

    async def _keep(self, db: AsyncConnection, user_id: UserId, change: TokenChange | None) -> None:
        """Carry it out in the transaction of the save, which has locked the person."""
        if change is None:
            return
        held, now = await store.token_in_force(db, user_id), self._clock.now()
        if not change.columns:
            if held is not None:
                gone = {"deleted_at": now, "deleted_reason": "taken out of the settings", "is_active": False}
                await store.change(db, held.id, {**gone, "updated_at": now})
                await self._tell_of(db, held.id, "deleted", change.actor)
            return
        if (
            await store.next_version(db, user_id, change.columns["exchange"], store.SIGNAL_BOT)
            != (change.columns["version"])
        ):
            raise Conflict("credential_raced", "Another key of this person was stored at the same moment; try again.")
        if held is not None:
            ended = {**store.SHREDDED, "status": "revoked", "is_active": False, "updated_at": now}
            await store.change(db, held.id, ended)
            await self._tell_of(db, held.id, "revoked", change.actor)
        await store.add(db, change.columns)
        await self._tell_of(db, change.columns["id"], "created", change.actor)

    async def _mark(self, db: AsyncConnection, user_id: UserId, mark: str | None, actor: str) -> None:
        """Have the document say what the sealed store holds; settings that need a token do not keep it from ending."""
        if await documents.active(db, user_id, HOME) is None:
            return
        wish = SaveSetting(where=HOME, changes={SECRET: mark}, expected_version=None, changed_by=actor)
        try:  # what is refused is refused before anything is written
            await self._saver.save(db, user_id, [wish])
        except (InvalidInput, NotFound) as error:
            log.warning("settings_not_marked", user_id=user_id, code=error.code)


def told(saved: Sequence[Saved], change: TokenChange | None) -> list[Saved]:
    """The outcome, saying what was sealed: a new token in the place of another leaves the document as it is."""
    if change is None or not change.columns:
        return list(saved)
    return [msgspec.structs.replace(one, sealed=[SECRET]) if one.where == HOME else one for one in saved]


def no_account() -> NotFound:
    """There is nothing to seal it under."""
    message = (
        "A signal bot's token is kept sealed with an exchange account, and this person has none yet; connect one with"
        " tradingboost connect (or bring the old keys over with migrate api-keys), and then set it again."
    )
    return NotFound("no_account_to_seal_with", message)


def _text(given: object) -> str:
    """The token as text; from here on it is struck out of every log."""
    if not isinstance(given, str):
        text = f"{SECRET} is a text; put it into quotes."
        raise InvalidInput("bad_credential", text, errors=[{"key": SECRET, "code": "bad_credential"}])
    register_secret(given.strip())
    return shaped_token(given)
