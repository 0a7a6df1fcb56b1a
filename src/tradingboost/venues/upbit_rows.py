"""Raw rows of Upbit's KRW markets (text, times with a zone) into the platform's nouns."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from tradingboost.core.ids import Symbol, Venue, VenueOrderId
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.core.market import Candle, Timeframe
from tradingboost.core.money import ZERO
from tradingboost.core.order import Fill, OrderType, Phase, PositionSide, Side, VenueReport
from tradingboost.shared.interfaces.exchange import Balance, Identity
from tradingboost.venues.base import Owner
from tradingboost.venues.fields import Row, amount, client, moment, price, rules_version
from tradingboost.venues.upbit_units import unit

VENUE: Final = Venue("upbit")
BARS: Final[dict[Timeframe, str]] = {
    one: "days" if one is Timeframe.D1 else f"minutes/{one.minutes}" for one in Timeframe if one is not Timeframe.H2
}
"""The venue has no two-hour bars."""
LEAST_KRW: Final = Decimal(5000)
_LOT: Final = Decimal("0.00000001")
_MOST: Final = Decimal("1E+9")
_PHASES: Final = {
    "wait": Phase.LIVE,
    "watch": Phase.LIVE,
    "done": Phase.ENDED,
    "cancel": Phase.ENDED,
    "prevented": Phase.ENDED,
}
_SIDES: Final = {"bid": Side.BUY, "ask": Side.SELL}


def at(text: str) -> datetime:
    """A time with its zone, or one the venue means as UTC."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def order_report(row: Row, owner: Owner) -> VenueReport:
    """An order. It tells its creation only, so the newest of its trades says when it changed.

    A market buy names what it spends; its quantity is what it has bought.
    """
    filled, created = amount(row, "executed_volume"), at(row["created_at"])
    trades = [at(trade["created_at"]) for trade in row.get("trades") or [] if trade.get("created_at")]
    kind = OrderType.LIMIT if row["ord_type"] == "limit" else OrderType.MARKET
    return VenueReport(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["market"]),
        venue_order_id=VenueOrderId(row["uuid"]),
        client_order_id=client(row.get("identifier")),
        is_algo=False,
        phase=_PHASES[row["state"]],
        side=_SIDES[row["side"]],
        position_side=PositionSide.LONG,
        type=OrderType.POST_ONLY if row.get("time_in_force") == "post_only" else kind,
        qty=amount(row, "volume") or filled,
        price=price(row, "price") if kind is OrderType.LIMIT else None,
        trigger=None,
        reduce_only=False,
        cum_filled=filled,
        created_at=created,
        updated_at=max([created, *trades]),
    )


def fills(row: Row, owner: Owner) -> list[Fill]:
    """The trades of an order. What was paid in fees is told of the order as a whole, and is shared out by value."""
    trades = row.get("trades") or []
    spent = sum((amount(trade, "funds") for trade in trades), ZERO)
    paid = amount(row, "paid_fee")
    return [
        Fill(
            venue=VENUE,
            account_id=owner.account_id,
            symbol=Symbol(row["market"]),
            venue_order_id=VenueOrderId(row["uuid"]),
            trade_id=str(trade["uuid"]),
            client_order_id=client(row.get("identifier")),
            side=_SIDES[trade["side"]],
            qty=Decimal(trade["volume"]),
            price=Decimal(trade["price"]),
            fee=-(paid * amount(trade, "funds") / spent).quantize(_LOT) if spent else ZERO,
            fee_currency=str(row["market"]).partition("-")[0],
            is_maker=False,
            at=at(trade["created_at"]),
        )
        for trade in trades
    ]


def balance(row: Row) -> Balance:
    """A currency; what orders hold is cash all the same."""
    free = amount(row, "balance")
    return Balance(asset=row["currency"], cash=free + amount(row, "locked"), available=free)


def identity(clock_offset_ms: int) -> Identity:
    """The venue names no owner of keys and does not tell what they may do."""
    return Identity(
        exchange_uid="",
        position_mode="net",
        account_level="spot",
        permissions=("permissions_unproven",),
        clock_offset_ms=clock_offset_ms,
    )


def instrument(row: Row, listed: Row | None) -> tuple[Instrument, Decimal] | None:
    """The rules of a KRW market and its least value; None for other markets, or one whose price unit is not told.

    Args:
        listed: the venue's own price unit for the pair at its present price.
    """
    symbol = str(row["market"])
    quote, _, base = symbol.partition("-")
    if quote != "KRW" or listed is None or not price(listed, "tick_size"):
        return None
    tick = Decimal(str(listed["tick_size"]))
    made = Instrument(
        venue=VENUE,
        symbol=Symbol(symbol),
        kind=InstrumentKind.SPOT,
        base=base,
        quote=quote,
        settle=quote,
        contract_size=Decimal(1),
        tick=tick,
        lot=_LOT,
        min_qty=_LOT,
        max_limit_qty=_MOST,
        max_market_qty=_MOST,
        max_leverage=1,
        version=rules_version(symbol, str(tick), str(unit(tick))),
    )
    return made, LEAST_KRW


def candle(row: Row, symbol: Symbol, timeframe: Timeframe) -> Candle:
    """A bar; its time is UTC without saying so."""
    return Candle(
        venue=VENUE,
        symbol=symbol,
        timeframe=timeframe,
        open_at=at(row["candle_date_time_utc"]),
        open=Decimal(str(row["opening_price"])),
        high=Decimal(str(row["high_price"])),
        low=Decimal(str(row["low_price"])),
        close=Decimal(str(row["trade_price"])),
        volume=Decimal(str(row["candle_acc_trade_volume"])),
    )


def pushed_order(row: Row, owner: Owner) -> VenueReport:
    """An order of the myOrder channel. While it tells of a trade, its price and volume are the trade's."""
    trade, kind = row["state"] == "trade", OrderType.LIMIT if row["order_type"] == "limit" else OrderType.MARKET
    filled = amount(row, "executed_volume")
    whole = filled + amount(row, "remaining_volume")
    return VenueReport(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["code"]),
        venue_order_id=VenueOrderId(row["uuid"]),
        client_order_id=client(row.get("identifier")),
        is_algo=False,
        phase=Phase.LIVE if trade else _PHASES[row["state"]],
        side=_SIDES[str(row["ask_bid"]).lower()],
        position_side=PositionSide.LONG,
        type=OrderType.POST_ONLY if row.get("time_in_force") == "post_only" else kind,
        qty=whole,
        price=price(row, "price") if kind is OrderType.LIMIT and not trade else None,
        trigger=None,
        reduce_only=False,
        cum_filled=filled,
        created_at=moment(row["order_timestamp"]),
        updated_at=moment(row["timestamp"]),
    )


def pushed_fill(row: Row, owner: Owner) -> Fill | None:
    """The match a push tells of, or None when it tells of none."""
    if row["state"] != "trade" or not row.get("trade_uuid"):
        return None
    return Fill(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["code"]),
        venue_order_id=VenueOrderId(row["uuid"]),
        trade_id=str(row["trade_uuid"]),
        client_order_id=client(row.get("identifier")),
        side=_SIDES[str(row["ask_bid"]).lower()],
        qty=amount(row, "volume"),
        price=amount(row, "price"),
        fee=-amount(row, "trade_fee"),
        fee_currency=str(row["code"]).partition("-")[0],
        is_maker=bool(row.get("is_maker")),
        at=moment(row["trade_timestamp"]),
    )
