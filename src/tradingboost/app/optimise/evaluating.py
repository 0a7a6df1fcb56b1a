"""One trial: a set is checked, run over the stretches of its study, and measured."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tradingboost.app.optimise.objectives import Constraints, Trial, values_of
from tradingboost.app.optimise.problem import Problem, Span
from tradingboost.backtest.sweep import measured
from tradingboost.core.errors import InvalidInput


class Task(msgspec.Struct, frozen=True):
    """A set to be tried."""

    number: int
    point: tuple[int, ...]
    params: dict[str, Any]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for every trial of a study."""

    objectives: list[str]
    constraints: Constraints
    spans: list[Span]
    least_warmup: int


def evaluate(problem: Problem, terms: Terms, task: Task) -> Trial:
    """Run one set. What the schema refuses is told and not run; too little data is the study's fault, not the set's."""
    try:
        made = problem.compile(task.params)
    except InvalidInput as error:
        return Trial(
            number=task.number,
            point=task.point,
            status="invalid",
            why=_codes(error),
            values=[None] * len(terms.objectives),
            measured=None,
        )
    found = measured([problem.read(made, span, terms.least_warmup) for span in terms.spans])
    values = values_of(terms.objectives, found)
    why = terms.constraints.broken(found)
    why += [f"no_{name}" for name, value in zip(terms.objectives, values, strict=True) if value is None]
    if not why and terms.constraints.band_not_red:
        bands = [problem.band(made, span, terms.least_warmup) for span in terms.spans]
        why += ["band"] if "red" in bands else []
    return Trial(
        number=task.number,
        point=task.point,
        status="infeasible" if why else "ok",
        why=why,
        values=values,
        measured=found,
    )


def known(problem: Problem, names: Sequence[str], fixed: Mapping[str, Any]) -> None:
    """Refuse parameters the strategy does not have.

    Raises:
        InvalidInput: with the nearest name.
    """
    for name in [*fixed, *names]:
        try:
            problem.strategy.validate({name: fixed.get(name, "")})
        except InvalidInput as error:
            for one in _errors(error):
                if one.get("code") == "unknown_key":
                    raise InvalidInput("unknown_parameter", f"{one.get('message')}", key=name) from None


def _errors(error: InvalidInput) -> list[dict[str, Any]]:
    found = error.details.get("errors")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _codes(error: InvalidInput) -> list[str]:
    """Which rules of the schema a combination breaks."""
    return sorted({str(one.get("code")) for one in _errors(error)}) or [error.code]
