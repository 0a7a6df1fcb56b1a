"""A number that changes when the code of a function, or of anything it calls, changes."""

from collections.abc import Callable
from enum import EnumType
from hashlib import sha256
from types import CodeType, FunctionType, ModuleType
from typing import Any


def fingerprint(*functions: Callable[..., Any]) -> int:
    """Digest over the byte code and constants of the functions and of every package function they reach.

    Compiled code is cached by the driver's own file only; as a constant of the driver this number is part of the
    cache's key, so a changed kernel is compiled anew instead of being run in its old form.
    """
    digest = sha256()
    seen: set[int] = set()
    queue: list[Any] = list(functions)
    while queue:
        function = getattr(queue[0], "py_func", queue[0])
        del queue[0]
        if not isinstance(function, FunctionType) or id(function) in seen:
            continue
        seen.add(id(function))
        for name in _feed(digest, function.__code__):
            value = function.__globals__.get(name)
            if isinstance(getattr(value, "py_func", value), FunctionType):
                queue.append(value)
            elif isinstance(value, EnumType):
                digest.update(f"{name}={list(value)!r};".encode())
            elif isinstance(value, int | float | str | tuple):
                digest.update(f"{name}={value!r};".encode())
            elif isinstance(value, ModuleType):
                queue.extend(vars(value).get(attribute) for attribute in function.__code__.co_names)
    return int.from_bytes(digest.digest()[:7], "big")


def _feed(digest: Any, code: CodeType) -> tuple[str, ...]:
    digest.update(code.co_code)
    for constant in code.co_consts:
        digest.update(b"code" if isinstance(constant, CodeType) else f"{constant!r};".encode())
    return code.co_names
