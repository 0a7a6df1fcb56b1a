"""Every venue we can speak, each opened once per address."""

import asyncio
from collections.abc import Mapping
from importlib import import_module

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Venue
from tradingboost.kit.clock import Clock
from tradingboost.venues.base import CandleHistory, Endpoint, Keys, Owner, PublicVenue, TradingVenue
from tradingboost.venues.capabilities import OKX
from tradingboost.venues.governor import Governor
from tradingboost.venues.okx import OkxAccount
from tradingboost.venues.okx_public import OkxPublic
from tradingboost.venues.transport import Transport


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
        self._endpoints = {OKX.venue: Endpoint()} | dict(endpoints or {})
        self._opened: dict[tuple[Venue, Endpoint], OkxPublic] = {}

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
        return OkxAccount(self._public(owner.venue, merged), owner, keys, trigger_by)

    async def load(self) -> None:
        """Import the client library beside the loop: it takes seconds, in which nobody else would be served."""
        await asyncio.to_thread(import_module, "tradingboost.venues.okx_ccxt")

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

    def _public(self, venue: Venue, endpoint: Endpoint) -> OkxPublic:
        key = (venue, endpoint)
        if key not in self._opened:
            self._opened[key] = OkxPublic(self._transport, endpoint)
        return self._opened[key]
