"""Presets and templates: settings under a name."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, InvalidInput, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit import audit, outbox
from tradingboost.services.users.repository import presets as store
from tradingboost.services.users.repository import settings as documents
from tradingboost.services.users.service.part import Part
from tradingboost.services.users.service.saving import MOST_BYTES, locked_while_active, user_not_found, version_conflict
from tradingboost.services.users.service.setting_layers import layers
from tradingboost.shared.events.users import PresetChanged
from tradingboost.shared.interfaces.users.presets import EditedPreset, EditPreset, NewPreset, Preset
from tradingboost.shared.user_settings.addresses import GLOBAL, SettingType, address, aggregate
from tradingboost.shared.user_settings.differences import Change, changes
from tradingboost.shared.user_settings.documents import LOCKED, SECRET, laid

MOST_PRESETS: Final = 100
_LONGEST_NAME, _LONGEST_DESCRIPTION = 50, 200


class Presets(Part):
    """See `shared.interfaces.users.presets.Presets`."""

    async def presets(self, user_id: UserId, strategy: str = "hyperrsi") -> list[Preset]:
        """A person's own, then the templates."""
        async with self._db.read() as db:
            return await store.listed(db, user_id, strategy)

    async def preset(self, user_id: UserId, preset_id: str) -> Preset:
        """One of them."""
        async with self._db.read() as db:
            return await store.named(db, user_id, None, preset_id)

    async def create_preset(self, user_id: UserId, wish: NewPreset) -> Preset:
        """Make one."""
        async with self._db.transaction() as db:
            if not await documents.lock_user(db, user_id):
                raise user_not_found(user_id)
            return await self._create(db, user_id, wish)

    async def publish_template(self, wish: NewPreset) -> Preset:
        """Make a template."""
        if wish.from_current:
            text = "A template belongs to nobody, so it has no current settings; give them, or copy a preset."
            raise InvalidInput("template_of_nobody", text)
        async with self._db.transaction() as db:
            return await self._create(db, None, wish)

    async def _create(
        self, db: AsyncConnection, owner: UserId | None, wish: NewPreset, *, dry_run: bool = False
    ) -> Preset:
        address(SettingType.PARAMS, wish.strategy)
        name, description = _named(wish.name), _described(wish.description)
        if await store.count(db, owner) >= MOST_PRESETS:
            raise Refused("too_many_presets", f"There are {MOST_PRESETS} presets already; delete one first.")
        await self._name_is_free(db, owner, wish.strategy, name)
        below = await self._below(db, owner, wish.strategy)
        base, based_on = {}, None
        if wish.copy_of is not None:
            source = await store.named(db, owner, wish.strategy, wish.copy_of)
            base, based_on = source.settings, source.preset_id
        elif wish.from_current:
            base = {key: value for one in below for key, value in one.items() if key != SECRET}
        now = self._clock.now()
        settings = _judged(wish.strategy, {} if wish.from_current else wish.settings, base, below)
        values: dict[str, Any] = {"id": str(self._ids.uuid7()), "user_id": owner, "strategy": wish.strategy}
        values |= {
            "name": name,
            "description": description or None,
            "settings": settings,
            "version": 1,
            "based_on": based_on,
        }
        values |= {"is_template": owner is None, "created_at": now, "updated_at": now}
        if dry_run:
            return store.preset_of(values | {"is_default": False})
        made = await store.put(db, values)
        await self._told(db, owner, made, (wish.changed_by, "created"), changes({}, settings))
        return made

    async def edit_preset(self, user_id: UserId, wish: EditPreset) -> EditedPreset:
        """Change one."""
        async with self._db.transaction() as db:
            if not await documents.lock_user(db, user_id):
                raise user_not_found(user_id)
            return await self._edit(db, user_id, wish)

    async def _edit(self, db: AsyncConnection, user_id: UserId, wish: EditPreset) -> EditedPreset:
        preset = await store.named(db, user_id, None, wish.preset_id, lock=True)
        if preset.is_template:
            raise _read_only(preset)
        below = await self._below(db, user_id, preset.strategy)
        settings = _judged(preset.strategy, wish.settings, preset.settings, below)
        diff = changes(preset.settings, settings)
        values: dict[str, Any] = await self._asked(db, user_id, preset, wish)
        values |= {"settings": settings} if diff else {}
        uses = await store.uses(db, preset.preset_id)
        edited = EditedPreset(preset=preset, changes=diff, used_by=[one.run_id for one in uses])
        if not values:
            return edited
        if wish.expected_version != preset.version:
            raise version_conflict(f"preset {preset.name}", wish.expected_version, preset.version, [])
        await self._not_locked(db, user_id, uses, diff)
        if wish.dry_run:
            return msgspec.structs.replace(edited, preset=msgspec.structs.replace(preset, settings=settings))
        if values.get("is_default"):
            await store.no_default(db, user_id, preset.strategy)
        stamp = {"version": preset.version + 1, "updated_at": self._clock.now()}
        changed = await store.change(db, preset.preset_id, values | stamp)
        await self._told(db, user_id, changed, (wish.changed_by, "changed"), diff)
        return msgspec.structs.replace(edited, preset=changed, saved=True)

    async def delete_preset(self, user_id: UserId, preset_id: str, by: str, detach: bool = False) -> Preset:
        """Take one away."""
        async with self._db.transaction() as db:
            if not await documents.lock_user(db, user_id):
                raise user_not_found(user_id)
            preset = await store.named(db, user_id, None, preset_id, lock=True)
            if preset.is_template:
                raise _read_only(preset)
            uses = await store.uses(db, preset.preset_id)
            if uses and not detach:
                text = f"{len(uses)} active runs carry {preset.name}; stop them, or let them go on without it (detach)."
                raise Conflict("preset_in_use", text, runs=[one.run_id for one in uses])
            if uses:
                left = changes({key: preset.settings[key] for key in LOCKED & set(preset.settings)}, {})
                await self._not_locked(db, user_id, uses, left)
            await store.detach(db, preset.preset_id)
            gone = await store.remove(db, preset.preset_id, self._clock.now())
            await self._told(db, user_id, gone, (by, "deleted"), changes(preset.settings, {}))
            return gone

    async def withdraw_template(self, preset_id: str, by: str) -> Preset:
        """Take a template away."""
        async with self._db.transaction() as db:
            template = await store.named(db, None, None, preset_id, lock=True)
            gone = await store.remove(db, template.preset_id, self._clock.now())
            await self._told(db, None, gone, (by, "deleted"), changes(template.settings, {}))
            return gone

    async def run_started(self, db: AsyncConnection, user_id: UserId, run_id: str, carries: tuple[str, str]) -> None:
        """A run carries a preset; `carries` = (preset, scope)."""
        values = {"run_id": run_id, "user_id": user_id, "preset_id": carries[0], "scope": carries[1]}
        await store.carried(db, values)

    async def run_stopped(self, db: AsyncConnection, run_id: str) -> None:
        """It opens nothing any more."""
        await store.dropped(db, run_id)

    async def _asked(self, db: AsyncConnection, user_id: UserId, preset: Preset, wish: EditPreset) -> dict[str, Any]:
        """The columns besides the settings that differ from what they are."""
        values: dict[str, Any] = {}
        if wish.name is not None and wish.name.strip() != preset.name:
            values["name"] = _named(wish.name)
            await self._name_is_free(db, user_id, preset.strategy, values["name"], but=preset.preset_id)
        if wish.description is not None and wish.description.strip() != preset.description:
            values["description"] = _described(wish.description)
        if wish.is_default is not None and wish.is_default != preset.is_default:
            values["is_default"] = wish.is_default
        return values

    async def _below(self, db: AsyncConnection, owner: UserId | None, strategy: str) -> list[dict[str, Any]]:
        known = {} if owner is None else await documents.all_active(db, owner, strategy)
        return layers(strategy, GLOBAL, known)

    async def _name_is_free(
        self, db: AsyncConnection, owner: UserId | None, strategy: str, name: str, but: str = ""
    ) -> None:
        if await store.taken(db, owner, strategy, name) not in (None, but):
            raise Conflict("preset_name_taken", f"There is a preset {name!r} already; choose another name.")

    async def _not_locked(
        self, db: AsyncConnection, user_id: UserId, uses: Sequence[Any], diff: Sequence[Change]
    ) -> None:
        """Locked keys of a preset stay while a run that carries it holds a position."""
        names = sorted(one.key for one in diff if one.key in LOCKED)
        held = set(await documents.open_symbols(db, user_id)) & {one.scope for one in uses}
        if names and held:
            raise locked_while_active(names, sorted(held))

    async def _told(
        self,
        db: AsyncConnection,
        owner: UserId | None,
        preset: Preset,
        what: tuple[str, str],
        diff: Sequence[Change],
    ) -> None:
        """Into the trail, and to whoever decides by it; `what` = (actor, past tense)."""
        by, done = what
        keys = [one.key for one in diff]
        details = {"name": preset.name, "version": preset.version, "template": preset.is_template, "changed_keys": keys}
        now = self._clock.now()
        entry: dict[str, Any] = {"user_id": owner, "subject": preset.preset_id, "details": details}
        await audit.append(db, f"preset.{done}", actor=by, at=now, **entry)
        if owner is None:
            return  # nobody decides by a template
        payload = PresetChanged(
            user_id=owner,
            preset_id=preset.preset_id,
            strategy=preset.strategy,
            version=preset.version,
            changed_keys=keys,
            deleted=done == "deleted",
        )
        await outbox.emit(db, payload, key=f"user:{owner}", aggregate=aggregate(owner), user_id=owner)


def _judged(
    strategy: str, given: dict[str, Any], base: dict[str, Any], below: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    settings = laid(strategy, given, base, *below)
    if len(msgspec.json.encode(settings)) > MOST_BYTES:
        raise InvalidInput("settings_too_long", "The settings of a preset take 64 KiB at most; take symbols out of it.")
    return settings


def _named(name: str) -> str:
    word = name.strip()
    if not 1 <= len(word) <= _LONGEST_NAME:
        raise InvalidInput("bad_preset_name", f"A preset's name has 1 to {_LONGEST_NAME} characters.")
    return word


def _described(text: str) -> str:
    word = text.strip()
    if len(word) > _LONGEST_DESCRIPTION:
        raise InvalidInput("bad_preset_name", f"A preset's description has at most {_LONGEST_DESCRIPTION} characters.")
    return word


def _read_only(preset: Preset) -> Refused:
    return Refused(
        "template_read_only", f"{preset.name} is a template and stays as it is; copy it and change the copy."
    )
