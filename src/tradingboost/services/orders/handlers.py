"""Facts `orders` reacts to."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, Symbol
from tradingboost.kit.bus import Subscription
from tradingboost.kit.clock import Clock
from tradingboost.kit.events import Cause
from tradingboost.kit.inbox import Together
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.service import OrdersService
from tradingboost.services.orders.service.absorbing import Evidence, Piece
from tradingboost.services.orders.service.resolving import mismatch_cause
from tradingboost.shared.events.envelope import Event
from tradingboost.shared.events.exchange import StreamResynced, VenueReported, VenueRestricted
from tradingboost.shared.events.positions import MismatchCleared, MismatchFound
from tradingboost.shared.events.users import CredentialsChanged

_IN_FORCE: Final = ("active", "read_only")


class Handlers:
    """Evidence of the private streams, and their gaps."""

    def __init__(self, service: OrdersService, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self.resync: dict[AccountId, str] = {}
        """Accounts that must be compared, since their stream had a gap, with the stretch that follows it."""

    def subscriptions(self) -> list[Subscription]:
        """What is heard."""
        return [
            Subscription("venue", "orders", self._of_venue()),
            Subscription("positions", "orders", {MismatchFound: self.mismatched, MismatchCleared: self.matched}),
            Subscription("users", "orders", {CredentialsChanged: self.rekeyed}),
        ]

    def _of_venue(self) -> dict[type[Any], Any]:
        return {VenueReported: Together(self.reported), StreamResynced: self.resynced, VenueRestricted: self.restricted}

    async def reported(self, db: AsyncConnection, events: Sequence[Event[Any]]) -> None:
        """Join what the venue said, once it is known what was sent without a row."""
        await self._service.importer.cleared()
        rules, now = self._service.looker.instrument, self._clock.now()
        for owner, same in groupby(events, lambda event: (event.payload.account_id, event.payload.user_id)):
            await self._service.absorber.absorb(db, owner, [_piece(event) for event in same], rules, now)

    async def mismatched(self, db: AsyncConnection, event: Event[Any]) -> None:
        """Entries wait while our books and the venue disagree; nothing is repaired by a trade."""
        told: MismatchFound = event.payload
        await self._service.restrict(db, *_mismatch(told), restricted=True)
        said = (
            f"{told.symbol}: our books hold {told.ours} and the venue {told.venue}. Entries wait, stops stay. Look at "
            "the venue, then decide: mismatches adopt, close or ignore; entries go on once both agree."
        )
        await self._service.alarm(db, f"{told.account_id}:{told.symbol}:{event.id}", "position_mismatch", said, told)

    async def matched(self, db: AsyncConnection, event: Event[Any]) -> None:
        """Both agree again."""
        await self._service.restrict(db, *_mismatch(event.payload), restricted=False)

    async def rekeyed(self, db: AsyncConnection, event: Event[Any]) -> None:
        """What is decided from now on is decided under these keys, or under none."""
        told: CredentialsChanged = event.payload
        if told.status in _IN_FORCE:
            await store.trade_with(db, told.account_id, told.credential_id, told.version)
        else:
            await store.trade_no_more_with(db, told.account_id, told.credential_id)

    async def restricted(self, db: AsyncConnection, event: Event[Any]) -> None:
        """The venue's patience, its clock or a symbol's rules keep us from opening anything, or no longer do."""
        await self._service.looker.heed_venue(db, event.payload)

    async def resynced(self, db: AsyncConnection, event: Event[Any]) -> None:
        """The stream alone never proves silence; what was not heard during the gap may exist."""
        told: StreamResynced = event.payload
        await store.restart_proofs(db, told.account_id)
        if not self._service.accounts.compared_within(told.account_id, told.stretch):
            self.resync[told.account_id] = told.stretch


def _piece(event: Event[VenueReported]) -> Piece:
    evidence = Evidence(reports=event.payload.reports, fills=event.payload.fills)
    return Piece(evidence=evidence, cause=Cause(event.correlation_id, str(event.id)))


def _mismatch(told: MismatchFound | MismatchCleared) -> tuple[tuple[AccountId, Symbol], str]:
    return (told.account_id, told.symbol), mismatch_cause(told.position_side)
