"""Upbit's KRW markets: quirks only. Requests are written in `upbit_requests`, rows are read in `upbit_rows`.

There is no list of fills: they stand in the detail of each order. There are no positions and no ledger.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Final

from tradingboost.core.errors import InvalidInput
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
from tradingboost.venues import upbit_requests as requests
from tradingboost.venues import upbit_rows as rows
from tradingboost.venues.call import Call
from tradingboost.venues.capabilities import UPBIT, Ask
from tradingboost.venues.fields import millis, moment
from tradingboost.venues.rest_account import RestAccount
from tradingboost.venues.rest_public import Listed, RestPublic
from tradingboost.venues.ticket import Kind, Mode, Ticket

_MANY: Final = 100
_WEEK: Final = timedelta(days=7)


class UpbitPublic(RestPublic):
    """Its public half."""

    VENUE = rows.VENUE
    BARS = rows.BARS
    PAGE = 200
    EXAMPLE = "KRW-BTC"

    async def _read_instruments(self) -> Listed:
        markets = [row for row in await self._rows(requests.instruments()[0]) if row["market"].startswith("KRW-")]
        names = [Symbol(row["market"]) for row in markets]
        listed: dict[str, Any] = {}
        for first in range(0, len(names), _MANY):
            page = await self._rows(requests.units(names[first : first + _MANY]))
            listed |= {row["market"]: row for row in page}
        found = [rows.instrument(row, listed.get(row["market"])) for row in markets]
        return {one[0].symbol: one for one in found if one is not None}

    async def _read_candles(
        self, symbol: Symbol, timeframe: Timeframe, limit: int, until: datetime | None
    ) -> list[Candle]:
        before = None if until is None else until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        call = requests.candles(symbol, self.bar(timeframe), limit, before)
        return [rows.candle(row, symbol, timeframe) for row in await self._rows(call)]

    async def _read_price(self, symbol: Symbol) -> Tick:
        row = (await self._rows(requests.prices(symbol)))[0]
        last = Decimal(str(row["trade_price"]))
        return Tick(venue=self.VENUE, symbol=symbol, at=moment(row["timestamp"]), last=last, mark=last)

    async def time_ms(self) -> int:
        """See `RestPublic.time_ms`: the venue signs no times and tells none, so ours is as good."""
        return millis(self.transport.clock.now())


class UpbitAccount(RestAccount):
    """One account."""

    VENUE = rows.VENUE

    def placing(self, ticket: Ticket, mode: Mode) -> Call:
        """See `RestAccount.placing`.

        Raises:
            InvalidInput: a price that is too large for its band.
        """
        del mode
        if ticket.kind is Kind.POST_ONLY and ticket.price is None:
            raise InvalidInput("bad_price", "A price is missing or not on a tick.")
        return requests.placing(ticket)

    async def cancelling(self, ref: OrderRef) -> Call | None:
        """See `RestAccount.cancelling`."""
        return requests.cancelling(ref)

    async def amending(self, change: AmendOrder, mode: Mode) -> Call | None:
        """See `RestAccount.amending`: there is none."""
        del mode
        UPBIT.require(Ask.AMEND_STOP if change.ref.is_algo else Ask.AMEND_ORDER)
        return None

    async def cancelling_all(self, symbol: Symbol) -> list[Call]:
        """See `RestAccount.cancelling_all`: each open order by its id."""
        listed = await self._open(symbol)
        return [Call("DELETE", ("private",), "order", {"uuid": row["uuid"]}) for row in listed]

    async def read_identity(self, clock_offset_ms: int) -> Identity:
        """See `RestAccount.read_identity`; the balances prove that the keys are accepted."""
        await self.caller.ask(requests.balances())
        return rows.identity(clock_offset_ms)

    async def search(self, ref: OrderRef) -> tuple[VenueReport | None, list[Fill]]:
        """See `RestAccount.search`."""
        row = await self.caller.seek(requests.finding(ref))
        if row is None:
            return None, []
        return rows.order_report(row, self.owner), rows.fills(row, self.owner)

    async def open_orders(self) -> list[VenueReport]:
        """See `TradingVenue.open_orders`."""
        return [rows.order_report(row, self.owner) for row in await self._open(None)]

    async def ended_orders(self, since: datetime) -> list[VenueReport]:
        """See `TradingVenue.ended_orders`."""
        return [rows.order_report(row, self.owner) for row in await self._ended(since)]

    async def fills(self, since: datetime) -> list[Fill]:
        """See `TradingVenue.fills`: of every order that ended or rests and has any, by its detail."""
        touched = [*await self._ended(since), *await self._open(None)]
        named = [row["uuid"] for row in touched if Decimal(row.get("executed_volume") or 0) > 0]
        details = [await self.caller.ask(requests.detail(order_id)) for order_id in named]
        found = [fill for row in details for fill in rows.fills(row, self.owner) if fill.at >= since]
        return sorted(found, key=lambda fill: (fill.at, fill.trade_id))

    async def positions(self) -> list[VenuePosition]:
        """See `TradingVenue.positions`: spot has none."""
        return []

    async def balances(self) -> list[Balance]:
        """See `TradingVenue.balances`."""
        return [rows.balance(row) for row in await self.caller.ask(requests.balances())]

    async def bills(self, since: datetime) -> list[Bill]:
        """See `TradingVenue.bills`: the venue lists none for orders, and spot has no funding."""
        del since
        return []

    async def set_leverage(self, symbol: Symbol, leverage: int, margin_mode: str) -> int:
        """See `TradingVenue.set_leverage`: refused."""
        del symbol, leverage, margin_mode
        UPBIT.require(Ask.LEVERAGE)
        return 1

    async def set_position_mode(self, hedge: bool) -> None:
        """Refused: spot has no positions."""
        del hedge
        UPBIT.require(Ask.HEDGE_MODE)

    async def _open(self, symbol: Symbol | None) -> list[Any]:
        """Every resting order; pages are numbered, and a short one is the last."""
        further = count(2)

        def onward(page: list[Any]) -> dict[str, Any]:
            return {"page": next(further)} if len(page) == requests.PAGE else {}

        found: list[Any] = await self.caller.pages(requests.open_list(symbol).saying(page=1), list, onward)
        return found

    async def _ended(self, since: datetime) -> list[Any]:
        """Ended orders created in the last week before an instant or later, a week at a time."""
        found: dict[str, Any] = {}
        begin, now = since - timedelta(days=1), moment(self.until_ms())
        while begin <= now:
            end = min(begin + _WEEK, now)
            for call in requests.history(millis(begin), millis(end)):
                found |= {row["uuid"]: row for row in await self.caller.ask(call)}
            begin += _WEEK
        return list(found.values())
