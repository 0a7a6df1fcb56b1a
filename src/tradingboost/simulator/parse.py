"""Requests into commands: text into ticks and lots, with the venue's tolerance (text, numbers, booleans, null)."""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from tradingboost.sim.commands import (
    UNCHANGED,
    Amend,
    AmendAlgo,
    AttachedAmend,
    Cancel,
    CancelAlgo,
    Place,
    PlaceAlgo,
)
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.rows import MARKET_PX, Attached
from tradingboost.sim.scale import parse as to_quanta
from tradingboost.sim.scale import to_units
from tradingboost.simulator.codes import message as sentence

Body = Mapping[str, Any]

_ORDER_TYPES: Final = {"market", "limit", "post_only", "ioc", "fok", "optimal_limit_ioc"}
_ALGO_TYPES: Final = {"conditional", "oco", "trigger", "move_order_stop"}
_TD_MODES: Final = {"cash", "cross", "isolated"}
_SOURCES: Final = {"": "last", "last": "last", "mark": "mark", "index": "index"}
_STP_MODES: Final = {"": "cancel_maker", "cancel_maker": "cancel_maker", "cancel_taker": "cancel_taker"} | {
    "cancel_both": "cancel_both"
}
_ORDER_ID: Final = re.compile(r"\d{1,19}")
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_known_units: Final = lru_cache(maxsize=16_384)(to_units)


class RowError(Exception):
    """One row of a request is refused; the rest of its batch goes on.

    Args:
        code: the row's sCode.
        message: replaces the code's usual sentence.
    """

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.message = sentence(code) if message is None else message


def text(body: Body, name: str) -> str:
    """A field as text; absent, null and empty are the same."""
    value = body.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    if isinstance(value, int):
        return str(value)
    raise RowError("51000", f"Parameter {name} error.")


def flag(body: Body, name: str) -> bool:
    return text(body, name).lower() == "true"


def required(body: Body, name: str) -> str:
    value = text(body, name)
    if not value:
        raise RowError("50014", f"Parameter {name} cannot be empty.")
    return value


def _one_of(body: Body, name: str, allowed: set[str]) -> Any:
    value = required(body, name)
    if value not in allowed:
        raise RowError("51000", f"Parameter {name} error.")
    return value


def _units(body: Body, name: str, unit_quanta: int, absent: int = 0) -> int:
    """Ticks or lots of a field; a number off the grid stays off the grid for the engine to refuse."""
    value = text(body, name)
    if not value:
        return absent
    if value.startswith("-"):
        raise RowError("51000", f"Parameter {name} error.")
    try:
        return _known_units(value, unit_quanta)
    except ValueError:
        raise RowError("51000", f"Parameter {name} error.") from None


def _child_px(body: Body, name: str, tick_q: int, absent: int = MARKET_PX) -> int:
    """The order price of a trigger: `-1` is a market order."""
    return MARKET_PX if text(body, name) in {"-1", "-1.0"} else _units(body, name, tick_q, absent)


def _source(body: Body, name: str) -> Any:
    value = _SOURCES.get(text(body, name))
    if value is None:
        raise RowError("51000", f"Parameter {name} error.")
    return value


def order_id(body: Body, name: str = "ordId") -> int:
    """A venue id, 0 when absent."""
    value = text(body, name)
    if not value:
        return 0
    if not _ORDER_ID.fullmatch(value):
        raise RowError("51000", f"Parameter {name} error.")
    return int(value)


def client_id(body: Body, name: str = "clOrdId") -> str:
    value = text(body, name)
    if value and not _CLIENT_ID.fullmatch(value):
        raise RowError("51000", f"Parameter {name} error.")
    return value


def _tag(body: Body) -> str:
    value = text(body, "tag")
    if len(value) > 16:
        raise RowError("51000", "Parameter tag error.")
    return value


def _pos_side(body: Body, instrument: Instrument) -> Any:
    value = text(body, "posSide")
    if value not in {"", "net", "long", "short"}:
        raise RowError("51000", "Parameter posSide error.")
    return "" if instrument.kind == "SPOT" else value


def place(body: Body, instrument: Instrument, uid: str) -> Place:
    """A Place without its time (`at_us` 0)."""
    side = _one_of(body, "side", {"buy", "sell"})
    kind = _one_of(body, "ordType", _ORDER_TYPES)
    size = required(body, "sz")
    currency = text(body, "tgtCcy")
    spot_market = instrument.kind == "SPOT" and kind == "market"
    by_quote = spot_market and (currency == "quote_ccy" or (side == "buy" and not currency))
    attached = _attachments(body, instrument)
    stp = _STP_MODES.get(text(body, "stpMode"))
    if stp is None:
        raise RowError("51000", "Parameter stpMode error.")
    return Place(
        at_us=0,
        uid=uid,
        inst_id=instrument.inst_id,
        td_mode=_one_of(body, "tdMode", _TD_MODES),
        side=side,
        ord_type=kind,
        lots=0 if by_quote else _units(body, "sz", instrument.lot_q),
        px=0 if kind in {"market", "optimal_limit_ioc"} else _units(body, "px", instrument.tick_q),
        pos_side=_pos_side(body, instrument),
        cl_ord_id=client_id(body),
        tag=_tag(body),
        reduce_only=flag(body, "reduceOnly") and instrument.kind != "SPOT",
        stp_mode=stp,
        tgt_ccy=("quote_ccy" if by_quote else "base_ccy") if spot_market else "",
        quote_quanta=_quanta(size, "sz") if by_quote else 0,
        attached=attached,
        ban_amend=flag(body, "banAmend"),
    )


def _quanta(value: str, name: str) -> int:
    try:
        quanta = to_quanta(value)
    except ValueError:
        raise RowError("51000", f"Parameter {name} error.") from None
    if quanta < 0:
        raise RowError("51000", f"Parameter {name} error.")
    return quanta


def _attachments(body: Body, instrument: Instrument) -> tuple[Attached, ...]:
    listed = body.get("attachAlgoOrds") or []
    if isinstance(listed, Mapping):
        listed = [listed]
    if not isinstance(listed, list):
        raise RowError("51000", "Parameter attachAlgoOrds error.")
    if not listed and (text(body, "tpTriggerPx") or text(body, "slTriggerPx")):
        listed = [body]  # the older form: the legs beside the order's own fields
    return tuple(_attached(one, instrument) for one in listed)


def _attached(body: Body, instrument: Instrument) -> Attached:
    tick = instrument.tick_q
    tp, sl = _units(body, "tpTriggerPx", tick), _units(body, "slTriggerPx", tick)
    ratio, spread = _callback(body, instrument)
    if not (tp or sl or ratio or spread):
        raise RowError("51000", "Parameter attachAlgoOrds error: a trigger price is missing.")
    return Attached(
        attach_algo_cl_ord_id=client_id(body, "attachAlgoClOrdId"),
        tp_trigger_px=tp,
        tp_ord_px=_child_px(body, "tpOrdPx", tick),
        tp_px_type=_source(body, "tpTriggerPxType"),
        sl_trigger_px=sl,
        sl_ord_px=_child_px(body, "slOrdPx", tick),
        sl_px_type=_source(body, "slTriggerPxType"),
        callback_ratio=ratio,
        callback_spread=spread,
        active_px=_units(body, "activePx", tick),
        lots=_units(body, "sz", instrument.lot_q) if "attachAlgoOrds" not in body else 0,
    )


def _callback(body: Body, instrument: Instrument) -> tuple[int, int]:
    """How a trailing order follows: (ratio, spread in ticks)."""
    ratio = _quanta(text(body, "callbackRatio") or "0", "callbackRatio")
    return ratio, _units(body, "callbackSpread", instrument.tick_q)


def amend(body: Body, instrument: Instrument, uid: str) -> Amend:
    """An Amend without its time."""
    tick = instrument.tick_q
    found, named = order_id(body), client_id(body)
    if not found and not named:
        raise RowError("51003")
    listed = body.get("attachAlgoOrds") or []
    if isinstance(listed, Mapping):
        listed = [listed]
    if not listed and any(text(body, f"new{leg}TriggerPx") or text(body, f"new{leg}OrdPx") for leg in ("Tp", "Sl")):
        listed = [body]  # the older form
    return Amend(
        at_us=0,
        uid=uid,
        inst_id=instrument.inst_id,
        ord_id=found,
        cl_ord_id=named,
        lots=_units(body, "newSz", instrument.lot_q, UNCHANGED),
        px=_units(body, "newPx", tick, UNCHANGED),
        cxl_on_fail=flag(body, "cxlOnFail"),
        req_id=text(body, "reqId"),
        attached=tuple(_attached_amend(one, instrument) for one in listed),
    )


def _attached_amend(body: Body, instrument: Instrument) -> AttachedAmend:
    tick = instrument.tick_q
    return AttachedAmend(
        attach_algo_id=order_id(body, "attachAlgoId"),
        attach_algo_cl_ord_id=client_id(body, "attachAlgoClOrdId"),
        tp_trigger_px=_units(body, "newTpTriggerPx", tick, UNCHANGED),
        tp_ord_px=_child_px(body, "newTpOrdPx", tick, UNCHANGED),
        sl_trigger_px=_units(body, "newSlTriggerPx", tick, UNCHANGED),
        sl_ord_px=_child_px(body, "newSlOrdPx", tick, UNCHANGED),
        lots=_units(body, "sz", instrument.lot_q, UNCHANGED),
    )


def cancel(body: Body, instrument: Instrument, uid: str) -> Cancel:
    """A Cancel without its time."""
    found, named = order_id(body), client_id(body)
    if not found and not named:
        raise RowError("51003")
    return Cancel(at_us=0, uid=uid, inst_id=instrument.inst_id, ord_id=found, cl_ord_id=named)


def place_algo(body: Body, instrument: Instrument, uid: str) -> PlaceAlgo:
    """A PlaceAlgo without its time."""
    kind = _one_of(body, "ordType", _ALGO_TYPES)
    whole = text(body, "closeFraction")
    if whole not in {"", "1"}:
        raise RowError("51000", "Parameter closeFraction error.")
    if not whole:
        required(body, "sz")
    tick = instrument.tick_q
    ratio, spread = _callback(body, instrument)
    return PlaceAlgo(
        at_us=0,
        uid=uid,
        inst_id=instrument.inst_id,
        td_mode=_one_of(body, "tdMode", _TD_MODES),
        side=_one_of(body, "side", {"buy", "sell"}),
        ord_type=kind,
        lots=0 if whole else _units(body, "sz", instrument.lot_q),
        close_fraction=bool(whole),
        pos_side=_pos_side(body, instrument),
        algo_cl_ord_id=client_id(body, "algoClOrdId") or client_id(body, "clOrdId"),
        tag=_tag(body),
        reduce_only=flag(body, "reduceOnly"),
        cxl_on_close_pos=flag(body, "cxlOnClosePos"),
        tp_trigger_px=_units(body, "tpTriggerPx", tick),
        tp_ord_px=_child_px(body, "tpOrdPx", tick),
        tp_px_type=_source(body, "tpTriggerPxType"),
        sl_trigger_px=_units(body, "slTriggerPx", tick),
        sl_ord_px=_child_px(body, "slOrdPx", tick),
        sl_px_type=_source(body, "slTriggerPxType"),
        trigger_px=_units(body, "triggerPx", tick),
        ord_px=_child_px(body, "orderPx" if text(body, "orderPx") else "ordPx", tick),
        px_type=_source(body, "triggerPxType"),
        advance_ord_type=text(body, "advanceOrdType"),
        callback_ratio=ratio,
        callback_spread=spread,
        active_px=_units(body, "activePx", tick),
        attached=_attachments(body, instrument) if "attachAlgoOrds" in body else (),
    )


def amend_algo(body: Body, instrument: Instrument, uid: str) -> AmendAlgo:
    """An AmendAlgo without its time."""
    tick = instrument.tick_q
    found, named = _algo_ids(body)
    ratio = text(body, "newCallbackRatio")
    return AmendAlgo(
        at_us=0,
        uid=uid,
        inst_id=instrument.inst_id,
        algo_id=found,
        algo_cl_ord_id=named,
        lots=_units(body, "newSz", instrument.lot_q, UNCHANGED),
        tp_trigger_px=_units(body, "newTpTriggerPx", tick, UNCHANGED),
        tp_ord_px=_child_px(body, "newTpOrdPx", tick, UNCHANGED),
        sl_trigger_px=_units(body, "newSlTriggerPx", tick, UNCHANGED),
        sl_ord_px=_child_px(body, "newSlOrdPx", tick, UNCHANGED),
        trigger_px=_units(body, "newTriggerPx", tick, UNCHANGED),
        ord_px=_child_px(body, "newOrdPx", tick, UNCHANGED),
        callback_ratio=_quanta(ratio, "newCallbackRatio") if ratio else UNCHANGED,
        callback_spread=_units(body, "newCallbackSpread", tick, UNCHANGED),
        active_px=_units(body, "newActivePx", tick, UNCHANGED),
        tp_px_type=_source(body, "newTpTriggerPxType") if text(body, "newTpTriggerPxType") else "",
        sl_px_type=_source(body, "newSlTriggerPxType") if text(body, "newSlTriggerPxType") else "",
        px_type=_source(body, "newTriggerPxType") if text(body, "newTriggerPxType") else "",
        cxl_on_fail=flag(body, "cxlOnFail"),
        req_id=text(body, "reqId"),
    )


def cancel_algo(body: Body, instrument: Instrument, uid: str) -> CancelAlgo:
    """A CancelAlgo without its time."""
    found, named = _algo_ids(body)
    return CancelAlgo(at_us=0, uid=uid, inst_id=instrument.inst_id, algo_id=found, algo_cl_ord_id=named)


def _algo_ids(body: Body) -> tuple[int, str]:
    found, named = order_id(body, "algoId"), client_id(body, "algoClOrdId") or client_id(body, "clOrdId")
    if not found and not named:
        raise RowError("50015", "Either algoId or algoClOrdId is required.")
    return found, named
