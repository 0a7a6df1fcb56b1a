"""Write .env.example from the settings classes: `python -m scripts.env_example --write`."""

import importlib
import sys
from collections.abc import Iterator
from enum import Enum
from itertools import groupby
from pathlib import Path

from tradingboost.kit.environment import Variable, variables
from tradingboost.kit.settings import Slice

FILE = Path(__file__).resolve().parents[1] / ".env.example"
HEAD = """\
# Every setting of TradingBoost with its default. Copy to .env and take away the mark in front of what you change.
# Nothing here is needed for `./tb demo`. Order: command line > environment > .env > default.
# A secret may come from a file: append _FILE to its name and give the path.
# Written by `python -m scripts.env_example --write`; change the settings classes instead of this file.
"""


def settings_class() -> type[Slice]:
    """The root of all settings; imported by name because the tools must not pull the application in when imported."""
    found: type[Slice] = importlib.import_module("tradingboost.app.settings").Settings
    return found


def render(root: type[Slice]) -> str:
    """One line a variable, grouped by slice, each with what it means."""
    groups = groupby(variables(root), key=lambda variable: variable.path[0] if len(variable.path) > 1 else "")
    return HEAD + "".join(f"\n{''.join(_lines(slice_name, group))}" for slice_name, group in groups)


def _lines(slice_name: str, group: Iterator[Variable]) -> Iterator[str]:
    if slice_name:
        yield f"# -- {slice_name}\n"
    for variable in group:
        if variable.description:
            yield f"# {variable.description}{' (secret)' if variable.secret else ''}\n"
        yield f"# {variable.name}={_text(variable)}\n"


def _text(variable: Variable) -> str:
    """The default as it would be written; a secret's is never shown, and none is an empty value."""
    default = variable.default
    if variable.field.is_required() or default is None or variable.secret:
        return ""
    if isinstance(default, Enum):
        return str(default.value)
    if isinstance(default, list | tuple | set | frozenset):
        return ",".join(str(part) for part in default)
    return str(default).lower() if isinstance(default, bool) else str(default)


def main(arguments: list[str]) -> int:
    text = render(settings_class())
    if "--write" in arguments:
        FILE.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
