"""Raw rows of Bitget's USDT futures (text) into the platform's nouns."""

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

VENUE: Final = Venue("bitget")
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
_PHASES: Final = {
    "live": Phase.LIVE,
    "new": Phase.LIVE,
    "partially_filled": Phase.LIVE,
    "filled": Phase.ENDED,
    "canceled": Phase.ENDED,
    "cancelled": Phase.ENDED,
}
_PLAN_PHASES: Final = {
    "live": Phase.LIVE,
    "executing": Phase.LIVE,
    "executed": Phase.TRIGGERED,
    "cancelled": Phase.ENDED,
    "canceled": Phase.ENDED,
    "fail_execute": Phase.REJECTED,
}
_MODES: Final = {"one_way_mode": "net", "hedge_mode": "hedge"}
_BILL_KINDS: Final = {
    "contract_settle_fee": "funding",
    "trans_from_exchange": "transfer",
    "trans_to_exchange": "transfer",
}


def _leg(row: Row) -> PositionSide | None:
    name = str(row.get("posSide") or row.get("holdSide") or "").lower()
    return PositionSide(name) if name in ("long", "short") else None


def _side(row: Row) -> Side:
    """On a hedged account `side` names the leg: what closes a long says buy."""
    told = Side(str(row["side"]).removesuffix("_single"))
    if str(row.get("posMode")) != "hedge_mode" or not str(row.get("tradeSide") or "").lower().endswith("close"):
        return told
    return Side.SELL if told is Side.BUY else Side.BUY


def order_report(row: Row, owner: Owner, stop: Row | None = None) -> VenueReport:
    """An order of the lists.

    Args:
        stop: the plan that made it; then the client id is the plan's, and it has none of its own.
    """
    limit = OrderType.POST_ONLY if str(row.get("force")).lower() == "post_only" else OrderType.LIMIT
    return VenueReport(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["symbol"]),
        venue_order_id=VenueOrderId(str(row["orderId"])),
        client_order_id=None if stop is not None else client(row.get("clientOid")),
        is_algo=False,
        phase=_PHASES[row.get("status") or row["state"]],
        side=_side(row),
        position_side=_leg(row),
        type=OrderType.MARKET if row["orderType"] == "market" else limit,
        qty=amount(row, "size"),
        price=price(row, "price"),
        trigger=None,
        reduce_only=true(row, "reduceOnly") or str(row.get("tradeSide")).lower() == "close",
        cum_filled=amount(row, "baseVolume"),
        created_at=moment(row["cTime"]),
        updated_at=moment(row.get("uTime") or row["cTime"]),
        parent_venue_order_id=None if stop is None else VenueOrderId(str(stop["orderId"])),
        parent_client_order_id=None if stop is None else client(stop.get("clientOid")),
    )


def plan_report(row: Row, owner: Owner) -> VenueReport:
    """A plan of the lists; a profit_plan is a take-profit, everything else that reduces a stop."""
    return VenueReport(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["symbol"]),
        venue_order_id=VenueOrderId(str(row["orderId"])),
        client_order_id=client(row.get("clientOid")),
        is_algo=True,
        phase=_PLAN_PHASES[row["planStatus"]],
        side=_side(row),
        position_side=_leg(row),
        type=OrderType.TAKE if "profit" in str(row["planType"]) else OrderType.STOP,
        qty=amount(row, "size"),
        price=price(row, "executePrice", "price"),
        trigger=price(row, "triggerPrice"),
        reduce_only=row["planType"] not in ("normal_plan", "track_plan") or true(row, "reduceOnly"),
        cum_filled=ZERO,
        created_at=moment(row["cTime"]),
        updated_at=moment(row.get("uTime") or row["cTime"]),
    )


def child_id(row: Row) -> str:
    """The order a plan made, "" before it fired."""
    return str(row.get("executeOrderId") or "")


def fill(row: Row, owner: Owner) -> Fill:
    """A match; fees are told with the sign of the balance: negative = charged."""
    fees = row.get("feeDetail") or []
    return Fill(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["symbol"]),
        venue_order_id=VenueOrderId(str(row["orderId"])),
        trade_id=str(row["tradeId"]),
        client_order_id=None,
        side=_side(row),
        qty=Decimal(row["baseVolume"]),
        price=Decimal(row["price"]),
        fee=sum((amount(one, "totalFee") for one in fees), ZERO),
        fee_currency=str(fees[0]["feeCoin"]) if fees else "",
        is_maker=row.get("tradeScope") == "maker",
        at=moment(row["cTime"]),
        pnl=amount(row, "profit"),
    )


def position(row: Row) -> VenuePosition | None:
    """A leg; None when it is flat. Its size has no sign, the side says it."""
    qty, side = amount(row, "total"), PositionSide(row["holdSide"])
    if qty == 0:
        return None
    return VenuePosition(
        symbol=Symbol(row["symbol"]),
        position_side=side,
        qty=side.sign * qty,
        average_price=amount(row, "openPriceAvg"),
        mark=amount(row, "markPrice"),
        liquidation_price=price(row, "liquidationPrice"),
    )


def balance(row: Row) -> Balance:
    """A margin coin; its equity counts open profit, cash does not."""
    cash = amount(row, "accountEquity") - amount(row, "unrealizedPL")
    return Balance(asset=row["marginCoin"], cash=cash, available=amount(row, "available"))


def bill(row: Row) -> Bill:
    """An entry of the ledger; what a fill changed counts as trade."""
    kind = str(row["businessType"])
    trades = ("open_long", "close_long", "open_short", "close_short", "buy", "sell")
    return Bill(
        bill_id=str(row["billId"]),
        kind="trade" if kind in trades else _BILL_KINDS.get(kind, "liquidation" if "burst" in kind else "other"),
        asset=row["coin"],
        amount=amount(row, "amount") + amount(row, "fee"),
        symbol=Symbol(row["symbol"]) if row.get("symbol") else None,
        at=moment(row["cTime"]),
    )


def identity(owner: Row, account: Row, clock_offset_ms: int) -> Identity:
    """Whose keys, and the mode of all USDT futures."""
    mode = _MODES.get(str(account.get("posMode")))
    if mode is None:
        message = "The account's position mode is none the platform knows; change it at the venue."
        raise InvalidInput("unknown_account_mode", message, position_mode=account.get("posMode"))
    rights = [str(right) for right in owner.get("authorities") or []]
    words = {"withdraw": any(right.startswith("ww") and right.endswith("w") for right in rights)}
    words["trade"] = any(right in ("coow", "trade") for right in rights)
    return Identity(
        exchange_uid=str(owner["userId"]),
        position_mode=mode,
        account_level="futures",
        permissions=("read_only", *(word for word, has in words.items() if has)),
        clock_offset_ms=clock_offset_ms,
    )


def instrument(row: Row) -> tuple[Instrument, Decimal] | None:
    """The rules of a tradable perpetual and its least value; None for other kinds or a row that lacks a rule."""
    needed = ("pricePlace", "priceEndStep", "sizeMultiplier", "minTradeNum", "minTradeUSDT")
    perpetual = row.get("symbolType") == "perpetual" and row.get("quoteCoin") == "USDT"
    if not perpetual or row.get("symbolStatus") != "normal" or not all(row.get(name) for name in needed):
        return None
    most = [price(row, "maxOrderQty"), price(row, "maxMarketOrderQty")]
    made = Instrument(
        venue=VENUE,
        symbol=Symbol(row["symbol"]),
        kind=InstrumentKind.LINEAR_SWAP,
        base=row["baseCoin"],
        quote=row["quoteCoin"],
        settle=row["quoteCoin"],
        contract_size=Decimal(1),
        tick=Decimal(row["priceEndStep"]).scaleb(-int(row["pricePlace"])),
        lot=Decimal(row["sizeMultiplier"]),
        min_qty=Decimal(row["minTradeNum"]),
        max_limit_qty=most[0] or Decimal("1E+9"),
        max_market_qty=most[1] or most[0] or Decimal("1E+9"),
        max_leverage=int(Decimal(row.get("maxLever") or 1)),
        version=rules_version(row["symbol"], row["symbolStatus"], *(row[name] for name in needed), row.get("maxLever")),
    )
    return made, Decimal(row["minTradeUSDT"])


_PUSHED_PLANS: Final = {"tp": "profit_plan", "ptp": "pos_profit", "track": "track_plan", "mtpsl": "moving_plan"}
_PUSHED_NORMAL: Final = ("pl", "normal_plan")


def pushed_order(row: Row) -> dict[str, Any]:
    """An order of the orders channel as a row of the lists."""
    return {**row, "symbol": row["instId"], "baseVolume": row.get("accBaseVolume") or "0"}


def pushed_plan(row: Row) -> dict[str, Any]:
    """A plan of the orders-algo channel as a row of the lists; its kinds have short names there."""
    kind = str(row["planType"])
    name = "normal_plan" if kind in _PUSHED_NORMAL else _PUSHED_PLANS.get(kind, "loss_plan")
    return {**row, "symbol": row["instId"], "planType": name, "planStatus": row["status"]}


def pushed_fill(row: Row, owner: Owner) -> Fill | None:
    """The match an orders push tells of, or None when it tells of none."""
    if not row.get("tradeId") or amount(row, "baseVolume") <= 0:
        return None
    return Fill(
        venue=VENUE,
        account_id=owner.account_id,
        symbol=Symbol(row["instId"]),
        venue_order_id=VenueOrderId(str(row["orderId"])),
        trade_id=str(row["tradeId"]),
        client_order_id=client(row.get("clientOid")),
        side=_side(row),
        qty=Decimal(row["baseVolume"]),
        price=Decimal(row["fillPrice"]),
        fee=amount(row, "fillFee"),
        fee_currency=str(row.get("fillFeeCoin") or ""),
        is_maker=row.get("tradeScope") == "M",
        at=moment(row["fillTime"]),
        pnl=amount(row, "pnl"),
    )
