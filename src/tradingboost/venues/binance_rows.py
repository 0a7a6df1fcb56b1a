"""Raw rows of Binance USDT-M futures (text) into the platform's nouns."""

from decimal import Decimal
from typing import Any, Final

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Symbol, Venue, VenueOrderId
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.core.market import Timeframe
from tradingboost.core.money import ZERO
from tradingboost.core.order import Fill, OrderType, Phase, PositionSide, Side, VenueReport
from tradingboost.shared.interfaces.exchange import Balance, Bill, Identity, VenuePosition
from tradingboost.venues.base import Owner
from tradingboost.venues.fields import Row, amount, client, moment, price, rules_version, true

VENUE: Final = Venue("binance")
BARS: Final = {timeframe: timeframe.value for timeframe in Timeframe}
_PHASES: Final = {
    "NEW": Phase.LIVE,
    "PARTIALLY_FILLED": Phase.LIVE,
    "FILLED": Phase.ENDED,
    "CANCELED": Phase.ENDED,
    "EXPIRED": Phase.ENDED,
    "EXPIRED_IN_MATCH": Phase.ENDED,
    "REJECTED": Phase.REJECTED,
}
_ALGO_PHASES: Final = {
    "NEW": Phase.LIVE,
    "TRIGGERING": Phase.LIVE,
    "TRIGGERED": Phase.TRIGGERED,
    "FINISHED": Phase.TRIGGERED,
    "CANCELED": Phase.ENDED,
    "EXPIRED": Phase.ENDED,
    "REJECTED": Phase.REJECTED,
}
_BILL_KINDS: Final = {
    "TRANSFER": "transfer",
    "REALIZED_PNL": "trade",
    "COMMISSION": "trade",
    "FUNDING_FEE": "funding",
    "INSURANCE_CLEAR": "liquidation",
}


def _leg(row: Row) -> PositionSide | None:
    name = str(row.get("positionSide") or "").lower()
    return PositionSide(name) if name in ("long", "short") else None


def order_report(row: Row, owner: Owner, stop: Row | None = None) -> VenueReport:
    """An order of the lists.

    Args:
        stop: the conditional order that made it; then it echoes the stop's client id and has none of its own.
    """
    kind = str(row["type"])
    post_only = kind == "LIMIT" and row.get("timeInForce") == "GTX"
    limit = OrderType.POST_ONLY if post_only else OrderType.LIMIT
    return VenueReport(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["symbol"]),
        venue_order_id=VenueOrderId(str(row["orderId"])),
        client_order_id=None if stop is not None else client(row.get("clientOrderId")),
        is_algo=False,
        phase=_PHASES[row["status"]],
        side=Side(str(row["side"]).lower()),
        position_side=_leg(row),
        type=OrderType.MARKET if kind == "MARKET" else limit,
        qty=amount(row, "origQty"),
        price=price(row, "price"),
        trigger=None,
        reduce_only=true(row, "reduceOnly"),
        cum_filled=amount(row, "executedQty"),
        created_at=moment(row.get("time") or row["updateTime"]),
        updated_at=moment(row["updateTime"]),
        parent_venue_order_id=None if stop is None else VenueOrderId(str(stop["algoId"])),
        parent_client_order_id=None if stop is None else client(stop.get("clientAlgoId")),
    )


def algo_report(row: Row, owner: Owner) -> VenueReport:
    """A conditional order of the lists."""
    return VenueReport(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["symbol"]),
        venue_order_id=VenueOrderId(str(row["algoId"])),
        client_order_id=client(row.get("clientAlgoId")),
        is_algo=True,
        phase=_ALGO_PHASES[row["algoStatus"]],
        side=Side(str(row["side"]).lower()),
        position_side=_leg(row),
        type=OrderType.TAKE if str(row["orderType"]).startswith("TAKE_PROFIT") else OrderType.STOP,
        qty=amount(row, "quantity"),
        price=price(row, "price"),
        trigger=price(row, "triggerPrice", "activatePrice"),
        reduce_only=true(row, "reduceOnly") or true(row, "closePosition"),
        cum_filled=ZERO,
        created_at=moment(row["createTime"]),
        updated_at=moment(row["updateTime"]),
        reason=str(row.get("failReason") or ""),
    )


def child_id(row: Row) -> str:
    """The order a conditional order made, "" before it fired."""
    return str(row.get("actualOrderId") or "")


def fill(row: Row, owner: Owner) -> Fill:
    """A match; a commission is told as what is taken, so its sign is turned."""
    return Fill(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["symbol"]),
        venue_order_id=VenueOrderId(str(row["orderId"])),
        trade_id=str(row["id"]),
        client_order_id=None,
        side=Side(str(row["side"]).lower()),
        qty=Decimal(row["qty"]),
        price=Decimal(row["price"]),
        fee=-amount(row, "commission"),
        fee_currency=str(row.get("commissionAsset") or ""),
        is_maker=true(row, "maker"),
        at=moment(row["time"]),
        pnl=amount(row, "realizedPnl"),
    )


def position(row: Row) -> VenuePosition | None:
    """A leg; None when it is flat."""
    qty = amount(row, "positionAmt")
    if qty == 0:
        return None
    return VenuePosition(
        symbol=Symbol(row["symbol"]),
        position_side=_leg(row) or (PositionSide.LONG if qty > 0 else PositionSide.SHORT),
        qty=qty,
        average_price=amount(row, "entryPrice"),
        mark=amount(row, "markPrice"),
        liquidation_price=price(row, "liquidationPrice"),
    )


def balance(row: Row) -> Balance:
    """An asset of the account."""
    return Balance(asset=row["asset"], cash=amount(row, "walletBalance"), available=amount(row, "availableBalance"))


def bill(row: Row) -> Bill:
    """An entry of the income list; one transaction has an entry per kind."""
    return Bill(
        bill_id=f"{row['incomeType']}:{row['tranId']}",
        kind=_BILL_KINDS.get(str(row["incomeType"]), "other"),
        asset=row["asset"],
        amount=amount(row, "income"),
        symbol=Symbol(row["symbol"]) if row.get("symbol") else None,
        at=moment(row["time"]),
    )


def identity(mode: Row, balances: list[Row], rights: Row | None, clock_offset_ms: int) -> Identity:
    """Who the keys belong to; the venue's own name of a futures account stands with each of its balances.

    Args:
        rights: what the keys may do; None where the venue does not tell.
    """
    if "dualSidePosition" not in mode or not balances:
        message = "The account's position mode is none the platform knows; change it at the venue."
        raise InvalidInput("unknown_account_mode", message)
    return Identity(
        exchange_uid=str(balances[0].get("accountAlias") or ""),
        position_mode="hedge" if true(mode, "dualSidePosition") else "net",
        account_level="futures",
        permissions=("permissions_unproven",) if rights is None else _permissions(rights),
        clock_offset_ms=clock_offset_ms,
        ip_bound=true(rights, "ipRestrict") if rights and "ipRestrict" in rights else None,
    )


def _permissions(rights: Row) -> tuple[str, ...]:
    names = {"enableReading": "read_only", "enableFutures": "trade", "enableWithdrawals": "withdraw"}
    return tuple(word for name, word in names.items() if true(rights, name))


def instrument(row: Row) -> tuple[Instrument, Decimal] | None:
    """The rules of a tradable perpetual and its least value; None for other kinds or a row that lacks a rule."""
    filters = {one["filterType"]: one for one in row.get("filters", [])}
    needed = ("PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL")
    perpetual = row.get("contractType") == "PERPETUAL" and row.get("marginAsset") == "USDT"
    if not perpetual or row.get("status") != "TRADING" or not all(name in filters for name in needed):
        return None
    tick, lot, market, value = (filters[name] for name in needed)
    made = Instrument(
        venue=VENUE,
        symbol=Symbol(row["symbol"]),
        kind=InstrumentKind.LINEAR_SWAP,
        base=row["baseAsset"],
        quote=row["quoteAsset"],
        settle=row["marginAsset"],
        contract_size=Decimal(1),
        tick=Decimal(tick["tickSize"]),
        lot=max(Decimal(lot["stepSize"]), Decimal(market["stepSize"])),
        min_qty=max(Decimal(lot["minQty"]), Decimal(market["minQty"])),
        max_limit_qty=Decimal(lot["maxQty"]),
        max_market_qty=Decimal(market["maxQty"]),
        max_leverage=125,
        version=rules_version(row["symbol"], row["status"], tick, lot, market, value),
    )
    return made, Decimal(value["notional"])


_PUSHED_ORDER: Final = {
    "symbol": "s",
    "orderId": "i",
    "clientOrderId": "c",
    "side": "S",
    "type": "o",
    "timeInForce": "f",
    "origQty": "q",
    "price": "p",
    "status": "X",
    "executedQty": "z",
    "reduceOnly": "R",
    "positionSide": "ps",
}
_PUSHED_STOP: Final = {
    "symbol": "s",
    "algoId": "aid",
    "clientAlgoId": "caid",
    "side": "S",
    "orderType": "o",
    "quantity": "q",
    "algoStatus": "X",
    "price": "p",
    "triggerPrice": "tp",
    "actualOrderId": "ai",
    "reduceOnly": "R",
    "closePosition": "cp",
    "positionSide": "ps",
    "failReason": "rm",
}


def pushed_order(message: Row) -> dict[str, Any]:
    """An order event as a row of the lists. It tells when it happened, not when the order was made."""
    told = message["o"]
    return {name: told.get(short) for name, short in _PUSHED_ORDER.items()} | {"updateTime": message["T"]}


def pushed_stop(message: Row) -> dict[str, Any]:
    """An event of a conditional order as a row of the lists."""
    told = message["o"]
    times = {"createTime": message["T"], "updateTime": message["T"]}
    return {name: told.get(short) for name, short in _PUSHED_STOP.items()} | times


def pushed_fills(message: Row, owner: Owner) -> list[Fill]:
    """The match an order event tells of, if it tells of one."""
    told = message["o"]
    if told.get("x") != "TRADE":
        return []
    row = {
        "symbol": told["s"],
        "orderId": told["i"],
        "id": told["t"],
        "side": told["S"],
        "qty": told["l"],
        "price": told["L"],
        "commission": told.get("n"),
        "commissionAsset": told.get("N"),
        "maker": told.get("m"),
        "time": told["T"],
        "realizedPnl": told.get("rp"),
    }
    return [fill(row, owner)]
