"""How Binance, Bitget, Bybit and Upbit answer: what a write's answer says, and where the data of a read lies.

Their tables of codes stand here too. A code is definite only with a recorded payload, named beside it and kept in
`tests/data/answers`; what the vendors document is listed as expected and counts as unknown until then.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from tradingboost.shared.interfaces.exchange import OutcomeClass
from tradingboost.venues.outcome import Asked, Codes, Said

_REFUSED: Final = OutcomeClass.REFUSED


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's manner of answering.

    Args:
        code: of a parsed answer that refuses, "" where it does not refuse.
        data: of a parsed answer that does not.
        absent: codes that say "there is no such order".
        auth: codes that say the keys are not accepted.
    """

    codes: Codes
    code: Callable[[Any], str]
    data: Callable[[Any], Any]
    absent: frozenset[str]
    auth: frozenset[str]


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(answer: Any) -> Any:
    return answer


def _said(yes: bool, code: str, message: str, row: Mapping[str, Any], *names: str) -> Said:
    """A row's venue id and echo; `names` are the fields of both."""
    venue, client = names
    return Said(
        yes=yes,
        code="" if yes else code,
        message=message,
        venue_id=str(row.get(venue) or ""),
        echoes=(str(row.get(client) or ""),),
    )


def _binance_code(answer: Any) -> str:
    """Refusals have a negative code; a stop that was cancelled says 200."""
    code = str(_dict(answer).get("code") or "")
    return code if code.startswith("-") else ""


def binance_said(answer: Any, asked: Asked) -> Said | None:
    """A bare order, or a negative code."""
    row = _dict(answer)
    code = _binance_code(answer)
    names = ("algoId", "clientAlgoId") if asked.algo else ("orderId", "clientOrderId")
    if not row or not (code or row.get(names[0])):
        return None
    return _said(not code, code, str(row.get("msg") or ""), row, *names)


def _bitget_code(answer: Any) -> str:
    code = str(_dict(answer).get("code") or "missing")
    return "" if code == "00000" else code


def bitget_said(answer: Any, _asked: Asked) -> Said | None:
    """A code on top; plans that were cancelled are listed, those that were not as well."""
    if "code" not in _dict(answer):
        return None
    code, data = _bitget_code(answer), _dict(answer.get("data"))
    done = data.get("successList")
    row = _dict(done[0]) if isinstance(done, list) and done else ({} if "successList" in data else data)
    return _said(not code and bool(row), code, str(answer.get("msg") or ""), row, "orderId", "clientOid")


def _bybit_code(answer: Any) -> str:
    code = str(_dict(answer).get("retCode", "missing"))
    return "" if code == "0" else code


def bybit_said(answer: Any, _asked: Asked) -> Said | None:
    """A code on top, the ids below."""
    if "retCode" not in _dict(answer):
        return None
    code, row = _bybit_code(answer), _dict(answer.get("result"))
    return _said(not code and bool(row), code, str(answer.get("retMsg") or ""), row, "orderId", "orderLinkId")


def _upbit_code(answer: Any) -> str:
    error = _dict(_dict(answer).get("error"))
    return str(error.get("name") or "missing") if "error" in _dict(answer) else ""


def upbit_said(answer: Any, _asked: Asked) -> Said | None:
    """A bare order, or an error with a name."""
    row = _dict(answer)
    if not ("uuid" in row or "error" in row):
        return None
    code = _upbit_code(answer)
    return _said(not code, code, str(_dict(row.get("error")).get("message") or ""), row, "uuid", "identifier")


def _expected(**kinds: str) -> dict[str, OutcomeClass]:
    return {code: OutcomeClass(kind) for kind, codes in kinds.items() for code in codes.split()}


BINANCE: Final = Manner(
    codes=Codes(
        read=binance_said,
        common={"-2019": _REFUSED},  # ccxt/ccxt issue 7542
        of={},
        duplicate=frozenset({"-4116"}),
        expected=_expected(
            refused="-1013 -1102 -1106 -1111 -1116 -2010 -2018 -2021 -2022 -2027 -4003 -4014 -4061 -4164 -5022",
            rate="-1003 -1008 -1015",
            clock="-1021",
            auth="-1022 -2014 -2015",
            unknown="-1000 -1001 -1006 -1007 -4116",
            gone="-2011 -2013",
        ),
    ),
    code=_binance_code,
    data=_whole,
    absent=frozenset({"-2013"}),
    auth=frozenset({"-1022", "-2014", "-2015"}),
)

BITGET: Final = Manner(
    codes=Codes(
        read=bitget_said,
        common={},
        of={},
        duplicate=frozenset({"40786"}),
        expected=_expected(
            refused="40017 40762 40774 40808 43011 43012 45110",
            clock="40008",
            auth="40001 40006 40009 40018 40037",
            unknown="40010 40015 40200 40725 45001 40786",
            gone="40768 43001",
        ),
    ),
    code=_bitget_code,
    data=lambda answer: answer["data"],
    absent=frozenset({"40109", "40768", "43001"}),
    auth=frozenset({"40001", "40006", "40009", "40011", "40012", "40014", "40018", "40037"}),
)

BYBIT: Final = Manner(
    codes=Codes(
        read=bybit_said,
        common={"110003": _REFUSED},  # ccxt/ccxt issue 20967
        of={},
        duplicate=frozenset({"110072"}),
        expected=_expected(
            refused="10001 110004 110007 110012 110017 110094 170131",
            rate="10006 10018",
            clock="10002",
            auth="10003 10004 10005 10010",
            unknown="10000 10016 3400214 110072",
            gone="110001",
        ),
    ),
    code=_bybit_code,
    data=lambda answer: answer["result"],
    absent=frozenset({"110001"}),
    auth=frozenset({"10003", "10004", "10005", "10010"}),
)

UPBIT: Final = Manner(
    codes=Codes(
        read=upbit_said,
        common={},
        of={},
        duplicate=frozenset(),
        yes=(200, 201),
        expected=_expected(
            refused="insufficient_funds_* under_min_total_* invalid_price_* invalid_volume_* create_*_error",
            auth="jwt_verification invalid_access_key expired_access_key out_of_scope no_authorization_ip",
            gone="order_not_found",
        ),
    ),
    code=_upbit_code,
    data=_whole,
    absent=frozenset({"order_not_found"}),
    auth=frozenset({"jwt_verification", "invalid_access_key", "expired_access_key", "no_authorization_ip"}),
)

MANNERS: Final = {"binance": BINANCE, "bitget": BITGET, "bybit": BYBIT, "upbit": UPBIT}
ALREADY_SO: Final = frozenset({"-4046", "-4059", "110025", "110026", "110043", "22001"})
"""A setting that is as asked, or nothing to cancel where everything was to be: a success."""
