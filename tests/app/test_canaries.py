"""Canaries down the long ways: migration, export, backup, audit, bus, jobs, bridge, verbs, crash; each is a row.

Each way gets secrets of its own, in every spelling, so that a leak names it. What the services do with keys that are
typed is in `tests/services/exchange/test_canaries.py`.
"""

import asyncio
import base64
import gzip
import io
import json
import logging
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter
from redis.asyncio import Redis as Driver
from rich.console import Console
from sqlalchemy import text
from tests.app.migrate.conftest import FERNET, OTHER, World, migrated_url, world

from tradingboost.app.backup import making, work
from tradingboost.app.backup.files import Reader
from tradingboost.app.jobs.office import office
from tradingboost.app.migrate.api_keys import ApiKeys, VerifyApiKeys
from tradingboost.app.migrate.generated import Expected, Made
from tradingboost.app.migrate.settings import Settings as SettingsVerb
from tradingboost.app.secrets import Secrets
from tradingboost.app.setting_wishes import as_file
from tradingboost.cli.migrate_view import show_report, write_report
from tradingboost.cli.session import Session
from tradingboost.cli.verb import carried_out
from tradingboost.core.errors import InvalidInput, TradingBoostError
from tradingboost.core.ids import ClientOrderId, Venue
from tradingboost.kit import audit
from tradingboost.kit import logging as kit_logging
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.events import Entry
from tradingboost.kit.http import create_app
from tradingboost.kit.inbox import Inbox
from tradingboost.kit.jobs.piece import Done, Kind, Piece, Terms, run_piece
from tradingboost.kit.jobs.queue import JOB_TASK, JobQueue
from tradingboost.kit.jobs.store import Request, add
from tradingboost.kit.journal import Journal
from tradingboost.kit.legacy import LegacyForm, seal_as_old
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.remote import Bridge, serve
from tradingboost.kit.runtime import Runtime
from tradingboost.kit.service_token import ServiceAuth
from tradingboost.kit.settings import LogSettings
from tradingboost.shared.calls import safe
from tradingboost.shared.interfaces.users import ImportCredential
from tradingboost.shared.interfaces.users.presets import NewPreset
from tradingboost.shared.interfaces.users.settings import AskEffective, SaveSetting
from tradingboost.shared.user_settings.addresses import address
from tradingboost.venues.evidence import Evidence, Step
from tradingboost.venues.outcome import Asked, Write, classify

__all__ = ["migrated_url", "world"]

UID = "1000000000000099"
PARAMS = address("params")


def secret_of(way: str, which: str = "secret") -> str:
    """A secret that looks different in every spelling; nobody knows it before its way is gone."""
    return f'kn/ry+{which}&"{way}"=7'


def spellings(secret: str) -> tuple[str, ...]:
    """In plain, in an address, inside JSON, base64 of both kinds, hex."""
    raw = secret.encode()
    coded = (base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("="), raw.hex())
    return secret, quote(secret, safe=""), json.dumps(secret)[1:-1], *coded


def told_wrongly(secret: str) -> RuntimeError:
    """What a library might put into its message."""
    return RuntimeError("cannot use " + " or ".join(spellings(secret)))


class Shop:
    """Where the ways lead through, and what was said on them."""

    def __init__(self, world: World, jobs_url: str, folder: Path) -> None:
        self.world = world
        self.jobs_url = jobs_url
        self.folder = folder
        self.said: list[str] = []

    async def refused(self, asked: Awaitable[Any]) -> None:
        """Something that must not be taken; what is said about it is kept."""
        with pytest.raises(TradingBoostError) as caught:
            await asked
        self.said += [str(caught.value), repr(caught.value.details), repr(caught.value)]


# -- the ways


async def migrate_keys(shop: Shop, way: str) -> None:
    """Every form there is, sound and unsound, planned, carried out, compared, with an option to overwrite."""
    made = []
    for number, form in enumerate(LegacyForm):
        made.append(_old_keys(number, way, form, FERNET))
    made.append(_old_keys(7, way, LegacyForm.BARE, OTHER))
    plain = {name: secret_of(way, name) for name in ("api_key", "api_secret", "passphrase")}
    made += [Made(_key(8), plain, Expected("")), Made(_key(9), json.dumps(plain), Expected(""))]
    await shop.world.plant(made)
    await _verb(shop, ApiKeys, dry_run=True)
    counts = await _verb(shop, ApiKeys)
    assert (counts["done"], counts["refused"]) == (3, 3)
    await _verb(shop, ApiKeys, overwrite=True)
    await _verb(shop, VerifyApiKeys, dry_run=True)


def _key(number: int) -> str:
    return f"user:{UID}{number:02}:api:keys"


def _old_keys(number: int, way: str, form: LegacyForm, fernet: str) -> Made:
    values = {name: f"{secret_of(way, name)}{number}" for name in ("api_key", "api_secret", "passphrase")}
    sealed = {name: seal_as_old(fernet, value, form, 1, bytes(16)) for name, value in values.items()}
    return Made(_key(number), sealed, Expected(""))


async def migrate_settings(shop: Shop, way: str) -> None:
    """A token among the settings, a secret where a number belongs, and one in a document that is cut."""
    secret = secret_of(way)
    documents: list[Any] = [{"leverage": 5, "signal_bot_token": secret}, {"leverage": secret}, {"direction": secret}]
    contents: list[Any] = [
        *(json.dumps(one) for one in documents),
        json.dumps(documents[0])[:-1],
        [secret],
        {"timeframe": secret},
    ]
    rows = ("settings", "settings", "settings", "settings", "settings", "preferences")
    keys = [f"user:{UID}{number:02}:{row}" for number, row in enumerate(rows)]  # the first has an account
    await shop.world.plant(Made(key, each, Expected("")) for key, each in zip(keys, contents, strict=True))
    await _verb(shop, SettingsVerb, dry_run=True)
    counts = await _verb(shop, SettingsVerb)
    assert counts == {"done": 1, "refused": 5}, shop.said[-1]


async def _verb(shop: Shop, verb: Any, **options: Any) -> dict[str, int]:
    report = await shop.world.run(verb(), **options)
    write_report(shop.folder / f"report-{len(shop.said)}.json", report)
    shown = io.StringIO()
    show_report(Console(file=shown, width=200), report)
    shop.said += [shown.getvalue(), msgspec.json.encode(report).decode()]
    return report.counts


async def export(shop: Shop, way: str) -> None:
    """What cannot get among settings by any door cannot leave with them; both forms of the file."""
    users = (await shop.world.tools()).users
    alice = (await users.create_user("alice-exports")).user_id
    secret = {"signal_bot_token": secret_of(way)}
    wish = SaveSetting(where=PARAMS, changes=secret, expected_version=None, changed_by="test")
    await shop.refused(users.save_setting(alice, wish))  # nobody's without an account to seal it with
    await shop.refused(users.create_preset(alice, NewPreset(name="calm", changed_by="test", settings=secret)))
    ask = AskEffective(user_id=alice, strategy="hyperrsi", scope="okx:BTC-USDT-SWAP", overrides=secret)
    await shop.refused(users.effective(ask))
    keys: dict[str, Any] = {name: secret_of(way, name) for name in ("api_key", "api_secret", "passphrase")}
    await users.import_credential(ImportCredential(user_id=alice, venue=Venue("okx"), exchange_uid="", **keys))
    whole = SaveSetting(where=PARAMS, changes={"leverage": 3, **secret}, expected_version=None, changed_by="test")
    saved = await users.save_setting(alice, whole)
    assert saved.settings["signal_bot_token"] == "sealed"
    shop.said += [repr(whole), repr(saved), msgspec.json.encode(await users.settings(alice)).decode()]
    document = await users.export_settings(alice, "hyperrsi")
    for form in ("json", "csv"):
        (shop.folder / f"mine.{form}").write_text(as_file(document, form), encoding="utf-8")
    assert "leverage" in (shop.folder / "mine.csv").read_text(encoding="utf-8")


async def backup(shop: Shop, way: str) -> None:
    """The sealed file, and what is inside it."""
    users = (await shop.world.tools()).users
    bob = (await users.create_user("bob-is-kept")).user_id
    keys: dict[str, Any] = {name: secret_of(way, name) for name in ("api_key", "api_secret", "passphrase")}
    await users.import_credential(ImportCredential(user_id=bob, venue=Venue("okx"), exchange_uid="", **keys))
    made = await work.create(shop.world.settings)
    assert (await work.verify(shop.world.settings, made.name)).findings == []
    ring = Secrets(shop.world.settings, making.folder(shop.world.settings).parent).backup_ring()
    reader = Reader(making.folder(shop.world.settings) / made.name, ring)
    inside = [bytes(line.r).decode() for part in reader.rows() for line in part]
    assert any("bob-is-kept" in row for row in inside)
    assert any("tb1.kek1." in row or "tb1.env0." in row for row in inside)
    shop.said += inside


async def trail(shop: Shop, way: str) -> None:
    """Somebody writes a secret into the audit by mistake, by name and inside a sentence."""
    secret = secret_of(way)
    kit_logging.register_secret(secret, passing=True)
    details = {"api_secret": secret, "note": str(told_wrongly(secret)), "deep": [{"why": str(told_wrongly(secret))}]}
    tools = await shop.world.tools()
    async with tools.database.transaction() as db:
        await audit.append(db, "test.tried", actor="test", at=SystemClock().now(), user_id=None, details=details)


async def dead_letter(shop: Shop, way: str) -> None:
    """A handler fails with a secret in its message, for good."""
    secret = secret_of(way)
    kit_logging.register_secret(secret, passing=True)
    tools = await shop.world.tools()
    entry = Entry(
        event_id=UUID(int=77),
        type="order.filled",
        version=1,
        aggregate="a",
        seq=1,
        key="k",
        occurred_at=SystemClock().now(),
        correlation_id="c",
        causation_id=None,
        user_id=None,
        data=b"{}",
    )
    await Inbox(tools.database, "canaries", "orders", []).park(entry, repr(told_wrongly(secret)), 1, hold=False)


async def jobs(shop: Shop, way: str) -> None:
    """A secret as an argument is refused; work that breaks with one, and a worker that breaks, tell nothing."""
    secret = secret_of(way)
    database = (await shop.world.tools()).database
    async with office(shop.world.settings, database, shop.world.redis_url) as open_:
        for given in ({"params": {"signal_bot_token": secret}}, {"overrides": {"B": {"signal_bot_token": secret}}}):
            await shop.refused(open_.ask("backtest", {"strategy": "hyperrsi", **given}))
        assert (await open_.ask("tidy", {})).state == "queued"  # and its message waits in Redis
    kit_logging.register_secret(secret, passing=True)

    async def breaks(piece: Piece) -> Done:
        raise told_wrongly(secret) if piece.args["how"] == 0 else InvalidInput("bad", str(told_wrongly(secret)))

    for how in (0, 1):
        request = Request(id=UUID(int=100 + how), kind="breaks", queue="scheduled", args={"how": how})
        async with database.transaction() as db:
            await add(db, request, 3)
        kind = {"breaks": Kind("breaks", "scheduled", breaks)}
        assert await run_piece(database, kind, request.id, Terms(owner="one"), SystemClock()) == "failed"
    await asyncio.to_thread(_celery_breaks, shop, secret)


def _celery_breaks(shop: Shop, secret: str) -> None:
    def work(job_id: UUID) -> str:
        raise told_wrongly(secret)

    queue = JobQueue(shop.jobs_url, shop.jobs_url, work, lambda: None)
    with pytest.raises(RuntimeError) as caught:
        queue.app.tasks[JOB_TASK](str(UUID(int=5)))
    trace = "".join(traceback.format_exception(caught.value))
    queue.app.backend.mark_as_failure(str(UUID(int=5)), caught.value, traceback=trace, store_result=True)
    queue.close()


class Leaky(Protocol):
    """An interface whose other side says too much."""

    @safe
    async def breaks(self, key: str) -> str: ...

    @safe
    async def refuses(self, key: str) -> str: ...


class _Leaky:
    async def breaks(self, key: str) -> str:
        raise told_wrongly(key)

    async def refuses(self, key: str) -> str:
        raise InvalidInput("bad", str(told_wrongly(key)), why=str(told_wrongly(key)))


async def bridge(shop: Shop, way: str) -> None:
    """Errors of another process."""
    secret = secret_of(way)
    kit_logging.register_secret(secret, passing=True)
    auth = ServiceAuth("tests", Ed25519PrivateKey.generate())
    server, calls = await serve({Leaky: _Leaky()}, 0, auth), Bridge(auth)
    try:
        there: Leaky = calls.connect(Leaky, f"127.0.0.1:{server.port}")
        await shop.refused(there.breaks(secret))
        await shop.refused(there.refuses(secret))
    finally:
        await calls.close()
        await server.stop()


async def web(shop: Shop, way: str) -> None:
    """Answers to a request that broke, was refused, and was not as documented."""
    secret, router, metrics = secret_of(way), APIRouter(), Metrics()
    kit_logging.register_secret(secret, passing=True)

    @router.get("/breaks")
    async def breaks() -> None:
        raise told_wrongly(secret)

    @router.get("/refuses")
    async def refuses(number: int) -> None:
        raise InvalidInput("bad", str(told_wrongly(secret)), why=str(told_wrongly(secret)), number=number)

    app = create_app("test", [router], vitals=Runtime([], metrics=metrics), metrics=metrics)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for place, number, status in (("breaks", "", 500), ("refuses", "1", 422), ("refuses", secret, 422)):
            answer = await client.get(f"/{place}", params={"number": number})
            assert answer.status_code == status
            shop.said.append(answer.text)
    shop.said.append(metrics.render().decode())


async def journal(shop: Shop, way: str) -> None:
    """What a venue says of a refused request is put on the disk while the database is away."""
    secret = secret_of(way)
    kit_logging.register_secret(secret, passing=True)
    row = {"sCode": "50111", "sMsg": str(told_wrongly(secret)), "clOrdId": "SA1"}
    answer = Evidence(step=Step.ANSWERED, status=200, body=json.dumps({"code": "1", "data": [row]}))
    outcome = classify(answer, Asked(Write.SUBMIT, ClientOrderId("SA1"))).outcome
    assert outcome.code == "50111"
    lines = Journal(shop.folder / "journal")
    await lines.append(msgspec.json.encode(outcome))
    lines.close()


async def verbs(shop: Shop, way: str) -> None:
    """A verb breaks: the sentence, the JSON object, and with -v the trace."""
    secret = secret_of(way)
    kit_logging.register_secret(secret, passing=True)

    def breaks(_: Session) -> Any:
        structlog.get_logger("test").exception("about_to_break", api_secret=secret, given=told_wrongly(secret))
        logging.getLogger("some.library").error("broke with %s", told_wrongly(secret))
        raise told_wrongly(secret)

    for session in (Session("x"), Session("x", json=True), Session("x", verbose=2)):
        assert carried_out(session, breaks) == 1


_CRASHING = """
import faulthandler, resource, sys, threading
from tradingboost.cli.session import Session
from tradingboost.kit.logging import register_secret
faulthandler.enable()
Session("crash").settings()
secret, words = sys.stdin.readline().rstrip("\\n"), sys.stdin.read()
register_secret(secret)
class Held:
    def __del__(self): raise RuntimeError("dropped with " + words)
def fail(api_secret): raise RuntimeError("broke with " + words)
one = threading.Thread(target=fail, args=(secret,)); one.start(); one.join()
held = Held(); del held
print("cores", resource.getrlimit(resource.RLIMIT_CORE)[0], flush=True)
if words: fail(secret)
"""


async def crash(shop: Shop, way: str) -> None:
    """A process dies of what nobody caught, in a thread, in a destructor and at last; it leaves no core."""
    secret = secret_of(way)
    given = f"{secret}\n{told_wrongly(secret)}"
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", _CRASHING],
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=shop.folder,
        env={"HOME": str(shop.folder), "PATH": "", "TB_LOG__FORMAT": "json"},
    )
    assert (done.returncode, done.stdout) == (1, "cores 0\n"), done.stderr
    assert done.stderr.count("nobody_caught_this") == 3
    shop.said.append(done.stderr)


WAYS: tuple[Callable[[Shop, str], Awaitable[None]], ...] = (
    migrate_keys,
    migrate_settings,
    export,
    backup,
    trail,
    dead_letter,
    jobs,
    bridge,
    web,
    journal,
    verbs,
    crash,
)


# -- the sinks


async def every_row(world: World) -> str:
    """Every column of every table of every schema."""
    database, found = (await world.tools()).database, []
    async with database.read() as db:
        names = await db.execute(
            text(
                "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
                " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
            )
        )
        for name in names.scalars().all():
            rows = await db.execute(text(f"SELECT to_jsonb(r)::text FROM {name} r"))  # the catalogue's own names
            found += [str(row) for row in rows.scalars()]
    return "\n".join(found)


async def every_key(url: str, but: set[bytes]) -> str:
    """Every key of one Redis database with its value, but for those of the old system."""
    found = []
    async with Driver.from_url(url) as client:
        async for name in client.scan_iter(count=500):
            if name not in but:
                kind = await client.type(name)
                read: Any = client.hgetall if kind == b"hash" else client.get if kind == b"string" else client.dump
                found.append(f"{name!r} {await read(name)!r}")
    return "\n".join(found)


def every_file(*folders: Path) -> Iterator[tuple[str, str]]:
    """Every file below, also what is packed."""
    for folder in folders:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            raw = path.read_bytes()
            yield str(path), (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("latin-1")


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")  # Celery's result backend
async def test_no_way_carries_a_secret_anywhere_but_as_ciphertext(
    world: World,
    jobs_redis_url: str,
    tmp_path: Path,
    servers_dir: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    lines = io.StringIO()
    kit_logging.configure("test", LogSettings(level="debug"), lines)
    shop = Shop(world, jobs_redis_url, tmp_path)
    planted: set[bytes] = set()
    for way in WAYS:
        before = {*await world.redis()}
        await way(shop, way.__name__)
        if way in (migrate_keys, migrate_settings):
            planted |= {name for name in {*await world.redis()} - before if UID.encode() in name}
    said = capfd.readouterr()
    sinks = {
        "tables": await every_row(world),
        "redis": await every_key(world.redis_url, planted),
        "jobs": await every_key(jobs_redis_url, set()),
        "log": lines.getvalue(),
        "said": "\n".join(shop.said) + said.out + said.err,
        **dict(every_file(tmp_path)),
        **(of_servers := dict(every_file(servers_dir / "logs"))),
    }
    assert any(name.endswith(".backup") for name in sinks)
    assert of_servers
    assert "tb1." in sinks["tables"], "ciphertext is where it belongs"
    assert all(
        word in sinks["log"]
        for word in ("credential.saved", "call_failed", "job_broke", "about_to_break", "request_failed")
    )
    names = ("secret", "api_key", "api_secret", "passphrase")
    known = [(way.__name__, secret_of(way.__name__, name)) for way in WAYS for name in names]
    leaks = [
        (sink, way, spelling)
        for sink, content in sinks.items()
        for way, secret in known
        for spelling in spellings(secret)
        if spelling in content
    ]
    assert leaks == []
