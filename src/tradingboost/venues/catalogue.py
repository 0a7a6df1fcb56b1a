"""Every venue we can speak, each opened once per address."""

import asyncio
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Venue
from tradingboost.kit.clock import Clock
from tradingboost.venues.base import CandleHistory, Endpoint, Keys, Owner, PublicVenue, TradingVenue
from tradingboost.venues.binance import BinanceAccount, BinancePublic
from tradingboost.venues.bitget import BitgetAccount, BitgetPublic
from tradingboost.venues.bybit import BybitAccount, BybitPublic
from tradingboost.venues.capabilities import OKX, TABLE, Ask
from tradingboost.venues.governor import Governor
from tradingboost.venues.okx import OkxAccount
from tradingboost.venues.okx_public import OkxPublic
from tradingboost.venues.rest_public import RestPublic
from tradingboost.venues.transport import Transport
from tradingboost.venues.upbit import UpbitAccount, UpbitPublic

Made = Callable[[RestPublic, Owner, Keys, str], TradingVenue]
_OTHERS: Final[dict[Venue, tuple[type[RestPublic], Made]]] = {
    BinancePublic.VENUE: (BinancePublic, BinanceAccount),
    BitgetPublic.VENUE: (BitgetPublic, BitgetAccount),
    BybitPublic.VENUE: (BybitPublic, BybitAccount),
    UpbitPublic.VENUE: (UpbitPublic, UpbitAccount),
}


class Venues:
    """The venues of one process, over one transport.

    Args:
        endpoints: where public data comes from, by venue; a venue that is not named is reached at its own address.
        governor: counts the requests of this process; None = one that shares nothing with other processes.
    """

    def __init__(
        self, clock: Clock, endpoints: Mapping[Venue, Endpoint] | None = None, governor: Governor | None = None
    ) -> None:
        self._transport = Transport(clock, governor)
        self._endpoints = {venue: Endpoint() for venue in TABLE} | dict(endpoints or {})
        self._opened: dict[tuple[Venue, Endpoint], OkxPublic | RestPublic] = {}

    @property
    def governor(self) -> Governor:
        """What every request of this process passes."""
        return self._transport.governor

    def public(self, venue: Venue) -> PublicVenue:
        """What a venue tells everybody.

        Raises:
            InvalidInput: nobody here speaks to it.
        """
        return self._public(venue, self._default(venue))

    def history(self, venue: Venue) -> CandleHistory:
        """The past of its candles.

        Raises:
            InvalidInput: nobody here speaks to it.
        """
        return self._public(venue, self._default(venue))

    def publics(self) -> dict[Venue, PublicVenue]:
        """All of them; nothing is dialled before the first use."""
        return {venue: self.public(venue) for venue in self._endpoints}

    def account(self, owner: Owner, keys: Keys, endpoint: Endpoint, trigger_by: str) -> TradingVenue:
        """One account, not yet opened.

        Args:
            endpoint: an empty address means where the venue's public data comes from.
        """
        known = self._default(owner.venue)
        merged = Endpoint(rest=endpoint.rest or known.rest, ws=endpoint.ws or known.ws, demo=endpoint.demo)
        if endpoint.demo:
            TABLE[owner.venue].require(Ask.DEMO)
        public = self._public(owner.venue, merged)
        if isinstance(public, OkxPublic):
            return OkxAccount(public, owner, keys, trigger_by)
        return _OTHERS[owner.venue][1](public, owner, keys, trigger_by)

    async def load(self) -> None:
        """Import the client library beside the loop: it takes seconds, in which nobody else would be served."""
        for name in ("okx_ccxt", "library"):
            await asyncio.to_thread(import_module, f"tradingboost.venues.{name}")

    async def close(self) -> None:
        """Let go of everything."""
        for opened in self._opened.values():
            await opened.close()
        await self._transport.close()

    def _default(self, venue: Venue) -> Endpoint:
        found = self._endpoints.get(venue)
        if found is None:
            known = ", ".join(sorted(self._endpoints))
            raise InvalidInput("unknown_venue", f"{venue!r} is no venue of this platform; choose one of {known}.")
        return found

    def _public(self, venue: Venue, endpoint: Endpoint) -> OkxPublic | RestPublic:
        key = (venue, endpoint)
        if key not in self._opened:
            made = OkxPublic if venue == OKX.venue else _OTHERS[venue][0]
            self._opened[key] = made(self._transport, endpoint)
        return self._opened[key]
