"""`migrate grid-positions`: one JSON array a user becomes a hash a position and an index, and back again."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from tradingboost.app.migrate import mirror, positions, source
from tradingboost.app.migrate.mirror import Backup, Mirror
from tradingboost.app.migrate.outcome import Item, Judged, Status
from tradingboost.app.migrate.people import UNCLEAR, Person
from tradingboost.app.migrate.work import TakesAway, Tools, belongs, person_id, wanted_person
from tradingboost.core.errors import BrokenInvariant, Conflict, NotFound, Refused, TradingBoostError
from tradingboost.core.ids import UserId
from tradingboost.kit.keys_legacy import GRID_POSITIONS_ARRAY, TRADING_STATUS

_FROM: Final = "migrated_from"


class Array(msgspec.Struct, frozen=True):
    """An old array: whose, on which venue, and what its key is made of."""

    key: str
    parts: dict[str, str]

    @property
    def venue(self) -> str:
        """Today's name of the venue."""
        return positions.venue_of(self.parts["exchange"])


class GridPositions(TakesAway):
    """Every array of positions."""

    name = "grid-positions"
    resumes = True

    def __init__(self) -> None:
        self._found: dict[str, Array] = {}

    async def items(self, tools: Tools) -> Sequence[Item]:
        """The arrays, by their key."""
        keys = await source.old_keys(tools.old, lambda row: row is GRID_POSITIONS_ARRAY, tools.options.batch)
        wanted = await wanted_person(tools)
        chosen = [array for one in keys if await chosen_by(tools, array := Array(one.key, one.parts), wanted)]
        self._found = {one.key: one for one in chosen}
        self.resumes = not tools.same  # on one server an array that is still there is one that was not moved
        read = await source.values(tools.old, list(self._found))
        return [Item(key, read[key].digest) for key in self._found]

    async def judge(self, tools: Tools, item: Item) -> Judged:
        """Read the array, and whether it may be moved now."""
        array = self._found[item.key]
        user_id = await owner_of(tools, array)
        raw = await mirror.raw_of(tools.old, array.key)
        if raw is None:
            raise Conflict("positions_changed", "These positions are gone, so somebody writes them; stop it first.")
        made = positions.read(raw.decode("utf-8", "replace"), array.venue)
        await refuse_while_active(tools, array, user_id)
        action = f"move {len(made)} positions of {array.venue}"
        return Judged(status=Status.DONE, action=action, carry=lambda: self._move(tools, array, raw, made))

    async def after_cut(self, tools: Tools, key: str) -> Judged:
        """The array is gone: the hashes made of its backup have to be there."""
        array = Array(key, GRID_POSITIONS_ARRAY.parse(key) or {})
        names = [name async for name in source.scanned(tools.old, tools.options.batch)]
        kept = [one for one in await mirror.backups(tools.old, names) if one.source == key]
        raw = await mirror.raw_of(tools.old, kept[-1].key) if kept else None
        if raw is None:
            message = "The array is gone and so is its backup; the venue is asked for the positions: reconcile."
            raise NotFound("backup_not_found", message)
        made = positions.read(raw.decode("utf-8", "replace"), array.venue)
        there = Mirror(tools.redis, await owner_of(tools, array), array.venue)
        marked, _ = await marked_and_changed(there, array, made)
        reason = f"moved before the interruption: {len(marked)} of {len(made)} hashes stand; backup {kept[-1].key}"
        return Judged(status=Status.DONE, action="finish", reason=reason)

    async def _move(
        self, tools: Tools, array: Array, raw: bytes, made: Mapping[positions.Place, Mapping[str, str]]
    ) -> Judged:
        user_id = await owner_of(tools, array)
        reason = "copied; the source is on another server and stays"
        if tools.same:
            parts = {"exchange": array.parts["exchange"], "legacy_id": array.parts["id"]}
            kept = await mirror.backed_up(tools.old, parts, array.key, raw, tools.clock.now())
            tools.step("backed up")
            reason = f"backup {kept}"
        await moved(tools, Mirror(tools.redis, user_id, array.venue), array, raw, made)
        tools.step("moved")
        return Judged(status=Status.DONE, action=f"move {len(made)} positions of {array.venue}", reason=reason)


class Rollback(TakesAway):
    """The newest, or one named, backup of each array put back."""

    name = "grid-positions-rollback"
    resumes = False

    def __init__(self, stamp: str = "") -> None:
        self._stamp = stamp
        self._found: dict[str, tuple[Array, Backup]] = {}

    async def items(self, tools: Tools) -> Sequence[Item]:
        """The arrays there is a backup of.

        Raises:
            NotFound: `backup_not_found`, there is none of that time.
        """
        names = [name async for name in source.scanned(tools.old, tools.options.batch)]
        wanted = await wanted_person(tools)
        for one in await mirror.backups(tools.old, names):
            if self._stamp and one.stamp != self._stamp:
                continue
            array = Array(one.source, GRID_POSITIONS_ARRAY.parse(one.source) or {})
            if array.parts and await chosen_by(tools, array, wanted):
                self._found[one.source] = (array, one)  # sorted by age: the newest is the last
        if self._stamp and not self._found:
            raise NotFound("backup_not_found", "There is no such backup; migrate backups list shows them.")
        read = await source.values(tools.old, [one.key for _, one in self._found.values()])
        return [Item(key, read[kept.key].digest) for key, (_, kept) in self._found.items()]

    async def judge(self, tools: Tools, item: Item) -> Judged:
        """Which hashes go, and which of them say something else by now."""
        array, kept = self._found[item.key]
        user_id = await owner_of(tools, array)
        await refuse_while_active(tools, array, user_id)
        raw = await mirror.raw_of(tools.old, kept.key)
        if raw is None:
            raise NotFound(
                "backup_not_found", "This backup has ended meanwhile; migrate backups list shows the others."
            )
        made = positions.read(raw.decode("utf-8", "replace"), array.venue)
        there = Mirror(tools.redis, user_id, array.venue)
        marked, changed = await marked_and_changed(there, array, made)
        if await mirror.raw_of(tools.old, array.key) == raw and not marked:
            return Judged(status=Status.EQUAL, action="put a backup back", reason="the array stands as it was")
        if changed and not tools.options.force:
            listed = ", ".join(place.member for place in changed)
            raise Conflict("changed_since", f"Positions changed after the migration: {listed}. --force removes them.")
        return Judged(
            status=Status.DONE,
            action=f"put the backup of {kept.stamp} back, remove {len(marked)} hashes",
            carry=lambda: self._put_back(tools, array, (kept, raw), there),
        )

    async def _put_back(self, tools: Tools, array: Array, kept: tuple[Backup, bytes], there: Mirror) -> Judged:
        made = positions.read(kept[1].decode("utf-8", "replace"), array.venue)
        marked, _ = await marked_and_changed(there, array, made)
        backup = (kept[0].key, kept[1])
        answer = await there.put_back(array.key, backup, marked, force=tools.options.force)
        if answer != "back":
            raise why(answer)
        tools.step("back")
        return Judged(status=Status.DONE, action=f"put the backup of {kept[0].stamp} back")


async def moved(
    tools: Tools,
    there: Mirror,
    array: Array,
    raw: bytes,
    made: Mapping[positions.Place, Mapping[str, str]],
) -> None:
    """Move an array that was backed up; from another server it is copied, and nothing is taken away there.

    Raises:
        Conflict: `positions_changed`, `positions_occupied`; nothing was changed.
    """
    source_raw = raw if tools.same else None
    answer = await there.move(array.key, source_raw, made, tools.clock.now(), force=tools.options.force)
    if answer != "moved":
        raise why(answer)


def why(answer: str) -> TradingBoostError:
    """What an atomic step refused, as an error."""
    if answer == "changed":
        message = "These positions changed meanwhile, so somebody writes them; stop it first."
        return Conflict("positions_changed", message)
    if answer == "occupied":
        message = "The platform keeps one of these positions already; --force replaces it."
        return Conflict("positions_occupied", message)
    if answer == "source_exists":
        message = "The old array has come again; --force puts the backup in its place."
        return Conflict("source_exists", message)
    return BrokenInvariant("positions_unequal", "What was written does not read back; nothing was changed.")


async def marked_and_changed(
    there: Mirror, array: Array, made: Mapping[positions.Place, Mapping[str, str]]
) -> tuple[list[positions.Place], list[positions.Place]]:
    """The hashes that come from an array, and those of them that say something else by now."""
    found = {place: await there.fields(place) for place in made}
    marked = [place for place, fields in found.items() if fields.get(_FROM) == array.key]
    return marked, [place for place in marked if not positions.unchanged(found[place], made[place])]


async def owner_of(tools: Tools, array: Array) -> UserId:
    """Whose array it is.

    Raises:
        InvalidInput: `identifier_ambiguous`. NotFound: `user_unknown`, nobody here is known by this id.
    """
    person = tools.mapping.person(array.parts["id"])
    user_id = await person_id(tools.users, person)
    if user_id is None:
        message = "Nobody here is known by this id; run migrate api-keys or migrate settings first."
        raise NotFound("user_unknown", message)
    return user_id


async def refuse_while_active(tools: Tools, array: Array, user_id: UserId) -> None:
    """Positions of somebody who trades are not moved.

    Raises:
        Refused: `user_active`, of the platform or of the old system.
    """
    if tools.options.force:
        return
    why = await tools.busy(user_id)
    ids = {array.parts["id"], *tools.mapping.person(array.parts["id"]).known.values()}
    if not why:
        read = await source.values(tools.old, [TRADING_STATUS.text.format(id=each) for each in sorted(ids)])
        if any(one.content == "running" for one in read.values()):
            why = "the old system still trades for this user"
    if why:
        raise Refused("user_active", f"Not while {why}: stop it first, or insist with --force.")


async def chosen_by(tools: Tools, array: Array, wanted: Person | None) -> bool:
    """Whether the options mean this array."""
    if tools.options.exchange and tools.options.exchange not in (array.venue, array.parts["exchange"]):
        return False
    if wanted is None:
        return True
    try:
        return await belongs(tools, tools.mapping.person(array.parts["id"]), wanted)
    except UNCLEAR:
        return False
