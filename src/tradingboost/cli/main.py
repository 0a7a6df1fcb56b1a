"""The tree of verbs, and the last line of defence: a usage error is one sentence and exit code 2."""

import sys
from collections.abc import Sequence
from typing import Final

import typer
from typer.exceptions import Abort, TyperException

from tradingboost.cli import (
    about,
    act,
    audit,
    backup,
    chaos,
    data,
    database,
    demo,
    develop,
    download,
    examining,
    grid,
    hyperopt,
    jobs,
    keys,
    limits,
    look,
    migrate,
    mismatches,
    orders,
    parity,
    planning,
    plotting,
    redis,
    research,
    serve,
    settings,
    simulator,
    start,
    switches,
    users,
    walking,
    why,
)
from tradingboost.cli.exits import DONE, INTERRUPTED, USAGE, Failure
from tradingboost.cli.session import Session
from tradingboost.cli.verb import carried_out

PROGRAM: Final = "tradingboost"
_GROUPS = (
    demo,
    simulator,
    serve,
    look,
    start,
    act,
    orders,
    switches,
    limits,
    mismatches,
    settings,
    users,
    keys,
    planning,
    why,
    research,
    plotting,
    hyperopt,
    walking,
    examining,
    parity,
    download,
    data,
    database,
    migrate,
    grid,
    redis,
    jobs,
    audit,
    backup,
    develop,
    chaos,
    about,
)


def build() -> typer.Typer:
    """All verbs, in the order people look for them."""
    app = typer.Typer(
        name=PROGRAM,
        help="A self-hosted crypto trading platform. Start with: tradingboost demo",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )
    for group in _GROUPS:
        group.register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and give back its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in ("version", "--version") and not {*words[1:]} - {"--json"}:
        # by itself, because reading options costs typer a third of a second
        return carried_out(Session("version", json="--json" in words), about.version)
    try:
        ended = build()(args=words, prog_name=PROGRAM, standalone_mode=False)
    except TyperException as error:
        return _misused(words, error)
    except Abort:
        return INTERRUPTED
    return int(ended or 0)


def _misused(words: Sequence[str], error: TyperException) -> int:
    """One sentence with what was meant, perhaps, and where the help is."""
    verb = next((word for word in words if not word.startswith("-")), "")
    message = error.format_message().rstrip()
    if not message:  # no word at all was given, and the help was shown
        return DONE
    message = message if message.endswith((".", "?", "!", ")")) else f"{message}."
    place = getattr(getattr(error, "ctx", None), "command_path", PROGRAM)
    session = Session(verb or PROGRAM, json="--json" in words)
    session.fail(Failure(USAGE, "usage", f"{message} See: {place} --help", {}))
    return USAGE
