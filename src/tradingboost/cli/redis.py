"""`redis app|jobs|validate|rebuild`: both Redis asked by a person; nothing secret is shown, no slip loses anything."""

import asyncio
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tradingboost.cli.exits import DONE, FINDINGS
from tradingboost.cli.redis_view import draw_reply, draw_report
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput, Refused, TradingBoostError

if TYPE_CHECKING:
    from tradingboost.app.redis_desk import Db, Desk
    from tradingboost.app.settings import Settings

Words = Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]...", help="Such as GET KEY; none = a prompt.")]
Scan = Annotated[bool, typer.Option("--scan", help="List keys, with --pattern.")]
Pattern_ = Annotated[str, typer.Option("--pattern", metavar="P", help="Such as user:*:settings.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="Most keys listed.")]
Write = Annotated[bool, typer.Option("--write", help="Permit a command that writes.")]
Force = Annotated[bool, typer.Option("--force", help="Permit FLUSHDB, FLUSHALL, CONFIG SET, DEBUG, SHUTDOWN.")]
Status = Annotated[str | None, typer.Option(metavar="WORD", help="users: running, stopped or error.")]
WithKeys = Annotated[bool, typer.Option("--with-keys", help="users: those with cached exchange keys.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="restore: say what would be done.")]
OtherDb = Annotated[int | None, typer.Option("-n", "--db", hidden=True)]
_FAULTS: Final = ("legacy", "unknown", "type", "ttl", "plaintext")


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="The application's Redis and the jobs': commands, keys, streams, queues.")
    verb(group, "app", title="redis app")(app_shell)
    verb(group, "jobs", title="redis jobs")(jobs_shell)
    verb(group, "validate", title="redis validate")(validate)
    verb(group, "rebuild", title="redis rebuild")(rebuild)
    app.add_typer(group, name="redis", rich_help_panel="Operate", no_args_is_help=True)


def app_shell(
    session: Session,
    words: Words = None,
    *,
    scan: Scan = False,
    pattern: Pattern_ = "*",
    limit: Limit = 1000,
    write: Write = False,
    force: Force = False,
    status: Status = None,
    with_keys: WithKeys = False,
    dry_run: DryRun = False,
    number: OtherDb = None,
) -> Answer:
    """Ask the application's Redis: a command, users, explain KEY, streams, groups, health, backup, restore."""
    _refuse_other(number, "app")
    given = {"limit": limit, "write": write, "force": force, "pattern": pattern, "dry_run": dry_run}
    return _shell(session, "app", _scanning(words, scan, pattern), given | {"status": status, "with_keys": with_keys})


def jobs_shell(
    session: Session,
    words: Words = None,
    *,
    scan: Scan = False,
    pattern: Pattern_ = "*",
    limit: Limit = 1000,
    write: Write = False,
    force: Force = False,
    number: OtherDb = None,
) -> Answer:
    """Ask the Redis of the job queue: a command, queues, explain KEY, health."""
    _refuse_other(number, "jobs")
    given = {"limit": limit, "write": write, "force": force, "pattern": pattern}
    return _shell(session, "jobs", _scanning(words, scan, pattern), given)


def validate(
    session: Session,
    *,
    db: Annotated[str, typer.Option(metavar="app|jobs", help="Which Redis.")] = "app",
    fail_on: Annotated[
        str, typer.Option(metavar="A,B", help="Exit 3 on these: legacy, unknown, type, ttl, plaintext.")
    ] = "",
) -> Answer:
    """Judge every key by the registry: Valid, Legacy (with its verb) or Unknown; wrong types, TTLs, plain secrets."""
    if db not in ("app", "jobs"):
        raise InvalidInput("unknown_redis", f"There is no Redis {db!r}; say --db app or --db jobs.")
    wanted = {word.strip() for word in fail_on.split(",") if word.strip()}
    if strange := sorted(wanted - {*_FAULTS}):
        raise InvalidInput("unknown_fault", f"{strange[0]!r} is no kind of fault; choose of {', '.join(_FAULTS)}.")

    async def work(open_: "Desk") -> Any:
        from tradingboost.kit.redis_report import report

        return await report(open_.redis, open_.db)

    found = _at_desk(session, session.settings(), db, work)  # type: ignore[arg-type]
    code = FINDINGS if wanted & {*found.counted} else DONE
    return Answer(found, lambda console: draw_report(console, found), code)


def rebuild(
    session: Session,
    *,
    pattern: Annotated[str, typer.Option("--pattern", metavar="P", help="Only these keys; else all copies.")] = "",
) -> Answer:
    """Drop cached copies; whoever needs one loads it from PostgreSQL again. Streams, sessions and limits stay."""

    async def work(open_: "Desk") -> dict[str, int]:
        from tradingboost.kit.redis_explain import rebuild as dropped

        return await dropped(open_.redis, pattern)

    found = _at_desk(session, session.settings(), "app", work)
    text = f"{sum(found.values())} copies dropped; they come back when they are needed."
    return Answer({"dropped": found}, lambda console: console.print(text))


def _shell(session: Session, db: "Db", words: list[str], given: dict[str, Any]) -> Answer:
    settings = session.settings()
    if settings.env == "production" and not session.json:
        session.err.print(f"[bold white on red] PRODUCTION [/] {db} Redis")
    if not words:
        return _prompt(session, settings, db)
    reply = _at_desk(session, settings, db, lambda open_: _done(session, open_, words, given))
    return Answer({"reply": reply}, lambda console: draw_reply(console, reply))


async def _done(session: Session, open_: "Desk", words: Sequence[str], given: dict[str, Any]) -> Any:
    """One line of the shell: a word of ours, or a command of Redis."""
    own = _OWN.get(words[0].lower())
    if own is not None:
        return await own(open_, list(words[1:]), given)
    from tradingboost.kit.redis_shell import Danger, danger_of, notes_on

    if danger_of(words) is Danger.WRITES and open_.db == "app":
        for note in notes_on(words):
            session.warn(note)
    return await open_.run(words, write=given["write"], force=given["force"], limit=given["limit"])


async def _users(open_: "Desk", _: list[str], given: dict[str, Any]) -> Any:
    _only(open_, "app", "users")
    return await open_.users(given.get("status"), with_keys=given.get("with_keys", False))


async def _explain(open_: "Desk", words: list[str], _: dict[str, Any]) -> Any:
    from tradingboost.kit.redis_explain import explain

    return await explain(open_.redis, _one_word(words, "explain KEY"), open_.db)


async def _streams(open_: "Desk", _: list[str], __: dict[str, Any]) -> Any:
    from tradingboost.kit.redis_health import streams_of

    _only(open_, "app", "streams")
    return await streams_of(open_.redis)


async def _groups(open_: "Desk", words: list[str], _: dict[str, Any]) -> Any:
    found = [group for one in await _streams(open_, [], {}) for group in one.groups]
    return [one for one in found if not words or one.stream == words[0]]


async def _health(open_: "Desk", _: list[str], __: dict[str, Any]) -> Any:
    from tradingboost.kit.redis_health import health_of

    return await health_of(open_.redis)


async def _queues(open_: "Desk", _: list[str], __: dict[str, Any]) -> Any:
    _only(open_, "jobs", "queues")
    return await open_.queues()


async def _backup(open_: "Desk", words: list[str], given: dict[str, Any]) -> Any:
    from tradingboost.kit.redis_dump import dump

    _only(open_, "app", "backup")
    return await dump(open_.redis, Path(_one_word(words, "backup FILE")), given["pattern"])


async def _restore(open_: "Desk", words: list[str], given: dict[str, Any]) -> Any:
    from tradingboost.kit.redis_dump import restore

    _only(open_, "app", "restore")
    return await restore(open_.redis, Path(_one_word(words, "restore FILE")), dry_run=given.get("dry_run", False))


_OWN: Final[dict[str, Callable[["Desk", list[str], dict[str, Any]], Any]]] = {
    "users": _users,
    "explain": _explain,
    "streams": _streams,
    "groups": _groups,
    "health": _health,
    "queues": _queues,
    "backup": _backup,
    "restore": _restore,
}


def _prompt(session: Session, settings: "Settings", db: "Db") -> Answer:
    """Lines until the end; writing has to be switched on, and can be switched on only by a person."""
    if not sys.stdin.isatty() or session.json:
        raise InvalidInput("shell_needs_terminal", f"A prompt needs a terminal; give a command: redis {db} PING.")
    import readline  # noqa: F401 - gives `input` its history

    async def work(open_: "Desk") -> None:
        given: dict[str, Any] = {"limit": 1000, "write": False, "force": False, "pattern": "*"}
        session.say(f"{db} Redis. :write on permits writing, :quit ends it. Words of ours: {', '.join(_OWN)}.")
        while True:
            try:
                line = (await asyncio.to_thread(input, f"{db}{'!' if given['write'] else ''}> ")).strip()
            except EOFError:
                return
            if line in (":quit", ":q", "exit", "quit"):
                return
            if line.startswith(":write"):
                given["write"] = line.endswith(" on") and await _meant(db)
            elif line:
                await _answered(session, open_, line, given)

    _at_desk(session, settings, db, work)
    return Answer(told=True)


async def _answered(session: Session, open_: "Desk", line: str, given: dict[str, Any]) -> None:
    try:
        draw_reply(session.out, await _done(session, open_, shlex.split(line), given))
    except (TradingBoostError, ValueError) as error:
        session.say(f"[red]{getattr(error, 'message', error)}[/]")


async def _meant(db: str) -> bool:
    return (await asyncio.to_thread(input, f"Type {db} to permit writing here: ")).strip() == db


def _at_desk(session: Session, settings: "Settings", db: "Db", work: Callable[["Desk"], Any]) -> Any:
    from tradingboost.app.look import found
    from tradingboost.app.redis_desk import desk

    async def whole() -> Any:
        async with found(settings) as where, desk(settings, where, db) as open_:
            return await work(open_)

    return session.run(whole)


def _scanning(words: list[str] | None, scan: bool, pattern: str) -> list[str]:
    return ["KEYS", pattern] if scan else list(words or [])


def _one_word(words: list[str], form: str) -> str:
    if len(words) != 1:
        raise InvalidInput("shell_usage", f"Say exactly: {form}.")
    return words[0]


def _only(open_: "Desk", db: "Db", word: str) -> None:
    if open_.db != db:
        raise InvalidInput("shell_other_redis", f"{word} belongs to the other Redis: tradingboost redis {db} {word}.")


def _refuse_other(number: int | None, db: str) -> None:
    if number is not None:
        raise Refused(
            "shell_other_database",
            f"The database of redis {db} is known from the settings; redis app is the application's, redis jobs the "
            "job queue's, and a plain client that lands in another one finds nothing.",
        )
