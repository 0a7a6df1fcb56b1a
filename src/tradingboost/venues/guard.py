"""What is mixed into every class of the client library, where we must look inside.

Only addresses we use can be signed (no withdrawal, no transfer), what leaves is compared with what we meant, status and
body of each answer are kept with the call they belong to, and instances share what none of them changes.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl

import msgspec

from tradingboost.core.errors import BrokenInvariant, Refused
from tradingboost.venues.evidence import CALL, Step

_ADDED: Final = frozenset({"timestamp", "recvWindow", "signature"})
"""What signing adds to what is said in an address or a form."""


_UNCHANGING: Final = (
    "api",
    "exceptions",
    "httpExceptions",
    "features",
    "has",
    "ecdsaCurves",
    "ecdsaPrehashedAlgorithms",
)
_shared: Final[dict[tuple[type, str], Any]] = {}


class Lean:
    """A quarter of a megabyte of tables an instance makes for itself, kept once for all instances of a class."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in _UNCHANGING:
            own = getattr(self, name)
            known = _shared.setdefault((type(self), name), own)
            if known == own:
                setattr(self, name, known)


class Guard(Lean):
    """Requests of one account, or of the public."""

    PATHS: ClassVar[frozenset[str]] = frozenset()

    def sign(self, path: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if path not in self.PATHS:
            raise Refused("path_forbidden", "This address of the venue is never called.", path=path)
        signed: dict[str, Any] = super().sign(path, *args, **kwargs)  # type: ignore[misc]
        call = CALL.get()
        if call is not None and call.expected is not None and not same(signed, call.expected):
            raise BrokenInvariant(
                "request_changed", "The client library changed an order on its way; nothing was sent.", path=path
            )
        return signed

    def on_rest_response(self, code: int, *args: Any) -> Any:
        answer = super().on_rest_response(code, *args)  # type: ignore[misc]
        call = CALL.get()
        if call is not None:
            call.status, call.body, call.step = code, str(args[4]), Step.ANSWERED
        return answer


def same(signed: Mapping[str, Any], expected: Any) -> bool:
    """Whether what leaves says what was meant, and nothing else."""
    said = leaving(signed)
    if isinstance(said, dict) and not _is_json(signed):
        return said == {name: str(value) for name, value in expected.items()}
    return bool(said == expected)


def leaving(signed: Mapping[str, Any]) -> Any:
    """What a signed request says: its JSON, or its form or query without what signing added."""
    if _is_json(signed):
        return msgspec.json.decode(signed["body"])
    query = signed["body"] or signed["url"].partition("?")[2]
    return {name: value for name, value in parse_qsl(query, keep_blank_values=True) if name not in _ADDED}


def _is_json(signed: Mapping[str, Any]) -> bool:
    return str(signed["body"] or "")[:1] in ("{", "[")
