"""A client order id is sent at most once, so nothing that can place or change an order may sit inside a retry.

Seen as a retry: a decorator, call or loop whose name speaks of retrying (`stamina.retry`, `retry_context`,
`with_retries`). Seen as order writing: a function of the names below, defined under such a decorator, called inside
such a loop or handed to such a call. ccxt's own retry option has to be 0 wherever it is written.
"""

import ast
import re
from collections.abc import Iterator

from scripts.lint.source import Finding, Source, dotted

RULE = "order-retries"
_RETRY = re.compile(r"(?:^|[._])(?:re_?tr(?:y|ies|ying)|backoff|attempts?)(?:$|[._])", re.IGNORECASE)
_WRITES = re.compile(
    r"^(?:create_?orders?\w*|place(?:_(?:order|algo|intent|stop)s?)?|submit(?:_\w+)?|amend(?:_\w+)?|edit_?order\w*|send_order\w*)$",
    re.IGNORECASE,
)
_CCXT_OPTION = "maxRetriesOnFailure"


def check(source: Source) -> Iterator[Finding]:
    for node in source.nodes:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if _WRITES.match(node.name):
                if retry := next((dotted(deco) for deco in node.decorator_list if _RETRY.search(dotted(deco))), None):
                    yield source.finding(RULE, node.lineno, f"{node.name} is sent at most once; take away @{retry}")
            case ast.Call() if _RETRY.search(dotted(node)):
                for written in _written([*node.args, *(keyword.value for keyword in node.keywords)]):
                    yield source.finding(
                        RULE, node.lineno, f"{written} is sent at most once; {dotted(node)} may repeat it"
                    )
            case ast.For() | ast.AsyncFor() if _RETRY.search(dotted(node.iter)):
                for written in _written(node.body, calls_only=True):
                    yield source.finding(RULE, node.lineno, f"{written} is sent at most once; this loop retries it")
            case ast.Dict():
                yield from _ccxt_option(source, node)


def _written(nodes: list[ast.expr] | list[ast.stmt], *, calls_only: bool = False) -> Iterator[str]:
    for root in nodes:
        for node in ast.walk(root):
            name = dotted(node) if isinstance(node, ast.Call) or not calls_only else ""
            if isinstance(node, ast.Call | ast.Name | ast.Attribute) and _WRITES.match(name.rsplit(".", 1)[-1]):
                yield name
                break


def _ccxt_option(source: Source, node: ast.Dict) -> Iterator[Finding]:
    for key, value in zip(node.keys, node.values, strict=True):
        match key, value:
            case ast.Constant(value=name), ast.Constant(value=count) if name == _CCXT_OPTION and count != 0:
                yield source.finding(RULE, value.lineno, f"{_CCXT_OPTION} must stay 0: ccxt would resend orders")
