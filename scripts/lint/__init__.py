"""The house rules that ruff cannot say, as small checks over one shared parse. Run: `python -m scripts.lint`."""

from collections.abc import Callable, Iterable, Iterator

from scripts.lint import crash_points, machine_text, money_floats, names, order_retries, redis_keys, sizes, sql, stubs
from scripts.lint.source import Finding, Source

CHECKS: dict[str, Callable[[Source], Iterable[Finding]]] = {
    crash_points.RULE: crash_points.check,
    machine_text.RULE: machine_text.check,
    money_floats.RULE: money_floats.check,
    names.RULE: names.check,
    order_retries.RULE: order_retries.check,
    redis_keys.RULE: redis_keys.check,
    sizes.RULE: sizes.check,
    sql.RULE: sql.check,
    stubs.RULE: stubs.check,
}


def lint(sources: Iterable[Source]) -> Iterator[Finding]:
    """Everything every check says about every file, minus the lines that name a rule and a reason to skip it."""
    for source in sources:
        for rule, check in CHECKS.items():
            for finding in check(source):
                if not source.skips(rule, finding.line):
                    yield finding
