"""The verbs by name, each as one call: open the tools, do the work, give back the report."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from tradingboost.app.migrate import record, source
from tradingboost.app.migrate.api_keys import ApiKeys, VerifyApiKeys
from tradingboost.app.migrate.cleanup import Cleanup, KeptArray, Purge, kept_arrays
from tradingboost.app.migrate.grid_positions import GridPositions, Rollback
from tradingboost.app.migrate.outcome import Report
from tradingboost.app.migrate.partial import Partial
from tradingboost.app.migrate.settings import Settings as SettingsVerb
from tradingboost.app.migrate.tools import tools
from tradingboost.app.migrate.work import Options, Told, Verb, carried_out
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput

VERBS: Final[Mapping[str, Callable[..., Verb]]] = MappingProxyType(
    {
        "api-keys": ApiKeys,
        "api-keys-verify": VerifyApiKeys,
        "settings": SettingsVerb,
        "grid-positions": GridPositions,
        "grid-positions-rollback": Rollback,
        "cleanup-partial": Partial,
        "cleanup-legacy": Cleanup,
        "backups-purge": Purge,
    }
)
ADDITIVE: Final = frozenset({"api-keys", "api-keys-verify", "settings"})
"""These take nothing away; every other verb asks first."""
_ONE_SERVER: Final = frozenset({"grid-positions-rollback", "cleanup-partial", "cleanup-legacy", "backups-purge"})
_PAGE: Final = 200


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A verb and what it was told.

    Args:
        source_url: the old Redis where it is another server; nothing is ever written there.
        words: arguments of the verb itself.
    """

    verb: str
    options: Options = Options()
    source_url: str = ""
    words: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        return f"Ask({self.verb!r})"  # the address may hold a password


async def asked(settings: Settings, ask: Ask, stop: asyncio.Event, told: Told) -> Report:
    """Carry a verb out.

    Raises:
        InvalidInput: `source_is_read_only`, this verb would have to write into a system of others.
    """
    async with tools(settings, ask.options, ask.source_url) as opened:
        if not opened.same and ask.verb in _ONE_SERVER:
            message = "The old Redis is another server, which is never written; run this verb without --source-url."
            raise InvalidInput("source_is_read_only", message)
        return await carried_out(opened, VERBS[ask.verb](**ask.words), stop, told)


async def backups(settings: Settings) -> list[KeptArray]:
    """The backups there are."""
    async with tools(settings, Options(dry_run=True)) as opened:
        return await kept_arrays(opened)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far a migration is.

    Args:
        runs: newest first.
        remaining: keys of the old system by the verb that takes them, that no run has settled.
    """

    runs: list[record.RunView]
    remaining: dict[str, int]


async def standing(settings: Settings, source_url: str = "") -> Standing:
    """The runs so far, and what is left to do."""
    async with tools(settings, Options(dry_run=True), source_url) as opened:
        settled: set[str] = set()
        for name in ("api-keys", "settings"):
            kept = record.Record(opened.database, opened.clock, opened.ids, name, opened.source)
            settled |= set(await kept.settled())
        remaining: dict[str, int] = {}
        for one in await source.old_keys(opened.old, lambda _: True):
            if one.key not in settled:
                remaining[one.row.verb] = remaining.get(one.row.verb, 0) + 1
        return Standing(runs=await record.runs(opened.database), remaining=dict(sorted(remaining.items())))


async def caches_rebuilt(settings: Settings, options: Options, stop: asyncio.Event, told: Told) -> int:
    """Read everybody's settings once, which fills the caches from PostgreSQL: how many people."""
    done, before = 0, None
    async with tools(settings, options) as opened:
        while page := await opened.users.people(_PAGE, before):
            for one in page:
                if stop.is_set():
                    return done
                await opened.users.settings(one.user_id)
                done += 1
                told(done, done, "done")
            before = page[-1].user_id
    return done


def refused(reports: Sequence[Report]) -> int:
    """How many items were refused in all."""
    return sum(report.counts.get("refused", 0) for report in reports)
