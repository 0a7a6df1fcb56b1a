"""`migrate cleanup-partial`: what an interrupted move left behind becomes all old or all new."""

from collections.abc import Mapping, Sequence

from tradingboost.app.migrate import mirror, positions, source
from tradingboost.app.migrate.grid_positions import (
    Array,
    chosen_by,
    marked_and_changed,
    moved,
    owner_of,
    refuse_while_active,
    why,
)
from tradingboost.app.migrate.mirror import Mirror, place_of, prefix_of
from tradingboost.app.migrate.outcome import Item, Judged, Status
from tradingboost.app.migrate.people import UNCLEAR, Person
from tradingboost.app.migrate.positions import Place
from tradingboost.app.migrate.work import TakesAway, Tools, belongs, wanted_person
from tradingboost.core.errors import Conflict, NotFound
from tradingboost.core.ids import UserId
from tradingboost.kit import keys
from tradingboost.kit.keys_legacy import GRID_POSITIONS_ARRAY


class Partial(TakesAway):
    """Arrays that stand beside hashes made of them, and indexes that do not say what hashes there are."""

    name = "cleanup-partial"
    resumes = False

    def __init__(self) -> None:
        self._arrays: dict[str, Array] = {}
        self._indexes: dict[str, tuple[Mirror, set[Place]]] = {}

    async def items(self, tools: Tools) -> Sequence[Item]:
        """Arrays first: settling one settles its index."""
        names = [name async for name in source.scanned(tools.redis, tools.options.batch)]
        wanted = await wanted_person(tools)
        await self._take_arrays(tools, names, wanted)
        await self._take_indexes(tools, names, wanted)
        return [Item(key, "") for key in (*self._arrays, *self._indexes)]

    async def judge(self, tools: Tools, item: Item) -> Judged:
        """What is to be done about it."""
        if item.key in self._arrays:
            return await self._array(tools, self._arrays[item.key])
        return await self._index(*self._indexes[item.key])

    async def _array(self, tools: Tools, array: Array) -> Judged:
        try:
            user_id = await owner_of(tools, array)
        except (*UNCLEAR, NotFound) as error:
            return Judged(status=Status.LEFT, action="all old", reason=f"{error.code}: so no hash was made of it.")
        there = Mirror(tools.redis, user_id, array.venue)
        raw = await mirror.raw_of(tools.redis, array.key)
        made = positions.read((raw or b"[]").decode("utf-8", "replace"), array.venue)
        marked, changed = await marked_and_changed(there, array, made)
        if raw is None or not marked:
            return Judged(status=Status.EQUAL, action="all old", reason="no hash was made of this array")
        await refuse_while_active(tools, array, user_id)
        if changed and not tools.options.force:
            listed = ", ".join(place.member for place in changed)
            message = f"Positions changed after the interruption: {listed}. --force goes back to all old."
            raise Conflict("changed_since", message)
        if changed or len(marked) < len(made):
            action = f"all old: remove {len(marked)} of {len(made)} hashes, the array stands"
            return Judged(status=Status.DONE, action=action, carry=lambda: _all_old(there, array, marked))
        action = f"all new: index {len(made)} hashes, remove the array"
        return Judged(status=Status.DONE, action=action, carry=lambda: _all_new(tools, there, array, (raw, made)))

    async def _index(self, there: Mirror, hashed: set[Place]) -> Judged:
        members = await there.members()
        named = {place for each in members if (place := place_of(each)) is not None}
        stray, lost = sorted(hashed - named), sorted(named - hashed)
        if not stray and not lost:
            return Judged(status=Status.EQUAL, action="keep the index")
        action = f"index {len(stray)} hashes that had no member, remove {len(lost)} members without a hash"

        async def mend() -> Judged:
            await there.mend([*stray, *lost])
            return Judged(status=Status.DONE, action=action)

        return Judged(status=Status.DONE, action=action, carry=mend)

    async def _take_arrays(self, tools: Tools, names: Sequence[str], wanted: Person | None) -> None:
        for name in sorted(names):
            parts = GRID_POSITIONS_ARRAY.parse(name)
            if parts and await chosen_by(tools, array := Array(name, parts), wanted):
                self._arrays[name] = array

    async def _take_indexes(self, tools: Tools, names: Sequence[str], wanted: Person | None) -> None:
        prefix, found = prefix_of(tools.redis), dict[tuple[str, str], set[Place]]()
        for name in sorted(names):
            bare = name.removeprefix(prefix)
            if keys.POSITIONS_INDEX.matches(bare):
                parts = keys.POSITIONS_INDEX.parse(bare)
                found.setdefault((parts["user_id"], parts["exchange"]), set())
            elif keys.POSITIONS.matches(bare):
                parts = keys.POSITIONS.parse(bare)
                place = Place(parts["symbol"], parts["side"])
                found.setdefault((parts["user_id"], parts["exchange"]), set()).add(place)
        for (user_id, venue), hashed in sorted(found.items()):
            meant = wanted is None or await belongs(tools, Person({}, user_id), wanted)
            if meant and tools.options.exchange in ("", venue):
                there = Mirror(tools.redis, UserId(user_id), venue)
                self._indexes[there.index] = (there, hashed)


async def _all_old(there: Mirror, array: Array, marked: Sequence[Place]) -> Judged:
    answer = await there.put_back(array.key, None, marked)
    if answer != "back":
        raise why(answer)
    return Judged(status=Status.DONE, action=f"all old: {len(marked)} hashes removed, the array stands")


async def _all_new(
    tools: Tools, there: Mirror, array: Array, kept: tuple[bytes, Mapping[Place, Mapping[str, str]]]
) -> Judged:
    parts = {"exchange": array.parts["exchange"], "legacy_id": array.parts["id"]}
    backup = await mirror.backed_up(tools.redis, parts, array.key, kept[0], tools.clock.now())
    tools.step("backed up")
    await moved(tools, there, array, *kept)
    return Judged(status=Status.DONE, action=f"all new: {len(kept[1])} hashes", reason=f"backup {backup}")
