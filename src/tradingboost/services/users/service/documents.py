"""Documents of settings: reading, saving, their history, and what a run decides with."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.core.ids import UserId
from tradingboost.kit import audit
from tradingboost.kit.aggregates import newest
from tradingboost.services.users.repository import presets as preset_store
from tradingboost.services.users.repository import settings as store
from tradingboost.services.users.service.saving import user_not_found
from tradingboost.services.users.service.setting_layers import stack
from tradingboost.services.users.service.tokens import Tokens, told
from tradingboost.shared.interfaces.users.presets import Preset
from tradingboost.shared.interfaces.users.settings import (
    AskEffective,
    Effective,
    LayerVersion,
    Saved,
    SaveSetting,
    Setting,
    Version,
)
from tradingboost.shared.user_settings.addresses import GLOBAL, Address, SettingType, address, aggregate, version_at
from tradingboost.shared.user_settings.documents import defaults, dumped, given_keys, refuse_secrets, settled
from tradingboost.strategies import get as strategy_named

_KEPT: Final = timedelta(days=365)
_MOST_VERSIONS: Final = 500


class Documents(Tokens):
    """See `shared.interfaces.users.settings.Settings`."""

    async def settings(self, user_id: UserId, strategy: str = "hyperrsi", scope: str = GLOBAL) -> list[Setting]:
        """Every document of a scope."""
        kinds = [SettingType.PREFERENCES] if scope == GLOBAL else []
        kinds += [SettingType.PARAMS]
        kinds += [SettingType.DUAL_SIDE] if strategy == "hyperrsi" else []
        return [await self.setting(user_id, address(kind, strategy, scope)) for kind in kinds]

    async def setting(self, user_id: UserId, where: Address) -> Setting:
        """One document; defaults where nothing was saved."""

        async def load() -> Setting | None:
            async with self._db.read() as db:
                found = await store.active(db, user_id, where)
                if found is None and not await store.exists(db, user_id):
                    raise user_not_found(user_id)
            return found

        found = await self._setting_cache.get(user_id, where, load)
        return found or Setting(where=where, settings=defaults(where) if where.scope == GLOBAL else {}, version=0)

    async def save_setting(self, user_id: UserId, wish: SaveSetting) -> Saved:
        """Change one document."""
        (saved,) = await self.save_settings(user_id, [wish])
        return saved

    async def save_settings(self, user_id: UserId, wishes: list[SaveSetting]) -> list[Saved]:
        """Change several, judged together."""
        for wish in wishes:
            address(wish.where.setting_type, wish.where.strategy, wish.where.scope)
        rest, token = await self._sealed_out(user_id, wishes)
        async with self._db.transaction() as db:
            outcome = await self._saver.save(db, user_id, rest)
            await self._keep(db, user_id, token)
        await self._remember(user_id, outcome)
        return told(outcome, token)

    async def _remember(self, user_id: UserId, outcome: Sequence[Saved]) -> None:
        for one in outcome:
            if one.saved:
                await self._setting_cache.put(
                    user_id, Setting(where=one.where, settings=one.settings, version=one.version)
                )

    async def effective(self, asked: AskEffective) -> Effective:
        """What a run decides with."""
        address(SettingType.PARAMS, asked.strategy, asked.scope)
        refuse_secrets(asked.overrides)
        async with self._db.read() as db:
            # The number is read first: what is committed behind it makes it outdated, never the documents.
            version = version_at(await newest(db, aggregate(asked.user_id)))
            known = await store.all_active(db, asked.user_id, asked.strategy)
            preset = await self._preset_of(db, asked)
            if not known and not await store.exists(db, asked.user_id):
                raise user_not_found(asked.user_id)
        general = stack(asked.strategy, (GLOBAL,), known)
        special = stack(asked.strategy, (asked.scope,), known) if asked.scope != GLOBAL else []
        named = [] if preset is None else [preset.settings]
        parts = [*(one.settings for one in general), *named, *(one.settings for one in special), asked.overrides]
        params = settled(asked.strategy, *parts)
        layers = [LayerVersion(name=str(one.where), version=one.version) for one in general]
        if preset is not None:
            layers.append(LayerVersion(name=f"preset {preset.name}", version=preset.version))
        layers += [LayerVersion(name=str(one.where), version=one.version) for one in special]
        said = dumped(params)
        if asked.strategy != "hyperrsi":  # a grid settles what was not given by what was
            said = {key: value for key, value in said.items() if key in given_keys(asked.strategy, *parts)}
        return Effective(
            params=said,
            version=version,
            layers=layers,
            preset_id=None if preset is None else preset.preset_id,
            warnings=strategy_named(asked.strategy).warnings(params),
        )

    async def _preset_of(self, db: AsyncConnection, asked: AskEffective) -> Preset | None:
        if asked.preset_id == "":
            return None
        if asked.preset_id is None:
            return await preset_store.default_of(db, asked.user_id, asked.strategy)
        return await preset_store.named(db, asked.user_id, asked.strategy, asked.preset_id)

    async def setting_versions(self, user_id: UserId, where: Address, limit: int = 50) -> list[Version]:
        """The history, newest first."""
        async with self._db.read() as db:
            return await store.versions(db, user_id, where, max(1, min(limit, _MOST_VERSIONS)))

    async def setting_version(self, user_id: UserId, where: Address, version: int) -> Setting:
        """One version."""
        async with self._db.read() as db:
            found = await store.version_of(db, user_id, where, version)
        if found is None:
            text = f"There is no version {version} of {where}; see `tradingboost settings versions`."
            raise NotFound("version_not_found", text, version=version)
        return found

    async def restore_setting(self, user_id: UserId, where: Address, version: int, by: str) -> Saved:
        """Bring an old version back."""
        old = await self.setting_version(user_id, where, version)
        wish = SaveSetting(
            where=where,
            changes=old.settings,
            expected_version=None,
            changed_by=by,
            note=f"restored from version {version}",
            replace=True,
        )
        return await self.save_setting(user_id, wish)

    async def prune_settings(self, limit: int = 1000) -> int:
        """Let go of old versions."""
        async with self._db.transaction() as db:
            return await store.prune(db, self._clock.now() - _KEPT, max(1, min(limit, 10_000)))

    async def leg_opened(self, db: AsyncConnection, values: dict[str, str]) -> None:
        """A position was opened: locked keys stay."""
        await store.leg_opened(db, {**values, "opened_at": self._clock.now()})

    async def leg_closed(self, db: AsyncConnection, user_id: UserId, account_id: str, leg: tuple[str, str]) -> None:
        """A position was closed: what waited for that is changed now. `leg` = (symbol, position side)."""
        await store.leg_closed(db, account_id, *leg)
        held = await store.open_symbols(db, user_id)
        for row in await store.queued(db, user_id):
            if held and (row.scope == GLOBAL or row.scope in held):
                continue
            await store.unqueue(db, row.id)
            where = Address(row.strategy, SettingType(row.setting_type), row.scope)
            wish = SaveSetting(
                where=where,
                changes=row.changes,
                expected_version=None,
                changed_by=row.changed_by,
                note="waited for a flat position",
            )
            try:  # what is refused is refused before anything is written
                await self._saver.save(db, user_id, [wish])
            except (InvalidInput, NotFound) as error:
                refused = {"code": error.code, "keys": sorted(row.changes)}
                now = self._clock.now()
                await audit.append(
                    db, "settings.wait_refused", actor="system", at=now, user_id=user_id, details=refused
                )
