"""Binance USDT-M futures: quirks only. Requests are written in `binance_requests`, rows are read in `binance_rows`.

Its lists of fills and of ended orders name a symbol, so the symbols an account has touched are gathered first: every
fill leaves an entry in the income list, and what rests or is held names itself.
"""

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
    VenuePosition,
)
from tradingboost.venues import binance_requests as requests
from tradingboost.venues import binance_rows as rows
from tradingboost.venues.call import Call
from tradingboost.venues.fields import Row, candle, millis, moment
from tradingboost.venues.rest_account import RestAccount
from tradingboost.venues.rest_public import Listed, RestPublic
from tradingboost.venues.ticket import Mode, Ticket

_FULL_PAGE: Final = 1000


class BinancePublic(RestPublic):
    """Its public half."""

    VENUE = rows.VENUE
    BARS = rows.BARS
    PAGE = 1000
    EXAMPLE = "BTCUSDT"

    async def _read_instruments(self) -> Listed:
        found = [rows.instrument(row) for row in (await self.caller.ask(requests.instruments()))["symbols"]]
        return {one[0].symbol: one for one in found if one is not None}

    async def _read_candles(
        self, symbol: Symbol, timeframe: Timeframe, limit: int, until: datetime | None
    ) -> list[Candle]:
        call = requests.candles(symbol, self.bar(timeframe), limit, None if until is None else millis(until))
        return [candle(rows.VENUE, row, symbol, timeframe) for row in await self._rows(call)]

    async def _read_price(self, symbol: Symbol) -> Tick:
        last, mark = [await self.caller.ask(call) for call in requests.prices(symbol)]
        return Tick(
            venue=self.VENUE,
            symbol=symbol,
            at=moment(last["closeTime"]),
            last=Decimal(last["lastPrice"]),
            mark=Decimal(mark["markPrice"]),
        )

    async def time_ms(self) -> int:
        """See `RestPublic.time_ms`."""
        return int((await self.caller.ask(requests.clock()))["serverTime"])


class BinanceAccount(RestAccount):
    """One account."""

    VENUE = rows.VENUE

    def placing(self, ticket: Ticket, mode: Mode) -> Call:
        """See `RestAccount.placing`."""
        return requests.placing(ticket, mode)

    async def cancelling(self, ref: OrderRef) -> Call | None:
        """See `RestAccount.cancelling`."""
        return requests.cancelling(ref)

    async def amending(self, change: AmendOrder, mode: Mode) -> Call | None:
        """See `RestAccount.amending`. Every value is said, so what stays is read first."""
        del mode
        row = await self.caller.seek(requests.finding(change.ref))
        return None if row is None else requests.amending(change, row)

    async def cancelling_all(self, symbol: Symbol) -> list[Call]:
        """See `RestAccount.cancelling_all`."""
        return requests.cancelling_all(symbol)

    async def read_identity(self, clock_offset_ms: int) -> Identity:
        """See `RestAccount.read_identity`."""
        mode, balances = await self.gathered(requests.identity())
        endpoint = self.public.endpoint
        rights = None if endpoint.demo or endpoint.rest else await self.caller.ask(requests.permissions())
        return rows.identity(mode, balances, rights, clock_offset_ms)

    async def search(self, ref: OrderRef) -> tuple[VenueReport | None, list[Fill]]:
        """See `RestAccount.search`."""
        row = await self.caller.seek(requests.finding(ref))
        if row is None:
            return None, []
        report = rows.algo_report(row, self.owner) if ref.is_algo else rows.order_report(row, self.owner)
        if ref.is_algo or report.cum_filled == 0:
            return report, []
        listed = await self.caller.ask(requests.fills_of(ref, report.venue_order_id))
        return report, [rows.fill(one, self.owner) for one in listed]

    async def open_orders(self) -> list[VenueReport]:
        """See `TradingVenue.open_orders`."""
        orders, stops = await self.gathered(requests.open_lists())
        found = [rows.order_report(row, self.owner) for row in orders]
        return found + [rows.algo_report(row, self.owner) for row in stops]

    async def ended_orders(self, since: datetime) -> list[VenueReport]:
        """See `TradingVenue.ended_orders`; the child of a stop names it."""
        found: list[VenueReport] = []
        for symbol in await self._touched(since):
            orders, stops = await self.gathered(requests.history(symbol, millis(since)))
            parents = {rows.child_id(stop): stop for stop in stops if rows.child_id(stop)}
            found += [rows.algo_report(stop, self.owner) for stop in stops if stop["algoStatus"] != "NEW"]
            found += [
                rows.order_report(row, self.owner, parents.get(str(row["orderId"])))
                for row in orders
                if row["status"] not in ("NEW", "PARTIALLY_FILLED")
            ]
        ended = [report for report in found if report.updated_at >= since]
        return sorted(ended, key=lambda report: (report.created_at, not report.is_algo, report.venue_order_id))

    async def fills(self, since: datetime) -> list[Fill]:
        """See `TradingVenue.fills`; a list spans a week at most, and a full page is read on from its last row."""
        now_ms = self.until_ms()
        found: dict[tuple[str, str], Fill] = {}
        for symbol in await self._touched(since):
            at_ms = millis(since)
            while at_ms <= now_ms:
                page = await self.caller.ask(requests.fills(symbol, at_ms, now_ms))
                found |= {(str(row["orderId"]), str(row["id"])): rows.fill(row, self.owner) for row in page}
                last_ms = int(page[-1]["time"]) if page else at_ms
                if len(page) < _FULL_PAGE:
                    at_ms += requests.WEEK_MS
                else:  # the rest of the last millisecond may stand on the next page
                    at_ms = last_ms if last_ms > at_ms else at_ms + 1
        return sorted(found.values(), key=lambda fill: (fill.at, len(fill.trade_id), fill.trade_id))

    async def positions(self) -> list[VenuePosition]:
        """See `TradingVenue.positions`."""
        found = [rows.position(row) for row in await self.caller.ask(requests.positions())]
        return [one for one in found if one is not None]

    async def balances(self) -> list[Balance]:
        """See `TradingVenue.balances`."""
        return [rows.balance(row) for row in (await self.caller.ask(requests.balances()))["assets"]]

    async def bills(self, since: datetime) -> list[Bill]:
        """See `TradingVenue.bills`."""
        return [rows.bill(row) for row in await self._income(since)]

    async def set_leverage(self, symbol: Symbol, leverage: int, margin_mode: str) -> int:
        """See `TradingVenue.set_leverage`; the margin mode is a setting of the symbol as well."""
        await self.caller.settle(requests.margin_mode(symbol, margin_mode))
        await self.caller.settle(requests.leverage(symbol, leverage))
        found = await self.caller.ask(requests.symbol_settings(symbol))
        return int(found[0]["leverage"])

    async def set_position_mode(self, hedge: bool) -> None:
        """Net or hedge, for all symbols; the venue refuses it while anything is open."""
        await self.caller.settle(requests.position_mode(hedge))
        self._identity = None

    async def _touched(self, since: datetime) -> list[Symbol]:
        income = await self._income(since)
        positions, *lists = await self.gathered([requests.positions(), *requests.open_lists()])
        named: list[Row] = [*income, *positions, *(row for one in lists for row in one)]
        return sorted({Symbol(row["symbol"]) for row in named if row.get("symbol")})

    async def _income(self, since: datetime) -> list[Any]:
        """The income list, oldest first; a full page is read on from the time of its last row."""
        found: dict[str, Any] = {}
        at_ms = millis(since)
        while True:
            page = await self.caller.ask(requests.bills(at_ms))
            fresh = {rows.bill(row).bill_id: row for row in page}
            whole = len(page) < _FULL_PAGE or not fresh.keys() - found.keys()
            found |= fresh
            if whole:
                return sorted(found.values(), key=lambda row: int(row["time"]))
            at_ms = int(page[-1]["time"])
