"""Write the pages of events, errors, Redis keys and the table of venues: `python -m scripts.catalogues --write`."""

import ast
import importlib
import pkgutil
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scripts import redis_keys
from scripts.lint.source import Source, dotted, template, tracked
from tradingboost.core.errors import KINDS
from tradingboost.shared import events
from tradingboost.shared.events.envelope import Payload, Spec, catalogue
from tradingboost.venues.capabilities import TABLE, Ask

ROOT = Path(__file__).resolve().parents[1]
EVENTS, ERRORS = ROOT / "docs" / "events.md", ROOT / "docs" / "errors.md"
VENUES = ROOT / "docs" / "venues.md"
_TABLE = re.compile(r"(<!-- venue_capabilities:[^\n]*-->\n).*?(<!-- end of venue_capabilities -->)", re.DOTALL)
ERROR_CLASSES = {cls.__name__ for cls in KINDS.values()}
WRITTEN = "Written by `python -m scripts.catalogues --write`; change the code instead of this page.\n"


@dataclass(frozen=True, order=True)
class Raised:
    """One place that makes an error of the taxonomy with a literal code."""

    code: str
    cls: str
    message: str
    path: str
    line: int


def declared_events() -> list[tuple[type[Payload], Spec]]:
    """The catalogue with every file of shared/events imported."""
    for module in pkgutil.iter_modules(events.__path__, f"{events.__name__}."):
        importlib.import_module(module.name)
    return [(cls, spec) for cls, spec in catalogue() if cls.__module__.startswith("tradingboost.")]


def raised_errors(sources: list[Source]) -> Iterator[Raised]:
    """Every error class called with a literal code in product code."""
    for source in sources:
        for node in source.nodes if source.inside else ():
            if not isinstance(node, ast.Call) or not node.args or dotted(node).rsplit(".", 1)[-1] not in ERROR_CLASSES:
                continue
            code = template(node.args[0])
            if code is not None:
                message = _message(source, node) if len(node.args) > 1 else ""
                yield Raised(code, dotted(node).rsplit(".", 1)[-1], message, source.inside, node.lineno)


def _message(source: Source, call: ast.Call) -> str:
    """The sentence handed to an error: a literal, or a name given one just above."""
    match call.args[1]:
        case ast.Name(id=name):
            above = [
                (node.lineno, template(node.value) or "")
                for node in source.nodes
                if isinstance(node, ast.Assign) and dotted(node.targets[0]) == name and node.lineno < call.lineno
            ]
            return max(above)[1] if above else ""
        case literal:
            return template(literal) or ""


def events_page() -> str:
    """Facts and feeds, one section a publishing context, with the fields of each payload."""
    by_context: dict[str, list[tuple[type[Payload], Spec]]] = defaultdict(list)
    for cls, spec in declared_events():
        by_context[spec.stream].append((cls, spec))
    parts = [f"# Events\n\n{WRITTEN}\nA fact is durable and delivered at least once; a feed may drop.\n"]
    for context, entries in sorted(by_context.items()):
        parts.append(f"\n## {context}\n")
        for cls, spec in entries:
            kind = "feed" if spec.lossy else "fact"
            parts.append(f"\n### `{spec.type}` (version {spec.version}, {kind})\n\n{_first_line(cls)}\n\n")
            parts.extend(
                f"- `{field.encode_name}`: {_type_name(field.type)}\n" for field in msgspec.structs.fields(cls)
            )
    return "".join(parts)


def errors_page() -> str:
    """Each stable code with its class and the sentence a person reads."""
    parts = [
        f"# Errors\n\n{WRITTEN}\nThe class says what a caller may do (`core/errors.py`); the code is stable. "
        "`{}` stands for a value.\n"
    ]
    found = sorted(raised_errors(list(tracked(ROOT))))
    for cls in KINDS.values():
        rows = {raised.code: raised.message for raised in reversed(found) if raised.cls == cls.__name__}
        if rows:
            parts.append(f"\n## {cls.__name__}\n\n{_first_line(cls)}\n\n| code | says |\n|---|---|\n")
            parts.extend(f"| `{code}` | {_cell(rows[code])} |\n" for code in sorted(rows))
    return "".join(parts)


def venues_page() -> str:
    """The page of venues as it stands, with the table of what each is asked for, and the remarks of its cells."""
    columns = list(TABLE.values())
    lines = [f"| | {' | '.join(column.venue for column in columns)} |\n", f"|---|{'---|' * len(columns)}\n"]
    for ask in Ask:
        cells = [f"{column.ways[ask].value}{'*' * (ask in column.notes)}" for column in columns]
        lines.append(f"| {ask.value} | {' | '.join(cells)} |\n")
    lines.append("\n")
    for column in columns:
        lines.extend(f"- \\* {column.venue}, {ask.value}: {note}.\n" for ask, note in column.notes.items())
    table = "".join(lines)
    return _TABLE.sub(lambda found: f"{found[1]}{table}{found[2]}", VENUES.read_text(encoding="utf-8"))


def _first_line(cls: type) -> str:
    return (cls.__doc__ or "").strip().split("\n")[0]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _type_name(annotation: object) -> str:
    """A class by its name, anything composed (`Venue | None`, `list[Fill]`) without its module paths."""
    return annotation.__name__ if isinstance(annotation, type) else re.sub(r"(?:\w+\.)+", "", str(annotation))


def main(arguments: list[str]) -> int:
    pages = {
        EVENTS: events_page(),
        ERRORS: errors_page(),
        VENUES: venues_page(),
        redis_keys.FILE: redis_keys.page(WRITTEN),
    }
    for file, page in pages.items():
        if "--write" in arguments:
            file.write_text(page, encoding="utf-8")
        else:
            print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
