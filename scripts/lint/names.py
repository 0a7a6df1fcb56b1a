"""A module is named after its noun. The drawers people throw things into do not exist here."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from scripts.lint.source import Finding, Source

RULE = "names"
_DRAWERS = {"utils", "util", "common", "helpers", "helper", "misc", "manager", "managers", "lib"}


def check(source: Source) -> Iterator[Finding]:
    if not source.inside or not source.is_python:
        return
    for part in PurePosixPath(source.inside).with_suffix("").parts:
        if part in _DRAWERS:
            yield source.finding(RULE, 1, f"{part!r} says nothing about its content; name the noun")
