"""One account at Binance, Bitget, Bybit or Upbit: everything that is the same. Quirks are in the venue's own file.

Each is written by us as a `Call` and only signed and carried by the client library; the venue's file says which call it
is, and how the rows of an answer read.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Final

from tradingboost.core.errors import InvalidInput, Unavailable
from tradingboost.core.ids import ClientOrderId, Symbol, Venue
from tradingboost.core.money import ZERO
from tradingboost.core.order import Fill, VenueReport
from tradingboost.shared.interfaces.exchange import (
    AmendOrder,
    Found,
    Identity,
    OrderRef,
    Outcome,
    OutcomeClass,
    PlaceOrder,
)
from tradingboost.venues.answers import MANNERS
from tradingboost.venues.base import Keys, Owner, PrivateStream, StreamSink
from tradingboost.venues.call import Call
from tradingboost.venues.capabilities import TABLE, Ask, Capabilities
from tradingboost.venues.evidence import Evidence
from tradingboost.venues.fields import millis
from tradingboost.venues.outcome import Asked, Write
from tradingboost.venues.private_stream import AccountStream
from tradingboost.venues.rest_call import RestCaller
from tradingboost.venues.rest_public import RestPublic
from tradingboost.venues.talks import TALKS
from tradingboost.venues.ticket import TRIGGER_BY, Close, Mode, Ticket, check, closing, left_to_the_platform

_AHEAD_MS: Final = 60_000
_WRONG_MODE: Final = frozenset({"-4061", "40774", "10001"})
"""Codes that say that our idea of the position mode is old."""


class RestAccount(ABC):
    """Implements the writing half of `venues.base.TradingVenue`; a venue fills in its calls and reads.

    Args:
        trigger_by: which price sets stops off, last or mark; the venue's default is not relied on.
    """

    VENUE: ClassVar[Venue]

    def __init__(self, public: RestPublic, owner: Owner, keys: Keys, trigger_by: str = "mark") -> None:
        from tradingboost.venues import library

        if trigger_by not in TRIGGER_BY:
            raise InvalidInput("bad_trigger_source", "Stops are set off by the last or the mark price.")
        self.public = public
        self.owner = owner
        self.keys = keys
        self.trigger_by = trigger_by
        self.clock = public.transport.clock
        self.instance: Any = library.opened(self.VENUE, public.transport, public.endpoint, keys)
        public.venue_clock.lead(self.instance)
        self.caller = RestCaller(self.instance, MANNERS[self.VENUE])
        self._identity: Identity | None = None

    @abstractmethod
    def placing(self, ticket: Ticket, mode: Mode) -> Call:
        """The call of a submission."""
        ...

    @abstractmethod
    async def cancelling(self, ref: OrderRef) -> Call | None:
        """The call of a cancellation; None where there is no such order."""
        ...

    @abstractmethod
    async def amending(self, change: AmendOrder, mode: Mode) -> Call | None:
        """The call of an amendment; None where there is no such order."""
        ...

    @abstractmethod
    async def cancelling_all(self, symbol: Symbol) -> list[Call]:
        """The calls that end everything of a symbol."""
        ...

    @abstractmethod
    async def read_identity(self, clock_offset_ms: int) -> Identity:
        """Who we are, and in which mode."""
        ...

    async def hedged(self, symbol: Symbol) -> bool:
        """Whether a symbol holds two legs."""
        del symbol
        return (self._identity or await self.open()).position_mode == "hedge"

    @property
    def capabilities(self) -> Capabilities:
        """See `TradingVenue.capabilities`."""
        return TABLE[self.VENUE]

    async def open(self) -> Identity:
        """See `TradingVenue.open`."""
        await self.public.instruments()
        return await self.identity()

    async def identity(self) -> Identity:
        """See `TradingVenue.identity`.

        Raises:
            InvalidInput: `unknown_account_mode`; nothing is traded in a mode nobody has tried.
        """
        self._identity = await self.read_identity(await self.public.venue_clock.measure())
        return self._identity

    async def place(self, order: PlaceOrder, deadline: float) -> Outcome:
        """See `TradingVenue.place`."""
        ticket = left_to_the_platform(Ticket.of(order), self.capabilities)
        return await self.submit(ticket, deadline, order.expires_at)

    async def place_batch(self, orders: Sequence[PlaceOrder], deadline: float) -> list[Outcome]:
        """See `TradingVenue.place_batch`: side by side, a request each."""
        told = await asyncio.gather(*(self._placed(one, deadline) for one in orders), return_exceptions=True)
        for one in told:
            if isinstance(one, BaseException):  # all of them are over by now, so nothing goes on unheard
                raise one
        return [one for one in told if isinstance(one, Outcome)]

    async def _placed(self, order: PlaceOrder, deadline: float) -> Outcome:
        try:
            return await self.place(order, deadline)
        except InvalidInput as error:
            return Outcome(kind=OutcomeClass.REFUSED, code=error.code, message=error.message)
        except Unavailable as error:
            return Outcome(kind=OutcomeClass.NOT_SENT, code=error.code, message=error.message)

    async def submit(self, ticket: Ticket, deadline: float, expires_at: datetime) -> Outcome:
        """As `place`, for everything the venue can be asked for."""
        if self._identity is None:
            await self.open()
        instrument, least = await self.public.rules(ticket.symbol)
        mode = await self._checked(ticket)
        _check_value(ticket, instrument.contract_size, least)
        expires_ms = millis(expires_at) + self.public.venue_clock.offset_ms
        evidence = Evidence(deadline=deadline, expires_ms=expires_ms)
        return await self._write(self.placing(ticket, mode), Write.SUBMIT, ticket.client_order_id, evidence)

    async def _checked(self, ticket: Ticket) -> Mode:
        """The table speaks before the mode of a symbol is asked for, for that may take a question."""
        instrument = await self.public.instrument(ticket.symbol)
        netting = Mode(hedge=ticket.second_leg, trigger_by=self.trigger_by)
        check(ticket, instrument, netting, self.capabilities)
        mode = Mode(hedge=await self.hedged(ticket.symbol), trigger_by=self.trigger_by)
        check(ticket, instrument, mode, self.capabilities)
        return mode

    async def cancel(self, ref: OrderRef) -> Outcome:
        """See `TradingVenue.cancel`."""
        call = await self.cancelling(ref)
        return await self._write(call, Write.CANCEL, ref.client_order_id, Evidence(), algo=ref.is_algo)

    async def amend(self, change: AmendOrder) -> Outcome:
        """See `TradingVenue.amend`."""
        self.capabilities.require(Ask.AMEND_STOP if change.ref.is_algo else Ask.AMEND_ORDER)
        call = await self.amending(change, Mode(False, self.trigger_by))
        return await self._write(call, Write.AMEND, self.amended_name(change), Evidence(), algo=change.ref.is_algo)

    def amended_name(self, change: AmendOrder, /) -> ClientOrderId | None:
        """The client id the answer to an amendment echoes, None where that is not known."""
        return change.ref.client_order_id

    async def cancel_all(self, symbol: Symbol) -> None:
        """Ask for the end of everything of a symbol, orders and stops; repeating it changes nothing.

        Raises:
            Unavailable: not all of it was heard; ask again.
        """
        self.capabilities.require(Ask.CANCEL_ALL)
        for call in await self.cancelling_all(symbol):
            await self.caller.settle(call)

    async def close_position(self, wanted: Close, deadline: float, expires_at: datetime) -> Outcome:
        """Close a leg at market: a market order that only reduces."""
        self.capabilities.require(Ask.CLOSE_POSITION)
        instrument = await self.public.instrument(wanted.symbol)
        ticket = closing(wanted, instrument)
        return await self.submit(ticket, deadline, expires_at)

    async def _write(
        self,
        call: Call | None,
        write: Write,
        name: ClientOrderId | None,
        evidence: Evidence,
        *,
        algo: bool | None = None,
    ) -> Outcome:
        if call is None:
            return Outcome(kind=OutcomeClass.GONE, code="not_listed", message="The venue lists no such order.")
        told = "algo" in call.path.lower() if algo is None else algo
        outcome = await self.caller.write(call, Asked(write, name, algo=told), evidence)
        if outcome.code in _WRONG_MODE:
            self._identity = None
        return outcome

    async def find(self, ref: OrderRef) -> Found:
        """See `TradingVenue.find`."""
        report, fills = await self.search(ref)
        return Found(report=report, fills=fills)

    @abstractmethod
    async def search(self, ref: OrderRef) -> tuple[VenueReport | None, list[Fill]]:
        """One healthy look-up by id, with the fills of what was found."""
        ...

    def until_ms(self) -> int:
        """Up to when lists are read: a minute more than now, for the venue's clock may be ahead of ours."""
        return millis(self.clock.now()) + _AHEAD_MS

    async def gathered(self, calls: list[Call]) -> list[Any]:
        """The data of several reads; one that fails fails them all."""
        return list(await asyncio.gather(*(self.caller.ask(call) for call in calls)))

    def stream(self, sink: StreamSink) -> PrivateStream:
        """See `TradingVenue.stream`."""
        talk = TALKS[self.VENUE](self.public, self.owner, self.keys, self.caller)
        return AccountStream(talk, self.owner, sink, self.clock)

    async def close(self) -> None:
        """See `TradingVenue.close`."""
        await self.caller.close()


def _check_value(ticket: Ticket, contract_size: Decimal, least: Decimal) -> None:
    """Refuse what the venue finds too small to bother, where its value is known; what only reduces may be small.

    Raises:
        InvalidInput: `below_minimum_value`.
    """
    value = ticket.cost if ticket.cost is not None else (ticket.price or ZERO) * ticket.qty * contract_size
    if 0 < value < least and not ticket.reduce_only:
        message = f"An order is worth at least {least} at this venue; take a larger quantity."
        raise InvalidInput("below_minimum_value", message, value=str(value), least=str(least))
