"""`test`, `check` and `bench`: the proof that this checkout is sound. They need its development packages."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from xml.etree import ElementTree

import typer

from tradingboost.cli.exits import DONE, FINDINGS, INTERNAL, INTERRUPTED, NOT_FOUND, USAGE
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import BrokenInvariant, InvalidInput, Unavailable

if TYPE_CHECKING:
    from rich.console import Console

ROOT: Final = Path(__file__).resolve().parents[3]
_PYTEST_CODES: Final = {0: DONE, 1: FINDINGS, 2: INTERRUPTED, 3: INTERNAL, 4: USAGE, 5: NOT_FOUND}
_BENCH_CODES: Final = {0: DONE, 2: USAGE, 130: INTERRUPTED}
_OWN_WORKERS: Final = ("-n", "--numprocesses", "--dist", "--pdb", "-s", "--capture=no", "--collect-only", "--co")
_PASSED_ON: Final = {"allow_extra_args": True, "ignore_unknown_options": True}


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    options: dict[str, Any] = {"rich_help_panel": "Develop"}
    verb(app, "test", common=("json",), context_settings=_PASSED_ON, **options)(run_tests)
    verb(app, "check", common=("json", "verbose"), **options)(run_checks)
    verb(app, "bench", common=("json",), context_settings=_PASSED_ON, **options)(run_bench)


def run_tests(
    session: Session,
    context: typer.Context,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[PYTEST ARGS]...", help="Passed on to pytest.")
    ] = None,
) -> Answer:
    """Run the test suite; needs no running service. Everything behind the verb goes to pytest."""
    needs("pytest")
    command = pytest_command([*(arguments or []), *context.args])
    if not session.json:
        ended = subprocess.run(command, cwd=ROOT, env=environment(), check=False)  # noqa: S603 - our own tools
        return Answer(told=True, exit_code=_PYTEST_CODES.get(ended.returncode, INTERNAL))
    with tempfile.TemporaryDirectory(prefix="tb-test-") as folder:
        report = Path(folder) / "report.xml"
        command.append(f"--junitxml={report}")
        ended = subprocess.run(command, cwd=ROOT, env=environment(), check=False, stdout=sys.stderr)  # noqa: S603
        return Answer(_counts(report), exit_code=_PYTEST_CODES.get(ended.returncode, INTERNAL))


def run_checks(
    session: Session,
    *,
    fast: Annotated[bool, typer.Option("--fast", help="Leave the tests out.")] = False,
) -> Answer:
    """Formatting, lint, types, import contracts, house rules and tests; exit 3 when anything is found."""
    needs("pytest", "ruff", "mypy", "importlinter")
    steps = _steps(fast)
    done: list[dict[str, Any]] = []
    for name, command in steps:
        done.append(_step(session, name, command))
    failed = [step["name"] for step in done if not step["ok"]]
    data = {"steps": done, "failed": failed}
    return Answer(data, lambda console: _show_check(console, failed), FINDINGS if failed else DONE)


def run_bench(
    session: Session,
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="replay, orders, bus, kernel, backtest, sweep, live; all takes minutes."),
    ],
) -> Answer:
    """Measure one part beside a peer or a limit; what matters are the ratios. Its own options go behind the name.

    --peers DIR: also other engines, each by the virtual environment of its name in DIR. --export FILE: keep the
    figures there; otherwise they are kept below the data directory, one file a name and day.
    """
    needs("pytest")
    command = [sys.executable, "-m", "bench", name, *_kept(session, name, context.args)]
    if not session.json:
        ended = subprocess.run(command, cwd=ROOT, env=environment(), check=False)  # noqa: S603 - our own tools
        return Answer(told=True, exit_code=_BENCH_CODES.get(ended.returncode, INTERNAL))
    measured = subprocess.run(  # noqa: S603 - our own tools
        [*command, "--json"], cwd=ROOT, env=environment(), check=False, stdout=subprocess.PIPE
    )
    code = _BENCH_CODES.get(measured.returncode, INTERNAL)
    if code == USAGE:
        raise InvalidInput("usage", f"There is no such bench or option: {' '.join([name, *context.args])}.")
    if code != DONE:
        raise BrokenInvariant("bench_failed", f"The bench {name} failed; its own lines are above.")
    figures = [json.loads(line) for line in measured.stdout.splitlines()]
    return Answer(figures[0] if len(figures) == 1 else {"benches": figures})


def _kept(session: Session, name: str, arguments: list[str]) -> list[str]:
    """The options of a bench, with a file for its figures where none was named."""
    if any(word.partition("=")[0] == "--export" for word in arguments):
        return arguments
    from tradingboost.app.places import data_dir
    from tradingboost.kit.clock import SystemClock

    folder = data_dir(session.settings()) / "bench"
    return [*arguments, "--export", str(folder / f"{name}-{SystemClock().now():%Y%m%d}.json")]


def pytest_command(arguments: Sequence[str]) -> list[str]:
    """pytest on two workers unless the arguments say otherwise or name one test."""
    chosen = any(word.startswith(_OWN_WORKERS) for word in arguments) or any("::" in word for word in arguments)
    workers = [] if chosen else ["-n", str(min(max(os.cpu_count() or 2, 2), 4)), "--dist", "worksteal"]
    return [sys.executable, "-m", "pytest", *workers, *arguments]


def _steps(fast: bool) -> list[tuple[str, list[str]]]:
    python = sys.executable
    contracts = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    steps = [
        ("formatting", [python, "-m", "ruff", "format", "--check", "."]),
        ("lint", [python, "-m", "ruff", "check", "."]),
        ("import contracts", [python, "-c", contracts]),
        ("house rules", [python, "-m", "scripts.lint"]),
        ("types", [python, "-m", "mypy"]),
    ]
    return steps if fast else [*steps, ("tests", [*pytest_command([]), "-q"])]


def _step(session: Session, name: str, command: list[str]) -> dict[str, Any]:
    """Run one tool; its output is shown only when it found something."""
    from rich.text import Text

    from tradingboost.cli.show import tick

    began = time.monotonic()
    with session.err.status(f"{name} ..."):
        ended = subprocess.run(  # noqa: S603 - our own tools
            command,
            cwd=ROOT,
            env=environment(),
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    seconds = round(time.monotonic() - began, 1)
    ok = ended.returncode == 0
    session.err.print(Text.assemble(tick(ok), f" {name:<18}", (f"{seconds:7.1f} s", "dim")))
    if not ok or session.verbose:
        session.err.print(Text(ended.stdout.rstrip()[-20_000:]), soft_wrap=True)
    return {"name": name, "ok": ok, "seconds": seconds, "output": "" if ok else ended.stdout[-20_000:]}


def _show_check(console: "Console", failed: list[str]) -> None:
    if failed:
        console.print(f"[bold red]Found something in: {', '.join(failed)}.[/]")
    else:
        console.print("[bold green]Clean.[/]")


def needs(*packages: str) -> None:
    """Refuse where there is nothing to test.

    Raises:
        Unavailable: no checkout, or no development packages.
    """
    from importlib.util import find_spec

    if not (ROOT / "tests").is_dir() or not (ROOT / "pyproject.toml").is_file():
        raise Unavailable("no_checkout", "There are no tests beside this installation; run this in a git checkout.")
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        message = (
            f"The development packages are not installed ({', '.join(missing)}); start it as ./tb, which adds them."
        )
        raise Unavailable("dev_packages_missing", message)


def environment() -> dict[str, str]:
    """The same environment without settings: a test brings its own. All its processes share compiled kernels."""
    from tradingboost.kit import compile_cache

    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("TB_") or name.startswith("TB_TEST_")
    }
    compile_cache.prepare(compile_cache.default_cache_dir(), kept)
    return kept


def _counts(report: Path) -> dict[str, Any]:
    """What pytest's report says in numbers; all zero when it wrote none."""
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    seconds = 0.0
    failed: list[str] = []
    suites = ElementTree.parse(report).iter("testsuite") if report.is_file() else ()  # noqa: S314 - written by pytest
    for suite in suites:
        for name in counts:
            counts[name] += int(suite.get(name, "0"))
        seconds += float(suite.get("time", "0"))
        failed += [
            f"{case.get('classname')}::{case.get('name')}"
            for case in suite.iter("testcase")
            if case.find("failure") is not None or case.find("error") is not None
        ]
    return {**counts, "seconds": round(seconds, 1), "failed": failed[:200]}
