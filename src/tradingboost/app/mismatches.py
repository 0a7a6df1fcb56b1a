"""Differences between our books and the venues, looked at and decided by a person over the bridge."""

from decimal import Decimal

from tradingboost.app.act import accounts_named
from tradingboost.app.reach import Reached, reach
from tradingboost.app.settings import Settings
from tradingboost.core.errors import NotFound
from tradingboost.shared.interfaces.orders import MismatchResolved, ResolveMismatch
from tradingboost.shared.interfaces.positions import MismatchView


async def listed(settings: Settings, account: str, every: bool) -> list[MismatchView]:
    """Those of these accounts that stand open, or all of them, newest first."""
    accounts = await accounts_named(settings, account)
    async with reach(settings) as services:
        found = [one for each in accounts for one in await services.positions.mismatches(each.account_id, every)]
    return sorted(found, key=lambda one: one.opened_at, reverse=True)


async def decided(
    settings: Settings, wanted: str, decision: str, *, reason: str, price: Decimal | None, by: str
) -> MismatchResolved:
    """What a person decided about the one meant by an id or by either end of it, done."""
    async with reach(settings) as services:
        one = await _named(services, wanted)
        request = ResolveMismatch(
            account_id=one.account_id, mismatch_id=one.mismatch_id, decision=decision, reason=reason, price=price
        )
        return await services.orders.resolve_mismatch(request, by)


async def _named(services: Reached, wanted: str) -> MismatchView:
    """The open one meant.

    Raises:
        NotFound: `mismatch_not_found`, also when a part fits several.
    """
    found: list[MismatchView] = []
    for account in await services.users.accounts():
        every = await services.positions.mismatches(account.account_id)
        found += [one for one in every if one.mismatch_id.startswith(wanted) or one.mismatch_id.endswith(wanted)]
    if len(found) != 1:
        how = "is not open" if not found else f"fits {len(found)} of them; give more of it"
        raise NotFound("mismatch_not_found", f"Mismatch {wanted!r} {how}; see: tradingboost mismatches list.")
    return found[0]
