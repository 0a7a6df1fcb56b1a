"""How replies of Redis look: a table where there are rows, one line where there is one value."""

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.kit.redis_report import Report

_FAULTS_DRAWN = 40


def draw_reply(console: "Console", reply: Any) -> None:
    """A reply as a person reads it."""
    from rich.text import Text

    from tradingboost.cli.show import facts

    if isinstance(reply, msgspec.Struct):
        reply = msgspec.to_builtins(reply)
    if isinstance(reply, dict):
        rows = [(str(name), _line(value)) for name, value in reply.items() if not _rows(value)]
        console.print(facts("", rows))
        for name, value in reply.items():
            if _rows(value):
                _table(console, str(name), value)
    elif _rows(reply):
        _table(console, "", [msgspec.to_builtins(one) for one in reply])
    elif isinstance(reply, list):
        for number, one in enumerate(reply, 1):
            console.print(Text(f"{number}) {_line(one)}"))
        console.print(Text(f"{len(reply)} of them", style="dim"))
    else:
        console.print(Text(_line(reply)))


def draw_report(console: "Console", found: "Report") -> None:
    """Counts, patterns and the first faults."""
    from tradingboost.cli.show import facts, table

    rows = [("Valid", f"{found.valid:,}"), ("Legacy", f"{found.legacy:,}"), ("Unknown", f"{found.unknown:,}")]
    rows += [(f"run tradingboost {verb}", f"{count:,} keys") for verb, count in found.verbs.items()]
    console.print(facts(f"Keys of the {found.db} Redis", rows))
    if found.patterns:
        drawn = [(text, f"{count:,}") for text, count in found.patterns.items()]
        console.print(table("", ("pattern", "keys"), drawn, ("keys",)))
    if found.faults:
        faults = [(one.kind, one.key, one.text) for one in found.faults[:_FAULTS_DRAWN]]
        console.print(table("Not as it should be", ("what", "key", "why"), faults))
    if (more := sum(found.counted.values()) - _FAULTS_DRAWN) > 0:
        console.print(f"[dim]and {more:,} more; --json tells a thousand[/]")


def _rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict | msgspec.Struct) for one in value)


def _table(console: "Console", title: str, rows: list[dict[str, Any]]) -> None:
    from tradingboost.cli.show import table

    names = [name for name, value in rows[0].items() if not _rows(value)]
    console.print(table(title, names, [[_line(row.get(name)) for name in names] for row in rows]))


def _line(value: Any) -> str:
    if value is None:
        return "(nothing)"
    if isinstance(value, list | dict):
        return msgspec.json.encode(value).decode()
    return str(value)
