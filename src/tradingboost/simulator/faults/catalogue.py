"""Every action a rule can name: where it acts and which parameters it takes."""

from decimal import Decimal
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

_N: Final = Param("int", 2, 1, 1_000)
_CLOSE: Final = Param("int", 4004, 3000, 4999)

_WS: Final[dict[str, Action]] = {
    "ws.close": Action("state", "Connections are closed with a code.", {"code": _CLOSE, "after_ms": _AFTER}),
    "ws.abort": Action("state", "Connections break without a closing frame.", {"after_ms": _AFTER}),
    "ws.notice": Action(
        "state",
        "Notice 64008 of a service upgrade, and the connection closes a while later.",
        {"ms": Param("int", 60_000, 0, 86_400_000), "after_ms": _AFTER},
    ),
    "ws.no_pong": Action("link", "Pings stay unanswered."),
    "ws.no_op_reply": Action("link", "Order operations are carried out and not answered."),
    "ws.refuse_login": Action("link", "The login is refused.", {"code": Param("text", "60009")}),
    "ws.silence": Action("frame", "A channel falls silent, the connection lives.", {"channel": Param("text")}),
    "ws.lose": Action("frame", "Frames are lost.", {"p": Param("share", 10**12)}),
    "ws.duplicate": Action("frame", "A frame comes n times.", {"n": _N}),
    "ws.reorder": Action("frame", "A frame comes after the next one of its channel."),
    "ws.hold_and_burst": Action(
        "frame",
        "Frames are held back until there are n, or for some time, and come at once.",
        {"n": Param("int", 10, 1, 10_000), "ms": Param("int", 0, 0, 86_400_000)},
    ),
    "ws.stale_snapshot": Action("frame", "A new subscription gets the picture of the last time."),
    "ws.seq_gap": Action("frame", "Updates of an order book are missing; the numbers show it."),
    "candle.drop": Action("frame", "A closed bar is not told."),
    "candle.duplicate": Action("frame", "A closed bar is told n times.", {"n": _N}),
    "candle.reorder": Action("frame", "A closed bar is told after the next frame."),
    "candle.late": Action("frame", "A closed bar is told late.", {"ms": _MS}),
    "candle.stall": Action("frame", "No bar is told any more, the connection lives."),
}

_SZ: Final = Param("number", Decimal(0), 0, 10**9)

_ORDER: Final[dict[str, Action]] = {
    "push_before_ack": Action("order", "The private frames come before the answer."),
    "partial_fills": Action(
        "order", "An order fills in n pieces, at once or some market time apart.", {"n": _N, "every_ms": _AFTER}
    ),
    "late_fill": Action(
        "order", "A canceled order fills after its cancellation was acknowledged.", {"after_ms": _AFTER, "sz": _SZ}
    ),
    "fill_during.cancel": Action("order", "The order fills just before its cancellation.", {"sz": _SZ}),
    "fill_during.amend": Action("order", "The order fills just before its amendment.", {"sz": _SZ}),
    "trigger_no_fill": Action("order", "The order that a stop makes when it triggers never fills."),
    "reuse_trade_id": Action("order", "Fills of an order carry the trade number of the fill before."),
    "filled_without_fill": Action("order", "The push that ends an order as filled has no fill in it."),
    "repeat_push": Action("order", "A push of an order comes n times, each with a later time.", {"n": _N}),
}

_PRICE: Final = Param("text", "")
_STATE: Final[dict[str, Action]] = {
    "flip_pos_mode": Action("state", "The account's position mode is switched.", {"after_ms": _AFTER}),
    "delete_algo": Action(
        "state",
        "Waiting algos vanish, silently or told as canceled.",
        {"silent": Param("flag", default=True), "algoId": Param("text", ""), "after_ms": _AFTER},
    ),
    "revoke_key": Action("state", "The account's API keys are revoked.", {"after_ms": _AFTER}),
    "rate_ban": Action(
        "state",
        "Every request is answered 429, and 418 if they go on.",
        {"s": _S, "patience": Param("int", 5, 0, 10**6), "after_ms": _AFTER},
    ),
    "manual_order": Action(
        "state", "The user places an order by hand.", {"order": Param("fields"), "after_ms": _AFTER}
    ),
    "liquidate": Action("state", "The account is liquidated.", {"ccy": Param("text", "USDT"), "after_ms": _AFTER}),
    "adl": Action(
        "state",
        "A position is deleveraged.",
        {"posSide": Param("text", "", choices=("", "net", "long", "short")), "sz": _SZ, "after_ms": _AFTER},
    ),
    "fund": Action("state", "Funding is settled.", {"rate": Param("text", ""), "after_ms": _AFTER}),
    "price_gap": Action(
        "state",
        "The price jumps to px, or by so many basis points.",
        {"px": _PRICE, "bps": Param("int", 0, -9_999, 100_000), "after_ms": _AFTER},
    ),
    "delist": Action("state", "The instrument ends: orders canceled, positions settled.", {"after_ms": _AFTER}),
    "rename": Action("state", "The instrument gets another name.", {"to": Param("text"), "after_ms": _AFTER}),
    "change_ct_val": Action("state", "A contract is worth something else.", {"ctVal": Param("text")}),
    "suspend": Action("state", "The instrument takes no orders.", {"state": Param("text", "suspend")}),
    "empty_book": Action("state", "Nobody offers anything.", {"empty": Param("flag", default=True)}),
    "maintenance": Action(
        "state",
        "Every request is answered 50001, and the status channel tells.",
        {"s": _S, "in_s": Param("number", Decimal(0), 0, 864_000)},
    ),
    "clock_skew": Action("state", "The exchange's clock is wrong.", {"s": Param("number", None, -864_000, 864_000)}),
    "limit_scale": Action("state", "The request limits are other ones.", {"x": Param("number", None, 0, 1_000)}),
}

ACTIONS: Final[dict[str, Action]] = {**_REQUEST, **_READ, **_WS, **_ORDER, **_STATE}
"""Name (for groups with variants `group.x`) -> action."""
