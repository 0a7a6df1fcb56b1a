"""Every action a rule can name: where it acts and which parameters it takes."""

from typing import Any, Final, Literal

import msgspec

Hook = Literal["request", "read", "order", "link", "frame", "state"]
Kind = Literal["text", "int", "number", "share", "flag", "numbers", "fields"]


class Param(msgspec.Struct, frozen=True):
    """One parameter of an action. `default` None = must be given."""

    kind: Kind = "int"
    default: Any = None
    low: int = 0
    high: int = 10**9
    choices: tuple[str, ...] = ()


class Action(msgspec.Struct, frozen=True):
    """What an action does, in a sentence, where it is asked, and its parameters in the order of the short form."""

    hook: Hook
    says: str
    params: dict[str, Param] = {}


_CODE: Final = Param("text", "")
_MS: Final = Param("int", None, 0, 86_400_000)
_S: Final = Param("number", None, 0, 864_000)
_HTTP: Final = Param("int", 500, 400, 599)
_AFTER: Final = Param("int", 0, 0, 86_400_000)
_INST: Final = Param("text")

LOST: Final = ("drop", "reset", "cut", "truncate", "empty", "5xx", "50004", "51149", "51054", "50026", "delay")
"""How the reply of an accepted request is lost."""

_REQUEST: Final[dict[str, Action]] = {
    "delay": Action("request", "The request reaches the exchange late.", {"ms": _MS}),
    "reject": Action(
        "request",
        "The exchange refuses, and nothing happens: a top-level code, or every row with an sCode.",
        {"code": _CODE, "sCode": _CODE, "status": Param("int", 0, 0, 599)},
    ),
    "http": Action(
        "request",
        "A proxy before the exchange answers; nothing happens.",
        {"status": _HTTP, "body": Param("text", "html", choices=("html", "empty"))},
    ),
    "drop_before_accept": Action(
        "request",
        "The request is lost on its way: silence, or a connection reset; nothing happens.",
        {"how": Param("text", "silence", choices=("silence", "reset"))},
    ),
    "refuse_connection": Action(
        "request",
        "The trading ports are closed for a while: connections break, new ones are refused; nothing happens.",
        {"ms": Param("int", 1_000, 1, 86_400_000)},
    ),
    "batch_partial": Action(
        "request",
        "The named items of a batch (from 0) fail with an sCode, the others are carried out.",
        {"items": Param("numbers"), "sCode": Param("text", "50026")},
    ),
    "bad_echo": Action(
        "request",
        "Carried out, but the reply names a foreign clOrdId or no ordId.",
        {"kind": Param("text", "foreign", choices=("foreign", "no_id"))},
    ),
    "accept_then": Action(
        "request",
        "Carried out, and the reply is lost or unreadable.",
        {"x": Param("text", choices=LOST), "status": Param("int", 502, 500, 599), "ms": Param("int", 30_000, 0)},
    ),
    "fail_only": Action(
        "request",
        "One path fails while the rest works.",
        {"path": Param("text"), "status": _HTTP},
    ),
}

_READ: Final[dict[str, Action]] = {
    "index_lag": Action("read", "Orders, algos and fills younger than this are unknown to every query.", {"s": _S}),
    "list_lag": Action("read", "Lists leave out what is younger; a query by id finds it.", {"s": _S}),
    "zero_row_first": Action("read", "The positions list begins with a row of size 0."),
}

ACTIONS: Final[dict[str, Action]] = {**_REQUEST, **_READ}
"""Name (for groups with variants `group.x`) -> action."""
