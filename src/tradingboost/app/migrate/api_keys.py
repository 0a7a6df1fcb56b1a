"""`migrate api-keys`: opened with the old system's key, sealed anew, unverified until the venue was asked."""

import json
from collections.abc import Sequence
from typing import Final

import msgspec

from tradingboost.app.migrate import source
from tradingboost.app.migrate.outcome import Item, Judged, Status
from tradingboost.app.migrate.people import UNCLEAR, Person
from tradingboost.app.migrate.positions import venue_of
from tradingboost.app.migrate.work import Tools, belongs, ensured, person_id, wanted_person
from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused
from tradingboost.core.ids import Venue
from tradingboost.kit.crypto import Secret
from tradingboost.kit.keys import RedisType
from tradingboost.kit.keys_legacy import GRID_API_KEY, USER_API_KEYS
from tradingboost.kit.legacy import VARIABLE
from tradingboost.shared.interfaces.users import ImportCredential

_NAMES: Final = {
    "api_key": ("api_key", "apiKey", "apikey", "key", "access_key"),
    "api_secret": ("api_secret", "apiSecret", "secret", "secret_key"),
    "passphrase": ("passphrase", "password", "api_passphrase"),
}
_WITHOUT_PASSPHRASE: Final = frozenset({"binance", "bybit", "upbit"})


class Keys(msgspec.Struct, frozen=True):
    """One old key, opened, and whose it is."""

    person: Person
    venue: str
    values: dict[str, Secret]
    forms: str


class ApiKeys:
    """Every stored exchange key of the old system."""

    name = "api-keys"
    resumes = True

    def __init__(self) -> None:
        self._found: dict[str, source.OldKey] = {}
        self._contents: dict[str, source.Value] = {}
        self._first: dict[tuple[str, str], tuple[str, str]] = {}

    async def items(self, tools: Tools) -> Sequence[Item]:
        """Those under an OKX UID first, so that copies under a Telegram id are the copies."""
        keys = await source.old_keys(tools.old, lambda row: row in (USER_API_KEYS, GRID_API_KEY), tools.options.batch)
        wanted = await wanted_person(tools)
        chosen = [one for one in keys if await self._chosen(tools, one, wanted)]
        chosen.sort(key=lambda one: (one.row is GRID_API_KEY, _rank(tools, one), one.key))
        self._found = {one.key: one for one in chosen}
        self._contents = await source.values(tools.old, [one.key for one in chosen])
        return [Item(one.key, self._contents[one.key].digest) for one in chosen]

    async def judge(self, tools: Tools, item: Item) -> Judged:
        """Open it, and say what is to become of it."""
        keys = self._opened(tools, item)
        fingerprint = await self._fingerprint(tools, keys)
        first, of = self._first.setdefault((keys.person.key, keys.venue), (fingerprint, item.key))
        if first != fingerprint:
            message = "This person has another key for the same venue, under another old id; remove the one not in use."
            raise Refused("duplicate_differs", message)
        action = f"seal the {keys.venue} key ({keys.forms})"
        if of != item.key:
            return Judged(status=Status.MERGED, action=action, carry=lambda: self._carry(tools, keys, action))
        user_id = await person_id(tools.users, keys.person)
        stored = {} if user_id is None else await tools.users.fingerprints(user_id)
        if fingerprint in stored:
            return Judged(status=Status.EQUAL, action=action, reason="stored already with the same fingerprint")
        return Judged(status=Status.DONE, action=action, carry=lambda: self._carry(tools, keys, action))

    async def passed(self, tools: Tools, item: Item) -> None:
        """Remember which key of a person was the first."""
        keys = self._opened(tools, item)
        self._first.setdefault((keys.person.key, keys.venue), (await self._fingerprint(tools, keys), item.key))

    async def _carry(self, tools: Tools, keys: Keys, action: str) -> Judged:
        user_id = await ensured(tools.users, keys.person)
        tools.step("ensured")
        done = await tools.users.import_credential(
            ImportCredential(
                user_id=user_id,
                venue=Venue(keys.venue),
                exchange_uid=keys.person.known.get("okx", "") if keys.venue == "okx" else "",
                api_key=keys.values["api_key"].reveal_text(),
                api_secret=keys.values["api_secret"].reveal_text(),
                passphrase=keys.values["passphrase"].reveal_text() if "passphrase" in keys.values else "",
                overwrite=tools.options.overwrite,
            )
        )
        if done.outcome == "equal":
            return Judged(status=Status.MERGED, action=action, reason="a second copy of the same key")
        if done.outcome == "newer_exists":
            reason = "newer_exists: PostgreSQL has a newer key; --overwrite puts this one in its place."
            return Judged(status=Status.LEFT, action=action, reason=reason)
        return Judged(status=Status.DONE, action=action, reason="unverified until the venue was asked")

    async def _chosen(self, tools: Tools, one: source.OldKey, wanted: Person | None) -> bool:
        if tools.options.exchange and _venue(one) != tools.options.exchange:
            return False
        if wanted is None:
            return True
        try:
            return await belongs(tools, tools.mapping.person(one.owner), wanted)
        except UNCLEAR:
            return False

    async def _fingerprint(self, tools: Tools, keys: Keys) -> str:
        return await tools.users.fingerprint(keys.values["api_key"].reveal_text())

    def _opened(self, tools: Tools, item: Item) -> Keys:
        one = self._found[item.key]
        fields = stored_fields(self._contents[one.key])
        person, venue = tools.mapping.person(one.owner), _venue(one)
        if tools.reader is None:
            raise InvalidInput("no_legacy_keys", f"{VARIABLE} is not set; give it the old system's ENCRYPTION_KEY.")
        wanted = [name for name in _NAMES if name != "passphrase" or venue not in _WITHOUT_PASSPHRASE]
        missing = [name for name in wanted if name not in fields]
        if missing:
            message = f"This key is not complete ({', '.join(missing)} is missing); let the person register it again."
            raise Refused("incomplete", message)
        opened = {name: tools.reader.open(fields[name]) for name in fields}
        forms = "+".join(sorted({each.form.value for each in opened.values()}))
        return Keys(person, venue, {name: each.value for name, each in opened.items()}, forms)


class VerifyApiKeys(ApiKeys):
    """Compares the fingerprints of both stores: equal, different, or missing here."""

    name = "api-keys-verify"
    resumes = False

    async def judge(self, tools: Tools, item: Item) -> Judged:
        """Whether the sealed copy is of the same key."""
        keys = self._opened(tools, item)
        user_id = await person_id(tools.users, keys.person)
        stored = {} if user_id is None else await tools.users.fingerprints(user_id)
        status = stored.get(await self._fingerprint(tools, keys))
        if status is not None:
            return Judged(status=Status.EQUAL, action="compare", reason=f"the sealed copy is {status}")
        if user_id is None or all(one.venue != keys.venue for one in await tools.users.credentials(user_id)):
            raise NotFound("missing", "There is no sealed key of this venue; run migrate api-keys.")
        raise Conflict("different", "Another key is sealed here; --overwrite puts the old one in its place.")


def stored_fields(value: source.Value) -> dict[str, str]:
    """The three fields by today's names, as they are stored; those that are empty are left out.

    Raises:
        Refused: `wrong_type`, or a document that is none.
    """
    content = value.content
    if value.type == RedisType.STRING and isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError:
            content = None
    if not isinstance(content, dict):
        message = f"A key of type {value.type} holds no exchange key; let the person register it again."
        raise Refused("wrong_type", message)
    found: dict[str, str] = {}
    for name, spellings in _NAMES.items():
        given = next((content[each] for each in spellings if content.get(each)), None)
        if isinstance(given, str):
            found[name] = given.strip()
    return found


def _venue(one: source.OldKey) -> str:
    return venue_of(one.parts.get("exchange", "okx"))


def _rank(tools: Tools, one: source.OldKey) -> int:
    try:
        person = tools.mapping.person(one.owner)
    except UNCLEAR:
        return 2
    return 0 if one.owner in (person.user_id, person.known.get("okx")) else 1
