"""What people allow themselves: which symbols may be opened, and how much may be lost on one day.

The check of every opening reads them (`service/weighing.py`). What is done here: setting them, and ending the day of an
account or a person whose loss reached its limit, so that nothing opens until 00:00 UTC even if some of it comes back.
"""

from typing import Final

import structlog

from tradingboost.core.errors import OutcomeUnknown, Unavailable
from tradingboost.core.ids import AccountId, Symbol, Venue
from tradingboost.core.risk import reached
from tradingboost.kit import audit
from tradingboost.kit.context import Context
from tradingboost.services.orders import errors
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.service import telling
from tradingboost.services.orders.service.accounts import Accounts, DayLoss
from tradingboost.services.orders.service.days import lost_today
from tradingboost.shared.interfaces.exchange import Exchange
from tradingboost.shared.interfaces.orders import OwnLimits, SetLimits
from tradingboost.shared.interfaces.positions import Positions

log = structlog.get_logger(__name__)

DAY_LOST: Final = "daily_loss"
"""The kind of alert."""
EVERY_S: Final = 15.0
MOST_SYMBOLS: Final = 200
_SCOPES: Final = ("account", "user")


class Limiter:
    """Sets the limits of people, and ends days."""

    def __init__(self, context: Context, exchange: Exchange, positions: Positions, accounts: Accounts) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._exchange = exchange
        self._positions = positions
        self._accounts = accounts
        self._due_s = 0.0

    async def limits(self, account_id: AccountId) -> list[OwnLimits]:
        """See `Orders.limits`."""
        account = await self._accounts.account(account_id)
        async with self._db.read() as db:
            return list(await store.own_limits(db, (account.account_id, account.user_id)))

    async def set_limits(self, request: SetLimits, by: str) -> list[OwnLimits]:
        """See `Orders.set_limits`."""
        account, now = await self._accounts.account(request.account_id), self._clock.now()
        if request.scope not in _SCOPES:
            raise errors.bad_limit(f"it is of an account or a user, not of {request.scope!r}.")
        most = request.max_daily_loss_quote
        if most is not None and not (most.is_finite() and most > 0):
            raise errors.bad_limit("the loss of a day is a number above zero; leave it out for no limit.")
        symbols = await self._symbols(account.venue, request.symbols)
        key = account.account_id if request.scope == "account" else account.user_id
        async with self._db.transaction() as db:
            before = next(iter(await store.own_limits(db, (key,))), None)
            wanted = OwnLimits(
                scope=request.scope,
                key=key,
                user_id=account.user_id,
                symbols=symbols,
                max_daily_loss_quote=request.max_daily_loss_quote,
                reached_on=None if before is None or _more(before, request) else before.reached_on,
                set_by=by,
                set_at=now,
            )
            await store.put_limits(db, wanted)
            was = None if before is None else [before.symbols, before.max_daily_loss_quote]
            said = {"symbols": symbols, "max_daily_loss_quote": request.max_daily_loss_quote, "before": was}
            await audit.append(db, "limits.set", actor=by, at=now, user_id=account.user_id, subject=key, details=said)
        if wanted.reached_on is None:
            self._accounts.days_lost.pop((request.scope, key), None)
        return await self.limits(request.account_id)

    async def _symbols(self, venue: Venue, wanted: list[Symbol] | None) -> list[Symbol] | None:
        if wanted is None:
            return None
        if len(wanted) > MOST_SYMBOLS:
            raise errors.bad_limit(f"at most {MOST_SYMBOLS} symbols are named; without a list any may be opened.")
        for symbol in wanted:
            await self._exchange.instrument(venue, symbol)
        return sorted(set(wanted))

    async def audit(self) -> None:
        """Store what the checks of openings found, and look at every account that has a limit, each 15 s."""
        for place, lost in list(self._accounts.days_lost.items()):
            await self._end_day(place, lost)
        if self._clock.monotonic() < self._due_s:
            return
        self._due_s = self._clock.monotonic() + EVERY_S
        today = self._clock.now().date()
        owners = {one: (await self._accounts.account(one)).user_id for one in self._accounts.held}
        if not owners:
            return
        async with self._db.read() as db:
            found = await store.own_limits(db, {*owners, *owners.values()})
        for limit in found:
            if limit.max_daily_loss_quote is None or limit.reached_on == today:
                continue
            account_id = next(one for one, owner in owners.items() if limit.key in (one, owner))
            try:
                quote = await lost_today(self._positions, await self._of(limit), self._clock.now())
            except (Unavailable, OutcomeUnknown) as error:  # nothing is known: the next look may know
                log.warning("day_not_read", scope=limit.scope, key=limit.key, code=error.code)
                continue
            if quote is not None and reached(quote, limit.max_daily_loss_quote):
                day = DayLoss(account_id=account_id, day=today, lost_quote=quote)
                await self._end_day((limit.scope, limit.key), day)

    async def _of(self, limit: OwnLimits) -> list[AccountId]:
        if limit.scope == "account":
            return [AccountId(limit.key)]
        return await self._accounts.of_user(limit.user_id)

    async def _end_day(self, place: tuple[str, str], lost: DayLoss) -> None:
        async with self._db.transaction() as db:
            owner = await store.reach(db, *place, lost.day)
            if owner is not None:
                whose = "The account" if place[0] == "account" else "All accounts together"
                said = (
                    f"{whose} lost {lost.lost_quote:f} since 00:00 UTC, the limit of a day. Nothing opens until 00:00 "
                    "UTC; stops and exits go on. See limits show."
                )
                one = telling.Alarm(
                    subject_id=f"{place[0]}:{place[1]}:{lost.day}",
                    kind=DAY_LOST,
                    message=said,
                    account_id=lost.account_id,
                    user_id=owner,
                )
                await telling.alarm(db, str(self._ids.uuid7()), one, self._clock.now())
        self._accounts.days_lost.pop(place, None)


def _more(before: OwnLimits, request: SetLimits) -> bool:
    """Whether more may be lost than before."""
    if before.max_daily_loss_quote is None or request.max_daily_loss_quote is None:
        return True
    return request.max_daily_loss_quote > before.max_daily_loss_quote
