"""`hyperopt`: search for parameters; `hyperopt-list` and `hyperopt-show` read what was found."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradingboost.cli import searching
from tradingboost.cli.exits import DONE, FINDINGS, INTERRUPTED
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.optimise.searching import Searched
    from tradingboost.app.optimise.worth import Line, Worth


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "hyperopt", groups=searching.GROUPS, rich_help_panel="Research")(hyperopt)
    verb(app, "hyperopt-list", rich_help_panel="Research")(hyperopt_list)
    verb(app, "hyperopt-show", rich_help_panel="Research")(hyperopt_show)


def hyperopt(
    session: Session,
    *,
    market: dict[str, Any],
    search: dict[str, Any],
) -> Answer:
    """Search for parameters; the same command goes on where it was stopped. Ctrl-C keeps what was done."""
    settings = session.settings()
    from tradingboost.app.optimise.searching import hyperopt as searched

    request = searching.search_request(market, search)
    with searching.interruptible() as stopped, searching.trials_drawn(session) as (tell, say):
        done = searched(request, settings, tell=tell, say=say, stopped=stopped)
        interrupted = stopped()
    code = INTERRUPTED if interrupted else DONE if done.worth is not None and done.worth.best else FINDINGS
    return Answer(done, lambda console: _show(console, done, [*request.objectives]), code)


def hyperopt_list(
    session: Session,
    *,
    study: Annotated[str | None, typer.Argument(metavar="[STUDY]", help="Its best trials; else all studies.")] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=1000, help="Trials to list.")] = 20,
) -> Answer:
    """List the studies, or the best trials of one."""
    settings = session.settings()
    from tradingboost.app.optimise.searching import shown
    from tradingboost.app.optimise.starting import studies_of
    from tradingboost.app.optimise.study import folder_of, studies

    root = studies_of(settings)
    if study is None:
        heads = studies(root)
        return Answer({"studies": heads}, lambda console: _heads(console, heads))
    found = shown(folder_of(root, study), count)

    def show(console: "Console") -> None:
        console.print(_lines(f"{found.head.name}: {found.trials:,} trials", found.best, found.head.question.objectives))

    return Answer(found, show)


def hyperopt_show(
    session: Session,
    *,
    study: Annotated[str, typer.Argument(metavar="[STUDY]", help="Name, its beginning, or latest.")] = "latest",
    trial: Annotated[
        int | None, typer.Option("-n", "--trial", min=0, help="Its number; the best unless given.")
    ] = None,
) -> Answer:
    """Show one trial of a study with all its parameters, and what the study's result is worth."""
    settings = session.settings()
    from tradingboost.app.optimise.searching import shown, trial_of
    from tradingboost.app.optimise.starting import studies_of
    from tradingboost.app.optimise.study import folder_of

    folder = folder_of(studies_of(settings), study)
    found, params = trial_of(folder, trial)
    whole = shown(folder, 1)
    data = {"study": whole.head.name, "trial": found, "params": params, "worth": whole.worth}

    def show(console: "Console") -> None:
        _trial(console, found, params)
        if whole.worth is not None:
            _worth(console, whole.worth, whole.head.question.objectives)

    return Answer(data, show)


def _show(console: "Console", done: "Searched", objectives: list[str]) -> None:
    if done.worth is not None:
        title = f"{done.study}: {done.trials:,} trials"
        console.print(_lines(title, done.worth.finalists, objectives))
        if done.worth.front:
            console.print(_lines("Not beaten in every objective", done.worth.front, objectives))
        _worth(console, done.worth, objectives)
    if not done.complete:
        console.print(
            f"Stopped after {done.trials:,} of {done.epochs:,} trials; they are kept, and the same command goes on."
        )


def _worth(console: "Console", worth: "Worth", objectives: list[str]) -> None:
    from tradingboost.app.optimise.objectives import shown
    from tradingboost.cli.show import facts, number, table

    rows = [("trials", ", ".join(f"{count:,} {name}" for name, count in worth.counts.items()))]
    luck = worth.deflated
    if luck is not None and luck.probability is not None:
        verdict = "not distinguishable from luck" if luck.lucky else "more than luck"
        rows.append(("deflated Sharpe", f"{luck.probability:.3f}: {verdict}"))
    if worth.best is None:
        rows.append(("result", "no set is acceptable; loosen the constraints or search elsewhere"))
    for one in worth.footings[:1]:
        mean, worst = (number(shown(objectives[0], value), 3) for value in (one.mean, one.worst))
        rows.append(("neighbours of the best", f"mean {mean}, worst {worst} ({one.known} of {one.possible})"))
    if worth.recommended is not None:
        own = worth.best.params if worth.best else {}
        rows.append(("recommended", _words({name: worth.recommended[name] for name in own})))
    console.print(facts("What it is worth", rows))
    stress = [
        (
            f"{one.window.move.value} of {one.window.change:+.1%}",
            "-" if one.total_return is None else f"{one.total_return:+.2%}",
            "-" if one.max_drawdown is None else f"{one.max_drawdown:.2%}",
        )
        for one in worth.stress
        if worth.best is not None and one.number == worth.best.number
    ]
    if stress:
        console.print(
            table("The best set in the hardest weeks", ("market", "return", "fall"), stress, ("return", "fall"))
        )


def _lines(title: str, lines: "list[Line]", objectives: list[str]) -> Any:
    from tradingboost.app.optimise.objectives import shown
    from tradingboost.cli.show import number, table

    rows = [
        (
            str(one.number),
            *(number(shown(name, value), 3) for name, value in zip(objectives, one.values, strict=True)),
            "-" if one.measured is None else f"{one.measured.net_pnl:,.2f}",
            "-" if one.measured is None or one.measured.max_drawdown is None else f"{one.measured.max_drawdown:.1%}",
            "-" if one.measured is None else str(one.measured.deals),
            _words(one.params) if one.status == "ok" else f"{', '.join(one.why)}: {_words(one.params)}",
        )
        for one in lines
    ]
    columns = ("trial", *objectives, "net", "fall", "deals", "parameters")
    return table(title, columns, rows, columns[:-1])


def _trial(console: "Console", found: "Line", params: dict[str, Any]) -> None:
    import msgspec

    from tradingboost.cli.show import facts

    rows = [(name, str(value)) for name, value in params.items()]
    console.print(facts(f"Trial {found.number}, {found.status} {' '.join(found.why)}".rstrip(), rows))
    if found.measured is not None:
        figures = msgspec.structs.asdict(found.measured)
        console.print(facts("Figures", [(name, str(value)) for name, value in figures.items() if name != "daily"]))


def _heads(console: "Console", heads: Any) -> None:
    from tradingboost.cli.show import table

    rows = [
        (one.name, one.created, one.question.method, f"{one.epochs:,}", ", ".join(one.question.objectives))
        for one in heads
    ]
    console.print(table("Studies", ("study", "begun", "method", "trials", "objective"), rows, ("trials",)))


def _words(params: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in params.items())
