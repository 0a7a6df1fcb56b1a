"""Raw OKX rows (text) into the platform's nouns. Amounts never pass through a float."""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Final

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Symbol, Venue, VenueOrderId
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.core.money import ZERO
from tradingboost.core.order import Fill, OrderType, Phase, PositionSide, Side, VenueReport
from tradingboost.shared.interfaces.exchange import Balance, Bill, Identity, VenuePosition
from tradingboost.venues import fields
from tradingboost.venues.base import Owner
from tradingboost.venues.fields import Row, amount, client, moment, price, true

VENUE: Final = Venue("okx")

_TYPES: Final = {
    "market": OrderType.MARKET,
    "optimal_limit_ioc": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "ioc": OrderType.LIMIT,
    "fok": OrderType.LIMIT,
    "post_only": OrderType.POST_ONLY,
}
_ORDER_PHASES: Final = {
    "live": Phase.LIVE,
    "partially_filled": Phase.LIVE,
    "filled": Phase.ENDED,
    "canceled": Phase.ENDED,
    "mmp_canceled": Phase.ENDED,
}
_ALGO_PHASES: Final = {
    "live": Phase.LIVE,
    "pause": Phase.LIVE,
    "effective": Phase.TRIGGERED,
    "partially_effective": Phase.TRIGGERED,
    "canceled": Phase.ENDED,
    "order_failed": Phase.REJECTED,
    "partially_failed": Phase.REJECTED,
}
_MODES: Final = {"net_mode": "net", "long_short_mode": "hedge"}
_LEVELS: Final = {"1": "spot", "2": "futures", "3": "multi_currency", "4": "portfolio"}
_BILL_KINDS: Final = {"1": "transfer", "2": "trade", "5": "liquidation", "8": "funding"}
BARS: Final = {
    Timeframe.M1: "1m",
    Timeframe.M3: "3m",
    Timeframe.M5: "5m",
    Timeframe.M15: "15m",
    Timeframe.M30: "30m",
    Timeframe.H1: "1H",
    Timeframe.H2: "2H",
    Timeframe.H4: "4H",
    Timeframe.D1: "1Dutc",  # the plain name is a UTC+8 day
}
_RULES: Final = ("ctVal", "ctMult", "tickSz", "lotSz", "minSz", "maxLmtSz", "maxMktSz", "maxStopSz", "lever", "state")


def _side_of_position(row: Row) -> PositionSide | None:
    """None in net mode: which leg is meant is known by our own order."""
    name = row.get("posSide")
    return PositionSide(name) if name in ("long", "short") else None


def order_report(row: Row, owner: Owner) -> VenueReport:
    """An order of the lists or of the orders channel.

    The child of a stop echoes the stop's client id; it gets none of its own, and names its parent.
    """
    stop = row.get("algoId") or None
    parent_id = (row.get("algoClOrdId") or None) if stop else None
    return VenueReport(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["instId"]),
        venue_order_id=VenueOrderId(row["ordId"]),
        client_order_id=None if stop else client(row.get("clOrdId")),
        is_algo=False,
        phase=_ORDER_PHASES[row["state"]],
        side=Side(row["side"]),
        position_side=_side_of_position(row),
        type=_TYPES[row["ordType"]],
        qty=amount(row, "accFillSz" if row.get("tgtCcy") == "quote_ccy" else "sz"),
        price=price(row, "px"),
        trigger=None,
        reduce_only=true(row, "reduceOnly"),
        cum_filled=amount(row, "accFillSz"),
        created_at=moment(row["cTime"]),
        updated_at=moment(row["uTime"]),
        parent_venue_order_id=VenueOrderId(stop) if stop else None,
        parent_client_order_id=client(parent_id),
        reason=" ".join(part for part in (row.get("cancelSource"), row.get("cancelSourceReason")) if part),
    )


def algo_report(row: Row, owner: Owner) -> VenueReport:
    """A stop of the lists or of the orders-algo channel."""
    return VenueReport(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["instId"]),
        venue_order_id=VenueOrderId(row["algoId"]),
        client_order_id=client(row.get("algoClOrdId")),
        is_algo=True,
        phase=_ALGO_PHASES[row["state"]],
        side=Side(row["side"]),
        position_side=_side_of_position(row),
        type=OrderType.TAKE if price(row, "tpTriggerPx") and not price(row, "slTriggerPx") else OrderType.STOP,
        qty=amount(row, "sz"),
        price=price(row, "slOrdPx", "ordPx", "tpOrdPx"),
        trigger=price(row, "slTriggerPx", "triggerPx", "tpTriggerPx", "moveTriggerPx"),
        reduce_only=true(row, "reduceOnly"),
        cum_filled=ZERO,
        created_at=moment(row["cTime"]),
        updated_at=moment(row["uTime"]),
        reason=row.get("failCode") or "",
    )


def pushed_fill(row: Row, owner: Owner) -> Fill | None:
    """The match an orders push tells of, or None when it tells of none."""
    if not row.get("tradeId") or amount(row, "fillSz") <= 0:
        return None
    return Fill(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["instId"]),
        venue_order_id=VenueOrderId(row["ordId"]),
        trade_id=str(row["tradeId"]),
        client_order_id=None if row.get("algoId") else client(row.get("clOrdId")),
        side=Side(row["side"]),
        qty=Decimal(row["fillSz"]),
        price=Decimal(row["fillPx"]),
        fee=amount(row, "fillFee"),
        fee_currency=row.get("fillFeeCcy") or row.get("feeCcy") or "",
        is_maker=row.get("execType") == "M",
        at=moment(row["fillTime"]),
        pnl=amount(row, "fillPnl"),
        last=price(row, "lastPx"),
    )


def listed_fill(row: Row, owner: Owner) -> Fill:
    """A match of the fills lists."""
    return Fill(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["instId"]),
        venue_order_id=VenueOrderId(row["ordId"]),
        trade_id=str(row["tradeId"]),
        client_order_id=client(row.get("clOrdId")),
        side=Side(row["side"]),
        qty=Decimal(row["fillSz"]),
        price=Decimal(row["fillPx"]),
        fee=amount(row, "fee"),
        fee_currency=row.get("feeCcy") or "",
        is_maker=row.get("execType") == "M",
        at=moment(row.get("fillTime") or row["ts"]),
        pnl=amount(row, "fillPnl"),
    )


def identity(row: Row, clock_offset_ms: int) -> Identity:
    """Who account/config says we are.

    Raises:
        InvalidInput: `unknown_account_mode`; nothing is traded in a mode nobody has tried.
    """
    mode, level = _MODES.get(row["posMode"]), _LEVELS.get(str(row["acctLv"]))
    if mode is None or level is None:
        message = "The account is in a mode the platform does not know; change it at the venue."
        raise InvalidInput("unknown_account_mode", message, position_mode=row["posMode"], level=row["acctLv"])
    return Identity(
        exchange_uid=str(row["uid"]),
        position_mode=mode,
        account_level=level,
        permissions=tuple(part for part in str(row.get("perm") or "").split(",") if part),
        clock_offset_ms=clock_offset_ms,
        ip_bound=bool(row["ip"]) if "ip" in row else None,
    )


def position(row: Row) -> VenuePosition | None:
    """A leg; None when it is flat. Its sign says the direction, in hedge mode too."""
    qty = amount(row, "pos")
    if qty == 0:
        return None
    side = _side_of_position(row) or (PositionSide.LONG if qty > 0 else PositionSide.SHORT)
    return VenuePosition(
        symbol=Symbol(row["instId"]),
        position_side=side,
        qty=side.sign * abs(qty),
        average_price=amount(row, "avgPx"),
        mark=amount(row, "markPx"),
        liquidation_price=price(row, "liqPx"),
    )


def balance(row: Row) -> Balance:
    """A currency of account/balance."""
    free = "availEq" if row.get("availEq") else "availBal"  # the former counts open profit, as the margin check does
    return Balance(asset=row["ccy"], cash=amount(row, "cashBal"), available=amount(row, free))


def bill(row: Row) -> Bill:
    """An entry of account/bills."""
    return Bill(
        bill_id=str(row["billId"]),
        kind=_BILL_KINDS.get(str(row["type"]), "other"),
        asset=row["ccy"],
        amount=amount(row, "balChg"),
        symbol=Symbol(row["instId"]) if row.get("instId") else None,
        at=moment(row["ts"]),
    )


def instrument(row: Row) -> Instrument | None:
    """The rules of a tradable instrument; None for kinds the platform does not know or a row that lacks a rule."""
    spot = row.get("instType") == "SPOT"
    linear = row.get("instType") == "SWAP" and row.get("ctType") == "linear"
    if not (spot or linear) or not all(row.get(name) for name in ("tickSz", "lotSz", "minSz", "maxMktSz", "maxLmtSz")):
        return None
    family = str(row.get("instFamily") or row["instId"]).split("-")
    base, quote = (row["baseCcy"], row["quoteCcy"]) if spot else (family[0], family[1])
    rules = "|".join(str(row.get(name) or "") for name in _RULES)
    return Instrument(
        venue=VENUE,
        symbol=Symbol(row["instId"]),
        kind=InstrumentKind.SPOT if spot else InstrumentKind.LINEAR_SWAP,
        base=base,
        quote=quote,
        settle=quote if spot else row["settleCcy"],
        contract_size=Decimal(1) if spot else Decimal(row["ctVal"]) * Decimal(row.get("ctMult") or 1),
        tick=Decimal(row["tickSz"]),
        lot=Decimal(row["lotSz"]),
        min_qty=Decimal(row["minSz"]),
        max_limit_qty=Decimal(row["maxLmtSz"]),
        max_market_qty=Decimal(row["maxMktSz"]),
        max_leverage=int(Decimal(row.get("lever") or 1)),
        version=hashlib.sha256(rules.encode()).hexdigest()[:12],
        state=str(row.get("state") or "live"),
    )


def candle(row: list[str], symbol: Symbol, timeframe: Timeframe, *, spot: bool) -> Candle:
    """A closed candle row: volume in base coin stands elsewhere on swaps than on spot."""
    return fields.candle(VENUE, row, symbol, timeframe, 5 if spot else 6)


def tick(symbol: Symbol, at: datetime, last: str, mark: str) -> Tick:
    """The newest prices."""
    return Tick(venue=VENUE, symbol=symbol, at=at, last=Decimal(last), mark=Decimal(mark))


def closed(row: list[str]) -> bool:
    """Whether a candle row is final."""
    return row[8] == "1"
