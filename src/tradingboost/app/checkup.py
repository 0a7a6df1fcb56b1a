"""What `doctor` looks at: each check says ok, warn or fail, and how to mend it. Nothing is changed or started."""

import importlib.metadata
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from tradingboost.app.places import data_dir, has_data
from tradingboost.app.settings import ALIASES, Settings
from tradingboost.app.topology import GATEWAY_PORT, PROCESSES
from tradingboost.core.errors import TradingBoostError
from tradingboost.kit import compile_cache, embedded, environment
from tradingboost.kit.embedded.binaries import postgres_binaries, redis_binary
from tradingboost.kit.http_server import listen

if TYPE_CHECKING:
    from tradingboost.app.schemas import DatabaseState

State = Literal["ok", "warn", "fail"]
_OLDEST: Final = (3, 11)
_LITTLE_BYTES, _TOO_LITTLE_BYTES = 2_000_000_000, 300_000_000
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(;[^\\]*)?")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report.

    Args:
        fix: what to do, "" when nothing is to be done.
    """

    name: str
    state: State
    text: str
    fix: str = ""


def checkup(environ: Mapping[str, str], overrides: Mapping[str, object]) -> Iterator[Finding]:
    """Every check that needs no server, in order; a setting that cannot be read ends it early."""
    yield _interpreter()
    yield _lock()
    yield from _variables(environ)
    try:
        settings = environment.load(Settings, environ, overrides, ALIASES)
    except TradingBoostError as error:
        yield Finding(name="settings", state="fail", text=error.message, fix="correct it in the environment or in .env")
        return
    yield _directory(data_dir(settings))
    if settings.db.address() is None:
        yield _binaries()
    yield _disk(data_dir(settings))
    yield _cache()


def ports(settings: Settings) -> Iterator[Finding]:
    """The ports this installation would take. Not asked while it runs: then they are its own."""
    offset, host = settings.topology.port_offset, settings.topology.host
    wanted = {GATEWAY_PORT + offset: "up"} | {one.port + offset: one.name for one in PROCESSES.values()}
    wanted |= {settings.sim.port: "sim", settings.sim.tls_port: "sim (TLS)", settings.sim.admin_port: "sim (admin)"}
    busy = []
    for port, name in wanted.items():
        try:
            listen(host, port).close()
        except TradingBoostError:
            busy.append(f"{port} ({name})")
    if busy:
        fix = "stop the program that has it, or shift ours with TB_TOPOLOGY__PORT_OFFSET and TB_SIM__PORT"
        yield Finding(name="ports", state="warn", text=f"in use: {', '.join(busy)}", fix=fix)
    else:
        yield Finding(name="ports", state="ok", text=f"{min(wanted)} to {max(wanted)} on {host} are free")


async def database(settings: Settings) -> Iterator[Finding]:
    """Whether the database is up to date, what it can do and whether rows are guarded, if it can be asked."""
    from tradingboost.app.schemas import state_of
    from tradingboost.kit.db import Database

    address = settings.db.address()
    if address is None:
        running = await embedded.running(data_dir(settings))
        if running is None:
            text = "embedded, not running now" if has_data(settings) else "embedded, made at the first start"
            return iter((Finding(name="database", state="ok", text=text),))
        address = running[0]
    database = Database.open(address, settings.db)
    try:
        found = await state_of(database)
    except TradingBoostError as error:
        fix = "start it, or correct TB_DB__URL"
        return iter((Finding(name="database", state="fail", text=error.message, fix=fix),))
    finally:
        await database.close()
    return iter((_versions(found.behind), _tier(found), _guards(settings, found.secured)))


def _versions(behind: list[str]) -> Finding:
    if behind:
        fix = "run: tradingboost db upgrade"
        return Finding(name="database", state="warn", text=f"behind the code: {', '.join(behind)}", fix=fix)
    return Finding(name="database", state="ok", text="answers and is up to date")


def _tier(found: "DatabaseState") -> Finding:
    if found.uncut:
        text = f"{found.tier}; not yet cut by time: {', '.join(found.uncut)}"
        return Finding(name="time series", state="warn", text=text, fix="run: tradingboost db upgrade --timescale auto")
    return Finding(name="time series", state="ok", text=str(found.tier))


def _guards(settings: Settings, secured: bool) -> Finding:
    if secured or settings.db.row_security == "off":
        text = "rows are guarded by roles and policies" if secured else "off by TB_DB__ROW_SECURITY"
        return Finding(name="row security", state="ok", text=text)
    fix = "let the database login create roles, or be a member of them, and run: tradingboost db upgrade"
    return Finding(name="row security", state="warn", text="rows are not guarded", fix=fix)


async def redis(settings: Settings) -> Finding:
    """Whether the named Redis answers."""
    from tradingboost.kit.redis import Redis

    address = settings.redis.address()
    if address is None:
        return Finding(name="redis", state="ok", text="embedded, started when needed")
    client = Redis(address, settings.redis)
    try:
        await client.ping()
    except TradingBoostError as error:
        return Finding(name="redis", state="fail", text=error.message, fix="start it, or correct TB_REDIS__URL")
    finally:
        await client.close()
    return Finding(name="redis", state="ok", text="answers")


def _interpreter() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _OLDEST:
        fix = "install Python 3.11 or newer and start tb with it"
        return Finding(name="python", state="fail", text=f"Python {found} is too old", fix=fix)
    return Finding(name="python", state="ok", text=f"Python {found} ({sys.implementation.name})")


def _lock() -> Finding:
    """Compare what is installed with the lock beside this checkout."""
    lock = Path(__file__).resolve().parents[3] / "requirements.lock"
    if not lock.is_file():
        return Finding(name="packages", state="ok", text="installed without a lock beside them")
    wrong = list(_differing(lock.read_text(encoding="utf-8")))
    if wrong:
        text = f"{len(wrong)} differ from requirements.lock: {', '.join(wrong[:4])}{' ...' if len(wrong) > 4 else ''}"
        return Finding(
            name="packages", state="warn", text=text, fix="start it as ./tb, which installs what the lock says"
        )
    return Finding(name="packages", state="ok", text="as requirements.lock says")


def _differing(lock: str) -> Iterator[str]:
    """Installed packages of another version, and missing ones that every platform needs."""
    wanted: dict[str, set[str]] = {}
    everywhere: set[str] = set()
    for pin in filter(None, map(_PIN.match, lock.splitlines())):
        wanted.setdefault(pin[1], set()).add(pin[2])  # a package may have a version for each Python
        everywhere |= set() if pin[3] else {pin[1]}
    for name, versions in wanted.items():
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if name in everywhere:
                yield f"{name} is missing"
            continue
        if installed not in versions:
            yield f"{name} {installed} instead of {' or '.join(sorted(versions))}"


def _variables(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Every TB_ variable judged on its own, so that all mistakes are told at once."""
    ours = {name: value for name, value in environ.items() if name.startswith(environment.PREFIX)}
    wrong = False
    for name, value in sorted(ours.items()):
        try:
            environment.load(Settings, {name: value})
        except TradingBoostError as error:
            wrong = True
            yield Finding(
                name="settings", state="fail", text=error.message, fix="correct it in the environment or in .env"
            )
    if not wrong:
        text = f"{len(ours)} set, all known" if ours else "all at their defaults"
        yield Finding(name="settings", state="ok", text=text)


def _directory(path: Path) -> Finding:
    place = next(one for one in (path, *path.parents) if one.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        fix = "choose another with --data-dir or TB_EMBEDDED__DATA_DIR, or change its owner"
        return Finding(name="data directory", state="fail", text=f"{path} cannot be written", fix=fix)
    return Finding(
        name="data directory", state="ok", text=f"{path}{'' if path.exists() else ' (made at the first start)'}"
    )


def _binaries() -> Finding:
    try:
        postgres, program = postgres_binaries(), redis_binary()
    except TradingBoostError as error:
        return Finding(
            name="servers", state="fail", text=error.message, fix="install it, or set TB_DB__URL and TB_REDIS__URL"
        )
    return Finding(name="servers", state="ok", text=f"PostgreSQL {postgres.major} and {program.name} found")


def _disk(path: Path) -> Finding:
    place = next(one for one in (path, *path.parents) if one.exists())
    free = shutil.disk_usage(place).free
    text = f"{free / 1e9:.1f} GB free at {place}"
    if free < _TOO_LITTLE_BYTES:
        return Finding(name="disk", state="fail", text=text, fix="free some space or choose another data directory")
    if free < _LITTLE_BYTES:
        return Finding(name="disk", state="warn", text=text, fix="free some space before a long run")
    return Finding(name="disk", state="ok", text=text)


def _cache() -> Finding:
    directory = compile_cache.prepare(compile_cache.default_cache_dir(), dict(os.environ))
    count = sum(1 for _ in directory.rglob("*.nbc")) if directory.is_dir() else 0
    text = (
        f"{count} compiled functions kept in {directory}" if count else f"empty ({directory}); filled by the first run"
    )
    return Finding(name="compile cache", state="ok", text=text)
