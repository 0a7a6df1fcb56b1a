"""Results of back-tests as files: kept by their receipt, found again, exported."""

from pathlib import Path
from typing import Any, Final

import msgspec

from tradingboost.app.places import data_dir
from tradingboost.app.report import page
from tradingboost.app.settings import Settings
from tradingboost.backtest import tables
from tradingboost.backtest.document import KIND, READ, Document, decode, encode
from tradingboost.backtest.figures import Figures
from tradingboost.backtest.joint import JointResult
from tradingboost.backtest.result import BacktestResult, Summary
from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.kit.candles.atomic import replaced, told

_NAME: Final = 16
_SHORTEST: Final = 4
LATEST: Final = "latest"


class Kept(msgspec.Struct, frozen=True):
    """The head of a kept result."""

    kind: str
    schema: int
    receipt: str
    request: dict[str, Any]
    summary: Summary
    figures: Figures


class _Signed(msgspec.Struct, frozen=True):
    signature: dict[str, Any] | None = None


def folder_of(settings: Settings) -> Path:
    """Where an installation keeps results."""
    return data_dir(settings) / "backtests"


def keep(folder: Path, found: Document) -> Path:
    """Keep a result under its receipt; the same result twice is one file, and one that was not signed gets signed.

    Raises:
        Unavailable, InvalidInput: the place cannot be written.
    """
    path = folder / f"{found.receipt[:_NAME]}.json"
    if not path.exists() or (found.signature is not msgspec.UNSET and not _is_signed(path)):
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
        _write(path, encode(found))
    return path


def _is_signed(path: Path) -> bool:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Signed).signature is not None
    except (OSError, msgspec.DecodeError):
        return False


def kept(folder: Path) -> list[Kept]:
    """Heads of all kept results this version reads, the newest first."""
    files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    heads = []
    for path in files:
        try:
            head = msgspec.json.decode(path.read_bytes(), type=Kept)
        except msgspec.DecodeError:
            continue
        if head.kind == KIND and head.schema in READ:
            heads.append(head)
    return heads


def find(folder: Path, name: str) -> Document:
    """A result by file, by the beginning of its receipt, or the newest one.

    Raises:
        NotFound: there is none of that name.
        InvalidInput: several begin like that, or the file is not readable as one.
    """
    given = Path(name)
    if given.suffix == ".json" or given.is_file():
        if not given.is_file():
            raise NotFound("result_missing", f"The result file {given} does not exist; check the path.")
        return decode(given.read_bytes(), given.name)
    if name == LATEST:
        files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)[-1:]
    else:
        files = sorted(folder.glob(f"{name}*.json")) if name.isalnum() and len(name) >= _SHORTEST else []
    if not files:
        raise NotFound("result_missing", f"No kept result begins with {name!r}; backtesting-show lists them.")
    if len(files) > 1:
        raise InvalidInput("result_ambiguous", f"{len(files)} kept results begin with {name!r}; give more of it.")
    return decode(files[0].read_bytes(), files[0].name)


def export(path: Path, found: Document, result: BacktestResult | JointResult | None = None) -> list[Path]:
    """Write what the path's ending asks for: .html, .json, .csv, or all of them into a folder.

    Args:
        result: the run itself, without which there is no table of fills.

    Raises:
        InvalidInput: another ending, or a place that cannot be written.
        Unavailable: the disk is full.
    """
    match path.suffix.lower():
        case ".html":
            return [_write(path, page(found).encode())]
        case ".json":
            return [_write(path, encode(found))]
        case ".csv":
            deals = _write(path.with_suffix(".deals.csv"), tables.deals_csv(found.deals).encode())
            return [deals] if result is None else [_write(path, _trades(result).encode()), deals]
        case "":
            with told(path):
                path.mkdir(parents=True, exist_ok=True)
            names = ("report.html", "result.json", "trades.csv")
            return [one for name in names for one in export(path / name, found, result)]
    raise InvalidInput("export_kind", f"{path.name} has an unknown ending; use .html, .json, .csv or a folder.")


def _trades(result: BacktestResult | JointResult) -> str:
    return tables.trades_together_csv(result) if isinstance(result, JointResult) else tables.trades_csv(result)


def check_page(path: Path) -> None:
    """Refuse a name that is none of a page, before anything is computed for it.

    Raises:
        InvalidInput: another ending.
    """
    if path.suffix.lower() != ".html":
        raise InvalidInput("page_kind", f"{path.name} is written as a page; let its name end in .html.")


def written(path: Path, text: str) -> Path:
    """Write a page; as with reports, what has that name gives way.

    Raises:
        Unavailable, InvalidInput: the place cannot be written.
    """
    return _write(path, text.encode())


def _write(path: Path, content: bytes) -> Path:
    with told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    replaced(path, lambda out: out.write(content))
    return path
