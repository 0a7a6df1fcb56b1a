"""JSON into a rule: everything is checked here, in sentences that say what to do."""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, Final

from msgspec.structs import replace

from tradingboost.core.errors import InvalidInput
from tradingboost.simulator.channels import CHANNELS, PATHS
from tradingboost.simulator.faults.catalogue import ACTIONS, Action, Param
from tradingboost.simulator.faults.rules import SURE, Match, Rule, When
from tradingboost.simulator.rest import ROUTES
from tradingboost.simulator.ws import OPERATIONS

_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
_SHORT: Final = re.compile(r"\s*([a-z_]+)\s*(?:\((.*)\))?\s*", re.DOTALL)
_MATCH: Final = {
    "account": "account",
    "path": "path",
    "op": "op",
    "channel": "channel",
    "push": "push",
    "endpoint": "endpoint",
    "instId": "inst",
    "side": "side",
    "ordType": "ord_type",
}
_PREFIX: Final = "/api/v5/"
_ORD_TYPES: Final = (
    *("market", "limit", "post_only", "ioc", "fok", "optimal_limit_ioc"),
    *("conditional", "oco", "trigger", "move_order_stop"),
)
_ROUTE_NAMES: Final = frozenset(path.removeprefix(_PREFIX) for _, path in ROUTES)
_ROUTE_CALLS: Final = frozenset(f"{method} {path.removeprefix(_PREFIX)}" for method, path in ROUTES)
_OPS: Final = frozenset({*OPERATIONS, "login", "subscribe", "unsubscribe"})


def rule_of(value: object, free_id: Callable[[], str]) -> Rule:
    """The rule of a request's JSON.

    Args:
        free_id: makes an id when none is given.

    Raises:
        InvalidInput: `bad_fault`, with the place and what is allowed there.
    """
    body = _object(value, "The rule", ("id", "match", "when", "action"))
    if "action" not in body:
        raise _bad('A rule needs an action, for example {"action": {"name": "delay", "ms": 500}}.')
    name, values = _action(body["action"])
    named = body.get("id")
    if named is not None and (not isinstance(named, str) or not _ID.fullmatch(named)):
        raise _bad("The id of a rule is 1 to 40 letters, digits and _ . : -; leave it away to be given one.")
    match = _match(body.get("match", {}))
    when = _when(body.get("when", {}))
    match, when = _folded(name, values, match, when)
    _agree(name, match)
    if name == "reject" and not (values["code"] or values["sCode"]):
        raise _bad("reject needs a code (the whole request) or an sCode (every row).")
    return Rule(id=named or free_id(), action=name, values=values, match=match, when=when)


def _bad(sentence: str, **details: str) -> InvalidInput:
    return InvalidInput("bad_fault", sentence, **details)


def near(wanted: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?`, or the list of what there is."""
    names = sorted(known)
    found = get_close_matches(wanted, names, n=1, cutoff=0.6)
    return f"did you mean {found[0]!r}?" if found else f"choose one of {', '.join(names)}."


def _object(value: object, what: str, keys: Iterable[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _bad(f"{what} must be a JSON object.")
    known = tuple(keys)
    for key in value:
        if key not in known:
            raise _bad(f"{what} has no field {key!r}; {near(str(key), known)}")
    return value


def _action(value: object) -> tuple[str, dict[str, Any]]:
    if isinstance(value, str):
        value = _spelled_out(value)
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise _bad('The action must be an object with a name, or a text such as "accept_then(drop)".')
    given = dict(value)
    name = str(given.pop("name"))
    groups = {key.partition(".")[0] for key in ACTIONS if "." in key}
    if name in groups:
        variants = [key.partition(".")[2] for key in ACTIONS if key.startswith(f"{name}.")]
        variant = given.pop("x", None)
        if variant not in variants:
            raise _bad(f"{name}({variant}) is no fault; {near(str(variant), variants)}")
        name = f"{name}.{variant}"
    found = ACTIONS.get(name)
    if found is None:
        raise _bad(f"There is no fault {name!r}; {near(name, {key.partition('.')[0] for key in ACTIONS})}")
    return name, _values(name, found, given)


def _spelled_out(text: str) -> dict[str, Any]:
    """`partial_fills(7)` as the object it stands for; values go to the parameters in their order."""
    parts = _SHORT.fullmatch(text)
    if parts is None:
        raise _bad(f"The action {text!r} cannot be read; write name, or name(value, value).")
    name, inner = parts[1], parts[2]
    values = [one.strip() for one in inner.split(",")] if inner and inner.strip() else []
    body: dict[str, Any] = {"name": name}
    key = name
    if values and f"{name}.{values[0]}" in ACTIONS:
        body["x"] = values[0]
        key = f"{name}.{values.pop(0)}"
    elif values and key not in ACTIONS:
        body["x"] = values.pop(0)
    order = list(ACTIONS[key].params) if key in ACTIONS else []
    if len(values) > len(order):
        raise _bad(f"{text!r} has more values than {name} takes ({', '.join(order) or 'none'}).")
    return body | dict(zip(order, values, strict=False))


def _values(name: str, action: Action, given: dict[str, Any]) -> dict[str, Any]:
    shown = name.replace(".", "(") + (")" if "." in name else "")
    for key in given:
        if key not in action.params:
            has = near(str(key), action.params) if action.params else "it takes none."
            raise _bad(f"{shown} has no parameter {key!r}; {has}")
    values: dict[str, Any] = {}
    for key, param in action.params.items():
        if key not in given and param.default is None:
            raise _bad(f"{shown} needs {key}.")
        values[key] = _value(f"{key} of {shown}", param, given[key]) if key in given else param.default
    return values


def _value(what: str, param: Param, value: object) -> Any:
    match param.kind:
        case "text":
            text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
            if param.choices and text not in param.choices:
                raise _bad(f"{what} cannot be {value!r}; {near(text, param.choices)}")
            if not text and param.default is None:
                raise _bad(f"{what} must be a text.")
            return text
        case "flag":
            if str(value).lower() not in ("true", "false"):
                raise _bad(f"{what} is true or false.")
            return str(value).lower() == "true"
        case "share":
            return _share(what, value)
        case "number":
            return _number(what, value, param)
        case "numbers":
            rows = value if isinstance(value, list) else str(value).split()
            return [_whole(what, one, param) for one in rows]
        case "fields":
            if not isinstance(value, Mapping):
                raise _bad(f"{what} must be an object.")
            return {str(key): one for key, one in value.items()}
    return _whole(what, value, param)


def _decimal(what: str, value: object) -> Decimal:
    try:
        found = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise _bad(f"{what} must be a number.")
    return found


def _number(what: str, value: object, param: Param) -> Decimal:
    found = _decimal(what, value)
    if not param.low <= found <= param.high:
        raise _bad(f"{what} lies between {param.low} and {param.high}.")
    return found


def _whole(what: str, value: object, param: Param) -> int:
    found = _number(what, value, param)
    if found != int(found):
        raise _bad(f"{what} must be a whole number.")
    return int(found)


def _share(what: str, value: object) -> int:
    found = _decimal(what, value)
    if not 0 <= found <= 1:
        raise _bad(f"{what} is a probability between 0 and 1.")
    return int(found * SURE)


def _match(value: object) -> Match:
    body = _object(value, "match", _MATCH)
    texts = {}
    for key, one in body.items():
        if not isinstance(one, str) or not one:
            raise _bad(f"match.{key} must be a text.")
        texts[_MATCH[key]] = one
    if "path" in texts:
        texts["path"] = path_of(texts["path"])
    for key, known in (("op", _OPS), ("endpoint", PATHS), ("side", ("buy", "sell")), ("ord_type", _ORD_TYPES)):
        if texts.get(key, known) is not known and texts[key] not in known:
            raise _bad(f"match knows no {key} {texts[key]!r}; {near(texts[key], known)}")
    for key in ("channel", "push"):
        if key in texts:
            _known_channel(texts[key])
    if "path" in texts and {"op", "channel", "push", "endpoint"} & texts.keys():
        raise _bad("A rule is about a REST path or about a WebSocket, not both; make two rules.")
    return Match(**texts)


def _known_channel(name: str) -> None:
    group = name.endswith("*")
    fits = any(one.startswith(name[:-1]) for one in CHANNELS) if group else name in CHANNELS
    if not fits:
        raise _bad(f"There is no channel {name!r}; {near(name, CHANNELS)}")


def path_of(text: str) -> str:
    """A route as rules name it.

    Raises:
        InvalidInput: no such route.
    """
    method, space, rest = text.partition(" ")
    if not space:
        method, rest = "", text
    name = rest.strip().removeprefix(_PREFIX).removeprefix("/")
    asked = f"{method} {name}" if method else name
    known = _ROUTE_CALLS if method else _ROUTE_NAMES
    fits = any(one.startswith(asked[:-1]) for one in known) if asked.endswith("*") else asked in known
    if not fits:
        raise _bad(f"There is no path {asked!r}; {near(asked, known)}")
    return asked


def _when(value: object) -> When:
    body = _object(value, "when", When.__struct_fields__)
    given: dict[str, Any] = {}
    for key, one in body.items():
        low = 0 if key.endswith("_ms") else 1
        given[key] = _share("when.p", one) if key == "p" else _whole(f"when.{key}", one, Param(low=low, high=10**15))
    if {"nth", "every"} <= given.keys():
        raise _bad("when takes nth (one match) or every (each k-th), not both.")
    if given.get("from_ms", 0) > given.get("to_ms", 10**15):
        raise _bad("when.from_ms lies after when.to_ms.")
    return When(**given)


def _folded(name: str, values: dict[str, Any], match: Match, when: When) -> tuple[Match, When]:
    """Parameters that say which requests or frames are meant go into match and when."""
    if name == "fail_only":
        if match.path:
            raise _bad("fail_only names its path itself; leave match.path away.")
        return replace(match, path=path_of(values["path"])), when
    if name == "ws.silence":
        _known_channel(values["channel"])
        return replace(match, push=values["channel"]), when
    if name == "ws.lose" and values["p"] < SURE:
        if when.p is not None:
            raise _bad("lose has its probability itself; leave when.p away.")
        return match, replace(when, p=values["p"])
    if name.startswith("candle.") and not (match.push or match.channel):
        return replace(match, push="candle*"), when
    if name == "ws.seq_gap" and not (match.push or match.channel):
        return replace(match, push="books*"), when
    return match, when


def _agree(name: str, match: Match) -> None:
    """Refuse a rule that could never act."""
    hook = ACTIONS[name].hook
    if hook in ("frame", "link") and match.path:
        raise _bad(f"{name} is about WebSockets and cannot match a REST path; use channel, push, op or endpoint.")
    if hook == "read" and (match.op or match.channel or match.push or match.endpoint):
        raise _bad(f"{name} is about REST queries and cannot match a WebSocket.")
    if hook in ("request", "order") and match.op and match.op not in OPERATIONS:
        raise _bad(f"{name} is about orders and {match.op} is none; {near(match.op, OPERATIONS)}")
    if hook in ("request", "order") and (match.channel or match.push):
        raise _bad(f"{name} is about requests and cannot match a channel; use path or op.")
