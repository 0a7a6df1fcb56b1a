"""Bitget USDT futures: quirks only. Requests are written in `bitget_requests`, rows are read in `bitget_rows`.

A plan (a stop, a take-profit) has no look-up by id: it is sought in the lists of its kind. An amended order gets a new
client id; the old one is put back wherever this process knows of it.
"""

from collections import OrderedDict
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from tradingboost.core.ids import ClientOrderId, Symbol
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.core.order import Fill, PositionSide, VenueReport
from tradingboost.shared.interfaces.exchange import (
    AmendOrder,
    Balance,
    Bill,
    Identity,
    OrderRef,
    Outcome,
    VenuePosition,
)
from tradingboost.venues import bitget_requests as requests
from tradingboost.venues import bitget_rows as rows
from tradingboost.venues.call import Call
from tradingboost.venues.capabilities import Ask
from tradingboost.venues.evidence import Evidence
from tradingboost.venues.fields import Row, candle, millis, moment
from tradingboost.venues.outcome import Write
from tradingboost.venues.rest_account import RestAccount
from tradingboost.venues.rest_public import Listed, RestPublic
from tradingboost.venues.ticket import Close, Mode, Ticket

_PAGE: Final = 100
_REMEMBERED: Final = 10_000


class BitgetPublic(RestPublic):
    """Its public half."""

    VENUE = rows.VENUE
    BARS = rows.BARS
    PAGE = 200
    EXAMPLE = "BTCUSDT"

    async def _read_instruments(self) -> Listed:
        found = [rows.instrument(row) for row in await self._rows(requests.instruments())]
        return {one[0].symbol: one for one in found if one is not None}

    async def _read_candles(
        self, symbol: Symbol, timeframe: Timeframe, limit: int, until: datetime | None
    ) -> list[Candle]:
        call = requests.candles(symbol, self.bar(timeframe), limit, None if until is None else millis(until))
        return [candle(rows.VENUE, row, symbol, timeframe) for row in await self._rows(call)]

    async def _read_price(self, symbol: Symbol) -> Tick:
        row = (await self._rows(requests.prices(symbol)))[0]
        last, mark = Decimal(row["lastPr"]), Decimal(row["markPrice"])
        return Tick(venue=self.VENUE, symbol=symbol, at=moment(row["ts"]), last=last, mark=mark)

    async def time_ms(self) -> int:
        """See `RestPublic.time_ms`."""
        return int((await self.caller.ask(requests.clock()))["serverTime"])


class BitgetAccount(RestAccount):
    """One account."""

    VENUE = rows.VENUE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._names: OrderedDict[str, ClientOrderId] = OrderedDict()

    def placing(self, ticket: Ticket, mode: Mode) -> Call:
        """See `RestAccount.placing`."""
        return requests.placing(ticket, mode)

    async def cancelling(self, ref: OrderRef) -> Call | None:
        """See `RestAccount.cancelling`. A plan is named together with its kind, which is read first."""
        if not ref.is_algo:
            return requests.cancelling(self._as_named_now(ref))
        row = await self._plan(ref, requests.open_lists(ref.symbol)[1:])
        return None if row is None else requests.cancelling(ref, str(row["planType"]))

    async def amending(self, change: AmendOrder, mode: Mode) -> Call | None:
        """See `RestAccount.amending`."""
        own = change.ref.client_order_id
        change = msgspec.structs.replace(change, ref=self._as_named_now(change.ref))
        call = requests.amending(change, mode)
        if own is not None and "newClientOid" in call.params:
            self._remember(call.params["newClientOid"], own)
        return call

    def amended_name(self, _change: AmendOrder, /) -> ClientOrderId | None:
        """See `RestAccount.amended_name`: the old one or the new one, so it proves nothing."""
        return None

    async def cancelling_all(self, symbol: Symbol) -> list[Call]:
        """See `RestAccount.cancelling_all`."""
        return requests.cancelling_all(symbol)

    async def close_position(self, wanted: Close, deadline: float, expires_at: datetime) -> Outcome:
        """See `RestAccount.close_position`; the venue has a request for it, which takes no client id."""
        del expires_at
        self.capabilities.require(Ask.CLOSE_POSITION)
        call = requests.closing(wanted.symbol, wanted.leg, await self.hedged(wanted.symbol))
        return await self._write(call, Write.CANCEL, None, Evidence(deadline=deadline))

    async def read_identity(self, clock_offset_ms: int) -> Identity:
        """See `RestAccount.read_identity`."""
        owner, account = await self.gathered(requests.identity())
        return rows.identity(owner, account, clock_offset_ms)

    async def search(self, ref: OrderRef) -> tuple[VenueReport | None, list[Fill]]:
        """See `RestAccount.search`."""
        if ref.is_algo:
            now_ms = self.until_ms()
            ended = requests.history(now_ms - requests.WEEK_MS, now_ms, ref.symbol)
            lists = [*requests.open_lists(ref.symbol)[1:], *ended[1:]]
            row = await self._plan(ref, lists)
            return (None if row is None else rows.plan_report(row, self.owner)), []
        row = await self.caller.seek(requests.finding(self._as_named_now(ref))) or await self._renamed(ref)
        if row is None:
            return None, []
        report = self._report(row)
        if report.cum_filled == 0:
            return report, []
        listed = await self._listed(requests.fills_of(ref.symbol, report.venue_order_id), "fillList")
        return report, [rows.fill(one, self.owner) for one in listed]

    async def _renamed(self, ref: OrderRef) -> Any | None:
        """An order is looked for by the client id an amendment gave it, if it is not there by its first."""
        if ref.venue_order_id is not None or ref.client_order_id is None:
            return None
        new = ClientOrderId(requests.renamed(ref.client_order_id))
        self._remember(new, ref.client_order_id)
        return await self.caller.seek(requests.finding(msgspec.structs.replace(ref, client_order_id=new)))

    async def open_orders(self) -> list[VenueReport]:
        """See `TradingVenue.open_orders`."""
        orders, *plans = requests.open_lists()
        found = [self._report(row) for row in await self._listed(orders, "entrustedList")]
        for plan in plans:
            found += [rows.plan_report(row, self.owner) for row in await self._listed(plan, "entrustedList")]
        return found

    async def ended_orders(self, since: datetime) -> list[VenueReport]:
        """See `TradingVenue.ended_orders`; the child of a plan names it."""
        stops: dict[str, Row] = {}
        orders: dict[str, Row] = {}
        for since_ms, until_ms in self._weeks(since):
            plain, *plans = requests.history(since_ms, until_ms)
            for plan in plans:
                stops |= {row["orderId"]: row for row in await self._listed(plan, "entrustedList")}
            orders |= {row["orderId"]: row for row in await self._listed(plain, "entrustedList")}
        parents = {rows.child_id(stop): stop for stop in stops.values() if rows.child_id(stop)}
        found = [rows.plan_report(row, self.owner) for row in stops.values()]
        found += [self._report(row, parents.get(order_id)) for order_id, row in orders.items()]
        ended = [report for report in found if report.updated_at >= since]
        return sorted(ended, key=lambda report: (report.created_at, not report.is_algo, report.venue_order_id))

    async def fills(self, since: datetime) -> list[Fill]:
        """See `TradingVenue.fills`."""
        weeks = self._weeks(since)
        listed = [row for week in weeks for row in await self._listed(requests.fills(*week), "fillList")]
        found = {(row["orderId"], row["tradeId"]): rows.fill(row, self.owner) for row in listed}
        return sorted(found.values(), key=lambda fill: (fill.at, len(fill.trade_id), fill.trade_id))

    async def positions(self) -> list[VenuePosition]:
        """See `TradingVenue.positions`."""
        found = [rows.position(row) for row in await self.caller.ask(requests.positions())]
        return [one for one in found if one is not None]

    async def balances(self) -> list[Balance]:
        """See `TradingVenue.balances`."""
        return [rows.balance(row) for row in await self.caller.ask(requests.balances())]

    async def bills(self, since: datetime) -> list[Bill]:
        """See `TradingVenue.bills`."""
        weeks = self._weeks(since)
        listed = [row for week in weeks for row in await self._listed(requests.bills(*week), "bills")]
        found = {row["billId"]: rows.bill(row) for row in listed}
        return sorted(found.values(), key=lambda bill: (bill.at, bill.bill_id))

    async def set_leverage(self, symbol: Symbol, leverage: int, margin_mode: str) -> int:
        """See `TradingVenue.set_leverage`. Isolated legs of a hedged account have a leverage each."""
        await self.caller.settle(requests.margin_mode(symbol, margin_mode))
        apart = margin_mode == "isolated" and await self.hedged(symbol)
        for leg in (PositionSide.LONG, PositionSide.SHORT) if apart else (None,):
            await self.caller.settle(requests.leverage(symbol, leverage, leg))
        found = await self.caller.ask(requests.symbol_settings(symbol))
        names = ("isolatedLongLever", "isolatedShortLever") if margin_mode == "isolated" else ("crossedMarginLeverage",)
        return min(int(Decimal(str(found[name]))) for name in names)

    async def set_position_mode(self, hedge: bool) -> None:
        """Net or hedge, for all USDT futures; the venue refuses it while anything is open."""
        await self.caller.settle(requests.position_mode(hedge))
        self._identity = None

    def _weeks(self, since: datetime) -> list[tuple[int, int]]:
        """From an instant until now, a week at a time."""
        since_ms, now_ms = millis(since), self.until_ms()
        return [(at_ms, min(now_ms, at_ms + requests.WEEK_MS)) for at_ms in range(since_ms, now_ms, requests.WEEK_MS)]

    async def _plan(self, ref: OrderRef, lists: list[Call]) -> Row | None:
        """A plan by either of its ids, sought in every list; each of them has to be read."""
        found: Row | None = None
        for call in lists:
            for row in await self._listed(call, "entrustedList"):
                same = row["orderId"] == ref.venue_order_id if ref.venue_order_id else False
                ours = bool(ref.client_order_id) and row.get("clientOid") == ref.client_order_id
                if found is None and (same or ours):
                    found = row
        return found

    async def _listed(self, call: Call, name: str) -> list[Any]:
        """A list, all pages; the venue says null where it is empty, and the id to go on from while there is more."""

        def onward(data: Any) -> dict[str, Any]:
            page = data.get(name) or []
            return {"idLessThan": str(data["endId"])} if len(page) >= _PAGE and data.get("endId") else {}

        found = await self.caller.pages(call.saying(limit=str(_PAGE)), lambda data: data.get(name) or [], onward)
        return list(found)

    def _as_named_now(self, ref: OrderRef) -> OrderRef:
        """By the client id an order has since its last amendment by this process."""
        own = ref.client_order_id
        current = next((new for new, first in reversed(self._names.items()) if first == own), None)
        if current is None or ref.is_algo:
            return ref
        return msgspec.structs.replace(ref, client_order_id=ClientOrderId(current))

    def _remember(self, new: str, first: ClientOrderId) -> None:
        self._names[new] = first
        self._names.move_to_end(new)
        if len(self._names) > _REMEMBERED:
            self._names.popitem(last=False)

    def _report(self, row: Row, stop: Row | None = None) -> VenueReport:
        own = self._names.get(str(row.get("clientOid")))
        return rows.order_report(row if own is None else {**row, "clientOid": own}, self.owner, stop)
