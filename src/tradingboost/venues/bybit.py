"""Bybit USDT perpetuals: quirks only. Requests are written in `bybit_requests`, rows are read in `bybit_rows`.

The position mode is a setting of each symbol: it is read before a symbol is traded, and again when the venue says that
it is another one. Lists span a week, so a longer stretch is read week by week.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from tradingboost.core.ids import Symbol
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.core.order import Fill, VenueReport
from tradingboost.shared.interfaces.exchange import (
    AmendOrder,
    Balance,
    Bill,
    Identity,
    OrderRef,
    Outcome,
    VenuePosition,
)
from tradingboost.venues import bybit_requests as requests
from tradingboost.venues import bybit_rows as rows
from tradingboost.venues.call import Call
from tradingboost.venues.fields import candle, millis
from tradingboost.venues.rest_account import RestAccount
from tradingboost.venues.rest_public import Listed, RestPublic
from tradingboost.venues.ticket import Mode, Ticket

_EXAMPLE: Final = Symbol("BTCUSDT")
_PAGES: Final = {"v5/execution/list": 100, "v5/order/history": 50, "v5/order/realtime": 50, "v5/position/list": 200}
_SMALLEST_PAGE: Final = 50


class BybitPublic(RestPublic):
    """Its public half."""

    VENUE = rows.VENUE
    BARS = rows.BARS
    PAGE = 1000
    EXAMPLE = _EXAMPLE

    async def _read_instruments(self) -> Listed:
        found = [rows.instrument(row) for row in await _all(self.caller.pages, requests.instruments(), 1000)]
        return {one[0].symbol: one for one in found if one is not None}

    async def _read_candles(
        self, symbol: Symbol, timeframe: Timeframe, limit: int, until: datetime | None
    ) -> list[Candle]:
        call = requests.candles(symbol, self.bar(timeframe), limit, None if until is None else millis(until))
        return [candle(rows.VENUE, row, symbol, timeframe) for row in (await self.caller.ask(call))["list"]]

    async def _read_price(self, symbol: Symbol) -> Tick:
        row = (await self.caller.ask(requests.prices(symbol)))["list"][0]
        last, mark = Decimal(row["lastPrice"]), Decimal(row["markPrice"])
        return Tick(venue=self.VENUE, symbol=symbol, at=self.transport.clock.now(), last=last, mark=mark)

    async def time_ms(self) -> int:
        """See `RestPublic.time_ms`."""
        return int((await self.caller.ask(requests.clock()))["timeNano"]) // 1_000_000


class BybitAccount(RestAccount):
    """One account."""

    VENUE = rows.VENUE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._modes: dict[Symbol, bool] = {}

    def placing(self, ticket: Ticket, mode: Mode) -> Call:
        """See `RestAccount.placing`."""
        return requests.placing(ticket, mode)

    async def cancelling(self, ref: OrderRef) -> Call | None:
        """See `RestAccount.cancelling`."""
        return requests.cancelling(ref)

    async def amending(self, change: AmendOrder, mode: Mode) -> Call | None:
        """See `RestAccount.amending`."""
        return requests.amending(change, mode)

    async def cancelling_all(self, symbol: Symbol) -> list[Call]:
        """See `RestAccount.cancelling_all`."""
        return requests.cancelling_all(symbol)

    async def read_identity(self, clock_offset_ms: int) -> Identity:
        """See `RestAccount.read_identity`; modes read before are forgotten."""
        self._modes = {}
        keys, _ = await self.gathered(requests.identity())
        return rows.identity(keys, await self.hedged(_EXAMPLE), clock_offset_ms)

    async def hedged(self, symbol: Symbol) -> bool:
        """See `RestAccount.hedged`: told by the legs of a symbol, which are listed even when flat."""
        if symbol not in self._modes:
            legs = (await self.caller.ask(requests.positions(symbol)))["list"]
            self._modes[symbol] = rows.hedged(legs) or False
        return self._modes[symbol]

    async def _write(self, *args: Any, **kwargs: Any) -> Outcome:
        outcome = await super()._write(*args, **kwargs)
        if self._identity is None:  # our idea of the mode was refused
            self._modes = {}
        return outcome

    async def search(self, ref: OrderRef) -> tuple[VenueReport | None, list[Fill]]:
        """See `RestAccount.search`."""
        for call in requests.finding(ref):
            found = (await self.caller.seek(call) or {}).get("list") or []
            if not found:
                continue
            report = rows.order_report(found[0], self.owner)
            if report.cum_filled == 0:
                return report, []
            listed = await _all(self.caller.pages, requests.fills_of(ref, report.venue_order_id))
            return report, [rows.fill(row, self.owner) for row in listed]
        return None, []

    async def open_orders(self) -> list[VenueReport]:
        """See `TradingVenue.open_orders`."""
        found = [row for call in requests.open_lists() for row in await _all(self.caller.pages, call)]
        return [rows.order_report(row, self.owner) for row in found]

    async def ended_orders(self, since: datetime) -> list[VenueReport]:
        """See `TradingVenue.ended_orders`."""
        reports = [rows.order_report(row, self.owner) for row in await self._weekly(requests.history, since)]
        ended = [report for report in reports if report.updated_at >= since and report.phase.value != "live"]
        return sorted(ended, key=lambda report: (report.created_at, report.venue_order_id))

    async def fills(self, since: datetime) -> list[Fill]:
        """See `TradingVenue.fills`."""
        found = {row["execId"]: rows.fill(row, self.owner) for row in await self._weekly(requests.fills, since)}
        return sorted(found.values(), key=lambda fill: (fill.at, fill.trade_id))

    async def positions(self) -> list[VenuePosition]:
        """See `TradingVenue.positions`."""
        found = [rows.position(row) for row in await _all(self.caller.pages, requests.positions())]
        return [one for one in found if one is not None]

    async def balances(self) -> list[Balance]:
        """See `TradingVenue.balances`."""
        return [rows.balance(row) for row in (await self.caller.ask(requests.balances()))["list"][0]["coin"]]

    async def bills(self, since: datetime) -> list[Bill]:
        """See `TradingVenue.bills`."""
        found = {row["id"]: rows.bill(row) for row in await self._weekly(requests.bills, since)}
        return sorted(found.values(), key=lambda bill: (bill.at, bill.bill_id))

    async def set_leverage(self, symbol: Symbol, leverage: int, margin_mode: str) -> int:
        """See `TradingVenue.set_leverage`; the margin mode is the whole account's."""
        await self.caller.settle(requests.margin_mode(margin_mode))
        await self.caller.settle(requests.leverage(symbol, leverage))
        legs = (await self.caller.ask(requests.positions(symbol)))["list"]
        return min(int(Decimal(leg["leverage"])) for leg in legs)

    async def set_position_mode(self, symbol: Symbol, hedge: bool) -> None:
        """Net or hedge of a symbol; the venue refuses it while anything is open."""
        await self.caller.settle(requests.position_mode(symbol, hedge))
        self._identity, self._modes = None, {}

    async def _weekly(self, call: Callable[[int, int], Call], since: datetime) -> list[Any]:
        """A list from an instant until now, a week at a time."""
        found: list[Any] = []
        at_ms, now_ms = millis(since), self.until_ms()
        while at_ms <= now_ms:
            found += await _all(self.caller.pages, call(at_ms, now_ms))
            at_ms += requests.SEVEN_DAYS_MS
        return found


async def _all(pages: Callable[..., Any], call: Call, limit: int | None = None) -> list[Any]:
    """Every page of a list; the cursor of the last is empty."""

    def onward(data: Any) -> dict[str, Any]:
        return {"cursor": data["nextPageCursor"]} if data.get("nextPageCursor") and data.get("list") else {}

    said = call.saying(limit=limit or _PAGES.get(call.path, _SMALLEST_PAGE))
    return list(await pages(said, lambda data: data["list"], onward))
