"""Nothing in the repository is a promise to write it later: no empty bodies, no notes to self, no swallowed errors."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from scripts.lint.source import Finding, Source, dotted

RULE = "stubs"
_NOTE = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
_MAY_BE_EMPTY = {"overload", "abstractmethod"}


def check(source: Source) -> Iterator[Finding]:
    if not source.is_python:
        return
    noted = _NOTE.search(source.text) is not None
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline) if noted else ():
        if token.type == tokenize.COMMENT and (found := _NOTE.search(token.string)):
            yield source.finding(RULE, token.start[0], f"{found[1]} note; do it, or write it where work is planned")
    promises = {id(method) for node in source.nodes if _is_protocol(node) for method in ast.walk(node)}
    for node in source.nodes:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                names = {dotted(deco).rsplit(".", 1)[-1] for deco in node.decorator_list}
                if _is_empty(node.body) and id(node) not in promises and not names & _MAY_BE_EMPTY:
                    yield source.finding(RULE, node.lineno, f"{node.name} does nothing; write it or leave it out")
            case ast.Pass():
                yield source.finding(RULE, node.lineno, "pass; say what happens here, or why nothing does, in code")
            case ast.Raise(exc=ast.AST() as error) if dotted(error) == "NotImplementedError":
                yield source.finding(RULE, node.lineno, "NotImplementedError; write it or leave it out")
            case ast.Call(args=[*errors]) if dotted(node).rsplit(".", 1)[-1] == "suppress":
                if {dotted(error) for error in errors} & {"Exception", "BaseException"}:
                    yield source.finding(RULE, node.lineno, "suppress(Exception) hides everything; name the error")


def _is_protocol(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any(
        dotted(base.value if isinstance(base, ast.Subscript) else base).endswith("Protocol") for base in node.bases
    )


def _is_empty(body: list[ast.stmt]) -> bool:
    """Only `...`. A lone docstring passes: in a test double it can honestly describe that nothing happens."""
    rest = [
        statement
        for statement in body
        if not (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
            and isinstance(statement.value.value, str)
        )
    ]
    return bool(rest) and all(
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and statement.value.value is ...
        for statement in rest
    )
