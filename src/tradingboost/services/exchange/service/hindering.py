"""What keeps an account from opening anything, besides its own rules: the venue's patience, its clock, its instruments.

The same answers refuse an entry on the spot and are told as facts, so that whoever decides and whoever owns the account
know of it.
"""

import structlog

from tradingboost.core.errors import Refused, Unavailable
from tradingboost.core.ids import AccountId, Symbol
from tradingboost.kit import outbox
from tradingboost.kit.context import Context
from tradingboost.services.exchange.service.accounts import Accounts, Connected
from tradingboost.services.exchange.service.judging import OF_KEYS, why_no_entries
from tradingboost.services.exchange.service.rules import Rulebook
from tradingboost.services.exchange.settings import ExchangeSettings
from tradingboost.shared.events.exchange import VenueRestricted
from tradingboost.shared.interfaces.exchange import PlaceOrder
from tradingboost.venues.catalogue import Venues

log = structlog.get_logger(__name__)

CLOCK, INSTRUMENT = "clock_off", "instrument_changed"
_OF_ACCOUNT = (CLOCK, "rate_banned", "venue_maintenance", *OF_KEYS)
_SURE_MS = 500
"""A slow round trip leaves as much doubt about an offset."""
_HOLDS_S = 3600.0

Cause = tuple[str, str]
"""(symbol or "", code)."""


class Hindrances:
    """Of every connected account."""

    def __init__(
        self, context: Context, accounts: Accounts, rules: Rulebook, venues: Venues, settings: ExchangeSettings
    ) -> None:
        self._db = context.db
        self._clock = context.clock
        self._accounts = accounts
        self._rules = rules
        self._venues = venues
        self._most_ms = settings.max_clock_offset_s * 1000 + _SURE_MS
        self._bound_only = settings.require_ip_binding
        self._told: dict[AccountId, dict[Cause, str]] = {}

    async def of_entry(self, connected: Connected, order: PlaceOrder) -> Cause | None:
        """(code, sentence) why this opening is not sent."""
        if not connected.stream.healthy:
            return "stream_gap", "The account's stream is away; nothing opens until it is back and compared."
        found = self._of_account(connected)
        if found:
            return next(iter(found.items()))
        why = await self._rules.why_not(order.account_id, connected.account.venue, order.symbol)
        return (INSTRUMENT, why) if why else None

    def told(self, account_id: AccountId) -> dict[str, str]:
        """What keeps an account from opening anything, as last reviewed."""
        return {
            " ".join(part for part in cause if part): said for cause, said in self._told.get(account_id, {}).items()
        }

    async def read_again(self, connected: Connected) -> None:
        """Who we are and what time it is there; what cannot be read is asked again later."""
        try:
            connected.identity = await connected.venue.identity()
            connected.read_s = self._clock.monotonic()
        except (Unavailable, Refused) as error:
            log.warning("account_not_read", account_id=connected.account.account_id, code=error.code)

    async def review(self) -> None:
        """Measure what is due, and tell what began and what ended.

        Raises:
            Unavailable: it could not be stored; the next review tells it.
        """
        await self._rules.keep()
        for connected in self._accounts.all():
            if self._clock.monotonic() - connected.read_s > _HOLDS_S:
                await self.read_again(connected)
            await self._tell(connected)

    async def _tell(self, connected: Connected) -> None:
        account_id, venue = connected.account.account_id, connected.account.venue
        found: dict[Cause, str] = {("", code): said for code, said in self._of_account(connected).items()}
        parked = await self._rules.parked(account_id, venue)
        found |= {(symbol, INSTRUMENT): said for symbol, said in parked.items()}
        told = set(self._told.get(account_id, {}))
        begun = set(found) - told
        if account_id not in self._told:  # an earlier life may have told what has ended since
            told |= {("", code) for code in _OF_ACCOUNT}
            told |= {(symbol, INSTRUMENT) for symbol in await self._rules.known(account_id)}
        ended = told - set(found)
        if begun or ended:
            await self._store(connected, {cause: found[cause] for cause in sorted(begun)}, sorted(ended))
        self._told[account_id] = found

    async def _store(self, connected: Connected, begun: dict[Cause, str], ended: list[Cause]) -> None:
        account = connected.account
        async with self._db.transaction() as db:
            for (symbol, code), said in [*begun.items(), *((cause, "") for cause in ended)]:
                payload = VenueRestricted(
                    account_id=account.account_id,
                    user_id=account.user_id,
                    venue=account.venue,
                    symbol=Symbol(symbol) if symbol else None,
                    cause=code,
                    restricted=bool(said),
                    reason=said,
                )
                name = symbol or account.account_id
                await outbox.emit(
                    db,
                    payload,
                    key=f"{account.user_id}:{account.venue}:{name}",
                    aggregate=f"venue:{account.account_id}:{symbol or 'stream'}",
                    user_id=account.user_id,
                )
        for (symbol, code), said in begun.items():
            log.warning("entries_hindered", account_id=account.account_id, symbol=symbol, code=code, reason=said)

    def _of_account(self, connected: Connected) -> dict[str, str]:
        found = {}
        offset_ms = connected.identity.clock_offset_ms
        if abs(offset_ms) > self._most_ms:
            found[CLOCK] = (
                f"The clock of {connected.account.venue} and ours differ by {abs(offset_ms) / 1000:.1f} s; "
                "nothing opens until they agree. Set this machine's time (NTP)."
            )
        of_keys = why_no_entries(connected.opened.sealed, connected.account, self._clock.now(), self._bound_only)
        if of_keys is not None:
            found[of_keys[0]] = of_keys[1]
        of_venue = self._venues.governor.hindrance(connected.account.venue)
        if of_venue is not None:
            found[of_venue[0]] = of_venue[1]
        return found
