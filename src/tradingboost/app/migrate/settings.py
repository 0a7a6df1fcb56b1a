"""`migrate settings`: who is who, then each person's documents, read by today's schema and never clamped."""

import json
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tradingboost.app.migrate import source
from tradingboost.app.migrate.outcome import Item, Judged, Status
from tradingboost.app.migrate.people import UNCLEAR, Person
from tradingboost.app.migrate.positions import instrument_of, venue_of
from tradingboost.app.migrate.work import Tools, belongs, ensured, person_id, wanted_person
from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit import keys_legacy as old
from tradingboost.shared.interfaces.users.settings import SaveSetting
from tradingboost.shared.user_settings.addresses import Address, SettingType, address, scope_of
from tradingboost.shared.user_settings.documents import SECRET, Normalised, normalise

_DOCUMENTS: Final = (old.USER_SETTINGS, old.USER_PREFERENCES, old.USER_DUAL_SIDE, old.SYMBOL_DUAL_SIDE)
_TABLES: Final = (old.OKX_UID_OF_TELEGRAM, old.TELEGRAM_OF_OKX_UID)
_GRID: Final = (old.GRID_USER_ANY, old.GRID_DEFAULTS, old.GRID_USERS)
_ORDER: Final = (*_TABLES, *_DOCUMENTS, *_GRID)
_HOME: Final = address(SettingType.PARAMS)
_UNSEALED: Final = (
    f"no_account_to_seal_with: the settings are taken over, {SECRET} is not, for want of an account to seal it with;"
    " run migrate api-keys (or connect the account), and then this again."
)
_GRID_SETTINGS: Final = "settings"
_BY: Final = "migration"
_NOBODYS: Final = {
    old.GRID_DEFAULTS.text: "nobodys: defaults of a venue; today's stand in the catalogue.",
    old.GRID_USERS.text: "nobodys: a list of ids; the people come with their keys and documents.",
    old.GRID_USER_ANY.text: "state: it comes from the venue and the ledger; remove it with migrate cleanup-legacy.",
}


class _Read(msgspec.Struct, frozen=True):
    """One document as it would be saved, and which old key said so."""

    key: str
    settings: dict[str, Any]
    secrets: dict[str, str] = {}


class Settings:
    """The identity tables and documents of the old system."""

    name = "settings"
    resumes = True

    def __init__(self) -> None:
        self._found: dict[str, source.OldKey] = {}
        self._contents: dict[str, source.Value] = {}
        self._first: dict[tuple[str, Address], _Read] = {}
        self._of = ""

    async def items(self, tools: Tools) -> Sequence[Item]:
        """Person by person: who it is, parameters, preferences, hedge; documents under the OKX UID first."""
        keys = await source.old_keys(tools.old, lambda row: row in _ORDER, tools.options.batch)
        wanted = await wanted_person(tools)
        chosen = [(_sorted_by(tools, one), one) for one in keys if await self._chosen(tools, one, wanted)]
        chosen.sort(key=lambda pair: pair[0])
        self._found = {one.key: one for _, one in chosen}
        self._contents = await source.values(tools.old, list(self._found))
        return [Item(key, self._contents[key].digest) for key in self._found]

    async def judge(self, tools: Tools, item: Item) -> Judged:
        """Read it by today's schema, and compare it with what is stored."""
        one = self._found[item.key]
        if one.row in _TABLES:
            return await self._pair(tools, one)
        person, where = self._place(tools, one)
        if person is None or where is None:
            return Judged(status=Status.LEFT, action="leave it", reason=_NOBODYS[one.row.text])
        read, notes = self._read(one, person, where)
        action = f"save {where}"
        first = self._first.setdefault((person.key, where), _Read(one.key, read.settings, read.secrets))
        if first.key != one.key:
            if (first.settings, first.secrets) == (read.settings, read.secrets):
                return Judged(status=Status.MERGED, action=action, reason="a second copy of the same document")
            reason = "superseded: the document under another id of this person counts."
            return Judged(status=Status.LEFT, action=action, reason=reason)
        user_id = await person_id(tools.users, person)
        sealing = await _sealing(tools, user_id, read.secrets)
        ending = Judged(status=Status.DONE, action=action, notes=notes)
        if sealing is None:
            ending = Judged(status=Status.REFUSED, action=action, reason=_UNSEALED, notes=notes)
        if user_id is not None and not sealing:
            stored = await tools.users.setting(user_id, where)
            if sealing is None:
                read = msgspec.structs.replace(read, settings=_without_token(read.settings))
            if stored.version > 0 and stored.settings == read.settings:
                return ending if sealing is None else msgspec.structs.replace(ending, status=Status.EQUAL)
        return msgspec.structs.replace(ending, carry=lambda: self._save(tools, person, where, ending))

    async def passed(self, tools: Tools, item: Item) -> None:
        """Remember the documents of the person at hand."""
        one = self._found[item.key]
        if one.row in _TABLES:
            return
        person, where = self._place(tools, one)
        if person is not None and where is not None:
            read, _ = self._read(one, person, where)
            self._first.setdefault((person.key, where), _Read(one.key, read.settings, read.secrets))

    async def _save(self, tools: Tools, person: Person, where: Address, judged: Judged) -> Judged:
        user_id = await ensured(tools.users, person)
        tools.step("ensured")
        read, unsealed = self._first[person.key, where], judged.status is Status.REFUSED
        wish = SaveSetting(
            where=where,
            changes=_without_token(read.settings) if unsealed else {**read.settings, **read.secrets},
            expected_version=None,
            changed_by=_BY,
            replace=True,
        )
        saved = await tools.users.save_setting(user_id, wish)
        if unsealed:
            return judged
        if not saved.saved and not saved.sealed:
            return msgspec.structs.replace(judged, status=Status.EQUAL)
        return msgspec.structs.replace(judged, reason=f"version {saved.version}")

    async def _pair(self, tools: Tools, one: source.OldKey) -> Judged:
        content = self._contents[one.key].content
        if not isinstance(content, str):
            raise Refused("wrong_type", "This row of the old tables is no text; remove it, or write it anew.")
        of_telegram = one.row is old.OKX_UID_OF_TELEGRAM
        pair = (one.owner, content.strip()) if of_telegram else (content.strip(), one.owner)
        person = tools.mapping.pair(*pair)
        found = [await person_id(tools.users, Person({kind: each})) for kind, each in person.known.items()]
        action = "connect a Telegram id and an OKX UID"
        if found[0] is not None and found[0] == found[1]:
            return Judged(status=Status.EQUAL, action=action)

        async def connect() -> Judged:
            await ensured(tools.users, person)
            return Judged(status=Status.DONE, action=action, reason="unverified until the venue was asked")

        return Judged(status=Status.DONE, action=action, carry=connect)

    def _place(self, tools: Tools, one: source.OldKey) -> tuple[Person | None, Address | None]:
        """Whose document it is and where it belongs today; None = nobody's."""
        parts = one.parts
        if one.row in (old.GRID_DEFAULTS, old.GRID_USERS):
            return None, None
        if one.row is old.GRID_USER_ANY:
            where = address("params", "grid") if parts["rest"] == _GRID_SETTINGS else None
            return (tools.mapping.person(one.owner) if where else None), where
        kind = {
            old.USER_SETTINGS: SettingType.PARAMS,
            old.USER_PREFERENCES: SettingType.PREFERENCES,
        }.get(one.row, SettingType.DUAL_SIDE)
        if one.row is not old.SYMBOL_DUAL_SIDE:
            return tools.mapping.person(one.owner), address(kind)
        symbol = instrument_of(parts["symbol"], "okx")
        if symbol is None:
            raise Refused("legacy_symbol", "No venue has an instrument of this name; save the setting anew by hand.")
        return tools.mapping.person(one.owner), address(kind, scope=scope_of("okx", symbol))

    def _read(self, one: source.OldKey, person: Person, where: Address) -> tuple[Normalised, tuple[str, ...]]:
        document = self._document(one)
        if person.key != self._of:  # people come one after the other, so only one person's documents are kept
            self._of, self._first = person.key, {}
        beside: dict[str, Any] = {}
        for (_, address_), read in self._first.items():
            if address_.strategy == where.strategy and address_ != where and address_.whole:
                beside |= {} if address_.setting_type is SettingType.PREFERENCES else read.settings
        elsewhere = document.pop(SECRET, None) if where != _HOME else None
        found = normalise(where, document, beside)
        notes = [f"{key}: unknown, not taken over" for key in found.unknown]
        notes += [f"{key} is a secret, for the sealed store" for key in found.secrets]
        if elsewhere not in (None, ""):
            notes.append(f"{SECRET} is a secret of the parameters, not taken over from here; set it there.")
        if found.problems:
            errors = [*found.problems, *({"key": key, "code": "unknown_key"} for key in found.unknown)]
            message = "This document does not validate; correct the listed keys in the old system, or set them anew."
            raise InvalidInput("document_invalid", message, errors=errors)
        return found, tuple(notes)

    def _document(self, one: source.OldKey) -> dict[str, Any]:
        content: Any = self._contents[one.key].content
        if isinstance(content, str):
            try:
                content = json.loads(content)
            except ValueError:
                raise Refused("malformed", "This document is no JSON; save the settings anew by hand.") from None
        if not isinstance(content, dict):
            message = f"A key of type {self._contents[one.key].type} holds no document; save the settings anew by hand."
            raise Refused("wrong_type", message)
        return dict(content)

    async def _chosen(self, tools: Tools, one: source.OldKey, wanted: Person | None) -> bool:
        if tools.options.exchange and venue_of(one.parts.get("exchange", "okx")) != tools.options.exchange:
            return False
        if wanted is None:
            return True
        try:
            return bool(one.owner) and await belongs(tools, tools.mapping.person(one.owner), wanted)
        except UNCLEAR:
            return False


async def _sealing(tools: Tools, user_id: UserId | None, secrets: dict[str, str]) -> bool | None:
    """Whether there is a secret to seal that is not sealed yet; None = there is one and no account to seal it with."""
    if not secrets:
        return False
    held = [] if user_id is None else await tools.users.credentials(user_id)
    if not held:
        return None
    printed = (await tools.users.fingerprint(secrets[SECRET]))[:8]
    return not any(one.in_force and one.kind != "trade_key" and one.fingerprint == printed for one in held)


def _without_token(settings: dict[str, Any]) -> dict[str, Any]:
    return settings | ({SECRET: None} if SECRET in settings else {})


def _sorted_by(tools: Tools, one: source.OldKey) -> tuple[str, int, int, str]:
    try:
        person = tools.mapping.person(one.owner)
    except UNCLEAR:
        return one.owner, _ORDER.index(one.row), 2, one.key
    rank = 0 if one.owner in (person.user_id, person.known.get("okx")) else 1
    return person.key, _ORDER.index(one.row), rank, one.key
