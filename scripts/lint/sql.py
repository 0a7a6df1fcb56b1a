"""SQL text of the product never has values or names poured into it: use SQLAlchemy expressions or bind parameters."""

import ast
import re
from collections.abc import Iterator

from scripts.lint.source import Finding, Source, dotted, template

RULE = "sql"
_RUNS_SQL = {"text", "execute", "executemany", "exec_driver_sql"}
_STATEMENTS = (
    r"select\s.+?\sfrom\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|truncate\s+table\s"
    r"|(?:create|alter|drop)\s+(?:unique\s+index|index|table|schema|database|role|user|type|view|extension)\s"
)
# Upper or lower case throughout: "Select a file from {x}" is a sentence, not a statement.
_SQL = re.compile(rf"^\s*(?:{_STATEMENTS}|with\s+\w+\s+as\s*\()", re.DOTALL)


def check(source: Source) -> Iterator[Finding]:
    if not source.inside:
        return
    seen: set[int] = set()
    for node in source.nodes:
        if isinstance(node, ast.Call) and node.args and dotted(node.func).rsplit(".", 1)[-1] in _RUNS_SQL:
            seen.add(id(node.args[0]))
            if _poured(node.args[0]):
                yield source.finding(RULE, node.lineno, "SQL built from strings; use expressions or bind parameters")
    for node in source.nodes:
        if id(node) not in seen and _poured(node) and _is_statement(node):
            yield source.finding(
                RULE, int(getattr(node, "lineno", 1)), "SQL built from strings; use expressions or bind parameters"
            )


def _poured(node: ast.AST) -> bool:
    """Whether something is filled into a literal: an f-string with values, `%`, `+` or `.format`."""
    match node:
        case ast.JoinedStr(values=values):
            return any(isinstance(part, ast.FormattedValue) and not _is_constant(part.value) for part in values)
        case ast.BinOp(left=left, op=ast.Mod() | ast.Add()):
            return template(left) is not None or _poured(left)
        case ast.Call(func=ast.Attribute(value=value, attr="format")):
            return template(value) is not None
    return False


def _is_constant(node: ast.AST) -> bool:
    """A name in capitals is ours, and a schema or database name cannot be a bind parameter."""
    return isinstance(node, ast.Name) and node.id.isupper()


def _is_statement(node: ast.AST) -> bool:
    match node:
        case ast.BinOp(left=left):
            return _is_statement(left)
        case ast.Call(func=ast.Attribute(value=value)):
            return _is_statement(value)
    text = template(node) or ""
    head = text.strip()[:6]
    return (head.isupper() and _SQL.match(text.lower()) is not None) or (
        head.islower() and _SQL.match(text) is not None
    )
