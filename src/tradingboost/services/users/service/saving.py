"""One save of settings inside a transaction: read, judge, compare, store, write down, tell."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, InvalidInput, NotFound
from tradingboost.core.ids import UserId
from tradingboost.kit import audit, outbox
from tradingboost.kit.clock import Clock
from tradingboost.kit.ids import Ids
from tradingboost.services.users.repository import settings as store
from tradingboost.services.users.service.setting_cache import SettingCache
from tradingboost.services.users.service.setting_layers import beside, check_overrides, layers, with_changed
from tradingboost.shared.events.users import SettingsUpdated
from tradingboost.shared.interfaces.users.settings import Apply, Saved, SaveSetting, Setting
from tradingboost.shared.user_settings.addresses import GLOBAL, Address, SettingType, aggregate
from tradingboost.shared.user_settings.differences import Change, changes
from tradingboost.shared.user_settings.documents import LOCKED, SECRET, Document, defaults, read, settled
from tradingboost.strategies import get as strategy_named

MOST_BYTES: Final = 64 * 1024
_MOST_AUDITED: Final = 12_000


class Saver:
    """Saves, in whoever's transaction. The person's row is locked, so nobody judges by what another is changing."""

    def __init__(self, clock: Clock, ids: Ids, cache: SettingCache) -> None:
        self._clock = clock
        self._ids = ids
        self._cache = cache

    async def save(self, db: AsyncConnection, user_id: UserId, wishes: Sequence[SaveSetting]) -> list[Saved]:
        """Carry several wishes out, all of them or none. See `Settings.save_setting`."""
        if len({wish.where for wish in wishes}) < len(wishes):
            raise InvalidInput("given_twice", "The same document is given twice; put its changes together.")
        if not await store.lock_user(db, user_id):
            raise user_not_found(user_id)
        known = await store.all_active(db, user_id)
        open_symbols = await store.open_symbols(db, user_id)
        given: dict[Address, Document] = {}
        waiting: dict[Address, Document] = {}
        for wish in wishes:
            given[wish.where], waiting[wish.where] = _now_and_later(wish, known.get(wish.where), open_symbols)
        judged = {wish.where: _judged(wish, known, given) for wish in wishes}
        for wish in wishes:
            await self._expected(db, user_id, wish, known.get(wish.where), judged[wish.where])
        _judge_overrides(known, judged)
        saved = [
            await self._store(db, user_id, wish, known.get(wish.where), (judged[wish.where], waiting[wish.where]))
            for wish in wishes
        ]
        return [_warned(one, with_changed(known, judged)) for one in saved]

    async def _expected(
        self, db: AsyncConnection, user_id: UserId, wish: SaveSetting, base: Setting | None, judged: Document
    ) -> None:
        """The change was made from the version in force, or would change nothing (a repeat of the same call)."""
        version = 0 if base is None else base.version
        if wish.expected_version in (None, version) or (base is not None and base.settings == judged):
            return
        seen = await store.version_of(db, user_id, wish.where, wish.expected_version or 0)
        before = seen.settings if seen is not None else _before(wish.where, None)
        diff = changes(before, _before(wish.where, base))
        raise version_conflict(str(wish.where), wish.expected_version, version, diff)

    async def _store(
        self,
        db: AsyncConnection,
        user_id: UserId,
        wish: SaveSetting,
        base: Setting | None,
        outcome: tuple[Document, Document],
    ) -> Saved:
        settings, waiting = outcome
        before = _before(wish.where, base)
        saved = Saved(
            where=wish.where,
            settings=settings,
            version=0 if base is None else base.version,
            saved=False,
            changes=changes(before, settings),
            waiting=sorted(waiting),
        )
        if wish.dry_run:
            return saved
        now = self._clock.now()
        if waiting:
            await store.queue(db, self._row(user_id, wish, now) | {"changes": waiting})
        first = base is None and bool(settings)
        if not saved.changes and not first:
            return saved
        row = self._row(user_id, wish, now) | {
            "settings": settings,
            "change_note": wish.note or None,
            "updated_at": now,
        }
        version = await store.put(db, row)
        saved = msgspec.structs.replace(saved, version=version, saved=True)
        await self._tell(db, user_id, wish, saved)
        return saved

    def _row(self, user_id: UserId, wish: SaveSetting, now: datetime) -> dict[str, Any]:
        return {
            "id": str(self._ids.uuid7()),
            "user_id": user_id,
            "strategy": wish.where.strategy,
            "scope": wish.where.scope,
            "setting_type": wish.where.setting_type.value,
            "changed_by": wish.changed_by,
            "created_at": now,
        }

    async def _tell(self, db: AsyncConnection, user_id: UserId, wish: SaveSetting, saved: Saved) -> None:
        names = [one.key for one in saved.changes]
        told: dict[str, Any] = {"where": str(wish.where), "version": saved.version, "note": wish.note}
        diff = msgspec.to_builtins(saved.changes)
        fits = len(msgspec.json.encode(diff)) < _MOST_AUDITED
        await audit.append(
            db,
            "settings.saved",
            actor=wish.changed_by,
            at=self._clock.now(),
            user_id=user_id,
            subject=str(wish.where),
            details=told | ({"changes": diff} if fits else {"changed_keys": names}),
        )
        payload = SettingsUpdated(
            user_id=user_id,
            setting_type=wish.where.setting_type,
            strategy=wish.where.strategy,
            scope=wish.where.scope,
            version=saved.version,
            changed_keys=names,
        )
        await outbox.emit(db, payload, key=f"user:{user_id}", aggregate=aggregate(user_id), user_id=user_id)
        await self._cache.outdated(user_id, wish.where, saved.version)


def _now_and_later(wish: SaveSetting, base: Setting | None, open_symbols: Sequence[str]) -> tuple[Document, Document]:
    """The changes that may be made now, and those that wait for a flat position."""
    if wish.where.strategy != "hyperrsi" or wish.where.setting_type is not SettingType.PARAMS:
        return wish.changes, {}
    scope = wish.where.scope
    held = [one for one in open_symbols if scope in (GLOBAL, one)]
    before = _before(wish.where, base)
    asked = {name: value for name, value in wish.changes.items() if name in LOCKED}
    if wish.replace:
        asked |= dict.fromkeys(LOCKED & set(before) - set(asked))
    if not held or not asked:
        return wish.changes, {}
    probe = read(wish.where, asked, before)
    locked = {name: value for name, value in asked.items() if probe.get(name) != before.get(name)}
    if not locked:
        return wish.changes, {}
    if wish.apply is Apply.NOW:
        raise locked_while_active(sorted(locked), held)
    kept = {name: before[name] for name in locked if name in before} if wish.replace else {}
    return {name: value for name, value in wish.changes.items() if name not in locked} | kept, locked


def _judged(wish: SaveSetting, known: Mapping[Address, Setting], given: Mapping[Address, Document]) -> Document:
    base = known.get(wish.where)
    stands = {} if base is None else base.settings
    if wish.replace:  # whoever brings a whole document brings no secret: what is sealed stays
        stands = {key: value for key, value in stands.items() if key == SECRET}
    settings = read(wish.where, given[wish.where], stands, *beside(wish.where, known, given))
    if len(msgspec.json.encode(settings)) > MOST_BYTES:
        raise InvalidInput("settings_too_long", "A document of settings takes 64 KiB at most; take symbols out of it.")
    return settings


def _judge_overrides(known: Mapping[Address, Setting], judged: Mapping[Address, Document]) -> None:
    for strategy in {where.strategy for where in judged if where.scope == GLOBAL}:
        check_overrides(strategy, with_changed(known, judged))


def _before(where: Address, base: Setting | None) -> Document:
    if base is not None:
        return base.settings
    return defaults(where) if where.whole or where.setting_type is SettingType.PREFERENCES else {}


def _warned(saved: Saved, known: Mapping[Address, Setting]) -> Saved:
    """With what is allowed and worth a second look."""
    where = saved.where
    if where.setting_type is SettingType.PREFERENCES:
        return saved
    params = settled(where.strategy, *layers(where.strategy, where.scope, known))
    return msgspec.structs.replace(saved, warnings=strategy_named(where.strategy).warnings(params))


def user_not_found(user_id: UserId) -> NotFound:
    """No such person."""
    return NotFound("user_not_found", f"There is no user {user_id}.", user_id=user_id)


def version_conflict(what: str, expected: int | None, version: int, diff: Sequence[Change]) -> Conflict:
    """Somebody else was faster."""
    return Conflict(
        "version_conflict",
        f"Somebody changed {what} meanwhile: version {version} is in force, not {expected}; look at it and try again.",
        expected=expected,
        version=version,
        diff=msgspec.to_builtins(diff),
    )


def locked_while_active(names: Sequence[str], symbols: Sequence[str]) -> Conflict:
    """Keys that stay while a position is open."""
    return Conflict(
        "locked_while_active",
        f"{', '.join(names)} cannot change while a position is open on {', '.join(symbols)};"
        " close it first, or ask for the change as soon as it is flat (apply = when_flat).",
        keys=list(names),
        symbols=list(symbols),
    )
