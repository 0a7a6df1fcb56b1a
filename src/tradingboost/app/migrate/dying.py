"""A verb in a process of its own that is killed with SIGKILL when half of its items are settled."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from sqlalchemy import func, select

from tradingboost.app.migrate.tools import tools
from tradingboost.app.migrate.verbs import VERBS
from tradingboost.app.migrate.work import Options
from tradingboost.app.settings import Settings
from tradingboost.kit.context import Context
from tradingboost.kit.embedded.process import bound
from tradingboost.kit.tables import migration_items

_LOOK_S: Final = 0.02
_PATIENCE_S: Final = 600.0


async def killed_half_way(verb: str, settings: Settings, context: Context, folder: Path) -> tuple[int, int]:
    """How many items were settled when it died, and how many there are."""
    async with tools(settings, Options(dry_run=True)) as opened:
        total = len(await VERBS[verb]().items(opened))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TB_")}
    with (folder / f"{verb}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *bound([sys.executable, "-m", "tradingboost", "migrate", verb, "--json", "--yes", "-vv"]),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=inherited | _variables(settings),
            cwd=folder,
            start_new_session=True,  # Ctrl-C reaches it through us only
        )
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while process.returncode is None and await _settled(context, verb) < max(1, total // 2):
                    await context.clock.sleep(_LOOK_S)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
    return await _settled(context, verb), total


def written(folder: Path) -> str:
    """Everything these processes said."""
    return "".join(log.read_text(errors="replace") for log in sorted(folder.glob("*.log")))


async def _settled(context: Context, verb: str) -> int:
    counting = select(func.count(func.distinct(migration_items.c.key))).where(migration_items.c.verb == verb)
    async with context.db.read() as db:
        return int((await db.execute(counting)).scalar_one())


def _variables(settings: Settings) -> dict[str, str]:
    """The settings of the rehearsal as environment variables; secrets go no other way."""
    given: dict[str, SecretStr | None] = {
        "TB_DB__URL": settings.db.url,
        "TB_REDIS__URL": settings.redis.url,
        "TB_CRYPTO__KEKS": settings.crypto.keks,
        "TB_CRYPTO__PEPPER": settings.crypto.pepper,
        "TB_CRYPTO__LEGACY_FERNET_KEYS": settings.crypto.legacy_fernet_keys,
    }
    made = {name: secret.get_secret_value() for name, secret in given.items() if secret is not None}
    return made | {
        "TB_ENV": "test",
        "TB_EMBEDDED__DATA_DIR": str(settings.embedded.data_dir),
        "TB_USERS__MAX_USERS": str(settings.users.max_users),
    }
