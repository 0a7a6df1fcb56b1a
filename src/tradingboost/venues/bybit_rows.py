"""Raw rows of Bybit's USDT perpetuals (text) into the platform's nouns.

A stop keeps its id when it fires: the same row goes on as an order, so its fills carry the stop's own id.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final

from tradingboost.core.ids import Symbol, Venue, VenueOrderId
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.core.market import Timeframe
from tradingboost.core.order import Fill, OrderType, Phase, PositionSide, Side, VenueReport
from tradingboost.shared.interfaces.exchange import Balance, Bill, Identity, VenuePosition
from tradingboost.venues.base import Owner
from tradingboost.venues.fields import Row, amount, client, moment, price, rules_version, true

VENUE: Final = Venue("bybit")
BARS: Final = {one: "D" if one is Timeframe.D1 else str(one.minutes) for one in Timeframe}
_PHASES: Final = {
    "New": Phase.LIVE,
    "Created": Phase.LIVE,
    "PartiallyFilled": Phase.LIVE,
    "Untriggered": Phase.LIVE,
    "Triggered": Phase.LIVE,
    "Active": Phase.LIVE,
    "Filled": Phase.ENDED,
    "Cancelled": Phase.ENDED,
    "PartiallyFilledCanceled": Phase.ENDED,
    "Deactivated": Phase.ENDED,
    "Rejected": Phase.REJECTED,
}
_LEGS: Final = {"1": PositionSide.LONG, "2": PositionSide.SHORT}
_BILL_KINDS: Final = {
    "TRANSFER_IN": "transfer",
    "TRANSFER_OUT": "transfer",
    "TRADE": "trade",
    "SETTLEMENT": "funding",
    "LIQUIDATION": "liquidation",
}


def order_report(row: Row, owner: Owner) -> VenueReport:
    """An order or a stop of the lists."""
    side, trigger = Side(str(row["side"]).lower()), price(row, "triggerPrice")
    return VenueReport(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["symbol"]),
        venue_order_id=VenueOrderId(row["orderId"]),
        client_order_id=client(row.get("orderLinkId")),
        is_algo=trigger is not None,
        phase=_PHASES[row["orderStatus"]],
        side=side,
        position_side=_LEGS.get(str(row.get("positionIdx"))),
        type=_type(row, side, trigger),
        qty=amount(row, "qty"),
        price=price(row, "price"),
        trigger=trigger,
        reduce_only=true(row, "reduceOnly") or true(row, "closeOnTrigger"),
        cum_filled=amount(row, "cumExecQty"),
        created_at=moment(row["createdTime"]),
        updated_at=moment(row["updatedTime"]),
        reason=_reason(row),
    )


def _type(row: Row, side: Side, trigger: Decimal | None) -> OrderType:
    """A stop fires where the price moves against what it closes."""
    if trigger is not None:
        rising = str(row.get("triggerDirection")) == "1"
        return OrderType.STOP if rising is (side is Side.BUY) else OrderType.TAKE
    if row["orderType"] == "Market":
        return OrderType.MARKET
    return OrderType.POST_ONLY if row.get("timeInForce") == "PostOnly" else OrderType.LIMIT


def _reason(row: Row) -> str:
    told = (row.get("cancelType"), row.get("rejectReason"))
    return " ".join(str(part) for part in told if part and part not in ("UNKNOWN", "EC_NoError"))


def fill(row: Row, owner: Owner) -> Fill:
    """A match; a fee is told as what is taken, so its sign is turned."""
    return Fill(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["symbol"]),
        venue_order_id=VenueOrderId(row["orderId"]),
        trade_id=str(row["execId"]),
        client_order_id=client(row.get("orderLinkId")),
        side=Side(str(row["side"]).lower()),
        qty=Decimal(row["execQty"]),
        price=Decimal(row["execPrice"]),
        fee=-amount(row, "execFee"),
        fee_currency=str(row.get("feeCurrency") or "USDT"),
        is_maker=true(row, "isMaker"),
        at=moment(row["execTime"]),
        pnl=amount(row, "execPnl"),
    )


def position(row: Row) -> VenuePosition | None:
    """A leg; None when it is flat. Its size has no sign, the side says it."""
    qty = amount(row, "size")
    if qty == 0:
        return None
    side = PositionSide.LONG if row["side"] == "Buy" else PositionSide.SHORT
    return VenuePosition(
        symbol=Symbol(row["symbol"]),
        position_side=_LEGS.get(str(row.get("positionIdx"))) or side,
        qty=side.sign * qty,
        average_price=amount(row, "avgPrice"),
        mark=amount(row, "markPrice"),
        liquidation_price=price(row, "liqPrice"),
    )


def hedged(rows: list[Row]) -> bool | None:
    """Whether a symbol holds two legs, told by their numbers; None when there are none."""
    legs = {str(row.get("positionIdx")) for row in rows}
    return None if not legs else bool(legs & {"1", "2"})


def balance(row: Row) -> Balance:
    """A coin of a unified account."""
    cash = amount(row, "walletBalance")
    held = amount(row, "totalOrderIM") + amount(row, "totalPositionIM")
    return Balance(asset=row["coin"], cash=cash, available=max(cash - held, Decimal(0)))


def bill(row: Row) -> Bill:
    """An entry of the ledger; `change` is what it did to the balance."""
    return Bill(
        bill_id=str(row["id"]),
        kind=_BILL_KINDS.get(str(row["type"]), "other"),
        asset=row["currency"],
        amount=amount(row, "change"),
        symbol=Symbol(row["symbol"]) if row.get("symbol") else None,
        at=moment(row["transactionTime"]),
    )


def identity(keys: Row, hedge: bool, clock_offset_ms: int) -> Identity:
    """Whose keys. The mode is that of one symbol; each symbol is read before it is traded."""
    rights = keys.get("permissions") or {}
    words = ["read_only"]
    if str(keys.get("readOnly")) == "0" and (rights.get("ContractTrade") or rights.get("Derivatives")):
        words.append("trade")
    if "Withdraw" in (rights.get("Wallet") or []):
        words.append("withdraw")
    return Identity(
        exchange_uid=str(keys["userID"]),
        position_mode="hedge" if hedge else "net",
        account_level="unified",
        permissions=tuple(words),
        clock_offset_ms=clock_offset_ms,
        ip_bound=bool(set(keys["ips"]) - {"*"}) if keys.get("ips") else None,
        keys_end_at=datetime.fromisoformat(keys["expiredAt"]) if keys.get("expiredAt") else None,
    )


def instrument(row: Row) -> tuple[Instrument, Decimal] | None:
    """The rules of a tradable perpetual and its least value; None for other kinds or a row that lacks a rule."""
    lots, ticks = row.get("lotSizeFilter") or {}, row.get("priceFilter") or {}
    perpetual = row.get("contractType") == "LinearPerpetual" and row.get("settleCoin") == "USDT"
    needed = ("qtyStep", "minOrderQty", "maxOrderQty", "minNotionalValue")
    complete = all(lots.get(name) for name in needed) and ticks.get("tickSize")
    if not perpetual or row.get("status") != "Trading" or not complete:
        return None
    made = Instrument(
        venue=VENUE,
        symbol=Symbol(row["symbol"]),
        kind=InstrumentKind.LINEAR_SWAP,
        base=row["baseCoin"],
        quote=row["quoteCoin"],
        settle=row["settleCoin"],
        contract_size=Decimal(1),
        tick=Decimal(ticks["tickSize"]),
        lot=Decimal(lots["qtyStep"]),
        min_qty=Decimal(lots["minOrderQty"]),
        max_limit_qty=Decimal(lots["maxOrderQty"]),
        max_market_qty=Decimal(lots.get("maxMktOrderQty") or lots["maxOrderQty"]),
        max_leverage=int(Decimal((row.get("leverageFilter") or {}).get("maxLeverage") or 1)),
        version=rules_version(row["symbol"], row["status"], lots, ticks, row.get("leverageFilter")),
    )
    return made, Decimal(lots["minNotionalValue"])
