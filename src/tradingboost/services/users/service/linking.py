"""Joining a chat to a person: a code shown here, repeated in the chat, confirmed here."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit.opaque import code_hash, fresh_code
from tradingboost.services.users.models import checked_identity
from tradingboost.services.users.repository import identities as known
from tradingboost.services.users.repository import logins as store
from tradingboost.services.users.service.part import Part
from tradingboost.services.users.service.throttle import CHAT
from tradingboost.shared.events.users import TelegramLinkShown
from tradingboost.shared.interfaces.users.linking import LinkCode, LinkState

CODE_S: Final = 600
_KIND: Final = "telegram"


class Linking(Part):
    """The only way a chat becomes somebody's."""

    async def link_code(self, user_id: UserId) -> LinkCode:
        """A new code; the person's former ones are void."""
        code, now = fresh_code(), self._clock.now()
        until = now + timedelta(seconds=CODE_S)
        row = {"code_hash": code_hash(code), "user_id": user_id, "created_at": now, "expires_at": until}
        async with self._db.transaction() as db:
            await self._person(db, user_id, lock=True)
            await store.replace_link_code(db, row)
            await self._note(db, "telegram.code_made", user_id)
        return LinkCode(code=code, expires_at=until)

    async def show_link_code(self, code: str, telegram_id: str) -> None:
        """The bot was shown a code in a private chat."""
        checked_identity(_KIND, telegram_id)
        await self._throttle.spend(**{CHAT: telegram_id})
        async with self._db.transaction() as db:
            user_id = await store.show_link_code(db, code_hash(code), telegram_id, self._clock.now())
            if user_id is None:
                raise Refused("link_code_refused", "This code is not right or too old; get a new one where you log in.")
            owner = await known.owner(db, _KIND, telegram_id)
            if owner is not None and owner.user_id != user_id:
                raise Refused("telegram_taken", "This chat belongs to another user here; unlink it there first.")
            await self._throttle.succeeded(db, **{CHAT: telegram_id})
            await self._tell(db, user_id, TelegramLinkShown(user_id=user_id, chat_tail=telegram_id[-4:]))
            await self._note(db, "telegram.code_shown", user_id, chat=telegram_id[-4:])

    async def link_state(self, user_id: UserId) -> LinkState:
        """Which chat is linked, and which one waits."""
        async with self._db.read() as db:
            await self._person(db, user_id)
            return await self._state(db, user_id)

    async def confirm_link(self, user_id: UserId) -> LinkState:
        """Yes, the chat that waits is mine; a former chat is let go."""
        async with self._db.transaction() as db:
            await self._person(db, user_id, lock=True)
            chat = await store.confirm_link(db, user_id, self._clock.now())
            if chat is None:
                raise Conflict("no_chat_waits", "No chat has shown your code; send it to the bot first.")
            let_go: list[tuple[str, str]] = []
            if await self._chat(db, user_id) != chat:
                let_go = await self._identities.release(db, user_id, _KIND)
            await self._identities.bind(db, user_id, _KIND, chat, "bot")
            await self._note(db, "telegram.linked", user_id, chat=chat[-4:])
            state = await self._state(db, user_id)
        await self._identities.forget((_KIND, chat), *let_go)
        return state

    async def unlink(self, user_id: UserId) -> LinkState:
        """Let the chat go, at once."""
        async with self._db.transaction() as db:
            await self._person(db, user_id, lock=True)
            let_go = await self._identities.release(db, user_id, _KIND)
            if let_go:
                await self._note(db, "telegram.unlinked", user_id, chat=let_go[0][1][-4:])
            state = await self._state(db, user_id)
        await self._identities.forget(*let_go)
        return state

    async def _state(self, db: AsyncConnection, user_id: UserId) -> LinkState:
        chat, waiting = await self._chat(db, user_id), await store.waiting_chat(db, user_id, self._clock.now())
        return LinkState(linked=_tail(chat), waiting=_tail(waiting))

    async def _chat(self, db: AsyncConnection, user_id: UserId) -> str | None:
        found: list[Any] = await known.of_people(db, [user_id])
        return next((one.value for one in found if one.kind == _KIND), None)


def _tail(chat: str | None) -> str | None:
    return None if chat is None else f"...{chat[-4:]}"
