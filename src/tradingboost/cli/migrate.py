"""`migrate`: the way in from the old system, and back."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradingboost.cli.exits import DONE, FINDINGS, INTERRUPTED
from tradingboost.cli.interrupt import stoppable
from tradingboost.cli.migrate_view import show_backups, show_report, show_standing, write_report
from tradingboost.cli.rehearse import rehearse
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import Group, verb
from tradingboost.core.errors import InvalidInput, Refused

if TYPE_CHECKING:
    from tradingboost.app.migrate.outcome import Report
    from tradingboost.app.migrate.verbs import Ask
    from tradingboost.app.migrate.work import Options
    from tradingboost.app.settings import Settings


def contract(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; nothing can write.")] = False,
    user: Annotated[str, typer.Option(metavar="ID", help="Only this person, by any id.")] = "",
    okx_uid: Annotated[str, typer.Option(metavar="UID", help="Only this person, by OKX UID.")] = "",
    exchange: Annotated[str, typer.Option(metavar="NAME", help="Only this exchange.")] = "",
    source_url: Annotated[str, typer.Option(metavar="URL", help="The old Redis, if it is another server.")] = "",
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report there as JSON.")] = None,
    batch: Annotated[int, typer.Option(min=1, max=5000, metavar="N", help="Keys looked at at once.")] = 200,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Items at most.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Do not ask, and do it although something runs.")] = False,
) -> dict[str, Any]:
    """What every verb of migration may be told."""
    return locals()


_GROUPS: dict[str, Group] = {"told": contract}


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="Take the old system's keys, settings and positions over.", no_args_is_help=True)
    verb(group, "api-keys", title="migrate api-keys", groups=_GROUPS)(api_keys)
    verb(group, "settings", title="migrate settings", groups=_GROUPS)(settings)
    verb(group, "grid-positions", title="migrate grid-positions", groups=_GROUPS)(grid_positions)
    verb(group, "cleanup-partial", title="migrate cleanup-partial", groups=_GROUPS)(cleanup_partial)
    verb(group, "cleanup-legacy", title="migrate cleanup-legacy", groups=_GROUPS)(cleanup_legacy)
    verb(group, "backups", title="migrate backups", groups=_GROUPS)(backups)
    verb(group, "status", title="migrate status")(status)
    verb(group, "rehearse", title="migrate rehearse", common=("json", "verbose"))(rehearse)
    app.add_typer(group, name="migrate", rich_help_panel="Operate", no_args_is_help=True)


def api_keys(
    session: Session,
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Compare fingerprints of both stores instead.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace keys that were stored since.")] = False,
    told: dict[str, Any],
) -> Answer:
    """Seal the old system's exchange keys anew; each is unverified until its exchange was asked."""
    if verify:
        told["dry_run"] = True
    return _carried(session, "api-keys-verify" if verify else "api-keys", told, overwrite=overwrite)


def settings(
    session: Session,
    *,
    from_postgres: Annotated[
        bool, typer.Option("--from-postgres", help="Fill the caches from PostgreSQL instead.")
    ] = False,
    told: dict[str, Any],
) -> Answer:
    """Take over who is who, preferences, parameters and hedge settings, read by today's schema."""
    if from_postgres:
        return _rebuilt(session, told)
    return _carried(session, "settings", told)


def grid_positions(
    session: Session,
    *,
    rollback: Annotated[bool, typer.Option("--rollback", help="Put the newest backup back.")] = False,
    backup: Annotated[str, typer.Option(metavar="TS", help="With --rollback: this backup, YYYYMMDD_HHMMSS.")] = "",
    told: dict[str, Any],
) -> Answer:
    """Turn each array of positions into a hash a position and an index, after a backup for seven days."""
    if not rollback:
        if backup:
            raise InvalidInput("backup_without_rollback", "--backup names what --rollback puts back; give both.")
        return _carried(session, "grid-positions", told)
    return _carried(session, "grid-positions-rollback", told, words={"stamp": backup})


def cleanup_partial(session: Session, *, told: dict[str, Any]) -> Answer:
    """Bring what an interrupted move of positions left behind to all old or all new."""
    return _carried(session, "cleanup-partial", told)


def cleanup_legacy(
    session: Session,
    *,
    include: Annotated[
        list[str] | None, typer.Option(metavar="api-keys", help="Also exchange keys that have a verified copy.")
    ] = None,
    told: dict[str, Any],
) -> Answer:
    """Delete keys of the old system whose replacement exists."""
    return _carried(session, "cleanup-legacy", told, words={"include": include or []})


def backups(
    session: Session,
    what: Annotated[str, typer.Argument(metavar="list|purge", help="Show them, or remove those past seven days.")],
    *,
    told: dict[str, Any],
) -> Answer:
    """Backups of arrays of positions."""
    if what == "purge":
        return _carried(session, "backups-purge", told)
    if what != "list":
        raise InvalidInput("unknown_word", f"The verb migrate backups knows list and purge, not {what!r}.")
    loaded = session.settings()
    from tradingboost.app.migrate import verbs

    found = session.run(lambda: verbs.backups(loaded))
    return Answer({"backups": found}, lambda console: show_backups(console, found))


def status(
    session: Session,
    *,
    source_url: Annotated[str, typer.Option(metavar="URL", help="The old Redis, if it is another server.")] = "",
) -> Answer:
    """Runs so far, their counts, and what remains."""
    loaded = session.settings()
    from tradingboost.app.migrate import verbs

    found = session.run(lambda: verbs.standing(loaded, source_url))
    return Answer(found, lambda console: show_standing(console, found))


def _carried(
    session: Session, name: str, told: dict[str, Any], *, overwrite: bool = False, words: dict[str, Any] | None = None
) -> Answer:
    loaded = session.settings()
    from tradingboost.app.migrate.verbs import ADDITIVE, Ask

    options = _options(told, overwrite)
    ask = Ask(verb=name, options=options, source_url=told["source_url"], words=words or {})
    if name not in ADDITIVE and not (options.dry_run or told["yes"] or options.force):
        _confirm(session, loaded, ask)
    report = session.run(lambda: _run(session, loaded, ask))
    if told["report"] is not None:
        write_report(told["report"], report)
    judged = not options.dry_run or name.endswith("verify")
    code = FINDINGS if judged and report.counts.get("refused") else DONE
    return Answer(report, lambda console: show_report(console, report), INTERRUPTED if report.stopped else code)


def _rebuilt(session: Session, told: dict[str, Any]) -> Answer:
    loaded = session.settings()
    from tradingboost.app.migrate.verbs import caches_rebuilt

    options = _options(told, overwrite=False)
    if options.dry_run:
        raise InvalidInput("nothing_to_plan", "Filling caches has no plan; run it without --dry-run.")

    async def work(stop: asyncio.Event) -> int:
        return await caches_rebuilt(loaded, options, stop, lambda *_: None)

    done = session.run(lambda: stoppable(work, lambda: True))
    return Answer({"people": done}, lambda console: console.print(f"Read the settings of {done} people."))


def _options(told: dict[str, Any], overwrite: bool) -> "Options":
    from tradingboost.app.migrate.work import Options

    if told["user"] and told["okx_uid"]:
        raise InvalidInput("user_given_twice", "Name the person by --user or by --okx-uid, not by both.")
    user = f"okx:{told['okx_uid']}" if told["okx_uid"] else told["user"]
    kept = {name: told[name] for name in ("dry_run", "exchange", "batch", "limit", "force")}
    return Options(user=user, overwrite=overwrite, **kept)


def _confirm(session: Session, loaded: "Settings", ask: "Ask") -> None:
    """Show the plan and ask a person; refuse where there is none.

    Raises:
        Refused: `not_confirmed`.
    """
    if session.json or not sys.stdin.isatty():
        message = "This takes something away and needs a yes: look at it with --dry-run, then add --yes."
        raise Refused("not_confirmed", message)
    import msgspec

    plan = msgspec.structs.replace(ask, options=msgspec.structs.replace(ask.options, dry_run=True))
    show_report(session.err, session.run(lambda: _run(session, loaded, plan)))
    if not typer.confirm("Do it now?", err=True):
        raise Refused("not_confirmed", "Nothing was changed.")


async def _run(session: Session, loaded: "Settings", ask: "Ask") -> "Report":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from tradingboost.app.migrate.verbs import asked

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=session.err, transient=True) as progress:
        task = progress.add_task(ask.verb, total=None)

        def told(done: int, total: int, outcome: str) -> None:
            progress.update(task, completed=done, total=total, description=f"{ask.verb}: {outcome}")

        async def work(stop: asyncio.Event) -> "Report":
            return await asked(loaded, ask, stop, told)

        return await stoppable(work, lambda: True)
