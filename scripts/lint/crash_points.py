"""A crash point is named by a literal that kit/crash.py registers: the list of points is whole and no name a typo."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from scripts.lint.source import Finding, Source, dotted

RULE = "crash-points"
HOME: Final = "kit/crash.py"
_CALLS: Final = {"crash_point": 0, "crash_after_commit": 1}
"""Which argument is the name."""


def check(source: Source) -> Iterator[Finding]:
    if not source.inside or source.inside == HOME:
        return
    for line, name in named(source):
        if name is None:
            yield source.finding(RULE, line, "a crash point is named by a literal, so that it can be found")
        elif name not in registered():
            yield source.finding(RULE, line, f"{name!r} is not registered; enter it in {HOME} with what it means")


def named(source: Source) -> Iterator[tuple[int, str | None]]:
    """Line and name of every crash point in a file; the name is None where it is no literal."""
    for node in source.nodes:
        if not isinstance(node, ast.Call):
            continue
        at = _CALLS.get(dotted(node).rsplit(".", 1)[-1])
        if at is None or len(node.args) <= at:
            continue
        match node.args[at]:
            case ast.Constant(value=str(name)):
                yield node.lineno, name
            case _:
                yield node.lineno, None


@cache
def registered() -> frozenset[str]:
    """The names of the registry, read from its text: the tools do not import the application."""
    file = Path(__file__).resolve().parents[2] / "src" / "tradingboost" / HOME
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AnnAssign) and dotted(node.target) == "POINTS":
            found = next(part for part in ast.walk(node) if isinstance(part, ast.Dict))
            return frozenset(str(key.value) for key in found.keys if isinstance(key, ast.Constant))
    raise LookupError(f"{HOME} has no POINTS")
