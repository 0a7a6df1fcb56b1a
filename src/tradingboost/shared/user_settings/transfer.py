"""Settings handed on: one JSON document with a checksum, or rows for a spreadsheet. No secrets, no ids."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.shared.user_settings.documents import SECRET, Document, plain

FORMAT: Final = "tradingboost.settings/1"
MOST_BYTES: Final = 1024 * 1024
_COLUMNS: Final = ("document", "scope", "key", "value")
_PRESET: Final = "preset:"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins with one of these is run by spreadsheets; it is written behind an apostrophe."""
_MOST_ROWS: Final = 20_000


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One document of settings."""

    setting_type: str
    scope: str
    settings: Document


class NamedSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One preset."""

    name: str
    settings: Document
    description: str = ""
    is_default: bool = False


class Exported(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything of a strategy.

    Args:
        sha256: of the document without this field, in canonical JSON; left out by who edits it by hand.
    """

    format: str
    exported_at: str
    strategy: str
    settings: list[Entry]
    presets: list[NamedSettings] = []
    sha256: str = ""


def exported(strategy: str, at: str, settings: Sequence[Entry], presets: Sequence[NamedSettings]) -> Exported:
    """The document, sealed with its checksum and free of secrets."""
    open_ones = [msgspec.structs.replace(one, settings=_public(one.settings)) for one in settings]
    named = [msgspec.structs.replace(one, settings=_public(one.settings)) for one in presets]
    found = Exported(format=FORMAT, exported_at=at, strategy=strategy, settings=open_ones, presets=named)
    return msgspec.structs.replace(found, sha256=checksum(found))


def checksum(document: Exported) -> str:
    """SHA-256 of a document without its own checksum."""
    whole = msgspec.to_builtins(msgspec.structs.replace(document, sha256=""))
    return hashlib.sha256(msgspec.json.encode(whole, order="deterministic")).hexdigest()


def imported(document: Mapping[str, Any]) -> Exported:
    """A document as somebody brings it.

    Raises:
        InvalidInput: another format, a part that is missing or unknown, or a checksum of something else.
    """
    if document.get("format") != FORMAT:
        said = document.get("format")
        raise InvalidInput("import_format", f"The document is of the format {said!r}; {FORMAT!r} is read here.")
    try:
        found = msgspec.convert(plain(document), Exported)
    except msgspec.ValidationError as error:
        raise InvalidInput("import_malformed", f"The document cannot be read: {error}.") from error
    if found.sha256 and found.sha256 != checksum(found):
        text = (
            "The checksum is of another document; export it again, or take sha256 out if you have changed it yourself."
        )
        raise InvalidInput("import_checksum", text)
    return found


def to_csv(document: Exported) -> str:
    """Rows for a spreadsheet: document, scope, key, value."""
    sheet = io.StringIO(newline="")
    writer = csv.writer(sheet, lineterminator="\r\n")  # which has both characters quoted inside a cell
    writer.writerow(_COLUMNS)
    for one in document.settings:
        writer.writerows(_rows(one.setting_type, one.scope, one.settings))
    for preset in document.presets:
        writer.writerows(_rows(_PRESET + preset.name, "", preset.settings))
    return sheet.getvalue()


def from_csv(text: str, strategy: str) -> Exported:
    """The document such rows stand for.

    Raises:
        InvalidInput: other columns, or too many rows.
    """
    rows = _cells(text)
    if not rows or tuple(rows[0]) != _COLUMNS:
        raise InvalidInput("import_malformed", f"The first row must name the columns {', '.join(_COLUMNS)}.")
    if len(rows) > _MOST_ROWS:
        raise InvalidInput("import_malformed", f"There are more than {_MOST_ROWS} rows; bring them in parts.")
    documents: dict[tuple[str, str], Document] = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(_COLUMNS):
            raise InvalidInput("import_malformed", f"Row {number} has {len(row)} columns, not {len(_COLUMNS)}.")
        name, scope, key, value = (_plain(cell) for cell in row)
        documents.setdefault((name, scope), {})[key] = _value(value)
    entries, presets = [], []
    for (name, scope), settings in documents.items():
        if name.startswith(_PRESET):
            presets.append(NamedSettings(name=name.removeprefix(_PRESET), settings=settings))
        else:
            entries.append(Entry(setting_type=name, scope=scope, settings=settings))
    return Exported(format=FORMAT, exported_at="", strategy=strategy, settings=entries, presets=presets)


def _cells(text: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise InvalidInput("import_malformed", f"The rows cannot be read: {error}.") from error


def _public(settings: Document) -> Document:
    return {key: value for key, value in settings.items() if key != SECRET}


def _rows(name: str, scope: str, settings: Document) -> Iterator[list[str]]:
    for key, value in settings.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        yield [_harmless(cell) for cell in (name, scope, key, text)]


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith((*_FORMULA, "'")) else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell


def _value(text: str) -> Any:
    """What a cell says: maps, lists, switches and nothing as such; numbers and words are read by the schema."""
    if text in ("true", "false", "null") or text.startswith(("{", "[")):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text
