"""The use cases of `config`."""

from tradingboost.core.errors import Conflict
from tradingboost.kit import outbox
from tradingboost.kit.context import Context
from tradingboost.kit.crash import crash_point
from tradingboost.services.config import repository as store
from tradingboost.shared.events.config import ConfigChanged
from tradingboost.shared.interfaces.config import ConfigValue


class ConfigService:
    """Implements `shared.interfaces.config.Config`."""

    def __init__(self, context: Context) -> None:
        self._db = context.db
        self._clock = context.clock

    async def get(self, service: str, key: str) -> ConfigValue | None:
        """The newest value."""
        async with self._db.read() as db:
            found = await store.newest(db, service, key)
        return found[0] if found else None

    async def values(self, service: str) -> list[ConfigValue]:
        """All values of a service."""
        async with self._db.read() as db:
            return await store.newest(db, service)

    async def set(self, service: str, key: str, value: str, expected_version: int | None = None) -> ConfigValue:
        """Store a new version; the same value again changes nothing."""
        async with self._db.transaction() as db:
            found = await store.newest(db, service, key)
            current = found[0].version if found else 0
            if found and found[0].value == value:
                return found[0]
            if expected_version is not None and expected_version != current:
                raise _conflict(service, key, current)
            stored = ConfigValue(
                service=service, key=key, value=value, version=current + 1, changed_at=self._clock.now()
            )
            if not await store.insert_value(db, {name: getattr(stored, name) for name in stored.__struct_fields__}):
                raise _conflict(service, key, current + 1)
            payload = ConfigChanged(service=service, key=key, value=value, version=stored.version)
            aggregate = f"config:{service}:{key}"
            await outbox.emit(db, payload, key=aggregate, aggregate=aggregate)
        crash_point("settings.after_commit")
        return stored


def _conflict(service: str, key: str, version: int) -> Conflict:
    return Conflict(
        "version_conflict", f"{service}.{key} was changed by somebody else; read it again.", version=version
    )
