"""Whose an old key is: OKX UIDs, Telegram ids, and the two tables of the old system that connect them. Pure."""

import re
from typing import Final

import msgspec

from tradingboost.core.errors import InvalidInput, Refused

UNCLEAR: Final = (InvalidInput, Refused)
"""What is raised where nobody can say whose an old id is."""

_OKX: Final = re.compile(r"[0-9]{18,19}")
_TELEGRAM: Final = re.compile(r"[0-9]{5,15}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Person(msgspec.Struct, frozen=True):
    """Who an old id means, in today's words.

    Args:
        known: what the person is found or made by: `{"okx": uid, "telegram": id}`; empty for an id of ours.
        user_id: an id of ours, where the old system used it already.
    """

    known: dict[str, str]
    user_id: str = ""

    @property
    def key(self) -> str:
        """The same for every old id of one person."""
        if self.user_id:
            return self.user_id
        return f"okx:{self.known['okx']}" if "okx" in self.known else f"telegram:{self.known['telegram']}"

    @property
    def rank(self) -> int:
        """Whose word counts first when several old ids of one person say different things."""
        return 0 if self.user_id or "okx" in self.known else 1


class Mapping:
    """Which OKX UID an old id has, and the other way round, as the old system stored it.

    Args:
        okx_of: OKX UID by old id.
        telegram_of: Telegram id by OKX UID.
    """

    def __init__(self, okx_of: dict[str, str], telegram_of: dict[str, str]) -> None:
        self._okx_of = okx_of
        self._telegram_of = telegram_of
        self._claims: dict[str, set[str]] = {}
        for old, uid in okx_of.items():
            if _TELEGRAM.fullmatch(old):
                self._claims.setdefault(uid, set()).add(old)

    def person(self, old_id: str) -> Person:
        """Who an id of an old key means.

        Raises:
            InvalidInput: `identifier_ambiguous`. Refused: `mapping_damaged`. Both messages say what to do.
        """
        if _UUID.fullmatch(old_id):
            return Person({}, old_id)
        uid = old_id if _OKX.fullmatch(old_id) else self._okx_of.get(old_id)
        if uid is not None:
            if not _OKX.fullmatch(uid):
                message = f"The key user:ID:okx_uid of this id holds no OKX UID; {_REMEDY}"
                raise Refused("mapping_damaged", message)
            telegram = self.linked(uid)
            return Person({"okx": uid} | ({"telegram": telegram} if telegram else {}))
        if _TELEGRAM.fullmatch(old_id):
            return Person({"telegram": old_id})
        raise InvalidInput("identifier_ambiguous", f"An id of {len(old_id)} characters could be anybody's; {_REMEDY}")

    def linked(self, okx_uid: str) -> str | None:
        """The one Telegram id of an OKX UID; None where there is none, or where the tables disagree."""
        told = self._telegram_of.get(okx_uid)
        if told is None:
            claims = self._claims.get(okx_uid, set())
            return next(iter(claims)) if len(claims) == 1 else None
        sound = _TELEGRAM.fullmatch(told) and self._okx_of.get(told, okx_uid) == okx_uid
        return told if sound else None

    def pair(self, telegram: str, okx_uid: str) -> Person:
        """The person of one row of either table.

        Raises:
            Refused: `mapping_damaged`, it is no such pair; `mapping_contradicts`, the other table says otherwise.
        """
        if not _OKX.fullmatch(okx_uid) or not _TELEGRAM.fullmatch(telegram):
            raise Refused("mapping_damaged", f"This row does not pair a Telegram id with an OKX UID; {_REMEDY}")
        if self.linked(okx_uid) != telegram:
            message = (
                "Rows of the old system give this OKX UID several Telegram ids; neither is taken over: "
                "let the person link the chat anew with a one-time code."
            )
            raise Refused("mapping_contradicts", message)
        return Person({"okx": okx_uid, "telegram": telegram})


_REMEDY: Final = "write the owner's OKX UID into the key user:ID:okx_uid of the old Redis and run again."
