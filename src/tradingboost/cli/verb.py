"""How a function becomes a verb: the options every verb has, and one net under all of them."""

import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tradingboost.cli.exits import DONE, failure_of
from tradingboost.cli.session import Answer, Session

_PANEL = "Common"
_Json = Annotated[
    bool, typer.Option("--json", help="One JSON object on standard output, all else aside.", rich_help_panel=_PANEL)
]
_DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="Where this installation keeps its data.", rich_help_panel=_PANEL),
]
_EnvFile = Annotated[
    Path | None,
    typer.Option("--env-file", metavar="FILE", help="Settings file to read instead of .env.", rich_help_panel=_PANEL),
]
_Verbose = Annotated[
    int, typer.Option("-v", "--verbose", count=True, help="Show the log; -vv shows all of it.", rich_help_panel=_PANEL)
]
_COMMON: dict[str, tuple[Any, Any]] = {
    "json": (_Json, False),
    "data_dir": (_DataDir, None),
    "env_file": (_EnvFile, None),
    "verbose": (_Verbose, 0),
}

Verb = Callable[..., Answer]
Group = Callable[..., dict[str, Any]]
"""A function whose parameters are options; it gives them back by name."""

_NO_GROUPS: Mapping[str, Group] = {}


def verb(
    group: typer.Typer,
    name: str,
    *,
    title: str = "",
    common: Sequence[str] = tuple(_COMMON),
    groups: Mapping[str, Group] = _NO_GROUPS,
    **options: Any,
) -> Callable[[Verb], Verb]:
    """Add a function `(session, own options) -> Answer` to a group.

    Args:
        title: how the verb calls itself in answers, when it is more than `name`.
        common: which of the common options it takes.
        groups: parameters of the function that stand for several options each, which other verbs have too.
        options: of `typer.Typer.command`.
    """

    def add(function: Verb) -> Verb:
        def run(**given: Any) -> int:
            shared = {key: given.pop(key) for key in common}
            given |= {key: each(**{one: given.pop(one) for one in _options(each)}) for key, each in groups.items()}
            return carried_out(Session(title or name, **shared), lambda session: function(session, **given))

        named = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        own = [
            one for each in named for one in (_options(groups[each.name]).values() if each.name in groups else [each])
        ]
        parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, annotation=_COMMON[key][0], default=_COMMON[key][1])
            for key in common
        ]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        run.__doc__ = function.__doc__
        group.command(name, **options)(run)
        return function

    return add


def _options(group: Group) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(group, eval_str=True).parameters


def _spelled_out(parameter: inspect.Parameter, groups: Mapping[str, Group]) -> Iterable[inspect.Parameter]:
    return _options(groups[parameter.name]).values() if parameter.name in groups else (parameter,)


def carried_out(session: Session, work: Callable[[Session], Answer]) -> int:
    """Do the work, say the answer or the one sentence about what went wrong, and give back the exit code."""
    try:
        answer = work(session)
        if not answer.told:
            session.tell(answer)
    except BrokenPipeError:
        return _reader_left()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the net under every verb: told, and an exit code
        if session.verbose:
            from tradingboost.kit.logging import redact

            session.say(redact("".join(traceback.format_exception(error))))
        failure = failure_of(error)
        session.fail(failure)
        return failure.exit_code
    return answer.exit_code


def _reader_left() -> int:
    """Whoever read our output (`| head`) has enough: nothing is wrong, and nothing may be flushed at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE
