"""What a run did, as small records of text and whole numbers that any driver of the same strategy can produce."""

from decimal import Decimal
from typing import Any, Final

import msgspec

from tradingboost.backtest.model import Scale
from tradingboost.backtest.records import END_SLOT, LIQUIDATION_SLOT, MAKER
from tradingboost.strategies.contract import SLOT_BASE, Family, FillKind, Kind, Reason, Type, reason_name, slot_name

_SIDES: Final = {1: "buy", -1: "sell"}
_NO_SLOT: Final = {LIQUIDATION_SLOT: "liquidation", END_SLOT: "backtest_end"}
_POSITION_SIDES: Final = {1: "long", -1: "short", 0: "net"}


class IntentLine(msgspec.Struct, frozen=True):
    """One wish. Prices and quantities are plain decimal text, "0" where the wish has none."""

    at_ms: int
    kind: str
    slot: str
    side: str
    position_side: str
    type: str
    qty: str
    price: str
    trigger: str
    reduce_only: bool
    reason: str


class FillLine(msgspec.Struct, frozen=True):
    """One fill; `fee` > 0 is charged, `position` is the signed quantity of the leg after it."""

    at_ms: int
    slot: str
    side: str
    position_side: str
    qty: str
    price: str
    fee: str
    liquidity: str
    reason: str
    position: str


class EndLine(msgspec.Struct, frozen=True):
    """An order that ended, was rejected or denied with `left` unfilled."""

    at_ms: int
    kind: str
    slot: str
    left: str


class PositionLine(msgspec.Struct, frozen=True):
    """A leg at the end of the run; `cost` is quantity x price summed over what is held, in venue units x quote."""

    position_side: str
    qty: str
    cost: str


class Trace(msgspec.Struct, frozen=True):
    """Everything two drivers of one run must agree on, each list in its own order."""

    intents: list[IntentLine] = []
    fills: list[FillLine] = []
    ends: list[EndLine] = []
    positions: list[PositionLine] = []


def plain(value: Decimal) -> str:
    """Decimal text without exponent and without trailing zeros."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def plain_float(value: float) -> str:
    """A canonical float as the decimal it stands for."""
    return plain(Decimal(repr(float(value))))


def name_of(slot: int) -> str:
    """A slot's name; a liquidation and the close at the end belong to no slot."""
    return _NO_SLOT.get(slot) or slot_name(slot)


def reason_of(slot: int, reason: int) -> str:
    """The word for why a fill happened."""
    return _NO_SLOT.get(slot) or reason_name(reason)


def exit_word(slot: int, reason: int) -> str:
    """Why a deal ended, in the words of a report: a take-profit by its level, all else by its reason."""
    if slot >= 0 and slot // SLOT_BASE == Family.TP:
        return f"tp{slot % SLOT_BASE}"
    return reason_of(slot, reason)


def intent_line(row: Any) -> IntentLine:
    """An INTENT row with its time."""
    return IntentLine(
        at_ms=int(row["ts_ms"]),
        kind=Kind(row["kind"]).name.lower(),
        slot=slot_name(int(row["slot"])),
        side=_SIDES[int(row["side"])],
        position_side=_POSITION_SIDES[int(row["position_side"])],
        type=Type(row["type"]).name.lower() if row["type"] else "",
        qty=plain_float(row["qty"]),
        price=plain_float(row["price"]),
        trigger=plain_float(row["trigger"]),
        reduce_only=bool(row["reduce_only"]),
        reason=Reason(row["reason"]).name.lower(),
    )


def fill_line(row: Any, scale: Scale) -> FillLine:
    """A REPORT row of a fill."""
    slot = int(row["slot"])
    return FillLine(
        at_ms=int(row["ts_ms"]),
        slot=name_of(slot),
        side=_SIDES[int(row["side"])],
        position_side=_POSITION_SIDES[int(row["position_side"])],
        qty=plain(scale.qty(row["lots"])),
        price=plain(scale.price(row["price"])),
        fee=plain(scale.amount(row["fee"])),
        liquidity="maker" if row["liquidity"] == MAKER else "taker",
        reason=reason_of(slot, int(row["reason"])),
        position=plain(scale.qty(row["leg_lots"])),
    )


def end_line(row: Any, scale: Scale) -> EndLine:
    """A REPORT row of an order's end."""
    return EndLine(
        at_ms=int(row["ts_ms"]),
        kind=FillKind(row["kind"]).name.lower(),
        slot=name_of(int(row["slot"])),
        left=plain(scale.qty(row["left"])),
    )


def position_lines(desk: Any, scale: Scale) -> list[PositionLine]:
    """The legs that are open."""
    names = ("net", "net") if desk["net"] else ("long", "short")
    return [
        PositionLine(name, plain(scale.qty(lots)), plain(int(cost) * scale.tick * scale.lot))
        for name, lots, cost in zip(names, desk["lots"], desk["cost"], strict=True)
        if lots
    ]
