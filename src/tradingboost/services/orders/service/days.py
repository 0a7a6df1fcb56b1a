"""What was lost since 00:00 UTC, where a person limited it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from tradingboost.core import risk
from tradingboost.core.ids import AccountId
from tradingboost.core.money import ZERO
from tradingboost.services.orders.service.accounts import Accounts, DayLoss
from tradingboost.shared.interfaces.orders import OwnLimits
from tradingboost.shared.interfaces.positions import Positions
from tradingboost.shared.interfaces.users import Account


class Days:
    """Reads the loss of the day for the check of an opening; nothing is asked where nobody set a limit."""

    def __init__(self, positions: Positions, accounts: Accounts) -> None:
        self._positions = positions
        self._accounts = accounts

    async def known(
        self, account: Account, exposure: risk.Exposure, own: Sequence[OwnLimits], now: datetime
    ) -> risk.Exposure:
        """The exposure with what was lost on this day; a limit that is reached is left to the limiter to store."""
        limited = [one for one in own if one.max_daily_loss_quote is not None]
        if any(self._over(one, now) for one in limited):
            return msgspec.structs.replace(exposure, day_over=True)
        lost: dict[str, Decimal | None] = {"account": ZERO, "user": ZERO}
        for one in limited:
            mine = one.scope == "account"
            whose = [account.account_id] if mine else await self._accounts.of_user(account.user_id)
            quote = lost[one.scope] = await lost_today(self._positions, whose, now)
            if quote is not None and risk.reached(quote, one.max_daily_loss_quote):
                found = DayLoss(account_id=account.account_id, day=now.date(), lost_quote=quote)
                self._accounts.days_lost[one.scope, one.key] = found
        return msgspec.structs.replace(exposure, lost_quote=lost["account"], user_lost_quote=lost["user"])

    def _over(self, limit: OwnLimits, now: datetime) -> bool:
        found = self._accounts.days_lost.get((limit.scope, limit.key))
        return now.date() in (limit.reached_on, None if found is None else found.day)


async def lost_today(positions: Positions, accounts: Iterable[AccountId], now: datetime) -> Decimal | None:
    """What accounts lost since 00:00 UTC, negative = gained; None where that of one is not known."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    lost = ZERO
    for account_id in accounts:
        earned = await positions.earned(account_id, midnight)
        if earned is None:
            return None
        lost -= earned
    return lost
