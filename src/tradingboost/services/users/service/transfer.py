"""Bringing settings out and in."""

from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import NotFound
from tradingboost.core.ids import UserId
from tradingboost.services.users.repository import presets as preset_store
from tradingboost.services.users.repository import settings as store
from tradingboost.services.users.service.documents import Documents
from tradingboost.services.users.service.presets import Presets
from tradingboost.services.users.service.saving import user_not_found
from tradingboost.services.users.service.tokens import told
from tradingboost.shared.interfaces.users.presets import EditedPreset, EditPreset, NewPreset
from tradingboost.shared.interfaces.users.settings import BroughtIn, SaveSetting
from tradingboost.shared.user_settings.addresses import SettingType, address
from tradingboost.shared.user_settings.differences import changes
from tradingboost.shared.user_settings.transfer import Entry, NamedSettings, exported, imported


class Transfer(Documents, Presets):
    """See `shared.interfaces.users.settings.Settings`."""

    async def export_settings(self, user_id: UserId, strategy: str = "hyperrsi") -> dict[str, Any]:
        """Everything a person has saved of a strategy."""
        address(SettingType.PARAMS, strategy)
        async with self._db.read() as db:
            if not await store.exists(db, user_id):
                raise user_not_found(user_id)
            known = await store.all_active(db, user_id, strategy)
            mine = await preset_store.listed(db, user_id, strategy)
        entries = [
            Entry(setting_type=where.setting_type.value, scope=where.scope, settings=one.settings)
            for where, one in sorted(known.items())
        ]
        presets = [
            NamedSettings(name=one.name, description=one.description, is_default=one.is_default, settings=one.settings)
            for one in mine
            if not one.is_template
        ]
        found: dict[str, Any] = msgspec.to_builtins(exported(strategy, self._clock.now().isoformat(), entries, presets))
        return found

    async def import_settings(
        self, user_id: UserId, document: dict[str, Any], by: str, dry_run: bool = False
    ) -> BroughtIn:
        """Bring such a document in: new versions of what differs, in one transaction."""
        brought = imported(document)
        wishes = [
            SaveSetting(
                where=address(one.setting_type, brought.strategy, one.scope),
                changes=one.settings,
                expected_version=None,
                changed_by=by,
                note="imported",
                replace=True,
                dry_run=dry_run,
            )
            for one in brought.settings
        ]
        rest, token = await self._sealed_out(user_id, wishes)
        async with self._db.transaction() as db:
            saved = await self._saver.save(db, user_id, rest)
            await self._keep(db, user_id, token)
            edited = [
                await self._bring_preset(db, user_id, brought.strategy, one, (by, dry_run)) for one in brought.presets
            ]
        await self._remember(user_id, saved)
        return BroughtIn(settings=told(saved, token), presets=edited)

    async def _bring_preset(
        self, db: AsyncConnection, user_id: UserId, strategy: str, wanted: NamedSettings, how: tuple[str, bool]
    ) -> EditedPreset:
        """A preset of that name gets the settings, or is made; `how` = (actor, dry run)."""
        by, dry_run = how
        try:
            known = await preset_store.named(db, user_id, strategy, wanted.name, lock=True)
        except NotFound:
            known = None
        if known is None or known.is_template:
            wish = NewPreset(
                name=wanted.name,
                description=wanted.description,
                strategy=strategy,
                settings=wanted.settings,
                changed_by=by,
            )
            made = await self._create(db, user_id, wish, dry_run=dry_run)
            return EditedPreset(preset=made, changes=changes({}, made.settings), saved=not dry_run)
        gone = dict.fromkeys(set(known.settings) - set(wanted.settings))
        edit = EditPreset(
            preset_id=known.preset_id,
            expected_version=known.version,
            changed_by=by,
            description=wanted.description,
            settings={**gone, **wanted.settings},
            dry_run=dry_run,
        )
        return await self._edit(db, user_id, edit)
