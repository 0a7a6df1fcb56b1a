"""Rules of instruments as versions: sizes made for other terms than those in force open nothing.

A run sizes its orders by the contract size and steps it found when it claimed the symbol. When the venue changes them,
stops listing the symbol or suspends it, the symbol is parked for the accounts that trade it: nothing opens there, what
reduces or protects is still tried. Claiming the symbol anew, which starting a run does, takes the new terms over.
"""

from typing import Final

import structlog

from tradingboost.core.errors import NotFound, Unavailable
from tradingboost.core.ids import AccountId, Symbol, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.kit.context import Context
from tradingboost.services.exchange import repository as store
from tradingboost.venues.catalogue import Venues

log = structlog.get_logger(__name__)

_LIVE: Final = "live"
_LISTED_S: Final = 300.0
"""A claim reads the venue's list again when the last reading is older."""


class Rulebook:
    """The rules in force, those that were, and who trades by which."""

    def __init__(self, context: Context, venues: Venues) -> None:
        self._db = context.db
        self._clock = context.clock
        self._venues = venues
        self._seen: dict[tuple[Venue, Symbol], Instrument] = {}
        self._unkept: dict[tuple[Venue, Symbol], Instrument] = {}
        self._read_s: dict[Venue, float] = {}
        self._traded: dict[AccountId, dict[Symbol, str]] = {}

    async def instrument(self, venue: Venue, symbol: Symbol) -> Instrument:
        """The rules in force; of a symbol the venue no longer lists, the last ones.

        Raises:
            NotFound: nobody ever saw it.
        """
        found = (await self._venues.public(venue).instruments()).get(symbol)
        key = (venue, symbol)
        if found is not None:
            if self._seen.get(key) != found:
                self._seen[key] = self._unkept[key] = found
            return found
        if key not in self._seen:
            async with self._db.read() as db:
                kept = await store.kept_rules(db, venue, symbol)
            if kept is None:
                message = f"{venue} lists no {symbol}; use the venue's own name."
                raise NotFound("unknown_symbol", message, symbol=symbol)
            self._seen[key] = kept
        return self._seen[key]

    async def refresh(self, venue: Venue) -> None:
        """Read the venue's list again.

        Raises:
            Unavailable: it could not be read; what is known stays in force.
        """
        self._read_s[venue] = self._clock.monotonic()
        await self._venues.public(venue).instruments(refresh=True)

    async def _fresh(self, venue: Venue) -> None:
        try:
            await self.refresh(venue)
        except Unavailable as error:
            log.warning("instruments_not_read", venue=venue, code=error.code)

    async def keep(self) -> None:
        """Store what was seen since the last time."""
        if not self._unkept:
            return
        going, self._unkept = self._unkept, {}
        try:
            async with self._db.transaction() as db:
                for found in going.values():
                    await store.keep_rules(db, found, self._clock.now())
        except BaseException:
            self._unkept = {**going, **self._unkept}
            raise

    async def begin(self, account_id: AccountId, venue: Venue, symbol: Symbol) -> None:
        """A run of the account claims the symbol: its sizes are made for the terms in force."""
        now_s = self._clock.monotonic()
        if now_s - self._read_s.setdefault(venue, now_s) > _LISTED_S:
            await self._fresh(venue)
        known, terms = await self.known(account_id), terms_of(await self.instrument(venue, symbol))
        async with self._db.transaction() as db:
            await store.trade_under(db, account_id, symbol, terms, self._clock.now())
        known[symbol] = terms

    async def known(self, account_id: AccountId) -> dict[Symbol, str]:
        """The terms an account trades its symbols under."""
        if account_id not in self._traded:
            async with self._db.read() as db:
                self._traded[account_id] = await store.traded(db, account_id)
        return self._traded[account_id]

    async def parked(self, account_id: AccountId, venue: Venue) -> dict[Symbol, str]:
        """Why nothing opens, by symbol, of those the account trades."""
        listed = await self._venues.public(venue).instruments()
        whys = {symbol: _why(symbol, terms, listed) for symbol, terms in (await self.known(account_id)).items()}
        return {symbol: why for symbol, why in whys.items() if why}

    async def why_not(self, account_id: AccountId, venue: Venue, symbol: Symbol) -> str:
        """Why nothing opens on a symbol, "" when it may."""
        listed = await self._venues.public(venue).instruments()
        return _why(symbol, (await self.known(account_id)).get(symbol), listed)


def terms_of(instrument: Instrument) -> str:
    """What sizes depend on. Leverage and largest sizes may change without anybody's sizes being wrong."""
    return (
        f"contract {instrument.contract_size}, tick {instrument.tick}, lot {instrument.lot}, least {instrument.min_qty}"
    )


def _why(symbol: Symbol, traded: str | None, listed: dict[Symbol, Instrument]) -> str:
    found = listed.get(symbol)
    if found is None:
        return f"{symbol} is no longer listed; nothing opens there. Stop its runs and close what is held at the venue."
    if found.state != _LIVE:
        return f"{symbol} is not traded now ({found.state}); nothing opens until it is."
    terms = terms_of(found)
    if traded is not None and traded != terms:
        return f"{symbol} was traded as {traded} and is now {terms}; stop its runs and start them again."
    return ""
