"""Where the servers of a data directory listen, for whoever did not start them."""

from pathlib import Path

import asyncpg

from tradingboost.kit.embedded.directory import kept_password, kept_ports
from tradingboost.kit.embedded.postgres import DATABASE, USER

_PATIENCE_S = 2.0


async def running(data_dir: Path) -> tuple[str, str] | None:
    """(PostgreSQL, Redis) addresses of a directory whose servers run now, None when nothing answers there."""
    ports = kept_ports(data_dir)
    words = {name: kept_password(data_dir, name) for name in ("postgres", "redis")}
    if not all(words.values()) or not {"postgres", "redis"} <= set(ports):
        return None
    database = f"postgresql://{USER}:{words['postgres']}@127.0.0.1:{ports['postgres']}/{DATABASE}"
    try:
        connection = await asyncpg.connect(database, timeout=_PATIENCE_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None
    await connection.close()
    return database, f"redis://:{words['redis']}@127.0.0.1:{ports['redis']}/0"
