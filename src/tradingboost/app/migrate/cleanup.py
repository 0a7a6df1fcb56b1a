"""`migrate cleanup-legacy`: what has its replacement goes; `migrate backups`: what was kept, and what may go."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from tradingboost.app.migrate import mirror, record, source
from tradingboost.app.migrate.api_keys import stored_fields
from tradingboost.app.migrate.mirror import KEPT_S, Backup
from tradingboost.app.migrate.outcome import Item, Judged, Status, masked
from tradingboost.app.migrate.people import UNCLEAR, Person
from tradingboost.app.migrate.positions import venue_of
from tradingboost.app.migrate.work import TakesAway, Tools, belongs, person_id, wanted_person
from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused
from tradingboost.kit.keys_legacy import API_KEYS, CLEAN_UP, GRID_POSITIONS, GRID_SETTINGS, SETTINGS, Legacy
from tradingboost.kit.legacy import VARIABLE

INCLUDABLE: Final = ("api-keys",)
_IN_FORCE: Final = frozenset({"active", "read_only", "retiring"})
_SHOWN: Final = {"id": "user", "telegram": "user", "okx_uid": "user", "exchange": "exchange", "symbol": "symbol"}


class Cleanup(TakesAway):
    """Keys of the old system whose replacement exists.

    Args:
        include: `api-keys` takes the exchange keys, too, where a verified copy has the same fingerprint.
    """

    name = "cleanup-legacy"
    resumes = False
    together = 200

    def __init__(self, include: Sequence[str] = ()) -> None:
        unknown = sorted(set(include) - set(INCLUDABLE))
        if unknown:
            raise InvalidInput("unknown_include", f"--include knows {', '.join(INCLUDABLE)}, not {unknown[0]!r}.")
        self._include = frozenset(include)
        self._found: dict[str, source.OldKey] = {}
        self._contents: dict[str, source.Value] = {}
        self._settled: dict[str, str] = {}
        self._left: dict[str, str] = {}

    async def items(self, tools: Tools) -> Sequence[Item]:
        """Every old key but arrays of positions, which their own verb removes."""
        keys = await source.old_keys(tools.old, self._in_question, tools.options.batch)
        wanted = await wanted_person(tools)
        self._found = {one.key: one for one in keys if await _chosen(tools, one, wanted)}
        self._contents = await source.values(tools.old, list(self._found))
        kept = record.Record(tools.database, tools.clock, tools.ids, "settings", tools.source)
        self._settled = await kept.settled()
        self._left = await kept.settled((Status.LEFT,))
        return [Item(key, self._contents[key].digest) for key in self._found]

    async def judge(self, tools: Tools, item: Item) -> Judged:
        """Whether its replacement exists."""
        one = self._found[item.key]
        if one.row.verb == API_KEYS:
            await self._verified(tools, one)
        elif one.row.verb in (SETTINGS, GRID_SETTINGS):
            self._taken_over(one, item)
        return Judged(status=Status.DONE, action=_says(one), carry=lambda: self._delete(tools, one, item))

    def _in_question(self, row: Legacy) -> bool:
        if row.verb == API_KEYS:
            return "api-keys" in self._include
        return row.verb in (CLEAN_UP, SETTINGS, GRID_SETTINGS) and row.verb != GRID_POSITIONS

    def _taken_over(self, one: source.OldKey, item: Item) -> None:
        if self._settled.get(one.key) == item.digest:
            return
        if one.row.verb == GRID_SETTINGS and self._left.get(one.key) == item.digest:
            return  # nobody's, and looked at
        message = "This document was not taken over as it stands now; run migrate settings first."
        raise Conflict("not_migrated", message)

    async def _verified(self, tools: Tools, one: source.OldKey) -> None:
        if tools.reader is None:
            raise InvalidInput("no_legacy_keys", f"{VARIABLE} is not set; without it no fingerprint can be compared.")
        user_id = await person_id(tools.users, tools.mapping.person(one.owner))
        fields = stored_fields(self._contents[one.key])
        opened = tools.reader.open(fields.get("api_key", ""))
        fingerprint = await tools.users.fingerprint(opened.value.reveal_text())
        stored = {} if user_id is None else await tools.users.fingerprints(user_id)
        if stored.get(fingerprint) not in _IN_FORCE:
            message = "There is no verified sealed copy of this key yet; run keys verify first."
            raise Refused("not_verified", message)

    async def _delete(self, tools: Tools, one: source.OldKey, item: Item) -> Judged:
        if (await source.value(tools.old, one.key)).digest != item.digest:
            raise Conflict("changed_meanwhile", "This key changed just now, so somebody writes it; look who does.")
        async with tools.old.context() as client:
            await client.delete(one.key)
        return Judged(status=Status.DONE, action=_says(one))


class KeptArray(msgspec.Struct, frozen=True, kw_only=True):
    """A backup as `migrate backups list` shows it."""

    key: str
    source: str
    made_at: str
    age_h: int
    positions: int


async def kept_arrays(tools: Tools) -> list[KeptArray]:
    """Every backup, oldest first a source."""
    found = await _backups(tools)
    read = await source.values(tools.old, [one.key for one in found])
    now = tools.clock.now()
    return [
        KeptArray(
            key=masked(one.key),
            source=masked(one.source),
            made_at=one.made_at.isoformat(),
            age_h=int((now - one.made_at).total_seconds() // 3600),
            positions=_length(read[one.key].content),
        )
        for one in found
    ]


class Purge(TakesAway):
    """Backups older than seven days; younger ones are refused."""

    name = "backups-purge"
    resumes = False

    def __init__(self) -> None:
        self._found: dict[str, Backup] = {}

    async def items(self, tools: Tools) -> Sequence[Item]:
        """Every backup."""
        self._found = {one.key: one for one in await _backups(tools)}
        return [Item(key, "") for key in self._found]

    async def judge(self, tools: Tools, item: Item) -> Judged:
        """Whether it is old enough."""
        end = self._found[item.key].made_at + timedelta(seconds=KEPT_S)
        if tools.clock.now() < end:
            message = f"This backup is kept until {end.isoformat()}; it ends by itself then."
            raise Refused("backup_too_young", message)

        async def purge() -> Judged:
            async with tools.old.context() as client:
                await client.delete(item.key)
            return Judged(status=Status.DONE, action="remove a backup")

        return Judged(status=Status.DONE, action="remove a backup", carry=purge)


async def _backups(tools: Tools) -> list[Backup]:
    names = [name async for name in source.scanned(tools.old, tools.options.batch)]
    return await mirror.backups(tools.old, names)


async def _chosen(tools: Tools, one: source.OldKey, wanted: Person | None) -> bool:
    exchange = one.parts.get("exchange")
    if tools.options.exchange and exchange and venue_of(exchange) != tools.options.exchange:
        return False
    if wanted is None:
        return True
    try:
        return bool(one.owner) and await belongs(tools, tools.mapping.person(one.owner), wanted)
    except (*UNCLEAR, NotFound):
        return False


def _says(one: source.OldKey) -> str:
    """`Deleted: PATTERN (user=…1234, symbol=…, side=…)`, the words of the old clean-up."""
    parts = [f"{_SHOWN.get(name, name)}={value}" for name, value in one.parts.items() if name != "rest"]
    return f"Deleted: {one.row.text}" + (f" ({', '.join(parts)})" if parts else "")


def _length(content: source.Content) -> int:
    try:
        found = json.loads(content) if isinstance(content, str) else None
    except ValueError:
        return 0
    return len(found) if isinstance(found, list) else 0
