"""One OKX account: quirks only. Requests are built in `okx_requests`, rows are read in `okx_rows`."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import ClientOrderId, Symbol
from tradingboost.core.instrument import InstrumentKind
from tradingboost.core.order import Fill, VenueReport
from tradingboost.shared.interfaces.exchange import (
    AmendOrder,
    Balance,
    Bill,
    Found,
    Identity,
    OrderRef,
    Outcome,
    OutcomeClass,
    PlaceOrder,
    VenuePosition,
)
from tradingboost.venues import okx_requests as requests
from tradingboost.venues import okx_rows as rows
from tradingboost.venues.base import Keys, Owner, PrivateStream, StreamSink
from tradingboost.venues.capabilities import OKX, Ask, Capabilities
from tradingboost.venues.ccxt_venue import Caller, Row
from tradingboost.venues.evidence import Evidence
from tradingboost.venues.fields import millis
from tradingboost.venues.okx_public import OkxPublic
from tradingboost.venues.okx_stream import OkxTalk
from tradingboost.venues.okx_wire import Wire
from tradingboost.venues.outcome import Asked, Write
from tradingboost.venues.private_stream import AccountStream
from tradingboost.venues.ticket import TRIGGER_BY, Close, Mode, Ticket, check

_KINDS: Final = ("SWAP", "SPOT")
_STOP_KINDS: Final = ("conditional,oco", "trigger", "move_order_stop")
_STOP_ENDS: Final = ("effective", "canceled", "order_failed")
_ABSENT: Final = ("51603", "51001")


class OkxAccount:
    """Implements `venues.base.TradingVenue`.

    Args:
        trigger_by: which price sets stops off, last or mark; the venue's default is not relied on.
    """

    def __init__(self, public: OkxPublic, owner: Owner, keys: Keys, trigger_by: str = "mark") -> None:
        from tradingboost.venues import okx_ccxt

        if trigger_by not in TRIGGER_BY:
            raise InvalidInput("bad_trigger_source", "Stops are set off by the last or the mark price.")
        self._public = public
        self._owner = owner
        self._keys = keys
        self._trigger_by = trigger_by
        self._clock = public.transport.clock
        made = okx_ccxt.OkxRest(okx_ccxt.config(public.transport, public.endpoint, keys))
        self._instance: Any = okx_ccxt.demo(made, public.endpoint)
        public.venue_clock.lead(self._instance)
        self._caller = Caller(self._instance, private=True)
        self._identity: Identity | None = None

    @property
    def capabilities(self) -> Capabilities:
        """See `TradingVenue.capabilities`."""
        return OKX

    async def open(self) -> Identity:
        """See `TradingVenue.open`."""
        await self._public.instruments()
        return await self.identity()

    async def identity(self) -> Identity:
        """See `TradingVenue.identity`.

        Raises:
            InvalidInput: `unknown_account_mode`; nothing is traded in a mode nobody has tried.
        """
        found, offset_ms = await asyncio.gather(self._caller.rows("account/config"), self._public.venue_clock.measure())
        self._identity = rows.identity(found[0], offset_ms)
        return self._identity

    async def place(self, order: PlaceOrder, deadline: float) -> Outcome:
        """See `TradingVenue.place`."""
        return await self.submit(Ticket.of(order), deadline, order.expires_at)

    async def submit(self, ticket: Ticket, deadline: float, expires_at: datetime) -> Outcome:
        """As `place`, for everything the venue can be asked for."""
        identity = self._identity or await self.open()
        mode = Mode(identity.position_mode == "hedge", self._trigger_by)
        instrument, algo = await self._public.instrument(ticket.symbol), ticket.kind.is_algo
        check(ticket, instrument, mode, OKX)
        spot = instrument.kind is InstrumentKind.SPOT
        built = requests.spot_placing(ticket) if spot else requests.placing(ticket, mode)
        path, body = ("trade/order-algo", built) if algo else ("trade/batch-orders", [built])
        expires_ms = millis(expires_at) + self._public.venue_clock.offset_ms
        evidence = Evidence(deadline=deadline, expires_ms=expires_ms, expected=body)
        return await self._caller.write(path, body, evidence, Asked(Write.SUBMIT, ticket.client_order_id, algo=algo))

    async def place_batch(self, orders: Sequence[PlaceOrder], deadline: float) -> list[Outcome]:
        """See `TradingVenue.place_batch`: one request; what the table refuses is left out and told."""
        OKX.require(Ask.BATCH)
        identity = self._identity or await self.open()
        mode = Mode(identity.position_mode == "hedge", self._trigger_by)
        bodies: dict[ClientOrderId, Row] = {}
        told: dict[ClientOrderId, Outcome] = {}
        for ticket in map(Ticket.of, orders):
            instrument = await self._public.instrument(ticket.symbol)
            try:
                check(ticket, instrument, mode, OKX)
            except InvalidInput as error:
                told[ticket.client_order_id] = Outcome(
                    kind=OutcomeClass.REFUSED, code=error.code, message=error.message
                )
                continue
            spot = instrument.kind is InstrumentKind.SPOT
            bodies[ticket.client_order_id] = requests.spot_placing(ticket) if spot else requests.placing(ticket, mode)
        if bodies:
            expires_ms = millis(min(one.expires_at for one in orders)) + self._public.venue_clock.offset_ms
            body = list(bodies.values())
            evidence = Evidence(deadline=deadline, expires_ms=expires_ms, expected=body)
            asked = [Asked(Write.SUBMIT, one) for one in bodies]
            told |= zip(bodies, await self._caller.write_all("trade/batch-orders", body, evidence, asked), strict=True)
        return [told[one.client_order_id] for one in orders]

    async def cancel(self, ref: OrderRef) -> Outcome:
        """See `TradingVenue.cancel`."""
        body = requests.cancelling(ref)
        path, sent = ("trade/cancel-algos", [body]) if ref.is_algo else ("trade/cancel-order", body)
        asked = Asked(Write.CANCEL, ref.client_order_id, algo=ref.is_algo)
        return await self._caller.write(path, sent, Evidence(expected=sent), asked)

    async def amend(self, change: AmendOrder) -> Outcome:
        """See `TradingVenue.amend`."""
        algo = change.ref.is_algo
        OKX.require(Ask.AMEND_STOP if algo else Ask.AMEND_ORDER)
        body = requests.amending(change, trigger_by=self._trigger_by)
        path, sent = ("trade/amend-algos", [body]) if algo else ("trade/amend-order", body)
        asked = Asked(Write.AMEND, change.ref.client_order_id, algo=algo)
        return await self._caller.write(path, sent, Evidence(expected=sent), asked)

    async def cancel_all(self, symbol: Symbol) -> None:
        """Ask for the end of everything of a symbol, orders and stops, each by its id.

        Raises:
            Unavailable: what rests could not be read; ask again.
        """
        OKX.require(Ask.CANCEL_ALL)
        for report in await self.open_orders():
            if report.symbol == symbol:
                await self.cancel(
                    OrderRef(
                        account_id=self._owner.account_id,
                        symbol=symbol,
                        client_order_id=None,
                        venue_order_id=report.venue_order_id,
                        is_algo=report.is_algo,
                    )
                )

    async def close_position(self, wanted: Close, deadline: float, expires_at: datetime) -> Outcome:
        """Close a whole leg at market; the venue has a request for it, which takes no size."""
        del expires_at
        OKX.require(Ask.CLOSE_POSITION)
        hedge = (self._identity or await self.open()).position_mode == "hedge"
        body = requests.closing(wanted, hedge)
        evidence = Evidence(deadline=deadline, expected=body)
        return await self._caller.write("trade/close-position", body, evidence, Asked(Write.CANCEL, None))

    async def set_position_mode(self, hedge: bool) -> None:
        """Net or long/short, for all symbols; the venue refuses it while anything is open."""
        body = {"posMode": "long_short_mode" if hedge else "net_mode"}
        await self._caller.call("POST", "account/set-position-mode", body)
        self._identity = None

    async def find(self, ref: OrderRef) -> Found:
        """See `TradingVenue.find`: by id, then in the history, which remembers what the look-up forgot."""
        report = await (self._find_stop(ref) if ref.is_algo else self._find_order(ref))
        if report is None or ref.is_algo or report.cum_filled == 0:
            return Found(report=report, fills=[])
        named = {"instType": _kind(ref.symbol), "instId": ref.symbol, "ordId": report.venue_order_id}
        found = await self._caller.pages("trade/fills", named, "billId")
        fills = [rows.listed_fill(row, self._owner) for row in reversed(found)]
        if sum(fill.qty for fill in fills) < report.cum_filled:  # older than three days
            found = await self._caller.pages("trade/fills-history", named, "billId")
            fills = [rows.listed_fill(row, self._owner) for row in reversed(found)]
        return Found(report=report, fills=fills)

    async def _find_order(self, ref: OrderRef) -> VenueReport | None:
        named = requests.named(ref)
        found = await self._caller.rows("trade/order", {"instId": ref.symbol, **named}, _ABSENT)
        if not found:
            params = {"instType": _kind(ref.symbol), "instId": ref.symbol}
            listed = await self._caller.pages("trade/orders-history", params, "ordId")
            found = [row for row in listed if _names(row, named)]
        return rows.order_report(found[0], self._owner) if found else None

    async def _find_stop(self, ref: OrderRef) -> VenueReport | None:
        named = requests.named(ref)
        found = await self._caller.rows("trade/order-algo", named, _ABSENT)
        for state in () if found else _STOP_ENDS:
            params = {"ordType": "conditional,oco", "state": state, "instId": ref.symbol}
            listed = await self._caller.pages("trade/orders-algo-history", params, "algoId")
            found += [row for row in listed if _names(row, named)]
        return rows.algo_report(found[0], self._owner) if found else None

    async def open_orders(self) -> list[VenueReport]:
        """See `TradingVenue.open_orders`."""
        orders, *stops = await asyncio.gather(
            self._caller.pages("trade/orders-pending", {}, "ordId"),
            *(self._caller.pages("trade/orders-algo-pending", {"ordType": kind}, "algoId") for kind in _STOP_KINDS),
        )
        found = [rows.order_report(row, self._owner) for row in orders]
        return found + [rows.algo_report(row, self._owner) for listed in stops for row in listed]

    async def ended_orders(self, since: datetime) -> list[VenueReport]:
        """See `TradingVenue.ended_orders`. The venue filters by creation, so a longer stretch is read and sifted."""
        begin = {"begin": str(millis(since - timedelta(days=1)))}
        orders = [self._caller.pages("trade/orders-history", {"instType": kind, **begin}, "ordId") for kind in _KINDS]
        stops = [
            self._caller.pages("trade/orders-algo-history", {"ordType": "conditional,oco", "state": end}, "algoId")
            for end in _STOP_ENDS
        ]
        listed = await asyncio.gather(*orders, *stops)
        reports = [rows.algo_report(row, self._owner) for page in listed[len(orders) :] for row in page]
        reports += [rows.order_report(row, self._owner) for page in listed[: len(orders)] for row in page]
        ended = [report for report in reports if report.updated_at >= since]
        return sorted(ended, key=lambda report: (report.created_at, not report.is_algo, report.venue_order_id))

    async def fills(self, since: datetime) -> list[Fill]:
        """See `TradingVenue.fills`."""
        recent = self._clock.now() - since < timedelta(days=3) - timedelta(hours=1)
        path = "trade/fills" if recent else "trade/fills-history"
        params = {"begin": str(millis(since))}
        listed = await asyncio.gather(
            *(self._caller.pages(path, {"instType": kind, **params}, "billId") for kind in _KINDS)
        )
        found = [rows.listed_fill(row, self._owner) for page in listed for row in page]
        return sorted(found, key=lambda fill: (fill.at, len(fill.trade_id), fill.trade_id))

    async def positions(self) -> list[VenuePosition]:
        """See `TradingVenue.positions`."""
        found = [rows.position(row) for row in await self._caller.rows("account/positions", {"instType": "SWAP"})]
        return [one for one in found if one is not None]

    async def balances(self) -> list[Balance]:
        """See `TradingVenue.balances`."""
        found = await self._caller.rows("account/balance")
        return [rows.balance(row) for row in found[0]["details"]]

    async def bills(self, since: datetime) -> list[Bill]:
        """See `TradingVenue.bills`."""
        found = await self._caller.pages("account/bills", {"begin": str(millis(since))}, "billId")
        return [rows.bill(row) for row in reversed(found)]

    async def set_leverage(self, symbol: Symbol, leverage: int, margin_mode: str) -> int:
        """See `TradingVenue.set_leverage`."""
        body = {"instId": symbol, "lever": str(leverage), "mgnMode": margin_mode}
        await self._caller.call("POST", "account/set-leverage", body)
        found = await self._caller.rows("account/leverage-info", {"instId": symbol, "mgnMode": margin_mode})
        return int(Decimal(found[0]["lever"]))

    def stream(self, sink: StreamSink) -> PrivateStream:
        """See `TradingVenue.stream`."""

        def wire() -> Wire:
            return Wire(self._public.transport, self._public.endpoint, self._keys, self._public.venue_clock)

        return AccountStream(OkxTalk(wire, self._owner), self._owner, sink, self._clock)

    async def close(self) -> None:
        """See `TradingVenue.close`."""
        await self._caller.close()


def _kind(symbol: Symbol) -> str:
    return "SWAP" if symbol.endswith("-SWAP") else "SPOT"


def _names(row: dict[str, Any], named: dict[str, str]) -> bool:
    return all(row.get(key) == value for key, value in named.items())
