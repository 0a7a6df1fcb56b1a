"""`worker`, `beat` and `jobs run|list|show|cancel|retry|purge`: what is done in the background."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradingboost.cli.exits import DONE, FINDINGS
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.jobs.office import Office
    from tradingboost.app.settings import Settings
    from tradingboost.kit.jobs.store import Job
    from tradingboost.kit.jobs.worker import Workshop

JobId = Annotated[str, typer.Argument(metavar="JOB", help="Its id or the beginning of it.")]
_ID_DRAWN = 18


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "worker", rich_help_panel="Run")(worker)
    verb(app, "beat", rich_help_panel="Run")(beat)
    group = typer.Typer(help="Background jobs: back-tests, searches, tidying up.")
    verb(group, "run", title="jobs run")(run)
    verb(group, "list", title="jobs list")(listed)
    verb(group, "show", title="jobs show")(show)
    verb(group, "cancel", title="jobs cancel")(cancel)
    verb(group, "retry", title="jobs retry")(retry)
    verb(group, "purge", title="jobs purge")(purge)
    app.add_typer(group, name="jobs", rich_help_panel="Operate", no_args_is_help=True)


def worker(
    session: Session,
    *,
    queues: Annotated[str, typer.Option("-Q", "--queues", metavar="A,B", help="Only these queues.")] = "",
    concurrency: Annotated[int, typer.Option("-c", "--concurrency", min=1, max=64, help="Processes.")] = 1,
    with_beat: Annotated[bool, typer.Option("--beat", help="Also make the jobs of the schedule.")] = False,
) -> Answer:
    """Work on background jobs until Ctrl-C; the piece in hand is finished first."""
    settings = session.settings(serving=True)
    from tradingboost.core.errors import InvalidInput
    from tradingboost.kit.jobs.worker import serve
    from tradingboost.kit.keys_jobs import QUEUES

    wanted = [name.strip() for name in queues.split(",") if name.strip()] or list(QUEUES)
    if strange := sorted({*wanted} - {*QUEUES}):
        raise InvalidInput("unknown_queue", f"There is no queue {strange[0]!r}; choose of {', '.join(QUEUES)}.")
    shop = _shop(session, settings)
    data = {"queues": wanted, "concurrency": concurrency, "beat": with_beat}
    session.tell(Answer(data, lambda _: session.say(f"Working on {', '.join(wanted)}. Ctrl-C ends it.")))
    serve(shop, queues=wanted, concurrency=concurrency, beat=with_beat)
    return Answer(told=True)


def beat(session: Session) -> Answer:
    """Make the jobs of the schedule until Ctrl-C; several beats make no job twice."""
    settings = session.settings(serving=True)
    from tradingboost.kit.jobs.worker import serve_beat

    shop = _shop(session, settings)
    data = {"schedule": [one.kind for one in shop.schedule]}
    session.tell(Answer(data, lambda _: session.say("The schedule runs. Ctrl-C ends it.")))
    serve_beat(shop)
    return Answer(told=True)


def run(
    session: Session,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="backtest, hyperopt or tidy.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[K=V]...", help="strategy=hyperrsi params.leverage=5 ...")
    ] = None,
    *,
    file: Annotated[Path | None, typer.Option(metavar="JSON", help="Arguments as one JSON object.")] = None,
    here: Annotated[bool, typer.Option("--here", help="Do it in this process, without a worker.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for its end.")] = False,
    user: Annotated[str | None, typer.Option(metavar="ID", help="Whose job it is.")] = None,
    key: Annotated[str | None, typer.Option(metavar="WORD", help="The same key is the same job.")] = None,
) -> Answer:
    """Ask for a job: --here does it now, else a worker does and --follow waits."""
    settings = session.settings()
    from tradingboost.app.jobs.kinds import words_of

    args = words_of(arguments or [], file)

    async def work(open_: "Office") -> "Job":
        job = await open_.ask(kind.strip().lower(), args, user_id=user, key=key, wake=not here)
        if here:
            return await open_.work(job.id)
        if not follow:
            return job
        with session.progress("waiting for a worker ...") as line:
            return await open_.followed(job.id, lambda now: line.update(f"[dim]{_progress(now)}[/]"))

    return _one(_at_office(session, settings, work))


def listed(
    session: Session,
    *,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="queued, running, done, failed, cancelled.")
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="ID", help="Only the jobs of this user.")] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=1000, help="How many.")] = 20,
) -> Answer:
    """List jobs, the newest first."""
    settings = session.settings()

    async def work(open_: "Office") -> "list[Job]":
        return await open_.listed(state, user, count)

    found = _at_office(session, settings, work)
    return Answer({"jobs": found}, lambda console: _draw_list(console, found))


def show(session: Session, job: JobId) -> Answer:
    """Show one job: how far it is, its arguments, its result or its error."""
    settings = session.settings()
    return _one(_at_office(session, settings, lambda open_: open_.get(job)))


def cancel(session: Session, job: JobId) -> Answer:
    """Cancel a job; one that is worked on ends at its worker's next sign of life."""
    settings = session.settings()

    async def work(open_: "Office") -> "Job":
        return await open_.cancel((await open_.get(job)).id)

    return _one(_at_office(session, settings, work), asked=True)


def retry(session: Session, job: JobId) -> Answer:
    """Begin a failed or cancelled job again, from where it was."""
    settings = session.settings()

    async def work(open_: "Office") -> "Job":
        return await open_.again((await open_.get(job)).id)

    return _one(_at_office(session, settings, work), asked=True)


def purge(
    session: Session,
    *,
    days: Annotated[int | None, typer.Option(min=0, help="Keep what ended less long ago; else as set.")] = None,
) -> Answer:
    """Delete jobs that ended long ago."""
    settings = session.settings()
    keep = settings.jobs.keep_days if days is None else days
    deleted = _at_office(session, settings, lambda open_: open_.purge(keep))
    text = f"{deleted} finished jobs deleted; those of the last {keep} days are kept."
    return Answer({"deleted": deleted}, lambda console: console.print(text))


def _at_office(session: Session, settings: "Settings", work: Any) -> Any:
    """Do something with jobs on the servers of this installation."""
    from tradingboost.app.jobs.office import office
    from tradingboost.app.look import found
    from tradingboost.app.process import opened

    async def whole() -> Any:
        async with (
            found(settings) as where,
            opened(settings, where) as context,
            office(settings, context.db, where[1]) as open_,
        ):
            return await work(open_)

    return session.run(whole)


def _shop(session: Session, settings: "Settings") -> "Workshop":
    """The workshop of a running platform, whose database is up to date and tells which role we are."""
    from tradingboost.app.jobs.office import running_servers, workshop
    from tradingboost.app.process import opened

    async def learned() -> "Workshop":
        where = await running_servers(settings)
        async with opened(settings, where) as context:
            return workshop(settings, where, context.db.role)

    return session.run(learned)


def _one(job: "Job", *, asked: bool = False) -> Answer:
    code = FINDINGS if job.state in ("failed", "cancelled") and not asked else DONE
    return Answer(job, lambda console: _draw(console, job), code)


def _progress(job: "Job") -> str:
    share = f" of {job.total:,}" if job.total is not None else ""
    return f"{job.state} {job.done:,}{share} {job.note}".strip()


def _draw_list(console: "Console", jobs: "list[Job]") -> None:
    from tradingboost.cli.show import table

    rows = [
        (str(one.id)[:_ID_DRAWN], one.kind, one.queue, _progress(one), f"{one.created_at:%Y-%m-%d %H:%M}")
        for one in jobs
    ]
    console.print(table("Jobs", ("job", "kind", "queue", "state", "asked for"), rows))


def _draw(console: "Console", job: "Job") -> None:
    import msgspec

    from tradingboost.cli.show import facts

    rows = [
        ("state", _progress(job)),
        ("queue", job.queue),
        ("arguments", msgspec.json.encode(job.args).decode()),
        ("asked for", f"{job.created_at:%Y-%m-%d %H:%M:%S}"),
    ]
    if job.finished_at is not None:
        rows.append(("ended", f"{job.finished_at:%Y-%m-%d %H:%M:%S}"))
    if job.error_code is not None:
        rows.append(("error", f"{job.error_code}: {job.error_message}"))
    if job.result is not None:
        rows.append(("result", msgspec.json.encode(job.result).decode()))
    console.print(facts(f"{job.kind} {job.id}", rows))
