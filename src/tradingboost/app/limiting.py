"""Limits people set for themselves on a platform that runs, looked at and changed over the bridge."""

from decimal import Decimal
from typing import Final

import msgspec

from tradingboost.app.act import accounts_named
from tradingboost.app.reach import reach
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import AccountId, Symbol
from tradingboost.kit.clock import SystemClock
from tradingboost.shared.interfaces.orders import OwnLimits, SetLimits

ANY: Final = "any"


class Limited(msgspec.Struct, frozen=True, kw_only=True):
    """One account with what binds it.

    Args:
        earned_today: in quote since 00:00 UTC, negative = lost; None when a price of something held is not known.
    """

    account_id: AccountId
    label: str
    limits: list[OwnLimits]
    earned_today: Decimal | None


async def shown(settings: Settings, account: str) -> list[Limited]:
    """The limits of these accounts and of their owners, and how the day went so far."""
    accounts = await accounts_named(settings, account)
    midnight = SystemClock().now().replace(hour=0, minute=0, second=0, microsecond=0)
    async with reach(settings) as services:
        return [
            Limited(
                account_id=one.account_id,
                label=one.label,
                limits=await services.orders.limits(one.account_id),
                earned_today=await services.positions.earned(one.account_id, midnight),
            )
            for one in accounts
        ]


async def changed(
    settings: Settings, account: str, scope: str, *, symbols: str, daily_loss: str, by: str
) -> list[Limited]:
    """Change what is named of the limits of an account or its owner, and leave the rest as it is.

    Args:
        symbols: separated by commas, `any`, or nothing for as it is.
        daily_loss: in quote, `any`, or nothing for as it is.

    Raises:
        InvalidInput: `bad_limit`.
    """
    if not symbols and not daily_loss:
        raise InvalidInput("bad_limit", "Nothing is named; give --symbols or --daily-loss, or any for no limit.")
    wanted, loss = _symbols(symbols), _loss(daily_loss)
    accounts = await accounts_named(settings, account)
    async with reach(settings) as services:
        for one in accounts:
            there = await services.orders.limits(one.account_id)
            before = next((limit for limit in there if limit.scope == scope), None)
            wish = SetLimits(
                account_id=one.account_id,
                scope=scope,
                symbols=wanted if symbols else before.symbols if before else None,
                max_daily_loss_quote=loss if daily_loss else before.max_daily_loss_quote if before else None,
            )
            await services.orders.set_limits(wish, by)
    return await shown(settings, account)


def _symbols(text: str) -> list[Symbol] | None:
    return None if text == ANY else [Symbol(one.strip().upper()) for one in text.split(",") if one.strip()]


def _loss(text: str) -> Decimal | None:
    if text in ("", ANY):
        return None
    try:
        return msgspec.convert(text, Decimal, strict=False)
    except msgspec.ValidationError:
        raise InvalidInput("bad_limit", f"The loss of a day is a number or any, not {text!r}.") from None
