"""The sorts of job. Each is a thin shell over a function that a verb calls, too."""

import asyncio
import difflib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.jobs import store
from tradingboost.kit.jobs.piece import Done, Kind, Piece, Unfinished
from tradingboost.kit.jobs.worker import Periodic

T = TypeVar("T", bound=msgspec.Struct)
Checked = Callable[[dict[str, Any]], dict[str, Any]]

BACKTEST: Final = "backtest"
HYPEROPT: Final = "hyperopt"
TIDY: Final = "tidy"
BACKUP: Final = "backup"
SCHEDULE: Final = (
    Periodic(BACKUP, every_s=86_400, offset_s=12_600),
    Periodic(TIDY, every_s=86_400, offset_s=4 * 3600),
)


def kinds(settings: Settings) -> dict[str, Kind]:
    """Every sort of job this installation knows."""
    found = (
        Kind(BACKTEST, "backtests", lambda piece: _backtest(piece, settings), _checked(BacktestRequest), long=True),
        Kind(HYPEROPT, "optimise", lambda piece: _hyperopt(piece, settings), _search_checked, long=True),
        Kind(TIDY, "scheduled", lambda piece: _tidy(piece, settings), _nothing),
        Kind(BACKUP, "scheduled", lambda piece: _backup(piece, settings), _nothing),
    )
    return {kind.name: kind for kind in found}


def asked(args: dict[str, Any], type_: type[T]) -> T:
    """Arguments as the request they stand for.

    Raises:
        InvalidInput: an unknown name, with the nearest known one, or a value of the wrong form.
    """
    known = [field.name for field in msgspec.structs.fields(type_)]
    for name in args:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" It takes {', '.join(known)}."
            raise InvalidInput("unknown_job_argument", f"The job has no argument {name!r}.{hint}", name=name)
    try:
        return msgspec.convert(args, type_, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise InvalidInput("bad_job_argument", f"The job's arguments cannot be used: {error}.") from None


def plain(request: msgspec.Struct) -> dict[str, Any]:
    """A request as a row keeps it; decimals stay text."""
    found: dict[str, Any] = msgspec.to_builtins(request, builtin_types=(), enc_hook=str)
    return found


def _checked(type_: type[msgspec.Struct]) -> Checked:
    return lambda args: plain(asked(args, type_))


def _search_checked(args: dict[str, Any]) -> dict[str, Any]:
    from tradingboost.app.optimise.starting import SearchRequest  # with the packages that search

    return plain(asked(args, SearchRequest))


def _nothing(args: dict[str, Any]) -> dict[str, Any]:
    if args:
        raise InvalidInput("unknown_job_argument", f"The job takes no arguments; leave out {', '.join(args)}.")
    return {}


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"cannot be read from {type(value).__name__}")


async def _backtest(piece: Piece, settings: Settings) -> Done | Unfinished:
    """One run cannot be cut; its result is kept as that of the verb is, under its receipt."""
    request = asked(piece.args, BacktestRequest)

    def run() -> dict[str, Any]:
        from tradingboost.app import receipts, results
        from tradingboost.app.data.loading import store_of
        from tradingboost.app.joint import backtested

        document, _ = receipts.signed(backtested(request, store_of(settings)).document, settings)
        results.keep(results.folder_of(settings), document)
        return {"receipt": document.receipt, "summary": plain(document.summary), "warnings": document.warnings}

    piece.tell(0, 1, "testing")
    return Done(await asyncio.to_thread(run))


async def _hyperopt(piece: Piece, settings: Settings) -> Done | Unfinished:
    """The study on disk remembers every trial, so a piece goes on where the last one stopped."""
    from tradingboost.app.optimise.searching import Searched, hyperopt
    from tradingboost.app.optimise.starting import SearchRequest

    request, searched = asked(piece.args, SearchRequest), [0, 1]
    found_done: list[int] = []

    def tell(done: int, total: int, newest: object) -> None:
        del newest
        searched[:] = [done, total]
        found_done[:] = found_done or [done]
        piece.tell(done, total, "searching")

    def stopped() -> bool:
        # each piece comes further, however slow the machine; and judging has to end in the piece it began in, because
        # nothing of it is kept
        further = found_done and found_done[0] < searched[0] < searched[1]
        return piece.stopped() if further else piece.abandoned()

    def say(text: str) -> None:
        piece.tell(searched[0], searched[1], text)

    found: Searched = await asyncio.to_thread(lambda: hyperopt(request, settings, tell=tell, say=say, stopped=stopped))
    if not found.complete or stopped():
        return Unfinished()
    best = None if found.worth is None or found.worth.best is None else plain(found.worth.best)
    return Done({"study": found.study, "trials": found.trials, "epochs": found.epochs, "best": best})


async def _tidy(piece: Piece, settings: Settings) -> Done | Unfinished:
    """Delete finished jobs whose days are over, a thousand at a time."""
    deleted = int(piece.cursor or 0)
    while not piece.stopped():
        async with piece.database.transaction() as connection:
            gone = await store.purge(connection, settings.jobs.keep_days)
        deleted += gone
        await piece.keep(deleted, done=deleted)
        if not gone:
            return Done({"deleted": deleted})
    return Unfinished()


async def _backup(piece: Piece, settings: Settings) -> Done | Unfinished:
    """A backup is whole or not there, so a piece that was lost is simply done again."""
    from tradingboost.app.backup.making import taken

    made = await taken(piece.database, SystemClock(), settings, lambda text: piece.tell(0, 1, text))
    return Done({"name": made.name, "rows": {name: one.rows for name, one in made.tables.items()}})


def words_of(pairs: list[str], file: Path | None) -> dict[str, Any]:
    """Arguments from a JSON file and `key=value` words, which win; `params.leverage=5` goes into `params`.

    Raises:
        InvalidInput: not readable as such.
    """
    from tradingboost.app.backtesting import params_of

    found: dict[str, Any] = {}
    for name, value in params_of(pairs, file).items():
        *outer, last = name.split(".")
        place = found
        for part in outer:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise InvalidInput("bad_job_argument", f"{name} cannot be set, because {part} is a value already.")
        place[last] = str(value) if isinstance(value, Decimal) else value
    return found
