"""A file someone can hold in their head: 400 lines, 600 for tables and tests; long functions are listed as warnings."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from scripts.lint.source import Finding, Source

RULE = "sizes"
FILE_LINES = 400
TABLE_AND_TEST_LINES = 600
FUNCTION_LINES = 40
POSITIONAL = 5


def check(source: Source) -> Iterator[Finding]:
    if not source.is_python:
        return
    roomy = source.path.startswith("tests/") or PurePosixPath(source.path).name == "tables.py"
    limit = TABLE_AND_TEST_LINES if roomy else FILE_LINES
    if len(source.lines) > limit:
        yield source.finding(RULE, 1, f"{len(source.lines)} lines, {limit} allowed; split it at its second noun")
    if not source.path.startswith("tests/"):
        yield from _functions(source)


def _functions(source: Source) -> Iterator[Finding]:
    for node in source.nodes:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES:
            message = f"{node.name} has {length} lines; aim for {FUNCTION_LINES}"
            yield source.finding(RULE, node.lineno, message, warning=True)
        names = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args]]
        positional = len(names) - (names[:1] in (["self"], ["cls"]))
        if positional > POSITIONAL:
            message = f"{node.name} takes {positional} positional parameters; aim for {POSITIONAL}"
            yield source.finding(RULE, node.lineno, message, warning=True)
