"""Money is Decimal or integer. Floats may suggest, Decimals decide: the files below are past the crossing.

Seconds are not money, so a float is fine where a name says it is one (`timeout_s=0.5`, `delay_s: float`).
"""

import ast
from collections.abc import Iterator

from scripts.lint.source import Finding, Source

RULE = "money-floats"
MONEY = (
    "core/money.py",
    "core/order.py",
    "core/position.py",
    "core/ledger.py",
    "core/risk.py",
    "core/desired.py",
    "sim/ledger.py",
    "sim/margin.py",
    "sim/matching.py",
    "sim/orders.py",
    "sim/funding.py",
    "services/orders/",
    "services/positions/",
    "services/exchange/",
)
# The one place where a suggestion becomes money: it may be annotated as taking a float, nothing more.
_CROSSING = "core/money.py"
_NOT_MONEY = ("settings.py", "workers.py", "module.py")
_SECONDS = ("_s", "timeout", "delay", "seconds")


def check(source: Source) -> Iterator[Finding]:
    if (
        not source.inside.startswith(MONEY)
        or source.path.rsplit("/", 1)[-1] in _NOT_MONEY
        or "/workers/" in source.path
    ):
        return
    allowed = {id(part) for node in source.nodes for part in _parts_that_are_seconds(node)}
    if source.inside == _CROSSING:
        allowed |= {id(part) for node in source.nodes if isinstance(node, ast.arg) for part in ast.walk(node)}
    for node in source.nodes:
        if id(node) in allowed:
            continue
        match node:
            case ast.Constant(value=float(value)):
                yield source.finding(
                    RULE, node.lineno, f"float literal {value!r}; write Decimal('{value}') or an integer"
                )
            case ast.Name(id="float"):
                yield source.finding(
                    RULE, node.lineno, "float in a money file; Decimal or int, or a name ending in _s for time"
                )


def _parts_that_are_seconds(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.keyword(arg=str(name), value=value) if name.endswith(_SECONDS):
            yield from ast.walk(value)
        case ast.arg(arg=name, annotation=ast.AST() as annotation) if name.endswith(_SECONDS):
            yield from ast.walk(annotation)
        case ast.AnnAssign(target=target) if _name(target).endswith(_SECONDS):
            yield from ast.walk(node)
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(values):
            for one, value in zip(names, values, strict=True):
                if _name(one).endswith(_SECONDS):
                    yield from ast.walk(value)
        case ast.Assign(targets=[target], value=value) if _name(target).endswith(_SECONDS):
            yield from ast.walk(value)


def _name(target: ast.AST) -> str:
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.lower()
    return ""
