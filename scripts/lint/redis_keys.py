"""Redis keys are built by the registry in kit/keys.py; a literal anywhere else escapes its rules and its tests."""

import ast
import re
from collections.abc import Iterator

from scripts.lint.source import Finding, Source, dotted, template

RULE = "redis-keys"
_HOME = "kit/keys.py"
_NOT_REDIS = {"aggregate", "resource", "lease"}
# The first words of the registry. "events:x" is a stream by itself; the others need a filled-in part to be a key.
_STREAM = re.compile(r"^events:[a-z]+$")
_KEY = re.compile(
    r"^(?:identity|session|auth|hyperrsi|grid|orders|oms|position|positions|market|price|exchange|notification|config|feature|cache)"
    r"(?::[a-z_]+)*:\{\}|^user:\{\}:[a-z_]+"
)


def check(source: Source) -> Iterator[Finding]:
    if not source.inside or source.inside == _HOME:
        return
    elsewhere = {id(name) for node in source.nodes for name in _names_of_other_things(node)}
    for node in source.nodes:
        text = template(node) if id(node) not in elsewhere else None
        if text is not None and (_STREAM.match(text) or (isinstance(node, ast.JoinedStr) and _KEY.match(text))):
            yield source.finding(RULE, _line(node), f"{text!r} looks like a Redis key; build it in {_HOME}")
        if isinstance(node, ast.Call) and (text := _key_of_a_command(node)):
            yield source.finding(RULE, node.lineno, f"{text!r} is a Redis key; build it in {_HOME}")


def _names_of_other_things(node: ast.AST) -> Iterator[ast.AST]:
    """Aggregates and leases are named in PostgreSQL; their names look like keys."""
    match node:
        case ast.keyword(arg=str(name), value=value) if name in _NOT_REDIS:
            yield value
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in _NOT_REDIS:
            yield value
        case ast.FunctionDef(name=name, body=[*_, ast.Return(value=ast.AST() as value)]) if (
            name.strip("_") in _NOT_REDIS
        ):
            yield value


def _key_of_a_command(call: ast.Call) -> str | None:
    receiver, _, _ = dotted(call.func).rpartition(".")
    if "redis" not in receiver.lower() or not call.args:
        return None
    text = template(call.args[0])
    return text if text is not None and ":" in text and not text.startswith(("redis:", "rediss:", "unix:")) else None


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 1))
